//! The stream jobs of a process: opened at their last checkpoint, caught up, running, and closed.
//!
//! `catalog`, `user_history` and `pools` are views: the feature store keeps their offsets with what they made. `feature_state` and the learner keep
//! checkpoints of their own in the blob store, the others by the engine. The learner opens and catches up while the house is open: no feed
//! answer needs it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use event_log::EventLog;
use feature::Registry;
use feature_store::{FeatureStore, LiveFeatures};
use feed::{LearnerParts, VectorKeeper, VideoVectors};
use jobs::{
    ActivityJob, ActivitySink, CatalogJob, ExamplesSink, FeatureStateJob, JoinerJob, Ladder, PoolsJob,
    SnapshotParts, Snapshots, UserHistoryJob,
};
use lake::{BlobObjects, LakeConfig, LakeJob, LakeKeeper, LakeWriter};
use stream::keyed::{EngineConfig, EngineParts, EngineTask, Job, JobControl, Objects, Sink};
use stream::{Driver, DriverConfig, JobError, JobHandle, Operator, StopSignal, Task};
use trainer::{
    ExampleShape, LearnerSettings, Live, TowersSettings, TrainerConfig, TrainerControl, TrainerParts,
    TrainerTask,
};

use crate::config::{Jobs, Lake, Learner};
use crate::error::AppError;
use crate::wire::Time;

/// What jobs are started with.
pub struct StreamParts {
    pub log: Arc<dyn EventLog>,
    pub features: Arc<FeatureStore>,
    /// Where checkpoints go.
    pub objects: Arc<dyn Objects>,
    /// Below it each job keeps the local copy of its state.
    pub dir: PathBuf,
    pub config: Jobs,
    /// Where the lake lies, and how it is written.
    pub lake_objects: BlobObjects,
    pub lake: Lake,
    /// What the model's features are read from.
    pub live: LiveFeatures,
    /// Where the feed finds the model; none where nobody learns.
    pub learner: Option<LearnerParts>,
    pub learning: Learner,
    /// Vectors of the videos, kept from here.
    pub vectors: Arc<VideoVectors>,
    pub time: Time,
}

/// Packs and sweeps the lake every few minutes.
struct LakeKeeping(LakeKeeper);

const LAKE_ROUND_EVERY: Duration = Duration::from_secs(300);

/// Seeds the model's first weights. It is part of the learner's state: another one learns anew.
const LEARNER_SEED: u64 = 1;

impl Task for LakeKeeping {
    fn name(&self) -> &'static str {
        "lake_keeper"
    }

    fn run(&mut self, stop: &StopSignal) -> Result<(), JobError> {
        while !stop.sleep(LAKE_ROUND_EVERY) {
            for (table, error) in self.0.round().failures {
                tracing::warn!(
                    ?table,
                    error = &error as &dyn std::error::Error,
                    "a table of the lake could not be kept"
                );
            }
        }
        Ok(())
    }
}

/// Jobs at work.
#[derive(Default)]
pub struct Streams {
    handles: Vec<JobHandle>,
    controls: Controls,
}

/// Hands on whatever makes checkpoints.
#[derive(Clone, Default)]
pub struct Controls {
    pub jobs: Vec<JobControl>,
    pub learner: Option<TrainerControl>,
}

impl Controls {
    /// Asks everybody for a checkpoint.
    pub fn checkpoint_request(&self) {
        self.jobs.iter().for_each(JobControl::checkpoint_request);
        if let Some(learner) = &self.learner {
            learner.checkpoint_request();
        }
    }
}

impl Streams {
    /// Starts all jobs, each caught up with the log. Blocks; not for a thread of the runtime.
    ///
    /// # Errors
    /// When a job does not open, or fails for good on the way.
    pub fn start(parts: &StreamParts) -> Result<Self, AppError> {
        let mut streams = Self::default();
        // The catalog first: the others look videos up in it.
        streams.view(parts, CatalogJob::new(parts.features.clone()))?;
        streams.view(parts, UserHistoryJob::new(parts.features.clone()))?;
        streams.engine(parts, ActivityJob, ActivitySink::new(parts.features.clone()))?;
        streams.engine(parts, JoinerJob, ExamplesSink::new(parts.log.clone()))?;
        streams.view(parts, PoolsJob::new(parts.features.clone()))?;
        let ladder = Ladder::new(
            parts.features.clone(),
            parts.log.clone(),
            parts.time.clock.clone(),
        );
        let ladder = ladder.hastened(parts.time.haste);
        let ladder = stream::spawn(ladder).map_err(AppError::start("the ladder's thread"))?;
        streams.handles.push(ladder);
        streams.feature_state(parts)?;
        if let Some(learner) = &parts.learner {
            streams.learner(parts, learner)?;
        }
        streams.vectors(parts)?;
        if parts.lake.enabled {
            streams.lake(parts)?;
        }
        Ok(streams)
    }

    fn view<O: Operator>(&mut self, parts: &StreamParts, operator: O) -> Result<(), AppError> {
        let (log, features) = (parts.log.clone(), parts.features.clone());
        let mut driver = Driver::new(log, features, operator, DriverConfig::default());
        driver.catch_up().map_err(AppError::start("a job"))?;
        self.handles
            .push(stream::spawn(driver).map_err(AppError::start("a job's thread"))?);
        Ok(())
    }

    fn engine<J: Job>(
        &mut self,
        parts: &StreamParts,
        job: J,
        sink: impl Sink<J::Row>,
    ) -> Result<(), AppError> {
        let engine = EngineParts {
            dir: parts.dir.join(job.name()),
            partition: None,
            job: Arc::new(job),
            sink: Arc::new(sink),
            log: parts.log.clone(),
            objects: parts.objects.clone(),
            clock: parts.time.clock.clone(),
            config: EngineConfig {
                workers: parts.config.workers,
                checkpoint_interval_ms: parts.config.checkpoint_interval_ms,
                cache_bytes_max: parts.config.cache_bytes_max,
                ..EngineConfig::default()
            },
        };
        let control = JobControl::new();
        let task = EngineTask::open(engine, control.clone()).map_err(AppError::start("a job"))?;
        self.handles
            .push(stream::spawn(task).map_err(AppError::start("a job's thread"))?);
        self.controls.jobs.push(control);
        Ok(())
    }

    /// The features' state: its last checkpoint is in memory when this returns, what came since is read while the house is open.
    fn feature_state(&mut self, parts: &StreamParts) -> Result<(), AppError> {
        let snapshots = Snapshots::open(SnapshotParts {
            live: parts.live.clone(),
            log: parts.log.clone(),
            objects: parts.objects.clone(),
            config: parts.learning.state(),
            clock: parts.time.clock.clone(),
        });
        let snapshots = Arc::new(snapshots.map_err(AppError::start("the state of features"))?);
        let config = DriverConfig {
            commit_interval_ms: parts.learning.checkpoint_interval_ms,
            // A checkpoint is of the whole state, however many records made it.
            commit_records_max: u64::MAX,
            ..DriverConfig::default()
        };
        let job = FeatureStateJob::new(parts.live.clone());
        let control = JobControl::new();
        let driver = Driver::new(parts.log.clone(), snapshots, job, config).with_control(&control);
        self.handles
            .push(stream::spawn(driver).map_err(AppError::start("a job's thread"))?);
        self.controls.jobs.push(control);
        Ok(())
    }

    /// Vectors of the catalog so far are put into their indexes while the house is open.
    fn vectors(&mut self, parts: &StreamParts) -> Result<(), AppError> {
        let live = parts
            .learner
            .as_ref()
            .map_or_else(Live::new, |learner| learner.live.clone());
        let from = (parts.features.clone(), parts.live.clone(), live);
        let keeper = VectorKeeper::new(parts.vectors.clone(), from, parts.time.clock.clone());
        self.handles
            .push(stream::spawn(keeper).map_err(AppError::start("the keeper of vectors"))?);
        Ok(())
    }

    fn learner(&mut self, parts: &StreamParts, learner: &LearnerParts) -> Result<(), AppError> {
        let registry = Registry::new();
        let task = TrainerTask::new(TrainerParts {
            log: parts.log.clone(),
            objects: parts.objects.clone(),
            learner: trainer::LearnerParts {
                schema: ranking::schema(&registry),
                config: ranking::config(),
                seed: LEARNER_SEED,
                shape: ExampleShape {
                    dense_defaults: registry.defaults(),
                },
                settings: LearnerSettings {
                    towers: parts.learning.towers.then(TowersSettings::default),
                    ..LearnerSettings::default()
                },
            },
            config: TrainerConfig {
                checkpoint_ms: parts.learning.checkpoint_interval_ms,
                ..TrainerConfig::default()
            },
            live: learner.live.clone(),
            control: learner.control.clone(),
            clock: parts.time.clock.clone(),
        });
        self.handles
            .push(stream::spawn(task).map_err(AppError::start("the learner's thread"))?);
        self.controls.learner = Some(learner.control.clone());
        Ok(())
    }

    /// The lake's writer and its keeper. Nobody waits for the lake, so it catches up while the house is open.
    fn lake(&mut self, parts: &StreamParts) -> Result<(), AppError> {
        let objects: Arc<dyn lake::Objects> = Arc::new(parts.lake_objects.clone());
        let clock = &parts.time.clock;
        let config = LakeConfig {
            writer: clock() as u64,
            commit_interval_ms: parts.lake.commit_interval_ms,
            buffer_bytes_max: parts.lake.buffer_bytes_max,
            ..LakeConfig::default()
        };
        let failed = || AppError::start("the lake");
        let writer = LakeWriter::new(objects.clone(), clock.clone(), &config).map_err(failed())?;
        let writer = Arc::new(writer);
        let driver = Driver::new(
            parts.log.clone(),
            writer.clone(),
            LakeJob::new(writer),
            config.driver(),
        );
        self.handles
            .push(stream::spawn(driver).map_err(AppError::start("the lake"))?);
        let keeper = LakeConfig {
            writer: config.writer + 1,
            ..config
        };
        let keeper = LakeKeeper::new(objects, clock.clone(), keeper).map_err(failed())?;
        self.handles
            .push(stream::spawn(LakeKeeping(keeper)).map_err(AppError::start("the lake"))?);
        Ok(())
    }

    /// Hands on whatever makes checkpoints, for pages and signals.
    pub fn controls(&self) -> &Controls {
        &self.controls
    }

    /// Stops all jobs and waits until each has made durable what it did. Blocks.
    pub fn close(self) {
        self.handles.iter().for_each(JobHandle::stop);
        for job in self.handles {
            let name = job.name();
            if let Err(error) = job.join() {
                tracing::error!(
                    job = name,
                    error = &error as &dyn std::error::Error,
                    "a job ended badly"
                );
            }
        }
    }
}
