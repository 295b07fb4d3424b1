//! Row-wise Adagrad whose memory fades: one accumulator a row, and the step that a gradient makes.
//!
//! With gradient g of d values, Δt seconds after the row was last seen:
//!
//! ```text
//! a ← a · 2^(−Δt / half-life) + |g|² / d          w ← w − rate / √(a + ε) · g
//! ```
//!
//! Plain Adagrad only ever slows down; an online learner must not, so the accumulator decays. The new values are
//! rounded to halves at random, by numbers named after the log offset and the key: a replay rounds alike, wherever the
//! row lies. Everything is computed by exactly rounded operations in a fixed order, so machines agree to the bit.

use super::config::{SlotRule, TableConfig};
use super::half;
use super::key::Key;
use super::random::Stream;
use super::reader::values_into;
use super::slab::{HEADER_WORDS, Header};

/// Values that are summed side by side before the sums are added up; fixes the order of the sum.
const LANES: usize = 8;

/// One step of one row.
#[derive(Debug)]
pub(super) struct Update {
    rate: f32,
    epsilon: f32,
    half_life_s: f32,
    now_s: u32,
    seen: u16,
    random: Stream,
}

impl Update {
    /// `seen` examples at `now_s` gave the gradient.
    pub(super) fn new(
        config: &TableConfig,
        rule: &SlotRule,
        key: Key,
        seen: u32,
        now_s: u32,
        offset: u64,
    ) -> Self {
        Self {
            rate: rule.learning_rate,
            epsilon: config.epsilon,
            half_life_s: config.accumulator_half_life_s as f32,
            now_s,
            seen: seen.min(u32::from(u16::MAX)) as u16,
            random: Stream::new(config.seed, key.bits(), offset),
        }
    }

    /// Applies a finite gradient of at least `D` values to a row's words; `W` words hold `D` values.
    #[inline(always)]
    pub(super) fn step_words<const W: usize, const D: usize>(&self, words: &mut [u64; W], gradient: &[f32]) {
        let gradient: &[f32; D] = gradient.first_chunk().expect("as wide as the row");
        let mut header = Header::of(words[0], words[1]);
        let quiet_s = self.now_s.saturating_sub(header.last_seen_s);
        let faded = header.accumulator * halved(quiet_s as f32 / self.half_life_s);
        header.accumulator = faded + mean_square(gradient);
        header.last_seen_s = header.last_seen_s.max(self.now_s);
        header.updates = header.updates.saturating_add(self.seen);
        let step = self.rate / (header.accumulator + self.epsilon).sqrt();

        let mut values = [0.0; D];
        values_into::<W, D>(words, &mut values);
        let mut halves = [0_u16; D];
        for i in 0..D {
            let moved = values[i] - step * gradient[i];
            halves[i] = half::rounded(moved, self.random.at(i as u32));
        }
        header_into(header, words);
        halves_into(&halves, words);
    }
}

pub(super) fn header_into<const W: usize>(header: Header, words: &mut [u64; W]) {
    let [first, second] = header.words();
    words[0] = first;
    words[1] = second;
}

/// Packs halves behind the header, four a word.
#[inline(always)]
pub(super) fn halves_into<const W: usize>(halves: &[u16], words: &mut [u64; W]) {
    for (word, four) in words[HEADER_WORDS..].iter_mut().zip(halves.chunks_exact(4)) {
        *word = (0..4).fold(0, |word, i| word | u64::from(four[i]) << (16 * i));
    }
}

#[inline(always)]
fn mean_square<const D: usize>(values: &[f32; D]) -> f32 {
    let mut sums = [0.0_f32; LANES];
    for eight in values.chunks_exact(LANES) {
        for (sum, value) in sums.iter_mut().zip(eight) {
            *sum += value * value;
        }
    }
    sums.iter().sum::<f32>() / D as f32
}

/// 2⁻ˣ for x ≥ 0, to a relative error of 1.1 · 10⁻⁴; not by the system's library, whose last bits differ between versions.
#[inline(always)]
pub(super) fn halved(x: f32) -> f32 {
    if x >= 126.0 {
        return 0.0;
    }
    let whole = x as u32;
    let part = x - whole as f32;
    // Near-minimax cubic of 2⁻ᵗ on [0, 1], exact at both ends.
    let curve = 1.0 + part * (-0.691_42 + part * (0.230_56 + part * -0.039_14));
    curve * f32::from_bits((127 - whole) << 23)
}

#[cfg(test)]
mod tests {
    use super::super::config::RowClass;
    use super::*;

    /// Steps a row by a gradient, at a second, at an offset.
    type Step = Box<dyn Fn(&mut [u64; 8], &[f32; 24], u32, u64)>;

    fn update(rate: f32) -> (TableConfig, SlotRule, Step) {
        let mut rule = SlotRule::fixed(RowClass::D24);
        rule.learning_rate = rate;
        let config = TableConfig::new(vec![rule]);
        let (for_steps, rule_for_steps) = (config.clone(), rule);
        let step = move |words: &mut [u64; 8], gradient: &[f32; 24], now_s, offset| {
            let update = Update::new(&for_steps, &rule_for_steps, Key::new(0, 5), 1, now_s, offset);
            update.step_words::<8, 24>(words, gradient);
        };
        (config, rule, Box::new(step))
    }

    fn values(words: &[u64; 8]) -> [f32; 24] {
        let mut values = [0.0; 24];
        values_into::<8, 24>(words, &mut values);
        values
    }

    #[test]
    fn the_power_is_close_and_exact_at_whole_numbers() {
        for thousandths in 0..20_000 {
            let x = thousandths as f32 / 1000.0;
            let error = halved(x) / (-x).exp2() - 1.0;
            assert!(error.abs() < 1.1e-4, "{x}: {error}");
        }
        for whole in 0..30 {
            assert_eq!(halved(whole as f32), 0.5_f32.powi(whole));
        }
        assert_eq!(halved(1e9), 0.0);
    }

    #[test]
    fn the_accumulator_fades_and_grows() {
        let (config, _, step) = update(0.1);
        let mut words = [0; 8];
        step(&mut words, &[2.0; 24], 1000, 1);
        assert_eq!(Header::of(words[0], words[1]).accumulator, 4.0);
        let later = 1000 + config.accumulator_half_life_s;
        step(&mut words, &[1.0; 24], later, 2);
        let header = Header::of(words[0], words[1]);
        assert_eq!(
            (header.accumulator, header.updates, header.last_seen_s),
            (3.0, 2, later)
        );
    }

    /// A thousand steps, each far below one unit in the last place, add up to their sum.
    #[test]
    fn small_steps_are_not_lost() {
        let (_, _, step) = update(1e-4);
        let mut words = [0; 8];
        halves_into(&[half::nearest(1.0); 24], &mut words);
        header_into(
            Header {
                last_seen_s: 1,
                updates: 0,
                tag: 0,
                accumulator: 1.0,
            },
            &mut words,
        );
        let mut exact = 1.0_f64;
        let mut accumulator = 1.0_f64;
        for offset in 0..1000 {
            step(&mut words, &[0.01; 24], 1, offset);
            accumulator += 1e-4;
            exact -= 1e-4 / accumulator.sqrt() * 0.01;
        }
        let mean = values(&words).iter().sum::<f32>() / 24.0;
        assert!(
            (f64::from(mean) - exact).abs() < 3e-4,
            "{mean} instead of {exact}"
        );
        assert!(1.0 - exact > 9e-4);
    }

    #[test]
    fn the_vector_build_gives_the_same_bits() {
        let (config, rule, step) = update(0.3);
        let mut plain = [0; 8];
        let mut wide = [0; 8];
        for offset in 0..200 {
            let noise = Stream::new(1, 2, offset);
            let gradient = std::array::from_fn(|i| noise.symmetric_at(i as u32));
            step(&mut plain, &gradient, 7, offset);
            let update = Update::new(&config, &rule, Key::new(0, 5), 1, 7, offset);
            super::super::wide::step::<8, 24>(&update, &mut wide, &gradient);
        }
        assert_eq!(plain, wide);
        assert!(values(&plain).iter().any(|value| value.abs() > 0.01));
    }
}
