//! From many measured numbers to a few: fixed random projections with orthonormal rows, and how blocks of features are made
//! comparable before.
//!
//! A projection is a function of its seed alone. Distances survive it up to about 1/√width (Johnson and Lindenstrauss, 1984).

use std::sync::{LazyLock, RwLock};

/// Which projection; a number is never given to another use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Seed {
    Picture = 1,
    Sound = 2,
    /// Of encoders that are not ours.
    Foreign = 3,
}

/// Widest input: what a foreign encoder may answer.
pub(super) const INPUT_WIDTH_MAX: usize = 4096;

type Rows = &'static [Vec<f32>];
type Made = Vec<((Seed, usize, usize), Rows)>;
/// (seed, input width, output width) and the matrix. The few that a process uses stay for its life.
static MADE: LazyLock<RwLock<Made>> = LazyLock::new(Default::default);
const MADE_MAX: usize = 16;

/// The direction of `features` in `WIDTH` dimensions, with length 1; none for zeros, for what is not finite and for what is too
/// wide.
pub(super) fn part<const WIDTH: usize>(seed: Seed, features: &[f32]) -> Option<[f32; WIDTH]> {
    if features.is_empty() || features.len() > INPUT_WIDTH_MAX {
        return None;
    }
    let rows = rows(seed, features.len(), WIDTH)?;
    let mut out = [0.0; WIDTH];
    for (slot, row) in out.iter_mut().zip(rows) {
        *slot = dot(row, features);
    }
    unit(&mut out).then_some(out)
}

/// Scales to length 1; false for what has no direction.
pub(super) fn unit(values: &mut [f32]) -> bool {
    let length = dot(values, values).sqrt();
    if !(length.is_finite() && length > 1e-6) {
        return false;
    }
    values.iter_mut().for_each(|value| *value /= length);
    true
}

/// Appends a block with length `weight`, or less when it is shorter than `usual`: what is next to nothing must not count as
/// much as what stands out.
pub(super) fn block(into: &mut Vec<f32>, values: &[f32], usual: f32, weight: f32) {
    let scale = weight / (dot(values, values) + usual * usual).sqrt();
    into.extend(values.iter().map(|value| value * scale));
}

/// Square roots of shares, less those of even shares: distances of distributions (Hellinger), centred.
pub(super) fn shares(counts: &[f32]) -> Vec<f32> {
    let sum: f32 = counts.iter().sum();
    let even = (1.0 / counts.len() as f32).sqrt();
    let share = |count: &f32| (count / sum.max(f32::MIN_POSITIVE)).sqrt() - even;
    match sum > 0.0 {
        true => counts.iter().map(share).collect(),
        false => vec![0.0; counts.len()],
    }
}

pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn rows(seed: Seed, input: usize, output: usize) -> Option<Rows> {
    let key = (seed, input, output);
    let find = |made: &[((Seed, usize, usize), Rows)]| {
        let found = made.iter().find(|(known, _)| *known == key);
        found.map(|(_, rows)| *rows)
    };
    if let Some(rows) = find(&MADE.read().ok()?) {
        return Some(rows);
    }
    let mut made = MADE.write().ok()?;
    if let Some(rows) = find(&made) {
        return Some(rows);
    }
    if made.len() == MADE_MAX {
        return None;
    }
    let rows: Rows = Vec::leak(draw(seed, input, output));
    made.push((key, rows));
    Some(rows)
}

/// Rows drawn evenly from all directions, made orthogonal as far as there is room for it (Gram and Schmidt).
fn draw(seed: Seed, input: usize, output: usize) -> Vec<Vec<f32>> {
    let mut state = (seed as u64) << 32 | (input as u64) << 16 | output as u64;
    let mut rows: Vec<Vec<f32>> = Vec::with_capacity(output);
    for number in 0..output {
        let mut row: Vec<f32> = (0..input).map(|_| bell(&mut state)).collect();
        for earlier in rows.iter().take(if number < input { number } else { 0 }) {
            let along = dot(earlier, &row);
            row.iter_mut()
                .zip(earlier)
                .for_each(|(value, other)| *value -= along * other);
        }
        unit(&mut row);
        rows.push(row);
    }
    rows
}

/// Nearly normal: the sum of four even draws needs no function that machines compute differently.
fn bell(state: &mut u64) -> f32 {
    let bits = next(state);
    let part = |shift: u32| (bits >> shift & 0xffff) as f32 / 65_536.0 - 0.5;
    part(0) + part(16) + part(32) + part(48)
}

/// splitmix64.
pub(super) fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut x = *state;
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_projection_keeps_what_is_near_near() {
        let mut state = 5;
        let mut worst: f32 = 0.0;
        for _ in 0..50 {
            let a: Vec<f32> = (0..140).map(|_| bell(&mut state)).collect();
            let near: Vec<f32> = a.iter().map(|value| value + 0.1 * bell(&mut state)).collect();
            let of = |values: &[f32]| part::<56>(Seed::Picture, values).expect("a direction");
            worst = worst.max(1.0 - dot(&of(&a), &of(&near)));
        }
        assert!(worst < 0.02, "{worst}");
    }

    #[test]
    fn what_has_no_direction_has_no_part() {
        let of = |values: &[f32]| part::<8>(Seed::Sound, values);
        assert_eq!(of(&[0.0; 20]), None);
        assert_eq!(of(&[f32::NAN; 20]), None);
        assert_eq!(of(&[]), None);
        assert_eq!(of(&vec![1.0; INPUT_WIDTH_MAX + 1]), None);
        assert!(of(&[1.0; 3]).is_some(), "narrower than the part");
    }
}
