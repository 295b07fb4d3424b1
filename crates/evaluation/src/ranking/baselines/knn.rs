//! ItemKNN: how alike two videos are is the cosine of who watched them long; a user's score of a video sums over what they watched.

use super::{Scorer, Watched};

/// Neighbours kept of each video.
const NEIGHBOURS: usize = 100;
/// Added to the denominator: doubts likeness that few viewers speak for.
const SHRINK: f64 = 10.0;

pub(super) struct ItemKnn<'a> {
    watched: &'a Watched,
    /// Of each video: place and likeness.
    neighbours: Vec<Vec<(u32, f64)>>,
}

impl<'a> ItemKnn<'a> {
    pub(super) fn learn(watched: &'a Watched) -> Self {
        let videos = watched.count.len();
        let mut viewers: Vec<Vec<u64>> = vec![Vec::new(); videos];
        for (&user, places) in &watched.of_user {
            places
                .iter()
                .for_each(|&place| viewers[place as usize].push(user));
        }
        let mut together = vec![0.0_f64; videos];
        let neighbours = (0..videos).map(|place| {
            together.fill(0.0);
            for &user in &viewers[place] {
                watched
                    .of(user)
                    .iter()
                    .for_each(|&other| together[other as usize] += 1.0);
            }
            let length = |place: usize| (viewers[place].len() as f64).sqrt();
            let mut alike: Vec<(u32, f64)> = (0..videos)
                .filter(|&other| other != place && together[other] > 0.0)
                .map(|other| {
                    let cosine = together[other] / (length(place) * length(other) + SHRINK);
                    (other as u32, cosine)
                })
                .collect();
            alike.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
            alike.truncate(NEIGHBOURS);
            alike
        });
        Self {
            neighbours: neighbours.collect(),
            watched,
        }
    }
}

impl Scorer for ItemKnn<'_> {
    fn score(&self, user: u64) -> Vec<f64> {
        let mut scores = vec![0.0; self.neighbours.len()];
        for &place in self.watched.of(user) {
            for &(other, likeness) in &self.neighbours[place as usize] {
                scores[other as usize] += likeness;
            }
        }
        scores
    }
}
