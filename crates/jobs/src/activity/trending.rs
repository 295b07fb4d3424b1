//! Trending: the score of a video's last hour, and the lists made from it. It reads rows, not the log.

use std::collections::HashMap;
use std::sync::Arc;

use feature_store::{
    Entity, FeatureStore, Ranked, Scope, TREND_BIN_MS, TRENDING_MAX, TrendBin, TrendKey, TrendProfile,
    TrendRow, Trending, USAGE_BIN_MS, USED_MAX, UsageRow, Used,
};
use types::{Region, VideoId};

use super::rising;

/// Bins of the sliding hour: the one under way and the eleven before.
const WINDOW_BINS: i64 = 12;
const HOUR_MS: f64 = 3_600_000.0;
/// What watching it whole, by everyone, is worth.
const COMPLETION_FACTOR_MAX: f64 = 50.0;

/// (1·views + 5·likes + 10·comments + 20·shares) × completion factor × 1 / (1 + age in hours / 2), over one window.
///
/// The completion factor is [`COMPLETION_FACTOR_MAX`] times the share of the video that was watched on average, at most the
/// whole. A video without views, or whose length nobody knows, scores 0.
pub fn score(window: &TrendBin, duration_ms: i64, age_ms: i64) -> f64 {
    let weighed = [
        (1, window.views),
        (5, window.likes),
        (10, window.comments),
        (20, window.shares),
    ];
    let points: i64 = weighed
        .iter()
        .map(|(weight, count)| weight * (*count).max(0))
        .sum();
    let whole_ms = window.views.max(0) as f64 * duration_ms.max(0) as f64;
    if whole_ms == 0.0 {
        return 0.0;
    }
    let completion = (window.watch_ms.max(0) as f64 / whole_ms).min(1.0);
    let age_h = age_ms.max(0) as f64 / HOUR_MS;
    points as f64 * (COMPLETION_FACTOR_MAX * completion) / (1.0 + age_h / 2.0)
}

/// All lists as of `now_ms`. Rows whose hours are over are taken out of the store on the way.
pub(super) fn refresh(store: &FeatureStore, now_ms: i64) {
    let mut makers = Makers::new(now_ms);
    store.trends_each(|key, row| makers.trend(key, row));
    let over = std::mem::take(&mut makers.over);
    over.into_iter()
        .for_each(|key| store.trend_put(key, TrendRow::default()));
    let mut used = Uses::new(now_ms);
    store.usage_each(|entity, row| used.usage(entity, row));
    let over = std::mem::take(&mut used.over);
    over.into_iter()
        .for_each(|entity| store.usage_put(entity, UsageRow::default()));
    let (hashtags, sounds) = (most_used(used.hashtags), most_used(used.sounds));
    let rising = rising::refresh(store, &store.trending().rising, now_ms);
    store.trending_put(Trending {
        as_of_ms: now_ms,
        lists: makers.lists(),
        hashtags,
        sounds,
        rising,
    });
}

/// Videos on their way into lists.
struct Makers {
    now_ms: i64,
    /// The first bin of the window.
    first: i64,
    everywhere: Vec<(Ranked, Arc<TrendProfile>)>,
    regional: Vec<(Region, VideoId, TrendBin)>,
    over: Vec<TrendKey>,
}

impl Makers {
    fn new(now_ms: i64) -> Self {
        Self {
            now_ms,
            first: now_ms.div_euclid(TREND_BIN_MS).saturating_sub(WINDOW_BINS - 1),
            everywhere: Vec::new(),
            regional: Vec::new(),
            over: Vec::new(),
        }
    }

    fn trend(&mut self, key: &TrendKey, row: &TrendRow) {
        let mut window = TrendBin::default();
        let within = row.bins.iter().filter(|(number, _)| *number >= self.first);
        let mut is_over = !row.bins.is_empty();
        for (_, bin) in within {
            is_over = false;
            window.views += bin.views;
            window.likes += bin.likes;
            window.comments += bin.comments;
            window.shares += bin.shares;
            window.watch_ms += bin.watch_ms;
        }
        if is_over {
            self.over.push(*key);
        } else if let Some(region) = key.region {
            self.regional.push((region, key.video, window));
        } else if let Some(profile) = &row.profile {
            let ranked = self.ranked(key.video, &window, profile);
            self.everywhere.push((ranked, profile.clone()));
        }
    }

    fn ranked(&self, video: VideoId, window: &TrendBin, profile: &TrendProfile) -> Ranked {
        let age_ms = self.now_ms.saturating_sub(profile.published_ms);
        Ranked {
            video,
            score: score(window, profile.duration_ms, age_ms),
            views: window.views.max(0).unsigned_abs(),
        }
    }

    fn lists(mut self) -> HashMap<Scope, Vec<Ranked>> {
        let profiles: HashMap<VideoId, Arc<TrendProfile>> = self
            .everywhere
            .iter()
            .map(|(ranked, profile)| (ranked.video, profile.clone()))
            .collect();
        let mut lists: HashMap<Scope, Vec<Ranked>> = HashMap::new();
        let mut place = |scope: Scope, ranked: Ranked| {
            let list = lists.entry(scope).or_default();
            if list.len() < TRENDING_MAX {
                list.push(ranked);
            }
        };
        // Best first, so that a list is full once it has its number.
        self.everywhere.sort_unstable_by(|a, b| best_first(&a.0, &b.0));
        for (ranked, profile) in self.everywhere.iter().filter(|(ranked, _)| ranked.score > 0.0) {
            let hashtags = profile.hashtags.iter().cloned().map(Scope::Hashtag);
            let category = profile.category.map(Scope::Category);
            let sound = profile.sound.map(Scope::Sound);
            let scopes = [Scope::Global]
                .into_iter()
                .chain(category)
                .chain(sound)
                .chain(hashtags);
            scopes.for_each(|scope| place(scope, *ranked));
        }
        let known = |(region, video, window): &(Region, VideoId, TrendBin)| {
            let ranked = self.ranked(*video, window, profiles.get(video)?);
            (ranked.score > 0.0).then_some((*region, ranked))
        };
        let mut regional: Vec<(Region, Ranked)> = self.regional.iter().filter_map(known).collect();
        regional.sort_unstable_by(|a, b| best_first(&a.1, &b.1));
        regional
            .into_iter()
            .for_each(|(region, ranked)| place(Scope::Region(region), ranked));
        lists
    }
}

/// By score; equals by the id, so that lists come out the same every time.
fn best_first(a: &Ranked, b: &Ranked) -> std::cmp::Ordering {
    b.score.total_cmp(&a.score).then(a.video.cmp(&b.video))
}

/// Hashtags and sounds on their way into their lists.
struct Uses {
    hour: i64,
    hashtags: Vec<Used<Arc<str>>>,
    sounds: Vec<Used<types::SoundId>>,
    over: Vec<Entity>,
}

impl Uses {
    fn new(now_ms: i64) -> Self {
        Self {
            hour: now_ms.div_euclid(USAGE_BIN_MS),
            hashtags: Vec::new(),
            sounds: Vec::new(),
            over: Vec::new(),
        }
    }

    fn usage(&mut self, entity: &Entity, row: &UsageRow) {
        let newest = row.hours.last().map(|(hour, _)| *hour);
        if newest.is_some_and(|newest| newest < self.hour.saturating_sub(1)) {
            self.over.push(entity.clone());
            return;
        }
        let (this_hour, hour_before) = (row.of_hour(self.hour), row.of_hour(self.hour.saturating_sub(1)));
        match entity {
            Entity::Hashtag(tag) => self.hashtags.push(Used {
                what: tag.clone(),
                this_hour,
                hour_before,
            }),
            Entity::Sound(sound) => self.sounds.push(Used {
                what: *sound,
                this_hour,
                hour_before,
            }),
            _ => {}
        }
    }
}

/// By videos made with it in both hours, then by watches.
fn most_used<T: Ord>(mut all: Vec<Used<T>>) -> Vec<Used<T>> {
    let weight = |used: &Used<T>| {
        let (now, before) = (used.this_hour, used.hour_before);
        (now.videos + before.videos, now.views + before.views)
    };
    all.retain(|used| weight(used) > (0, 0));
    all.sort_unstable_by(|a, b| weight(b).cmp(&weight(a)).then_with(|| a.what.cmp(&b.what)));
    all.truncate(USED_MAX);
    all
}
