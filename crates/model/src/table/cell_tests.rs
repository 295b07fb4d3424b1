//! The protocols of reading beside a writer, tried in every interleaving and with every stale value that the memory model
//! allows. The functions are those of the table; only the words are loom's.

use std::sync::atomic::Ordering;

use loom::model::Builder;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicU64, fence};
use loom::thread;

use super::super::bucket::{self, Bucket, Disturbed, Probe};
use super::super::config::RowClass;
use super::super::key::Key;
use super::super::slab::RowRef;
use super::{Word, own, read, unchanged, write};

struct LoomWord(AtomicU64);

impl Word for LoomWord {
    fn load(&self, order: Ordering) -> u64 {
        self.0.load(order)
    }

    fn store(&self, value: u64, order: Ordering) {
        self.0.store(value, order);
    }

    fn fence(order: Ordering) {
        fence(order);
    }
}

type LoomBucket = [LoomWord; bucket::WORDS];

const WANTED: Key = Key::from_bits(7);

fn cell<const N: usize>(words: [u64; N]) -> [LoomWord; N] {
    words.map(|word| LoomWord(AtomicU64::new(word)))
}

fn row() -> RowRef {
    RowRef::from_bits(1).expect("not zero")
}

fn bucket(holds: bool) -> LoomBucket {
    let mut bucket = Bucket([0; bucket::WORDS]);
    if holds {
        bucket.set(4, WANTED, row());
    }
    cell(bucket.0)
}

fn change(words: &LoomBucket, change: impl FnOnce(&mut Bucket)) {
    let mut bucket = Bucket(own(words));
    change(&mut bucket);
    write(words, &bucket.0);
}

/// Runs a writer and a reader over shared words in every schedule with up to two switches that no thread asked for, and then
/// checks what is left. Both have a thread of their own: loom does not try to run anything before its first thread.
fn explore<S: Send + Sync + 'static>(shared: fn() -> S, writer: fn(&S), reader: fn(&S), after: fn(&S)) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(2);
    builder.check(move || {
        let shared = Arc::new(shared());
        let start = |run: fn(&S)| {
            let shared = shared.clone();
            thread::spawn(move || run(&shared))
        };
        for thread in [start(writer), start(reader)] {
            thread.join().expect("the thread ends");
        }
        after(&shared);
    });
}

type Pair = [LoomWord; 3];

/// Both words of a cell are of one write, whichever it was.
#[test]
fn a_cell_is_never_torn() {
    let writer = |shared: &Pair| {
        write(shared, &[1 << 32, 101, 101]);
        write(shared, &[2 << 32, 102, 102]);
    };
    let last = |shared: &Pair| assert!(read(shared).is_some_and(|words| words[1] == 102));
    explore(|| cell([0, 100, 100]), writer, reads_whole, last);
}

/// The model can fail: a writer that forgets the version is found out.
#[test]
#[should_panic(expected = "torn")]
fn a_write_without_a_version_is_torn() {
    let writer = |shared: &Pair| {
        shared[1].store(101, Ordering::Relaxed);
        shared[2].store(101, Ordering::Relaxed);
    };
    explore(|| cell([0, 100, 100]), writer, reads_whole, |_| {});
}

fn reads_whole(shared: &Pair) {
    if let Some([head, one, two]) = read(shared) {
        assert_eq!(one, two, "torn");
        assert_eq!(head >> 32, one - 100);
    }
}

/// A bucket and the row that it leads to; the row's second word names its owner.
type Owned = (LoomBucket, [LoomWord; 2]);

/// A row that the writer takes from one key and gives to another is never read as the first key's.
#[test]
fn a_reused_row_is_never_taken_for_the_old_keys() {
    explore(owned, gives_away, |shared| reads_owned(shared, true), |_| {});
}

/// The second look at the bucket is what that rests on.
#[test]
#[should_panic(expected = "the row of another key")]
fn without_a_second_look_a_reused_row_is_mistaken() {
    explore(owned, gives_away, |shared| reads_owned(shared, false), |_| {});
}

fn owned() -> Owned {
    (bucket(true), cell([0, WANTED.bits()]))
}

fn gives_away((bucket, row): &Owned) {
    change(bucket, |bucket| bucket.clear(4));
    write(row, &[0, 99]);
}

fn reads_owned((bucket, row): &Owned, look_again: bool) {
    if let Probe::Hit { head, .. } = bucket::probe(bucket, WANTED)
        && let Some([_, owner]) = read(row)
        && (!look_again || unchanged(bucket, head))
    {
        assert_eq!(owner, WANTED.bits(), "the row of another key");
    }
}

/// A glance that is confirmed once, after the row was copied, is worth both looks.
#[test]
fn a_reused_row_is_never_taken_at_a_glance() {
    let reader = |(bucket, row): &Owned| {
        let seen = bucket::seek(bucket, WANTED);
        if seen.row != 0
            && let Some([_, owner]) = read(row)
            && seen.holds(bucket)
        {
            assert_eq!(owner, WANTED.bits(), "the row of another key");
        }
    };
    explore(owned, gives_away, reader, |_| {});
}

/// A glance that holds saw key and row of one write, also when another key comes into the entry meanwhile.
#[test]
fn a_glance_that_holds_is_never_torn() {
    let writer = |bucket: &LoomBucket| {
        change(bucket, |bucket| {
            bucket.set(4, Key::from_bits(9), RowRef::new(RowClass::D24, 2))
        });
    };
    let reader = |bucket: &LoomBucket| {
        let seen = bucket::seek(bucket, WANTED);
        assert!(
            !seen.holds(bucket) || [0, row().bits()].contains(&seen.row),
            "torn"
        );
    };
    explore(|| bucket(true), writer, reader, |_| {});
}

/// It rests on being confirmed.
#[test]
#[should_panic(expected = "torn")]
fn a_glance_that_nobody_confirms_is_torn() {
    let writer = |bucket: &LoomBucket| {
        change(bucket, |bucket| {
            bucket.set(4, Key::from_bits(9), RowRef::new(RowClass::D24, 2))
        });
    };
    let reader = |bucket: &LoomBucket| {
        let seen = bucket::seek(bucket, WANTED);
        assert!([0, row().bits()].contains(&seen.row), "torn");
    };
    explore(|| bucket(true), writer, reader, |_| {});
}

/// Two buckets, and the word that says which ones to look at.
type Places = (LoomBucket, LoomBucket, [LoomWord; 1]);

/// A key that moves from its second bucket to its first is found, or the reader knows that it was disturbed.
#[test]
fn a_displaced_key_is_never_missing() {
    let reader = |(one, two, [geometry]): &Places| {
        assert_ne!(bucket::find(geometry, 5, [one, two], WANTED), Ok(None));
    };
    let after = |(one, two, [geometry]): &Places| {
        let found = bucket::find(geometry, 5, [one, two], WANTED);
        assert!(matches!(found, Ok(Some((0, ..)))));
    };
    explore(
        || (bucket(false), bucket(true), cell([5])),
        displaces,
        reader,
        after,
    );
}

/// A reader that looks at one bucket after the other, and does not look back, misses it.
#[test]
#[should_panic(expected = "nowhere")]
fn without_looking_back_a_displaced_key_is_missing() {
    let reader = |(one, two, _): &Places| {
        let looks = [one, two].map(|bucket| bucket::probe(bucket, WANTED));
        let missed = |look: &Probe| matches!(look, Probe::Miss { .. });
        assert!(!looks.iter().all(missed), "nowhere");
    };
    explore(
        || (bucket(false), bucket(true), cell([5])),
        displaces,
        reader,
        |_| {},
    );
}

fn displaces((one, two, _): &Places) {
    change(one, |bucket| bucket.set(0, WANTED, row()));
    change(two, |bucket| bucket.clear(4));
}

/// A reader that still has the geometry from before a growth does not take an emptied old bucket for the key's absence.
#[test]
fn a_growing_shard_never_hides_a_key() {
    let writer = |(old, new, [geometry]): &Places| {
        geometry.store(6, Ordering::Release);
        change(new, |bucket| bucket.set(0, WANTED, row()));
        change(old, |bucket| bucket.clear(4));
    };
    let reader = |(old, new, [geometry]): &Places| {
        let found = match geometry.load(Ordering::Acquire) {
            5 => bucket::find(geometry, 5, vec![old], WANTED),
            bits => bucket::find(geometry, bits, vec![new, old], WANTED),
        };
        assert!(matches!(found, Ok(Some(_)) | Err(Disturbed)));
    };
    explore(
        || (bucket(true), bucket(false), cell([5])),
        writer,
        reader,
        |_| {},
    );
}
