//! Synthetic people and videos with known truth; deterministic by seed.
//!
//! A [`World`] is viewers whose tastes drift, creators, and videos that arrive as a stream. [`run()`] lets a
//! [`policy::Policy`] feed them in event time, [`measures()`] and [`recovery()`] tell what it was worth against an oracle,
//! and [`experiment`] asks that over several seeds. Luck is keyed by viewer, video and step, so two policies that face the
//! same choice get the same outcome. There is no clock and no IO here but [`command()`]'s output folder. It is no model of any real
//! person, and its numbers compare policies with each other; they predict nothing about a live feed.
//!
//! | resource | the standard world (300 viewers, 4 days, 60 candidates a choice) |
//! |---|---|
//! | time | 2 to 4 s of one core a run in a release build with the simple policies, most of it the truth about every candidate |
//! | memory | below 30 MB a run: 3 100 videos of about 150 bytes, 70 000 views of about 130 bytes, what each viewer has seen |
//! | disk | tables and charts, below 100 kB an experiment |

mod behaviour;
mod catalogue;
mod command;
mod config;
mod crowd;
pub mod experiment;
mod measures;
mod mind;
mod outcome;
mod people;
pub mod plot;
pub mod policy;
mod random;
mod recovery;
pub mod report;
mod run;
pub mod stats;
mod world;

pub use behaviour::{Behaviour, DURATION_ENDS_S, behaviour};
pub use catalogue::{Shown, Video, hashtag_text, region_of, viewer_id};
pub use command::{CommandError, command};
pub use config::{DAY_MS, GlobalEvent, HOUR_MS, MINUTE_MS, START_MS, TOPICS_MAX, TasteSwitch, WorldConfig};
pub use crowd::{After, Crowd, SWIPE_MS, feed_all};
pub use measures::{Figures, event_reach, measures};
pub use outcome::{Drawn, EARLY_SKIP_MS, Expected, Odds, Outcome, VALUE_S_MAX};
pub use people::Viewer;
pub use random::{Draws, Key};
pub use recovery::{LEVEL_VIEWS, RECOVERED, RECOVERY_VIEWS, Recovery, SERVED, WINDOW, recovery};
pub use run::{Run, View, run};
pub use world::{World, WorldError};
