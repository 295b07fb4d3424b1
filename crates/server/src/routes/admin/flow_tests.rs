//! The picture from a handful of figures, and from none.

use api::{FlowDropKind, FlowJobKind, FlowJobState, FlowStage};

use super::*;

const TEXT: &str = r#"# TYPE riffle_server_requests_total counter
riffle_server_requests_total{route="/api/v1/events",status="202"} 90
riffle_server_requests_total{route="/api/v1/events",status="429"} 4
riffle_server_requests_total{route="web",status="500"} 1
# TYPE riffle_collector_rejected_total counter
riffle_collector_rejected_total{reason="future"} 5
riffle_collector_rejected_total{reason="shape"} 2
# TYPE riffle_event_log_appended_records_total counter
riffle_event_log_appended_records_total{topic="0"} 70
riffle_event_log_appended_records_total{topic="5"} 0
riffle_event_log_appended_records_total{topic="200"} 1
# TYPE riffle_stream_processed_records_total counter
riffle_stream_processed_records_total{job="counters"} 100
riffle_stream_processed_records_total{job="catalog"} 10
# TYPE riffle_stream_fates_total counter
riffle_stream_fates_total{job="counters",fate="counted"} 90
riffle_stream_fates_total{job="counters",fate="duplicate"} 6
riffle_stream_fates_total{job="counters",fate="late"} 3
riffle_stream_fates_total{job="counters",fate="rejected"} 1
# TYPE riffle_jobs_duplicates_total counter
riffle_jobs_duplicates_total{job="catalog"} 2
# TYPE riffle_stream_poisoned_records_total counter
riffle_stream_poisoned_records_total{job="catalog",reason="codec"} 1
riffle_stream_poisoned_records_total{job="counters",reason="codec"} 1
# TYPE riffle_stream_job_running gauge
riffle_stream_job_running{job="counters"} 1
riffle_stream_job_running{job="catalog"} 0
# TYPE riffle_stream_job_failed gauge
riffle_stream_job_failed{job="counters"} 0
riffle_stream_job_failed{job="catalog"} 1
# TYPE riffle_stream_watermark_behind_ms gauge
riffle_stream_watermark_behind_ms{job="counters"} 12
riffle_stream_watermark_behind_ms{job="catalog"} 9.2e18
# TYPE riffle_stream_checkpoint_version gauge
riffle_stream_checkpoint_version{job="counters"} 8
# TYPE riffle_stream_checkpoint_at_ms gauge
riffle_stream_checkpoint_at_ms{job="counters"} 1795253400000
# TYPE riffle_pipeline_removed_total counter
riffle_pipeline_removed_total{pipeline="for_you",filter="seen",reason="seen"} 3
riffle_pipeline_removed_total{pipeline="for_you",filter="other",reason="seen"} 4
"#;

fn flow_of(text: &str) -> Flow {
    let house = House {
        at_ms: 5,
        started_at_ms: 1,
        ready: true,
        controllable: &["counters"],
        learner: None,
    };
    flow(&Exposition::parse(text), &house)
}

#[test]
fn figures_find_their_places() {
    let flow = flow_of(TEXT);
    assert_eq!((flow.at_ms, flow.started_at_ms, flow.ready), (5, 1, true));
    let door = &flow.door;
    assert_eq!(
        (door.requests, door.busy, door.failed, door.rejected),
        (95, 4, 1, 7)
    );
    let topics: Vec<_> = flow
        .log
        .topics
        .iter()
        .map(|topic| (topic.name.as_str(), topic.records))
        .collect();
    assert_eq!((topics, flow.log.records), (vec![("views", 70), ("200", 1)], 71));
    let [catalog, counters] = &flow.jobs[..] else {
        panic!("two jobs: {:?}", flow.jobs);
    };
    assert_eq!(
        (catalog.kind, catalog.state),
        (FlowJobKind::View, FlowJobState::Failed)
    );
    assert_eq!(
        (counters.kind, counters.state),
        (FlowJobKind::Engine, FlowJobState::Running)
    );
    assert_eq!((catalog.controllable, counters.controllable), (false, true));
    assert_eq!(
        (catalog.watermark_behind_ms, counters.watermark_behind_ms),
        (None, Some(12))
    );
    let version = counters
        .checkpoint
        .as_ref()
        .map(|checkpoint| (checkpoint.version, checkpoint.at_ms));
    assert_eq!(version, Some((8, 1_795_253_400_000)));
}

#[test]
fn fates_add_up_to_the_records_read() {
    for job in flow_of(TEXT).jobs {
        let FlowFates {
            counted,
            duplicate,
            late,
            rejected,
        } = job.fates;
        assert_eq!(counted + duplicate + late + rejected, job.records, "{}", job.job);
    }
}

#[test]
fn drops_keep_their_reason_and_their_weight() {
    use FlowDropKind::{Expected, Lost};
    let drops = flow_of(TEXT).drops;
    let lines: Vec<_> = drops
        .iter()
        .map(|drop| {
            (
                drop.stage,
                drop.kind,
                drop.place.as_deref(),
                drop.reason.as_str(),
                drop.total,
            )
        })
        .collect();
    assert_eq!(
        lines,
        [
            (FlowStage::Door, Lost, None, "future", 5),
            (FlowStage::Door, Lost, None, "shape", 2),
            (FlowStage::Jobs, Expected, Some("catalog"), "", 2),
            (FlowStage::Jobs, Expected, Some("counters"), "duplicate", 6),
            (FlowStage::Jobs, Lost, Some("counters"), "late", 3),
            (FlowStage::Jobs, Lost, Some("catalog"), "codec", 1),
            (FlowStage::Jobs, Lost, Some("counters"), "codec", 1),
            (FlowStage::Feed, Expected, Some("for_you"), "seen", 7),
        ]
    );
}

#[test]
fn a_house_that_measured_nothing_yet_says_so() {
    let flow = flow_of("");
    assert_eq!(
        (flow.door.requests, flow.log.queue_bytes, flow.media.waiting),
        (0, None, None)
    );
    assert!(flow.jobs.is_empty() && flow.drops.is_empty() && !flow.log.stopped);
}
