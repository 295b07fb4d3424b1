//! The arithmetic of exploring: with which probability a video is drawn, and which random number decides. It knows no video.
//!
//! *Inverse-gap weighting* (SquareCB; Abe and Long 1999, Foster and Rakhlin 2020): of K candidates the best has value v̂, one that is worth
//! less by the share g of it is drawn with probability 1 / (K + γ·g), the best with what is left. The probability is known in closed form,
//! so it can be logged exactly; and no candidate's is below 1 / (K + γ).

/// Candidates of one draw.
pub const POOL_MAX: usize = 64;
/// γ of a learner without experience: a candidate that seems worth nothing is drawn half as often as in an even draw.
const GREED_START: f64 = POOL_MAX as f64;
/// After so many examples more, γ has grown by half of its start; it grows with the root of the number, as regret bounds ask.
const EXAMPLES_UNIT: f64 = 20_000.0;
/// What seems worth nothing is drawn at least once in so many draws, less [`POOL_MAX`], however much was learned.
const GREED_MAX: f64 = 4_096.0;

/// How greedy the draw is after so many examples: `64·√(1 + examples / 20 000)`, at most 4 096.
pub fn greed(examples: u64) -> f64 {
    (GREED_START * (1.0 + examples as f64 / EXAMPLES_UNIT).sqrt()).min(GREED_MAX)
}

/// Something that may be drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Chance {
    /// What showing it is thought to be worth, in the unit of the others. What is no positive number counts as nothing.
    pub value: f32,
    /// 0 to 1: the part of its gap that is forgiven, because it is owed impressions. With 1 it is drawn as often as the best.
    pub relief: f32,
}

/// Writes the probability of each of `chances` to `out`; they add up to 1. Empty for none.
pub fn inverse_gap(chances: &[Chance], greed: f64, out: &mut Vec<f64>) {
    out.clear();
    let worth = |chance: &Chance| match chance.value.is_finite() && chance.value > 0.0 {
        true => f64::from(chance.value),
        false => 0.0,
    };
    // The first of equals, so that equal input gives equal output.
    let best = (0..chances.len()).reduce(|best, at| match worth(&chances[at]) > worth(&chances[best]) {
        true => at,
        false => best,
    });
    let Some(best) = best else { return };
    let (count, top) = (chances.len() as f64, worth(&chances[best]));
    let probability = |chance: &Chance| {
        let gap = if top > 0.0 { 1.0 - worth(chance) / top } else { 0.0 };
        let relief = f64::from(chance.relief.clamp(0.0, 1.0));
        1.0 / (count + greed.max(0.0) * gap * (1.0 - relief))
    };
    out.extend(chances.iter().map(probability));
    out[best] = 0.0;
    out[best] = 1.0 - out.iter().sum::<f64>();
}

/// The one that `unit`, even in [0, 1), falls on; none when there is nothing to draw.
pub fn fall(probabilities: &[f64], unit: f64) -> Option<usize> {
    let mut left = unit;
    let drawn = probabilities.iter().position(|probability| {
        left -= probability;
        left < 0.0
    });
    // A crumb that rounding leaves belongs to the likeliest.
    let likeliest =
        || (0..probabilities.len()).max_by(|&a, &b| probabilities[a].total_cmp(&probabilities[b]));
    drawn.or_else(likeliest)
}

/// Random numbers by what they decide, not by when they are asked for: the same question has the same answer in every replay.
///
/// Each word of the key passes through the finaliser of splitmix64. Not for secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counter(u64);

impl Counter {
    /// The numbers of one page: of the house, a viewer, a sitting, a page of it.
    pub fn of_page(seed: u64, viewer: u64, sitting_ms: i64, page: u64) -> Self {
        Self(seed).with(viewer).with(sitting_ms as u64).with(page)
    }

    /// The numbers of a page whose seed is known: [`Counter::word`] 0 of [`Counter::of_page`].
    pub const fn of_seed(seed: u64) -> Self {
        Self(seed)
    }

    /// Those of one thing more.
    #[must_use]
    pub fn with(self, word: u64) -> Self {
        Self(mixed(self.0 ^ mixed(word.wrapping_add(0x9e37_79b9_7f4a_7c15))))
    }

    /// Number `at` of them.
    pub fn word(self, at: u64) -> u64 {
        self.with(at).0
    }

    /// The same, even in [0, 1) in steps of 2⁻⁵³.
    pub fn unit(self, at: u64) -> f64 {
        (self.word(at) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// The same, even in `0..bound`; `bound` is at least 1. The bias of the multiplication is below 2⁻³² for our sizes.
    pub fn below(self, at: u64, bound: usize) -> usize {
        ((u128::from(self.word(at)) * bound.max(1) as u128) >> 64) as usize
    }
}

fn mixed(mut x: u64) -> u64 {
    x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn chances(count: usize) -> Vec<Chance> {
        let numbers = Counter::of_page(1, 2, 3, 4);
        let chance = |at: usize| Chance {
            value: numbers.unit(at as u64) as f32,
            relief: if at.is_multiple_of(5) { 0.5 } else { 0.0 },
        };
        (0..count).map(chance).collect()
    }

    /// Pearson's statistic of how often each was drawn against how often it should have been.
    fn chi_square(counts: &[u64], probabilities: &[f64]) -> f64 {
        let draws = counts.iter().sum::<u64>() as f64;
        let terms = counts.iter().zip(probabilities).map(|(&count, probability)| {
            let expected = probability * draws;
            (count as f64 - expected).powi(2) / expected
        });
        terms.sum()
    }

    /// A million draws, keyed as pages are: viewers, sittings, pages and places.
    #[test]
    fn a_million_draws_are_as_frequent_as_their_propensities() {
        let (mut probabilities, mut counts) = (Vec::new(), [0u64; POOL_MAX]);
        inverse_gap(&chances(POOL_MAX), greed(0), &mut probabilities);
        for viewer in 0..5_000u64 {
            for page in 0..100 {
                let numbers = Counter::of_page(7, viewer << 22, 1_795_262_400_000 + viewer as i64, page);
                for place in [4, 14] {
                    counts[fall(&probabilities, numbers.unit(place)).expect("there are some")] += 1;
                }
            }
        }
        assert_eq!(counts.iter().sum::<u64>(), 1_000_000);
        let statistic = chi_square(&counts, &probabilities);
        // 63 degrees of freedom: above 103.4 once in a thousand seeds.
        assert!(statistic < 103.4, "{statistic}");
        let (least, most) = probabilities
            .iter()
            .fold((1.0f64, 0.0f64), |(a, b), &p| (a.min(p), b.max(p)));
        assert!(
            most / least > 10.0,
            "the draw is far from even: {least} to {most}"
        );
    }

    /// A second place draws from those the first left: pairs come as often as the product of what is logged for them.
    #[test]
    fn pairs_are_as_frequent_as_the_products_of_their_propensities() {
        const COUNT: usize = 5;
        let all = chances(COUNT);
        let mut probabilities = Vec::new();
        let mut of_pair = [[0.0; COUNT]; COUNT];
        let without = |first: usize| -> Vec<usize> { (0..COUNT).filter(|&at| at != first).collect() };
        let draw = |left: &[usize], out: &mut Vec<f64>| {
            let left: Vec<Chance> = left.iter().map(|&at| all[at]).collect();
            inverse_gap(&left, 30.0, out);
        };
        draw(&[0, 1, 2, 3, 4], &mut probabilities);
        let firsts = probabilities.clone();
        let mut counts = [[0u64; COUNT]; COUNT];
        for sitting in 0..200_000 {
            let numbers = Counter::of_page(11, 9, sitting, 0);
            let first = fall(&firsts, numbers.unit(4)).expect("there are some");
            let left = without(first);
            draw(&left, &mut probabilities);
            let second = fall(&probabilities, numbers.unit(14)).expect("there are some");
            counts[first][left[second]] += 1;
            of_pair[first][left[second]] = firsts[first] * probabilities[second];
        }
        let pairs = |at: usize| (at / COUNT, at % COUNT);
        let seen: Vec<usize> = (0..COUNT * COUNT)
            .filter(|&at| pairs(at).0 != pairs(at).1)
            .collect();
        let counts: Vec<u64> = seen.iter().map(|&at| counts[pairs(at).0][pairs(at).1]).collect();
        let expect: Vec<f64> = seen.iter().map(|&at| of_pair[pairs(at).0][pairs(at).1]).collect();
        assert!(
            (expect.iter().sum::<f64>() - 1.0).abs() < 1e-9,
            "every pair came up"
        );
        // 19 degrees of freedom: above 43.8 once in a thousand seeds.
        let statistic = chi_square(&counts, &expect);
        assert!(statistic < 43.8, "{statistic}");
    }

    #[test]
    fn numbers_are_even_and_of_their_key_alone() {
        let numbers = Counter::of_page(1, 2, 3, 4);
        assert_eq!(numbers.word(5), Counter::of_page(1, 2, 3, 4).word(5));
        for other in [
            (2, 2, 3, 4),
            (1, 3, 3, 4),
            (1, 2, 4, 4),
            (1, 2, 3, 5),
            (2, 1, 3, 4),
        ] {
            let (seed, viewer, sitting_ms, page) = other;
            assert_ne!(
                numbers.word(5),
                Counter::of_page(seed, viewer, sitting_ms, page).word(5)
            );
        }
        assert_eq!(
            numbers.word(5),
            5_405_684_974_521_317_207,
            "stable for ever, as receipts are replayed"
        );
    }

    #[test]
    fn greed_grows_with_the_root_of_what_was_learned() {
        let check =
            |examples: u64, expect: f64| assert!((greed(examples) - expect).abs() < 0.5, "{examples}");
        check(0, 64.0);
        check(60_000, 128.0);
        check(1_980_000, 640.0);
        check(u64::MAX, 4_096.0);
    }

    #[test]
    fn the_closed_form_is_that_of_the_paper() {
        let chance = |value, relief| Chance { value, relief };
        let mut out = Vec::new();
        inverse_gap(
            &[chance(0.4, 0.0), chance(0.8, 0.0), chance(0.2, 0.0)],
            10.0,
            &mut out,
        );
        let expect = [1.0 / (3.0 + 5.0), 0.0, 1.0 / (3.0 + 7.5)];
        assert!(
            (out[0] - expect[0]).abs() < 1e-6 && (out[2] - expect[2]).abs() < 1e-6,
            "{out:?}"
        );
        assert!((out[1] - (1.0 - expect[0] - expect[2])).abs() < 1e-6);
        // One that is owed everything stands with the best.
        inverse_gap(&[chance(0.8, 0.0), chance(0.1, 1.0)], 1e6, &mut out);
        assert_eq!(out, [0.5, 0.5]);
        inverse_gap(
            &[chance(0.0, 0.0), chance(f32::NAN, 0.0), chance(-1.0, 0.0)],
            50.0,
            &mut out,
        );
        assert!(
            out.iter().all(|p| (p - 1.0 / 3.0).abs() < 1e-12),
            "nothing is known of any: {out:?}"
        );
        inverse_gap(&[], 50.0, &mut out);
        assert_eq!((out.len(), fall(&out, 0.5)), (0, None));
    }

    proptest! {
        #[test]
        fn probabilities_add_up_and_none_is_below_the_floor(
            chances in proptest::collection::vec((-1.0f32..3.0, 0.0f32..1.0), 1..=POOL_MAX),
            greed in 0.0f64..5_000.0,
            unit in 0.0f64..1.0,
        ) {
            let chances: Vec<Chance> = chances.into_iter().map(|(value, relief)| Chance { value, relief }).collect();
            let mut out = Vec::new();
            inverse_gap(&chances, greed, &mut out);
            prop_assert!((out.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            let floor = 1.0 / (chances.len() as f64 + greed) - 1e-12;
            prop_assert!(out.iter().all(|&p| p >= floor && p <= 1.0));
            let drawn = fall(&out, unit).expect("there are some");
            let before: f64 = out[..drawn].iter().sum();
            prop_assert!(before <= unit + 1e-9 && unit < before + out[drawn] + 1e-9);
        }
    }
}
