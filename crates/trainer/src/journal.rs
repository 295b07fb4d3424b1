//! What the learner writes down: which examples it took, in which rounds, and what other processes need to follow it.
//!
//! The journal is one partition of the log's `model` topic. [`Entry::Begin`] and [`Entry::Take`] are what state is made from: the order of
//! takes in the journal is the order of learning. [`Entry::Rows`] and [`Entry::Dense`] are copies of parts of the state, for those who do not
//! learn themselves. This file knows the bytes and the rules of succession, and reads no log.

use std::collections::BTreeMap;

use event::topic;
use event_log::{Topic, TopicPartition};
use model::RestoreError;
use model::snapshot::{Decoder, Encoder};

/// The partition of that topic which holds the journal.
pub const JOURNAL: TopicPartition = TopicPartition {
    topic: Topic(topic::MODEL),
    partition: 0,
};

const VERSION: u8 = 1;
const BEGIN: u8 = 1;
const TAKE: u8 = 2;
const ROWS: u8 = 3;
const DENSE: u8 = 4;

/// A record of the journal.
#[derive(Debug, Clone, PartialEq)]
pub enum Entry {
    Begin(Begin),
    Take(Take),
    Rows(Rows),
    Dense(Dense),
}

/// A process owns the learner from here on; entries of earlier epochs that come later are void.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begin {
    pub epoch: u64,
    /// Where learning begins, when it begins anew with a learner that knows nothing; none when it goes on.
    pub anew: Option<BTreeMap<u16, u64>>,
}

/// One round of learning.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Take {
    pub epoch: u64,
    /// From 1, one more for each take since learning began anew.
    pub round: u64,
    /// Whether a version is published after it, if the brake lets it.
    pub publish: bool,
    /// Changes of trust that come into force before it: viewer and weight.
    pub trust: Vec<(u64, f32)>,
    /// What is learned, by partition of the examples' topic, ascending.
    pub ranges: Vec<Range>,
}

/// Neighbouring offsets of one partition, `to` excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    pub partition: u16,
    pub from: u64,
    pub to: u64,
    /// Nothing of it was there to be learned: retention or a repair of the log had taken it.
    pub skipped: bool,
}

/// Embedding rows as they are after a round, in the table's own bytes; none for an id without a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rows {
    pub epoch: u64,
    pub round: u64,
    pub rows: Vec<(u64, Option<Vec<u8>>)>,
}

/// A part of a version of the dense weights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dense {
    pub epoch: u64,
    pub round: u64,
    /// What the weights are weights of; see [`crate::LearnerParts::fingerprint`].
    pub fingerprint: u64,
    /// When its newest example was written, milliseconds since the Unix epoch.
    pub at_ms: i64,
    pub part: u16,
    pub parts: u16,
    pub bytes: Vec<u8>,
}

impl Entry {
    /// The epoch of whoever wrote it.
    pub fn epoch(&self) -> u64 {
        match self {
            Self::Begin(begin) => begin.epoch,
            Self::Take(take) => take.epoch,
            Self::Rows(rows) => rows.epoch,
            Self::Dense(dense) => dense.epoch,
        }
    }

    /// As a record's payload.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Encoder::default();
        out.u8(VERSION);
        match self {
            Self::Begin(begin) => begin.write(&mut out),
            Self::Take(take) => take.write(&mut out),
            Self::Rows(rows) => rows.write(&mut out),
            Self::Dense(dense) => {
                out.u8(DENSE)
                    .u64(dense.epoch)
                    .u64(dense.round)
                    .u64(dense.fingerprint)
                    .u64(dense.at_ms as u64);
                out.u32(u32::from(dense.part)).u32(u32::from(dense.parts));
                out.bytes(&dense.bytes);
            }
        }
        out.end()
    }

    /// From a record's payload.
    ///
    /// # Errors
    /// [`RestoreError::Version`] of a newer program's entry, [`RestoreError::Format`] of anything else that does not read.
    pub fn decode(payload: &[u8]) -> Result<Self, RestoreError> {
        let mut from = Decoder::new(payload);
        match from.u8()? {
            VERSION => {}
            other => return Err(RestoreError::Version(u32::from(other))),
        }
        let kind = from.u8()?;
        let epoch = from.u64()?;
        match kind {
            BEGIN => Begin::read(epoch, &mut from).map(Self::Begin),
            TAKE => Take::read(epoch, &mut from).map(Self::Take),
            ROWS => Rows::read(epoch, &mut from).map(Self::Rows),
            DENSE => Ok(Self::Dense(Dense {
                epoch,
                round: from.u64()?,
                fingerprint: from.u64()?,
                at_ms: from.u64()? as i64,
                part: narrow(from.u32()?)?,
                parts: narrow(from.u32()?)?,
                bytes: from.bytes()?.to_vec(),
            })),
            _ => Err(RestoreError::Format("an entry of an unknown kind")),
        }
    }
}

fn narrow(number: u32) -> Result<u16, RestoreError> {
    u16::try_from(number).map_err(|_| RestoreError::Format("a number of 16 bits"))
}

impl Begin {
    fn write(&self, out: &mut Encoder) {
        out.u8(BEGIN).u64(self.epoch).u8(u8::from(self.anew.is_some()));
        let offsets = self.anew.iter().flatten();
        out.u32(offsets.clone().count() as u32);
        for (partition, offset) in offsets {
            out.u32(u32::from(*partition)).u64(*offset);
        }
    }

    fn read(epoch: u64, from: &mut Decoder<'_>) -> Result<Self, RestoreError> {
        let is_anew = from.u8()? != 0;
        let mut offsets = BTreeMap::new();
        for _ in 0..from.u32()? {
            offsets.insert(narrow(from.u32()?)?, from.u64()?);
        }
        Ok(Self {
            epoch,
            anew: is_anew.then_some(offsets),
        })
    }
}

impl Take {
    fn write(&self, out: &mut Encoder) {
        out.u8(TAKE)
            .u64(self.epoch)
            .u64(self.round)
            .u8(u8::from(self.publish));
        out.u32(self.trust.len() as u32);
        for (viewer, weight) in &self.trust {
            out.u64(*viewer).f32(*weight);
        }
        out.u32(self.ranges.len() as u32);
        for range in &self.ranges {
            out.u32(u32::from(range.partition)).u64(range.from).u64(range.to);
            out.u8(u8::from(range.skipped));
        }
    }

    fn read(epoch: u64, from: &mut Decoder<'_>) -> Result<Self, RestoreError> {
        let mut take = Self {
            epoch,
            round: from.u64()?,
            publish: from.u8()? != 0,
            ..Self::default()
        };
        for _ in 0..from.u32()? {
            take.trust.push((from.u64()?, from.f32()?));
        }
        for _ in 0..from.u32()? {
            take.ranges.push(Range {
                partition: narrow(from.u32()?)?,
                from: from.u64()?,
                to: from.u64()?,
                skipped: from.u8()? != 0,
            });
        }
        Ok(take)
    }
}

impl Rows {
    fn write(&self, out: &mut Encoder) {
        out.u8(ROWS).u64(self.epoch).u64(self.round);
        out.u32(self.rows.len() as u32);
        for (key, row) in &self.rows {
            out.u64(*key).u8(u8::from(row.is_some()));
            if let Some(row) = row {
                out.bytes(row);
            }
        }
    }

    fn read(epoch: u64, from: &mut Decoder<'_>) -> Result<Self, RestoreError> {
        let round = from.u64()?;
        let mut rows = Vec::new();
        for _ in 0..from.u32()? {
            let key = from.u64()?;
            let row = match from.u8()? {
                0 => None,
                _ => Some(from.bytes()?.to_vec()),
            };
            rows.push((key, row));
        }
        Ok(Self { epoch, round, rows })
    }
}

/// Where the journal stands: which epoch, which round, and which example is next in each partition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) epoch: u64,
    pub(crate) round: u64,
    /// By partition, the next example to take; absent partitions begin at their start.
    pub(crate) next: BTreeMap<u16, u64>,
}

/// What an entry means to somebody who follows the journal in order.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Means {
    /// Forget everything learned; a learner that knows nothing goes on.
    Anew,
    /// Learn this.
    Learn(Take),
    /// A copy of state that belongs to the epoch in force.
    Copy(Entry),
    /// Nothing: another process goes on with the same state, or somebody wrote who had lost the learner to another.
    Nothing,
}

/// An entry that cannot follow those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("round {found} of epoch {epoch} in the journal cannot follow round {round}")]
pub struct Discontinuity {
    pub epoch: u64,
    pub round: u64,
    pub found: u64,
}

impl Standing {
    /// Takes the next entry in.
    pub(crate) fn follow(&mut self, entry: Entry) -> Result<Means, Discontinuity> {
        let begins = matches!(&entry, Entry::Begin(Begin { anew: Some(_), .. }));
        if entry.epoch() < self.epoch || !(self.has_begun() || begins) {
            return Ok(Means::Nothing);
        }
        match entry {
            Entry::Begin(begin) => {
                self.epoch = begin.epoch;
                let Some(offsets) = begin.anew else {
                    return Ok(Means::Nothing);
                };
                self.round = 0;
                self.next = offsets;
                Ok(Means::Anew)
            }
            Entry::Take(take) => {
                if !self.may_take(&take) {
                    return Err(Discontinuity {
                        epoch: take.epoch,
                        round: self.round,
                        found: take.round,
                    });
                }
                self.took(&take);
                Ok(Means::Learn(take))
            }
            entry @ (Entry::Rows(_) | Entry::Dense(_)) => Ok(Means::Copy(entry)),
        }
    }

    /// Whether the journal has said yet where learning begins; what comes before that belongs to somebody else.
    pub(crate) fn has_begun(&self) -> bool {
        self.epoch > 0
    }

    fn may_take(&self, take: &Take) -> bool {
        let begins = |range: &Range| match self.next.get(&range.partition) {
            Some(&next) => range.from == next,
            None => true,
        };
        let is_next = take.round == self.round + 1 && take.epoch == self.epoch;
        is_next
            && take
                .ranges
                .iter()
                .all(|range| begins(range) && range.from <= range.to)
    }

    pub(crate) fn took(&mut self, take: &Take) {
        self.round = take.round;
        for range in &take.ranges {
            self.next.insert(range.partition, range.to);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn take(epoch: u64, round: u64, from: u64, to: u64) -> Entry {
        Entry::Take(Take {
            epoch,
            round,
            ranges: vec![Range {
                partition: 3,
                from,
                to,
                skipped: false,
            }],
            ..Take::default()
        })
    }

    fn begin(epoch: u64, anew: Option<u64>) -> Entry {
        let anew = anew.map(|offset| BTreeMap::from([(3, offset)]));
        Entry::Begin(Begin { epoch, anew })
    }

    #[test]
    fn an_owner_who_was_replaced_says_nothing_any_more() {
        let mut standing = Standing::default();
        let mut follow = |entry| standing.follow(entry);
        assert_eq!(follow(take(1, 9, 2, 5)), Ok(Means::Nothing), "before it began");
        assert_eq!(follow(begin(1, Some(5))), Ok(Means::Anew));
        assert!(matches!(follow(take(1, 1, 5, 9)), Ok(Means::Learn(_))));
        assert_eq!(follow(begin(2, None)), Ok(Means::Nothing));
        assert_eq!(follow(take(1, 2, 9, 12)), Ok(Means::Nothing), "a zombie");
        assert!(matches!(follow(take(2, 2, 9, 10)), Ok(Means::Learn(_))));
        assert!(follow(take(2, 4, 10, 11)).is_err(), "a round is missing");
        assert!(follow(take(2, 3, 11, 12)).is_err(), "an example is missing");
        assert!(follow(take(3, 3, 10, 11)).is_err(), "nobody began");
        assert_eq!(follow(begin(3, Some(0))), Ok(Means::Anew));
        assert!(matches!(follow(take(3, 1, 0, 1)), Ok(Means::Learn(_))));
    }

    fn entries() -> impl Strategy<Value = Entry> {
        let range = (any::<u16>(), any::<u64>(), any::<u64>(), any::<bool>()).prop_map(
            |(partition, from, to, skipped)| Range {
                partition,
                from,
                to,
                skipped,
            },
        );
        let trust = proptest::collection::vec((any::<u64>(), 0.0f32..4.0), 0..3);
        let ranges = proptest::collection::vec(range, 0..4);
        let offsets = proptest::collection::btree_map(any::<u16>(), any::<u64>(), 0..4);
        let bytes = || proptest::collection::vec(any::<u8>(), 0..9);
        let rows = proptest::collection::vec((any::<u64>(), proptest::option::of(bytes())), 0..4);
        prop_oneof![
            (any::<u64>(), proptest::option::of(offsets))
                .prop_map(|(epoch, anew)| Entry::Begin(Begin { epoch, anew })),
            (any::<u64>(), any::<u64>(), any::<bool>(), trust, ranges).prop_map(
                |(epoch, round, publish, trust, ranges)| Entry::Take(Take {
                    epoch,
                    round,
                    publish,
                    trust,
                    ranges
                })
            ),
            (any::<u64>(), any::<u64>(), rows).prop_map(|(epoch, round, rows)| Entry::Rows(Rows {
                epoch,
                round,
                rows
            })),
            (any::<u64>(), any::<i64>(), any::<u16>(), bytes()).prop_map(|(epoch, at_ms, part, bytes)| {
                Entry::Dense(Dense {
                    epoch,
                    round: epoch / 2,
                    fingerprint: !epoch,
                    at_ms,
                    part,
                    parts: part,
                    bytes,
                })
            }),
        ]
    }

    proptest! {
        #[test]
        fn entries_come_back_and_cut_ones_are_refused(entry in entries(), cut in 0usize..40) {
            let bytes = entry.encode();
            prop_assert_eq!(Entry::decode(&bytes).expect("decodes"), entry);
            let cut = cut % bytes.len();
            prop_assert!(Entry::decode(&bytes[..cut]).is_err());
        }
    }
}
