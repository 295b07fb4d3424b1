//! What every backend of [`EventLog`] must do, as tests that take a way to open one.
//!
//! [`all`] is for every backend, [`retaining`] for those that honour [`EventLog::retain`]. A backend's own
//! promises (files, crashes, brokers) are tested beside it. Any failure panics.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use bytes::Bytes;

use crate::block::block_on;
use crate::port::{
    Append, AppendError, Durable, EventLog, Promise, ReadError, Record, Topic, TopicPartition,
};

/// Opens the log called by that name: empty the first time, what it held after the last one was dropped.
/// It needs two topics, two partitions and records of 64 KiB.
pub type Open<'a> = &'a (dyn Fn(&str) -> Arc<dyn EventLog> + Sync);

const WAIT_MAX: Duration = Duration::from_secs(60);
const READ_BYTES_MAX: usize = 1 << 20;

/// Runs every case.
pub fn all(open: Open<'_>) {
    appended_records_are_read_back(open);
    offsets_grow_by_one_in_each_partition(open);
    reads_are_bounded_and_repeatable(open);
    a_barrier_waits_for_everything_before_it(open);
    a_refused_batch_leaves_nothing(open);
    producers_keep_their_order(open);
    both_promises_share_one_order(open);
    what_memory_promised_is_kept_by_a_close(open);
    waiting_sees_what_became_durable(open);
    saying_what_is_needed_changes_nothing_else(open);
    reopening_goes_on_where_it_was(open);
}

/// Runs the cases of backends that remove old records and let readers hold them back. The log has to keep no
/// more than about 1 MiB, and to apply that by itself as records are appended.
pub fn retaining(open: Open<'_>) {
    nothing_that_a_reader_needs_is_removed(open);
    readers_let_go(open);
}

/// Blocks until `durable` is.
///
/// # Errors
/// As the future.
pub fn settle(durable: Durable) -> Result<Vec<u64>, AppendError> {
    block_on(durable)
}

/// Every record of a partition, read in pieces.
pub fn read_all(log: &dyn EventLog, of: TopicPartition) -> Vec<Record> {
    let mut records: Vec<Record> = Vec::new();
    let mut next = log.start(of);
    while next < log.end(of) {
        let piece = log
            .read(of, next, READ_BYTES_MAX)
            .expect("a durable record is readable");
        assert!(
            !piece.is_empty(),
            "offset {next} of {of:?} is durable but not read"
        );
        next += piece.len() as u64;
        records.extend(piece);
    }
    records
}

fn of(topic: u8, partition: u16) -> TopicPartition {
    TopicPartition {
        topic: Topic(topic),
        partition,
    }
}

fn record(to: TopicPartition, at_ms: i64, payload: impl Into<Bytes>) -> Append {
    Append {
        to,
        at_ms,
        payload: payload.into(),
    }
}

fn append(log: &dyn EventLog, batch: Vec<Append>) -> Vec<u64> {
    settle(log.append(batch).expect("the log takes it")).expect("it becomes durable")
}

fn appended_records_are_read_back(open: Open<'_>) {
    let log = open("read-back");
    let payloads = [
        Bytes::new(),
        Bytes::from_static(b"a"),
        Bytes::from(vec![9; 64 << 10]),
    ];
    let batch = payloads
        .iter()
        .zip([5, -1, i64::MAX])
        .map(|(payload, at)| record(of(1, 1), at, payload.clone()));
    assert_eq!(append(&*log, batch.collect()), [0, 1, 2]);
    let records = read_all(&*log, of(1, 1));
    assert_eq!(
        records.iter().map(|record| record.at_ms).collect::<Vec<_>>(),
        [5, -1, i64::MAX]
    );
    assert_eq!(
        records
            .iter()
            .map(|record| record.payload.clone())
            .collect::<Vec<_>>(),
        payloads
    );
    assert!(records.iter().all(|record| record.from == of(1, 1)));
}

fn offsets_grow_by_one_in_each_partition(open: Open<'_>) {
    let log = open("offsets");
    let (a, b) = (of(0, 0), of(0, 1));
    let batch = [a, b, a, a, b].map(|to| record(to, 0, &b"x"[..])).to_vec();
    assert_eq!(append(&*log, batch.clone()), [0, 0, 1, 2, 1]);
    assert_eq!(append(&*log, batch), [3, 2, 4, 5, 3]);
    assert_eq!(
        (log.start(a), log.end(a), log.end(b), log.end(of(1, 0))),
        (0, 6, 4, 0)
    );
}

fn reads_are_bounded_and_repeatable(open: Open<'_>) {
    let log = open("bounded");
    let at = of(0, 0);
    for serial in 0..50_u8 {
        append(
            &*log,
            vec![
                record(at, 0, vec![serial; 100]),
                record(of(1, 0), 0, vec![serial; 50]),
            ],
        );
    }
    let check = |offset, bytes_max, least, most| {
        let records = log.read(at, offset, bytes_max).expect("it reads");
        assert!(
            (least..=most).contains(&records.len()),
            "{offset} {bytes_max}: {}",
            records.len()
        );
        assert!(
            records
                .iter()
                .zip(offset..)
                .all(|(record, due)| record.offset == due)
        );
        assert!(
            records
                .iter()
                .all(|record| record.payload == vec![record.offset as u8; 100])
        );
    };
    check(0, 0, 1, 1);
    check(7, 100, 1, 2);
    check(7, 1000, 1, 11);
    check(49, READ_BYTES_MAX, 1, 1);
    check(50, READ_BYTES_MAX, 0, 0);
    check(5000, READ_BYTES_MAX, 0, 0);
    assert_eq!(read_all(&*log, at), read_all(&*log, at));
    assert_eq!(read_all(&*log, at).len(), 50);
}

fn a_barrier_waits_for_everything_before_it(open: Open<'_>) {
    let log = open("barrier");
    assert_eq!(append(&*log, Vec::new()), [0_u64; 0]);
    let pending: Vec<Durable> = (0..20)
        .map(|_| {
            log.append(vec![record(of(0, 1), 0, vec![1; 2000])])
                .expect("accepted")
        })
        .collect();
    assert_eq!(append(&*log, Vec::new()), [0_u64; 0]);
    assert_eq!(log.end(of(0, 1)), 20);
    for (due, durable) in pending.into_iter().enumerate() {
        assert_eq!(settle(durable).expect("durable before the barrier"), [due as u64]);
    }
}

fn a_refused_batch_leaves_nothing(open: Open<'_>) {
    let log = open("refused");
    let nowhere = of(0, log.partitions());
    let refused = log.append(vec![
        record(of(0, 0), 0, &b"x"[..]),
        record(nowhere, 0, &b"x"[..]),
    ]);
    assert!(matches!(refused.map(drop), Err(AppendError::UnknownPartition(at)) if at == nowhere));
    assert!(matches!(log.read(nowhere, 0, 1), Err(ReadError::UnknownPartition(at)) if at == nowhere));
    assert_eq!(append(&*log, vec![record(of(0, 0), 0, &b"y"[..])]), [0]);
}

fn producers_keep_their_order(open: Open<'_>) {
    const PRODUCERS: u8 = 8;
    const BATCHES: u32 = 60;
    let log = open("producers");
    thread::scope(|scope| {
        for producer in 0..PRODUCERS {
            let log = &log;
            scope.spawn(move || {
                let mut pending = Vec::new();
                for serial in 0..BATCHES {
                    let mut payload = vec![producer];
                    payload.extend(serial.to_le_bytes());
                    let at = of(0, (serial % 2) as u16);
                    pending.push(log.append(vec![record(at, 0, payload)]).expect("accepted"));
                }
                for durable in pending {
                    settle(durable).expect("durable");
                }
            });
        }
    });
    for partition in 0..2 {
        let records = read_all(&*log, of(0, partition));
        assert_eq!(records.len() as u32, u32::from(PRODUCERS) * BATCHES / 2);
        for producer in 0..PRODUCERS {
            let theirs = records.iter().filter(|record| record.payload[0] == producer);
            let serials: Vec<u8> = theirs.map(|record| record.payload[1]).collect();
            let due: Vec<u8> = (0..BATCHES as u8)
                .filter(|serial| u16::from(serial % 2) == partition)
                .collect();
            assert_eq!(serials, due, "producer {producer}");
        }
    }
}

fn both_promises_share_one_order(open: Open<'_>) {
    let log = open("promises");
    let at = of(0, 1);
    let mut pending = Vec::new();
    for serial in 0..40_u8 {
        let promise = [Promise::Memory, Promise::Disk][usize::from(serial % 3 == 0)];
        let batch = vec![record(at, i64::from(serial), vec![serial; 10])];
        pending.push(log.append_promised(batch, promise).expect("accepted"));
    }
    for (due, durable) in pending.into_iter().enumerate() {
        assert_eq!(settle(durable).expect("as promised"), [due as u64]);
    }
    assert_eq!(append(&*log, Vec::new()), [0_u64; 0]);
    let times: Vec<i64> = read_all(&*log, at).iter().map(|record| record.at_ms).collect();
    assert_eq!(
        times,
        (0..40).collect::<Vec<_>>(),
        "a barrier waits for both promises"
    );
    let nowhere = record(of(0, log.partitions()), 0, &b"x"[..]);
    let refused = log.append_promised(vec![nowhere], Promise::Memory);
    assert!(matches!(refused.map(drop), Err(AppendError::UnknownPartition(_))));
}

fn what_memory_promised_is_kept_by_a_close(open: Open<'_>) {
    let log = open("memory");
    for serial in 0..20 {
        let batch = vec![record(of(1, 1), serial, &b"x"[..])];
        settle(log.append_promised(batch, Promise::Memory).expect("accepted")).expect("as promised");
    }
    drop(log);
    let log = open("memory");
    assert_eq!(read_all(&*log, of(1, 1)).len(), 20);
}

fn saying_what_is_needed_changes_nothing_else(open: Open<'_>) {
    let log = open("holds");
    log.retain("early", &[(of(0, 0), 0), (of(9, 999), 5)]);
    append(&*log, vec![record(of(0, 0), 0, &b"x"[..])]);
    log.retain("early", &[]);
    log.retain("never spoke", &[]);
    assert_eq!(read_all(&*log, of(0, 0)).len(), 1);
}

/// Appends 4 MiB to `to`, in records of 4 KiB; returns the first offset kept.
fn overflow(log: &dyn EventLog, to: TopicPartition) -> u64 {
    for serial in 0..64 {
        append(log, vec![record(to, serial, vec![1; 4 << 10]); 16]);
    }
    log.start(to)
}

fn nothing_that_a_reader_needs_is_removed(open: Open<'_>) {
    let log = open("held");
    let (held, other) = (of(0, 0), of(0, 1));
    append(&*log, vec![record(held, 0, &b"x"[..]); 3]);
    log.retain("slow", &[(held, 1), (other, 0)]);
    log.retain("quick", &[(held, 3), (other, 0)]);
    assert_eq!(overflow(&*log, other), 0, "both still need the other partition");
    log.retain("slow", &[(held, 1), (other, 900)]);
    log.retain("quick", &[(held, 3), (other, 900)]);
    overflow(&*log, other);
    assert!(log.start(held) <= 1, "{} of {held:?}", log.start(held));
    assert_eq!(read_all(&*log, held).last().map(|record| record.offset), Some(2));
    log.retain("slow", &[(held, 3), (other, 900)]);
    let start = overflow(&*log, other);
    assert!((1..=900).contains(&start), "{start}");
    assert_eq!(log.start(held), 3, "nobody needs it any more");
}

fn readers_let_go(open: Open<'_>) {
    let log = open("released");
    let at = of(1, 0);
    log.retain("job", &[(at, 5)]);
    assert!(overflow(&*log, at) <= 5);
    log.retain("job", &[]);
    let start = overflow(&*log, at);
    assert!(start > 1024, "{start}: a reader without offsets holds nothing");
    assert_eq!(read_all(&*log, at).len() as u64, log.end(at) - start);
}

fn waiting_sees_what_became_durable(open: Open<'_>) {
    let log = open("waiting");
    let before = log.wait(0, Duration::ZERO);
    assert_eq!(log.wait(before, Duration::ZERO), before);
    let durable = log
        .append(vec![record(of(0, 0), 0, &b"x"[..])])
        .expect("accepted");
    let mut now = before;
    while log.end(of(0, 0)) == 0 {
        now = log.wait(now, WAIT_MAX);
    }
    assert!(log.wait(before, WAIT_MAX) > before);
    settle(durable).expect("durable");
}

fn reopening_goes_on_where_it_was(open: Open<'_>) {
    let log = open("reopened");
    append(
        &*log,
        (0..10)
            .map(|serial| record(of(1, 0), serial, vec![serial as u8]))
            .collect(),
    );
    let before = read_all(&*log, of(1, 0));
    drop(log);
    let log = open("reopened");
    assert_eq!(read_all(&*log, of(1, 0)), before);
    assert_eq!(append(&*log, vec![record(of(1, 0), 10, &b"next"[..])]), [10]);
}
