//! The jobs over the embedded log: the same bytes however they are run, and the numbers of a plain recount.

use std::path::PathBuf;
use std::sync::Arc;

use event_log::{EventLog, SegmentLog, SegmentLogConfig};
use jobs::golden::{self, input};
use tempfile::TempDir;

fn open_log(dir: &std::path::Path, partitions: u16) -> Arc<dyn EventLog> {
    let config = SegmentLogConfig {
        partitions,
        segment_bytes: 4 << 20,
        group_bytes_max: 256 << 10,
        record_bytes_max: 64 << 10,
        ..SegmentLogConfig::default()
    };
    Arc::new(SegmentLog::open(dir, config).expect("a fresh log"))
}

/// Gives each way of running a place of its own.
struct Places {
    folder: TempDir,
    partitions: u16,
    given: usize,
}

impl Places {
    fn new(partitions: u16) -> Self {
        Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
            partitions,
            given: 0,
        }
    }

    fn next(&mut self) -> (Arc<dyn EventLog>, PathBuf) {
        self.given += 1;
        let dir = self.folder.path().join(self.given.to_string());
        std::fs::create_dir_all(&dir).expect("a folder");
        (open_log(&dir.join("examples"), self.partitions), dir)
    }
}

#[test]
fn every_way_of_running_comes_to_the_same() {
    for (seed, partitions) in [(1, 4), (2, 1)] {
        let mut places = Places::new(partitions);
        let log = open_log(&places.folder.path().join("input"), partitions);
        input::feed(&*log, seed, input::SMALL);
        let outcome = golden::check(&log, || places.next(), 0..12);
        for (records, counted, duplicate, late, rejected) in golden::fates(&outcome) {
            assert_eq!(
                records,
                counted + duplicate + late + rejected,
                "nothing is unaccounted for"
            );
            assert!(
                counted > 0 && duplicate > 0 && rejected > 0,
                "the input has some of each"
            );
        }
        assert!(
            golden::fates(&outcome)[0].3 > 0,
            "some is too late for its window"
        );
        assert!(
            outcome.examples.len() > 500,
            "{} examples",
            outcome.examples.len()
        );
    }
}
