//! Draws over many pages: as frequent as what is logged for them says.

use std::collections::HashMap;

use types::ViewerId;

use super::*;

/// Page `n` of its own sitting, of `count` places.
fn query(n: u64, page: u64, count: usize) -> Query {
    Query {
        page,
        seed: Counter::of_page(1, 7, n as i64, page).word(0),
        ..Query::new(ViewerId::from_raw(7), 0, count)
    }
}

fn candidate(video: u64, source: Source) -> VideoCandidate {
    VideoCandidate {
        score: (video % 7) as f32 / 7.0 + 0.1,
        place: video as u32,
        ..VideoCandidate::new(video as u32, VideoId::from_raw(video), source)
    }
}

/// Pearson's statistic against expectations of any size.
fn chi_square(counts: &HashMap<u64, f64>, expected: &HashMap<u64, f64>) -> f64 {
    let term =
        |(video, expected): (&u64, &f64)| (counts.get(video).unwrap_or(&0.0) - expected).powi(2) / expected;
    expected.iter().map(term).sum()
}

#[test]
fn one_place_in_ten_explores_however_long_pages_are() {
    for count in [20, 7, 2, 1] {
        let explored: u32 = (0..1_000)
            .map(|page| places(&query(5, page, count), count).count_ones())
            .sum();
        let share = f64::from(explored) / (1_000 * count) as f64;
        assert!((0.098..=0.102).contains(&share), "{count}: {share}");
    }
    assert_eq!(bits(places(&query(5, 0, 20), 20)).collect::<Vec<_>>(), [4, 14]);
    assert_eq!(bits(places(&query(5, 1, 6), 6)).count(), 0, "places 6 to 11");
}

#[test]
fn four_exposures_in_a_thousand_are_drawn_evenly() {
    const PAGES: u64 = 200_000;
    for count in [20, 10] {
        let even = (0..PAGES)
            .filter(|&n| even_place(&query(n, 0, count), count).is_some())
            .count();
        let share = even as f64 / (PAGES * count as u64) as f64;
        assert!((0.0038..0.0042).contains(&share), "{count}: {share}");
    }
    let at: Vec<usize> = (0..2_000)
        .filter_map(|n| even_place(&query(n, 0, 20), 20))
        .collect();
    assert!(at.iter().all(|place| [4, 14].contains(place)) && at.contains(&4) && at.contains(&14));
}

/// Each weighted draw against what the record says of it, over pages whose pools differ.
#[test]
fn weighted_draws_are_as_frequent_as_logged() {
    let (mut counts, mut expected) = (HashMap::new(), HashMap::new());
    for n in 0..30_000 {
        let query = query(n, 0, 20);
        let videos = 30 + n % 3;
        let mut candidates: Vec<_> = (1..=videos)
            .map(|video| candidate(video, Source::Explore))
            .collect();
        let order: Vec<usize> = (0..candidates.len()).collect();
        let chances: Vec<Chance> = candidates
            .iter()
            .map(|one| Chance {
                value: one.score,
                relief: 0.0,
            })
            .collect();
        let mut probabilities = Vec::new();
        inverse_gap(&chances, 64.0, &mut probabilities);
        let drawn = draw(&query, places(&query, 20), 64.0, &order, &mut candidates, |one| {
            one.score
        });
        let [(4, first), (14, second)] = drawn[..] else {
            panic!("two places: {drawn:?}")
        };
        assert_ne!(first, second);
        assert_eq!(candidates[first].propensity, probabilities[first] as f32);
        assert!(
            candidates[second].propensity > probabilities[second] as f32,
            "one fewer to choose from"
        );
        assert_eq!(candidates.iter().filter(|one| one.explored).count(), 2);
        *counts.entry(candidates[first].video.raw()).or_insert(0.0) += 1.0;
        for (one, probability) in candidates.iter().zip(&probabilities) {
            *expected.entry(one.video.raw()).or_insert(0.0) += probability;
        }
    }
    // 31 degrees of freedom: above 61.1 once in a thousand seeds.
    let statistic = chi_square(&counts, &expected);
    assert!(statistic < 61.1, "{statistic}");
}

#[test]
fn what_is_owed_is_drawn_as_the_best_are() {
    let mut candidates: Vec<_> = (1..=14).map(|video| candidate(video, Source::Explore)).collect();
    let order: Vec<usize> = (0..candidates.len()).collect();
    let mut seen = HashMap::new();
    for n in 0..2_000 {
        let query = Query {
            seed: Counter::of_seed(n).word(9),
            ..Query::new(ViewerId::from_raw(7), 0, 20)
        };
        let owed = vec![(VideoId::from_raw(7), 1.0)];
        query.explored.set(Explored { owed }).expect("it is the first");
        candidates.iter_mut().for_each(VideoCandidate::leave_draw);
        let drawn = draw(&query, 1 << 4, 4_096.0, &order, &mut candidates, |one| one.score);
        *seen.entry(candidates[drawn[0].1].video.raw()).or_insert(0) += 1;
    }
    // Videos 6 and 13 are worth most, 7 and 14 least.
    // Those without a gap have a fourteenth each, and the first of the best what is left.
    assert!(seen[&7] > 110 && seen[&13] > 100, "{seen:?}");
    assert!(seen.get(&14).is_none_or(|&times| times < 10), "{seen:?}");
}

#[test]
fn an_even_draw_is_even_over_what_may_be_seen_and_says_one_by_its_number() {
    let (mut counts, mut expected) = (HashMap::new(), HashMap::new());
    for n in 0..20_000 {
        let query = query(n, 0, 20);
        query.even.set(EvenSample { part: 1.0 }).expect("it is the first");
        // What ranking thinks, and which other source found it, changes nothing.
        let mut candidates: Vec<_> = (1..=30).map(|video| candidate(video, Source::Uniform)).collect();
        candidates.rotate_left(n as usize % 30);
        candidates.extend((31..=40).map(|video| candidate(video, Source::Fresh)));
        Even.hydrate(&query, &mut candidates).expect("draws");
        let drawn: Vec<_> = candidates.iter().filter(|one| one.even).collect();
        let [one] = drawn[..] else { panic!("one is drawn") };
        assert!(one.explored && one.propensity == 1.0 / 30.0);
        *counts.entry(one.video.raw()).or_insert(0.0) += 1.0;
    }
    expected.extend((1..=30u64).map(|video| (video, 20_000.0 / 30.0)));
    // 29 degrees of freedom: above 58.3 once in a thousand seeds.
    assert!(
        chi_square(&counts, &expected) < 58.3,
        "{}",
        chi_square(&counts, &expected)
    );
}

/// Of 400 videos 40 are sampled, of which this viewer may see three quarters: the inverse of what is logged is right on average.
#[test]
fn of_a_large_catalog_the_inverse_of_the_propensity_is_an_unbiased_weight() {
    const PAGES: u64 = 20_000;
    let may_be_seen = |slot: &u32| !slot.is_multiple_of(4);
    let (mut weights, mut of_video) = (0.0, HashMap::new());
    for n in 0..PAGES {
        let query = query(n, 0, 20);
        query.even.set(EvenSample { part: 0.1 }).expect("it is the first");
        let slots = sample(numbers(&query).with(STREAM_SAMPLE).word(0), 400, 40);
        let seen = slots.into_iter().filter(may_be_seen);
        let mut candidates: Vec<_> = seen
            .map(|slot| candidate(u64::from(slot), Source::Uniform))
            .collect();
        Even.hydrate(&query, &mut candidates).expect("draws");
        let one = candidates.iter().find(|one| one.even).expect("one is drawn");
        let weight = 1.0 / f64::from(one.propensity);
        weights += weight;
        *of_video.entry(one.video.raw()).or_insert(0.0) += weight;
    }
    let eligible = weights / PAGES as f64;
    assert!((299.0..301.0).contains(&eligible), "{eligible}");
    // Each video's weight adds up to the number of pages: 67 draws of it, so within four standard errors.
    assert_eq!(of_video.len(), 300);
    let off = of_video
        .values()
        .map(|weight| (weight / PAGES as f64 - 1.0).abs())
        .fold(0.0, f64::max);
    assert!(off < 4.0 / (PAGES as f64 / 300.0).sqrt(), "{off}");
}

#[test]
fn a_sample_holds_nothing_twice_and_a_small_catalog_whole() {
    for (bound, count) in [(1_000, 100), (101, 100), (100, 100), (5, 100), (0, 10)] {
        let mut drawn = sample(9, bound, count);
        assert_eq!(drawn.len(), count.min(bound));
        drawn.sort_unstable();
        drawn.dedup();
        assert_eq!(drawn.len(), count.min(bound));
        assert!(drawn.iter().all(|&slot| (slot as usize) < bound));
    }
}

#[test]
fn the_same_page_is_drawn_alike_again() {
    let drawn = |n: u64| {
        let query = query(n, 3, 20);
        let mut candidates: Vec<_> = (1..=50).map(|video| candidate(video, Source::Explore)).collect();
        let order: Vec<usize> = (0..candidates.len()).collect();
        draw(
            &query,
            places(&query, 20),
            100.0,
            &order,
            &mut candidates,
            |one| one.score,
        )
    };
    assert_eq!(drawn(1), drawn(1));
    assert!((2..40).any(|n| drawn(n) != drawn(1)));
}
