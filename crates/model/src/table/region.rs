//! Reserved address space that becomes memory when it is touched, seen as shared words.
//!
//! A region never moves and is never unmapped while somebody holds it, so a reader may follow a stale place: it finds
//! valid words there, and the versions tell it that they are no longer what it looked for. All else in the table is
//! safe code over the slice that [`Region::words`] gives.

#![expect(
    unsafe_code,
    reason = "anonymous mappings and prefetch instructions have no safe interface"
)]

use std::io;
use std::ops::Range;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::mm::{Advice, MapFlags, ProtFlags};

const WORD_BYTES: usize = size_of::<AtomicU64>();
/// Pages of two megabytes save a TLB miss for almost every random row.
const HUGE_PAGE_BYTES: usize = 2 << 20;

/// Zeroed shared words; memory is taken page by page as they are written.
#[derive(Debug)]
pub(super) struct Region {
    /// The mapping, which begins up to one huge page before the words.
    mapping: NonNull<core::ffi::c_void>,
    mapping_bytes: usize,
    words: NonNull<AtomicU64>,
    len: usize,
}

// SAFETY: the region owns its mapping and hands out only shared references to atomics.
unsafe impl Send for Region {}
// SAFETY: as above.
unsafe impl Sync for Region {}

impl Region {
    /// Address space for `words` words, on a two-megabyte border.
    pub(super) fn reserve(words: usize) -> io::Result<Self> {
        let mapping_bytes = words
            .checked_mul(WORD_BYTES)
            .and_then(|bytes| bytes.checked_add(HUGE_PAGE_BYTES))
            .ok_or(io::ErrorKind::OutOfMemory)?;
        // SAFETY: a fresh anonymous mapping at an address of the kernel's choice touches no memory of anybody else.
        let base = unsafe {
            rustix::mm::mmap_anonymous(
                std::ptr::null_mut(),
                mapping_bytes,
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::PRIVATE | MapFlags::NORESERVE,
            )
        }?;
        let mapping = NonNull::new(base).ok_or(io::ErrorKind::OutOfMemory)?;
        let skipped = mapping.as_ptr().cast::<u8>().align_offset(HUGE_PAGE_BYTES);
        // SAFETY: at most one huge page is skipped, and the mapping is longer than `words` by one.
        let first = unsafe { mapping.cast::<u8>().add(skipped) };
        Ok(Self {
            mapping,
            mapping_bytes,
            words: first.cast(),
            len: words,
        })
    }

    #[inline(always)]
    pub(super) fn words(&self) -> &[AtomicU64] {
        // SAFETY: `reserve` made `len` words of zeroed, readable and writable memory at an aligned address, which stay
        // mapped as long as `self`; they are accessed as atomics only.
        unsafe { std::slice::from_raw_parts(self.words.as_ptr(), self.len) }
    }

    /// Asks for huge pages within `words`, the last one only if it will be nearly full.
    pub(super) fn prefer_huge(&self, words: Range<usize>) {
        let whole = |bytes: usize| bytes / HUGE_PAGE_BYTES * HUGE_PAGE_BYTES;
        let first = (words.start * WORD_BYTES).next_multiple_of(HUGE_PAGE_BYTES);
        let end = whole(words.end.min(self.len) * WORD_BYTES + HUGE_PAGE_BYTES / 16);
        // The mapping is longer than the words by a huge page, but it begins before them.
        let end = end.min(self.mapping_bytes - HUGE_PAGE_BYTES);
        if first < end {
            // Refused by a kernel without them; small pages serve too.
            let _ = self.advise(first..end, Advice::LinuxHugepage);
        }
    }

    /// Gives the memory of `words` back, which must cover whole pages; they read as zero from then on.
    pub(super) fn release(&self, words: Range<usize>) {
        let words = words.start..words.end.min(self.len);
        let bytes = words.start * WORD_BYTES..words.end * WORD_BYTES;
        if self.advise(bytes, Advice::LinuxDontNeed).is_err() {
            for word in &self.words()[words] {
                word.store(0, Ordering::Relaxed);
            }
        }
    }

    fn advise(&self, bytes: Range<usize>, advice: Advice) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        // SAFETY: the range lies within this mapping. Neither advice unmaps it; the one that empties it acts like stores of zero.
        unsafe {
            let first = self.words.as_ptr().cast::<u8>().add(bytes.start);
            Ok(rustix::mm::madvise(first.cast(), bytes.len(), advice)?)
        }
    }

    /// Starts to fetch the cache line of `word`.
    #[inline(always)]
    pub(super) fn prefetch(&self, word: usize) {
        if let Some(word) = self.words().get(word) {
            prefetch(word);
        }
    }
}

/// Starts to fetch a word's cache line into the second-level cache. The first level has room for too few fetches under way: measured with random lines of
/// 1.3 GB, it takes in 90 to 105 million a second, the second level 160 million.
#[inline(always)]
pub(super) fn prefetch(word: &AtomicU64) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch is a hint; the address is that of a live word.
    unsafe {
        core::arch::x86_64::_mm_prefetch::<{ core::arch::x86_64::_MM_HINT_T2 }>(
            std::ptr::from_ref(word).cast(),
        );
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = word;
}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: this is the mapping that `reserve` made, and nobody holds a reference into it any more.
        let unmapped = unsafe { rustix::mm::munmap(self.mapping.as_ptr(), self.mapping_bytes) };
        debug_assert!(unmapped.is_ok());
    }
}
