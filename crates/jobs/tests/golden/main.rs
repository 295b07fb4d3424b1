//! The jobs over the embedded log: the same bytes however they are run, and the numbers of a plain recount.

mod recount;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use event_log::{EventLog, SegmentLog, SegmentLogConfig};
use feature_store::{Counts, Entity, FeatureStore, Scope};
use jobs::ActivitySink;
use jobs::golden::{self, Way, input};
use recount::Recount;
use stream::keyed::Sink;
use tempfile::TempDir;
use types::VideoId;

fn open_log(dir: &Path, partitions: u16) -> Arc<dyn EventLog> {
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

    /// A log with the input of `seed`.
    fn input(&self, seed: u64) -> Arc<dyn EventLog> {
        let log = open_log(&self.folder.path().join("input"), self.partitions);
        input::feed(&*log, seed, input::SMALL);
        log
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
        let log = places.input(seed);
        golden::check(&log, || places.next(), 0..4);
    }
}

#[test]
fn nothing_is_unaccounted_for() {
    let mut places = Places::new(4);
    let log = places.input(3);
    let (output, dir) = places.next();
    let outcome = golden::run(&log, &output, &dir, Way::STRAIGHT);
    let recount = Recount::of(&*log);
    let [activity, joiner] = golden::fates(&outcome);
    for (records, counted, duplicate, late, rejected) in [activity, joiner] {
        assert_eq!(records, counted + duplicate + late + rejected);
        assert!(
            counted > 0 && duplicate > 0 && rejected > 0,
            "the input has some of each"
        );
    }
    let (_, _, duplicate, late, rejected) = activity;
    assert_eq!((duplicate, late, rejected), recount.fates);
    assert!(late > 0, "some of the input is too late for its window");
}

#[test]
fn totals_and_lists_are_those_of_a_plain_recount() {
    let mut places = Places::new(4);
    let log = places.input(4);
    let (output, dir) = places.next();
    let outcome = golden::run(&log, &output, &dir, Way::STRAIGHT);
    let recount = Recount::of(&*log);
    // Opened again: what the lists are made from is on the disk.
    let store = Arc::new(FeatureStore::open(&dir.join("features.redb")).expect("opens"));
    let totals = |entity| store.features(&entity).expect("reads").totals;
    for video in recount.shown() {
        assert_eq!(totals(Entity::Video(video)), recount.totals[&video], "{video}");
    }
    for video in &recount.removed {
        assert_eq!(
            totals(Entity::Video(*video)),
            Counts::default(),
            "{video} was removed"
        );
    }
    for (creator, expect) in &recount.creators {
        assert_eq!(totals(Entity::Creator(*creator)), *expect, "{creator}");
    }
    ActivitySink::new(store.clone()).epoch_end(0, input::END_MS);
    let trending = store.trending();
    let lists: BTreeMap<Scope, Vec<(VideoId, f64)>> = trending
        .lists
        .iter()
        .map(|(scope, list)| {
            let ranked = list.iter().map(|ranked| (ranked.video, ranked.score));
            (scope.clone(), ranked.collect())
        })
        .collect();
    let expect = recount.trending(input::END_MS);
    assert!(
        expect[&Scope::Global].len() > 10 && expect.len() > 15,
        "there is much to list"
    );
    assert_eq!(lists, expect);
    recount.check_examples(&outcome.examples);
    assert!(
        outcome.examples.len() > 500,
        "{} examples",
        outcome.examples.len()
    );
}
