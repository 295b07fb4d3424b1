//! The web client, embedded at build time; without one, a page that says how to build it.

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Response};
use rust_embed::RustEmbed;

use crate::error::ApiError;
use crate::identity::welcome;
use crate::parts;

#[derive(RustEmbed)]
#[folder = "../../web/dist"]
#[allow_missing = true]
struct Dist;

const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; \
     style-src 'self' 'unsafe-inline'; connect-src 'self'; worker-src 'self' blob:; object-src 'none'; base-uri 'none'; \
     frame-ancestors 'none'";

const FALLBACK: &str = "<!doctype html><meta charset=utf-8><title>Riffle</title><style>body{font:16px/1.5 system-ui;\
     margin:15vh auto;max-width:40ch;padding:0 2ch}</style><h1>Riffle is running</h1><p>This binary was built without the web \
     client. Build it with <code>./dev build</code>, or use the API described in <a href=/openapi.json>/openapi.json</a>.";

/// Files by their path; every other page is the client's own to route.
pub(crate) async fn web(State(rooms): parts::State, method: Method, uri: Uri, asked: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    if path.starts_with("api/") || path.starts_with("media/") || path.starts_with("upload/") {
        return ApiError::not_found("this address").into_response();
    }
    if method != Method::GET && method != Method::HEAD {
        return ApiError::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            "only GET works here",
        )
        .into_response();
    }
    if let Some(file) = Dist::get(path).filter(|_| path != "index.html") {
        let hashed = path.starts_with("assets/");
        let lifetime = if hashed {
            "public, max-age=31536000, immutable"
        } else {
            "public, max-age=300"
        };
        let kind = file.metadata.mimetype().to_owned();
        return (
            [
                (header::CONTENT_TYPE, kind),
                (header::CACHE_CONTROL, lifetime.to_owned()),
            ],
            file.data.into_owned(),
        )
            .into_response();
    }
    if path.starts_with("assets/") {
        return ApiError::not_found("this file").into_response();
    }
    let page = match Dist::get("index.html") {
        Some(index) => String::from_utf8_lossy(&index.data).into_owned(),
        None => FALLBACK.to_owned(),
    };
    let mut response = Html(page).into_response();
    welcome(&rooms, &asked, &mut response);
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(CONTENT_SECURITY_POLICY),
    );
    response
}

/// A known address, asked in a way it does not answer.
pub(crate) async fn method_not_allowed() -> ApiError {
    ApiError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "this address does not answer this method; see /openapi.json",
    )
}
