//! Those who follow the catalog as it changes: an index of what the videos are about, for example.

use std::sync::Arc;

use types::VideoId;

use crate::catalog::VideoProfile;

/// Told of each change after the catalog has it, on the thread that made it; several threads may tell at once. Quick: whoever changed the catalog waits.
pub trait CatalogObserver: Send + Sync {
    /// A video was published, or something of its profile changed.
    fn video_put(&self, profile: &Arc<VideoProfile>);
    /// A video is gone.
    fn video_removed(&self, video: VideoId);
}
