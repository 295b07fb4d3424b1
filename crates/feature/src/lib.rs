//! Feature registry, state and extraction: one code for serving and for training. No clock, no store, no randomness.
//!
//! [`State`] counts what was shown and what became of it, in event time; [`State::query`] reads the viewer's side once a request and
//! [`Query::extract`] one candidate's [`Row`]. A row is computed once, when it is served, rounded to what the log keeps, scored, logged,
//! and later learned from as it was logged. [`Registry`] lists every feature; the extraction itself writes that list.
//!
//! Rates are smoothed (mean of a Beta posterior whose prior is a parent's rate) and written as log-odds above that parent's, so
//! 0 always means "nothing special is known", and half precision keeps what matters.
//!
//! Back of the envelope:
//!
//! | what | figure |
//! |---|---|
//! | memory | 144 B an entity, 40 B a pair, both at a load of 35 to 70 %; 104 B an impression in a ring (50 of them); about 25 pairs are new in a quarter of the impressions |
//! | CPU, observe | 39 map entries: about 4 µs |
//! | CPU, query | 50 ring entries, 3 counters: about 3 µs a request |
//! | CPU, extract | 34 map reads from memory, fetched while the candidate before is written; 120 logarithms, 50 exponentials: 3 to 5 µs a candidate, alone three times as much |
//! | log | 3 B a value that is not at its default: 400 to 700 B an item |
//! | disk, network | none |

mod counter;
mod entity;
mod extract;
mod facts;
mod map;
mod registry;
mod ring;
mod row;
mod state;

pub use counter::{Window, log_odds};
pub use entity::{CROSS_TABLE, Entity, length_group};
pub use extract::{ID_SLOTS, IdSlot, LIGHT, LIGHT_WIDTH, Query, RECENT_MAX, slot};
pub use facts::{Context, Outcome, TOPICS_MAX, TRAITS, Told, Trait, VideoFacts, ViewerFacts};
pub use registry::{COLUMNS, Feature, Registry, Side};
pub use ring::RING_MAX;
pub use row::{Row, rounded};
pub use state::{CROSS_EXPIRY_MS, Impression, Left, State, StateConfig, StateError};
