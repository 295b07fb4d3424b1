//! From figures to the picture of how events flow: which metric stands where. It measures nothing.

use api::{
    Flow, FlowCheckpoint, FlowDoor, FlowFates, FlowFeatures, FlowJob, FlowJobKind, FlowJobState, FlowLake,
    FlowLog, FlowMedia, FlowMetastore, FlowOutbox, FlowTable, FlowTopic,
};
use event::topic;
use trainer::{Learning, TrainerStatus};
use types::TimestampMs;

use super::exposition::Exposition;
use super::{drops, learner};

const EVENTS_ROUTE: &str = "/api/v1/events";
/// A watermark further behind than this was never set: no record of any topic has come yet.
const WATERMARK_BEHIND_MS_MAX: f64 = 1e15;

/// What the door knows beside the figures.
pub(super) struct House<'h> {
    pub(super) at_ms: TimestampMs,
    pub(super) started_at_ms: TimestampMs,
    pub(super) ready: bool,
    /// Jobs that a checkpoint can be asked of.
    pub(super) controllable: &'h [&'static str],
    /// None where nobody learns.
    pub(super) learner: Option<(TrainerStatus, Learning)>,
}

pub(super) fn flow(figures: &Exposition, house: &House<'_>) -> Flow {
    Flow {
        at_ms: house.at_ms,
        started_at_ms: house.started_at_ms,
        ready: house.ready,
        door: door(figures),
        log: log(figures),
        jobs: jobs(figures, house.controllable),
        outbox: outbox(figures),
        media: media(figures),
        features: features(figures),
        lake: lake(figures),
        metastore: metastore(figures),
        learner: house
            .learner
            .as_ref()
            .map(|learner| learner::of(learner, figures, house.at_ms)),
        drops: drops::of(figures),
    }
}

fn door(figures: &Exposition) -> FlowDoor {
    let answers = |wanted: fn(&str) -> bool| -> u64 {
        let answers = figures.samples("riffle_server_requests_total");
        let wanted = answers.filter(|answer| wanted(answer.label("status")));
        wanted.map(|answer| answer.whole()).sum()
    };
    FlowDoor {
        accepted: figures.total("riffle_collector_accepted_total", &[]),
        duplicates: figures.total("riffle_collector_duplicates_total", &[]),
        rejected: figures.total("riffle_collector_rejected_total", &[]),
        requests: answers(|_| true),
        busy: answers(|status| status == "429"),
        failed: answers(|status| status.starts_with('5')),
        answering_ms: (figures.sum("riffle_server_request_seconds") * 1e3) as u64,
        events_answered: figures.buckets("riffle_server_request_seconds", &[("route", EVENTS_ROUTE)]),
    }
}

fn log(figures: &Exposition) -> FlowLog {
    // One of the two backends is open, and only its figures exist.
    let either =
        |embedded: &str, kafka: &str| figures.size(embedded, &[]).or_else(|| figures.size(kafka, &[]));
    let appended = "riffle_event_log_appended_records_total";
    let topics = figures
        .values(appended, "topic")
        .into_iter()
        .map(|number| FlowTopic {
            name: topic_name(number).to_owned(),
            records: figures.total(appended, &[("topic", number)]),
        });
    FlowLog {
        records: figures.total(appended, &[]),
        // The log has room for topics that nobody uses yet.
        topics: topics.filter(|topic| topic.records > 0).collect(),
        queue_bytes: either(
            "riffle_event_log_queue_bytes",
            "riffle_event_log_kafka_queue_bytes",
        ),
        wait_estimate_ms: figures.gauge("riffle_event_log_wait_estimate_ms", &[]),
        commit_rate_bytes_per_s: figures.size("riffle_event_log_commit_rate_bytes_per_s", &[]),
        commit_ms: figures.spread("riffle_event_log_commit_ms", &[]),
        group_bytes: figures.spread("riffle_event_log_group_bytes", &[]),
        segments: figures.size("riffle_event_log_segments", &[]),
        kept_bytes: figures.size("riffle_event_log_kept_bytes", &[]),
        held_bytes: figures.size("riffle_event_log_retention_held_bytes", &[]),
        holders: figures.size("riffle_event_log_retention_readers", &[]),
        at_risk_bytes: figures.size("riffle_event_log_memory_at_risk_bytes", &[]),
        stopped: figures.total("riffle_event_log_stopped", &[]) > 0,
    }
}

/// The log knows topics by number, people know them by name.
fn topic_name(number: &str) -> &str {
    let known = number
        .parse()
        .ok()
        .and_then(|at: usize| topic::NAMES.get(at).copied());
    known.unwrap_or(number)
}

fn jobs(figures: &Exposition, controllable: &[&'static str]) -> Vec<FlowJob> {
    let names = figures.values("riffle_stream_processed_records_total", "job");
    names
        .into_iter()
        .map(|name| job(figures, name, controllable))
        .collect()
}

fn job(figures: &Exposition, name: &str, controllable: &[&'static str]) -> FlowJob {
    let of = [("job", name)];
    let records = figures.total("riffle_stream_processed_records_total", &of);
    let is_engine = figures.size("riffle_stream_fates_total", &of).is_some();
    let behind_ms = figures.gauge("riffle_stream_watermark_behind_ms", &of);
    FlowJob {
        job: name.to_owned(),
        kind: if is_engine {
            FlowJobKind::Engine
        } else {
            FlowJobKind::View
        },
        state: state(figures, name),
        records,
        fates: if is_engine {
            engine_fates(figures, name)
        } else {
            view_fates(figures, name, records)
        },
        lag_records: figures.total("riffle_stream_lag_records", &of),
        watermark_behind_ms: behind_ms
            .filter(|behind_ms| *behind_ms < WATERMARK_BEHIND_MS_MAX)
            .map(|behind_ms| behind_ms as u64),
        keys: figures.size("riffle_stream_state_keys", &of),
        state_bytes: figures.size("riffle_stream_state_bytes", &of),
        timers: figures.size("riffle_stream_timers", &of),
        rows: figures.size("riffle_stream_rows_total", &of),
        commit_ms: figures.spread("riffle_stream_commit_ms", &of),
        checkpoint: checkpoint(figures, name),
        stumbles: figures.total("riffle_stream_retries_total", &of),
        controllable: controllable.contains(&name),
    }
}

fn state(figures: &Exposition, job: &str) -> FlowJobState {
    let is = |metric: &str| figures.total(metric, &[("job", job)]) > 0;
    if is("riffle_stream_job_failed") {
        FlowJobState::Failed
    } else if is("riffle_stream_job_running") {
        FlowJobState::Running
    } else {
        FlowJobState::Stopped
    }
}

fn engine_fates(figures: &Exposition, job: &str) -> FlowFates {
    let fate = |fate: &str| figures.total("riffle_stream_fates_total", &[("job", job), ("fate", fate)]);
    FlowFates {
        counted: fate("counted"),
        duplicate: fate("duplicate"),
        late: fate("late"),
        rejected: fate("rejected"),
    }
}

/// A view has no event time, so nothing is late for it; it counts what it passed over and what it had seen.
fn view_fates(figures: &Exposition, job: &str, records: u64) -> FlowFates {
    let of = [("job", job)];
    let duplicate = figures.total("riffle_jobs_duplicates_total", &of);
    let rejected = figures.total("riffle_stream_poisoned_records_total", &of);
    FlowFates {
        // The figures are read one after the other: a repeat may be counted before its record is.
        counted: records.saturating_sub(duplicate + rejected),
        duplicate,
        late: 0,
        rejected,
    }
}

fn checkpoint(figures: &Exposition, job: &str) -> Option<FlowCheckpoint> {
    let of = [("job", job)];
    Some(FlowCheckpoint {
        version: figures.size("riffle_stream_checkpoint_version", &of)?,
        at_ms: figures.gauge("riffle_stream_checkpoint_at_ms", &of)? as TimestampMs,
        bytes: figures.total("riffle_stream_checkpoint_bytes", &of),
        made: figures.total("riffle_stream_checkpoints_total", &of),
        took_ms: figures.spread("riffle_stream_checkpoint_ms", &of),
    })
}

fn outbox(figures: &Exposition) -> FlowOutbox {
    let oldest_at_ms = figures.gauge("riffle_product_outbox_oldest_at_ms", &[]);
    FlowOutbox {
        waiting_rows: figures.size("riffle_product_outbox_waiting_rows", &[]),
        oldest_at_ms: oldest_at_ms
            .map(|at_ms| at_ms as TimestampMs)
            .filter(|at_ms| *at_ms > 0),
        relayed: figures.total("riffle_product_outbox_relayed_total", &[]),
        failures: figures.total("riffle_product_outbox_failures_total", &[]),
    }
}

fn media(figures: &Exposition) -> FlowMedia {
    FlowMedia {
        waiting: figures.size("riffle_media_jobs_waiting", &[]),
        running: figures.total("riffle_media_jobs_running", &[]),
        dead: figures.size("riffle_media_jobs_dead", &[]),
        failures: figures.total("riffle_media_job_failures_total", &[]),
        done: figures.recorded("riffle_media_job_seconds", &[]),
    }
}

fn features(figures: &Exposition) -> FlowFeatures {
    let written = "riffle_feature_store_written_rows_total";
    let held_back = "riffle_feature_store_held_back_rows_total";
    let tables = figures
        .values(written, "table")
        .into_iter()
        .map(|name| FlowTable {
            name: name.to_owned(),
            written: figures.total(written, &[("table", name)]),
            held_back: figures.total(held_back, &[("table", name)]),
        });
    FlowFeatures {
        tables: tables.collect(),
        viral_videos: figures.size("riffle_feature_store_viral_videos", &[]),
    }
}

fn lake(figures: &Exposition) -> FlowLake {
    FlowLake {
        rows: figures.total("riffle_lake_rows_total", &[]),
        files: figures.total("riffle_lake_files_total", &[]),
        written_bytes: figures.total("riffle_lake_written_bytes_total", &[]),
        held_bytes: figures.size("riffle_lake_held_bytes", &[]),
    }
}

fn metastore(figures: &Exposition) -> FlowMetastore {
    FlowMetastore {
        writes: figures.recorded("riffle_metastore_write_seconds", &[]),
        failures: figures.total("riffle_metastore_failures_total", &[]),
        write_waited: figures.buckets("riffle_metastore_write_wait_seconds", &[]),
    }
}

#[cfg(test)]
#[path = "flow_tests.rs"]
mod tests;
