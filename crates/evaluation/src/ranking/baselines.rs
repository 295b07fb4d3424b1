//! Plain methods that the product's generator must beat, under the same rules: popularity, recent popularity, ItemKNN, EASE, and the last
//! two lifted by recent popularity. Textbook forms with settings chosen on the validation period; nothing of the product's but the
//! solver of the regression, which EASE is a special case of.
//!
//! Cost: EASE is a fit of the whole catalogue, 2n³ multiply-adds; ItemKNN the sum over users of the square of their long views.

mod ease;
mod knn;

use std::collections::{BTreeMap, HashSet};

use types::TimestampMs;

use crate::dataset::Dataset;

/// Half-life of the popularity that is called recent.
const RECENT_HALF_LIFE_HOURS: f64 = 24.0;
/// Exponent of recent popularity when it lifts another score.
const RECENT_EXPONENT: f64 = 0.3;

/// What was watched long before the split, by place in the catalogue.
pub(crate) struct Watched {
    /// Of each user, ascending, each once.
    of_user: BTreeMap<u64, Vec<u32>>,
    /// Long views of each video.
    count: Vec<f64>,
    /// The same in the timed log, halved every [`RECENT_HALF_LIFE_HOURS`].
    recent: Vec<f64>,
}

impl Watched {
    fn before(data: &Dataset, until_ms: TimestampMs) -> Self {
        let mut found = Self {
            of_user: BTreeMap::new(),
            count: vec![0.0; data.items.len()],
            recent: vec![0.0; data.items.len()],
        };
        let history = data.history.iter().filter(|event| event.long_view);
        history.for_each(|event| {
            found.note(data, event.user, event.video, 0.0);
        });
        let half_life = retrieval::Decay::of_hours(RECENT_HALF_LIFE_HOURS);
        let before = data.interactions.iter().filter(|row| row.time_ms < until_ms);
        for row in before.filter(|row| row.outcome.long_view) {
            let weight = half_life.weight(until_ms.saturating_sub(row.time_ms));
            found.note(data, row.user, row.video, weight);
        }
        for places in found.of_user.values_mut() {
            places.sort_unstable();
            places.dedup();
        }
        found
    }

    fn note(&mut self, data: &Dataset, user: u64, video: u64, recent: f64) {
        let Ok(place) = data.items.binary_search_by_key(&video, |item| item.video) else {
            return;
        };
        self.of_user.entry(user).or_default().push(place as u32);
        self.count[place] += 1.0;
        self.recent[place] += recent;
    }

    fn of(&self, user: u64) -> &[u32] {
        self.of_user.get(&user).map_or(&[], Vec::as_slice)
    }
}

/// A method that scores the whole catalogue for a user.
trait Scorer {
    /// A score for each place of the catalogue.
    fn score(&self, user: u64) -> Vec<f64>;
}

/// Ranks by a method's scores, lifted or not.
pub struct Ranker<'a> {
    data: &'a Dataset,
    watched: &'a Watched,
    scorer: &'a dyn Scorer,
    lifted: bool,
}

impl Ranker<'_> {
    /// The best `count` videos of the catalogue that are not in `seen`, best first; equal scores by place in the catalogue.
    pub fn rank(&self, user: u64, seen: &HashSet<u64>, count: usize) -> Vec<u64> {
        let mut scores = self.scorer.score(user);
        if self.lifted {
            for (score, recent) in scores.iter_mut().zip(&self.watched.recent) {
                *score = score.max(0.0) * (recent + 1.0).powf(RECENT_EXPONENT);
            }
        }
        let items = self.data.items.iter().zip(&scores);
        let mut order: Vec<(f64, u64)> = items
            .filter(|(item, _)| !seen.contains(&item.video))
            .map(|(item, score)| (*score, item.video))
            .collect();
        let best_first = |a: &(f64, u64), b: &(f64, u64)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
        if order.len() > count && count > 0 {
            order.select_nth_unstable_by(count - 1, best_first);
            order.truncate(count);
        }
        order.sort_unstable_by(best_first);
        order.into_iter().map(|(_, video)| video).collect()
    }
}

/// Learns each method from everything before `until_ms` and hands it over, one after the other.
pub fn each(data: &Dataset, until_ms: TimestampMs, mut visit: impl FnMut(&'static str, &Ranker<'_>)) {
    let watched = Watched::before(data, until_ms);
    let mut show = |method, scorer: &dyn Scorer, lifted| {
        let watched = &watched;
        visit(
            method,
            &Ranker {
                data,
                watched,
                scorer,
                lifted,
            },
        );
    };
    show("popularity", &Same(&watched.count), false);
    show("recent_popularity", &Same(&watched.recent), false);
    let knn = knn::ItemKnn::learn(&watched);
    show("item_knn", &knn, false);
    show("item_knn_recent", &knn, true);
    drop(knn);
    let ease = ease::Ease::learn(&watched, data, until_ms);
    show("ease", &ease, false);
    show("ease_recent", &ease, true);
}

/// The same for everybody.
struct Same<'a>(&'a [f64]);

impl Scorer for Same<'_> {
    fn score(&self, _: u64) -> Vec<f64> {
        self.0.to_vec()
    }
}

#[cfg(test)]
mod tests;
