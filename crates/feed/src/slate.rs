//! Selector: lays the page. Best first, at most two in a row by one creator (across pages too), a little room between videos of one
//! hashtag, and every tenth place drawn evenly to explore.

use std::collections::HashMap;
use std::sync::Arc;

use candidate_pipeline::Selector;
use event::Source;
use types::UserId;

use crate::model::{Query, VideoCandidate};
use crate::seeded::Seeded;

/// Consecutive videos by one creator.
const SAME_CREATOR_MAX: usize = 2;
/// Places 4, 14, 24 … of a page explore.
const EXPLORE_EVERY: usize = 10;
const EXPLORE_AT: usize = 4;
/// What a shared hashtag with one of the last videos costs.
const REPEAT_COST: f32 = 0.04;
const REPEAT_LOOKS_BACK: usize = 3;

pub(crate) struct Slate;

impl Selector<Query, VideoCandidate> for Slate {
    fn name(&self) -> &'static str {
        "slate"
    }

    fn select(&self, query: &Query, candidates: Vec<VideoCandidate>) -> Vec<VideoCandidate> {
        let mut page = Page {
            left: candidates,
            chosen: Vec::with_capacity(query.count),
            before: &query.history.last_creators,
            draw: Seeded::new(query.seed ^ 0x51a7e),
        };
        page.left.sort_unstable_by(|a, b| {
            b.score
                .total_cmp(&a.score)
                .then_with(|| b.profile.video.cmp(&a.profile.video))
        });
        while page.chosen.len() < query.count && !page.left.is_empty() {
            page.place_next();
        }
        page.chosen
    }
}

struct Page<'a> {
    /// Best first.
    left: Vec<VideoCandidate>,
    chosen: Vec<VideoCandidate>,
    before: &'a [UserId],
    draw: Seeded,
}

impl Page<'_> {
    fn place_next(&mut self) {
        let place = if self.chosen.len() % EXPLORE_EVERY == EXPLORE_AT {
            self.explore()
        } else {
            None
        };
        let place = place.unwrap_or_else(|| self.best());
        let next = self.left.remove(place);
        self.chosen.push(next);
    }

    /// The best legal one; when only one creator is left, the rule gives way and that is counted.
    fn best(&mut self) -> usize {
        let recent = self.recent_hashtags();
        let worth = |candidate: &VideoCandidate| {
            let repeats: usize = candidate
                .profile
                .hashtags
                .iter()
                .filter_map(|hashtag| recent.get(hashtag))
                .sum();
            candidate.score - REPEAT_COST * repeats as f32
        };
        let tired_of = self.tired_of();
        let legal = |candidate: &VideoCandidate| Some(candidate.profile.creator) != tired_of;
        let mut best: Option<(usize, f32)> = None;
        for (place, candidate) in self
            .left
            .iter()
            .enumerate()
            .filter(|(_, candidate)| legal(candidate))
        {
            // Sorted by score, and a repeat only costs: no later one can do better.
            if best.is_some_and(|(_, worth)| worth >= candidate.score) {
                break;
            }
            let worth = worth(candidate);
            if best.is_none_or(|(_, most)| worth > most) {
                best = Some((place, worth));
            }
        }
        best.map_or_else(
            || {
                metrics::counter!("riffle_feed_relaxed_total", "rule" => "same_creator").increment(1);
                0
            },
            |(place, _)| place,
        )
    }

    /// An even draw among what the explore source found and the rules allow.
    fn explore(&mut self) -> Option<usize> {
        let tired_of = self.tired_of();
        let pool: Vec<usize> = (0..self.left.len())
            .filter(|&place| self.left[place].sources.contains(&Source::Explore))
            .filter(|&place| Some(self.left[place].profile.creator) != tired_of)
            .collect();
        if pool.is_empty() {
            return None;
        }
        let place = pool[self.draw.below(pool.len())];
        self.left[place].explored = true;
        self.left[place].propensity = 1.0 / pool.len() as f32;
        Some(place)
    }

    /// The creator who made all of the last two.
    fn tired_of(&self) -> Option<UserId> {
        let shown = self
            .before
            .iter()
            .copied()
            .chain(self.chosen.iter().map(|c| c.profile.creator));
        let mut last: Vec<UserId> = shown.collect();
        let last = last.split_off(last.len().saturating_sub(SAME_CREATOR_MAX));
        let first = *last.first()?;
        (last.len() == SAME_CREATOR_MAX && last.iter().all(|&creator| creator == first)).then_some(first)
    }

    fn recent_hashtags(&self) -> HashMap<Arc<str>, usize> {
        let mut recent = HashMap::new();
        for candidate in self.chosen.iter().rev().take(REPEAT_LOOKS_BACK) {
            for hashtag in &candidate.profile.hashtags {
                *recent.entry(hashtag.clone()).or_default() += 1;
            }
        }
        recent
    }
}
