//! Published media by signed link: ranges, fixed content types, nothing sniffed, nothing outside what was signed.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, Uri, header};
use blob::{BlobError, BlobKey, BlobReader};
use media::content_type;
use tokio_util::io::ReaderStream;

use crate::error::ApiError;
use crate::parts;

/// Segments never change; playlists grow while the ladder completes.
const IMMUTABLE: &str = "public, max-age=31536000, immutable";
const CHANGING: &str = "public, max-age=2";
const CHUNK_BYTES: usize = 64 * 1024;

pub(crate) async fn media(
    State(rooms): parts::State,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response<Body>, ApiError> {
    let now_ms = rooms.now_ms().max(0) as u64;
    let key = rooms
        .parts
        .signer
        .verify_media(uri.path(), now_ms)
        .map_err(|error| ApiError::new(StatusCode::FORBIDDEN, "bad_signature", error.to_string()))?;
    let kind = content_type(key.as_str()).ok_or_else(|| ApiError::not_found("this file"))?;
    let size = rooms.parts.blobs.head(&key).await.map_err(refusal)?.size_bytes;
    let asked = headers.get(header::RANGE).and_then(|value| value.to_str().ok());
    let range = match asked.map(|text| parse_range(text, size)) {
        None | Some(Asked::Whole) => None,
        Some(Asked::Part(range)) => Some(range),
        Some(Asked::Outside) => return Ok(outside(size)),
    };
    let partial = range.is_some();
    let reader = rooms.parts.blobs.get_range(&key, range).await.map_err(refusal)?;
    Ok(answer(&key, kind, reader, partial))
}

fn refusal(error: BlobError) -> ApiError {
    match error {
        BlobError::NotFound { .. } => ApiError::not_found("this file"),
        other => {
            tracing::error!(
                error = &other as &dyn std::error::Error,
                "media could not be read"
            );
            ApiError::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal",
                "something broke on our side; try again",
            )
        }
    }
}

fn answer(key: &BlobKey, kind: &'static str, reader: BlobReader, partial: bool) -> Response<Body> {
    let (range, size, length) = (reader.range(), reader.size_bytes(), reader.range_bytes());
    let changing = key.as_str().ends_with(".m3u8") || key.as_str().ends_with(".mpd");
    let mut response = Response::new(Body::from_stream(ReaderStream::with_capacity(
        reader,
        CHUNK_BYTES,
    )));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    let lifetime = if changing { CHANGING } else { IMMUTABLE };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(lifetime));
    if partial {
        let text = format!("bytes {}-{}/{size}", range.start, range.end.saturating_sub(1));
        if let Ok(value) = HeaderValue::from_str(&text) {
            headers.insert(header::CONTENT_RANGE, value);
        }
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    response
}

fn outside(size: u64) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::RANGE_NOT_SATISFIABLE;
    if let Ok(value) = HeaderValue::from_str(&format!("bytes */{size}")) {
        response.headers_mut().insert(header::CONTENT_RANGE, value);
    }
    response
}

#[derive(Debug, PartialEq, Eq)]
enum Asked {
    /// No range, or one that we need not honour (RFC 9110, 14.2).
    Whole,
    Part(std::ops::Range<u64>),
    Outside,
}

/// One byte range, end exclusive and within `size`; several ranges are answered with the whole.
fn parse_range(text: &str, size: u64) -> Asked {
    let Some((first, last)) = text.strip_prefix("bytes=").and_then(|spec| spec.split_once('-')) else {
        return Asked::Whole;
    };
    let (start, end) = match (first.trim().parse::<u64>(), last.trim().parse::<u64>()) {
        (Ok(start), Ok(end)) if start <= end => (start, end.saturating_add(1).min(size)),
        (Ok(start), Err(_)) if last.trim().is_empty() => (start, size),
        (Err(_), Ok(suffix)) if first.trim().is_empty() => (size.saturating_sub(suffix), size),
        _ => return Asked::Whole,
    };
    if start >= end {
        Asked::Outside
    } else {
        Asked::Part(start..end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        let check = |text: &str, expect: Asked| assert_eq!(parse_range(text, 100), expect, "{text}");
        check("bytes=0-9", Asked::Part(0..10));
        check("bytes=90-", Asked::Part(90..100));
        check("bytes=-5", Asked::Part(95..100));
        check("bytes=-500", Asked::Part(0..100));
        check("bytes=50-500", Asked::Part(50..100));
        check("bytes=50-18446744073709551615", Asked::Part(50..100));
        check("bytes=100-", Asked::Outside);
        check("bytes=-0", Asked::Outside);
        check("bytes=9-0", Asked::Whole);
        check("bytes=0-1,5-6", Asked::Whole);
        check("lines=0-1", Asked::Whole);
        check("bytes=", Asked::Whole);
    }
}
