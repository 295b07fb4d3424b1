//! The table and the plain reference do the same, to the bit, over long sequences of calls.

use proptest::prelude::*;

use super::super::reference::PlainTable;
use super::super::{Key, Reader, Row, Table, Writer};
use super::{Random, mixed_slots, small};

const STRIDE: usize = 56;
/// Ids of a slot: few enough to come back, enough to make buckets overflow.
const IDS: u64 = 60;
/// One slot more than there is.
const SLOTS: u64 = 5;

#[derive(Debug, Clone)]
enum Call {
    Admit { keys: u8, seed: u64 },
    Apply { keys: u8, seed: u64 },
    Insert { width: u8, seed: u64 },
    Touch { keys: u8, seed: u64 },
    Remove { seed: u64 },
    Pass { seconds: u8 },
}

fn calls() -> impl Strategy<Value = Vec<Call>> {
    let seed = any::<u64>;
    let call = prop_oneof![
        6 => (1..60_u8, seed()).prop_map(|(keys, seed)| Call::Admit { keys, seed }),
        6 => (1..120_u8, seed()).prop_map(|(keys, seed)| Call::Apply { keys, seed }),
        1 => (0..58_u8, seed()).prop_map(|(width, seed)| Call::Insert { width, seed }),
        1 => (1..20_u8, seed()).prop_map(|(keys, seed)| Call::Touch { keys, seed }),
        1 => seed().prop_map(|seed| Call::Remove { seed }),
        2 => (0..30_u8).prop_map(|seconds| Call::Pass { seconds }),
    ];
    prop::collection::vec(call, 1..160)
}

fn some_key(random: &mut Random) -> Key {
    // Low ids come more often, and now and then the default row is named.
    let id = match random.below(40) {
        0 => Key::DEFAULT_ID,
        _ => random.below(IDS).min(random.below(IDS)),
    };
    Key::new(random.below(SLOTS) as u16, id)
}

fn some_keys(random: &mut Random, count: u8) -> Vec<Key> {
    (0..count).map(|_| some_key(random)).collect()
}

struct Both {
    writer: Writer,
    reader: Reader,
    plain: PlainTable,
    now_s: u32,
    offset: u64,
}

impl Both {
    fn new() -> Self {
        let (writer, reader) = Table::create(small(mixed_slots())).expect("a table");
        let plain = PlainTable::create(small(mixed_slots())).expect("a table");
        Self {
            writer,
            reader,
            plain,
            now_s: 1000,
            offset: 0,
        }
    }

    fn call(&mut self, call: &Call) {
        let now_s = self.now_s;
        match *call {
            Call::Admit { keys, seed } => {
                let keys = some_keys(&mut Random(seed), keys);
                assert_eq!(self.writer.admit(&keys, now_s), self.plain.admit(&keys, now_s));
            }
            Call::Apply { keys, seed } => {
                let mut random = Random(seed);
                let keys = some_keys(&mut random, keys);
                let mut gradients: Vec<f32> = (0..keys.len() * STRIDE).map(|_| random.symmetric()).collect();
                if random.below(8) == 0 {
                    gradients[3] = f32::NAN;
                }
                self.offset += 1;
                self.writer.apply(&keys, STRIDE, &gradients, now_s, self.offset);
                self.plain.apply(&keys, STRIDE, &gradients, now_s, self.offset);
            }
            Call::Insert { width, seed } => {
                let mut random = Random(seed);
                let key = some_key(&mut random);
                let values: Vec<f32> = (0..width).map(|_| random.symmetric()).collect();
                // A default row keeps its width, whatever is put into it.
                if !key.is_default() {
                    let inserted = self.writer.insert(key, &values, now_s);
                    assert_eq!(inserted, self.plain.insert(key, &values, now_s));
                }
            }
            Call::Touch { keys, seed } => {
                let keys = some_keys(&mut Random(seed), keys);
                self.writer.touch(&keys, now_s);
                self.plain.touch(&keys, now_s);
            }
            Call::Remove { seed } => {
                let key = some_key(&mut Random(seed));
                assert_eq!(self.writer.remove(key), self.plain.remove(key));
            }
            Call::Pass { seconds } => {
                self.now_s += u32::from(seconds);
                self.writer.sweep_all(self.now_s);
                self.plain.sweep_all(self.now_s);
            }
        }
    }

    fn check(&self) {
        assert_eq!(self.writer.len(), self.plain.len());
        let ids = (0..IDS).chain([Key::DEFAULT_ID]);
        let all: Vec<Key> = ids
            .flat_map(|id| (0..SLOTS).map(move |slot| Key::new(slot as u16, id)))
            .collect();
        for key in &all {
            let (ours, plain) = (self.writer.row(*key), self.plain.row(*key));
            assert_eq!(ours.is_some(), plain.is_some(), "{key:?}");
            let (Some(ours), Some(plain)) = (ours, plain) else {
                continue;
            };
            assert_eq!(ours.class(), plain.class);
            assert_eq!(ours.last_seen_s(), plain.last_seen_s);
            assert_eq!(ours.updates(), plain.updates);
            assert_eq!(ours.accumulator(), plain.accumulator);
            assert_eq!(ours.values(), plain.values);
            assert_eq!(Row::from_bytes(&ours.to_bytes()), Some(ours));
        }
        let (mut ours, mut plain) = (vec![7.0; all.len() * STRIDE], vec![9.0; all.len() * STRIDE]);
        self.reader.read(&all, STRIDE, &mut ours);
        self.plain.read(&all, STRIDE, &mut plain);
        assert_eq!(ours, plain);
        let places: Vec<u32> = (0..all.len()).map(|i| (i * STRIDE) as u32).collect();
        let mut placed = vec![0.0; all.len() * STRIDE];
        self.reader.read_at(&all, &places, &mut placed);
        assert_eq!(placed, plain);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, rng_seed: prop::test_runner::RngSeed::Fixed(4), ..ProptestConfig::default() })]

    #[test]
    fn the_table_does_what_the_reference_does(calls in calls()) {
        let mut both = Both::new();
        for (i, call) in calls.iter().enumerate() {
            both.call(call);
            if i % 40 == 39 {
                both.check();
            }
        }
        both.check();
    }
}
