//! Protocol B: predict each event from everything before it, then learn from it.
//!
//! Features, model and learning are the product's: [`feature::State`] is advanced by each outcome, [`feature::Query::extract`] makes the row, rounded
//! as the log keeps it, and [`Learner`] scores it with the serving weights before it learns. The history is learned first, in file order, without
//! scoring; each of its rows is extracted as of its place. Nothing about the data is known here but the windows of the protocol.
//!
//! [`run`] answers for one label and one way to refresh the serving weights, and compares it, event by event, with other ways.
//! [`delay_curve`] says what it costs to learn later.
//!
//! Cost, for 650 thousand history events and 180 thousand scored ones: see docs/evaluation.md; memory below 1 GB, most of it the counters of pairs.

mod arm;
mod cold;
mod curve;
mod paired;
mod plot;
mod refresh;
mod report;

use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};

use feature::{Impression, Registry, Row, State};
use model::Watch;
use types::TimestampMs;

use crate::dataset::{Dataset, DatasetError, Interaction, read_user_list};
use crate::facts::{self, Facts};
use crate::learner::{Learner, LearnerError, Targets};

use arm::Arm;
use report::Scored;

pub use curve::{Curve, CurvePoint, DELAYS_MS, delay_curve};
pub use paired::Paired;
pub use refresh::{ParseRefreshError, Refresh};
pub use report::{Report, Slice};

/// First moment of the report window, 2022-05-01 00:00 +08:00; everything before it is for tuning.
pub const REPORT_FROM_MS: TimestampMs = 1_651_334_400_000;
/// The viewers' clock, which boundaries are aligned to.
pub const UTC_OFFSET_MS: i64 = 8 * 3_600_000;
/// Resamples behind a confidence interval.
pub const RESAMPLES: u32 = 1_000;
/// The seed when none is given.
pub const SEED: u64 = 1;

/// Which outcome is predicted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Label {
    LongView,
    IsLike,
}

impl Label {
    /// Every label.
    pub const ALL: [Self; 2] = [Self::LongView, Self::IsLike];

    /// The model's head.
    fn head(self) -> &'static str {
        match self {
            Self::LongView => "long_view",
            Self::IsLike => "like",
        }
    }

    fn of(self, row: &Interaction) -> bool {
        match self {
            Self::LongView => row.outcome.long_view,
            Self::IsLike => row.outcome.like,
        }
    }
}

impl std::str::FromStr for Label {
    type Err = ParseLabelError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "long_view" => Ok(Self::LongView),
            "is_like" => Ok(Self::IsLike),
            _ => Err(ParseLabelError(text.to_owned())),
        }
    }
}

/// Why a text is not a label.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a label: long_view or is_like")]
pub struct ParseLabelError(String);

/// What to run.
#[derive(Debug, Clone)]
pub struct Args {
    pub data: Vec<PathBuf>,
    pub label: Label,
    pub refresh: Refresh,
    /// Other ways, each compared with `refresh` in pairs.
    pub against: Vec<Refresh>,
    /// Leave the history out: the service starts cold.
    pub cold_start: bool,
    /// Report on these users only; everybody is learned from.
    pub eval_users: Option<PathBuf>,
    pub seed: u64,
    /// What the model is told of the features, and its settings: the product's, unless these are being chosen.
    pub schema: model::Schema,
    pub config: model::Config,
}

impl Args {
    /// With the product's settings, the history, and no comparison.
    pub fn new(data: Vec<PathBuf>, label: Label, refresh: Refresh) -> Self {
        Self {
            data,
            label,
            refresh,
            against: Vec::new(),
            cold_start: false,
            eval_users: None,
            seed: SEED,
            schema: ::ranking::schema(&Registry::new()),
            config: ::ranking::config(),
        }
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum PrequentialError {
    #[error("the data cannot be read")]
    Data(#[from] DatasetError),
    #[error("the model cannot run")]
    Learner(#[from] LearnerError),
    #[error("the model has no head called {0}")]
    Head(&'static str),
    #[error("no event of these users lies in the report window, which begins at {REPORT_FROM_MS} ms")]
    NothingToReport,
    #[error("no label was asked for")]
    NoLabel,
}

/// Runs the protocol.
pub fn run(args: &Args) -> Result<Report, PrequentialError> {
    let mut reports = run_labels(args, &[args.label])?;
    reports.pop().ok_or(PrequentialError::NoLabel)
}

/// Runs the protocol once and answers for each label, in order: the model learns all of them at once whichever is asked for.
pub fn run_labels(args: &Args, labels: &[Label]) -> Result<Vec<Report>, PrequentialError> {
    let world = World::read(args)?;
    let mut warm = world.warm_up(args)?;
    let mut arms = Vec::new();
    for refresh in &args.against {
        arms.push(Arm::new(*refresh, warm.learner.fork()?)?);
    }
    arms.insert(0, Arm::new(args.refresh, warm.learner)?);
    let spent = world.stream(&mut warm.state, &mut arms);
    let events = warm.learned + world.data.interactions.len();
    let report = |&label: &Label| {
        let scored = world.scored(label);
        let mut report = Report::new(args, label, &scored, arms[0].scores(label));
        report.warm_up_events = warm.learned;
        report.events_per_s = events as f64 / (warm.spent + spent).as_secs_f64().max(1e-9);
        let pair = |other| Paired::new(&scored, label, [&arms[0], other], args.seed);
        report.paired = arms[1..].iter().map(pair).collect();
        report.wall_s = world.started.elapsed().as_secs_f64();
        report
    };
    Ok(labels.iter().map(report).collect())
}

/// The data in the product's words.
struct World {
    data: Dataset,
    facts: Facts,
    cold: Vec<cold::Coldness>,
    eval_users: Option<std::collections::HashSet<u64>>,
    started: Instant,
}

/// What is there when the stream begins.
struct Warm {
    state: State,
    learner: Learner,
    learned: usize,
    spent: Duration,
}

impl World {
    fn read(args: &Args) -> Result<Self, PrequentialError> {
        let started = Instant::now();
        let data = Dataset::read(&args.data)?;
        let eval_users = args.eval_users.as_deref().map(read_user_list).transpose()?;
        let world = Self {
            facts: Facts::new(&data, UTC_OFFSET_MS),
            cold: cold::of(&data, !args.cold_start),
            data,
            eval_users,
            started,
        };
        match world.scored(args.label).iter().any(Scored::reported) {
            true => Ok(world),
            false => Err(PrequentialError::NothingToReport),
        }
    }

    /// Learns the history, in file order.
    fn warm_up(&self, args: &Args) -> Result<Warm, PrequentialError> {
        let learner = Learner::new(args.schema.clone(), args.config.clone(), args.seed)?;
        let mut warm = Warm {
            state: State::default(),
            learner,
            learned: 0,
            spent: Duration::ZERO,
        };
        if args.cold_start {
            return Ok(warm);
        }
        let begun = Instant::now();
        let first_ms = self.data.interactions.first().map_or(0, |row| row.time_ms);
        let context = facts::warm_up_context(first_ms);
        let mut row = Row::default();
        for event in &self.data.history {
            let (viewer, video) = (self.facts.viewer(event.user), self.facts.video(event.video));
            let outcome = facts::history_outcome(event);
            warm.state.query(&viewer, &context).extract(&video, &mut row);
            let known = |is: bool| f32::from(u8::from(is));
            let targets = Targets {
                long_view: known(event.long_view),
                like: known(event.like),
                ..Targets::UNKNOWN
            };
            warm.learner.learn(&row, &targets, seconds(first_ms));
            warm.state.observe(&Impression {
                viewer: &viewer,
                video: &video,
                context: &context,
                timed: false,
                outcome,
            });
        }
        warm.learned = self.data.history.len();
        warm.spent = begun.elapsed();
        Ok(warm)
    }

    /// Plays the stream to all arms with counters that are up to date. How long extraction and the first arm took.
    fn stream(&self, state: &mut State, arms: &mut [Arm]) -> Duration {
        let mut spent = Duration::ZERO;
        for event in &self.data.interactions {
            let begun = Instant::now();
            let (viewer, video, context) = self.parts(event);
            let mut row = Row::default();
            state.query(&viewer, &context).extract(&video, &mut row);
            let outcome = facts::outcome(event);
            state.observe(&Impression {
                viewer: &viewer,
                video: &video,
                context: &context,
                timed: true,
                outcome,
            });
            let (row, targets) = (Rc::new(row), targets(event));
            for (at, arm) in arms.iter_mut().enumerate() {
                arm.step(&row, &targets, event.time_ms);
                if at == 0 {
                    spent += begun.elapsed();
                }
            }
        }
        spent
    }

    fn parts(&self, event: &Interaction) -> (feature::ViewerFacts, feature::VideoFacts, feature::Context) {
        (
            self.facts.viewer(event.user),
            self.facts.video(event.video),
            self.facts.context(event),
        )
    }

    fn scored(&self, label: Label) -> Vec<Scored> {
        let asked = |user: u64| self.eval_users.as_ref().is_none_or(|users| users.contains(&user));
        let rows = self.data.interactions.iter().zip(&self.cold);
        rows.map(|(event, cold)| Scored {
            at_ms: event.time_ms,
            user: event.user,
            label: label.of(event),
            asked: asked(event.user),
            cold: *cold,
        })
        .collect()
    }
}

/// What the model is told of an interaction.
fn targets(event: &Interaction) -> Targets {
    let known = |is: bool| f32::from(u8::from(is));
    let said = event.outcome;
    let (watched_s, duration_s) = (
        event.play_time_ms as f32 / 1_000.0,
        event.duration_ms as f32 / 1_000.0,
    );
    Targets {
        complete: if duration_s > 0.0 {
            known(watched_s >= 0.95 * duration_s)
        } else {
            f32::NAN
        },
        long_view: known(said.long_view),
        early_skip: known(watched_s < 2.0),
        like: known(said.like),
        share: known(said.forward),
        comment: known(said.comment),
        follow: known(said.follow),
        not_interested: known(said.hate),
        watch: (duration_s > 0.0).then_some(Watch {
            watched_s,
            duration_s,
            censored: false,
        }),
    }
}

fn seconds(at_ms: TimestampMs) -> u32 {
    u32::try_from(at_ms / 1_000).unwrap_or(0)
}

#[cfg(test)]
mod tests;
