//! Who asks: an account by its access token, or a guest by a signed cookie that this file hands out.
//!
//! A middleware settles it once a request; handlers take [`Viewer`] (anyone) or [`Person`] (an account).

use std::sync::Arc;

use aws_lc_rs::hmac;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use product::Onlooker;
use types::{TimestampMs, UserId, ViewerId};

use crate::error::ApiError;
use crate::parts::Rooms;

const GUEST_COOKIE: &str = "riffle_guest";
const GUEST_COOKIE_AGE_S: u32 = 180 * 86_400;
const TAG_BYTES: usize = 12;
const HEX: &[u8; 16] = b"0123456789abcdef";

/// Anyone who watches.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Viewer {
    pub viewer: ViewerId,
    /// None for a guest.
    pub user: Option<UserId>,
    /// Whether they are known to be of age; no guest is.
    pub is_adult: bool,
}

impl From<Viewer> for Onlooker {
    fn from(viewer: Viewer) -> Self {
        Self {
            user: viewer.user,
            is_adult: viewer.is_adult,
        }
    }
}

/// Someone with an account.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Person(pub UserId);

/// Signs and checks guest cookies.
pub(crate) struct GuestKeys(hmac::Key);

impl GuestKeys {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// The hexadecimal digits of the id's tag.
    fn tag(&self, id: ViewerId) -> [u8; 2 * TAG_BYTES] {
        let tag = hmac::sign(&self.0, &id.raw().to_le_bytes());
        let mut digits = [0; 2 * TAG_BYTES];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(tag.as_ref()) {
            pair[0] = HEX[usize::from(byte >> 4)];
            pair[1] = HEX[usize::from(byte & 15)];
        }
        digits
    }

    fn write(&self, id: ViewerId) -> String {
        format!("{id}.{}", String::from_utf8_lossy(&self.tag(id)))
    }

    fn read(&self, text: &str) -> Option<ViewerId> {
        let (id, tag) = text.split_once('.')?;
        let id: ViewerId = id.parse().ok()?;
        let same = aws_lc_rs::constant_time::verify_slices_are_equal(&self.tag(id), tag.as_bytes());
        same.is_ok().then_some(id)
    }
}

/// The value of one cookie.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(key, value)| (key == name).then_some(value))
}

/// The token a request names; an empty one is one too, because whoever sends it meant to be somebody.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    value
        .strip_prefix("Bearer")
        .filter(|token| token.is_empty() || token.starts_with(' '))
        .map(str::trim)
}

/// Middleware: settles who asks, then whether there is room for one more request of theirs. A token that does not verify
/// is refused rather than treated as a guest, so that a client knows it must refresh.
pub(crate) async fn admit(State(rooms): State<Arc<Rooms>>, mut request: Request, next: Next) -> Response {
    let (viewer, new) = match settle(&rooms, request.headers()) {
        Ok(settled) => settled,
        Err(error) => return error.into_response(),
    };
    if let Err(error) = rooms.limiter.check(&request, viewer.viewer) {
        return error.into_response();
    }
    request.extensions_mut().insert(viewer);
    let mut response = next.run(request).await;
    if new {
        hand_out(&rooms, viewer.viewer, &mut response);
    }
    response
}

/// The caller, and whether it is a guest we have not met.
pub(crate) fn settle(rooms: &Rooms, headers: &HeaderMap) -> Result<(Viewer, bool), ApiError> {
    if let Some(token) = bearer(headers) {
        return Ok((account(rooms, token)?, false));
    }
    let known = known_guest(rooms, headers);
    let viewer = known.unwrap_or_else(|| new_guest(rooms));
    Ok((guest(viewer), known.is_none()))
}

/// Whose an access token is.
pub(crate) fn account(rooms: &Rooms, token: &str) -> Result<Viewer, ApiError> {
    if let Some(viewer) = rooms.tokens.get(token, rooms.now_ms()) {
        return Ok(viewer);
    }
    let access = rooms.parts.product.access_read(token)?;
    let viewer = Viewer {
        viewer: access.user.into(),
        user: Some(access.user),
        is_adult: access.is_adult,
    };
    rooms.tokens.put(token, viewer, access.until_ms);
    Ok(viewer)
}

/// For the first page of the web client: a guest's cookie comes with it, so that the calls which follow, side by side, are
/// all the same guest's.
pub(crate) fn welcome(rooms: &Rooms, headers: &HeaderMap, response: &mut Response) {
    if known_guest(rooms, headers).is_none() {
        hand_out(rooms, new_guest(rooms), response);
    }
}

fn known_guest(rooms: &Rooms, headers: &HeaderMap) -> Option<ViewerId> {
    let text = cookie(headers, GUEST_COOKIE)?;
    if let Some(known) = rooms.cookies.get(text, rooms.now_ms()) {
        return Some(known.viewer);
    }
    let viewer = rooms.guests.read(text)?;
    // A cookie is good as long as the key is.
    rooms.cookies.put(text, guest(viewer), TimestampMs::MAX);
    Some(viewer)
}

fn guest(viewer: ViewerId) -> Viewer {
    Viewer {
        viewer,
        user: None,
        is_adult: false,
    }
}

fn new_guest(rooms: &Rooms) -> ViewerId {
    ViewerId::from_raw(rooms.parts.ids.next(rooms.now_ms()))
}

/// Gives a new guest the cookie to be known by.
pub(crate) fn hand_out(rooms: &Rooms, guest: ViewerId, response: &mut Response) {
    let secure = if rooms.parts.secure_cookies {
        "; Secure"
    } else {
        ""
    };
    let text = format!(
        "{GUEST_COOKIE}={}; Path=/; Max-Age={GUEST_COOKIE_AGE_S}; HttpOnly; SameSite=Lax{secure}",
        rooms.guests.write(guest)
    );
    if let Ok(value) = HeaderValue::from_str(&text) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

impl<S: Sync> FromRequestParts<S> for Viewer {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        parts
            .extensions
            .get::<Self>()
            .copied()
            .ok_or_else(ApiError::unauthenticated)
    }
}

impl<S: Sync> FromRequestParts<S> for Person {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let viewer = Viewer::from_request_parts(parts, state).await?;
        viewer.user.map(Person).ok_or_else(ApiError::unauthenticated)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guest_cookies_hold_and_no_other_text_does() {
        let (keys, others) = (GuestKeys::new(&[1; 32]), GuestKeys::new(&[2; 32]));
        let id = ViewerId::from_raw(77);
        let text = keys.write(id);
        assert_eq!(keys.read(&text), Some(id));
        assert_eq!(others.read(&text), None);
        for bad in [
            "",
            ".",
            "x",
            &text[1..],
            &text[..text.len() - 1],
            &format!("{}.", id),
        ] {
            assert_eq!(keys.read(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn cookies_are_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.append(
            header::COOKIE,
            HeaderValue::from_static("a=1; riffle_guest=x.y; b"),
        );
        assert_eq!(cookie(&headers, GUEST_COOKIE), Some("x.y"));
        assert_eq!(cookie(&headers, "b"), None);
    }
}
