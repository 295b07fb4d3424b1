//! Who appended what, what was acknowledged, and whether the log agrees.
//!
//! A payload names its producer and serial, so that every record is one of a kind.

use std::collections::HashMap;

use event_log::conformance::read_all;
use event_log::{Append, EventLog, Topic, TopicPartition};

use crate::broker::PARTITIONS;

/// The `serial`-th record of `producer`, of a length that differs from one to the next.
pub fn record(producer: u32, serial: u32) -> Append {
    let mut payload = format!("{producer}/{serial}/").into_bytes();
    payload.resize(payload.len() + (serial % 300) as usize, b'.');
    Append {
        to: place(serial),
        at_ms: i64::from(serial),
        payload: payload.into(),
    }
}

fn place(serial: u32) -> TopicPartition {
    TopicPartition {
        topic: Topic((serial % 2) as u8),
        partition: (serial / 2 % u32::from(PARTITIONS)) as u16,
    }
}

/// Checks that every acknowledged record is at its offset, and that nothing is there twice; how many records there are.
///
/// `acknowledged` holds producer, serial and offset.
pub fn check(log: &dyn EventLog, acknowledged: &[(u32, u32, u64)]) -> usize {
    let mut found = HashMap::new();
    for slot in 0..2 * u32::from(PARTITIONS) {
        for record in read_all(log, place(slot)) {
            let twice = found.insert(record.payload.clone(), (record.from, record.offset, record.at_ms));
            assert_eq!(twice, None, "a record is there twice: {record:?}");
        }
    }
    for (producer, serial, offset) in acknowledged {
        let due = record(*producer, *serial);
        let place = found.get(&due.payload);
        assert_eq!(
            place,
            Some(&(due.to, *offset, due.at_ms)),
            "acknowledged: {producer}/{serial}"
        );
    }
    found.len()
}
