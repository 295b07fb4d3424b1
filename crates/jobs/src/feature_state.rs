//! Counts what became of each impression, for the features that the model reads. A view whose store is memory, with checkpoints.
//!
//! It reads the joined examples, so an outcome counts milliseconds after the swipe. Who, what, where and when are taken from the ids
//! that were logged when the item was served ([`facts`]): the state is a function of the `examples` topic and of nothing else, and
//! counts under the very keys that extraction reads. Items without ids were served before there were features; they are passed over.
//!
//! Within a partition the order is the log's, and across partitions that of reading: sums of counts that faded at other moments may
//! differ in their last bits from one run to another. Nothing depends on those bits: a row is logged as it was served, and learned from
//! as logged.
//!
//! Back of the envelope, at the default bounds:
//!
//! | what | figure |
//! |---|---|
//! | memory | 65 k things of 152 B, 500 k pairs of 48 B, 8 k viewers of up to 4.4 kB: about 90 MB when full; some MB on a fresh install |
//! | CPU | 3 µs an example to count, 3 µs to decode |
//! | CPU, checkpoint | 50 ms for 50 MB, readers go on |
//! | disk, network | the whole state, once a minute when anything changed |
//! | replay | a minute of examples |

mod facts;
mod snapshots;
#[cfg(test)]
mod tests;

use event::{Event, Example, ExampleKind, Label, topic};
use event_log::{Record, Topic};
use feature::Impression;
use feature_store::{LiveFeatures, job};
use stream::{Operator, Poisoned};

use crate::decode;
use facts::{Facts, outcome_of};

pub use snapshots::{SnapshotParts, Snapshots};

/// See the file's header.
pub struct FeatureStateJob {
    live: LiveFeatures,
}

impl FeatureStateJob {
    /// Writes to `live`, which nobody else writes to but [`Snapshots`] when they are opened.
    pub fn new(live: LiveFeatures) -> Self {
        Self { live }
    }

    fn example(&self, example: &Example) {
        let Some(facts) = Facts::of(example) else {
            metrics::counter!("riffle_jobs_dropped_total", "job" => job::FEATURE_STATE, "reason" => "no_ids")
                .increment(1);
            return;
        };
        let (viewer, video, context) = (&facts.viewer, &facts.video, &facts.context);
        match example.kind {
            ExampleKind::Watched | ExampleKind::Recovered => {
                let Some(outcome) = outcome_of(example) else {
                    return;
                };
                let impression = Impression {
                    viewer,
                    video,
                    context,
                    timed: true,
                    outcome,
                };
                self.live.write(|state| state.observe(&impression));
            }
            // A like of an impression that was given up corrects nothing: that impression was never counted.
            ExampleKind::Changed(_) if example.corrects.has(Label::Like) => {
                let yes = example.yes.has(Label::Like);
                self.live
                    .write(|state| state.amend_like(viewer, video, context, yes));
            }
            ExampleKind::Changed(_) | ExampleKind::Lost => {}
        }
    }
}

impl Operator for FeatureStateJob {
    fn name(&self) -> &'static str {
        job::FEATURE_STATE
    }

    fn topics(&self) -> &'static [Topic] {
        &[Topic(topic::EXAMPLES)]
    }

    fn process(&mut self, record: &Record) -> Result<(), Poisoned> {
        match decode(record)? {
            Event::Example(example) => {
                self.example(&example);
                Ok(())
            }
            _ => Err(Poisoned {
                reason: "not_an_example",
            }),
        }
    }
}
