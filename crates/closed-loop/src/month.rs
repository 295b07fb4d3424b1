//! A month of the world: the product, and beside it in the same world with the same luck everybody fed evenly, by popularity, and by an
//! oracle. Each of these may choose from the whole catalog at every swipe.
//!
//! The world is small, so that a month takes minutes, and two of its figures are scaled: a video has had its chance after
//! [`WorldConfig::views_goal`] views and not after 200, which would be all but everybody, and what a new video is owed is looked at up to the head
//! start, which is due at once.

use std::collections::{HashMap, HashSet};

use sim::policy::{Oracle, Policy, Popularity, Uniform};
use sim::{DAY_MS, HOUR_MS, Run, START_MS, World, WorldConfig, feed_all, measures};

use crate::error::LoopError;
use crate::life::{Life, Notes, Pace, Unwatched};
use crate::wire::Flow;

/// Impressions that are due to a new video at once, and within how long they are asked about here.
pub const HEAD_START: usize = 10;
pub const OWED_WITHIN_MS: i64 = 6 * HOUR_MS;

/// Requests within half a minute may be under way together; no job is more than half an hour behind. A month takes minutes.
pub const PACE: Pace = Pace {
    together_ms: 30_000,
    settle_ms: 1_800_000,
    haste: 8_000,
};

/// One contender's month.
pub struct Month {
    pub name: &'static str,
    pub figures: Vec<(&'static str, f64)>,
    /// Expected satisfied seconds a view, by day.
    pub daily_s: Vec<f64>,
    /// Hours until the goal, of each new video that reached it, and how many new ones there were.
    pub hours_to_goal: Vec<f64>,
    pub new_videos: usize,
}

/// What only the product's month can tell.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    pub views: usize,
    pub repeats: u64,
    /// Answers without a video while there were videos the person had not seen.
    pub dry_early: usize,
    pub explored_share: f64,
    pub creators_a_page: f64,
    pub topics_a_page: f64,
    /// New videos, and those of them that had their head start of impressions in time.
    pub new_videos: usize,
    pub had_head_start: usize,
    pub pages_learned: u64,
    pub pages_light: u64,
}

/// The month that figures are published for.
pub fn standard(seed: u64) -> WorldConfig {
    WorldConfig {
        viewers: 60,
        creators: 80,
        sounds: 100,
        videos_at_start: 500,
        videos_per_day: 6,
        days: 30,
        warm_up_days: 5,
        visits: 0.06,
        views_goal: 15,
        ..WorldConfig::small(seed)
    }
}

/// A month of a village, for a test.
pub fn village(seed: u64) -> WorldConfig {
    WorldConfig {
        viewers: 6,
        creators: 20,
        sounds: 30,
        videos_at_start: 250,
        videos_per_day: 2,
        warm_up_days: 10,
        visits: 0.05,
        views_goal: 4,
        ..standard(seed)
    }
}

/// The product's month in the world of `config`.
///
/// # Errors
/// See [`Life::run`].
pub fn product(config: &WorldConfig, pace: Pace) -> Result<(Month, Told), LoopError> {
    let world = World::new(config.clone())?;
    let mut life = Life::begin(&world, pace)?;
    for day in 1..=i64::from(config.days) {
        life.run(START_MS + day * DAY_MS, &mut Unwatched)?;
        let (times, waited) = life.house.waited;
        let views = life.crowd.views().len();
        eprintln!(
            "day {day}: {views} views, {times} waits of {:.1} s together",
            waited.as_secs_f64()
        );
    }
    life.house.settle()?;
    let flow = life.house.flow()?;
    let repeats = life.crowd.repeats();
    let topics: Vec<u16> = (0..world.videos()).map(|video| life.crowd.topic(video)).collect();
    let (run, notes) = life.end()?;
    let told = told(&run, &notes, repeats, &flow, &topics);
    Ok((month("feed by HTTP", &run), told))
}

/// The months of those who choose from everything at every swipe.
///
/// # Errors
/// When there can be no such world.
pub fn others(config: &WorldConfig) -> Result<Vec<Month>, LoopError> {
    let world = World::new(config.clone())?;
    let fed = |name, policy: &mut dyn Policy| month(name, &feed_all(&world, policy));
    Ok(vec![
        fed("even", &mut Uniform),
        fed("popularity", &mut Popularity::default()),
        fed("oracle", &mut Oracle),
    ])
}

fn month(name: &'static str, run: &Run) -> Month {
    let config = run.world.config();
    let days = config.days as usize;
    let mut sums = vec![(0.0, 0u32); days];
    for view in &run.views {
        let day = ((view.shown_ms - START_MS) / DAY_MS) as usize;
        if let Some((sum, count)) = sums.get_mut(day) {
            *sum += view.expected_s;
            *count += 1;
        }
    }
    let (hours_to_goal, new_videos) = hours_to_goal(run);
    Month {
        name,
        figures: measures(run),
        daily_s: sums
            .into_iter()
            .map(|(sum, count)| sum / f64::from(count.max(1)))
            .collect(),
        hours_to_goal,
        new_videos,
    }
}

/// Of videos born with two days left to be found.
fn hours_to_goal(run: &Run) -> (Vec<f64>, usize) {
    let config = run.world.config();
    let mut shown_ms: HashMap<u32, Vec<i64>> = HashMap::new();
    for view in &run.views {
        shown_ms.entry(view.video).or_default().push(view.shown_ms);
    }
    let (mut hours, mut count) = (Vec::new(), 0);
    for index in config.videos_at_start..run.world.videos() {
        let born_ms = run.world.video(index).shown.born_ms;
        if born_ms > config.end_ms() - 2 * DAY_MS {
            break;
        }
        count += 1;
        let Some(times) = shown_ms.get_mut(&index) else {
            continue;
        };
        times.sort_unstable();
        let reached = times.get(config.views_goal.saturating_sub(1) as usize);
        hours.extend(reached.map(|at_ms| (at_ms - born_ms) as f64 / HOUR_MS as f64));
    }
    hours.sort_by(f64::total_cmp);
    (hours, count)
}

fn told(run: &Run, notes: &Notes, repeats: u64, flow: &Flow, topics: &[u16]) -> Told {
    let config = run.world.config();
    let from_feed = notes.seen.iter().filter(|seen| seen.from_feed);
    let explored = from_feed.clone().filter(|seen| seen.explored).count();
    let full: Vec<&Vec<u32>> = notes.pages.iter().filter(|page| page.len() >= 10).collect();
    let kinds = |of: &dyn Fn(u32) -> u32| {
        let distinct = |page: &&Vec<u32>| page.iter().map(|video| of(*video)).collect::<HashSet<_>>().len();
        full.iter().map(distinct).sum::<usize>() as f64 / full.len().max(1) as f64
    };
    let creators: Vec<u32> = (0..run.world.videos())
        .map(|video| run.world.video(video).shown.creator)
        .collect();
    let mut early: HashMap<u32, usize> = HashMap::new();
    for ((_, video), at_ms) in &notes.offered_ms {
        let born_ms = run.world.video(*video).shown.born_ms;
        *early.entry(*video).or_default() += usize::from(at_ms - born_ms <= OWED_WITHIN_MS);
    }
    let is_new = |video: &u32| {
        let born_ms = run.world.video(*video).shown.born_ms;
        born_ms <= config.end_ms() - OWED_WITHIN_MS
    };
    let new: Vec<u32> = (config.videos_at_start..run.world.videos())
        .filter(is_new)
        .collect();
    let has_start = |video: &&u32| early.get(video).is_some_and(|count| *count >= HEAD_START);
    let learner = flow.learner.as_ref();
    Told {
        views: run.views.len(),
        repeats,
        dry_early: notes.dry.iter().filter(|(_, unseen)| *unseen > 0).count(),
        explored_share: explored as f64 / from_feed.count().max(1) as f64,
        creators_a_page: kinds(&|video| creators[video as usize]),
        topics_a_page: kinds(&|video| u32::from(topics[video as usize])),
        new_videos: new.len(),
        had_head_start: new.iter().filter(has_start).count(),
        pages_learned: learner.map_or(0, |learner| learner.pages_learned),
        pages_light: learner.map_or(0, |learner| learner.pages_light),
    }
}
