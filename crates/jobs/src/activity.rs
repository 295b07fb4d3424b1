//! Who watched what and did what, counted once: features, trending, usage, session windows. One fold, several outputs.
//!
//! Stage one ([`stage_one`]) works beside a partition: it recognises repeats (signals by the numbers of their session, actions by
//! their outbox row), settles when something happened, and adds it up by entity and five minutes. Stage two ([`stage_two`]) keeps,
//! for each video, creator, sound, hashtag, category and region, what [`trail`] describes. Rows are absolute.
//!
//! Time: a device's clock is believed within five minutes. What comes up to ten minutes late corrects its bin; what comes later
//! counts in totals but in no window, and is told as `late`. in = counted + duplicate + late + rejected.
//!
//! Back of the envelope:
//!
//! | what | figure |
//! |---|---|
//! | state, a video of the day | 1 to 2 KB in memory, 100 to 300 B stored: 1 M of them, 1.5 GB or 0.2 GB |
//! | state, a session, a viewer | 150 B and 1 KB, forgotten after 7 days without use |
//! | CPU, a signal in stage one | about 1 µs |
//! | CPU, a key touched in an epoch | about 1 µs to fold and 1 µs to make its rows, however many signals touched it |
//! | disk | what changed, once a checkpoint, in the state and in the feature store |
//! | network | none of its own |

mod delta;
mod key;
mod rising;
mod rows;
mod sink;
mod stage_one;
mod stage_two;
mod state;
mod trail;
mod trending;

use event::topic;
use event_log::{Record, Topic};
use feature_store::job;
use stream::Poisoned;
use stream::keyed::{Folding, Job, Local};

pub use delta::ActivityDelta;
pub use key::{LocalKey, Subject};
pub use rows::ActivityRow;
pub use sink::ActivitySink;
pub use state::{LocalState, SubjectState};
pub use trending::score;

/// See the file's header.
#[derive(Debug, Clone, Copy, Default)]
pub struct ActivityJob;

impl Job for ActivityJob {
    type LocalKey = LocalKey;
    type Local = LocalState;
    type Key = Subject;
    type State = SubjectState;
    type Delta = ActivityDelta;
    type Row = ActivityRow;

    fn name(&self) -> &'static str {
        job::ACTIVITY
    }

    fn topics(&self) -> &'static [Topic] {
        // Context too: sessions number all their events in one row.
        &[
            Topic(topic::VIEWS),
            Topic(topic::ACTIONS),
            Topic(topic::CONTEXT),
            Topic(topic::VIDEOS),
        ]
    }

    fn prepare(&self, record: &Record, local: &mut Local<'_, Self>) -> Result<(), Poisoned> {
        stage_one::prepare(record, local)
    }

    fn local_timer(&self, key: &LocalKey, at_ms: i64, local: &mut Local<'_, Self>) {
        stage_one::forget(key, at_ms, local);
    }

    fn fold(
        &self,
        key: &Subject,
        state: &mut SubjectState,
        delta: ActivityDelta,
        folding: &mut Folding<'_, Self>,
    ) {
        stage_two::fold(key, state, delta, folding);
    }

    fn timer(&self, key: &Subject, state: &mut SubjectState, at_ms: i64, _: &mut Folding<'_, Self>) {
        stage_two::timer(key, state, at_ms);
    }

    fn local_rows(&self, key: &LocalKey, state: &LocalState, rows: &mut Vec<ActivityRow>) {
        rows::local_rows(key, state, rows);
    }

    fn rows(&self, key: &Subject, state: &SubjectState, rows: &mut Vec<ActivityRow>) {
        rows::rows(key, state, rows);
    }
}
