//! Admission and grouping without a commit thread: nothing moves unless a test moves it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::{Acked, Queue};
use crate::clock::SimClock;
use crate::config::SegmentLogConfig;
use crate::port::{Append, AppendError, Promise, Topic, TopicPartition};

/// Record payloads are chosen so that a frame has this size.
const FRAME_BYTES: usize = 200;

fn queue() -> Queue {
    queue_as(config())
}

fn config() -> SegmentLogConfig {
    SegmentLogConfig {
        partitions: 2,
        topics: 1,
        queue_bytes_max: 1000,
        record_bytes_max: 300,
        group_bytes_max: 400,
        group_records_max: 3,
        ..SegmentLogConfig::default()
    }
}

fn queue_as(config: SegmentLogConfig) -> Queue {
    Queue::new(&config, vec![0, 10])
}

fn push(queue: &Queue, batch: &[Append]) -> Result<(Vec<u64>, Option<Acked>), AppendError> {
    let queued = queue.push(batch, Promise::Disk)?;
    Ok((queued.offsets, queued.acked))
}

fn records(partition: u16, count: usize, bytes: usize) -> Vec<Append> {
    let to = TopicPartition {
        topic: Topic(0),
        partition,
    };
    vec![
        Append {
            to,
            at_ms: 1,
            payload: Bytes::from(vec![7; bytes])
        };
        count
    ]
}

#[test]
fn groups_are_cut_by_bytes_and_by_records() {
    let check = |count: usize, bytes, expect: &[u32]| {
        let queue = queue();
        push(&queue, &records(0, count, bytes)).expect("it fits the queue");
        queue.close();
        let groups: Vec<u32> = std::iter::from_fn(|| queue.next_group())
            .map(|group| group.records)
            .collect();
        assert_eq!(groups, expect, "{count} x {bytes}");
    };
    check(1, 10, &[1]);
    check(7, 10, &[3, 3, 1]);
    check(3, 172, &[2, 1]);
    check(2, 300, &[1, 1]);
}

#[test]
fn the_queue_refuses_by_bytes_until_a_group_is_done_and_gives_no_offset_meanwhile() {
    let queue = queue();
    let mut accepted = Vec::new();
    let refused = loop {
        match push(&queue, &records(1, 1, 172)) {
            Ok((offsets, _)) => accepted.extend(offsets),
            Err(error) => break error,
        }
    };
    assert_eq!(accepted, [10, 11, 12, 13, 14]);
    assert!(
        matches!(refused, AppendError::Overloaded { retry_after_ms: 1.. }),
        "{refused}"
    );
    let group = queue.next_group().expect("a group is waiting");
    queue.group_done(group);
    assert_eq!(
        push(&queue, &records(1, 1, 172)).expect("there is room again").0,
        [15]
    );
}

#[test]
fn bad_batches_are_refused_whole() {
    let queue = queue();
    let mut batch = records(0, 1, 10);
    batch.extend(records(2, 1, 10));
    assert!(matches!(push(&queue, &batch), Err(AppendError::UnknownPartition(of)) if of.partition == 2));
    assert!(matches!(
        push(&queue, &records(0, 1, 301)),
        Err(AppendError::TooLarge {
            bytes: 301,
            bytes_max: 300
        })
    ));
    assert!(matches!(
        push(&queue, &records(0, 6, 200)),
        Err(AppendError::TooLarge { bytes: 1368, .. })
    ));
    assert_eq!(push(&queue, &records(0, 1, 10)).expect("a good one").0, [0]);
}

#[test]
fn stopping_tells_everyone() {
    let queue = queue();
    let (_, acked) = push(&queue, &records(0, 1, 10)).expect("it is open");
    let mut acked = acked.expect("the disk is promised");
    queue.stop("the disk is gone");
    assert!(matches!(acked.try_recv(), Ok(Err(AppendError::Stopped(_)))));
    assert!(matches!(
        push(&queue, &records(0, 1, 10)),
        Err(AppendError::Stopped(_))
    ));
    assert!(queue.next_group().is_none());
    assert_eq!(queue.stop_reason().as_deref(), Some("the disk is gone"));
}

#[test]
fn memory_promises_are_given_within_their_bounds_and_counted_down() {
    let clock = SimClock::default();
    let queue = queue_as(SegmentLogConfig {
        queue_bytes_max: 10_000,
        wait_ms_max: None,
        memory_bytes_max: 2 * FRAME_BYTES,
        memory_ms_max: 50,
        clock: Arc::new(clock.clone()),
        ..config()
    });
    let promised = |promise| {
        let queued = queue.push(&records(0, 1, 172), promise).expect("there is room");
        queued.acked.is_none()
    };
    assert!(!promised(Promise::Disk), "the disk is waited for");
    assert!(promised(Promise::Memory));
    assert!(promised(Promise::Memory));
    assert!(!promised(Promise::Memory), "over the bytes");
    let group = queue.next_group().expect("the first two");
    assert!(
        !promised(Promise::Memory),
        "what is being written is at risk still"
    );
    queue.group_done(group);
    assert!(promised(Promise::Memory));
    clock.advance(Duration::from_millis(51));
    assert!(!promised(Promise::Memory), "over the time");
    while let Some(group) = queue.next_group_now() {
        assert!(group.at_risk.records <= 1);
        queue.group_done(group);
    }
    assert!(promised(Promise::Memory), "the old ones are safe");
    clock.advance(Duration::from_millis(51));
    assert!(!promised(Promise::Memory), "over the time");
    let empty = queue.push(&[], Promise::Memory).expect("a barrier");
    assert!(empty.acked.is_some(), "a barrier is always about the disk");
}
