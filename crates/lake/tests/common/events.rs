//! Events of every kind, by seed.

use event::{
    Action, ActionKind, Event, ServedItem, ServedSlate, SessionKey, Signal, SignalKind, Source, VideoChange,
    topic,
};
use types::{Category, ImpressionId, Region, SoundId, UserId, VideoId, ViewerId};

use super::{HOUR, HOUR_MS, SplitMix, Told, random};

/// `count` records over `partitions` partitions and three hours; one in ten cannot be read.
pub fn mixed(seed: u64, count: u64, partitions: u16) -> Vec<Told> {
    let mut draw = random(seed);
    (0..count)
        .map(|number| {
            let at_ms = HOUR + (number * 3 * HOUR_MS as u64 / count) as i64;
            let partition = draw.below(u64::from(partitions)) as u16;
            match draw.below(10) {
                0 => garbage(&mut draw, partition, at_ms),
                1 | 2 => Told::of(&Event::Action(action(&mut draw, number, at_ms)), partition, at_ms),
                3 | 4 => Told::of(&Event::Served(slate(&mut draw, at_ms)), partition, at_ms),
                5 => Told::of(&Event::Video(video(&mut draw, number, at_ms)), partition, at_ms),
                _ => Told::of(&Event::Signal(signal(&mut draw, number, at_ms)), partition, at_ms),
            }
        })
        .collect()
}

/// Bytes that are no record, a record of a later version, or a good record in a foreign topic.
fn garbage(draw: &mut SplitMix, partition: u16, at_ms: i64) -> Told {
    let (topic, payload) = match draw.below(3) {
        0 => (topic::VIEWS, vec![9, 9, 9]),
        1 => (topic::SERVED, Vec::new()),
        _ => (topic::VIDEOS, Event::Action(action(draw, 1, at_ms)).encode()),
    };
    Told {
        topic,
        partition,
        at_ms,
        payload,
    }
}

pub fn signal(draw: &mut SplitMix, number: u64, at_ms: i64) -> Signal {
    let kind = match draw.below(7) {
        0 => SignalKind::Impression,
        1 => SignalKind::Loop,
        2 => SignalKind::Skip {
            position_ms: draw.below(9_000) as i64,
        },
        3 => SignalKind::Heartbeat,
        4 => SignalKind::NotInterested,
        _ => SignalKind::Watch {
            watch_ms: draw.below(30_000) as i64,
            ended: draw.below(2) == 0,
            loops: draw.below(3) as u32,
        },
    };
    Signal {
        viewer: ViewerId::from_raw(1 + draw.below(5)),
        session: SessionKey(draw.below(3)),
        sequence: number + 1,
        at_ms: at_ms - 40,
        received_ms: at_ms,
        video: some(draw, |draw| VideoId::from_raw(1 + draw.below(7))),
        impression: some(draw, |draw| ImpressionId::from_raw(1 + draw.draw())),
        region: some(draw, region),
        kind,
    }
}

pub fn action(draw: &mut SplitMix, number: u64, at_ms: i64) -> Action {
    const KINDS: [ActionKind; 7] = [
        ActionKind::Like,
        ActionKind::Unlike,
        ActionKind::Comment,
        ActionKind::Share,
        ActionKind::Save,
        ActionKind::Follow,
        ActionKind::Report,
    ];
    Action {
        outbox_id: number + 1,
        actor: UserId::from_raw(1 + draw.below(5)),
        at_ms: at_ms - 20,
        kind: KINDS[draw.below(7) as usize],
        video: some(draw, |draw| VideoId::from_raw(1 + draw.below(7))),
        target: some(draw, |draw| UserId::from_raw(1 + draw.below(5))),
        region: some(draw, region),
    }
}

/// A slate of none to three items.
pub fn slate(draw: &mut SplitMix, at_ms: i64) -> ServedSlate {
    let items = (0..draw.below(4)).map(|position| ServedItem {
        impression: ImpressionId::from_raw(1 + draw.draw()),
        video: VideoId::from_raw(1 + draw.below(7)),
        position: position as u16,
        source: Source::Interest,
        score: position as f32 / 4.0,
        propensity: 1.0,
        duration_ms: 15_000,
        ids: vec![],
        features: (0..position as u16)
            .map(|slot| (slot, f32::from(slot) - 0.5))
            .collect(),
    });
    ServedSlate {
        viewer: ViewerId::from_raw(7),
        at_ms: at_ms - 1,
        items: items.collect(),
        receipts: vec![],
    }
}

pub fn video(draw: &mut SplitMix, number: u64, at_ms: i64) -> VideoChange {
    let video = VideoId::from_raw(1 + draw.below(7));
    if draw.below(4) == 0 {
        return VideoChange::Removed {
            outbox_id: number + 1,
            video,
            at_ms,
        };
    }
    VideoChange::Published {
        outbox_id: number + 1,
        video,
        creator: UserId::from_raw(1 + draw.below(5)),
        published_ms: at_ms - 5,
        duration_ms: 15_000,
        hashtags: (0..draw.below(3)).map(|tag| format!("tag{tag}")).collect(),
        sound: some(draw, |draw| SoundId::from_raw(1 + draw.below(3))),
        category: some(draw, |_| Category::Dance),
        region: some(draw, region),
        content: None,
        original: None,
        caption: String::new(),
    }
}

fn region(draw: &mut SplitMix) -> Region {
    let codes = [*b"BR", *b"FR"];
    Region::from_bytes(codes[draw.below(2) as usize]).expect("two capital letters")
}

fn some<T>(draw: &mut SplitMix, make: impl FnOnce(&mut SplitMix) -> T) -> Option<T> {
    (draw.below(3) > 0).then(|| make(draw))
}
