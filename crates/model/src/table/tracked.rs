//! A region as its writer sees it: every write goes through here and marks the block that it changed.
//!
//! Blocks are the unit of incremental checkpoints and the leaves of the digest. Whether a block was written is
//! bookkeeping, not state: two tables with equal contents are equal whatever was written out.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::cell;
use super::digest::{self, Digest};
use super::region::Region;

/// 64 KiB.
pub(super) const BLOCK_WORDS: usize = 8192;

/// Changed since the last checkpoint.
const UNSAVED: u8 = 1;
/// Changed since its leaf was computed.
const UNHASHED: u8 = 2;

/// See the file's header.
#[derive(Debug)]
pub(super) struct Tracked {
    region: Arc<Region>,
    marks: Vec<u8>,
    leaves: Vec<Digest>,
}

impl Tracked {
    pub(super) fn new(region: Arc<Region>) -> Self {
        let blocks = region.words().len().div_ceil(BLOCK_WORDS);
        Self {
            region,
            marks: vec![UNSAVED | UNHASHED; blocks],
            leaves: vec![Digest::default(); blocks],
        }
    }

    #[inline(always)]
    pub(super) fn words(&self) -> &[AtomicU64] {
        self.region.words()
    }

    pub(super) fn region(&self) -> &Region {
        &self.region
    }

    #[inline(always)]
    pub(super) fn get(&self, word: usize) -> u64 {
        self.words()[word].load(Ordering::Relaxed)
    }

    /// For memory that only the writer reads.
    #[inline(always)]
    pub(super) fn set(&mut self, word: usize, value: u64) {
        self.words()[word].store(value, Ordering::Relaxed);
        self.mark(word);
    }

    /// The cell that begins at `word`.
    #[inline(always)]
    pub(super) fn cell_own<const N: usize>(&self, word: usize) -> [u64; N] {
        cell::own(self.cell(word))
    }

    #[inline(always)]
    pub(super) fn cell_write<const N: usize>(&mut self, word: usize, value: &[u64; N]) {
        cell::write(self.cell(word), value);
        self.mark(word);
    }

    #[inline(always)]
    fn cell<const N: usize>(&self, word: usize) -> &[AtomicU64; N] {
        self.words()[word..]
            .first_chunk()
            .expect("cells lie within their region")
    }

    #[inline(always)]
    fn mark(&mut self, word: usize) {
        self.marks[word / BLOCK_WORDS] = UNSAVED | UNHASHED;
    }

    /// Marks the blocks of these words, as when their meaning changed and not only their contents.
    pub(super) fn mark_all(&mut self, words: Range<usize>) {
        for mark in &mut self.marks[words.start / BLOCK_WORDS..words.end.div_ceil(BLOCK_WORDS)] {
            *mark = UNSAVED | UNHASHED;
        }
    }

    /// Empties the region and gives its memory back.
    pub(super) fn release(&mut self) {
        let words = self.words().len();
        self.region.release(0..words);
        self.mark_all(0..words);
    }

    /// Blocks within the first `used` words that are to be saved, or all of them.
    pub(super) fn unsaved(&self, used: usize, all: bool) -> impl Iterator<Item = usize> + '_ {
        (0..used.div_ceil(BLOCK_WORDS)).filter(move |&block| all || self.marks[block] & UNSAVED != 0)
    }

    /// The words of a block as far as the first `used` words reach.
    pub(super) fn block(&self, block: usize, used: usize) -> &[AtomicU64] {
        let first = block * BLOCK_WORDS;
        &self.words()[first..(first + BLOCK_WORDS).min(used).max(first)]
    }

    /// Everything has been written out, or read in.
    pub(super) fn saved(&mut self) {
        self.marks.iter_mut().for_each(|mark| *mark &= !UNSAVED);
    }

    /// Hash of the first `used` words.
    pub(super) fn digest(&mut self, used: usize) -> Digest {
        let mut root = digest::Hasher::new(used as u64);
        for block in 0..used.div_ceil(BLOCK_WORDS) {
            // The last block may have grown or shrunk without a write.
            let partial = (block + 1) * BLOCK_WORDS > used;
            if self.marks[block] & UNHASHED != 0 || partial {
                let mut leaf = digest::Hasher::new(block as u64);
                for word in self.block(block, used) {
                    leaf.add(word.load(Ordering::Relaxed));
                }
                self.leaves[block] = leaf.finish();
                self.marks[block] &= !UNHASHED;
            }
            root.add_digest(self.leaves[block]);
        }
        root.finish()
    }
}
