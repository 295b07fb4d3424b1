//! An operator's session with a running server, for commands that ask it about itself. The password is given, never kept.

use api::{LoginRequest, Session};
use serde::de::DeserializeOwned;

use crate::ImportError;
use crate::client::Client;

/// See the file's header.
#[derive(Debug)]
pub struct Operator(Client);

impl Operator {
    /// Signs in at the server of `url`, for example `http://127.0.0.1:8080`.
    ///
    /// # Errors
    /// The server does not answer, or refuses.
    pub fn sign_in(url: &str, username: &str, password: &str) -> Result<Self, ImportError> {
        let client = Client::new(url)?;
        let request = LoginRequest {
            username: username.to_owned(),
            password: password.to_owned(),
            cookie_session: false,
        };
        let session: Session = client.post("/api/v1/auth/login", &request)?;
        client.token_set(session.access_token);
        Ok(Self(client))
    }

    /// GETs what `path` names; what is put into it must be percent-encoded.
    ///
    /// # Errors
    /// As above.
    pub fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ImportError> {
        self.0.get(path)
    }
}

/// Percent-encodes a part of an address: everything but letters, digits, `-`, `.`, `_` and `~` (RFC 3986).
pub fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_change_an_address_is_encoded() {
        assert_eq!(encoded("a.b_c-d~9"), "a.b_c-d~9");
        assert_eq!(encoded("a b&c=é"), "a%20b%26c%3D%C3%A9");
    }
}
