//! The figures of a run.

use serde::Serialize;
use types::TimestampMs;

use super::cold::Coldness;
use super::{Args, Label, Paired, REPORT_FROM_MS, Refresh};
use crate::metrics::{auc, grouped_auc, logloss};

/// One event of the stream, as the measures see it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scored {
    pub(super) at_ms: TimestampMs,
    pub(super) user: u64,
    pub(super) label: bool,
    /// Whether this user is reported on.
    pub(super) asked: bool,
    pub(super) cold: Coldness,
}

impl Scored {
    /// Whether the event counts in the report.
    pub(super) fn reported(&self) -> bool {
        self.asked && self.at_ms >= REPORT_FROM_MS
    }
}

/// A part of the events. Measures are missing when a class is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Slice {
    pub events: usize,
    pub positives: usize,
    pub auc: Option<f64>,
    pub logloss: Option<f64>,
}

/// What [`super::run`] answers; a JSON object. The first five measures are over the report window.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    pub protocol: &'static str,
    pub label: Label,
    pub refresh: Refresh,
    pub cold_start: bool,
    pub seed: u64,
    pub auc: Option<f64>,
    pub logloss: Option<f64>,
    /// Within users who have both outcomes, weighted by their events.
    pub gauc: Option<f64>,
    pub auc_cold_item: Option<f64>,
    pub auc_new_item: Option<f64>,
    pub auc_cold_user: Option<f64>,
    pub logloss_cold_item: Option<f64>,
    pub logloss_new_item: Option<f64>,
    pub logloss_cold_user: Option<f64>,
    /// Extracted, scored and learned a second on one thread, the history included.
    pub events_per_s: f64,
    pub wall_s: f64,
    pub warm_up_events: usize,
    pub report: Slice,
    pub cold_item: Slice,
    pub new_item: Slice,
    pub cold_user: Slice,
    /// Before the report window: what settings may be chosen on.
    pub tuning: Slice,
    pub features: usize,
    pub paired: Vec<Paired>,
}

impl Report {
    pub(super) fn new(args: &Args, label: Label, scored: &[Scored], scores: &[f32]) -> Self {
        let slice = |of: &dyn Fn(&Scored) -> bool| slice(scored, scores, of);
        let report = slice(&Scored::reported);
        let cold_item = slice(&|row| row.reported() && row.cold.item);
        let new_item = slice(&|row| row.reported() && row.cold.new_item);
        let cold_user = slice(&|row| row.reported() && row.cold.user);
        let kept: Vec<(u64, f32, bool)> = scored
            .iter()
            .zip(scores)
            .filter(|(row, _)| row.reported())
            .map(|(row, score)| (row.user, *score, row.label))
            .collect();
        let users: Vec<u64> = kept.iter().map(|row| row.0).collect();
        let kept_scores: Vec<f32> = kept.iter().map(|row| row.1).collect();
        let labels: Vec<bool> = kept.iter().map(|row| row.2).collect();
        Self {
            protocol: "prequential",
            label,
            refresh: args.refresh,
            cold_start: args.cold_start,
            seed: args.seed,
            auc: report.auc,
            logloss: report.logloss,
            gauc: grouped_auc(&users, &kept_scores, &labels),
            auc_cold_item: cold_item.auc,
            auc_new_item: new_item.auc,
            auc_cold_user: cold_user.auc,
            logloss_cold_item: cold_item.logloss,
            logloss_new_item: new_item.logloss,
            logloss_cold_user: cold_user.logloss,
            events_per_s: 0.0,
            wall_s: 0.0,
            warm_up_events: 0,
            report,
            cold_item,
            new_item,
            cold_user,
            tuning: slice(&|row| row.asked && row.at_ms < REPORT_FROM_MS),
            features: feature::Registry::new().len(),
            paired: Vec::new(),
        }
    }
}

fn slice(scored: &[Scored], scores: &[f32], of: &dyn Fn(&Scored) -> bool) -> Slice {
    let kept = || scored.iter().zip(scores).filter(|(row, _)| of(row));
    let labels: Vec<bool> = kept().map(|(row, _)| row.label).collect();
    let scores: Vec<f32> = kept().map(|(_, score)| *score).collect();
    Slice {
        events: labels.len(),
        positives: labels.iter().filter(|label| **label).count(),
        auc: auc(&scores, &labels),
        logloss: logloss(&scores, &labels),
    }
}
