//! The protocol on a log small enough to be worked out by hand.

mod hostile;

use super::*;
use crate::dataset::{HistoryEvent, Interaction, Item, Outcome};

fn shown(time_ms: i64, user: u64, video: u64, long_view: bool) -> Interaction {
    Interaction {
        time_ms,
        user,
        video,
        tab: 1,
        duration_ms: 10_000,
        play_time_ms: 0,
        outcome: Outcome {
            long_view,
            ..Outcome::default()
        },
    }
}

fn item(video: u64) -> Item {
    Item {
        video,
        author: 0,
        video_type: 0,
        upload_day: None,
        upload_type: 0,
        duration_ms: 10_000,
        width: 0,
        height: 0,
        music: 0,
        music_type: 0,
        tags: Vec::new(),
    }
}

/// Twenty rows; the split times are those of rows 16 and 18. Users 1 to 4 were shown 10 and 11 together, 5 and 6 only 10.
fn data() -> Dataset {
    let mut interactions = Vec::new();
    for (at, user) in (0..).zip(1..=4) {
        interactions.push(shown(100 + at, user, 10, true));
        interactions.push(shown(110 + at, user, 11, true));
    }
    for (at, video) in (0..).zip([20, 21, 22, 23, 24, 25, 26]) {
        interactions.push(shown(120 + at, 7 + at as u64, video, false));
    }
    interactions.push(shown(130, 5, 10, true));
    // Rows 16 and 17: validation. The second has the same time as row 18 and so belongs to the test.
    interactions.push(shown(140, 5, 11, true));
    interactions.push(shown(150, 9, 20, true));
    interactions.push(shown(150, 6, 11, true));
    interactions.push(shown(160, 6, 30, true));
    interactions.sort_by_key(|row| (row.time_ms, row.user, row.video));
    let history = vec![
        HistoryEvent {
            user: 6,
            position: 0,
            video: 10,
            long_view: false,
            like: false,
        },
        HistoryEvent {
            user: 8,
            position: 0,
            video: 10,
            long_view: true,
            like: false,
        },
    ];
    let items = [10, 11, 20, 21, 22, 23, 24, 25, 26, 30]
        .into_iter()
        .chain(40..70)
        .map(item)
        .collect();
    Dataset {
        interactions,
        history,
        items,
        ..Dataset::default()
    }
}

#[test]
fn the_split_is_by_time() {
    let times = split_times(&data());
    assert_eq!(
        times,
        SplitTimes {
            validation_ms: 140,
            test_ms: 150
        }
    );
    assert_eq!(
        split_times(&Dataset::default()),
        SplitTimes {
            validation_ms: 0,
            test_ms: 0
        }
    );
}

#[test]
fn targets_are_new_videos_that_held_the_user() {
    let data = data();
    let times = split_times(&data);
    let validation = cases(&data, &times.range(Split::Validation), None);
    assert_eq!(validation.len(), 1);
    assert_eq!(
        (validation[0].user, validation[0].targets.as_slice()),
        (5, [11].as_slice())
    );
    assert!(validation[0].has_positive && validation[0].seen == HashSet::from([10]));
    let test = cases(&data, &times.range(Split::Test), None);
    let found: Vec<(u64, &[u64], bool)> = test
        .iter()
        .map(|case| (case.user, case.targets.as_slice(), case.has_positive))
        .collect();
    // User 6 was shown 10 in the history and left it: seen, and no positive. User 9's video 22 is not 20.
    assert_eq!(
        found,
        [(6, [11, 30].as_slice(), false), (9, [20].as_slice(), false)]
    );
    let only = cases(&data, &times.range(Split::Test), Some(&HashSet::from([9, 77])));
    assert_eq!(only.len(), 1);
}

#[test]
fn a_repeat_of_something_seen_is_no_target() {
    let mut data = data();
    data.interactions.push(shown(170, 8, 10, true));
    assert!(
        cases(&data, &(150..i64::MAX), None)
            .iter()
            .all(|case| case.user != 8)
    );
}

#[test]
fn the_report_of_a_small_world_is_as_worked_out() {
    let data = data();
    let report = evaluate(&data, split_times(&data), Split::Test, Some(&HashSet::from([6])))
        .expect("somebody to evaluate");
    let measures = report.measures;
    assert_eq!(
        (report.users, report.targets, report.users_with_positives),
        (1, 2, 0)
    );
    assert_eq!(
        (report.catalogue, report.exposures, report.split_time_ms),
        (40, 19, 150)
    );
    // User 6 was shown 10, and who was shown 10 stayed for 11: rank 1. Then what trends: 20 … 26, and the catalogue in order,
    // 30 at rank 9, since 10 is left out.
    assert_eq!(
        (
            measures.recall_at_20,
            measures.hit_rate_at_10,
            measures.coverage_at_20
        ),
        (1.0, 1.0, 0.5)
    );
    let gain = |rank: f64| 1.0 / (rank + 1.0).log2();
    let expected = (gain(1.0) + gain(9.0)) / (gain(1.0) + gain(2.0));
    assert!((measures.ndcg_at_20 - expected).abs() < 1e-12);
    assert_eq!(measures.ndcg_at_10, measures.ndcg_at_20);
}

#[test]
fn nothing_after_the_split_has_a_say() {
    let mut data = data();
    let seen = HashSet::new();
    let before = Recommender::learn(&data, 150).rank(6, &seen, 20);
    for (at, video) in (200..).zip(40..60) {
        data.interactions.push(shown(at, 6, video, true));
        data.interactions.push(shown(at, 1, video, true));
    }
    assert_eq!(Recommender::learn(&data, 150).rank(6, &seen, 20), before);
}

#[test]
fn a_split_is_named_as_it_is_written() {
    for split in [Split::Validation, Split::Test] {
        assert_eq!(split.to_string().parse(), Ok(split));
    }
    assert_eq!("tset".parse::<Split>(), Err(UnknownSplit));
    assert_eq!(Split::default(), Split::Test);
}
