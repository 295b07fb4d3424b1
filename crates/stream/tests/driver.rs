//! A job run straight, checkpointed often, and cut anywhere: the same result, each record counted once.

mod common;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use common::{Durables, MemoryCheckpoint, PowerCut, StumblingLog, Sums, fill, log, readable};
use event_log::disk::SplitMix;
use event_log::{EventLog, ReadError, Topic, TopicPartition};
use stream::{Driver, DriverConfig, JobError, spawn};

fn config() -> DriverConfig {
    // No commit by time, so that what a run does depends on its seed alone.
    DriverConfig {
        read_bytes_max: 64,
        commit_interval_ms: u64::MAX / 2,
        ..DriverConfig::default()
    }
}

fn driver(
    log: &Arc<dyn EventLog>,
    checkpoint: &Arc<MemoryCheckpoint>,
    config: DriverConfig,
) -> Driver<Sums, MemoryCheckpoint> {
    Driver::new(log.clone(), checkpoint.clone(), Sums(checkpoint.clone()), config)
}

/// What a job leaves behind that reads everything at once.
fn straight(log: &Arc<dyn EventLog>) -> Durables {
    let checkpoint = Arc::new(MemoryCheckpoint::fresh());
    driver(log, &checkpoint, config())
        .catch_up()
        .expect("nothing fails");
    checkpoint.durable.lock().clone()
}

#[test]
fn straight_checkpointed_and_resumed_runs_agree() {
    let log: Arc<dyn EventLog> = Arc::new(log());
    let mut random = SplitMix(3);
    let resumed = Arc::new(MemoryCheckpoint::fresh());
    for _ in 0..5 {
        fill(&*log, &mut random, 300);
        driver(&log, &resumed, config())
            .catch_up()
            .expect("nothing fails");
    }
    let expect = straight(&log);
    assert_eq!(expect.offsets.values().sum::<u64>(), readable(&*log));
    assert_eq!(*resumed.durable.lock(), expect);
    for commit_records_max in [1, 7, 1000] {
        let checkpoint = Arc::new(MemoryCheckpoint::fresh());
        let mut driver = driver(
            &log,
            &checkpoint,
            DriverConfig {
                commit_records_max,
                ..config()
            },
        );
        assert_eq!(driver.catch_up().expect("nothing fails"), readable(&*log));
        assert_eq!(driver.catch_up().expect("nothing fails"), 0);
        assert_eq!(
            *checkpoint.durable.lock(),
            expect,
            "a commit every {commit_records_max}"
        );
    }
}

#[test]
fn a_crash_anywhere_counts_each_record_once() {
    let log: Arc<dyn EventLog> = Arc::new(log());
    fill(&*log, &mut SplitMix(4), 400);
    let expect = straight(&log);
    let mut crashes = 0;
    for seed in 0..300 {
        let mut random = SplitMix(seed);
        let mut checkpoint = Arc::new(MemoryCheckpoint::fresh());
        let config = DriverConfig {
            commit_records_max: 1 + random.below(60),
            ..config()
        };
        loop {
            checkpoint
                .fuse
                .0
                .store(random.below(600) as i64, Ordering::Relaxed);
            let ran = catch_unwind(AssertUnwindSafe(|| {
                driver(&log, &checkpoint, config.clone()).catch_up()
            }));
            match ran {
                Ok(caught_up) => {
                    caught_up.expect("nothing fails but the power");
                    break;
                }
                Err(cut) => assert!(cut.is::<PowerCut>(), "seed {seed}: the job panicked by itself"),
            }
            crashes += 1;
            checkpoint = Arc::new(checkpoint.restarted());
        }
        assert_eq!(*checkpoint.durable.lock(), expect, "seed {seed}");
    }
    assert!(crashes > 300, "{crashes}");
}

#[test]
fn transient_errors_are_tried_again() {
    let check = |reads_to_fail: u64, commits_to_fail: u64| {
        let inner = log();
        fill(&inner, &mut SplitMix(5), 200);
        let stumbling: Arc<dyn EventLog> = Arc::new(StumblingLog {
            inner,
            reads_to_fail: AtomicU64::new(reads_to_fail),
            error: |_| ReadError::Io(std::io::ErrorKind::Interrupted.into()),
        });
        let checkpoint = Arc::new(MemoryCheckpoint::fresh());
        checkpoint
            .commits_to_fail
            .store(commits_to_fail, Ordering::Relaxed);
        let config = DriverConfig {
            commit_interval_ms: 0,
            backoff_ms_max: 1,
            ..config()
        };
        let job = spawn(driver(&stumbling, &checkpoint, config)).expect("a thread");
        checkpoint.committed_wait(readable(&*stumbling));
        job.stop();
        job.join().expect("it recovered");
        assert_eq!(
            *checkpoint.durable.lock(),
            straight(&stumbling),
            "{reads_to_fail} {commits_to_fail}"
        );
    };
    check(0, 0);
    check(3, 0);
    check(0, 4);
    check(2, 2);
}

#[test]
fn what_cannot_heal_ends_the_job() {
    let check = |error: fn(TopicPartition) -> ReadError| {
        let inner = log();
        fill(&inner, &mut SplitMix(6), 50);
        let log: Arc<dyn EventLog> = Arc::new(StumblingLog {
            inner,
            reads_to_fail: AtomicU64::new(u64::MAX),
            error,
        });
        let checkpoint = Arc::new(MemoryCheckpoint::fresh());
        let job = spawn(driver(&log, &checkpoint, config())).expect("a thread");
        let failed = job.join().expect_err("it cannot go on");
        assert!(
            matches!(failed, JobError::Read { .. }) && !failed.is_transient(),
            "{failed:?}"
        );
        assert_eq!(*checkpoint.durable.lock(), Durables::default());
    };
    check(|from| ReadError::Trimmed {
        from,
        offset: 0,
        first: 9,
    });
    check(|_| ReadError::Damaged {
        segment: "a".to_owned(),
        position: 1,
        reason: "a test",
    });
}

#[test]
fn a_checkpoint_ahead_of_the_log_is_refused() {
    let log: Arc<dyn EventLog> = Arc::new(log());
    let checkpoint = Arc::new(MemoryCheckpoint::fresh());
    let of = TopicPartition {
        topic: Topic(2),
        partition: 1,
    };
    checkpoint.durable.lock().offsets.insert(of, 5);
    let refused = driver(&log, &checkpoint, config()).catch_up();
    assert!(matches!(refused, Err(JobError::Ahead { offset: 5, end: 0, from, .. }) if from == of));
}

#[test]
fn a_running_job_follows_the_log_and_commits_when_stopped() {
    let log: Arc<dyn EventLog> = Arc::new(log());
    let checkpoint = Arc::new(MemoryCheckpoint::fresh());
    let mut random = SplitMix(7);
    let config = DriverConfig {
        commit_records_max: 1,
        ..config()
    };
    let job = spawn(driver(&log, &checkpoint, config)).expect("a thread");
    for _ in 0..20 {
        fill(&*log, &mut random, 30);
        checkpoint.committed_wait(readable(&*log));
    }
    fill(&*log, &mut random, 30);
    drop(job);
    let left = Arc::new(checkpoint.restarted());
    assert_eq!(
        *left.live.lock(),
        *checkpoint.live.lock(),
        "a stopped job leaves nothing uncommitted"
    );
    driver(&log, &left, DriverConfig::default())
        .catch_up()
        .expect("nothing fails");
    assert_eq!(*left.durable.lock(), straight(&log));
}
