//! The stream jobs on a real broker: the same bytes as on the embedded log, however they are run.

#[expect(
    dead_code,
    reason = "shared with the tests of the backend, which use all of it"
)]
#[path = "../../event-log-kafka/tests/broker/broker.rs"]
mod broker;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use event::topic;
use event_log::{EventLog, SegmentLog, SegmentLogConfig};
use event_log_kafka::{KafkaConfig, KafkaLog};
use jobs::golden::{self, Way, input};

use broker::{Broker, PARTITIONS};

const SEED: u64 = 1;

fn kafka(prefix: &str) -> Arc<dyn EventLog> {
    let config = KafkaConfig {
        partitions: PARTITIONS,
        ..KafkaConfig::new(&Broker::shared().address, prefix)
    };
    Arc::new(KafkaLog::open(&config, &topic::NAMES).expect("the log opens"))
}

fn embedded(dir: &Path) -> Arc<dyn EventLog> {
    let config = SegmentLogConfig {
        partitions: PARTITIONS,
        segment_bytes: 8 << 20,
        ..SegmentLogConfig::default()
    };
    Arc::new(SegmentLog::open(dir, config).expect("the log opens"))
}

#[test]
fn jobs_leave_the_same_bytes_on_both_logs_however_they_are_run() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let place = |name: &str| -> PathBuf {
        let dir = folder.path().join(name);
        std::fs::create_dir_all(&dir).expect("a folder");
        dir
    };
    let ours = embedded(&place("input"));
    input::feed(&*ours, SEED, input::SMALL);
    let expect = golden::run(
        &ours,
        &embedded(&place("examples")),
        &place("straight"),
        Way::STRAIGHT,
    );

    let theirs = kafka("golden-input");
    input::feed(&*theirs, SEED, input::SMALL);
    let cut = Way {
        workers: 3,
        read_bytes_max: 30_000,
        crashes: Some(1),
    };
    for (name, way) in [("straight", Way::STRAIGHT), ("cut", cut)] {
        let output = kafka(&format!("golden-{name}"));
        let outcome = golden::run(&theirs, &output, &place(&format!("kafka-{name}")), way);
        assert_eq!(outcome.rows, expect.rows, "{name}");
        assert!(outcome.states == expect.states, "{name}: the checkpoints differ");
        assert_eq!(outcome.trending, expect.trending, "{name}");
        assert!(outcome.examples == expect.examples, "{name}: the examples differ");
    }
    assert!(expect.examples.len() > 100, "too little happened");
}
