//! The plain methods on a world small enough for pencil and paper.

use super::*;
use crate::dataset::{HistoryEvent, Interaction, Item, Outcome};

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

const DAY_MS: i64 = 86_400_000;

/// In the history, users 1 and 2 watched 10 and 11, user 3 watched 10 and 12; in the log user 4 watched 13 a day before the end,
/// user 5 left 14, and after the end everybody watches 15.
fn data() -> Dataset {
    let watched = [(1, 10), (1, 11), (2, 10), (2, 11), (3, 10), (3, 12)];
    let history = watched.map(|(user, video)| HistoryEvent {
        user,
        position: 0,
        video,
        long_view: true,
        like: false,
    });
    let mut interactions = vec![shown(0, 4, 13, true), shown(1, 5, 14, false)];
    interactions.extend((1..9).map(|user| shown(DAY_MS, user, 15, true)));
    Dataset {
        interactions,
        history: history.to_vec(),
        items: (10..16).map(item).collect(),
        ..Dataset::default()
    }
}

fn lists(user: u64, seen: &[u64]) -> BTreeMap<&'static str, Vec<u64>> {
    let mut found = BTreeMap::new();
    let seen: HashSet<u64> = seen.iter().copied().collect();
    each(&data(), DAY_MS, |method, ranker| {
        found.insert(method, ranker.rank(user, &seen, 4));
    });
    found
}

#[test]
fn each_method_ranks_as_worked_out() {
    let found = lists(9, &[]);
    // 10 three times, 11 twice, 12 and 13 once.
    assert_eq!(found["popularity"], [10, 11, 12, 13]);
    // Only 13 has a time; the others are equal and stand in the order of the catalogue.
    assert_eq!(found["recent_popularity"], [13, 10, 11, 12]);
    // Nothing is known of user 9: equal scores.
    assert_eq!(found["item_knn"], [10, 11, 12, 13]);
    let found = lists(3, &[10, 12]);
    // Beside 10, 11 was watched twice; no other video has anything to do with 10 and 12.
    assert_eq!(found["item_knn"], [11, 13, 14, 15]);
    assert_eq!(found["item_knn_recent"], [11, 13, 14, 15]);
    assert_eq!(found["ease"][0], 11);
}

#[test]
fn likeness_is_the_shrunk_cosine() {
    let watched = Watched::before(&data(), DAY_MS);
    let knn = knn::ItemKnn::learn(&watched);
    let scores = knn.score(3);
    // 10 and 11: two together, three and two viewers. 12 and 11: none.
    let expected = 2.0 / (6.0_f64.sqrt() + 10.0);
    assert!((scores[1] - expected).abs() < 1e-12);
    assert_eq!(watched.recent[3], 0.5);
}

/// The definition: B = I − P·diag(1/diag P) with P = (XᵀX + λI)⁻¹; here for the pair 10, 11 with the others apart.
#[test]
fn ease_is_as_its_paper_says() {
    let mut data = data();
    data.history.retain(|event| event.user != 3);
    data.interactions.retain(|row| row.time_ms == DAY_MS);
    let watched = Watched::before(&data, DAY_MS);
    let ease = ease::Ease::learn(&watched, &data, DAY_MS);
    // XᵀX = [2 2; 2 2]. P ∝ [2+λ −2; −2 2+λ], so B₁₂ = 2 / (2 + λ), λ = 300; a user with both has that score for both.
    let scores = ease.score(1);
    let expected = 2.0 / 302.0;
    assert!((scores[0] - expected).abs() < 1e-6 && (scores[1] - expected).abs() < 1e-6);
    assert_eq!(scores[2..], [0.0; 4]);
}

#[test]
fn nothing_after_the_split_has_a_say() {
    assert!(lists(1, &[10, 11, 12, 13]).values().all(|list| *list == [14, 15]));
}
