//! Lays a page: which items, in which order, worth the most under all rules at once; with a bound that tells how good that is.
//!
//! Rules interact: a swap that mends one breaks another, so passes of sorting and patching leave illegal pages behind. [`lay`] searches
//! instead. An exact dynamic programme over counts gives an upper bound on the value of any page and the price of each quota
//! ([`Prices`]); a beam over places builds a page whose every move is legal. When the supply cannot meet the rules they give way in
//! one order, [`Relaxed`], and the answer says which did. [`violations`] judges a page and shares no code with the search.
//!
//! It knows no video, reads no clock and draws nothing: equal input, equal page.
//!
//! Back of the envelope, 20 places from 200 items (the pool keeps at most 160 of them):
//!
//! | what | figure |
//! |---|---|
//! | CPU, bound | 80 items × 20 places × 7 counts, twice: 22 k steps, about 20 µs |
//! | CPU, beam | 20 places × 8 states × 10 moves × 30 steps to complete: 48 k steps, about 100 µs |
//! | memory | 8 + 80 states of 100 B, the table of 7 kB, the pool of 8 kB |
//! | disk, network | none |

mod beam;
mod bound;
mod lay;
mod pool;
mod rules;
mod verify;

#[cfg(test)]
mod tests;

pub use bound::Prices;
pub use lay::{Page, Relaxed, lay};
pub use rules::{Before, Item, LENGTH_MAX, Rules, exploring_every};
pub use verify::{Violation, violations};
