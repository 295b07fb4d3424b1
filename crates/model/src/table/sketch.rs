//! Who deserves a row: a doorkeeper that absorbs the ids seen once, and a count-min sketch for those that come back.
//!
//! One cache line holds both for the ids that hash to it, so that a sighting costs one miss: 256 bits of Bloom filter
//! (four a key) and 64 counters of four bits (four a key, conservative update). Every so often counts are halved and
//! the doorkeeper is emptied (TinyLFU; G. Einziger, R. Friedman, B. Manes, 2017), line by line over many calls.
//! Counts are never too low between two ageings, and too high as rarely as the sketch has room.

use super::key::Places;
use super::tracked::Tracked;

/// Words of a line.
pub(super) const LINE_WORDS: usize = 8;
const DOOR_WORDS: usize = 4;
const PICKS: u32 = 4;
const COUNT_MAX: u64 = 15;
const HALF_OF_ALL: u64 = 0x7777_7777_7777_7777;
/// Lines aged in one call.
const AGE_SLICE: usize = 2048;

/// Sketch state beside its memory; part of the table's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Sketch {
    /// Lines that the ageing under way has done; all of them when none is.
    pub(super) aged: u32,
    /// When the last ageing began.
    pub(super) aged_at_s: u32,
}

/// Counts a sighting; how often the id was seen since the last ageings, this one included.
pub(super) fn sighted(memory: &mut Tracked, lines: usize, places: Places) -> u32 {
    let line = places.line(lines) * LINE_WORDS;
    let picks = places.in_line();
    if !known(memory, line, picks) {
        return 1;
    }
    let counter = |i: u32| {
        let pick = (picks >> (32 + 6 * i)) as usize & 63;
        (line + DOOR_WORDS + pick / 16, pick as u32 % 16 * 4)
    };
    let count = |memory: &Tracked, (word, shift): (usize, u32)| memory.get(word) >> shift & COUNT_MAX;
    let least = (0..PICKS)
        .map(|i| count(memory, counter(i)))
        .min()
        .unwrap_or(COUNT_MAX);
    if least < COUNT_MAX {
        for at in (0..PICKS).map(counter) {
            if count(memory, at) == least {
                memory.set(at.0, memory.get(at.0) + (1 << at.1));
            }
        }
    }
    2 + least.min(COUNT_MAX - 1) as u32
}

/// Whether the doorkeeper has seen the id; it has from now on.
fn known(memory: &mut Tracked, line: usize, picks: u64) -> bool {
    let mut known = true;
    for i in 0..PICKS {
        let pick = picks >> (8 * i) & 255;
        let (word, bit) = (line + (pick / 64) as usize, 1 << (pick % 64));
        let bits = memory.get(word);
        if bits & bit == 0 {
            known = false;
            memory.set(word, bits | bit);
        }
    }
    known
}

impl Sketch {
    pub(super) fn fresh(lines: usize) -> Self {
        Self {
            aged: lines as u32,
            aged_at_s: 0,
        }
    }

    /// Ages the next slice if it is time.
    pub(super) fn tick(&mut self, memory: &mut Tracked, lines: usize, age_s: u32, now_s: u32) {
        if self.aged_at_s == 0 {
            self.aged_at_s = now_s;
        }
        if self.aged as usize >= lines {
            if now_s.saturating_sub(self.aged_at_s) < age_s {
                return;
            }
            *self = Self {
                aged: 0,
                aged_at_s: now_s,
            };
        }
        let first = self.aged as usize;
        let end = (first + AGE_SLICE).min(lines);
        for word in first * LINE_WORDS..end * LINE_WORDS {
            let bits = memory.get(word);
            let aged = if word % LINE_WORDS < DOOR_WORDS {
                0
            } else {
                bits >> 1 & HALF_OF_ALL
            };
            if aged != bits {
                memory.set(word, aged);
            }
        }
        self.aged = end as u32;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::key::Key;
    use super::super::region::Region;
    use super::*;

    const LINES: usize = 256;

    fn memory() -> Tracked {
        Tracked::new(Arc::new(Region::reserve(LINES * LINE_WORDS).expect("memory")))
    }

    #[test]
    fn sightings_are_counted_up_to_sixteen() {
        let mut memory = memory();
        let counts: Vec<u32> = (0..20)
            .map(|_| sighted(&mut memory, LINES, Key::new(3, 77).places()))
            .collect();
        let expected: Vec<u32> = (1..=16).chain([16; 4]).collect();
        assert_eq!(counts, expected);
    }

    /// At the load that the header names, few ids are taken for ones that came before.
    #[test]
    fn most_ids_seen_once_stay_outside() {
        let mut memory = memory();
        let ids = LINES as u64 * 32;
        let mistaken = (0..ids)
            .filter(|&id| sighted(&mut memory, LINES, Key::new(1, id).places()) > 1)
            .count();
        assert!(mistaken < ids as usize / 30, "{mistaken} of {ids}");
        let back = (0..ids)
            .filter(|&id| sighted(&mut memory, LINES, Key::new(1, id).places()) < 2)
            .count();
        assert_eq!(back, 0, "a count is never too low");
    }

    #[test]
    fn ageing_halves_and_forgets() {
        let mut memory = memory();
        let mut sketch = Sketch::fresh(LINES);
        let key = Key::new(2, 5).places();
        let times =
            |memory: &mut Tracked, n: u32| (0..n).map(|_| sighted(memory, LINES, key)).last().unwrap_or(0);
        assert_eq!(times(&mut memory, 9), 9);
        for now_s in [100, 101, 199] {
            sketch.tick(&mut memory, LINES, 100, now_s);
        }
        assert_eq!(times(&mut memory, 1), 10);
        sketch.tick(&mut memory, LINES, 100, 200);
        // Nine counts were above the doorkeeper; half of them are left, and the doorkeeper asks anew.
        assert_eq!(times(&mut memory, 1), 1);
        assert_eq!(times(&mut memory, 1), 6);
    }
}
