//! A plain recount of the log, with sets and maps and nothing clever: what the jobs must come to.

use std::collections::{BTreeMap, BTreeSet};

use event::{
    Action, ActionKind, Event, ExampleKind, Label, ServedItem, Signal, SignalKind, VideoChange, topic,
};
use event_log::{EventLog, Record, Topic, TopicPartition};
use feature_store::{Counts, Measure, Scope, TrendBin};
use types::{ImpressionId, Region, UserId, VideoId, ViewerId};

const DISORDER_MS: i64 = 10_000;
const LATE_MS: i64 = 600_000;
const SKEW_MS: u64 = 300_000;
const BIN_MS: i64 = 300_000;

/// Everything that counts.
#[derive(Default)]
pub struct Recount {
    pub totals: BTreeMap<VideoId, Counts>,
    pub creators: BTreeMap<UserId, Counts>,
    pub published: BTreeMap<VideoId, VideoChange>,
    pub removed: BTreeSet<VideoId>,
    /// By region (none: everywhere), video and five minutes.
    pub bins: BTreeMap<(Option<Region>, VideoId, i64), Counts>,
    /// (duplicate, late, rejected) of `activity`.
    pub fates: (u64, u64, u64),
    pub served: BTreeMap<ImpressionId, (ViewerId, i64, ServedItem)>,
    pub signals: BTreeMap<ImpressionId, Vec<Signal>>,
    pub actions: Vec<Action>,
    sessions: BTreeSet<(ViewerId, u64, u64)>,
    rows: BTreeSet<(u8, u64)>,
}

impl Recount {
    pub fn of(log: &dyn EventLog) -> Self {
        let mut recount = Self::default();
        // Publications first, so that it is known whose a video is.
        let topics = [
            topic::VIDEOS,
            topic::VIEWS,
            topic::CONTEXT,
            topic::ACTIONS,
            topic::SERVED,
        ];
        for topic in topics {
            for partition in 0..log.partitions() {
                let mut watermark_ms = i64::MIN;
                for record in records(log, topic, partition) {
                    recount.take(&record, watermark_ms);
                    watermark_ms = watermark_ms.max(record.at_ms - DISORDER_MS);
                }
            }
        }
        recount
    }

    fn take(&mut self, record: &Record, watermark_ms: i64) {
        match Event::decode(&record.payload) {
            Ok(Event::Signal(signal)) => self.signal(signal, watermark_ms),
            Ok(Event::Action(action)) if self.rows.insert((topic::ACTIONS, action.outbox_id)) => {
                self.action(action, record.at_ms, watermark_ms);
            }
            Ok(Event::Video(change)) => self.video(change),
            Ok(Event::Served(slate)) => {
                for item in slate.items {
                    let served = (slate.viewer, slate.at_ms, item);
                    self.served.insert(served.2.impression, served);
                }
            }
            Ok(Event::Action(_)) => self.fates.0 += 1,
            // The examples' topic is another log here; garbage of the served topic is the other job's.
            Ok(Event::Example(_) | Event::Pool(_) | Event::Wish(_)) => {}
            Err(_) if record.from.topic.0 == topic::SERVED => {}
            Err(_) => self.fates.2 += 1,
        }
    }

    fn signal(&mut self, signal: Signal, watermark_ms: i64) {
        if let Some(impression) = signal.impression {
            self.signals.entry(impression).or_default().push(signal);
        }
        if !self
            .sessions
            .insert((signal.viewer, signal.session.0, signal.sequence))
        {
            self.fates.0 += 1;
            return;
        }
        let mut counts = Counts::default();
        match signal.kind {
            SignalKind::Impression => counts.add(Measure::Impression, 1),
            SignalKind::Watch { watch_ms, ended, .. } => {
                counts.add(Measure::View, 1);
                counts.add(Measure::WatchMs, watch_ms);
                counts.add(Measure::Completion, i64::from(ended));
                counts.add(Measure::EarlySkip, i64::from(watch_ms < 2_000 && !ended));
            }
            SignalKind::Loop => counts.add(Measure::Loop, 1),
            SignalKind::Skip { position_ms } => {
                counts.add(Measure::EarlySkip, i64::from(position_ms >= 2_000))
            }
            SignalKind::NotInterested => counts.add(Measure::NotInterested, 1),
            SignalKind::NotInterestedUndo => counts.add(Measure::NotInterested, -1),
            SignalKind::Heartbeat | SignalKind::Context => {}
        }
        let times = (signal.at_ms, signal.received_ms, watermark_ms);
        self.add(signal.video, signal.region, times, counts);
    }

    fn action(&mut self, action: Action, received_ms: i64, watermark_ms: i64) {
        let (measure, amount) = match action.kind {
            ActionKind::Like => (Measure::Like, 1),
            ActionKind::Unlike => (Measure::Like, -1),
            ActionKind::Comment => (Measure::Comment, 1),
            ActionKind::Share => (Measure::Share, 1),
            ActionKind::Save => (Measure::Save, 1),
            ActionKind::Unsave => (Measure::Save, -1),
            ActionKind::Follow => (Measure::Follow, 1),
            ActionKind::Unfollow => (Measure::Follow, -1),
            ActionKind::NotInterested => (Measure::NotInterested, 1),
            ActionKind::NotInterestedUndo => (Measure::NotInterested, -1),
            ActionKind::Report => (Measure::Report, 1),
            ActionKind::Block | ActionKind::Unblock | ActionKind::BlockedBy | ActionKind::UnblockedBy => {
                return;
            }
        };
        if let (Measure::Follow, Some(target)) = (measure, action.target) {
            let counts = Counts::of(Measure::Follow, amount);
            self.creators.entry(target).or_default().merge(&counts);
        }
        let times = (action.at_ms, received_ms, watermark_ms);
        self.add(action.video, action.region, times, Counts::of(measure, amount));
        self.actions.push(action);
    }

    fn add(
        &mut self,
        video: Option<VideoId>,
        region: Option<Region>,
        (at_ms, received_ms, watermark_ms): (i64, i64, i64),
        counts: Counts,
    ) {
        let far_off = at_ms.abs_diff(received_ms) > SKEW_MS;
        let believed_ms = if far_off {
            received_ms
        } else {
            at_ms.min(received_ms)
        };
        let too_late = believed_ms < watermark_ms.saturating_sub(LATE_MS);
        self.fates.1 += u64::from(too_late);
        let Some(video) = video else { return };
        self.totals.entry(video).or_default().merge(&counts);
        if let Some(VideoChange::Published { creator, .. }) = self.published.get(&video) {
            let of_creator = self.creators.entry(*creator).or_default();
            of_creator.merge(&counts.without(Measure::Follow));
        }
        if too_late || counts.is_zero() {
            return;
        }
        let bin = believed_ms.div_euclid(BIN_MS);
        for region in [None].into_iter().chain(region.map(Some)) {
            self.bins.entry((region, video, bin)).or_default().merge(&counts);
        }
    }

    fn video(&mut self, change: VideoChange) {
        let outbox_id = change.outbox_id();
        if !self.rows.insert((topic::VIDEOS, outbox_id)) {
            self.fates.0 += 1;
            return;
        }
        match change {
            VideoChange::Published { video, creator, .. } => {
                let publish = Counts::of(Measure::Publish, 1);
                self.totals.entry(video).or_default().merge(&publish);
                self.creators.entry(creator).or_default().merge(&publish);
                self.published.insert(video, change);
            }
            VideoChange::Described { .. } | VideoChange::Flagged { .. } => {}
            VideoChange::Removed { video, .. } => {
                self.removed.insert(video);
            }
        }
    }

    /// Videos that are there.
    pub fn shown(&self) -> impl Iterator<Item = VideoId> + '_ {
        let there = self
            .published
            .keys()
            .filter(|video| !self.removed.contains(video));
        there.copied()
    }

    /// The lists of D8 at `now_ms`, written down once more, slowly.
    pub fn trending(&self, now_ms: i64) -> BTreeMap<Scope, Vec<(VideoId, f64)>> {
        let first = now_ms.div_euclid(BIN_MS) - 11;
        let mut windows: BTreeMap<(Option<Region>, VideoId), TrendBin> = BTreeMap::new();
        for ((region, video, _), counts) in self.bins.iter().filter(|((.., bin), _)| *bin >= first) {
            let window = windows.entry((*region, *video)).or_default();
            window.views += counts.get(Measure::View);
            window.likes += counts.get(Measure::Like);
            window.comments += counts.get(Measure::Comment);
            window.shares += counts.get(Measure::Share);
            window.watch_ms += counts.get(Measure::WatchMs);
        }
        let mut lists: BTreeMap<Scope, Vec<(VideoId, f64)>> = BTreeMap::new();
        let shown: BTreeSet<VideoId> = self.shown().collect();
        for ((region, video), window) in windows {
            let Some(VideoChange::Published {
                published_ms,
                duration_ms,
                hashtags,
                sound,
                category,
                ..
            }) = self.published.get(&video).filter(|_| shown.contains(&video))
            else {
                continue;
            };
            let likes = window.likes.max(0);
            let points = window.views + 5 * likes + 10 * window.comments + 20 * window.shares;
            let completion = window.watch_ms as f64 / (window.views * duration_ms).max(1) as f64;
            let age_h = (now_ms - published_ms) as f64 / 3_600_000.0;
            let score = points as f64 * (50.0 * completion.min(1.0)) / (1.0 + age_h / 2.0);
            if window.views == 0 || score <= 0.0 {
                continue;
            }
            let mut place = |scope| lists.entry(scope).or_default().push((video, score));
            match region {
                Some(region) => place(Scope::Region(region)),
                None => {
                    place(Scope::Global);
                    hashtags
                        .iter()
                        .for_each(|tag| place(Scope::Hashtag(tag.as_str().into())));
                    sound.iter().for_each(|sound| place(Scope::Sound(*sound)));
                    category
                        .iter()
                        .for_each(|category| place(Scope::Category(*category)));
                }
            }
        }
        for list in lists.values_mut() {
            list.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
            list.truncate(100);
        }
        lists
    }

    /// Checks the examples against what was served and what became of it.
    pub fn check_examples(&self, examples: &[Vec<u8>]) {
        let mut firsts: BTreeMap<ImpressionId, ExampleKind> = BTreeMap::new();
        let mut said: BTreeMap<(ImpressionId, Label), BTreeMap<u16, bool>> = BTreeMap::new();
        for bytes in examples {
            let Ok(Event::Example(example)) = Event::decode(bytes) else {
                panic!("only examples are in their topic");
            };
            let impression = example.item.impression;
            let (viewer, served_ms, item) = &self.served[&impression];
            assert_eq!(
                (&example.item, example.viewer, example.served_ms),
                (item, *viewer, *served_ms)
            );
            let number = match example.kind {
                ExampleKind::Watched | ExampleKind::Lost => {
                    let other = firsts.insert(impression, example.kind);
                    assert_eq!(other, None, "an impression begins once");
                    0
                }
                ExampleKind::Recovered => continue,
                ExampleKind::Changed(number) => number,
            };
            for label in Label::ALL {
                let Some(value) = example.label(label) else {
                    continue;
                };
                said.entry((impression, label)).or_default().insert(number, value);
            }
        }
        for (impression, signals) in &self.signals {
            let expect = self.served.contains_key(impression);
            assert_eq!(firsts.contains_key(impression), expect, "{impression}");
            let watched = signals
                .iter()
                .any(|signal| matches!(signal.kind, SignalKind::Watch { .. }));
            if firsts.get(impression) == Some(&ExampleKind::Watched) {
                assert!(watched, "{impression}: nobody reported a watch");
            }
            if expect && !watched {
                assert_eq!(
                    firsts[impression],
                    ExampleKind::Lost,
                    "a missing outcome is unknown"
                );
                assert!(!said.contains_key(&(*impression, Label::Like)) || self.liked(*impression).is_some());
            }
        }
        for ((impression, label), values) in &said {
            let last = values.values().last().copied();
            if *label == Label::Like && firsts[impression] == ExampleKind::Watched {
                assert_eq!(
                    last,
                    Some(self.liked(*impression).unwrap_or(false)),
                    "{impression}"
                );
            }
        }
    }

    /// The last word on liking, of those spoken within a day after it was served.
    fn liked(&self, impression: ImpressionId) -> Option<bool> {
        let (viewer, served_ms, item) = self.served.get(&impression)?;
        let words = self.actions.iter().filter(|action| {
            ViewerId::from(action.actor) == *viewer
                && action.video == Some(item.video)
                && action.at_ms >= *served_ms
                && action.at_ms < served_ms + 86_400_000
        });
        let mut likes = words.filter(|action| matches!(action.kind, ActionKind::Like | ActionKind::Unlike));
        likes.next_back().map(|action| action.kind == ActionKind::Like)
    }
}

fn records(log: &dyn EventLog, topic: u8, partition: u16) -> Vec<Record> {
    let of = TopicPartition {
        topic: Topic(topic),
        partition,
    };
    let (mut all, mut next) = (Vec::new(), log.start(of));
    while next < log.end(of) {
        let records = log.read(of, next, 1 << 20).expect("the input reads");
        next += records.len() as u64;
        all.extend(records);
    }
    all
}
