//! Sign-up, login, and the life of a session.

use api::{LoginRequest, LogoutRequest, RefreshRequest, RegisterRequest, Session};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use product::Registration;
use serde::de::DeserializeOwned;

use super::Body;
use crate::error::ApiError;
use crate::identity::cookie;
use crate::parts::{self, Rooms};

const REFRESH_COOKIE: &str = "riffle_refresh";
const REFRESH_PATH: &str = "/api/v1/auth";

/// Make an account and sign in.
#[utoipa::path(post, path = "/api/v1/auth/register", tag = "auth", request_body = RegisterRequest,
    responses((status = 201, body = Session), (status = 400, body = api::ErrorBody), (status = 403, description = "too young", body = api::ErrorBody), (status = 409, description = "username taken", body = api::ErrorBody)))]
pub(crate) async fn register(
    State(rooms): parts::State,
    Body(body): Body<RegisterRequest>,
) -> Result<Response, ApiError> {
    let registration = Registration {
        username: body.username,
        password: body.password,
        birth_date: body.birth_date,
        display_name: body.display_name,
    };
    let session = rooms.parts.product.account_register(registration).await?;
    Ok(answer(&rooms, StatusCode::CREATED, session, body.cookie_session))
}

/// Sign in.
#[utoipa::path(post, path = "/api/v1/auth/login", tag = "auth", request_body = LoginRequest,
    responses((status = 200, body = Session), (status = 401, body = api::ErrorBody)))]
pub(crate) async fn login(
    State(rooms): parts::State,
    Body(body): Body<LoginRequest>,
) -> Result<Response, ApiError> {
    let session = rooms
        .parts
        .product
        .account_login(&body.username, &body.password)
        .await?;
    Ok(answer(&rooms, StatusCode::OK, session, body.cookie_session))
}

/// A new access token for a refresh token; the refresh token is replaced, and using an old one again ends the session.
#[utoipa::path(post, path = "/api/v1/auth/refresh", tag = "auth", request_body = RefreshRequest,
    responses((status = 200, body = Session), (status = 401, body = api::ErrorBody)))]
pub(crate) async fn refresh(
    State(rooms): parts::State,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiError> {
    let body: RefreshRequest = optional(&body)?;
    let in_cookie = body.refresh_token.is_none();
    let token = body
        .refresh_token
        .or_else(|| cookie(&headers, REFRESH_COOKIE).map(str::to_owned));
    let token = token.ok_or_else(ApiError::unauthenticated)?;
    match rooms.parts.product.session_refresh(&token).await {
        Ok(session) => Ok(answer(&rooms, StatusCode::OK, session, in_cookie)),
        Err(error) => {
            let mut response = ApiError::from(error).into_response();
            if in_cookie && response.status() == StatusCode::UNAUTHORIZED {
                set_cookie(&rooms, &mut response, "", 0);
            }
            Ok(response)
        }
    }
}

/// End the session.
#[utoipa::path(post, path = "/api/v1/auth/logout", tag = "auth", request_body = LogoutRequest,
    responses((status = 204)))]
pub(crate) async fn logout(
    State(rooms): parts::State,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiError> {
    let body: LogoutRequest = optional(&body)?;
    let token = body
        .refresh_token
        .or_else(|| cookie(&headers, REFRESH_COOKIE).map(str::to_owned));
    if let Some(token) = token {
        rooms.parts.product.session_logout(&token).await?;
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    set_cookie(&rooms, &mut response, "", 0);
    Ok(response)
}

/// An empty body stands for an empty object.
fn optional<T: DeserializeOwned + Default>(body: &Bytes) -> Result<T, ApiError> {
    if body.is_empty() {
        return Ok(T::default());
    }
    serde_json::from_slice(body)
        .map_err(|error| ApiError::new(StatusCode::BAD_REQUEST, "invalid_body", error.to_string()))
}

fn answer(rooms: &Rooms, status: StatusCode, session: product::Session, in_cookie: bool) -> Response {
    let body = Session {
        user_id: session.user,
        username: session.username,
        display_name: session.display_name,
        access_token: session.access_token,
        access_expires_in_s: session.access_expires_in_s,
        refresh_token: (!in_cookie).then(|| session.refresh_token.clone()),
    };
    let mut response = (status, Json(body)).into_response();
    if in_cookie {
        set_cookie(
            rooms,
            &mut response,
            &session.refresh_token,
            session.refresh_expires_in_s,
        );
    }
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn set_cookie(rooms: &Rooms, response: &mut Response, token: &str, age_s: u64) {
    let secure = if rooms.parts.secure_cookies {
        "; Secure"
    } else {
        ""
    };
    let text = format!(
        "{REFRESH_COOKIE}={token}; Path={REFRESH_PATH}; Max-Age={age_s}; HttpOnly; SameSite=Strict{secure}"
    );
    if let Ok(value) = HeaderValue::from_str(&text) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}
