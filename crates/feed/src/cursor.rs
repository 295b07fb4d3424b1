//! The signed place in a feed: whose, which sitting, which page, after which video. Not secret, but not forgeable.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use types::{TimestampMs, VideoId, ViewerId};

const VERSION: u8 = 1;
const TAG_BYTES: usize = 16;
const BODY_BYTES: usize = 34;
/// An older cursor starts a new sitting.
const AGE_MS_MAX: i64 = 24 * 3_600_000;

/// Why a text is not a cursor for this request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CursorError {
    #[error("the cursor does not read; ask for the first page without one")]
    Malformed,
    #[error(
        "the cursor was not made by this server, or belongs to someone else; ask for the first page without one"
    )]
    Forged,
    #[error("the cursor is too old; ask for the first page without one")]
    Expired,
}

/// Which feed a cursor belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FeedKind {
    ForYou = 1,
    Following = 2,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub kind: FeedKind,
    pub viewer: ViewerId,
    /// For You: when the sitting began. Following: when the last video was published.
    pub at_ms: TimestampMs,
    /// Pages given so far.
    pub page: u64,
    pub last: VideoId,
}

/// Signs and checks cursors.
pub(crate) struct Cursors(hmac::Key);

impl Cursors {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    pub(crate) fn write(&self, cursor: &Cursor) -> String {
        let mut bytes = Vec::with_capacity(BODY_BYTES + TAG_BYTES);
        bytes.extend([VERSION, cursor.kind as u8]);
        for value in [
            cursor.viewer.raw(),
            cursor.at_ms as u64,
            cursor.page,
            cursor.last.raw(),
        ] {
            bytes.extend_from_slice(&value.to_le_bytes());
        }
        let tag = hmac::sign(&self.0, &bytes);
        bytes.extend_from_slice(&tag.as_ref()[..TAG_BYTES]);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    pub(crate) fn read(&self, text: &str, kind: FeedKind, viewer: ViewerId) -> Result<Cursor, CursorError> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| CursorError::Malformed)?;
        let (body, tag) = bytes.split_at_checked(BODY_BYTES).ok_or(CursorError::Malformed)?;
        let expect = hmac::sign(&self.0, body);
        aws_lc_rs::constant_time::verify_slices_are_equal(&expect.as_ref()[..TAG_BYTES], tag)
            .map_err(|_| CursorError::Forged)?;
        let word = |at: usize| {
            body.get(2 + at * 8..)
                .and_then(|rest| rest.first_chunk::<8>())
                .map(|b| u64::from_le_bytes(*b))
        };
        let (Some(whose), Some(at), Some(page), Some(last)) = (word(0), word(1), word(2), word(3)) else {
            return Err(CursorError::Malformed);
        };
        if body[..2] != [VERSION, kind as u8] || whose != viewer.raw() {
            return Err(CursorError::Forged);
        }
        Ok(Cursor {
            kind,
            viewer,
            at_ms: at as i64,
            page,
            last: VideoId::from_raw(last),
        })
    }

    /// For You only: a sitting ends after a day.
    pub(crate) fn read_sitting(
        &self,
        text: &str,
        viewer: ViewerId,
        now_ms: TimestampMs,
    ) -> Result<Cursor, CursorError> {
        let cursor = self.read(text, FeedKind::ForYou, viewer)?;
        if now_ms - cursor.at_ms > AGE_MS_MAX {
            Err(CursorError::Expired)
        } else {
            Ok(cursor)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_MS: i64 = 3_600_000;

    #[test]
    fn cursors_hold_for_their_viewer_and_feed_only() {
        let cursors = Cursors::new(&[7; 32]);
        let (mine, yours) = (ViewerId::from_raw(1), ViewerId::from_raw(2));
        let cursor = Cursor {
            kind: FeedKind::ForYou,
            viewer: mine,
            at_ms: HOUR_MS,
            page: 3,
            last: VideoId::from_raw(9),
        };
        let text = cursors.write(&cursor);
        assert_eq!(cursors.read_sitting(&text, mine, 2 * HOUR_MS), Ok(cursor));
        assert_eq!(
            cursors.read_sitting(&text, yours, 2 * HOUR_MS),
            Err(CursorError::Forged)
        );
        assert_eq!(
            cursors.read(&text, FeedKind::Following, mine),
            Err(CursorError::Forged)
        );
        assert_eq!(
            cursors.read_sitting(&text, mine, 26 * HOUR_MS),
            Err(CursorError::Expired)
        );
        assert_eq!(
            Cursors::new(&[8; 32]).read(&text, FeedKind::ForYou, mine),
            Err(CursorError::Forged)
        );
        assert_eq!(
            cursors.read("no cursor!", FeedKind::ForYou, mine),
            Err(CursorError::Malformed)
        );
    }

    #[test]
    fn no_changed_byte_passes() {
        let cursors = Cursors::new(&[7; 32]);
        let viewer = ViewerId::from_raw(1);
        let cursor = Cursor {
            kind: FeedKind::ForYou,
            viewer,
            at_ms: 5,
            page: 0,
            last: VideoId::from_raw(9),
        };
        let bytes = URL_SAFE_NO_PAD
            .decode(cursors.write(&cursor))
            .expect("our own text decodes");
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            let text = URL_SAFE_NO_PAD.encode(changed);
            assert_eq!(
                cursors.read(&text, FeedKind::ForYou, viewer),
                Err(CursorError::Forged),
                "byte {at}"
            );
        }
    }
}
