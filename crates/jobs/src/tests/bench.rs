//! A job on a small log, fed by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use event::{Action, ActionKind, Event, ServedItem, ServedSlate, SessionKey, Signal, SignalKind, Source};
use event_log::{Append, EventLog, SegmentLog, SegmentLogConfig, Topic, TopicPartition};
use stream::keyed::{Engine, EngineConfig, EngineParts, Job, JobControl, MemoryObjects, Sink};
use types::{ImpressionId, Region, UserId, VideoId, ViewerId};

/// 2026-11-21T12:00:00Z.
pub(super) const NOON_MS: i64 = 1_795_262_400_000;
pub(super) const MINUTE_MS: i64 = 60_000;
pub(super) const HOUR_MS: i64 = 60 * MINUTE_MS;
pub(super) const DAY_MS: i64 = 24 * HOUR_MS;
pub(super) const VIEWER: ViewerId = ViewerId::from_raw(7);
pub(super) const CREATOR: UserId = UserId::from_raw(8);

/// One job over a log of one partition, with a clock that stands at the last thing that happened.
pub(super) struct Bench<J: Job> {
    pub(super) log: Arc<SegmentLog>,
    engine: Engine<J>,
    control: JobControl,
    clock: Arc<AtomicI64>,
    outbox: u64,
    _folder: tempfile::TempDir,
}

impl<J: Job> Bench<J> {
    pub(super) fn new(job: J, sink: impl FnOnce(&Arc<SegmentLog>) -> Arc<dyn Sink<J::Row>>) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let config = SegmentLogConfig {
            partitions: 1,
            segment_bytes: 4 << 20,
            group_bytes_max: 256 << 10,
            record_bytes_max: 64 << 10,
            ..SegmentLogConfig::default()
        };
        let log = SegmentLog::open(&folder.path().join("log"), config).expect("a fresh log");
        let (log, clock) = (Arc::new(log), Arc::new(AtomicI64::new(NOON_MS)));
        let (control, now) = (JobControl::new(), clock.clone());
        let parts = EngineParts {
            job: Arc::new(job),
            sink: sink(&log),
            log: log.clone(),
            objects: Arc::new(MemoryObjects::default()),
            partition: None,
            dir: folder.path().join("state"),
            clock: Arc::new(move || now.load(Ordering::Relaxed)),
            config: EngineConfig::default(),
        };
        let engine = Engine::open(parts, &control).expect("opens");
        Self {
            log,
            engine,
            control,
            clock,
            outbox: 0,
            _folder: folder,
        }
    }

    /// Lets something happen at `at_ms`, and the job know of it.
    pub(super) fn feed(&mut self, event: &Event, at_ms: i64) {
        self.clock.fetch_max(at_ms, Ordering::Relaxed);
        let mut payload = event.encode();
        if matches!(event, Event::Action(_) | Event::Video(_)) {
            self.outbox += 1;
            event::stamp_outbox_id(&mut payload, self.outbox);
        }
        let append = Append {
            to: TopicPartition {
                topic: Topic(event.topic()),
                partition: 0,
            },
            at_ms,
            payload: payload.into(),
        };
        event_log::block_on(self.log.append(vec![append]).expect("appends")).expect("lasts");
        self.engine.catch_up().expect("is read");
    }

    /// Lets time pass with nothing happening.
    pub(super) fn pass(&mut self, until_ms: i64) {
        self.clock.fetch_max(until_ms + 10_000, Ordering::Relaxed);
        self.engine.catch_up().expect("is read");
        self.engine.epoch().expect("passes");
    }

    /// Ends an epoch without moving the clock: lists are made anew if they are old enough.
    pub(super) fn pass_now(&mut self) {
        self.engine.epoch().expect("passes");
    }

    /// (counted, duplicate, late, rejected).
    pub(super) fn fates(&self) -> (u64, u64, u64, u64) {
        let status = self.control.status();
        (status.counted, status.duplicate, status.late, status.rejected)
    }

    /// Keys in memory, once what was forgotten has left.
    pub(super) fn keys(&mut self) -> usize {
        for _ in 0..3 {
            self.engine.checkpoint().expect("a checkpoint is made");
        }
        self.engine.epoch().expect("passes");
        self.control.status().keys
    }
}

pub(super) fn signal(sequence: u64, video: u64, kind: SignalKind, at_ms: i64) -> Event {
    Event::Signal(Signal {
        viewer: VIEWER,
        session: SessionKey(1),
        sequence,
        at_ms,
        received_ms: at_ms,
        video: Some(VideoId::from_raw(video)),
        impression: Some(ImpressionId::from_raw(video * 100)),
        region: Region::from_bytes(*b"BR"),
        kind,
    })
}

pub(super) fn watch(sequence: u64, video: u64, watch_ms: i64, at_ms: i64) -> Event {
    let kind = SignalKind::Watch {
        watch_ms,
        ended: watch_ms >= 10_000,
        loops: 0,
    };
    signal(sequence, video, kind, at_ms)
}

pub(super) fn action(kind: ActionKind, video: Option<u64>, at_ms: i64) -> Event {
    Event::Action(Action {
        outbox_id: 0,
        actor: UserId::from_raw(VIEWER.raw()),
        at_ms,
        kind,
        video: video.map(VideoId::from_raw),
        target: Some(CREATOR),
        region: Region::from_bytes(*b"BR"),
    })
}

pub(super) fn served(video: u64, at_ms: i64) -> Event {
    Event::Served(ServedSlate {
        viewer: VIEWER,
        at_ms,
        items: vec![ServedItem {
            impression: ImpressionId::from_raw(video * 100),
            video: VideoId::from_raw(video),
            position: 3,
            source: Source::Explore,
            score: 0.25,
            propensity: 0.5,
            duration_ms: 15_000,
            ids: vec![],
            features: vec![(0, 0.1), (9, f32::MIN_POSITIVE)],
        }],
        receipts: vec![],
    })
}
