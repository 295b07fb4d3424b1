//! Stream jobs, one file each: what the log's records mean for the feature store, and for training.
//!
//! `catalog`, `user_history` and `pools` are views of the feature store, each a [`stream::Operator`]: their state is there, and is committed
//! together with their offsets. `activity` is a [`stream::keyed::Job`]: it keeps its state in checkpoints of its own and hands
//! absolute rows to a sink; so does `joiner`, whose rows are records of the log. `feature_state` is a view in memory that keeps whole
//! checkpoints of itself. Either way a record counts once, whatever happens in between. No job talks to another, to SQL, or to a
//! client.
//!
//! Cost: a watch takes about 4 µs in `user_history`, 2 to 3 µs in `activity` (one core each, state in memory), so a job
//! keeps up with some 200 k events/s; it reads the log's tail from memory.

pub mod activity;
mod catalog;
pub mod feature_state;
#[doc(hidden)]
pub mod golden;
pub mod joiner;
pub mod pools;
mod user_history;

pub use activity::{ActivityJob, ActivitySink};
pub use catalog::CatalogJob;
pub use feature_state::{FeatureStateJob, SnapshotParts, Snapshots};
pub use joiner::{ExamplesSink, JoinerJob};
pub use pools::{Ladder, PoolsJob};
pub use user_history::UserHistoryJob;

use event::Event;
use event_log::Record;
use feature_store::StoreError;
use stream::Poisoned;

fn decode(record: &Record) -> Result<Event, Poisoned> {
    Event::decode(&record.payload).map_err(|error| Poisoned {
        reason: error.reason(),
    })
}

fn store_failed(error: StoreError) -> Poisoned {
    tracing::error!(
        error = &error as &dyn std::error::Error,
        "the state file failed under a job"
    );
    Poisoned {
        reason: "store_failed",
    }
}

#[cfg(test)]
mod tests;
