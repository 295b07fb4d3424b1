//! The fast precisions against the reference, and a candidate alone against a candidate among others.

use model::Columns;
use model::kernels::{Isa, Layer, Rows};
use model::table::{Key, Reader, RowClass, SlotRule, Table, TableConfig, Writer};
use proptest::prelude::*;

use super::*;

const WIDTH: usize = 24;
const SLOT: u16 = 2;
/// Dense values of a candidate.
const COLUMNS: usize = 8;

/// A generator of test inputs in [−1, 1).
fn symmetric(seed: u64, at: u64) -> f32 {
    let z = (seed ^ at.wrapping_mul(0x9e37_79b9_7f4a_7c15)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 29)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z >> 40) as f32 / (1 << 23) as f32 - 1.0
}

fn values(seed: u64, count: usize, bound: f32) -> Vec<f32> {
    (0..count as u64).map(|at| symmetric(seed, at) * bound).collect()
}

/// Weights of the size that training leaves: each layer keeps the spread of its inputs.
fn folded(seed: u64) -> Folded {
    let [h1, h2, outputs] = [64, 32, 16];
    let layer = |salt: u64, inputs: usize, outputs: usize| {
        values(seed ^ salt, inputs * outputs, (6.0 / inputs as f32).sqrt())
    };
    Folded {
        slot: SLOT,
        width: WIDTH,
        columns: Columns::plain(COLUMNS),
        hidden: [h1, h2],
        outputs,
        w1: layer(1, WIDTH + COLUMNS, h1 + outputs),
        b1: values(seed ^ 2, h1 + outputs, 0.5),
        w2: layer(3, h1, h2),
        b2: values(seed ^ 4, h2, 0.5),
        w3: layer(5, h2, outputs),
    }
}

fn table(rows: u64) -> (Writer, Reader) {
    let rules = vec![SlotRule::fixed(RowClass::D24); 3];
    let config = TableConfig {
        rows_max: [0, 1 << 16, 0],
        ..TableConfig::new(rules)
    };
    let (mut writer, reader) = Table::create(config).expect("a table");
    for id in 0..rows {
        writer.insert(Key::new(SLOT, id), &values(id, WIDTH, 0.5), 1);
    }
    (writer, reader)
}

fn scores(precision: Precision, seed: u64, reader: &Reader, ids: &[u64]) -> Vec<f32> {
    let light = Light::of(folded(seed), vec![0.125; 8], precision);
    let (mut scratch, mut scores) = (LightScratch::default(), Vec::new());
    let dense: Vec<f32> = ids.iter().flat_map(|id| values(*id ^ 77, COLUMNS, 1.0)).collect();
    light.score(reader, ids, &dense, &mut scratch, &mut scores);
    scores
}

#[test]
fn every_precision_is_within_a_hundredth_of_the_reference() {
    let (_writer, reader) = table(700);
    // Some ids have no row.
    let ids: Vec<u64> = (0..1500).map(|i| i * 7 % 800).collect();
    for seed in 0..20 {
        let mut all = Precision::available().into_iter();
        let reference = scores(all.next().expect("the reference"), seed, &reader, &ids);
        let spread = reference.iter().fold(f32::MIN, |top, x| top.max(*x))
            - reference.iter().fold(f32::MAX, |low, x| low.min(*x));
        assert!(spread > 0.05, "the scores differ: {spread}");
        for precision in all {
            let scores = scores(precision, seed, &reader, &ids);
            for (score, reference) in scores.iter().zip(&reference) {
                assert!(
                    (score - reference).abs() < 1e-2,
                    "{precision:?}: {score} and {reference}"
                );
            }
        }
    }
}

#[test]
fn a_score_does_not_depend_on_the_batch() {
    let (_writer, reader) = table(900);
    let ids: Vec<u64> = (0..10_000).map(|i| i * 13 % 1000).collect();
    for precision in Precision::available() {
        let all = scores(precision, 3, &reader, &ids);
        assert_eq!(all.len(), ids.len());
        let bits = |scores: &[f32]| -> Vec<u32> { scores.iter().map(|score| score.to_bits()).collect() };
        for first in (0..ids.len() - 7).step_by(611) {
            let seven = scores(precision, 3, &reader, &ids[first..first + 7]);
            assert_eq!(bits(&seven), bits(&all[first..first + 7]), "{precision:?}");
            let alone = scores(precision, 3, &reader, &ids[first..first + 1]);
            assert_eq!(bits(&alone), bits(&all[first..first + 1]), "{precision:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Any shape: narrow factors, rounded as the packing rounds them, give the same sums up to the order of rounding.
    #[test]
    fn narrow_products_are_those_of_rounded_factors(
        rows in 0_usize..20, inputs in 1_usize..70, registers in 1_usize..6, seed: u64,
    ) {
        let outputs = registers * 16;
        let (x, weights) = (values(seed, rows * inputs, 1.0), values(seed ^ 1, inputs * outputs, 1.0));
        let start = values(seed ^ 2, rows * outputs, 1.0);
        let near = |x: &f32| {
            let bits = x.to_bits();
            f32::from_bits((bits + 0x7fff + (bits >> 16 & 1)) >> 16 << 16)
        };
        let product = |precision, x: &[f32], weights: Vec<f32>| {
            let mut y = start.clone();
            let x = Rows { values: x, row: inputs, column: 1 };
            Layer::new(inputs, outputs, weights, precision).add(precision, x, (&mut y, outputs), rows, &mut Vec::new());
            y
        };
        let fast = product(Precision::best(), &x, weights.clone());
        let (x, weights): (Vec<f32>, Vec<f32>) = (x.iter().map(near).collect(), weights.iter().map(near).collect());
        let plain = product(Precision::Single(Isa::SCALAR), &x, weights);
        for (fast, plain) in fast.iter().zip(&plain) {
            let bound = match Precision::best() {
                Precision::Single(_) => 0.3,
                #[cfg(target_arch = "x86_64")]
                Precision::Bf16(_) => 1e-4,
            };
            prop_assert!((fast - plain).abs() < bound, "{} and {}", fast, plain);
        }
    }
}
