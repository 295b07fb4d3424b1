//! The learner's figures, as metrics and as a status that pages and tools read.

use std::time::{Duration, Instant};

use crate::learner::Tally;
use crate::live::TrainerStatus;
use crate::saver::SaverThread;
use crate::state::State;
use crate::trainer::{Pace, TrainerParts, lag};

/// The status, and gauges, are brought up to date this often at most.
const STATUS_EVERY: Duration = Duration::from_millis(250);

pub(crate) struct Meters {
    examples: metrics::Counter,
    rounds: metrics::Counter,
    round_ms: metrics::Histogram,
    capture_ms: metrics::Histogram,
    lag: metrics::Gauge,
    guard: metrics::Gauge,
    rows: metrics::Gauge,
    /// What the counters have been told.
    told: Tally,
    pulls: u64,
    pause_ms: f64,
    status_at: Option<Instant>,
}

impl Meters {
    pub(crate) fn new() -> Self {
        Self {
            examples: metrics::counter!("riffle_trainer_examples_total"),
            rounds: metrics::counter!("riffle_trainer_rounds_total"),
            round_ms: metrics::histogram!("riffle_trainer_round_ms"),
            capture_ms: metrics::histogram!("riffle_trainer_capture_ms"),
            lag: metrics::gauge!("riffle_trainer_lag_records"),
            guard: metrics::gauge!("riffle_trainer_guard_holds"),
            rows: metrics::gauge!("riffle_trainer_rows"),
            told: Tally::default(),
            pulls: 0,
            pause_ms: 0.0,
            status_at: None,
        }
    }

    /// A round that took so many examples is over.
    pub(crate) fn took(&self, taken: u64, began: Instant) {
        self.examples.increment(taken);
        self.rounds.increment(1);
        self.round_ms.record(began.elapsed().as_secs_f64() * 1e3);
    }

    /// Learning stood still since `began` for a checkpoint.
    pub(crate) fn captured(&mut self, began: Instant) {
        self.pause_ms = began.elapsed().as_secs_f64() * 1e3;
        self.capture_ms.record(self.pause_ms);
    }

    /// The next round brings everything up to date.
    pub(crate) fn due(&mut self) {
        self.status_at = None;
    }

    /// Brings everything else up to date, if that is due.
    pub(crate) fn round(&mut self, parts: &TrainerParts, state: &State, pace: &Pace, saver: &SaverThread) {
        if self.status_at.is_some_and(|at| at.elapsed() < STATUS_EVERY) {
            return;
        }
        self.status_at = Some(Instant::now());
        let learner = &state.learner;
        let (holds, pulls) = learner.guard();
        let cost = saver.cost();
        let status = TrainerStatus {
            at_ms: (parts.clock)(),
            epoch: state.standing.epoch,
            round: state.standing.round,
            tally: learner.tally(),
            lag_records: lag(parts, state),
            learned_at_ms: state.learned_at_ms,
            published_at_ms: pace.published_at_ms,
            versions: learner.model().published().pin().number,
            guard_holds: holds,
            guard_pulls: pulls,
            checkpoint_version: saver.written().0,
            checkpoint_pause_ms: self.pause_ms,
            checkpoint_ms: cost.ms,
            checkpoint_bytes: cost.bytes,
            heads: learner
                .figures()
                .map(|(name, figures)| (name.to_owned(), figures))
                .collect(),
        };
        self.lag.set(status.lag_records as f64);
        self.guard.set(f64::from(u8::from(holds)));
        // Absent, rather than zero, until this process has learned something.
        if status.learned_at_ms > 0 {
            metrics::gauge!("riffle_trainer_learned_at_ms").set(status.learned_at_ms as f64);
        }
        if status.published_at_ms > 0 {
            metrics::gauge!("riffle_trainer_published_at_ms").set(status.published_at_ms as f64);
        }
        self.rows.set(learner.model().table().len() as f64);
        for (head, figures) in &status.heads {
            metrics::gauge!("riffle_trainer_logloss", "head" => head.clone()).set(figures.logloss);
            metrics::gauge!("riffle_trainer_calibration", "head" => head.clone()).set(figures.calibration);
            metrics::gauge!("riffle_trainer_auc", "head" => head.clone()).set(figures.auc);
        }
        self.tell(status.tally, pulls);
        *parts.control.status.write() = status;
    }

    fn tell(&mut self, tally: Tally, pulls: u64) {
        let fates = |tally: Tally| {
            [
                ("outcome", tally.outcomes),
                ("delta", tally.deltas),
                ("silent", tally.silent),
                ("excluded", tally.excluded),
                ("broken", tally.broken),
            ]
        };
        for ((fate, now), (_, before)) in fates(tally).into_iter().zip(fates(self.told)) {
            metrics::counter!("riffle_trainer_fates_total", "fate" => fate)
                .increment(now.saturating_sub(before));
        }
        let more = tally.capped.saturating_sub(self.told.capped);
        metrics::counter!("riffle_trainer_capped_total").increment(more);
        metrics::counter!("riffle_trainer_guard_pulls_total").increment(pulls.saturating_sub(self.pulls));
        (self.told, self.pulls) = (tally, pulls);
    }
}
