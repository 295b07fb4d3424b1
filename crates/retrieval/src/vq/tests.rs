//! The index against its reference: under any changes, under concurrent ones, and for how much it finds.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};

use proptest::prelude::*;

use super::*;

const ALL: Limits = Limits {
    postings_max: usize::MAX,
    count_max: usize::MAX / 4,
};

/// A unit vector near one of `topics` directions, the same for the same numbers.
fn vector(seed: u64, topics: u64, spread: f32) -> [f32; WIDTH] {
    let noise = |stream: u64, at: usize| {
        let mut x = (stream << 20 | at as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        x = (x ^ x >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ x >> 32).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((x ^ x >> 31) >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    let topic = seed % topics.max(1);
    let values: [f32; WIDTH] =
        std::array::from_fn(|at| noise(topic + 1, at) + spread * noise(seed + 1_000_003, at));
    let length = values.iter().map(|x| x * x).sum::<f32>().sqrt();
    values.map(|x| x / length)
}

fn small() -> Config {
    Config {
        list_len: 8,
        clusters_max: 32,
        ..Config::default()
    }
}

fn found_of(index: &Index, query: &[f32; WIDTH], limits: &Limits) -> Vec<Found> {
    let (mut scratch, mut found) = (Scratch::default(), Vec::new());
    index.search(query, limits, &mut scratch, &mut found);
    found
}

#[derive(Debug, Clone, Copy)]
enum Change {
    Put(u8, u16),
    Remove(u8),
    Tend(u8),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        4 => (any::<u8>(), any::<u16>()).prop_map(|(item, seed)| Change::Put(item, seed)),
        2 => any::<u8>().prop_map(Change::Remove),
        1 => any::<u8>().prop_map(Change::Tend),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever was put, moved, removed and tended: a scan of everything finds the reference's items with the reference's scores.
    #[test]
    fn under_any_changes_it_holds_what_the_reference_holds(changes in prop::collection::vec(change(), 1..400)) {
        let (index, mut exact) = (Index::new(small()), Exact::default());
        for change in changes {
            match change {
                Change::Put(item, seed) => {
                    let (item, vector) = (u64::from(item), vector(u64::from(seed), 6, 0.4));
                    let bias = f32::from(seed % 7) / 10.0;
                    index.insert(item, u32::from(seed), &vector, bias);
                    exact.insert((item, u32::from(seed)), &vector, bias);
                }
                Change::Remove(item) => {
                    prop_assert_eq!(index.remove(u64::from(item)), exact.remove(u64::from(item)));
                }
                Change::Tend(count) => {
                    index.tend(usize::from(count));
                }
            }
        }
        let query = vector(77, 6, 0.4);
        let expected = exact.search(&query, usize::MAX);
        let mut found = found_of(&index, &query, &ALL);
        prop_assert_eq!(found.len(), expected.len());
        found.sort_unstable_by_key(|found| found.item);
        let mut expected = expected;
        expected.sort_unstable_by_key(|found| found.item);
        for (found, expected) in found.iter().zip(&expected) {
            prop_assert_eq!((found.item, found.tag), (expected.item, expected.tag));
            prop_assert!((found.score - expected.score).abs() < 0.01, "{:?} {:?}", found, expected);
        }
        let stats = index.stats();
        prop_assert_eq!(stats.items, expected.len());
        prop_assert!(index.items().iter().all(|item| index.has(*item)));
        for expected in &expected {
            let vector = index.vector(expected.item).expect("it is there");
            let dot: f32 = vector.iter().zip(&query).map(|(x, y)| x * y).sum();
            prop_assert!(dot <= expected.score + 0.01, "a bias is never negative here");
        }
    }
}

fn filled(config: Config, items: u64) -> Index {
    let index = Index::new(config);
    for item in 0..items {
        index.insert(item, 0, &vector(item, 50, 0.6), 0.0);
    }
    index
}

#[test]
fn all_kernels_give_the_same_answers() {
    let answers: Vec<Vec<Found>> = Kernel::available()
        .into_iter()
        .map(|kernel| {
            let index = Index::with_kernel(small(), kernel);
            for item in 0..600 {
                index.insert(item, 0, &vector(item, 9, 0.5), 0.0);
            }
            let limits = Limits {
                postings_max: 100,
                count_max: 50,
            };
            found_of(&index, &vector(3, 9, 0.5), &limits)
        })
        .collect();
    assert!(
        answers
            .iter()
            .all(|answer| answer == &answers[0] && answer.len() == 50)
    );
}

#[test]
fn most_of_the_exact_answer_is_in_a_small_part_of_the_postings() {
    let (index, mut exact) = (
        filled(
            Config {
                list_len: 40,
                ..Config::default()
            },
            20_000,
        ),
        Exact::default(),
    );
    (0..20_000).for_each(|item| exact.insert((item, 0), &vector(item, 50, 0.6), 0.0));
    let limits = Limits {
        postings_max: 1_500,
        count_max: 100,
    };
    let (mut hits, mut asked) = (0, 0);
    for seed in 0..20 {
        let query = vector(1_000_000 + seed * 13, 50, 0.6);
        let found: HashSet<u64> = found_of(&index, &query, &limits)
            .iter()
            .map(|found| found.item)
            .collect();
        let expected = exact.search(&query, 100);
        hits += expected
            .iter()
            .filter(|expected| found.contains(&expected.item))
            .count();
        asked += expected.len();
    }
    assert!(hits * 100 >= asked * 95, "{hits} of {asked}");
}

#[test]
fn clusters_stay_even_however_uneven_the_stream_is() {
    let index = Index::new(small());
    for item in 0..4_000_u64 {
        // Nine in ten are of one topic.
        let topic = if item % 10 == 0 { item } else { item - item % 50 };
        index.insert(item, 0, &vector(topic % 50 + 50 * item, 50, 0.5), 0.0);
    }
    let stats = index.stats();
    let mean = stats.items / stats.clusters;
    assert!(stats.clusters > 16, "{stats:?}");
    assert!(stats.longest <= 4 * mean + 4, "{stats:?}");
    let rare = (0..4_000).filter(|item| item % 10 == 0 && item % 100 != 10);
    rare.for_each(|item| assert!(index.remove(item)));
    index.tend(4_000);
    let after = index.stats();
    assert_eq!(after.items, 3_640);
    assert!(after.merges > 0, "{after:?}");
    assert!(
        after.longest <= 4 * (after.items / after.clusters) + 4,
        "{after:?}"
    );
}

#[test]
fn memory_follows_the_members_both_ways() {
    let index = filled(Config::default(), 6_000);
    let full = index.stats().bytes;
    (600..6_000).for_each(|item| assert!(index.remove(item)));
    index.tend(600);
    let places = 6_000 * 60;
    assert!(
        index.stats().bytes < full / 3 + places,
        "{full} {:?}",
        index.stats()
    );
}

/// The writer adds, moves and removes while readers ask; what stays all the time is found by every query, once.
#[test]
fn readers_find_what_stays_once_while_the_writer_works() {
    let index = filled(small(), 1_000);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..2)
            .map(|reader| {
                let (index, done) = (&index, &done);
                scope.spawn(move || {
                    let (mut scratch, mut found, mut queries) = (Scratch::default(), Vec::new(), 0);
                    while !done.load(Ordering::Acquire) || queries == 0 {
                        index.search(&vector(reader, 50, 0.6), &ALL, &mut scratch, &mut found);
                        let stay: Vec<u64> = found
                            .iter()
                            .map(|found| found.item)
                            .filter(|item| *item < 1_000)
                            .collect();
                        let once: HashSet<u64> = stay.iter().copied().collect();
                        assert_eq!(stay.len(), once.len(), "twice");
                        queries += 1;
                    }
                    assert_eq!(found_of(index, &vector(reader, 50, 0.6), &ALL).len(), 1_000);
                })
            })
            .collect();
        for round in 0..3_000_u64 {
            let item = 10_000 + round % 300;
            index.insert(item, 0, &vector(round * 7, 50, 0.6), 0.0);
            index.insert(round % 1_000, 0, &vector(round * 11, 50, 0.6), 0.0);
            if round % 2 == 1 {
                index.remove(10_000 + (round * 5) % 300);
            }
        }
        (10_000..10_300).for_each(|item| {
            index.remove(item);
        });
        done.store(true, Ordering::Release);
        for reader in readers {
            reader.join().expect("the reader is content");
        }
    });
}

#[test]
fn an_empty_index_and_an_empty_wish_find_nothing() {
    let limits = Limits {
        postings_max: 10,
        count_max: 0,
    };
    assert!(found_of(&Index::default(), &vector(1, 1, 0.0), &ALL).is_empty());
    assert!(found_of(&filled(small(), 100), &vector(1, 1, 0.0), &limits).is_empty());
}
