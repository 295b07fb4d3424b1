//! How the people of a run behaved, as one would measure real people: completion by duration, skips, likes, visits. Tests
//! hold it within ranges that published short-video data make plausible; nothing else depends on it.

use std::collections::HashMap;
use std::fmt::Write as _;

use crate::config::{DAY_MS, HOUR_MS};
use crate::run::{Run, View};
use crate::stats::{mean, quantile};

/// Upper ends of the duration groups, in seconds.
pub const DURATION_ENDS_S: [i64; 4] = [10, 20, 40, 180];

/// See the file's header. Rates are shares of views.
#[derive(Debug, Clone, PartialEq)]
pub struct Behaviour {
    pub views: usize,
    pub visits: usize,
    pub views_per_viewer_day: f64,
    pub early_skips: f64,
    pub completions: f64,
    /// By [`DURATION_ENDS_S`].
    pub completions_by_duration: [f64; 4],
    /// Seconds, rewatches included.
    pub watch_mean_s: f64,
    pub likes: f64,
    pub comments: f64,
    pub shares: f64,
    pub saves: f64,
    pub follows: f64,
    pub not_interested: f64,
    /// The truth behind it: views that were worth their time.
    pub satisfied: f64,
    pub visit_videos_p50: f64,
    pub visit_videos_p90: f64,
    pub visit_minutes_mean: f64,
    pub gap_hours_p50: f64,
    pub gap_hours_p90: f64,
    /// Views in the busiest hour of the day for one view in the quietest.
    pub peak_to_trough: f64,
}

/// Measures a run.
pub fn behaviour(run: &Run) -> Behaviour {
    let views = &run.views;
    let share = |test: &dyn Fn(&View) -> bool| share_of(views.iter(), test);
    let visits = visits(views);
    let mut videos: Vec<f64> = visits.iter().map(|visit| f64::from(visit.videos)).collect();
    let minutes: Vec<f64> = visits
        .iter()
        .map(|visit| visit.length_ms() as f64 / 60_000.0)
        .collect();
    let mut gaps = gaps_hours(&visits);
    let config = run.world.config();
    Behaviour {
        views: views.len(),
        visits: visits.len(),
        views_per_viewer_day: views.len() as f64 / f64::from(config.viewers * config.days),
        early_skips: share(&|view| view.drawn.outcome.skipped),
        completions: share(&|view| view.drawn.outcome.completed),
        completions_by_duration: completions_by_duration(run),
        watch_mean_s: views
            .iter()
            .map(|view| view.drawn.outcome.watch_ms as f64)
            .sum::<f64>()
            / views.len() as f64
            / 1e3,
        likes: share(&|view| view.drawn.outcome.liked),
        comments: share(&|view| view.drawn.outcome.commented),
        shares: share(&|view| view.drawn.outcome.shared),
        saves: share(&|view| view.drawn.outcome.saved),
        follows: share(&|view| view.drawn.outcome.followed),
        not_interested: share(&|view| view.drawn.outcome.not_interested),
        satisfied: share(&|view| view.drawn.satisfied),
        visit_videos_p50: quantile(&mut videos, 0.5),
        visit_videos_p90: quantile(&mut videos, 0.9),
        visit_minutes_mean: mean(&minutes),
        gap_hours_p50: quantile(&mut gaps, 0.5),
        gap_hours_p90: quantile(&mut gaps, 0.9),
        peak_to_trough: peak_to_trough(views),
    }
}

fn share_of<'a>(views: impl Iterator<Item = &'a View>, test: &dyn Fn(&View) -> bool) -> f64 {
    let (mut yes, mut all) = (0u32, 0u32);
    for view in views {
        yes += u32::from(test(view));
        all += 1;
    }
    f64::from(yes) / f64::from(all)
}

fn completions_by_duration(run: &Run) -> [f64; 4] {
    let group = |view: &View| {
        let seconds = run.video(view).shown.duration_ms / 1000;
        DURATION_ENDS_S
            .iter()
            .position(|end| seconds < *end)
            .unwrap_or(DURATION_ENDS_S.len() - 1)
    };
    std::array::from_fn(|index| {
        let of_group = run.views.iter().filter(|view| group(view) == index);
        share_of(of_group, &|view| view.drawn.outcome.completed)
    })
}

struct Visit {
    viewer: u32,
    from_ms: i64,
    until_ms: i64,
    videos: u32,
}

impl Visit {
    fn length_ms(&self) -> i64 {
        self.until_ms - self.from_ms
    }
}

/// In order of viewer and time.
fn visits(views: &[View]) -> Vec<Visit> {
    let mut open: HashMap<(u32, u32), Visit> = HashMap::new();
    for view in views {
        let visit = open.entry((view.viewer, view.session)).or_insert(Visit {
            viewer: view.viewer,
            from_ms: view.shown_ms,
            until_ms: view.shown_ms,
            videos: 0,
        });
        visit.until_ms = view.shown_ms + view.drawn.outcome.watch_ms;
        visit.videos += 1;
    }
    let mut visits: Vec<Visit> = open.into_values().collect();
    visits.sort_by_key(|visit| (visit.viewer, visit.from_ms));
    visits
}

fn gaps_hours(visits: &[Visit]) -> Vec<f64> {
    let pairs = visits.windows(2).filter(|pair| pair[0].viewer == pair[1].viewer);
    pairs
        .map(|pair| (pair[1].from_ms - pair[0].until_ms) as f64 / HOUR_MS as f64)
        .collect()
}

fn peak_to_trough(views: &[View]) -> f64 {
    let mut hours = [0u32; 24];
    for view in views {
        hours[(view.shown_ms.rem_euclid(DAY_MS) / HOUR_MS) as usize] += 1;
    }
    let (most, least) = (hours.iter().max(), hours.iter().min());
    f64::from(*most.unwrap_or(&0)) / f64::from(*least.unwrap_or(&1)).max(1.0)
}

impl Behaviour {
    /// Name and value of everything, in the order of printing.
    pub fn figures(&self) -> Vec<(String, f64)> {
        let mut figures = vec![
            ("views".to_owned(), self.views as f64),
            ("visits".to_owned(), self.visits as f64),
            ("views_per_viewer_day".to_owned(), self.views_per_viewer_day),
            ("early_skips".to_owned(), self.early_skips),
            ("completions".to_owned(), self.completions),
        ];
        let by_duration = DURATION_ENDS_S.iter().zip(self.completions_by_duration);
        figures.extend(by_duration.map(|(end, rate)| (format!("completions_below_{end}_s"), rate)));
        let rest = [
            ("watch_mean_s", self.watch_mean_s),
            ("likes", self.likes),
            ("comments", self.comments),
            ("shares", self.shares),
            ("saves", self.saves),
            ("follows", self.follows),
            ("not_interested", self.not_interested),
            ("satisfied", self.satisfied),
            ("visit_videos_p50", self.visit_videos_p50),
            ("visit_videos_p90", self.visit_videos_p90),
            ("visit_minutes_mean", self.visit_minutes_mean),
            ("gap_hours_p50", self.gap_hours_p50),
            ("gap_hours_p90", self.gap_hours_p90),
            ("peak_to_trough", self.peak_to_trough),
        ];
        figures.extend(rest.map(|(name, value)| (name.to_owned(), value)));
        figures
    }

    /// One line a figure.
    pub fn describe(&self) -> String {
        let mut text = String::new();
        for (name, value) in self.figures() {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{name:28} {value:12.4}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::WorldConfig;
    use crate::policy::{Oracle, Popularity, Uniform};
    use crate::run::run;
    use crate::world::World;

    #[test]
    fn people_behave_plausibly() {
        let world = World::new(WorldConfig::small(21)).expect("possible");
        let people = behaviour(&run(&world, &mut Popularity::default()));
        let ranges = [
            ("views_per_viewer_day", 20.0, 200.0),
            ("early_skips", 0.2, 0.55),
            ("completions", 0.15, 0.5),
            ("likes", 0.01, 0.08),
            ("comments", 0.001, 0.02),
            ("shares", 0.0005, 0.02),
            ("follows", 0.0002, 0.02),
            ("not_interested", 0.0005, 0.03),
            ("visit_videos_p50", 5.0, 30.0),
            ("visit_videos_p90", 20.0, 90.0),
            ("visit_minutes_mean", 1.5, 15.0),
            ("gap_hours_p50", 1.0, 10.0),
            ("gap_hours_p90", 5.0, 48.0),
            ("peak_to_trough", 2.5, 30.0),
        ];
        let figures: HashMap<String, f64> = people.figures().into_iter().collect();
        for (name, from, to) in ranges {
            let value = figures[name];
            assert!(
                (from..to).contains(&value),
                "{name} is {value}, expected {from} to {to}\n{}",
                people.describe()
            );
        }
        let by_duration = people.completions_by_duration;
        assert!(
            by_duration.is_sorted_by(|a, b| a > b),
            "shorter is finished more often: {by_duration:?}"
        );
    }

    #[test]
    fn a_better_feed_is_skipped_less_and_watched_longer() {
        let world = World::new(WorldConfig::small(22)).expect("possible");
        let best = behaviour(&run(&world, &mut Oracle));
        let worst = behaviour(&run(&world, &mut Uniform));
        assert!(best.early_skips < 0.6 * worst.early_skips);
        assert!(best.completions > 1.5 * worst.completions);
        assert!(best.visit_videos_p50 > worst.visit_videos_p50);
        assert!(best.gap_hours_p50 < worst.gap_hours_p50);
        assert!((0.02..0.15).contains(&best.likes), "{}", best.likes);
    }
}
