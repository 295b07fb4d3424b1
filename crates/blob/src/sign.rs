//! Signed, expiring URLs: one for a folder of media, one for a part of an upload.
//!
//! HMAC-SHA256, cut to 128 bits, over a text that names the purpose, so a media signature is never an upload grant.
//! Reads no clock and no key file: the caller passes both.

use aws_lc_rs::{constant_time, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::BlobKey;

/// Media links expire on whole hours, so one folder has one link an hour and caches can keep it.
const MEDIA_EXPIRY_STEP_S: u64 = 3600;
const SIGNATURE_BYTES: usize = 16;
const SECRET_BYTES_MIN: usize = 32;
const VIDEO_ID_BYTES_MAX: usize = 32;
/// Longest URL that is looked at, in bytes.
const URL_BYTES_MAX: usize = 1024;

/// The key given to [`UrlSigner::new`] is shorter than 32 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signing key has {bytes} bytes, it needs at least {SECRET_BYTES_MIN}")]
pub struct SecretTooShort {
    /// Its length.
    pub bytes: usize,
}

/// Why a signed URL is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// It was good, and its time is over.
    #[error("the link has expired")]
    Expired,
    /// We did not sign this.
    #[error("the link is not signed by us")]
    Invalid,
    /// It does not have the shape of a signed link.
    #[error("the link is malformed")]
    Malformed,
}

/// What a verified upload URL allows: one PUT of one part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadGrant {
    /// The video the part belongs to, as text.
    pub video_id: String,
    /// Number of the part, from 1.
    pub part_number: u32,
    /// Most bytes the part may have.
    pub bytes_max: u64,
}

/// Signs and verifies; holds the key, prints nothing of it.
#[derive(Debug, Clone)]
pub struct UrlSigner {
    key: hmac::Key,
}

impl UrlSigner {
    /// A signer over key bytes that every process serving the same URLs shares.
    ///
    /// # Errors
    /// [`SecretTooShort`] below 32 bytes.
    pub fn new(secret: &[u8]) -> Result<Self, SecretTooShort> {
        if secret.len() < SECRET_BYTES_MIN {
            return Err(SecretTooShort { bytes: secret.len() });
        }
        Ok(Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, secret),
        })
    }

    /// The root-relative URL `/media/<expiry>.<signature>/<prefix>` that opens everything below a folder.
    ///
    /// The expiry is rounded up to the next whole hour. The signature's first digit says how many segments it covers.
    pub fn sign_prefix(&self, prefix: &BlobKey, expires_ms: u64) -> String {
        let expires_s = expires_ms.div_ceil(1000).div_ceil(MEDIA_EXPIRY_STEP_S) * MEDIA_EXPIRY_STEP_S;
        let expires = base36(expires_s);
        let depth = base36(prefix.depth() as u64);
        let signature = self.signature(&media_text(&expires, prefix));
        format!("/media/{expires}.{depth}{signature}/{prefix}")
    }

    /// The key a media path opens, if we signed a folder above it and its time is not over.
    ///
    /// # Errors
    /// [`SignatureError`]; `Expired` is only said of a link that we signed.
    pub fn verify_media(&self, path: &str, now_ms: u64) -> Result<BlobKey, SignatureError> {
        let (expires, depth, signature, key) = split_media(path).ok_or(SignatureError::Malformed)?;
        let key = BlobKey::parse(key).map_err(|_| SignatureError::Malformed)?;
        let prefix = key.ancestor(depth).ok_or(SignatureError::Malformed)?;
        self.check(&media_text(expires, &prefix), signature)?;
        not_expired(expires, now_ms)?;
        Ok(key)
    }

    /// The root-relative URL that takes one PUT of one part of at most `bytes_max` bytes.
    ///
    /// `video_id` is the id as it is printed everywhere (lower-case letters and digits).
    pub fn sign_upload(&self, video_id: &str, part_number: u32, bytes_max: u64, expires_ms: u64) -> String {
        let path = upload_text(
            video_id,
            part_number,
            bytes_max,
            &base36(expires_ms.div_ceil(1000)),
        );
        let signature = self.signature(&path);
        format!("{path}&sig={signature}")
    }

    /// What an upload URL (path and query) allows now.
    ///
    /// # Errors
    /// [`SignatureError`]; `Expired` is only said of a link that we signed.
    pub fn verify_upload(&self, path_and_query: &str, now_ms: u64) -> Result<UploadGrant, SignatureError> {
        let (signed, signature) = path_and_query
            .rsplit_once("&sig=")
            .ok_or(SignatureError::Malformed)?;
        let (grant, expires) = split_upload(signed).ok_or(SignatureError::Malformed)?;
        self.check(signed, signature)?;
        not_expired(expires, now_ms)?;
        Ok(grant)
    }

    fn tag(&self, text: &str) -> [u8; SIGNATURE_BYTES] {
        let full = hmac::sign(&self.key, text.as_bytes());
        let mut cut = [0; SIGNATURE_BYTES];
        cut.copy_from_slice(&full.as_ref()[..SIGNATURE_BYTES]);
        cut
    }

    fn signature(&self, text: &str) -> String {
        URL_SAFE_NO_PAD.encode(self.tag(text))
    }

    fn check(&self, text: &str, signature: &str) -> Result<(), SignatureError> {
        let given = URL_SAFE_NO_PAD
            .decode(signature)
            .map_err(|_| SignatureError::Malformed)?;
        constant_time::verify_slices_are_equal(&self.tag(text), &given).map_err(|_| SignatureError::Invalid)
    }
}

fn media_text(expires: &str, prefix: &BlobKey) -> String {
    format!("media\n{expires}\n{prefix}")
}

fn upload_text(video_id: &str, part_number: u32, bytes_max: u64, expires: &str) -> String {
    format!("/upload/{video_id}/{part_number}?max={bytes_max}&exp={expires}")
}

fn split_media(path: &str) -> Option<(&str, usize, &str, &str)> {
    let rest = bounded(path)?.strip_prefix("/media/")?;
    let (token, key) = rest.split_once('/')?;
    let (expires, signature) = token.split_once('.')?;
    let depth = signature.chars().next()?.to_digit(36)?;
    Some((expires, depth as usize, &signature[1..], key))
}

fn split_upload(signed: &str) -> Option<(UploadGrant, &str)> {
    let rest = bounded(signed)?.strip_prefix("/upload/")?;
    let (path, query) = rest.split_once('?')?;
    let (video_id, part_number) = path.split_once('/')?;
    let (bytes_max, expires) = query.strip_prefix("max=")?.split_once("&exp=")?;
    let grant = UploadGrant {
        video_id: video_id_text(video_id)?.to_owned(),
        part_number: part_number.parse().ok()?,
        bytes_max: bytes_max.parse().ok()?,
    };
    Some((grant, expires))
}

fn bounded(url: &str) -> Option<&str> {
    (url.len() <= URL_BYTES_MAX && url.is_ascii()).then_some(url)
}

fn video_id_text(text: &str) -> Option<&str> {
    let plain = text
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    (plain && (1..=VIDEO_ID_BYTES_MAX).contains(&text.len())).then_some(text)
}

fn not_expired(expires: &str, now_ms: u64) -> Result<(), SignatureError> {
    let expires_s = u64::from_str_radix(expires, 36).map_err(|_| SignatureError::Malformed)?;
    if now_ms >= expires_s.saturating_mul(1000) {
        return Err(SignatureError::Expired);
    }
    Ok(())
}

fn base36(mut value: u64) -> String {
    let mut digits = Vec::new();
    loop {
        digits.push(char::from_digit((value % 36) as u32, 36).unwrap_or('0'));
        value /= 36;
        if value == 0 {
            break;
        }
    }
    digits.iter().rev().collect()
}
