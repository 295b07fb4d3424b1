//! What the author of a job writes: its keys, its state, its two stages, and the sink that takes its rows.
//!
//! Nothing here runs anything.

use std::fmt::Debug;
use std::hash::Hash;

use event_log::{Record, Topic, TopicPartition};

use crate::Poisoned;
use crate::keyed::local::{Folding, Local};
use crate::keyed::time::TimePolicy;

/// Key groups of every job, for ever: the unit in which state moves between workers and processes.
pub const KEY_GROUPS: usize = 256;

/// One of the [`KEY_GROUPS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyGroup(pub u8);

/// A key of keyed state.
pub trait Key: Clone + Debug + Eq + Hash + Ord + Send + Sync + 'static {
    /// Where the key lives, for ever. A key of stage one lives in the group `g` whose partition `g % partitions` it is read
    /// from; a key of stage two spreads evenly.
    fn group(&self) -> KeyGroup;

    /// Appends the key's bytes: equal keys give equal bytes, and [`Key::decode`] reads them back.
    fn encode(&self, out: &mut Vec<u8>);

    /// None when the bytes are no key.
    fn decode(bytes: &[u8]) -> Option<Self>;
}

/// The state of one key. The default is the state of a key nobody has touched.
///
/// It must not depend on the order in which deltas came: integers, sets, minima and maxima do, sums of floats do not.
pub trait Value: Default + Send + Sync + 'static {
    /// Appends the value's bytes; equal values give equal bytes.
    fn encode(&self, out: &mut Vec<u8>);

    /// None when the bytes are no value.
    fn decode(bytes: &[u8]) -> Option<Self>;

    /// Bytes held beyond the value itself, for the bound on memory.
    fn heap_bytes(&self) -> usize {
        0
    }

    /// Whether the key may be forgotten: it reads as the default again.
    fn is_empty(&self) -> bool {
        false
    }
}

/// What stage one tells stage two about a key. Merging is commutative and associative.
pub trait Delta: Send + 'static {
    /// Takes in another delta of the same key.
    fn merge(&mut self, other: Self);
}

/// Stage one without keyed state.
impl Value for () {
    fn encode(&self, _: &mut Vec<u8>) {}

    fn decode(_: &[u8]) -> Option<Self> {
        Some(())
    }

    fn is_empty(&self) -> bool {
        true
    }
}

/// A job: what it reads and how its state follows. One value serves all workers, so it holds settings only.
pub trait Job: Send + Sync + Sized + 'static {
    /// Key of stage one: whatever records of one partition share, such as a viewer's session.
    type LocalKey: Key;
    /// State of stage one.
    type Local: Value;
    /// Key of stage two.
    type Key: Key;
    /// State of stage two.
    type State: Value;
    /// What travels between the stages.
    type Delta: Delta;
    /// What the sink takes: an absolute value of something, so that taking it twice is taking it once.
    type Row: Send + 'static;

    /// Stable: checkpoints are kept under it.
    fn name(&self) -> &'static str;

    /// The topics it reads.
    fn topics(&self) -> &'static [Topic];

    /// How it treats time.
    fn time_policy(&self) -> TimePolicy {
        TimePolicy::default()
    }

    /// Stage one: takes a record, once, in offset order within its topic and partition. Records of different topics of a
    /// partition come in any order. Says what became of it by [`Local::fate`]; a record that says nothing is `counted`.
    ///
    /// # Errors
    /// [`Poisoned`] for a record that is no use; it is counted with its reason (fate `rejected`) and passed over.
    fn prepare(&self, record: &Record, local: &mut Local<'_, Self>) -> Result<(), Poisoned>;

    /// A timer of stage one is due: the partition's own watermark reached `at_ms`.
    fn local_timer(&self, key: &Self::LocalKey, at_ms: i64, local: &mut Local<'_, Self>) {
        let _ = (key, at_ms, local);
    }

    /// Stage two: folds a delta into its key's state.
    fn fold(
        &self,
        key: &Self::Key,
        state: &mut Self::State,
        delta: Self::Delta,
        folding: &mut Folding<'_, Self>,
    );

    /// A timer of stage two is due: the watermark of all active partitions reached `at_ms`.
    fn timer(&self, key: &Self::Key, state: &mut Self::State, at_ms: i64, folding: &mut Folding<'_, Self>) {
        let _ = (key, state, at_ms, folding);
    }

    /// The rows of a stage-one key as it is now; asked once an epoch for each key that changed, and for all of them when
    /// the sink lost its content.
    fn local_rows(&self, key: &Self::LocalKey, state: &Self::Local, rows: &mut Vec<Self::Row>) {
        let _ = (key, state, rows);
    }

    /// The rows of a stage-two key, as above.
    fn rows(&self, key: &Self::Key, state: &Self::State, rows: &mut Vec<Self::Row>);
}

/// Why a sink could not take, keep or give back what it was handed. The engine stops, and goes on from its last checkpoint.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct SinkError {
    /// What was attempted.
    pub what: &'static str,
    /// Why it failed.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

/// What a sink found when it was told where the job resumes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SinkState {
    /// It holds everything of that version, and perhaps rows after it.
    Intact,
    /// It lost rows: the engine hands over all rows of its state.
    Lost,
}

/// Where rows go. Rows are handed over by one thread; [`Sink::flush`] may run beside that on another.
pub trait Sink<R>: Send + Sync + 'static {
    /// Takes rows, in any order of keys; readers may see them at once. Emptying `rows` is the sink's part.
    ///
    /// # Errors
    /// See [`SinkError`].
    fn apply(&self, rows: &mut Vec<R>) -> Result<(), SinkError>;

    /// Every record before `next` of `from` has had its effect on the rows handed over so far.
    fn applied(&self, from: TopicPartition, next: u64) {
        let _ = (from, next);
    }

    /// An epoch ended at this watermark; `now_ms` is the engine's clock. For lists that are made anew now and then.
    fn epoch_end(&self, watermark_ms: i64, now_ms: i64) {
        let _ = (watermark_ms, now_ms);
    }

    /// Checkpoint `version` will hold exactly the rows handed over so far. Comes between two `apply`, before its flush.
    fn boundary(&self, version: u64) {
        let _ = version;
    }

    /// Makes durable at least what was taken up to the boundary of `version`, before that checkpoint is published. The bytes
    /// returned are kept in the checkpoint and given back by [`Sink::restore`].
    ///
    /// # Errors
    /// See [`SinkError`]; the checkpoint is then not published.
    fn flush(&self, version: u64) -> Result<Vec<u8>, SinkError>;

    /// The job resumes from a checkpoint whose last flush was of `version` (0: it never flushed) and returned `mark`.
    ///
    /// # Errors
    /// See [`SinkError`].
    fn restore(&self, version: u64, mark: &[u8]) -> Result<SinkState, SinkError>;
}

#[cfg(test)]
pub(crate) mod tests {
    use super::{Key, KeyGroup};

    /// A key for the tests of this crate.
    #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
    pub(crate) struct Number(pub(crate) u64);

    impl Key for Number {
        fn group(&self) -> KeyGroup {
            KeyGroup(self.0 as u8)
        }

        fn encode(&self, out: &mut Vec<u8>) {
            out.extend(self.0.to_be_bytes());
        }

        fn decode(bytes: &[u8]) -> Option<Self> {
            Some(Self(u64::from_be_bytes(bytes.try_into().ok()?)))
        }
    }
}
