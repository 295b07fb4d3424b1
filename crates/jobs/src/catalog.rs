//! Keeps the catalog of published videos, so the feed finds a new one as soon as its record is durable.

use std::sync::Arc;

use event::{Event, VideoChange, topic};
use event_log::{Record, Topic};
use feature_store::{FeatureStore, Flags, VideoProfile, fold, job};
use stream::{Operator, Poisoned};

use crate::decode;

pub struct CatalogJob {
    store: Arc<FeatureStore>,
}

impl CatalogJob {
    pub fn new(store: Arc<FeatureStore>) -> Self {
        Self { store }
    }
}

impl Operator for CatalogJob {
    fn name(&self) -> &'static str {
        job::CATALOG
    }

    fn topics(&self) -> &'static [Topic] {
        &[Topic(topic::VIDEOS)]
    }

    fn process(&mut self, record: &Record) -> Result<(), Poisoned> {
        // Both changes may be repeated without harm, so no outbox mark is kept here.
        match decode(record)? {
            Event::Video(VideoChange::Published {
                video,
                creator,
                published_ms,
                duration_ms,
                hashtags,
                sound,
                category,
                region,
                caption,
                content,
                original,
                ..
            }) => self.store.catalog_put(VideoProfile {
                caption: fold(&format!("{caption} {}", hashtags.join(" "))).into(),
                video,
                creator,
                published_ms,
                duration_ms,
                hashtags: hashtags.into_iter().map(Arc::from).collect(),
                sound,
                category,
                region,
                content,
                original,
            }),
            Event::Video(VideoChange::Described {
                video,
                content,
                original,
                ..
            }) => self.store.catalog_describe(video, content, original),
            Event::Video(VideoChange::Removed { video, .. }) => self.store.catalog_remove(video),
            Event::Video(VideoChange::Flagged {
                video,
                hidden,
                adults_only,
                ..
            }) => {
                let flags = Flags::default()
                    .with(Flags::HIDDEN, hidden)
                    .with(Flags::ADULTS, adults_only);
                self.store.catalog_flag(video, flags);
            }
            _ => {
                return Err(Poisoned {
                    reason: "not_a_video_change",
                });
            }
        }
        Ok(())
    }
}
