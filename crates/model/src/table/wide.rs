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
use super::pipeline::Plain;
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
    if let Some(lanes) = x86::Avx2::found() {
        #[target_feature(enable = "avx2,f16c")]
        fn read_avx2(
            (reader, lanes): (&Reader, x86::Avx2),
            keys: &[Key],
            place: impl Fn(usize) -> usize,
            stride: Option<usize>,
            out: &mut [f32],
        ) {
            reader.read_each(lanes, keys, place, stride, out);
        }
        // SAFETY: the machine has both.
        return unsafe { read_avx2((reader, lanes), keys, place, stride, out) };
    }
    reader.read_each(Plain, keys, place, stride, out);
}

/// Registers of 32 bytes over shared memory. A plain load of it that races with the writer has no meaning in the language, so these loads
/// are instructions of their own, in assembly; each moves whole aligned words, as relaxed loads of those words would.
#[cfg(target_arch = "x86_64")]
mod x86 {
    use core::arch::asm;
    use core::arch::x86_64::{
        __m256, __m256i, _mm256_castsi256_pd, _mm256_movemask_pd, _mm256_set1_epi64x, _mm256_storeu_ps,
    };
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::super::bucket::{self, Sought};
    use super::super::cell;
    use super::super::key::Key;
    use super::super::pipeline::Lanes;
    use super::super::reader::zero;
    use super::super::slab::Header;

    /// A value of it exists only where the machine has AVX2 and F16C.
    #[derive(Clone, Copy)]
    pub(super) struct Avx2(());

    impl Avx2 {
        #[inline(always)]
        pub(super) fn found() -> Option<Self> {
            let found =
                std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("f16c");
            found.then_some(Self(()))
        }
    }

    impl Lanes for Avx2 {
        #[inline(always)]
        fn seek(self, words: &[AtomicU64; bucket::WORDS], key: Key) -> Sought {
            let head = words[0].load(Ordering::Acquire);
            // SAFETY: the machine has AVX2.
            let four = unsafe { equal_four(&words[1..5], key.bits()) };
            let fifth = words[5].load(Ordering::Relaxed) == key.bits();
            bucket::sought(words, head, four | u32::from(fifth) << 4)
        }

        #[inline(always)]
        fn copy<const W: usize, const D: usize>(
            self,
            words: &[AtomicU64; W],
            tag: u16,
            out: &mut [f32],
        ) -> bool {
            let Some(head) = cell::opened(words) else {
                return false;
            };
            let second = words[1].load(Ordering::Relaxed);
            let Some((values, rest)) = out.split_at_mut_checked(D) else {
                return false;
            };
            // SAFETY: the machine has F16C; D values of two bytes lie behind the two words of the header.
            unsafe { values_into::<D>(&words[2..], values) };
            zero(rest);
            cell::unchanged(words, head) && Header::of(head, second).tag == tag
        }
    }

    /// Which of four words are `value`, one bit each.
    ///
    /// # Safety
    /// The machine must have AVX2.
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn equal_four(words: &[AtomicU64], value: u64) -> u32 {
        assert!(words.len() == 4);
        let wanted = _mm256_set1_epi64x(value as i64);
        let equal: __m256i;
        // SAFETY: 32 bytes from the first word on belong to the slice.
        unsafe {
            asm!(
                "vpcmpeqq {equal}, {wanted}, ymmword ptr [{words}]",
                equal = lateout(ymm_reg) equal,
                wanted = in(ymm_reg) wanted,
                words = in(reg) words.as_ptr(),
                options(readonly, nostack, preserves_flags),
            );
        }
        _mm256_movemask_pd(_mm256_castsi256_pd(equal)) as u32
    }

    /// Widens the halves that `words` hold.
    ///
    /// # Safety
    /// The machine must have F16C and AVX2.
    #[inline]
    #[target_feature(enable = "avx2,f16c")]
    unsafe fn values_into<const D: usize>(words: &[AtomicU64], out: &mut [f32]) {
        assert!(words.len() * 4 >= D && out.len() == D && D.is_multiple_of(8));
        for (eight, out) in out.chunks_exact_mut(8).enumerate() {
            let values: __m256;
            // SAFETY: 16 bytes from word 2 · `eight` on belong to the slice, and `out` has eight values.
            unsafe {
                asm!(
                    "vcvtph2ps {values}, xmmword ptr [{words}]",
                    values = lateout(ymm_reg) values,
                    words = in(reg) words.as_ptr().add(2 * eight),
                    options(readonly, nostack, preserves_flags),
                );
                _mm256_storeu_ps(out.as_mut_ptr(), values);
            }
        }
    }
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
