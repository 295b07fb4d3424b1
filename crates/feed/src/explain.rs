//! One request, stage by stage, for an operator to look at. It goes through the same pipeline as a page; nothing is noted as served.

use std::time::Duration;

use candidate_pipeline::{Outcome, StageEnd, StageKind};
use types::VideoId;

use crate::model::{Laid, Query, VideoCandidate};

/// Candidates shown at most: those on the page, then the best of the others.
const TOP_MAX: usize = 60;
/// Of each stage and reason, videos shown that went.
const GONE_EACH_MAX: usize = 5;

/// A request laid open.
#[derive(Debug, Clone)]
pub struct Explained {
    pub stages: Vec<ExplainedStage>,
    /// Those on the page in their order, then the best of the others that were looked at closely.
    pub top: Vec<ExplainedCandidate>,
    /// Examples of what went, some of each stage and reason.
    pub gone: Vec<ExplainedGone>,
    /// None when the page could not be laid under its rules.
    pub laid: Option<ExplainedPage>,
    /// What the viewer leans to most, hashtags first.
    pub leanings: Vec<(String, f32)>,
    pub watches: u64,
    pub following: usize,
    pub took: Duration,
}

/// One stage.
#[derive(Debug, Clone)]
pub struct ExplainedStage {
    pub kind: StageKind,
    pub name: &'static str,
    pub about: &'static str,
    pub before: usize,
    pub after: usize,
    pub took: Duration,
    /// `done`, `failed`, `off` or `rested`.
    pub end: &'static str,
    /// Why it failed.
    pub error: Option<String>,
    pub removed: Vec<(&'static str, usize)>,
}

/// A candidate that was looked at closely.
#[derive(Debug, Clone)]
pub struct ExplainedCandidate {
    pub video: VideoId,
    /// On the page, from 0.
    pub position: Option<usize>,
    pub sources: Vec<&'static str>,
    pub light: f32,
    pub score: f32,
    pub explored: bool,
    pub propensity: f32,
}

/// A candidate that went.
#[derive(Debug, Clone)]
pub struct ExplainedGone {
    pub video: VideoId,
    pub stage: &'static str,
    pub reason: &'static str,
    pub sources: Vec<&'static str>,
}

/// How the page was laid.
#[derive(Debug, Clone)]
pub struct ExplainedPage {
    pub value: f64,
    /// No page of this supply is worth more.
    pub bound: f64,
    /// What the regional quota costs the page, and what exploring costs it.
    pub price_regional: f64,
    pub price_exploring: f64,
    /// Rules that gave way, in their order.
    pub relaxed: Vec<&'static str>,
}

impl Explained {
    pub(crate) fn of(
        query: &Query,
        outcome: &Outcome<VideoCandidate>,
        about: impl Fn(&str) -> &'static str,
        took: Duration,
    ) -> Self {
        let stages = outcome.stages.iter().map(|report| {
            let (end, error) = match &report.end {
                StageEnd::Done => ("done", None),
                StageEnd::Failed(error) => ("failed", Some(error.clone())),
                StageEnd::Off => ("off", None),
                StageEnd::Rested => ("rested", None),
            };
            ExplainedStage {
                kind: report.kind,
                name: report.name,
                about: about(report.name),
                before: report.before,
                after: report.after,
                took: report.took,
                end,
                error,
                removed: report.removed.clone(),
            }
        });
        let hashtags = query.history.hashtags.iter();
        Self {
            stages: stages.collect(),
            top: top(outcome),
            gone: gone(outcome),
            laid: query.laid.get().map(page),
            leanings: hashtags
                .take(12)
                .map(|(hashtag, taste)| (format!("#{hashtag}"), *taste))
                .collect(),
            watches: query.history.watches,
            following: query.history.following.len(),
            took,
        }
    }
}

fn page(laid: &Laid) -> ExplainedPage {
    ExplainedPage {
        value: laid.value,
        bound: laid.bound,
        price_regional: laid.prices.regional,
        price_exploring: laid.prices.exploring,
        relaxed: laid.relaxed.clone(),
    }
}

fn sources(candidate: &VideoCandidate) -> Vec<&'static str> {
    candidate.sources.iter().map(event::Source::name).collect()
}

fn top(outcome: &Outcome<VideoCandidate>) -> Vec<ExplainedCandidate> {
    let explained = |one: &VideoCandidate, position: Option<usize>| ExplainedCandidate {
        video: one.video,
        position,
        sources: sources(one),
        light: one.light,
        score: one.score,
        explored: one.explored,
        propensity: one.propensity,
    };
    let selected = outcome.selected.iter().enumerate();
    let mut top: Vec<_> = selected.map(|(at, one)| explained(one, Some(at))).collect();
    let last = outcome.trace.as_ref().and_then(|trace| trace.after.last());
    let mut others: Vec<&VideoCandidate> = last
        .map(|(_, candidates)| candidates.iter())
        .into_iter()
        .flatten()
        .filter(|one| !outcome.selected.iter().any(|shown| shown.video == one.video))
        .collect();
    others.sort_unstable_by(|a, b| b.score.total_cmp(&a.score).then(b.video.cmp(&a.video)));
    let room = TOP_MAX.saturating_sub(top.len());
    top.extend(others.into_iter().take(room).map(|one| explained(one, None)));
    top
}

fn gone(outcome: &Outcome<VideoCandidate>) -> Vec<ExplainedGone> {
    let mut gone: Vec<ExplainedGone> = Vec::new();
    for removed in outcome.trace.iter().flat_map(|trace| &trace.removed) {
        let like = |known: &&ExplainedGone| known.stage == removed.stage && known.reason == removed.reason;
        if gone.iter().filter(like).count() < GONE_EACH_MAX {
            gone.push(ExplainedGone {
                video: removed.candidate.video,
                stage: removed.stage,
                reason: removed.reason,
                sources: sources(&removed.candidate),
            });
        }
    }
    gone
}
