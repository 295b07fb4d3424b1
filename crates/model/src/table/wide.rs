//! The hot loops once more, compiled for wider vectors where the machine has them. Same source, same bits.

#![cfg_attr(
    target_arch = "x86_64",
    expect(
        unsafe_code,
        reason = "a function compiled for AVX2 is called only after the machine was asked for it"
    )
)]

use super::key::Key;
use super::optimiser::Update;
use super::reader::Reader;

#[cfg(target_arch = "x86_64")]
fn has_avx2() -> bool {
    std::arch::is_x86_feature_detected!("avx2")
}

/// [`Reader::read_each`] at the machine's best.
#[inline]
pub(super) fn read(
    reader: &Reader,
    keys: &[Key],
    place: impl Fn(usize) -> usize,
    stride: Option<usize>,
    out: &mut [f32],
) {
    #[cfg(target_arch = "x86_64")]
    if has_avx2() {
        #[target_feature(enable = "avx2")]
        fn read_avx2(
            reader: &Reader,
            keys: &[Key],
            place: impl Fn(usize) -> usize,
            stride: Option<usize>,
            out: &mut [f32],
        ) {
            reader.read_each(keys, place, stride, out);
        }
        // SAFETY: the machine has AVX2.
        return unsafe { read_avx2(reader, keys, place, stride, out) };
    }
    reader.read_each(keys, place, stride, out);
}

/// [`Update::step_words`] at the machine's best.
#[inline]
pub(super) fn step<const W: usize, const D: usize>(update: &Update, words: &mut [u64; W], gradient: &[f32]) {
    #[cfg(target_arch = "x86_64")]
    if has_avx2() {
        #[target_feature(enable = "avx2")]
        fn step_avx2<const W: usize, const D: usize>(
            update: &Update,
            words: &mut [u64; W],
            gradient: &[f32],
        ) {
            update.step_words::<W, D>(words, gradient);
        }
        // SAFETY: the machine has AVX2.
        return unsafe { step_avx2::<W, D>(update, words, gradient) };
    }
    update.step_words::<W, D>(words, gradient);
}
