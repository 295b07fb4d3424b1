//! One cell of memory that one thread writes while any number read: a sequence lock without a lock.
//!
//! A cell is a few 64-bit words; the low half of the first is its version, odd while it is written. All accesses are
//! relaxed atomics between two fences (H.-J. Boehm, "Can seqlocks get along with programming language memory models?",
//! MSPC 2012), so a reader never waits, never writes, and never takes a torn value for a whole one. Buckets of the
//! index and rows of the slabs are cells; the code is generic over its word, and the tests walk through every
//! interleaving of the same functions with loom.

use std::sync::atomic::{AtomicU64, Ordering};

/// A shared word. The table's is [`AtomicU64`], that of the model checker is loom's.
pub(super) trait Word {
    fn load(&self, order: Ordering) -> u64;
    fn store(&self, value: u64, order: Ordering);
    fn fence(order: Ordering);
}

impl Word for AtomicU64 {
    #[inline(always)]
    fn load(&self, order: Ordering) -> u64 {
        AtomicU64::load(self, order)
    }

    #[inline(always)]
    fn store(&self, value: u64, order: Ordering) {
        AtomicU64::store(self, value, order);
    }

    #[inline(always)]
    fn fence(order: Ordering) {
        std::sync::atomic::fence(order);
    }
}

const VERSION: u64 = 0xffff_ffff;

/// Replaces all words; the low half of `value[0]` is ignored. Only ever one thread writes a cell.
#[inline(always)]
pub(super) fn write<W: Word, const N: usize>(cell: &[W; N], value: &[u64; N]) {
    let head = cell[0].load(Ordering::Relaxed);
    let version = head as u32;
    let with = |head: u64, version: u32| head & !VERSION | u64::from(version);
    cell[0].store(with(head, version.wrapping_add(1)), Ordering::Relaxed);
    W::fence(Ordering::Release);
    for (word, value) in cell[1..].iter().zip(&value[1..]) {
        word.store(*value, Ordering::Relaxed);
    }
    cell[0].store(with(value[0], version.wrapping_add(2)), Ordering::Release);
}

/// The first word, unless the cell is being written. What is loaded after it counts once [`unchanged`] confirms it.
#[inline(always)]
pub(super) fn opened<W: Word>(cell: &[W]) -> Option<u64> {
    let head = cell[0].load(Ordering::Acquire);
    (head & 1 == 0).then_some(head)
}

/// True if no write began since `head` was loaded, as far as the words loaded in between can tell.
#[inline(always)]
pub(super) fn unchanged<W: Word>(cell: &[W], head: u64) -> bool {
    W::fence(Ordering::Acquire);
    cell[0].load(Ordering::Relaxed) == head
}

/// All words as one write left them; `None` if a write got in between.
#[inline(always)]
pub(super) fn read<W: Word, const N: usize>(cell: &[W; N]) -> Option<[u64; N]> {
    let head = opened(cell)?;
    let mut value = [head; N];
    for (value, word) in value[1..].iter_mut().zip(&cell[1..]) {
        *value = word.load(Ordering::Relaxed);
    }
    unchanged(cell, head).then_some(value)
}

/// All words, for the thread that writes the cell.
#[inline(always)]
pub(super) fn own<W: Word, const N: usize>(cell: &[W; N]) -> [u64; N] {
    std::array::from_fn(|i| cell[i].load(Ordering::Relaxed))
}

#[cfg(test)]
#[path = "cell_tests.rs"]
mod tests;
