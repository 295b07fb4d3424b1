//! Rows of one class: where they lie, what they hold, and which of them are free.
//!
//! ```text
//! word 0   version u32 | last seen, seconds u32
//! word 1   updates u16 | key tag u16 | Adagrad accumulator f32
//! word 2…  values, four halves a word
//! ```
//!
//! A free row keeps its version, has the second of its release as last seen, and the number of the next free row in
//! word 1. Rows are given out again in the order of their release, and not within the second (of event time) in which
//! they were released: a reader that follows a stale row number then mostly finds what it looked for. That is a courtesy;
//! what makes a read correct is the second look at the index (see [`super::reader`]).

use std::sync::atomic::AtomicU64;

use super::config::RowClass;
use super::tracked::Tracked;

const CLASS_SHIFT: u32 = 30;
const NUMBER_MASK: u32 = (1 << CLASS_SHIFT) - 1;
/// Words of a row's header.
pub(super) const HEADER_WORDS: usize = 2;
/// Words of the widest row.
pub(super) const WORDS_MAX: usize = RowClass::D56.words();
/// Words of a huge page. The first one of a slab stays small, for small tables.
const HUGE_WORDS: usize = (2 << 20) / 8;

/// A row's class and number; never all zero, as rows are numbered from one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RowRef(u32);

impl RowRef {
    pub(super) const fn new(class: RowClass, number: u32) -> Self {
        Self((class as u32) << CLASS_SHIFT | number)
    }

    /// `None` for zero, and for bits of no class, which only a torn or foreign word can hold.
    #[inline(always)]
    pub(super) const fn from_bits(bits: u32) -> Option<Self> {
        match bits {
            0 => None,
            _ if bits >> CLASS_SHIFT == 3 => None,
            _ => Some(Self(bits)),
        }
    }

    pub(super) const fn bits(self) -> u32 {
        self.0
    }

    #[inline(always)]
    pub(super) const fn class(self) -> RowClass {
        RowClass::ALL[(self.0 >> CLASS_SHIFT) as usize]
    }

    #[inline(always)]
    pub(super) const fn number(self) -> u32 {
        self.0 & NUMBER_MASK
    }

    /// Its first word within the slab.
    #[inline(always)]
    pub(super) const fn word(self) -> usize {
        self.number() as usize * self.class().words()
    }
}

/// Class of a row's bits; 3 is none.
#[inline(always)]
pub(super) const fn class_bits(row: u32) -> usize {
    (row >> CLASS_SHIFT) as usize
}

/// The first word of the row with these bits within its slab, as [`RowRef::word`] says. Rows of a class are twice as long as those of the one before.
#[inline(always)]
pub(super) const fn word(row: u32) -> usize {
    ((row & NUMBER_MASK) as usize * RowClass::D8.words()) << class_bits(row)
}

const _: () = assert!(RowClass::D24.words() == 2 * RowClass::D8.words());
const _: () = assert!(RowClass::D56.words() == 4 * RowClass::D8.words());

/// The first two words of a row, without the version.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Header {
    pub(super) last_seen_s: u32,
    pub(super) updates: u16,
    pub(super) tag: u16,
    pub(super) accumulator: f32,
}

impl Header {
    #[inline(always)]
    pub(super) fn of(first: u64, second: u64) -> Self {
        Self {
            last_seen_s: (first >> 32) as u32,
            updates: second as u16,
            tag: (second >> 16) as u16,
            accumulator: f32::from_bits((second >> 32) as u32),
        }
    }

    #[inline(always)]
    pub(super) fn words(self) -> [u64; HEADER_WORDS] {
        [
            u64::from(self.last_seen_s) << 32,
            u64::from(self.accumulator.to_bits()) << 32 | u64::from(self.tag) << 16 | u64::from(self.updates),
        ]
    }
}

/// The words of a row, if the slab is that long.
#[inline(always)]
pub(super) fn row<const W: usize>(slab: &[AtomicU64], row: RowRef) -> Option<&[AtomicU64; W]> {
    slab.get(row.word()..)?.first_chunk()
}

/// What the writer knows of one slab; part of the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Slab {
    /// Rows ever given out; they are numbered from one.
    pub(super) used: u32,
    /// Oldest and youngest free row, zero if none.
    pub(super) free_first: u32,
    pub(super) free_last: u32,
    /// Rows in use.
    pub(super) live: u32,
}

impl Slab {
    /// Words that hold anything.
    pub(super) fn words_used(&self, class: RowClass) -> usize {
        (self.used as usize + 1) * class.words()
    }

    /// A row to write, or `None` when all are in use or released within this second.
    pub(super) fn take(
        &mut self,
        memory: &mut Tracked,
        class: RowClass,
        rows_max: u32,
        now_s: u32,
    ) -> Option<RowRef> {
        let oldest = RowRef::new(class, self.free_first);
        if self.free_first != 0 {
            let [first, next] = memory.cell_own(oldest.word());
            if Header::of(first, next).last_seen_s < now_s {
                self.free_first = next as u32;
                if self.free_first == 0 {
                    self.free_last = 0;
                }
                self.live += 1;
                return Some(oldest);
            }
        }
        if self.used >= rows_max {
            return None;
        }
        self.used += 1;
        self.live += 1;
        let row = RowRef::new(class, self.used);
        if row.word() / HUGE_WORDS != (row.word() - class.words()) / HUGE_WORDS {
            memory.region().prefer_huge(row.word()..row.word() + HUGE_WORDS);
        }
        Some(row)
    }

    /// Empties a row and queues it for reuse.
    pub(super) fn give_back(&mut self, memory: &mut Tracked, freed: RowRef, now_s: u32) {
        let mut words = [0; WORDS_MAX];
        words[0] = u64::from(now_s) << 32;
        row_write(memory, freed, &words);
        if self.free_last == 0 {
            self.free_first = freed.number();
        } else {
            let last = RowRef::new(freed.class(), self.free_last);
            let [first, _] = memory.cell_own(last.word());
            memory.cell_write(last.word(), &[first, u64::from(freed.number())]);
        }
        self.free_last = freed.number();
        self.live -= 1;
    }
}

/// Writes as many words as the row's class has.
pub(super) fn row_write(memory: &mut Tracked, at: RowRef, words: &[u64; WORDS_MAX]) {
    fn first<const W: usize>(words: &[u64; WORDS_MAX]) -> [u64; W] {
        std::array::from_fn(|i| words[i])
    }
    match at.class() {
        RowClass::D8 => memory.cell_write::<4>(at.word(), &first(words)),
        RowClass::D24 => memory.cell_write::<8>(at.word(), &first(words)),
        RowClass::D56 => memory.cell_write::<16>(at.word(), words),
    }
}
