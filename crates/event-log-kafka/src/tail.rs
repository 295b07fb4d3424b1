//! The newest records of the partitions that are followed, in memory, bounded in bytes.
//!
//! One window a partition: records with neighbouring offsets, ending where the follower is. What does not fit any more
//! leaves in the order in which it came, whichever partition it belongs to. It asks no broker.

use std::collections::VecDeque;
use std::time::Duration;

use event_log::Record;
use parking_lot::{Condvar, Mutex};

/// What a record is counted for beside its payload.
const RECORD_OVERHEAD_BYTES: usize = 64;

/// Windows of every slot. The follower writes, readers wait and copy handles.
pub(crate) struct Tail {
    bytes_max: usize,
    state: Mutex<State>,
    grew: Condvar,
}

struct State {
    windows: Vec<Option<Window>>,
    /// What to drop first.
    order: VecDeque<Portion>,
    bytes: usize,
    lives: u64,
}

struct Window {
    /// Tells this window from others that the slot had before.
    life: u64,
    /// Offset of the first record, or of the next when there is none.
    first: u64,
    records: VecDeque<Record>,
}

/// Records that came together; they leave together too.
struct Portion {
    slot: usize,
    life: u64,
    records: usize,
    bytes: usize,
}

/// What the cache has for a reader.
#[derive(Debug, PartialEq)]
pub(crate) enum Found {
    Records(Vec<Record>),
    /// Not here yet; the follower will bring it.
    Soon,
    /// Not here any more, or the partition is not followed.
    Gone,
}

/// What became of records that were pushed.
#[derive(Debug, PartialEq)]
pub(crate) enum Pushed {
    /// The window now ends at this offset.
    Until(u64),
    /// The first of them is beyond the window's end by so many records; the window begins anew with it.
    AfterGap(u64, u64),
    NotFollowed,
}

impl Tail {
    pub(crate) fn new(slots: usize, bytes_max: usize) -> Self {
        let state = State {
            windows: std::iter::repeat_with(|| None).take(slots).collect(),
            order: VecDeque::new(),
            bytes: 0,
            lives: 0,
        };
        Self {
            bytes_max,
            state: Mutex::new(state),
            grew: Condvar::new(),
        }
    }

    /// Starts an empty window at `offset`.
    pub(crate) fn open(&self, slot: usize, offset: u64) {
        self.state.lock().open(slot, offset);
        self.grew.notify_all();
    }

    /// Forgets the window.
    pub(crate) fn close(&self, slot: usize) {
        self.state.lock().close(slot);
        self.grew.notify_all();
    }

    /// Where the follower is.
    pub(crate) fn next(&self, slot: usize) -> Option<u64> {
        self.state.lock().windows[slot].as_ref().map(Window::next)
    }

    /// Adds records with neighbouring offsets; those that the window has already are passed over.
    pub(crate) fn push(&self, slot: usize, records: Vec<Record>) -> Pushed {
        let mut state = self.state.lock();
        let Some(window) = &mut state.windows[slot] else {
            return Pushed::NotFollowed;
        };
        let next = window.next();
        let Some(first) = records
            .iter()
            .map(|record| record.offset)
            .find(|offset| *offset >= next)
        else {
            return Pushed::Until(next);
        };
        if first > next {
            state.open(slot, first);
        }
        let until = state.extend(slot, records.into_iter().filter(|record| record.offset >= first));
        state.evict(self.bytes_max);
        drop(state);
        self.grew.notify_all();
        match first > next {
            true => Pushed::AfterGap(first - next, until),
            false => Pushed::Until(until),
        }
    }

    /// Records from `offset` on, at most about `bytes_max` of payload; waits for the follower up to `timeout`.
    pub(crate) fn read_within(&self, slot: usize, offset: u64, bytes_max: usize, timeout: Duration) -> Found {
        let mut state = self.state.lock();
        let mut found = state.read(slot, offset, bytes_max);
        self.grew.wait_while_for(
            &mut state,
            |state| {
                found = state.read(slot, offset, bytes_max);
                found == Found::Soon
            },
            timeout,
        );
        found
    }

    #[cfg(test)]
    fn bytes(&self) -> usize {
        self.state.lock().bytes
    }
}

impl Window {
    fn next(&self) -> u64 {
        self.first + self.records.len() as u64
    }
}

impl State {
    fn read(&self, slot: usize, offset: u64, bytes_max: usize) -> Found {
        let Some(window) = &self.windows[slot] else {
            return Found::Gone;
        };
        if offset < window.first {
            return Found::Gone;
        }
        let from = (offset - window.first) as usize;
        if from >= window.records.len() {
            return Found::Soon;
        }
        let mut bytes = 0;
        let fits = |record: &&Record| {
            let fits = bytes < bytes_max;
            bytes += record.payload.len();
            fits
        };
        let mut records: Vec<Record> = window.records.range(from..).take_while(fits).cloned().collect();
        if records.is_empty() {
            records.extend(window.records.get(from).cloned());
        }
        Found::Records(records)
    }

    /// Appends to the window and notes what that weighs; returns where it ends now.
    fn extend(&mut self, slot: usize, records: impl Iterator<Item = Record>) -> u64 {
        let Some(window) = &mut self.windows[slot] else {
            return 0;
        };
        let before = window.records.len();
        window.records.extend(records);
        let new = window.records.range(before..);
        let bytes = new
            .map(|record| record.payload.len() + RECORD_OVERHEAD_BYTES)
            .sum();
        self.bytes += bytes;
        self.order.push_back(Portion {
            slot,
            life: window.life,
            records: window.records.len() - before,
            bytes,
        });
        window.next()
    }

    fn open(&mut self, slot: usize, offset: u64) {
        self.close(slot);
        self.lives += 1;
        self.windows[slot] = Some(Window {
            life: self.lives,
            first: offset,
            records: VecDeque::new(),
        });
    }

    fn close(&mut self, slot: usize) {
        let Some(window) = self.windows[slot].take() else {
            return;
        };
        let bytes = &mut self.bytes;
        self.order.retain(|portion| {
            let stays = portion.life != window.life;
            *bytes -= if stays { 0 } else { portion.bytes };
            stays
        });
    }

    /// The newest portion stays, however large, so that a reader at the end finds something.
    fn evict(&mut self, bytes_max: usize) {
        while self.bytes > bytes_max && self.order.len() > 1 {
            let Some(oldest) = self.order.pop_front() else {
                break;
            };
            self.bytes -= oldest.bytes;
            if let Some(window) = &mut self.windows[oldest.slot] {
                window.records.drain(..oldest.records);
                window.first += oldest.records as u64;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;
    use event_log::{Topic, TopicPartition};

    use super::*;

    const BYTES: usize = 100 - RECORD_OVERHEAD_BYTES;

    fn records(offsets: std::ops::Range<u64>) -> Vec<Record> {
        let from = TopicPartition {
            topic: Topic(0),
            partition: 0,
        };
        let record = |offset| Record {
            from,
            offset,
            at_ms: 0,
            payload: Bytes::from(vec![offset as u8; BYTES]),
        };
        offsets.map(record).collect()
    }

    fn read(tail: &Tail, slot: usize, offset: u64, records: usize) -> Found {
        tail.read_within(slot, offset, records * BYTES, Duration::ZERO)
    }

    #[test]
    fn a_window_has_what_was_pushed_and_nothing_else() {
        let tail = Tail::new(2, 10_000);
        assert_eq!(tail.push(0, records(5..6)), Pushed::NotFollowed);
        assert_eq!(read(&tail, 0, 5, 1), Found::Gone);
        tail.open(0, 5);
        assert_eq!(read(&tail, 0, 5, 1), Found::Soon);
        assert_eq!(tail.push(0, records(5..9)), Pushed::Until(9));
        let check = |offset, at_most, expect| {
            assert_eq!(read(&tail, 0, offset, at_most), expect, "{offset} {at_most}")
        };
        check(4, 9, Found::Gone);
        check(5, 2, Found::Records(records(5..7)));
        check(8, 9, Found::Records(records(8..9)));
        check(6, 0, Found::Records(records(6..7)));
        check(9, 9, Found::Soon);
        assert_eq!(read(&tail, 1, 0, 1), Found::Gone);
        assert_eq!(
            tail.push(0, records(7..11)),
            Pushed::Until(11),
            "two of them again"
        );
        check(5, 9, Found::Records(records(5..11)));
        assert_eq!(tail.push(0, records(3..4)), Pushed::Until(11));
        assert_eq!(tail.push(0, records(20..21)), Pushed::AfterGap(9, 21));
        check(10, 9, Found::Gone);
        check(20, 9, Found::Records(records(20..21)));
        tail.close(0);
        check(20, 9, Found::Gone);
        assert_eq!(tail.bytes(), 0);
    }

    #[test]
    fn the_oldest_leave_whatever_their_partition() {
        let tail = Tail::new(2, 350);
        tail.open(0, 0);
        tail.open(1, 0);
        for (slot, offsets) in [(0, 0..2), (1, 0..1), (0, 2..4), (1, 1..2)] {
            tail.push(slot, records(offsets));
        }
        assert_eq!(tail.bytes(), 300, "the third and fourth portion");
        assert_eq!(read(&tail, 0, 1, 9), Found::Gone);
        assert_eq!(read(&tail, 0, 2, 9), Found::Records(records(2..4)));
        assert_eq!(read(&tail, 1, 0, 9), Found::Gone);
        assert_eq!(read(&tail, 1, 1, 9), Found::Records(records(1..2)));
        tail.push(0, records(4..10));
        assert_eq!(tail.bytes(), 600, "the newest stays, however large");
        assert_eq!(read(&tail, 1, 1, 9), Found::Gone);
        assert_eq!(read(&tail, 1, 2, 9), Found::Soon);
    }

    #[test]
    fn readers_wait_for_the_follower() {
        let tail = Tail::new(1, 10_000);
        tail.open(0, 0);
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| tail.read_within(0, 0, 1, Duration::from_secs(60)));
            tail.push(0, records(0..1));
            assert_eq!(reader.join().expect("reader"), Found::Records(records(0..1)));
        });
    }
}
