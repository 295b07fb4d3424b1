//! Every error answer: one shape, one status for each kind of fault, the house's own faults logged and not told.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use collector::CollectError;
use event_log::AppendError;
use feed::{ControlError, FeedError};
use media::{UploadError, UploadFault};
use product::{Fault, ProductError};
use serde_json::json;

/// An answer that says no.
#[derive(Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    code: String,
    message: String,
    details: Option<serde_json::Value>,
    retry_after_ms: Option<u64>,
}

impl ApiError {
    pub(crate) fn new(status: StatusCode, code: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            code: code.to_owned(),
            message: message.into(),
            details: None,
            retry_after_ms: None,
        }
    }

    pub(crate) fn unauthenticated() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "unauthenticated",
            "sign in first: this needs an account",
        )
    }

    pub(crate) fn not_found(what: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not_found",
            format!("{what} does not exist"),
        )
    }

    pub(crate) fn invalid(field: &str, message: impl Into<String>) -> Self {
        Self {
            details: Some(json!({ "field": field })),
            ..Self::new(StatusCode::BAD_REQUEST, "invalid", message)
        }
    }

    pub(crate) fn rate_limited(retry_after_ms: u64) -> Self {
        let error = Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "rate_limited",
            "too many requests; wait and try again",
        );
        Self {
            retry_after_ms: Some(retry_after_ms),
            ..error
        }
    }

    /// What is at fault, in a word for a counter: the field, or else the code.
    pub(crate) fn reason(&self) -> &str {
        let field = self
            .details
            .as_ref()
            .and_then(|details| details["field"].as_str());
        field.unwrap_or(&self.code)
    }

    /// Refused before acceptance. The header counts in seconds; a client that can wait less finds milliseconds in the details.
    fn busy(retry_after_ms: u64) -> Self {
        let error = Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "overloaded",
            "too much at once; wait and try again",
        );
        Self {
            details: Some(json!({ "retryAfterMs": retry_after_ms })),
            retry_after_ms: Some(retry_after_ms),
            ..error
        }
    }

    fn internal(error: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(error, "request failed in the house");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "something broke on our side; try again",
        )
    }

    fn unavailable(error: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(error, "request refused, a store is unavailable");
        let answer = Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            "not possible at the moment; send it again",
        );
        Self {
            retry_after_ms: Some(1_000),
            ..answer
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = api::ErrorBody {
            code: self.code,
            message: self.message,
            details: self.details,
        };
        let mut response = (self.status, Json(body)).into_response();
        if let Some(ms) = self.retry_after_ms {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(ms.div_ceil(1_000).max(1)));
        }
        response
    }
}

fn status_of(fault: Fault) -> StatusCode {
    match fault {
        Fault::Input => StatusCode::BAD_REQUEST,
        Fault::Unauthenticated => StatusCode::UNAUTHORIZED,
        Fault::Forbidden => StatusCode::FORBIDDEN,
        Fault::Missing => StatusCode::NOT_FOUND,
        Fault::Conflict => StatusCode::CONFLICT,
        Fault::Busy => StatusCode::SERVICE_UNAVAILABLE,
        Fault::House => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl From<ProductError> for ApiError {
    fn from(error: ProductError) -> Self {
        match error.fault() {
            Fault::House => Self::internal(&error),
            fault => Self {
                details: error.field().map(|field| json!({ "field": field })),
                retry_after_ms: error.retry_after_ms(),
                ..Self::new(status_of(fault), error.code(), error.to_string())
            },
        }
    }
}

impl From<UploadError> for ApiError {
    fn from(error: UploadError) -> Self {
        let status = match error.fault() {
            UploadFault::House => return Self::internal(&error),
            UploadFault::Input => StatusCode::BAD_REQUEST,
            UploadFault::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            UploadFault::Unsupported => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            UploadFault::Forbidden => StatusCode::FORBIDDEN,
            UploadFault::Missing => StatusCode::NOT_FOUND,
            UploadFault::Conflict => StatusCode::CONFLICT,
            UploadFault::Busy => StatusCode::TOO_MANY_REQUESTS,
        };
        let retry_after_ms = (error.fault() == UploadFault::Busy).then_some(1_000);
        let details = error.field().map(|field| json!({ "field": field }));
        Self {
            details,
            retry_after_ms,
            ..Self::new(status, error.code(), error.to_string())
        }
    }
}

impl From<FeedError> for ApiError {
    fn from(error: FeedError) -> Self {
        match error {
            FeedError::Cursor(reason) => {
                Self::new(StatusCode::BAD_REQUEST, "invalid_cursor", reason.to_string())
            }
            FeedError::Count | FeedError::Append => Self::invalid("count", error.to_string()),
            FeedError::Unseen => Self::invalid("unseen", error.to_string()),
            FeedError::Store(error) => Self::internal(&error),
        }
    }
}

impl From<ControlError> for ApiError {
    fn from(error: ControlError) -> Self {
        match error {
            ControlError::TooMany { .. } | ControlError::Word | ControlError::Oneself => {
                Self::new(StatusCode::BAD_REQUEST, "invalid", error.to_string())
            }
            ControlError::Log(AppendError::Overloaded { retry_after_ms }) => Self::busy(retry_after_ms),
            ControlError::Log(_) | ControlError::Read(_) => Self::unavailable(&error),
            ControlError::Store(error) => Self::internal(&error),
        }
    }
}

impl From<CollectError> for ApiError {
    fn from(error: CollectError) -> Self {
        match error {
            CollectError::SessionId => Self::invalid("sessionId", error.to_string()),
            CollectError::TooMany(_) => Self::invalid("events", error.to_string()),
            CollectError::Log(AppendError::Overloaded { retry_after_ms }) => Self::busy(retry_after_ms),
            CollectError::Log(error) => Self::unavailable(&error),
            CollectError::Store(error) => Self::unavailable(&error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_refusal_before_acceptance_says_when_to_come_back() {
        let check = async |retry_after_ms: u64, seconds: &str| {
            let refused = CollectError::Log(AppendError::Overloaded { retry_after_ms });
            let response = ApiError::from(refused).into_response();
            assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
            assert_eq!(
                response.headers()[header::RETRY_AFTER],
                seconds,
                "{retry_after_ms}"
            );
            let body = axum::body::to_bytes(response.into_body(), 1_000)
                .await
                .expect("a body");
            let body: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
            assert_eq!(
                (&body["code"], &body["details"]["retryAfterMs"]),
                (&json!("overloaded"), &json!(retry_after_ms))
            );
        };
        check(1, "1").await;
        check(1_000, "1").await;
        check(1_001, "2").await;
    }
}
