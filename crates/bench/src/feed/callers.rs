//! Who the generated viewers are at the door: guests by a signed cookie, accounts by a signed token, made with the keys of the data folder, as
//! the server would have made them. No server is asked, so a million viewers cost nothing before their first request.

use std::path::Path;

use aws_lc_rs::hmac;

use super::world::World;
use crate::BenchError;

/// Bytes of a guest cookie's tag.
const TAG_BYTES: usize = 12;
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/// Longer than any run.
const TOKEN_S: i64 = 86_400;

/// See the file's header.
pub(super) struct Callers {
    guests: hmac::Key,
    tokens: hmac::Key,
    now_s: i64,
}

impl Callers {
    /// Reads the keys of the data folder `data`.
    pub(super) fn new(data: &Path) -> Result<Self, BenchError> {
        let key = |name: &str| {
            let bytes =
                std::fs::read(data.join("secrets").join(name)).map_err(BenchError::io("reading a key"))?;
            Ok(hmac::Key::new(hmac::HMAC_SHA256, &bytes))
        };
        Ok(Self {
            guests: key("guests.key")?,
            tokens: key("tokens.key")?,
            now_s: crate::ingest::now_ms() as i64 / 1_000,
        })
    }

    /// Where nobody has to say who they are.
    pub(super) fn nobody() -> Self {
        let key = || hmac::Key::new(hmac::HMAC_SHA256, &[]);
        Self {
            guests: key(),
            tokens: key(),
            now_s: 0,
        }
    }

    /// The header line that names viewer `number`.
    pub(super) fn header(&self, world: &World, number: u64) -> String {
        let id = world.viewer_id(number);
        if World::has_account(number) {
            return format!("authorization: Bearer {}\r\n", self.token(&id.to_string()));
        }
        let tag = hmac::sign(&self.guests, &id.raw().to_le_bytes());
        let digits: String = tag.as_ref()[..TAG_BYTES]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        format!("cookie: riffle_guest={id}.{digits}\r\n")
    }

    /// A JSON Web Token (RFC 7519, HS256).
    fn token(&self, user: &str) -> String {
        let (iat, exp) = (self.now_s, self.now_s + TOKEN_S);
        let head = base64(br#"{"typ":"JWT","alg":"HS256"}"#);
        let claims = format!(r#"{{"iss":"riffle","sub":"{user}","iat":{iat},"exp":{exp}}}"#);
        let signed = format!("{head}.{}", base64(claims.as_bytes()));
        let tag = hmac::sign(&self.tokens, signed.as_bytes());
        format!("{signed}.{}", base64(tag.as_ref()))
    }
}

/// The alphabet of RFC 4648, section 5, without padding.
fn base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for some in bytes.chunks(3) {
        let number =
            some.iter().fold(0u32, |sum, &byte| sum << 8 | u32::from(byte)) << (8 * (3 - some.len()));
        for digit in 0..=some.len() {
            text.push(char::from(BASE64[(number >> (18 - 6 * digit) & 63) as usize]));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_rfc() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg"),
            ("fo", "Zm8"),
            ("foo", "Zm9v"),
            ("foobar", "Zm9vYmFy"),
            ("?>", "Pz4"),
        ] {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }
}
