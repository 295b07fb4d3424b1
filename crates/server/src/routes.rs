//! The endpoints, one file a noun. Each handler converts in, calls one room, converts out.

pub(crate) mod admin;
pub(crate) mod auth;
pub(crate) mod comments;
pub(crate) mod config;
pub(crate) mod control;
pub(crate) mod distribution;
pub(crate) mod engagement;
pub(crate) mod events;
pub(crate) mod feed;
pub(crate) mod media;
pub(crate) mod ops;
pub(crate) mod trending;
pub(crate) mod uploads;
pub(crate) mod users;
pub(crate) mod videos;

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use product::PageRequest;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::error::ApiError;

/// `?cursor&count` of every list.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
pub(crate) struct PageQuery {
    /// From the page before; absent for the first.
    pub cursor: Option<String>,
    /// Items at most.
    pub count: Option<u32>,
}

impl From<PageQuery> for PageRequest {
    fn from(query: PageQuery) -> Self {
        Self {
            cursor: query.cursor,
            count: query.count,
        }
    }
}

/// A JSON body whose refusal has our error shape.
pub(crate) struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        Json::from_request(request, state)
            .await
            .map(|Json(body)| Self(body))
            .map_err(|no: JsonRejection| ApiError::new(no.status(), "invalid_body", no.body_text()))
    }
}

/// Query parameters whose refusal has our error shape.
pub(crate) struct Asked<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        Query::from_request_parts(parts, state)
            .await
            .map(|Query(asked)| Self(asked))
            .map_err(|no: QueryRejection| ApiError::new(no.status(), "invalid_query", no.body_text()))
    }
}

/// A path parameter; one that does not read names nothing that exists.
pub(crate) struct Named<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Named<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        Path::from_request_parts(parts, state)
            .await
            .map(|Path(named)| Self(named))
            .map_err(|_: PathRejection| ApiError::not_found("what this address names"))
    }
}
