//! Rows against the registry, and against what their names promise.

use std::collections::HashSet;

use proptest::prelude::*;
use types::{Category, SoundId, UserId, VideoId, ViewerId};

use super::*;
use crate::facts::{Outcome, Told, Trait};
use crate::registry::Registry;
use crate::state::{Impression, StateConfig};

const NOW_MS: i64 = 1_700_000_000_000;

fn viewer(id: u64) -> ViewerFacts {
    let mut viewer = ViewerFacts::new(ViewerId::from_raw(id));
    viewer.traits[Trait::Activity as usize] = 3;
    viewer
}

fn video(id: u64) -> VideoFacts {
    let mut video = VideoFacts::new(VideoId::from_raw(id), UserId::from_raw(id % 10));
    video.sound = Some(SoundId::from_raw(40 + id % 4));
    video.topics = [1 + id % 6, 0, 0];
    video.duration_ms = 2_000 + 1_000 * (id as i64 % 60);
    video.published_ms = Some(NOW_MS - 86_400_000);
    video
}

fn context(at_ms: i64) -> Context {
    Context {
        at_ms,
        surface: Some(1),
        hour: Some(20),
        weekday: Some(5),
    }
}

fn observe(state: &mut State, viewer: &ViewerFacts, video: &VideoFacts, at_ms: i64, long_view: bool) {
    let told = Told {
        open: long_view,
        skip: !long_view,
        ratio: 0.8,
        ..Told::default()
    };
    let outcome = Outcome {
        long_view,
        like: false,
        told: Some(told),
    };
    state.observe(&Impression {
        viewer,
        video,
        context: &context(at_ms),
        timed: true,
        outcome,
    });
}

fn busy() -> State {
    let mut state = State::default();
    (0..2_000_u64).for_each(|at| {
        observe(
            &mut state,
            &viewer(at % 37),
            &video(at % 101),
            NOW_MS - 2_000_000 + at as i64 * 900,
            at % 3 == 0,
        );
    });
    state
}

fn row(state: &State, viewer: &ViewerFacts, video: &VideoFacts) -> Row {
    let mut row = Row::default();
    state.query(viewer, &context(NOW_MS)).extract(video, &mut row);
    row
}

fn value(row: &Row, name: &str) -> f32 {
    let slot = Registry::new().slot(name);
    row.dense[slot.unwrap_or_else(|| panic!("no feature is called {name}"))]
}

#[test]
fn names_are_many_and_distinct() {
    let registry = Registry::new();
    assert!(registry.len() >= 200, "{} features", registry.len());
    assert!(registry.dense.len() <= usize::from(u16::MAX));
    let names: HashSet<&str> = registry
        .dense
        .iter()
        .map(|feature| feature.name.as_str())
        .collect();
    assert_eq!(names.len(), registry.dense.len());
    let slots: HashSet<u16> = registry.ids.iter().map(|id| id.slot).collect();
    assert_eq!(slots.len(), registry.ids.len());
    let table = registry.table();
    assert_eq!(table.len(), registry.len());
    assert!(
        table
            .iter()
            .all(|row| !row[1].is_empty() && !row[3].is_empty() && !row[6].is_empty())
    );
}

#[test]
fn a_row_is_as_wide_as_the_registry_and_rounded_already() {
    let (state, registry) = (busy(), Registry::new());
    let row = row(&state, &viewer(5), &video(8));
    assert_eq!(row.dense.len(), registry.dense.len());
    for (value, feature) in row.dense.iter().zip(&registry.dense) {
        assert_eq!(value.to_bits(), rounded(*value).to_bits(), "{}", feature.name);
    }
    let known: HashSet<u16> = registry.ids.iter().map(|id| id.slot).collect();
    assert!(row.ids.iter().all(|(slot, _)| known.contains(slot)));
}

#[test]
fn nothing_known_is_the_defaults() {
    let registry = Registry::new();
    let mut row = Row::default();
    let state = State::default();
    let (nobody, nothing) = (
        ViewerFacts::new(ViewerId::from_raw(0)),
        VideoFacts::new(VideoId::from_raw(0), UserId::from_raw(0)),
    );
    state.query(&nobody, &Context::at(0)).extract(&nothing, &mut row);
    assert!(row.logged(&registry.defaults()).is_empty());
}

#[test]
fn what_the_log_keeps_gives_the_row_back() {
    let defaults = Registry::new().defaults();
    let row = row(&busy(), &viewer(5), &video(8));
    let mut back = defaults.clone();
    row.logged(&defaults)
        .into_iter()
        .for_each(|(slot, value)| back[usize::from(slot)] = value);
    assert_eq!(back, row.dense);
}

#[test]
fn candidates_do_not_depend_on_each_other() {
    let state = busy();
    let (viewer, context) = (viewer(5), context(NOW_MS));
    let query = state.query(&viewer, &context);
    let mut reused = Row::default();
    query.extract(&video(3), &mut reused);
    query.extract(&video(8), &mut reused);
    assert_eq!(reused, row(&state, &viewer, &video(8)));
}

#[test]
fn rows_in_one_go_are_rows_one_by_one() {
    let state = busy();
    for who in [5, 36, 900] {
        let (viewer, context) = (viewer(who), context(NOW_MS));
        let query = state.query(&viewer, &context);
        let videos: Vec<VideoFacts> = (90..110).map(video).collect();
        let mut rows = vec![Row::default(); videos.len()];
        query.extract_all(&videos, &mut rows);
        for (video, together) in videos.iter().zip(&rows) {
            assert_eq!(together, &row(&state, &viewer, video));
        }
    }
}

/// What the viewer's last impressions say of a candidate, by their definition: impression by impression, newest first.
#[test]
fn likeness_is_what_its_definition_says() {
    let state = busy();
    for (who, what) in [(5, 8), (5, 101), (36, 42), (900, 1)] {
        let (viewer, video) = (viewer(who), video(what));
        let row = row(&state, &viewer, &video);
        let ring = state.rings.get(&who).cloned().unwrap_or_default();
        let counter = state.entity(Some(Keys::viewer(&viewer)), NOW_MS);
        let overall = Rates::overall(&state.overall.at(NOW_MS));
        let mut sink = Vec::<f32>::new();
        let own = rates::entity(&mut sink, Side::Viewer, Entity::Viewer, &counter, &overall).long_view;
        let log_duration = |ms: i64| (ms.max(500) as f32).ln();
        let (mut yes, mut all, mut shown) = ([0.0_f32; 3], [0.0_f32; 3], 0.0_f32);
        for (place, seen) in ring.newest().enumerate() {
            let apart = (log_duration(i64::from(seen.duration_ms)) - log_duration(video.duration_ms)).abs();
            let (likeness, memory) = ((-apart * 3.0).exp(), (-(place as f32) / 10.0).exp());
            let of_topic = seen.topics[0] == video.topics[0];
            let weights = [likeness, likeness * memory, if of_topic { memory } else { 0.0 }];
            for ((yes, all), weight) in yes.iter_mut().zip(&mut all).zip(weights) {
                *all += weight;
                *yes += weight * f32::from(u8::from(seen.outcome.long_view));
            }
            shown += f32::from(u8::from(of_topic));
        }
        let odds = crate::counter::log_odds;
        let lift = |at: usize| rounded(odds((yes[at] + own) / (all[at] + 1.0)) - odds(own));
        for (name, expected) in [
            ("alike.length_long_view.50", lift(0)),
            ("alike.length_long_view_recent.10", lift(1)),
            ("alike.topic_long_view.10", lift(2)),
            ("alike.topic_shown.50", rounded(shown.ln_1p())),
        ] {
            assert_eq!(
                value(&row, name).to_bits(),
                expected.to_bits(),
                "{name} of {what}"
            );
        }
    }
}

#[test]
fn a_liked_creator_lifts_the_pair_and_leaves_others() {
    let mut state = busy();
    let before = row(&state, &viewer(5), &video(8));
    (0..6).for_each(|at| {
        observe(
            &mut state,
            &viewer(5),
            &video(18 + at * 10),
            NOW_MS - 60_000 + at as i64,
            true,
        )
    });
    let after = row(&state, &viewer(5), &video(8));
    let name = "viewer_creator.long_view.all";
    assert!(value(&after, name) > value(&before, name));
    assert!(value(&after, "recent.long_view.5") > value(&before, "recent.long_view.5"));
    assert!(value(&after, "alike.creator_shown.50") > value(&before, "alike.creator_shown.50"));
    assert_eq!(
        value(&after, "content.duration"),
        value(&before, "content.duration")
    );
    let other = row(&state, &viewer(6), &video(8));
    assert!(value(&other, name) < value(&after, name));
}

#[test]
fn light_values_are_those_of_the_row() {
    let state = busy();
    for id in [3, 8, 500] {
        let row = row(&state, &viewer(5), &video(id));
        let light = state.light(&video(id), NOW_MS);
        for (name, light) in LIGHT.iter().zip(light) {
            assert_eq!(light.to_bits(), value(&row, name).to_bits(), "{name} of {id}");
        }
    }
}

fn about(id: u64, category: Category, topics: [u64; 3]) -> VideoFacts {
    VideoFacts {
        category: Some(category),
        topics,
        region: "BR".parse().ok(),
        ..video(id)
    }
}

/// Somebody who watches music and leaves food.
fn music_lover() -> (State, ViewerFacts) {
    let mut state = State::default();
    let who = ViewerFacts {
        region: "BR".parse().ok(),
        following: [UserId::from_raw(3), UserId::from_raw(8)].into(),
        ..viewer(1)
    };
    for step in 0..12_u64 {
        let music = step % 2 == 0;
        let shown = match music {
            true => about(100 + step, Category::Music, [7, 900 + step, 0]),
            false => about(200 + step, Category::Food, [9, 0, 0]),
        };
        let at_ms = NOW_MS - 100_000 + step as i64 * 5_000;
        observe(&mut state, &who, &shown, at_ms, music);
    }
    (state, who)
}

#[test]
fn what_a_candidate_shares_with_the_last_impressions_is_told_by_kind() {
    let (state, who) = music_lover();
    let read = |video: &VideoFacts| row(&state, &who, video);
    let (music, food) = (
        read(&about(8, Category::Music, [0, 0, 7])),
        read(&about(9, Category::Food, [31, 0, 0])),
    );
    for name in [
        "alike.category_long_view.10",
        "alike.category_long_view.all50",
        "viewer_category.long_view.all",
        "viewer_topics.long_view.all",
        "alike.hashtags_long_view.10",
        "category.long_view.1h",
    ] {
        assert!(value(&music, name) > value(&food, name), "{name}");
    }
    assert!(value(&music, "alike.category_skip.10") < value(&food, "alike.category_skip.10"));
    assert_eq!(
        value(&music, "alike.category_shown.sitting"),
        value(&food, "alike.category_shown.50")
    );
    assert_eq!(
        value(&food, "alike.hashtags_recent.10"),
        0.0,
        "no hashtag in common"
    );
    assert!(
        value(&music, "alike.hashtags_recent.10") > 0.0,
        "any place of a hashtag counts"
    );
    assert_eq!(
        [&music, &food].map(|row| value(row, "alike.last_same_category.50")),
        [0.5, -0.5]
    );
    assert_eq!([&music, &food].map(|row| value(row, "alike.follows")), [1.0, 0.0]);
    assert_eq!(value(&music, "alike.same_region"), 0.5);
    assert!(value(&music, "region_viewer_region.shown.all") > 1.0);
    let tomorrow = Context {
        at_ms: NOW_MS + 86_400_000,
        ..context(NOW_MS)
    };
    let mut later = Row::default();
    state
        .query(&who, &tomorrow)
        .extract(&about(8, Category::Music, [7, 0, 0]), &mut later);
    assert_eq!(
        value(&later, "alike.category_shown.sitting"),
        0.0,
        "another sitting"
    );
    assert!(value(&later, "alike.category_shown.50") > 0.0);
}

/// Records name values by their place, so the places of what was there before must stay.
#[test]
fn older_features_keep_their_places() {
    let registry = Registry::new();
    for (name, place) in [
        ("viewer.long_view.all", 0),
        ("video_daypart.shown.7d", 312),
        ("content.has_sound", 334),
        ("category.long_view.all", 335),
    ] {
        assert_eq!(registry.slot(name), Some(place), "{name}");
    }
}

#[test]
fn recent_videos_are_the_long_viewed_ones_newest_first() {
    let mut state = State::default();
    for at in 0..40_u64 {
        observe(
            &mut state,
            &viewer(1),
            &video(at),
            NOW_MS - 1_000 + at as i64,
            at % 2 == 0,
        );
    }
    let row = row(&state, &viewer(1), &video(99));
    let recent: Vec<u64> = row
        .ids
        .iter()
        .filter(|(number, _)| *number == slot::RECENT_VIDEO)
        .map(|(_, id)| *id)
        .collect();
    assert_eq!(recent.len(), RECENT_MAX);
    assert_eq!(recent[..3], [38, 36, 34]);
}

proptest! {
    /// The row of an event is the same whatever becomes of the event, and the one after it is not.
    #[test]
    fn a_row_knows_nothing_of_its_own_outcome(
        plays in prop::collection::vec((0_u64..5, 0_u64..20, 0_i64..90_000, any::<bool>()), 1..40),
    ) {
        let mut state = State::new(StateConfig { entities_max: 4_096, crosses_max: 4_096, rings_max: 64 });
        let mut at_ms = NOW_MS;
        for (who, what, pause_ms, long_view) in plays {
            at_ms += pause_ms;
            let (viewer, video, context) = (viewer(who), video(what), context(at_ms));
            let read = |state: &State| {
                let mut row = Row::default();
                state.query(&viewer, &context).extract(&video, &mut row);
                row
            };
            let before = state.encode();
            let row = read(&state);
            prop_assert_eq!(&state.encode(), &before, "reading changes nothing");
            let (mut watched, mut left) = (state.clone(), state.clone());
            observe(&mut watched, &viewer, &video, at_ms, true);
            observe(&mut left, &viewer, &video, at_ms, false);
            prop_assert_eq!(read(&state), row);
            let name = "viewer_video.long_view.all";
            prop_assert!(value(&read(&watched), name) > value(&read(&left), name));
            observe(&mut state, &viewer, &video, at_ms, long_view);
        }
    }
}
