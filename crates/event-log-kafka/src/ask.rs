//! Questions to the brokers about offsets: where partitions begin and end right now.
//!
//! One request to each broker, however many partitions are asked about. It remembers nothing.

use std::thread;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::{Offset, TopicPartitionList};

use crate::client::Voice;
use crate::table::Table;

/// Which end of a partition is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Edge {
    /// The first offset kept.
    Start,
    /// One past the last acknowledged record.
    End,
}

/// Between two tries while a partition has no leader.
const TRY_EVERY: Duration = Duration::from_millis(20);

/// The edge of each of `slots`, in their order. Asks again while a leader is being elected, up to `timeout`.
pub(crate) fn offsets(
    asker: &BaseConsumer<Voice>,
    table: &Table,
    slots: &[usize],
    edge: Edge,
    timeout: Duration,
) -> KafkaResult<Vec<u64>> {
    let deadline = Instant::now() + timeout;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        match offsets_once(asker, table, slots, edge, left) {
            Err(error) if is_passing(&error) && left > TRY_EVERY => thread::sleep(TRY_EVERY),
            answer => return answer,
        }
    }
}

/// A leader was not known yet, or is not one any more.
fn is_passing(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(
            RDKafkaErrorCode::NotLeaderForPartition
                | RDKafkaErrorCode::LeaderNotAvailable
                | RDKafkaErrorCode::UnknownTopicOrPartition
                | RDKafkaErrorCode::ReplicaNotAvailable
                | RDKafkaErrorCode::FencedLeaderEpoch
                | RDKafkaErrorCode::UnknownLeaderEpoch
        )
    )
}

fn offsets_once(
    asker: &BaseConsumer<Voice>,
    table: &Table,
    slots: &[usize],
    edge: Edge,
    timeout: Duration,
) -> KafkaResult<Vec<u64>> {
    if slots.is_empty() {
        return Ok(Vec::new());
    }
    // In this request two negative "times" stand for the edges.
    let at = match edge {
        Edge::Start => Offset::Beginning,
        Edge::End => Offset::End,
    };
    let mut wanted = TopicPartitionList::with_capacity(slots.len());
    for slot in slots {
        let (name, partition) = table.name(*slot);
        wanted.add_partition_offset(name, partition, at)?;
    }
    let answers = asker.offsets_for_times(wanted, timeout)?;
    let found = slots.iter().map(|slot| {
        let (name, partition) = table.name(*slot);
        let answer = answers.find_partition(name, partition).ok_or(NO_ANSWER)?;
        answer.error()?;
        match answer.offset() {
            Offset::Offset(offset) => u64::try_from(offset).map_err(|_| NO_ANSWER),
            _ => Err(NO_ANSWER),
        }
    });
    found.collect()
}

const NO_ANSWER: KafkaError = KafkaError::OffsetFetch(RDKafkaErrorCode::UnknownPartition);
