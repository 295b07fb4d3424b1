//! The keyed engine on the embedded log: the same bytes however it is run, cut, moved or fenced.

mod group;
mod job;

use std::sync::Arc;

use event_log::EventLog;
use event_log::disk::SplitMix;
use stream::JobError;
use stream::keyed::{CheckpointError, Engine, EngineConfig, JobControl, JobTools, MemoryObjects};

use job::{House, MapSink, Row, log_with};

const SEEDS: u64 = 12;

/// What a run leaves: the state's bytes and the sink's rows.
type Left = (Vec<u8>, Vec<(Row, u64)>);

fn finish(mut engine: Engine<job::Windows>, house: &House) -> Left {
    engine.drain().expect("drains");
    let snapshot = engine.snapshot().expect("snapshots");
    engine.close().expect("closes");
    (snapshot, house.sink.rows())
}

fn straight(log: &Arc<dyn EventLog>) -> Left {
    let house = House::new(log);
    finish(house.open(1, 1 << 20), &house)
}

/// Runs with random chunks, workers, checkpoints, orderly and disorderly ends.
fn bumpy(log: &Arc<dyn EventLog>, random: &mut SplitMix) -> Left {
    let house = House::new(log);
    for _ in 0..3 + random.below(5) {
        let workers = 1 + random.below(4) as usize;
        let mut engine = house.open(workers, 64 << random.below(6));
        for _ in 0..random.below(20) {
            engine.epoch().expect("works");
            if random.below(4) == 0 {
                engine.checkpoint().expect("publishes");
            }
        }
        match random.below(3) {
            0 => engine.close().expect("closes"),
            1 => house.sink.crash(),
            // Rows that the sink happened to write early: the same absolute values come again.
            _ => house.sink.flush_now(),
        }
    }
    finish(house.open(1 + random.below(4) as usize, 4096), &house)
}

#[test]
fn straight_checkpointed_cut_and_rescaled_leave_the_same_bytes() {
    for seed in 0..SEEDS {
        let mut random = SplitMix(seed);
        let log = log_with(&mut random, 1_500);
        let expect = straight(&log);
        assert!(expect.1.len() > 20, "seed {seed}: too little happened");
        for _ in 0..3 {
            assert!(bumpy(&log, &mut random) == expect, "seed {seed}: another outcome");
        }
    }
}

#[test]
fn the_rows_are_what_an_independent_count_finds() {
    for seed in 0..SEEDS {
        let mut random = SplitMix(seed);
        let log = log_with(&mut random, 800);
        let (_, rows) = straight(&log);
        assert_eq!(rows, job::ledger(&*log), "seed {seed}");
    }
}

#[test]
fn every_record_has_one_fate() {
    let log = log_with(&mut SplitMix(5), 2_000);
    let house = House::new(&log);
    let control = JobControl::new();
    let mut engine = Engine::open(house.parts(2, 512), &control).expect("opens");
    let processed = engine.drain().expect("drains");
    let status = control.status();
    assert_eq!(status.records, processed);
    assert_eq!(
        status.records,
        status.counted + status.duplicate + status.late + status.rejected
    );
    assert!(
        [status.counted, status.duplicate, status.late, status.rejected]
            .iter()
            .all(|&count| count > 0),
        "{status:?}"
    );
    assert_eq!((status.lag_records, status.timers), (0, 0));
}

#[test]
fn state_larger_than_its_cache_counts_the_same() {
    let log = log_with(&mut SplitMix(3), 2_000);
    let house = House::new(&log);
    let mut parts = house.parts(2, 256);
    parts.config = EngineConfig {
        cache_bytes_max: 0,
        dirty_keys_max: 10,
        ..parts.config
    };
    let engine = Engine::open(parts, &JobControl::new()).expect("opens");
    assert!(finish(engine, &house) == straight(&log));
}

#[test]
fn a_process_that_lost_the_job_cannot_publish() {
    let log = log_with(&mut SplitMix(1), 500);
    let house = House::new(&log);
    let mut zombie = house.open(1, 256);
    zombie.epoch().expect("works");
    // Another process, with a folder of its own, takes the job over.
    let mut heir = Engine::open(house.parts_elsewhere(), &JobControl::new()).expect("opens");
    heir.epoch().expect("works");
    let fenced = zombie.checkpoint().expect_err("is fenced");
    assert!(
        matches!(
            fenced,
            JobError::Checkpoint {
                source: CheckpointError::Fenced { .. },
                ..
            }
        ),
        "{fenced:?}"
    );
    assert!(!fenced.is_transient());
    heir.checkpoint().expect("owns the job");
    drop(zombie);
    assert!(finish(heir, &house) == straight(&log));
}

#[test]
fn a_sink_that_lost_its_rows_gets_all_of_them_again() {
    let log = log_with(&mut SplitMix(2), 500);
    let house = House::new(&log);
    let expect = finish(house.open(2, 1024), &house);
    house.sink.forget();
    assert_eq!(house.sink.rows().len(), 0);
    // Nothing is left to read: the rows come from the state.
    let left = finish(house.open(1, 1024), &house);
    let open_rows = |rows: &[(Row, u64)]| {
        rows.iter()
            .filter(|(row, _)| !matches!(row, Row::Closed(..)))
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(open_rows(&left.1), open_rows(&expect.1));
    house.sink.crash();
    assert_eq!(
        open_rows(&house.sink.rows()),
        open_rows(&expect.1),
        "and it keeps them"
    );
}

#[test]
fn storage_that_fails_anywhere_costs_a_restart_and_nothing_else() {
    let log = log_with(&mut SplitMix(4), 400);
    let expect = straight(&log);
    for fail_at in 0..60 {
        let mut house = House::new(&log);
        let failing = Arc::new(job::FailingObjects::new(MemoryObjects::default(), fail_at));
        house.objects = failing.clone();
        let mut failed = 0;
        let left = loop {
            let opened = Engine::open(house.parts(1, 512), &JobControl::new());
            let run = opened.and_then(|mut engine| {
                while engine.epoch()? > 0 {
                    engine.checkpoint()?;
                }
                engine.drain()?;
                Ok((engine.snapshot()?, engine.close()))
            });
            match run {
                Ok((snapshot, Ok(()))) => break (snapshot, house.sink.rows()),
                Ok((_, Err(error))) | Err(error) => {
                    assert!(error.is_transient(), "{error:?}");
                    failed += 1;
                    house.sink.crash();
                }
            }
        };
        assert!(failed <= 1 && left == expect, "failing at {fail_at}");
    }
}

#[test]
fn damaged_state_is_refused_with_a_way_out() {
    let log = log_with(&mut SplitMix(6), 300);
    let house = House::new(&log);
    finish(house.open(1, 512), &house);
    let newest = JobTools::new(house.objects.clone())
        .checkpoints("windows")
        .expect("lists")
        .pop()
        .expect("is there");
    let object = &newest.objects[0].key;
    let mut bytes = house.objects.get(object).expect("reads").expect("is there");
    bytes[20] ^= 1;
    house.objects.delete(object).expect("deletes");
    house.objects.put_if_absent(object, &bytes).expect("puts");
    let refused = Engine::open(house.parts_elsewhere(), &JobControl::new())
        .err()
        .expect("is refused");
    assert!(
        matches!(&refused, JobError::Checkpoint { source: CheckpointError::Damaged { key }, .. } if key == object),
        "{refused:?}"
    );
}

#[test]
fn an_operator_goes_back_and_reads_anew() {
    let log = log_with(&mut SplitMix(7), 600);
    let house = House::new(&log);
    let mut engine = house.open(1, 256);
    engine.epoch().expect("works");
    let early = engine.checkpoint().expect("publishes");
    let expect = finish(engine, &house);
    let tools = JobTools::new(house.objects.clone());
    assert_eq!(tools.jobs().expect("lists"), ["windows"]);
    let there = tools.checkpoints("windows").expect("lists");
    assert!(there.len() <= 3, "old checkpoints are swept");
    assert!(tools.restore("windows", early + 1_000).is_err());
    for change in [
        tools.restore("windows", there[0].version),
        tools.replay("windows", &[]),
    ] {
        let version = change.expect("is published");
        let engine = house.open(2, 512);
        assert!(finish(engine, &house) == expect, "after {version}");
    }
}

#[test]
fn one_key_with_all_the_traffic_reaches_stage_two_once_an_epoch() {
    let log = job::superstar_log(4_000);
    let house = House::new(&log);
    let mut engine = house.open(3, 1 << 20);
    engine.drain().expect("drains");
    let folds = house.folds();
    // One fold a worker and epoch, whatever the number of records.
    assert!(folds <= 3 * 4, "{folds} folds");
    assert_eq!(house.sink.rows(), job::ledger(&*log));
}

#[test]
fn a_partition_far_ahead_waits_for_the_slowest() {
    let log = job::uneven_log();
    let house = House::new(&log);
    let mut engine = house.open(1, 64);
    engine.epoch().expect("works");
    engine.epoch().expect("works");
    let (slow, fast) = job::uneven_progress(&engine.checkpoint().map(|_| house.newest()).expect("publishes"));
    assert!(fast <= slow + job::AHEAD_RECORDS_MAX, "slow {slow}, fast {fast}");
    let left = finish(engine, &house);
    assert_eq!(left.1, job::ledger(&*log));
}

#[test]
fn memory_sinks_are_told_how_far_the_job_is() {
    let log = log_with(&mut SplitMix(8), 100);
    let house = House::new(&log);
    house.open(1, 512).catch_up().expect("catches up");
    assert!(
        MapSink::readable(&*log)
            .iter()
            .all(|(of, end)| house.sink.applied_to(*of) == *end)
    );
}
