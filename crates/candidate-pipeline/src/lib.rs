//! The shape of a recommendation request, without knowing what is recommended.
//!
//! A [`Pipeline`] runs a [`Recipe`]: query hydrators, sources at once, a merger, hydrators, filters, scorers with cuts between them, a
//! selector, side effects. Authors implement the traits of [`stage`]; callers call [`Pipeline::run`], which keeps their contracts:
//!
//! - each source and query hydrator has a deadline; a source that fails or panics costs only its own candidates, and one that keeps
//!   failing is left alone for a while;
//! - hydrators and scorers write into candidates and nothing else: one that fails, panics or moves candidates has its work undone;
//! - a filter only removes, with a reason; one that panics is asked about each candidate alone;
//! - a cut or selector names places that exist, each once;
//! - every stage is timed and counted, and what is removed is counted by reason. What was removed is kept beside what was kept when
//!   [`Watch::Traced`] asks for it;
//! - a stage may run for a share of people ([`Pipeline::switch`]), and be broken on purpose for a test ([`Pipeline::break_stage`]); it prints
//!   itself ([`Pipeline::recipe`]).
//!
//! There is no IO here, no clock but deadlines and stopwatches, and no video.
//!
//! Back of the envelope, 10 000 candidates of 32 bytes, 25 stages:
//!
//! | what | figure |
//! |---|---|
//! | a stage that writes | a copy of 320 kB to undo it (about 20 µs) and a comparison of keys (about 10 µs) |
//! | a filter | one byte a candidate; one pass to close the gaps when anything went (about 20 µs) |
//! | counting | 25 × 4 handles × 10 ns, and one look-up for each reason that occurred |
//! | sources | one boxed future each; a timer only for one that waits |
//! | memory | two copies of the candidates, 0.7 MB, for the time of the request |

mod breaker;
mod merge;
mod meters;
mod pipeline;
mod removals;
mod report;
pub mod stage;
mod switches;

pub use breaker::{FAILURES_MAX, REST};
pub use pipeline::{Deadlines, Pipeline, Recipe, Step};
pub use removals::{REASONS_MAX, Removals};
pub use report::{Outcome, RecipeLine, Removed, StageEnd, StageKind, StageReport, Trace, Watch};
pub use stage::{
    Asked, BoxFuture, Candidate, Cut, Filter, Found, Hydrator, Merger, QueryHydrator, Scorer, Selector,
    SideEffect, Source, Stage, StageError,
};
pub use switches::SwitchError;

#[cfg(test)]
mod tests;
