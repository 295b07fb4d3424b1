//! The product's collaborative generator over recorded data. Only translates: what is learnt and how is the generator's business.

use std::collections::HashSet;

use retrieval::Exposure;
use retrieval::collaborative::{Collaborative, Config};
use types::TimestampMs;

use crate::dataset::Dataset;

/// A generator that has learnt everything before a moment.
pub struct Recommender<'a> {
    generator: Collaborative,
    data: &'a Dataset,
    now_ms: TimestampMs,
    exposures: usize,
    /// The catalogue, what is trending first: for users of whom too little is known.
    fallback: Vec<u64>,
}

impl<'a> Recommender<'a> {
    /// Learns the history and every interaction before `until_ms`, with the generator's default settings.
    pub fn learn(data: &'a Dataset, until_ms: TimestampMs) -> Self {
        Self::learn_with(data, until_ms, config(data))
    }

    /// The same with given settings, for tuning.
    pub fn learn_with(data: &'a Dataset, until_ms: TimestampMs, config: Config) -> Self {
        let mut generator = Collaborative::new(config);
        // The history has an order but no times: it all happened before the log began.
        let log_start_ms = data
            .interactions
            .first()
            .map_or(0, |row| row.time_ms)
            .min(until_ms);
        for event in &data.history {
            generator.observe(&Exposure {
                viewer: event.user,
                video: event.video,
                at_ms: log_start_ms,
                engaged: event.long_view,
            });
        }
        let before = data.interactions.partition_point(|row| row.time_ms < until_ms);
        for row in &data.interactions[..before] {
            generator.observe(&Exposure {
                viewer: row.user,
                video: row.video,
                at_ms: row.time_ms,
                engaged: row.outcome.long_view,
            });
        }
        generator.refit(until_ms);
        let exposures = data.history.len() + before;
        let fallback = fallback(&generator, data, until_ms);
        Self {
            generator,
            data,
            now_ms: until_ms,
            exposures,
            fallback,
        }
    }

    /// The best `count` videos of the catalogue that are not in `seen`, best first. Equal scores by place in the catalogue.
    pub fn rank(&self, user: u64, seen: &HashSet<u64>, count: usize) -> Vec<u64> {
        let eligible = |video: u64| !seen.contains(&video) && self.data.item(video).is_some();
        let found = self.generator.best(user, self.now_ms, count, eligible);
        let mut ranked: Vec<u64> = found.iter().map(|scored| scored.video).collect();
        if ranked.len() < count {
            let listed: HashSet<u64> = ranked.iter().copied().collect();
            let rest = self
                .fallback
                .iter()
                .filter(|video| !seen.contains(video) && !listed.contains(video));
            ranked.extend(rest.take(count - ranked.len()));
        }
        ranked
    }

    /// How many exposures it has learnt from.
    pub fn exposures(&self) -> usize {
        self.exposures
    }
}

/// Room for everybody in the data.
fn config(data: &Dataset) -> Config {
    let mut config = Config::default();
    let users: HashSet<u64> = data.history.iter().map(|event| event.user).collect();
    config.trails.viewers_max = config
        .trails
        .viewers_max
        .max(users.len() + data.interactions.len());
    config
}

fn fallback(generator: &Collaborative, data: &Dataset, now_ms: TimestampMs) -> Vec<u64> {
    let trending = generator.trending(data.items.len(), now_ms);
    let mut all: Vec<u64> = trending
        .iter()
        .map(|scored| scored.video)
        .filter(|&video| data.item(video).is_some())
        .collect();
    let listed: HashSet<u64> = all.iter().copied().collect();
    all.extend(
        data.items
            .iter()
            .map(|item| item.video)
            .filter(|video| !listed.contains(video)),
    );
    all
}
