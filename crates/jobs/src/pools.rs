//! How far each video has come on the traffic ladder, counted from what was served and what became of it. A view of the feature store.
//! What follows from the counts is decided by [`Ladder`], which writes its decisions to the log; they come back here and count from then on. So the
//! state is a function of the log alone, whatever the order in which topics and partitions are read: counts add up, and the steps of one video are of one partition.
//!
//! Why decisions are records, and why a share counts as one more trial, stands in `docs/adr/0015-traffic-pools.md`.
//!
//! Back of the envelope:
//!
//! | what | figure |
//! |---|---|
//! | memory | 250 B a video, all of them: 250 MB for a million |
//! | CPU | 3 µs an example to decode, 0.3 µs to count |
//! | disk | 40 B a video touched, twice a second |
//! | the ladder, a round | 0.3 µs a video in a pool, 1 µs a video decided on; at most a twentieth of a core |

mod ladder;
mod posterior;

use std::sync::Arc;

use event::{Event, Example, ExampleKind, Label, VideoChange, topic};
use event_log::{Record, Topic};
use feature_store::{FeatureStore, POOL_SIZES, PoolCounts, PoolProfile, PoolRow, job};
use stream::{Operator, Poisoned};
use types::DurationMs;

use crate::decode;

pub use ladder::Ladder;

/// See the file's header.
pub struct PoolsJob {
    store: Arc<FeatureStore>,
}

impl PoolsJob {
    pub fn new(store: Arc<FeatureStore>) -> Self {
        Self { store }
    }

    fn example(&self, example: &Example, heard_ms: i64) {
        let counts = counts_of(example);
        if counts == PoolCounts::default() {
            return;
        }
        self.store.pool_update(example.item.video, |row| {
            let before = row.counts.impressions;
            row.counts.add(counts);
            time_to_full(row, before, heard_ms);
        });
    }
}

/// What an example adds. A missing outcome is an impression and no trial.
fn counts_of(example: &Example) -> PoolCounts {
    let shown = matches!(example.kind, ExampleKind::Watched | ExampleKind::Lost);
    let watch = example
        .watch
        .filter(|_| !matches!(example.kind, ExampleKind::Changed(_)));
    let went_well = watch.is_some_and(|watch| watch.is_long_view(example.item.duration_ms));
    // A share speaks for itself, also of a video that was left early: one more trial that went well.
    let shares = match (example.label(Label::Share), example.corrects.has(Label::Share)) {
        (Some(true), _) => 1,
        (Some(false), true) => -1,
        _ => 0,
    };
    PoolCounts {
        impressions: i64::from(shown),
        trials: i64::from(watch.is_some()) + shares,
        successes: i64::from(went_well) + shares,
    }
}

/// Tells how long a video took to the end of its first pool, once.
fn time_to_full(row: &PoolRow, before: i64, heard_ms: i64) {
    let size = POOL_SIZES[0] as i64;
    if let Some(published) = row
        .published
        .filter(|_| before < size && row.counts.impressions >= size)
    {
        let took_ms: DurationMs = (heard_ms - published.published_ms).max(0);
        metrics::histogram!("riffle_pools_first_full_seconds").record(took_ms as f64 / 1e3);
    }
}

impl Operator for PoolsJob {
    fn name(&self) -> &'static str {
        job::POOLS
    }

    fn topics(&self) -> &'static [Topic] {
        &[Topic(topic::VIDEOS), Topic(topic::EXAMPLES), Topic(topic::POOLS)]
    }

    fn process(&mut self, record: &Record) -> Result<(), Poisoned> {
        match decode(record)? {
            Event::Example(example) => self.example(&example, record.at_ms),
            Event::Video(VideoChange::Published {
                video,
                creator,
                published_ms,
                duration_ms,
                ..
            }) => self.store.pool_update(video, |row| {
                row.published = Some(PoolProfile {
                    creator,
                    published_ms,
                    duration_ms,
                });
            }),
            Event::Video(VideoChange::Removed { video, .. }) => {
                self.store.pool_update(video, |row| row.removed = true);
            }
            // Neither changes what a video is owed; who may see it is asked when it is shown.
            Event::Video(VideoChange::Described { .. } | VideoChange::Flagged { .. }) => {}
            Event::Pool(change) => {
                if !self.store.pool_update(change.video, |row| row.step(&change)) {
                    metrics::counter!("riffle_jobs_duplicates_total", "job" => job::POOLS).increment(1);
                }
            }
            _ => {
                return Err(Poisoned {
                    reason: "not_of_a_video",
                });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
