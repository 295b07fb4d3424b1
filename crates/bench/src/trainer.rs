//! The learner over a log: how fast it learns, what a checkpoint of a million rows costs, how long a restart takes, and how soon another process's
//! model follows. In this process, with the product's schema and settings, on a log and objects in folders; no server is involved.
//!
//! Every example brings ids that nobody has seen, until the table is full: the worst case for a checkpoint, and a slow one for learning.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use event::{Event, Example, ExampleKind, Labels, ServedItem, Source, WatchOutcome, topic};
use event_log::conformance::settle;
use event_log::{Append, SegmentLog, SegmentLogConfig, Topic, TopicPartition};
use feature::Registry;
use stream::keyed::FolderObjects;
use stream::{JobError, StopSignal};
use trainer::{
    DeltaConfig, ExampleShape, FollowerParts, FollowerTask, LearnerParts, LearnerSettings, Live, Trainer,
    TrainerConfig, TrainerControl, TrainerParts, TrainerTask,
};
use types::{ImpressionId, VideoId, ViewerId};

use crate::figures::Figures;
use crate::{BenchError, Setup};

const ROWS: usize = 1_000_000;
/// Examples learned after the first checkpoint, for the second, which stores what changed.
const MORE: u64 = 10_000;
/// Examples learned again after a restart without a checkpoint.
const AGAIN: u64 = 50_000;
const BATCH: u64 = 4_096;
/// Examples whose way to a follower is timed.
const FOLLOWED: u64 = 30;
const FOLLOWED_WAIT: Duration = Duration::from_secs(30);

pub(crate) fn run(_setup: &Setup, figures: &mut Figures) -> Result<(), BenchError> {
    let dir = tempfile::tempdir().map_err(BenchError::io("making a folder"))?;
    let world = World::new(dir.path())?;
    let mut next = world.fill(figures)?;
    world.checkpoints(&mut next, figures)?;
    world.restarts(&mut next, figures)?;
    world.follow(next, figures)
}

struct World {
    parts: TrainerParts,
    slots: Vec<u16>,
}

fn failed(error: JobError) -> BenchError {
    let source = std::error::Error::source(&error).map(ToString::to_string);
    BenchError::Peer("the learner", format!("{error}: {}", source.unwrap_or_default()))
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as i64)
}

impl World {
    fn new(dir: &Path) -> Result<Self, BenchError> {
        let registry = Registry::new();
        // A slow disk is waited for.
        let config = SegmentLogConfig {
            wait_ms_max: None,
            stall_ms_max: u64::MAX,
            ..SegmentLogConfig::default()
        };
        let log = SegmentLog::open(&dir.join("log"), config);
        let log = log.map_err(|error| BenchError::Peer("the log", error.to_string()))?;
        let schema = ranking::schema(&registry);
        let slots = schema.slots.iter().map(|slot| slot.slot).collect();
        let parts = TrainerParts {
            log: Arc::new(log),
            objects: Arc::new(FolderObjects::new(dir.join("objects"))),
            learner: LearnerParts {
                schema,
                config: ranking::config(),
                seed: 1,
                shape: ExampleShape {
                    dense_defaults: registry.defaults(),
                },
                settings: LearnerSettings::default(),
            },
            // Checkpoints when they are asked for, rounds without a rest.
            config: TrainerConfig {
                round_ms: 0,
                checkpoint_ms: u64::MAX,
                checkpoint_examples_max: u64::MAX,
                ..TrainerConfig::default()
            },
            live: Live::new(),
            control: TrainerControl::new(),
            clock: Arc::new(now_ms),
        };
        Ok(Self { parts, slots })
    }

    /// Appends examples and waits until they are durable.
    fn append(&self, range: std::ops::Range<u64>) {
        let partitions = u64::from(self.parts.log.partitions());
        for from in range.clone().step_by(BATCH as usize) {
            let record = |i: u64| Append {
                to: TopicPartition {
                    topic: Topic(topic::EXAMPLES),
                    partition: (i % partitions) as u16,
                },
                at_ms: now_ms(),
                payload: Event::Example(self.example(i)).encode().into(),
            };
            let batch = (from..range.end.min(from + BATCH)).map(record).collect();
            settle(self.parts.log.append(batch).expect("the log has room")).expect("durable");
        }
    }

    /// Ids of its own in a third of the slots, common ones in the others.
    fn example(&self, i: u64) -> Example {
        let id = |(place, slot): (usize, &u16)| match place % 3 {
            0 => (*slot, i + 1),
            _ => (*slot, i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 52),
        };
        Example {
            viewer: ViewerId::from_raw(i + 1),
            served_ms: now_ms(),
            item: ServedItem {
                impression: ImpressionId::from_raw(i + 1),
                video: VideoId::from_raw(i + 1),
                duration_ms: 15_000,
                position: 0,
                source: Source::Fresh,
                score: 0.0,
                propensity: 1.0,
                ids: self.slots.iter().enumerate().map(id).collect(),
                features: (0..60).map(|slot| (slot, (i % 97) as f32 / 97.0)).collect(),
            },
            kind: ExampleKind::Watched,
            ended_ms: now_ms(),
            watch: Some(WatchOutcome {
                watch_ms: (i % 16_000) as i64,
                ended: i.is_multiple_of(3),
                loops: 0,
            }),
            known: Labels::ALL,
            yes: Labels::default(),
            corrects: Labels::default(),
        }
    }

    fn open(&self) -> Result<(Trainer, f64), BenchError> {
        let began = Instant::now();
        let trainer = Trainer::open(self.parts.clone()).map_err(failed)?;
        Ok((trainer, began.elapsed().as_secs_f64()))
    }

    /// Learns until there are [`ROWS`] rows; the next example's number.
    fn fill(&self, figures: &mut Figures) -> Result<u64, BenchError> {
        let (mut trainer, _) = self.open()?;
        let (mut next, mut spent) = (0, Duration::ZERO);
        while trainer.learner().model().table().len() < ROWS {
            self.append(next..next + 4 * BATCH);
            next += 4 * BATCH;
            let began = Instant::now();
            trainer.catch_up().map_err(failed)?;
            spent += began.elapsed();
        }
        figures.add("trainer.rows", trainer.learner().model().table().len() as f64);
        figures.add("trainer.examples_per_s", next as f64 / spent.as_secs_f64());
        self.checkpoint(&mut trainer, "trainer.checkpoint", figures)?;
        Ok(next)
    }

    fn checkpoint(&self, trainer: &mut Trainer, name: &str, figures: &mut Figures) -> Result<(), BenchError> {
        let began = Instant::now();
        trainer.close().map_err(failed)?;
        figures.add(&format!("{name}_s"), began.elapsed().as_secs_f64());
        let status = self.parts.control.status();
        figures.add(&format!("{name}_pause_ms"), status.checkpoint_pause_ms);
        figures.add(&format!("{name}_mb"), status.checkpoint_bytes as f64 / 1e6);
        Ok(())
    }

    /// A second checkpoint, of what changed since the first.
    fn checkpoints(&self, next: &mut u64, figures: &mut Figures) -> Result<(), BenchError> {
        let (mut trainer, seconds) = self.open()?;
        figures.add("trainer.restore_s", seconds);
        self.append(*next..*next + MORE);
        *next += MORE;
        trainer.catch_up().map_err(failed)?;
        self.checkpoint(&mut trainer, "trainer.checkpoint_next", figures)
    }

    /// A restart that has takes to learn again.
    fn restarts(&self, next: &mut u64, figures: &mut Figures) -> Result<(), BenchError> {
        let (mut trainer, without) = self.open()?;
        self.append(*next..*next + AGAIN);
        *next += AGAIN;
        trainer.catch_up().map_err(failed)?;
        let hash = trainer.state_hash();
        drop(trainer);
        let (mut trainer, with) = self.open()?;
        figures.add(
            "trainer.replay_events_per_s",
            AGAIN as f64 / (with - without).max(1e-9),
        );
        if trainer.state_hash() != hash {
            return Err(BenchError::Peer(
                "the learner",
                "the replay led elsewhere".to_owned(),
            ));
        }
        trainer.close().map_err(failed)
    }

    /// From an example that is durable to a version of another table that knows it.
    fn follow(&self, mut next: u64, figures: &mut Figures) -> Result<(), BenchError> {
        let mut parts = self.parts.clone();
        parts.config = TrainerConfig {
            deltas: Some(DeltaConfig::default()),
            ..TrainerConfig::default()
        };
        parts.live = Live::new();
        let follower = FollowerParts {
            log: parts.log.clone(),
            objects: parts.objects.clone(),
            learner: parts.learner.clone(),
            live: Live::new(),
        };
        let theirs = follower.live.clone();
        let leader = stream::spawn(TrainerTask::new(parts.clone())).map_err(failed)?;
        let followed = stream::spawn(FollowerTask::new(follower)).map_err(failed)?;
        // Until both are open and know the same.
        self.append(next..next + 1);
        next += 1;
        let began = Instant::now();
        until_more(&parts.live, examples(&self.parts.live), began)?;
        until_more(&theirs, examples(&parts.live) - 1, began)?;
        let (mut own, mut other) = (crate::figures::latencies(), crate::figures::latencies());
        for _ in 0..FOLLOWED {
            let before = [&parts.live, &theirs].map(examples);
            self.append(next..next + 1);
            next += 1;
            let began = Instant::now();
            crate::figures::latency_add(&mut own, until_more(&parts.live, before[0], began)?);
            crate::figures::latency_add(&mut other, until_more(&theirs, before[1], began)?);
        }
        figures.add_latencies("trainer.learned_", &own);
        figures.add_latencies("trainer.followed_", &other);
        for task in [leader, followed] {
            task.stop();
            task.join().map_err(failed)?;
        }
        Ok(())
    }
}

/// Examples that the version in service has learned.
fn examples(live: &Live) -> u64 {
    live.get().map_or(0, |serving| serving.published.pin().examples)
}

fn until_more(live: &Live, before: u64, began: Instant) -> Result<Duration, BenchError> {
    let nap = StopSignal::new();
    while examples(live) <= before {
        if began.elapsed() > FOLLOWED_WAIT {
            return Err(BenchError::Peer(
                "the learner",
                "an example was not learned in time".to_owned(),
            ));
        }
        nap.sleep(Duration::from_millis(1));
    }
    Ok(began.elapsed())
}
