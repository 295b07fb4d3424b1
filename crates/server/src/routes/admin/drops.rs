//! Everything that did not go on: which metric counts it, where, why, and how bad that is. This is the list to add to.

use api::{FlowDrop, FlowDropKind, FlowStage};

use super::exposition::{Exposition, Sample};

/// A metric that counts what did not go on.
struct Drop {
    stage: FlowStage,
    kind: FlowDropKind,
    metric: &'static str,
    /// The label that says where; empty for none.
    place: &'static str,
    /// The label that says why; empty for none.
    reason: &'static str,
}

/// `Stage Kind "metric" in "the label that says where" by "the label that says why";`
macro_rules! drops {
    ($($stage:ident $kind:ident $metric:literal $(in $place:literal)? $(by $reason:literal)?;)*) => {
        &[$(Drop {
            stage: FlowStage::$stage,
            kind: FlowDropKind::$kind,
            metric: $metric,
            place: concat!($($place)?),
            reason: concat!($($reason)?),
        }),*]
    };
}

/// Every drop of the house, in the order of the flow.
const DROPS: &[Drop] = drops! {
    Door   Expected "riffle_collector_duplicates_total";
    Door   Lost     "riffle_collector_rejected_total" by "reason";
    Door   Expected "riffle_collector_odd_total" by "reason";
    Door   Refused  "riffle_server_events_refused_total" by "reason";
    Door   Refused  "riffle_server_rate_limited_total" by "class";
    Door   Refused  "riffle_product_hashes_refused_total";
    Door   Refused  "riffle_product_refresh_reuses_total";
    Log    Refused  "riffle_event_log_overloaded_total" by "reason";
    Log    Refused  "riffle_event_log_kafka_overloaded_total";
    Log    Refused  "riffle_event_log_kafka_failed_records_total";
    Log    Degraded "riffle_event_log_kafka_client_errors_total" in "part";
    Log    Degraded "riffle_event_log_kafka_fetch_errors_total";
    Log    Degraded "riffle_event_log_kafka_lost_partitions_total";
    Log    Lost     "riffle_event_log_kafka_gap_records_total";
    Log    Lost     "riffle_event_log_memory_lost_records_total";
    Log    Lost     "riffle_event_log_lost_offsets_met_total";
    Log    Degraded "riffle_event_log_index_write_failed_total";
    Jobs   Expected "riffle_jobs_duplicates_total" in "job";
    Jobs   Expected "riffle_jobs_examples_repeated_total";
    Jobs   Degraded "riffle_stream_retries_total" in "job";
    Jobs   Lost     "riffle_stream_fates_total" in "job" by "fate";
    Jobs   Lost     "riffle_stream_poisoned_records_total" in "job" by "reason";
    Jobs   Lost     "riffle_stream_lost_records_total" in "job";
    Jobs   Lost     "riffle_jobs_dropped_total" in "job" by "reason";
    Stores Degraded "riffle_product_outbox_failures_total";
    Stores Expected "riffle_feature_store_expired_rows_total" by "table";
    Stores Refused  "riffle_metastore_failures_total" by "fault";
    Stores Refused  "riffle_blob_failures_total" by "action";
    Stores Refused  "riffle_blob_too_large_total";
    Stores Degraded "riffle_lake_conflicts_total" in "table";
    Stores Degraded "riffle_lake_fenced_total" in "table";
    Stores Degraded "riffle_lake_checkpoint_failures_total" in "table";
    Stores Degraded "riffle_lake_keep_failures_total" in "table";
    Feed   Expected "riffle_pipeline_removed_total" in "pipeline" by "reason";
    Feed   Expected "riffle_feed_relaxed_total" by "rule";
    Feed   Degraded "riffle_pipeline_failures_total" in "pipeline" by "stage";
    Feed   Degraded "riffle_feed_stale_history_total";
    Feed   Degraded "riffle_feed_light_pages_total" by "reason";
    Jobs   Degraded "riffle_trainer_ended_total" by "kind";
    Feed   Degraded "riffle_feed_served_without_row_total";
    Feed   Degraded "riffle_server_unsettled_total" by "reason";
    Feed   Lost     "riffle_feed_served_lost_total" by "reason";
    Media  Expected "riffle_media_rejected_total" by "code";
    Media  Expected "riffle_media_uploads_abandoned_total";
    Media  Degraded "riffle_media_job_failures_total" in "kind";
    Media  Degraded "riffle_media_job_timeouts_total" in "tool";
    Media  Degraded "riffle_media_encoder_faults_total";
    Media  Degraded "riffle_media_leases_expired_total";
};

/// What did not go on since the start; what never happened is left out.
pub(super) fn of(figures: &Exposition) -> Vec<FlowDrop> {
    let mut drops: Vec<FlowDrop> = Vec::new();
    for drop in DROPS {
        for sample in figures.samples(drop.metric) {
            note(&mut drops, drop, sample, total_of(figures, drop, sample));
        }
    }
    drops.retain(|drop| drop.total > 0);
    drops.sort_by(|a, b| {
        (a.stage, &a.metric, &a.place, &a.reason).cmp(&(b.stage, &b.metric, &b.place, &b.reason))
    });
    drops
}

/// What a sample adds. Poisoned records are among the rejected, and have lines of their own that say why.
fn total_of(figures: &Exposition, drop: &Drop, sample: &Sample) -> u64 {
    match (drop.metric, sample.label(drop.reason)) {
        ("riffle_stream_fates_total", "rejected") => {
            let of = [("job", sample.label("job"))];
            let poisoned = figures.total("riffle_stream_poisoned_records_total", &of);
            sample.whole().saturating_sub(poisoned)
        }
        _ => sample.whole(),
    }
}

/// How bad one reason of a metric is, where that differs among its reasons; `None` is no drop at all.
fn kind_of(drop: &Drop, reason: &str) -> Option<FlowDropKind> {
    match (drop.metric, reason) {
        ("riffle_stream_fates_total", "counted") => None,
        ("riffle_stream_fates_total", "duplicate") => Some(FlowDropKind::Expected),
        // Odd events are taken all the same; only those that never came are lost.
        ("riffle_collector_odd_total", "lost") => Some(FlowDropKind::Lost),
        _ => Some(drop.kind),
    }
}

/// Adds a sample to its line; samples that differ only in labels that are not shown share one.
fn note(drops: &mut Vec<FlowDrop>, drop: &Drop, sample: &Sample, total: u64) {
    let place = Some(sample.label(drop.place)).filter(|place| !place.is_empty());
    let reason = sample.label(drop.reason);
    let Some(kind) = kind_of(drop, reason) else { return };
    let same = |line: &&mut FlowDrop| {
        line.metric == drop.metric && line.place.as_deref() == place && line.reason == reason
    };
    match drops.iter_mut().find(same) {
        Some(line) => line.total += total,
        None => drops.push(FlowDrop {
            stage: drop.stage,
            kind,
            metric: drop.metric.to_owned(),
            place: place.map(str::to_owned),
            reason: reason.to_owned(),
            total,
        }),
    }
}
