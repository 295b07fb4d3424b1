//! A seeded afternoon of records as a log really gets them: repeated, out of order, late, with clocks that are wrong, and with some
//! that are no use. Each topic and partition is generated in its own order; how they mix is the log's affair.

use std::collections::BTreeMap;

use event::{
    Action, ActionKind, Event, ServedItem, ServedSlate, SessionKey, Signal, SignalKind, Source, VideoChange,
    partition_of, topic,
};
use event_log::{Append, EventLog, Topic, TopicPartition};
use types::{Category, ImpressionId, Region, SoundId, UserId, VideoId, ViewerId};

/// 2026-11-21T12:03:00Z: in the middle of a five-minute bin.
pub const START_MS: i64 = 1_795_262_580_000;
/// The clock of those who read the input: a little after its last record.
pub const END_MS: i64 = START_MS + SPAN_MS + 60_000;
const SPAN_MS: i64 = 3 * 3_600_000;
const BATCH: usize = 500;

/// How much there is.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    pub viewers: u64,
    pub videos: u64,
    /// Videos each viewer is served.
    pub swipes: u64,
}

/// Small and quick; about 6 000 records.
pub const SMALL: Size = Size {
    viewers: 40,
    videos: 30,
    swipes: 35,
};

/// SplitMix64, as seeds go.
pub struct Random(pub u64);

impl Random {
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    /// Below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.draw() % end.max(1)
    }

    /// True once in `times`.
    pub fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }
}

/// Records on their way, by when they reach the log.
struct Input {
    random: Random,
    partitions: u16,
    /// (when it is appended, a tie break) → where to, the time it is filed under, its bytes.
    out: BTreeMap<(i64, u64), Append>,
    outbox: Vec<(i64, ViewerId, Event)>,
    impressions: u64,
}

/// Appends the input of `seed` to an empty log and waits until it is durable.
///
/// # Panics
/// When the log refuses a record.
pub fn feed(log: &dyn EventLog, seed: u64, size: Size) {
    let mut input = Input {
        random: Random(seed),
        partitions: log.partitions(),
        out: BTreeMap::new(),
        outbox: Vec::new(),
        impressions: 0,
    };
    input.videos(size);
    (1..=size.viewers).for_each(|raw| input.viewer(ViewerId::from_raw((raw << 22) | 7), size));
    input.relay();
    input.garbage();
    let mut batch = Vec::with_capacity(BATCH);
    for append in input.out.into_values() {
        batch.push(append);
        if batch.len() == BATCH {
            append_all(log, std::mem::take(&mut batch));
        }
    }
    append_all(log, batch);
}

fn append_all(log: &dyn EventLog, batch: Vec<Append>) {
    let durable = log.append(batch).expect("the log takes the input");
    event_log::block_on(durable).expect("the input becomes durable");
}

fn video_of(raw: u64) -> VideoId {
    VideoId::from_raw((raw << 22) | 1)
}

fn creator_of(video: u64) -> UserId {
    UserId::from_raw((1_000 + video % 7) << 22)
}

impl Input {
    /// Files a record that we received at `received_ms` and appended at `appended_ms`.
    fn file(&mut self, to: ViewerId, topic: u8, (received_ms, appended_ms): (i64, i64), payload: Vec<u8>) {
        let partition = partition_of(to, self.partitions);
        let append = Append {
            to: TopicPartition {
                topic: Topic(topic),
                partition,
            },
            at_ms: received_ms,
            payload: payload.into(),
        };
        let tie = self.random.draw();
        self.out.insert((appended_ms, tie), append);
    }

    /// When something received then is appended: soon, and now and then much later.
    fn appended_ms(&mut self, received_ms: i64) -> i64 {
        let late_ms = match self.random.below(100) {
            0 => 900_000,
            1 => 420_000,
            2..10 => self.random.below(9_000) as i64,
            _ => self.random.below(50) as i64,
        };
        received_ms + late_ms
    }

    fn videos(&mut self, size: Size) {
        for raw in 1..=size.videos {
            let (video, published_ms) = (video_of(raw), START_MS + (raw as i64 % 10) * 120_000);
            let hashtags = (0..raw % 4).map(|n| format!("tag{}", (raw + n) % 6)).collect();
            let published = VideoChange::Published {
                outbox_id: 0,
                video,
                creator: creator_of(raw),
                published_ms,
                duration_ms: 5_000 + (raw as i64 % 5) * 4_000,
                hashtags,
                sound: (raw % 3 != 0).then(|| SoundId::from_raw(raw % 4 + 1)),
                category: Category::from_number((raw % 17) as u8),
                region: None,
                content: None,
                original: None,
                caption: String::new(),
            };
            self.outbox.push((
                published_ms,
                ViewerId::from_raw(video.raw()),
                Event::Video(published),
            ));
            if raw % 9 == 0 {
                let at_ms = START_MS + SPAN_MS / 2 + raw as i64 * 1_000;
                let removed = VideoChange::Removed {
                    outbox_id: 0,
                    video,
                    at_ms,
                };
                self.outbox
                    .push((at_ms, ViewerId::from_raw(video.raw()), Event::Video(removed)));
            }
        }
    }

    fn viewer(&mut self, viewer: ViewerId, size: Size) {
        let region = [None, Some(*b"BR"), Some(*b"FR"), Some(*b"JP")][self.random.below(4) as usize];
        let region = region.and_then(Region::from_bytes);
        // A device's clock: right, a little off, or far off.
        let skew_ms = [0, 0, 0, -40_000, 90_000, -7_200_000, 7_200_000][self.random.below(7) as usize];
        let mut now_ms = START_MS + self.random.below(SPAN_MS as u64 / 2) as i64;
        let (mut session, mut sequence) = (SessionKey(self.random.draw()), 0);
        for _ in 0..size.swipes {
            if self.random.once_in(12) {
                (session, sequence) = (SessionKey(self.random.draw()), 0);
                now_ms += self.random.below(1_200_000) as i64;
            }
            let video = video_of(1 + self.random.below(size.videos).min(self.random.below(size.videos)));
            let impression = self.serve(viewer, video, now_ms);
            for (after_ms, kind) in self.story(video) {
                sequence += 1;
                let received_ms = now_ms + after_ms + self.random.below(300) as i64;
                let signal = Signal {
                    viewer,
                    session,
                    sequence,
                    at_ms: now_ms + after_ms + skew_ms,
                    received_ms,
                    video: (kind != SignalKind::Heartbeat).then_some(video),
                    impression,
                    region,
                    kind,
                };
                self.signal(signal);
            }
            self.deeds(viewer, region, video, now_ms);
            now_ms += 3_000 + self.random.below(20_000) as i64;
        }
    }

    /// An item of a slate; its record may be appended before or after what the device tells of it. None: from a profile.
    fn serve(&mut self, viewer: ViewerId, video: VideoId, now_ms: i64) -> Option<ImpressionId> {
        if self.random.once_in(10) {
            return None;
        }
        self.impressions += 1;
        let impression = ImpressionId::from_raw(self.impressions << 8);
        let item = ServedItem {
            impression,
            video,
            position: self.random.below(20) as u16,
            source: Source::Popular,
            score: self.random.below(1_000) as f32 / 1_000.0,
            propensity: 1.0,
            duration_ms: 15_000,
            ids: vec![],
            features: (0..4)
                .map(|slot| (slot, self.random.below(100) as f32 / 7.0))
                .collect(),
        };
        let slate = Event::Served(ServedSlate {
            viewer,
            at_ms: now_ms - 500,
            items: vec![item],
            receipts: vec![],
        });
        let appended_ms = now_ms - 500 + self.random.below(5_000) as i64;
        self.file(viewer, topic::SERVED, (now_ms - 500, appended_ms), slate.encode());
        Some(impression)
    }

    /// What a device tells of one video, in its order.
    fn story(&mut self, video: VideoId) -> Vec<(i64, SignalKind)> {
        let watch_ms = self.random.below(16_000) as i64;
        let duration_ms = 5_000 + ((video.raw() >> 22) as i64 % 5) * 4_000;
        let mut told = vec![(100, SignalKind::Impression)];
        if self.random.once_in(4) {
            told.push((200, SignalKind::Heartbeat));
        }
        if watch_ms > duration_ms {
            told.push((duration_ms, SignalKind::Loop));
        }
        if self.random.once_in(25) {
            told.push((watch_ms, SignalKind::NotInterested));
        }
        // One in nine is lost on the way, and nobody knows what became of it.
        if !self.random.once_in(9) {
            let watch = SignalKind::Watch {
                watch_ms,
                ended: watch_ms >= duration_ms,
                loops: u32::from(watch_ms > duration_ms),
            };
            told.push((watch_ms, watch));
            if watch_ms < 2_000 || watch_ms * 7 < duration_ms {
                told.push((
                    watch_ms,
                    SignalKind::Skip {
                        position_ms: watch_ms,
                    },
                ));
            }
            if self.random.once_in(40) {
                told.push((watch_ms + 50, SignalKind::NotInterested));
            }
        }
        // One in thirty was without a network for a quarter of an hour before it could tell the rest.
        if self.random.once_in(30) {
            told.iter_mut()
                .skip(1)
                .for_each(|(after_ms, _)| *after_ms += 900_000);
        }
        told
    }

    fn signal(&mut self, signal: Signal) {
        let topic = signal.topic();
        let payload = Event::Signal(signal).encode();
        let appended_ms = self.appended_ms(signal.received_ms);
        self.file(
            signal.viewer,
            topic,
            (signal.received_ms, appended_ms),
            payload.clone(),
        );
        if self.random.once_in(8) {
            // Sent again: the acknowledgement was lost.
            let again_ms = signal.received_ms + self.random.below(30_000) as i64;
            let repeat = Signal {
                received_ms: again_ms,
                ..signal
            };
            let payload = Event::Signal(repeat).encode();
            self.file(signal.viewer, topic, (again_ms, again_ms), payload);
        }
    }

    fn deeds(&mut self, viewer: ViewerId, region: Option<Region>, video: VideoId, now_ms: i64) {
        let kinds = [
            (6, ActionKind::Like, 2_000),
            (20, ActionKind::Comment, 4_000),
            (25, ActionKind::Share, 5_000),
            (30, ActionKind::Save, 3_000),
            (30, ActionKind::Follow, 4_500),
            (60, ActionKind::Like, 3_600_000),
            (40, ActionKind::Unlike, 30_000),
            (60, ActionKind::NotInterested, 6_000),
            (90, ActionKind::Report, 7_000),
        ];
        for (times, kind, after_ms) in kinds {
            if !self.random.once_in(times) {
                continue;
            }
            let at_ms = now_ms + after_ms;
            let action = Action {
                outbox_id: 0,
                actor: UserId::from_raw(viewer.raw()),
                at_ms,
                kind,
                video: Some(video),
                target: Some(creator_of(video.raw() >> 22)),
                region,
            };
            self.outbox.push((at_ms, viewer, Event::Action(action)));
        }
    }

    /// Carries the outbox to the log in its order, and repeats the end of a pass now and then, as after a crash.
    fn relay(&mut self) {
        let mut rows = std::mem::take(&mut self.outbox);
        rows.sort_by_key(|(at_ms, viewer, _)| (*at_ms, *viewer));
        let mut appended_ms = START_MS - 3_600_000;
        let mut last: Vec<(i64, ViewerId, u8, Vec<u8>)> = Vec::new();
        for (id, (at_ms, key, event)) in (1..).zip(rows) {
            let mut payload = event.encode();
            event::stamp_outbox_id(&mut payload, id);
            appended_ms = appended_ms.max(at_ms) + 1;
            if self.random.once_in(200) {
                // The log was slow; everything behind waits too.
                appended_ms += self.random.below(30_000) as i64;
            }
            self.file(key, event.topic(), (at_ms, appended_ms), payload.clone());
            last.push((at_ms, key, event.topic(), payload));
            if last.len() == 5 {
                if self.random.once_in(6) {
                    for (at_ms, key, topic, payload) in std::mem::take(&mut last) {
                        appended_ms += 1;
                        self.file(key, topic, (at_ms, appended_ms), payload);
                    }
                }
                last.clear();
            }
        }
    }

    fn garbage(&mut self) {
        for number in 0..20 {
            let at_ms = START_MS + self.random.below(SPAN_MS as u64) as i64;
            let topic = [topic::VIEWS, topic::ACTIONS, topic::SERVED, topic::VIDEOS][number % 4];
            let payload = match number % 5 {
                0 => vec![],
                1 => vec![2, 200, 1],
                2 => vec![99, 1],
                3 => vec![2, 1, 0, 0],
                _ => Event::Served(ServedSlate {
                    viewer: ViewerId::from_raw(1),
                    at_ms,
                    items: vec![],
                    receipts: vec![],
                })
                .encode()
                .split_off(1),
            };
            let viewer = ViewerId::from_raw(self.random.draw());
            self.file(viewer, topic, (at_ms, at_ms), payload);
        }
    }
}
