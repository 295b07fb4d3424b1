//! A blocking client of the public API with bounded retries.
//!
//! It knows requests, not videos: what to upload and when is decided elsewhere. Plain HTTP only; a server behind TLS
//! is reached through its proxy's inner address.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use api::ErrorBody;
use serde::Serialize;
use serde::de::DeserializeOwned;
use ureq::http;

use crate::ImportError;

/// How often one request is tried in all.
const ATTEMPTS_MAX: u32 = 6;
const BACKOFF_MS_FIRST: u64 = 200;
const BACKOFF_MS_MAX: u64 = 10_000;
/// One part of some megabytes on a slow uplink.
const REQUEST_SECONDS_MAX: u64 = 300;
const ANSWER_BYTES_MAX: u64 = 16 << 20;

/// See the file's header. Cheap to share between threads.
#[derive(Debug)]
pub(crate) struct Client {
    agent: ureq::Agent,
    /// `http://host:port`, without a slash at the end.
    origin: String,
    token: Mutex<Option<String>>,
}

/// One answered request.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) etag: String,
    retry_after: Option<Duration>,
    body: Vec<u8>,
}

impl Answer {
    fn is_worth_a_retry(&self) -> bool {
        matches!(self.status, 408 | 429 | 500 | 502 | 503 | 504)
    }

    /// The typed body of a success, or the server's own words.
    fn read<T: DeserializeOwned>(&self, what: &str) -> Result<T, ImportError> {
        if !(200..300).contains(&self.status) {
            return Err(self.refusal(what));
        }
        serde_json::from_slice(&self.body).map_err(|source| ImportError::Answer {
            what: what.to_owned(),
            source,
        })
    }

    fn refusal(&self, what: &str) -> ImportError {
        let (code, message) = match serde_json::from_slice::<ErrorBody>(&self.body) {
            Ok(error) => (error.code, error.message),
            Err(_) => (
                "unknown".to_owned(),
                String::from_utf8_lossy(&self.body).chars().take(200).collect(),
            ),
        };
        ImportError::Refused {
            what: what.to_owned(),
            status: self.status,
            code,
            message,
        }
    }
}

impl Client {
    /// A client of the server at `url`, for example `http://127.0.0.1:8080`.
    pub(crate) fn new(url: &str) -> Result<Self, ImportError> {
        let refuse = || ImportError::ServerUrl { url: url.to_owned() };
        let uri: http::Uri = url.parse().map_err(|_| refuse())?;
        let authority = uri.authority().ok_or_else(refuse)?;
        if uri.scheme_str() != Some("http") || !matches!(uri.path(), "" | "/") {
            return Err(refuse());
        }
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .timeout_global(Some(Duration::from_secs(REQUEST_SECONDS_MAX)))
            .build();
        let agent = ureq::Agent::new_with_config(config);
        Ok(Self {
            agent,
            origin: format!("http://{authority}"),
            token: Mutex::default(),
        })
    }

    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// Uses `token` for the requests that follow.
    pub(crate) fn token_set(&self, token: String) {
        *self.token.lock().unwrap_or_else(PoisonError::into_inner) = Some(token);
    }

    pub(crate) fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ImportError> {
        self.send("GET", path, None, b"")?.read(&format!("GET {path}"))
    }

    pub(crate) fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ImportError> {
        let what = format!("POST {path}");
        let body = serde_json::to_vec(body).map_err(|source| ImportError::Answer {
            what: what.clone(),
            source,
        })?;
        self.send("POST", path, Some("application/json"), &body)?
            .read(&what)
    }

    /// PUTs one part to its signed link; returns its ETag.
    pub(crate) fn put_part(&self, link: &str, bytes: &[u8]) -> Result<String, ImportError> {
        let answer = self.send("PUT", link, Some("application/octet-stream"), bytes)?;
        if answer.status != 200 || answer.etag.is_empty() {
            return Err(answer.refusal("PUT of a part"));
        }
        Ok(answer.etag)
    }

    /// Sends until there is an answer that another try would not change, at most [`ATTEMPTS_MAX`] times.
    fn send(&self, method: &str, path: &str, kind: Option<&str>, body: &[u8]) -> Result<Answer, ImportError> {
        let mut attempt = 1;
        loop {
            let outcome = self.send_once(method, path, kind, body);
            let wait = match &outcome {
                Ok(answer) if !answer.is_worth_a_retry() => return outcome,
                Ok(answer) => answer.retry_after,
                Err(_) => None,
            };
            if attempt == ATTEMPTS_MAX {
                return outcome;
            }
            std::thread::sleep(
                wait.unwrap_or_else(|| backoff(attempt))
                    .min(Duration::from_millis(BACKOFF_MS_MAX)),
            );
            attempt += 1;
        }
    }

    fn send_once(
        &self,
        method: &str,
        path: &str,
        kind: Option<&str>,
        body: &[u8],
    ) -> Result<Answer, ImportError> {
        let what = format!("{method} {}{path}", self.origin);
        let unreachable = |source| ImportError::Unreachable {
            what: what.clone(),
            source: Box::new(source),
        };
        let mut request = http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.origin));
        if let Some(kind) = kind {
            request = request.header("content-type", kind);
        }
        // Part links are signed and need no token; it is not sent where it is not needed.
        let token = self.token.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(token) = token.filter(|_| path.starts_with("/api/")) {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let request = request
            .body(body)
            .map_err(|error| unreachable(ureq::Error::Http(error)))?;
        let mut response = self.agent.run(request).map_err(unreachable)?;
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
        let retry_after = header("retry-after")
            .and_then(|text| text.parse().ok())
            .map(Duration::from_secs);
        let etag = header("etag").unwrap_or_default().to_owned();
        let status = response.status().as_u16();
        let body = response
            .body_mut()
            .with_config()
            .limit(ANSWER_BYTES_MAX)
            .read_to_vec()
            .map_err(unreachable)?;
        Ok(Answer {
            status,
            etag,
            retry_after,
            body,
        })
    }
}

/// Doubles with each attempt, counted from 1.
fn backoff(attempt: u32) -> Duration {
    Duration::from_millis(BACKOFF_MS_FIRST << (attempt - 1).min(10))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_address_is_http_host_and_port() {
        let check = |url: &str, expect: Option<&str>| {
            assert_eq!(
                Client::new(url).ok().as_ref().map(Client::origin),
                expect,
                "{url}"
            );
        };
        check("http://127.0.0.1:8080", Some("http://127.0.0.1:8080"));
        check("http://localhost:8080/", Some("http://localhost:8080"));
        check("http://[::1]:8080", Some("http://[::1]:8080"));
        check("https://example.org", None);
        check("http://example.org/path", None);
        check("127.0.0.1:8080", None);
        check("", None);
    }

    #[test]
    fn backoff_doubles_and_is_bounded() {
        let total: Duration = (1..ATTEMPTS_MAX).map(backoff).sum();
        assert_eq!(backoff(1), Duration::from_millis(BACKOFF_MS_FIRST));
        assert_eq!(backoff(3), Duration::from_millis(BACKOFF_MS_FIRST * 4));
        assert!(total < Duration::from_millis(BACKOFF_MS_MAX), "{total:?}");
    }
}
