//! What became of a request: the answer, what each stage did, and, when asked for, everything that was left out.

use std::time::Duration;

use types::Fault;

/// The kinds of stages, in the order in which they run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StageKind {
    QueryHydrator,
    Source,
    Merger,
    Hydrator,
    Filter,
    Scorer,
    Cut,
    Selector,
    SideEffect,
}

impl StageKind {
    /// Stable, for programs.
    pub const fn code(self) -> &'static str {
        match self {
            Self::QueryHydrator => "query_hydrator",
            Self::Source => "source",
            Self::Merger => "merger",
            Self::Hydrator => "hydrator",
            Self::Filter => "filter",
            Self::Scorer => "scorer",
            Self::Cut => "cut",
            Self::Selector => "selector",
            Self::SideEffect => "side_effect",
        }
    }
}

/// How a stage ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StageEnd {
    Done,
    /// The request went on without its work.
    Failed(String),
    /// Switched off for this person.
    Off,
    /// Left alone after too many failures.
    Rested,
}

/// What one stage did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageReport {
    pub kind: StageKind,
    pub name: &'static str,
    /// Candidates it was given.
    pub before: usize,
    /// Candidates it gave; of a source, those it found.
    pub after: usize,
    pub took: Duration,
    pub end: StageEnd,
    /// Of filters and cuts: how many went, by reason.
    pub removed: Vec<(&'static str, usize)>,
}

/// The answer.
#[derive(Debug)]
pub struct Outcome<C> {
    pub selected: Vec<C>,
    pub stages: Vec<StageReport>,
    /// Only where [`Watch::Traced`] asked for it.
    pub trace: Option<Trace<C>>,
}

/// Whether a request keeps what it leaves out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watch {
    /// Counts only.
    Counted,
    /// Everything: thousands of candidates, for a person to look at.
    Traced,
}

/// Everything that a request left out or passed through.
#[derive(Debug)]
pub struct Trace<C> {
    pub removed: Vec<Removed<C>>,
    /// The candidates as they were after the merger and after each scorer, by the stage's name.
    pub after: Vec<(&'static str, Vec<C>)>,
}

/// A candidate that a filter or a cut took out.
#[derive(Debug)]
pub struct Removed<C> {
    pub candidate: C,
    pub stage: &'static str,
    pub reason: &'static str,
}

/// A line of the recipe.
#[derive(Debug, Clone, PartialEq)]
pub struct RecipeLine {
    pub kind: StageKind,
    pub name: &'static str,
    pub about: &'static str,
    pub is_switchable: bool,
    /// The share of people for whom it runs, 0 to 1.
    pub share: f32,
    /// How it is broken on purpose; none when it is not.
    pub fault: Option<Fault>,
}
