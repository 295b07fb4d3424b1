//! Round trips, garbage, and the fixtures of each version that must decode for ever.

use proptest::prelude::*;
use types::{ImpressionId, UserId, VideoId, ViewerId};

use crate::{
    Action, ActionKind, DecodeError, Event, ServedItem, ServedSlate, SessionKey, Signal, SignalKind, Source,
    VideoChange, partition_of, stamp_outbox_id,
};

fn watch() -> Event {
    Event::Signal(Signal {
        viewer: ViewerId::from_raw(7),
        session: SessionKey::of("s1"),
        sequence: 3,
        at_ms: 1_000,
        received_ms: 1_010,
        video: Some(VideoId::from_raw(9)),
        impression: None,
        kind: SignalKind::Watch {
            watch_ms: 5_000,
            ended: true,
            loops: 1,
        },
    })
}

fn samples() -> Vec<Event> {
    vec![
        watch(),
        Event::Action(Action {
            outbox_id: 0,
            actor: UserId::from_raw(7),
            at_ms: 5,
            kind: ActionKind::Follow,
            video: None,
            target: Some(UserId::from_raw(8)),
        }),
        Event::Served(ServedSlate {
            viewer: ViewerId::from_raw(7),
            at_ms: 5,
            items: vec![ServedItem {
                impression: ImpressionId::from_raw(1),
                video: VideoId::from_raw(9),
                position: 4,
                source: Source::Interest,
                score: 0.5,
                propensity: 1.0,
                features: vec![(1, 0.25), (7, -1.0)],
            }],
        }),
        Event::Video(VideoChange::Published {
            outbox_id: 2,
            video: VideoId::from_raw(9),
            creator: UserId::from_raw(8),
            published_ms: 77,
            duration_ms: 15_000,
            hashtags: vec!["ocean".into(), "été".into()],
        }),
        Event::Video(VideoChange::Removed {
            outbox_id: 3,
            video: VideoId::from_raw(9),
            at_ms: 99,
        }),
    ]
}

#[test]
fn records_survive_the_round_trip() {
    for event in samples() {
        assert_eq!(Event::decode(&event.encode()), Ok(event));
    }
}

/// Bytes written by version 1. Never edit a line; add lines.
#[test]
fn old_fixtures_decode_for_ever() {
    let check = |hex: &str, expect: Event| {
        let bytes: Vec<u8> = (0..hex.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("fixtures are hex"))
            .collect();
        assert_eq!(Event::decode(&bytes), Ok(expect), "{hex}");
    };
    check(
        concat!(
            "0101070000000000000049d178b507ffd8080300000000000000e803000000000000f203000000000000",
            "09000000000000000000000000000000028813000000000000",
            "0101000000",
        ),
        watch(),
    );
    check(
        "0105030000000000000009000000000000006300000000000000",
        Event::Video(VideoChange::Removed {
            outbox_id: 3,
            video: VideoId::from_raw(9),
            at_ms: 99,
        }),
    );
}

#[test]
fn a_short_or_foreign_record_is_refused() {
    let whole = watch().encode();
    for end in 0..whole.len() {
        assert_eq!(
            Event::decode(&whole[..end]),
            Err(DecodeError::Short),
            "cut at {end}"
        );
    }
    let check = |bytes: &[u8], expect: DecodeError| assert_eq!(Event::decode(bytes), Err(expect));
    check(&[2, 1], DecodeError::Version(2));
    check(&[1, 200], DecodeError::Kind(200));
    check(&[whole.as_slice(), &[0]].concat(), DecodeError::Trailing(1));
}

#[test]
fn the_relay_stamps_only_what_left_through_the_outbox() {
    for event in samples() {
        let mut bytes = event.encode();
        stamp_outbox_id(&mut bytes, 41);
        match Event::decode(&bytes).expect("a stamped record decodes") {
            Event::Action(action) => assert_eq!(action.outbox_id, 41),
            Event::Video(
                VideoChange::Published { outbox_id, .. } | VideoChange::Removed { outbox_id, .. },
            ) => {
                assert_eq!(outbox_id, 41);
            }
            untouched => assert_eq!(untouched, event),
        }
    }
}

#[test]
fn viewers_spread_over_partitions() {
    let mut counts = [0u32; 8];
    (0..8_000u64).for_each(|raw| counts[usize::from(partition_of(ViewerId::from_raw(raw << 12), 8))] += 1);
    assert!(
        counts.iter().all(|&count| (850..1_150).contains(&count)),
        "{counts:?}"
    );
}

proptest! {
    #[test]
    fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(event) = Event::decode(&bytes) {
            prop_assert_eq!(Event::decode(&event.encode()).is_ok(), true);
        }
    }
}
