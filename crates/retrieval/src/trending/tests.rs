//! Counters against the sum they stand for.

use proptest::prelude::*;

use super::*;

const HOUR_MS: TimestampMs = 3_600_000;

fn exposure(video: u64, at_ms: TimestampMs, engaged: bool) -> Exposure {
    Exposure {
        viewer: 1,
        video,
        at_ms,
        engaged,
    }
}

fn trending(hours: f64, videos_max: usize) -> Trending {
    Trending::new(Config {
        half_life: Decay::of_hours(hours),
        exposed_weight: 0.25,
        videos_max,
    })
}

#[test]
fn a_mass_halves_every_half_life() {
    let mut trending = trending(2.0, 10);
    trending.observe(&exposure(5, 0, true));
    trending.observe(&exposure(5, 2 * HOUR_MS, false));
    assert_eq!(trending.mass(5, 2 * HOUR_MS), 0.75);
    assert_eq!(trending.mass(5, 4 * HOUR_MS), 0.375);
    assert_eq!(trending.mass(6, 0), 0.0);
}

#[test]
fn equals_are_told_apart_by_video() {
    let mut trending = trending(1.0, 10);
    for video in [9, 3, 7] {
        trending.observe(&exposure(video, 0, true));
    }
    let order: Vec<u64> = trending.top(2, 0).iter().map(|scored| scored.video).collect();
    assert_eq!(order, [3, 7]);
}

#[test]
fn the_least_make_room() {
    let mut trending = trending(1.0, 16);
    for video in (0..17).rev() {
        for _ in 0..=video {
            trending.observe(&exposure(video, 0, true));
        }
    }
    assert!(trending.len() <= 16);
    assert_eq!((trending.mass(0, 0), trending.mass(2, 0)), (0.0, 3.0));
    assert_eq!(trending.mass(16, 0), 17.0);
}

#[test]
fn times_at_the_ends_of_their_range_leave_numbers() {
    let mut trending = trending(1.0, 16);
    for (video, at_ms) in [
        (1, 0),
        (2, TimestampMs::MIN),
        (3, TimestampMs::MAX),
        (4, TimestampMs::MAX),
    ] {
        trending.observe(&exposure(video, at_ms, true));
    }
    let now: Vec<f64> = (1..5)
        .map(|video| trending.mass(video, TimestampMs::MAX))
        .collect();
    assert_eq!(now, [0.0, 0.0, 1.0, 1.0]);
    // A question about the past is answered as of the latest moment at which the counters were brought up to date.
    assert_eq!(trending.mass(3, TimestampMs::MIN), 1.0);
    assert!(trending.top(9, 0).iter().all(|scored| scored.score.is_finite()));
}

#[test]
fn a_forgotten_video_starts_from_nothing() {
    let mut trending = trending(1.0, 16);
    (0..5).for_each(|at| trending.observe(&exposure(at % 2, 0, true)));
    trending.forget_video(0);
    assert_eq!(
        (trending.len(), trending.mass(0, 0), trending.mass(1, 0)),
        (1, 0.0, 2.0)
    );
    trending.observe(&exposure(0, 0, false));
    assert_eq!(trending.mass(0, 0), 0.25);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn masses_equal_the_plain_sum(
        events in prop::collection::vec((0u64..6, 0i64..4_000, any::<bool>()), 1..80),
    ) {
        // A short half-life beside a long time, so that the landmark moves many times.
        let mut trending = trending(4.0, 100);
        for &(video, hours, engaged) in &events {
            trending.observe(&exposure(video, hours * HOUR_MS, engaged));
        }
        let now = 4_000 * HOUR_MS;
        for video in 0..6 {
            let plain: f64 = events
                .iter()
                .filter(|event| event.0 == video)
                .map(|&(_, hours, engaged)| if engaged { 1.0 } else { 0.25 } * (-((4_000 - hours) as f64) / 4.0).exp2())
                .sum();
            let found = trending.mass(video, now);
            // What is left of a counter may have been dropped as negligible when the landmark moved.
            prop_assert!((found - plain).abs() <= 1e-9 * plain + 2.0 * NEGLIGIBLE, "{found} for {plain}");
        }
    }
}
