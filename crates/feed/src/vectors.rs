//! Vectors of the videos, in two indexes: what they are about, and whom they suit as the learner sees it.
//!
//! The first needs nobody's watching: a video is in it as soon as the catalog has it, on the thread that published it. The second holds the video
//! tower's vectors; [`VectorKeeper`] fills it behind the catalog and follows the learner. Both are derived, in memory, and made anew at
//! start. What to ask them is the sources' business ([`crate::sources`]).
//!
//! | what | figure |
//! |---|---|
//! | memory | about 210 B a video and index, 0.4 GB for a million (docs/benchmarks.md) |
//! | a video published | about 20 µs for the first index; 40 µs for the second, at the next round |
//! | a round of the keeper, four a second | at most [`keeper::ROUND_VIDEOS_MAX`] vectors: about 10 ms of one core |

mod ask;
mod keeper;
#[cfg(test)]
mod tests;

pub(crate) use ask::{Wish, grouped, mean};
pub use keeper::VectorKeeper;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use feature_store::{CatalogObserver, VideoProfile};
use parking_lot::{Condvar, Mutex, RwLock};
use retrieval::vq::{Index, Stats, WIDTH};
use types::{ContentVector, VideoId};

/// Encoders whose vectors are held at once: the one in use, and the one before while videos are encoded anew.
const VERSIONS_MAX: usize = 4;
/// Published videos that wait for their vector at most; the keeper's own walk finds the others.
const FRESH_MAX: usize = 65_536;

/// See the file's header.
#[derive(Default)]
pub struct VideoVectors {
    /// One index an encoder's version: vectors of two encoders say nothing about each other.
    content: RwLock<Vec<(u8, Arc<Index>)>>,
    pub(crate) collaborative: Index,
    fresh: Mutex<VecDeque<VideoId>>,
    news: Condvar,
    spare: ask::Spare,
}

impl VideoVectors {
    /// Two empty indexes.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// How the two stand: content, collaborative.
    pub fn stats(&self) -> (Vec<(u8, Stats)>, Stats) {
        let content = self.content.read().clone();
        let content = content.iter().map(|(version, index)| (*version, index.stats()));
        (content.collect(), self.collaborative.stats())
    }

    /// The index of an encoder's vectors; none when no video has one.
    pub(crate) fn content(&self, version: u8) -> Option<Arc<Index>> {
        let content = self.content.read();
        let found = content.iter().find(|(known, _)| *known == version);
        found.map(|(_, index)| index.clone())
    }

    /// The videos that are most like `vector`, with their cosines, in no order.
    pub fn alike(&self, vector: &ContentVector, count: usize) -> Vec<(VideoId, f32)> {
        let wish = Wish {
            vector: vector.unit(),
            count,
        };
        let index = self.content(vector.version);
        index.map_or_else(Vec::new, |index| self.ask(&index, &[wish]))
    }

    /// The collaborative vector of a video, while it has one.
    pub(crate) fn collaborative_of(&self, video: VideoId) -> Option<[f32; WIDTH]> {
        self.collaborative.vector(video.raw())
    }

    fn content_for(&self, version: u8) -> Option<Arc<Index>> {
        if let Some(index) = self.content(version) {
            return Some(index);
        }
        let mut content = self.content.write();
        match content.iter().find(|(known, _)| *known == version) {
            Some((_, index)) => Some(index.clone()),
            None if content.len() >= VERSIONS_MAX => None,
            None => {
                content.push((version, Arc::default()));
                content.last().map(|(_, index)| index.clone())
            }
        }
    }

    fn describe(&self, video: VideoId, vector: Option<&ContentVector>) {
        let version = vector.map(|vector| vector.version);
        for (known, index) in self.content.read().iter() {
            if Some(*known) != version {
                index.remove(video.raw());
            }
        }
        let Some(vector) = vector else { return };
        match self.content_for(vector.version) {
            Some(index) => index.insert(video.raw(), 0, &vector.unit(), 0.0),
            None => {
                metrics::counter!("riffle_vectors_left_out_total", "reason" => "too_many_encoders")
                    .increment(1);
            }
        }
    }

    /// Published videos since the last call, at most `count_max`, after waiting up to `patience` for one.
    fn fresh_take(&self, count_max: usize, patience: Duration) -> Vec<VideoId> {
        let mut fresh = self.fresh.lock();
        if fresh.is_empty() {
            self.news.wait_for(&mut fresh, patience);
        }
        let count = fresh.len().min(count_max);
        fresh.drain(..count).collect()
    }
}

impl CatalogObserver for VideoVectors {
    fn video_put(&self, profile: &Arc<VideoProfile>) {
        self.describe(profile.video, profile.content.as_deref());
        let mut fresh = self.fresh.lock();
        if fresh.len() < FRESH_MAX {
            fresh.push_back(profile.video);
        } else {
            metrics::counter!("riffle_vectors_left_out_total", "reason" => "too_many_at_once").increment(1);
        }
        drop(fresh);
        self.news.notify_one();
    }

    fn video_removed(&self, video: VideoId) {
        for (_, index) in self.content.read().iter() {
            index.remove(video.raw());
        }
        self.collaborative.remove(video.raw());
    }
}
