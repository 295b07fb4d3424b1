//! Reading examples: what is new in each partition, and exactly what a take says again.
//!
//! Within a round the partitions are merged by the time examples are filed under; within a partition their order is kept. The order is
//! a function of the take and of the log.

use event::{Event, topic};
use event_log::{EventLog, ReadError, Record, Topic, TopicPartition};

use crate::journal::Range;
use crate::learner::Placed;

/// Where the examples of one partition are.
pub(crate) fn examples_of(partition: u16) -> TopicPartition {
    TopicPartition {
        topic: Topic(topic::EXAMPLES),
        partition,
    }
}

/// What was read: examples of each partition in the order of their offsets, and what was passed over.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    parts: Vec<Vec<Placed>>,
    /// Records that are no examples.
    pub(crate) poisoned: u64,
    /// Records that were gone before they were learned: taken by retention, or given up by a repair of the log.
    pub(crate) lost: u64,
}

impl Reading {
    /// Reads on in `partition` from `from`, up to about `bytes_max` and `count_max` records; where that ends.
    pub(crate) fn some(
        &mut self,
        log: &dyn EventLog,
        (partition, from): (u16, u64),
        (bytes_max, count_max): (usize, usize),
    ) -> Result<Range, ReadError> {
        let (to, skipped) = match log.read(examples_of(partition), from, bytes_max) {
            Ok(mut records) => {
                records.truncate(count_max);
                self.take(partition, &records);
                (records.last().map_or(from, |last| last.offset + 1), false)
            }
            Err(ReadError::Lost { next, .. } | ReadError::Trimmed { first: next, .. }) => {
                self.lost += next - from;
                (next, true)
            }
            Err(error) => return Err(error),
        };
        Ok(Range {
            partition,
            from,
            to,
            skipped,
        })
    }

    /// Reads all of a range that was learned once.
    ///
    /// # Errors
    /// [`ReadError`]; a hole in the range, or an end before the range's, is [`ReadError::Lost`] or [`ReadError::Trimmed`].
    pub(crate) fn whole(
        &mut self,
        log: &dyn EventLog,
        range: Range,
        bytes_max: usize,
    ) -> Result<(), ReadError> {
        let mut next = range.from;
        let mut placed = Vec::new();
        while next < range.to {
            let records = log.read(examples_of(range.partition), next, bytes_max)?;
            let Some(last) = records.last() else {
                // The log is shorter than its own journal says.
                return Err(ReadError::Trimmed {
                    from: examples_of(range.partition),
                    offset: next,
                    first: log.start(examples_of(range.partition)),
                });
            };
            next = last.offset + 1;
            let wanted = records.iter().filter(|record| record.offset < range.to);
            placed.extend(wanted.filter_map(|record| self.decode(range.partition, record)));
        }
        self.parts.push(placed);
        Ok(())
    }

    fn take(&mut self, partition: u16, records: &[Record]) {
        let placed = records.iter().filter_map(|record| self.decode(partition, record));
        let placed = placed.collect();
        self.parts.push(placed);
    }

    fn decode(&mut self, partition: u16, record: &Record) -> Option<Placed> {
        match Event::decode(&record.payload) {
            Ok(Event::Example(example)) => Some(Placed {
                partition,
                offset: record.offset,
                at_ms: record.at_ms,
                example,
            }),
            _ => {
                self.poisoned += 1;
                None
            }
        }
    }

    /// All of them in the order in which they are learned.
    pub(crate) fn merged(self) -> Vec<Placed> {
        let mut parts: Vec<_> = self
            .parts
            .into_iter()
            .map(|part| part.into_iter().peekable())
            .collect();
        let mut merged = Vec::with_capacity(parts.iter().map(ExactSizeIterator::len).sum());
        loop {
            let heads = parts.iter_mut().enumerate();
            let heads = heads.filter_map(|(at, part)| Some((part.peek()?.at_ms, at)));
            let Some((_, at)) = heads.min() else {
                return merged;
            };
            merged.extend(parts[at].next());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn partitions_are_merged_by_time_and_keep_their_order() {
        let placed = |partition, offset, at_ms| Placed {
            partition,
            offset,
            at_ms,
            example: fixture::example(offset),
        };
        let reading = Reading {
            parts: vec![
                vec![placed(0, 0, 10), placed(0, 1, 5), placed(0, 2, 30)],
                vec![],
                vec![placed(2, 7, 10), placed(2, 8, 20)],
            ],
            ..Reading::default()
        };
        let order = reading
            .merged()
            .into_iter()
            .map(|placed| (placed.partition, placed.offset));
        assert_eq!(
            order.collect::<Vec<_>>(),
            [(0, 0), (0, 1), (2, 7), (2, 8), (0, 2)]
        );
    }
}
