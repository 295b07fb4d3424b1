//! The figures of a pipeline, a handle for each looked up once: a request touches some hundred of them.

use std::collections::HashMap;
use std::sync::OnceLock;

use metrics::{Counter, counter};

use crate::report::{StageEnd, StageReport};

#[derive(Default)]
pub(crate) struct Meters(OnceLock<HashMap<&'static str, StageMeters>>);

struct StageMeters {
    runs: Counter,
    us: Counter,
    candidates: Counter,
    failures: Counter,
    off: Counter,
    rested: Counter,
}

impl StageMeters {
    fn new(pipeline: &'static str, stage: &'static str) -> Self {
        Self {
            runs: counter!("riffle_pipeline_stage_runs_total", "pipeline" => pipeline, "stage" => stage),
            us: counter!("riffle_pipeline_stage_us_total", "pipeline" => pipeline, "stage" => stage),
            candidates: counter!("riffle_pipeline_candidates_total", "pipeline" => pipeline, "stage" => stage),
            failures: counter!("riffle_pipeline_failures_total", "pipeline" => pipeline, "stage" => stage),
            off: counter!("riffle_pipeline_switched_off_total", "pipeline" => pipeline, "stage" => stage),
            rested: counter!("riffle_pipeline_rested_total", "pipeline" => pipeline, "stage" => stage),
        }
    }
}

impl Meters {
    /// Counts what one stage did. The handles are made at the first request, when there is somebody to count for.
    pub(crate) fn note(
        &self,
        pipeline: &'static str,
        stages: impl FnOnce() -> Vec<&'static str>,
        report: &StageReport,
    ) {
        let meters = self.0.get_or_init(|| {
            let each = stages().into_iter();
            each.map(|stage| (stage, StageMeters::new(pipeline, stage)))
                .collect()
        });
        let Some(meters) = meters.get(report.name) else {
            return;
        };
        match &report.end {
            StageEnd::Off => return meters.off.increment(1),
            StageEnd::Rested => return meters.rested.increment(1),
            StageEnd::Failed(error) => {
                meters.failures.increment(1);
                tracing::warn!(pipeline, stage = report.name, %error, "stage failed, request goes on without it");
            }
            StageEnd::Done => {}
        }
        meters.runs.increment(1);
        meters.us.increment(report.took.as_micros() as u64);
        meters.candidates.increment(report.after as u64);
        for &(reason, count) in &report.removed {
            counter!("riffle_pipeline_removed_total", "pipeline" => pipeline, "filter" => report.name, "reason" => reason)
                .increment(count as u64);
        }
    }
}
