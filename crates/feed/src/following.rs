//! Following: the followed creators' videos, newest first. Chronological, nothing scored, nothing hidden for having been seen. Whether a page comes from the viewer's
//! inbox or from the creators is the feature store's part.

use std::sync::Arc;

use feature_store::FeatureStore;
use types::{UserId, VideoId, ViewerId};

use crate::catch_up::CatchUp;
use crate::cursor::{Cursor, Cursors, FeedKind};
use crate::for_you::{FeedError, FeedParts, checked_count};

/// One page.
#[derive(Debug)]
pub struct FollowingPage {
    pub videos: Vec<VideoId>,
    pub cursor: Option<String>,
}

/// See the file's header.
pub struct Following {
    store: Arc<FeatureStore>,
    catch_up: CatchUp,
    cursors: Cursors,
}

impl Following {
    pub fn new(parts: &FeedParts) -> Self {
        Self {
            store: parts.store.clone(),
            catch_up: CatchUp {
                log: parts.log.clone(),
                store: parts.store.clone(),
            },
            cursors: Cursors::new(&parts.cursor_key),
        }
    }

    /// A page of at most `count` videos after `cursor`.
    pub async fn page(
        &self,
        viewer: UserId,
        cursor: Option<&str>,
        count: Option<usize>,
    ) -> Result<FollowingPage, FeedError> {
        let viewer = ViewerId::from(viewer);
        let count = checked_count(count)?;
        let before = cursor
            .map(|text| self.cursors.read(text, FeedKind::Following, viewer))
            .transpose()?
            .map(|cursor| (cursor.at_ms, cursor.last));
        self.catch_up.wait(viewer).await;
        let mut found = self.store.followed_newest(viewer, before, count + 1)?;
        let more = found.len() > count;
        found.truncate(count);
        let next = found.last().filter(|_| more).map(|last| Cursor {
            kind: FeedKind::Following,
            viewer,
            at_ms: last.published_ms,
            page: 0,
            last: last.video,
        });
        // After the cursor was made: a page may be short, but none is skipped.
        let wishes = self.store.viewer_read(viewer, |state| state.wishes.clone())?;
        found.retain(|profile| wishes.refuses(profile.creator).is_none());
        Ok(FollowingPage {
            videos: found.iter().map(|profile| profile.video).collect(),
            cursor: next.map(|cursor| self.cursors.write(&cursor)),
        })
    }
}
