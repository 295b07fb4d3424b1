//! Order, bounds, erasure, and bytes that come back as they were.

use proptest::prelude::*;
use types::{UserId, VideoId};

use super::*;
use crate::facts::Told;
use crate::row::Row;

const SMALL: StateConfig = StateConfig {
    entities_max: 64,
    crosses_max: 256,
    rings_max: 16,
};

fn play(state: &mut State, viewer: u64, video: u64, at_ms: i64, long_view: bool) {
    let viewer = ViewerFacts::new(ViewerId::from_raw(viewer));
    let mut shown = VideoFacts::new(VideoId::from_raw(video), UserId::from_raw(video % 5));
    shown.topics[0] = video % 3;
    shown.duration_ms = 1_000 * (video as i64 % 40);
    let context = Context {
        surface: Some(1),
        hour: Some((at_ms % 24) as u8),
        ..Context::at(at_ms)
    };
    let told = Told {
        open: long_view,
        ratio: 0.5,
        ..Told::default()
    };
    let outcome = Outcome {
        long_view,
        like: video.is_multiple_of(7),
        told: Some(told),
    };
    state.observe(&Impression {
        viewer: &viewer,
        video: &shown,
        context: &context,
        timed: at_ms % 2 == 0,
        outcome,
    });
}

proptest! {
    #[test]
    fn bytes_come_back_as_they_were(plays in prop::collection::vec((0_u64..20, 0_u64..50, 0_i64..1 << 40, any::<bool>()), 0..120)) {
        let (mut one, mut two) = (State::new(SMALL), State::new(SMALL));
        for (viewer, video, at_ms, long) in plays {
            play(&mut one, viewer, video, at_ms, long);
            play(&mut two, viewer, video, at_ms, long);
        }
        let bytes = one.encode();
        prop_assert_eq!(&bytes, &two.encode());
        let back = State::decode(&bytes).expect("its own bytes");
        prop_assert_eq!(&back, &one);
        let [entities, crosses, rings] = one.sizes();
        prop_assert!(entities <= 64 && crosses <= 256 && rings <= 16);
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), cut in 0_usize..400) {
        prop_assert!(State::decode(&bytes).is_err());
        let mut state = State::new(SMALL);
        play(&mut state, 1, 2, 3, true);
        let good = state.encode();
        let cut = cut.min(good.len() - 1);
        prop_assert!(State::decode(&good[..cut]).is_err());
    }
}

#[test]
fn a_restored_state_goes_on_as_the_first_would() {
    let mut first = State::new(SMALL);
    (0..500).for_each(|at| play(&mut first, at % 30, at % 11, at as i64 * 1_000, at % 3 == 0));
    let mut second = State::decode(&first.encode()).expect("its own bytes");
    for state in [&mut first, &mut second] {
        (500..900).for_each(|at| play(state, at % 40, at % 13, at as i64 * 1_000, at % 4 == 0));
    }
    assert_eq!(first.encode(), second.encode());
    assert!(first.left().evicted > 0);
}

#[test]
fn the_oldest_leave_first() {
    let mut state = State::new(StateConfig {
        rings_max: 8,
        ..StateConfig::default()
    });
    (0..9).for_each(|viewer| play(&mut state, viewer, 1, viewer as i64 * 2 + 100, true));
    assert_eq!(state.sizes()[2], 7);
    assert!(!state.rings.contains_key(&0) && !state.rings.contains_key(&1) && state.rings.contains_key(&8));
}

#[test]
fn a_forgotten_viewer_has_no_ring_and_no_counter() {
    let mut state = State::default();
    play(&mut state, 4, 2, 10, true);
    let viewer = ViewerFacts::new(ViewerId::from_raw(4));
    assert_eq!(state.seen_of_viewer(&viewer), 1);
    state.forget_viewer(viewer.viewer);
    assert_eq!((state.seen_of_viewer(&viewer), state.sizes()[2]), (0, 0));
}

#[test]
fn a_late_like_is_counted_once_and_taken_back_exactly() {
    let viewer = ViewerFacts::new(ViewerId::from_raw(4));
    let video = VideoFacts::new(VideoId::from_raw(2), UserId::from_raw(9));
    let context = Context::at(10);
    let row = |state: &State| {
        let mut row = Row::default();
        state.query(&viewer, &context).extract(&video, &mut row);
        row
    };
    let impression = |like| Impression {
        viewer: &viewer,
        video: &video,
        context: &context,
        timed: true,
        outcome: Outcome {
            long_view: true,
            like,
            told: None,
        },
    };
    let (mut at_once, mut late) = (State::default(), State::default());
    at_once.observe(&impression(true));
    late.observe(&impression(false));
    let before = row(&late);
    late.amend_like(&viewer, &video, &context, true);
    assert_eq!(row(&late), row(&at_once));
    assert_eq!(late.seen_of_video(&video), 1);
    late.amend_like(&viewer, &video, &context, false);
    assert_eq!(row(&late), before);
}

#[test]
fn pairs_that_nobody_touches_expire() {
    let mut state = State::default();
    play(&mut state, 1, 1, 0, true);
    let before = state.sizes()[1];
    state.observed = SWEEP_EVERY - 1;
    play(&mut state, 2, 2, CROSS_EXPIRY_MS + 2, true);
    assert!(state.left().expired > 0 && state.left().expired <= before as u64);
}

/// A ring's entry once had one topic and no category.
#[test]
fn bytes_of_the_version_before_are_read() {
    const ENTRY: usize = 62;
    let mut state = State::default();
    play(&mut state, 1, 4, 10, true);
    let new = state.encode();
    let (head, entry) = new.split_at(new.len() - ENTRY);
    let mut old = head.to_vec();
    old[..8].copy_from_slice(b"rffstat1");
    old.extend_from_slice(&entry[..32]);
    old.extend_from_slice(&entry[49..]);
    let back = State::decode(&old).expect("the version before");
    assert_eq!(back, state, "its one topic was the first, and it had no category");
    old.pop();
    assert_eq!(State::decode(&old), Err(StateError::Short));
}
