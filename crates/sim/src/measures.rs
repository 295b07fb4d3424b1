//! What a run was worth: against the oracle, for new videos, and for creators.

use std::collections::HashMap;

use crate::catalogue::CLICKBAIT;
use crate::config::{DAY_MS, HOUR_MS, START_MS};
use crate::run::{Run, View};
use crate::stats::{diversity, gini, mean, quantile};

/// A new video should have had its chance within this time.
const CHANCE_MS: i64 = 6 * HOUR_MS;
/// Views of a visit over which its topics are counted; shorter visits say little about a mixture.
const VISIT_VIEWS_MIN: usize = 10;

/// Name and value, in the order of printing.
pub type Figures = Vec<(&'static str, f64)>;

/// Measures of the views after the warm-up.
///
/// `step_regret_s` is the mean over views of best minus shown expected satisfied seconds, in the state the policy itself led
/// to (what a policy loses against the oracle's own run is for `experiment` to say, which has both); `oracle_share` puts the average candidate at 0 and the best at 1.
pub fn measures(run: &Run) -> Figures {
    let from_day = run.world.config().warm_up_days;
    let from_ms = START_MS + i64::from(from_day) * DAY_MS;
    let views: Vec<&View> = run.views.iter().filter(|view| view.shown_ms >= from_ms).collect();
    let config = run.world.config();
    let of =
        |value: &dyn Fn(&View) -> f64| views.iter().map(|view| value(view)).sum::<f64>() / views.len() as f64;
    let (best, mean_s) = (of(&|view| view.best_s), of(&|view| view.mean_s));
    let expected = of(&|view| view.expected_s);
    let viewer_days = f64::from(config.viewers * config.days.saturating_sub(from_day).max(1));
    let value: f64 = views.iter().map(|view| view.drawn.value_s).sum();
    let bit = |yes: bool| f64::from(u8::from(yes));
    let mut figures = vec![
        ("value_per_view_s", value / views.len() as f64),
        ("expected_per_view_s", expected),
        ("value_per_viewer_day_s", value / viewer_days),
        ("views_per_viewer_day", views.len() as f64 / viewer_days),
        ("step_regret_s", best - expected),
        ("oracle_share", (expected - mean_s) / (best - mean_s)),
        ("early_skips", of(&|view| bit(view.drawn.outcome.skipped))),
        ("completions", of(&|view| bit(view.drawn.outcome.completed))),
        (
            "not_interested",
            of(&|view| bit(view.drawn.outcome.not_interested)),
        ),
        (
            "clickbait_share",
            of(&|view| bit(run.video(view).clickbait > CLICKBAIT)),
        ),
        ("topics_per_visit", topics_per_visit(run, &views)),
        ("repeats", repeats(run)),
    ];
    figures.extend(exposure(run));
    figures.extend(new_videos(run));
    figures
}

/// Share of views whose viewer had seen the video before.
fn repeats(run: &Run) -> f64 {
    let mut seen = std::collections::HashSet::new();
    let again = run
        .views
        .iter()
        .filter(|view| !seen.insert((view.viewer, view.video)))
        .count();
    again as f64 / run.views.len() as f64
}

fn topics_per_visit(run: &Run, views: &[&View]) -> f64 {
    let mut visits: HashMap<(u32, u32), Vec<&View>> = HashMap::new();
    for view in views {
        visits.entry((view.viewer, view.session)).or_default().push(view);
    }
    let topics = usize::from(run.world.config().topics);
    let long = visits.values().filter(|visit| visit.len() >= VISIT_VIEWS_MIN);
    let mut kinds: Vec<f64> = long
        .map(|visit| {
            let mut counts = vec![0.0; topics];
            visit
                .iter()
                .for_each(|view| counts[usize::from(run.video(view).topics[0].0)] += 1.0);
            diversity(&counts)
        })
        .collect();
    // The map's order is not fixed, and sums depend on order.
    kinds.sort_by(f64::total_cmp);
    mean(&kinds)
}

/// How evenly views fall on videos and creators that could be shown.
fn exposure(run: &Run) -> Figures {
    let mut videos = vec![0u32; run.videos.len()];
    let mut creators = vec![0u32; run.world.config().creators as usize];
    for view in &run.views {
        videos[view.video as usize] += 1;
        creators[run.video(view).shown.creator as usize] += 1;
    }
    let mut makes = vec![false; creators.len()];
    run.videos
        .iter()
        .for_each(|video| makes[video.shown.creator as usize] = true);
    let active: Vec<u32> = creators
        .into_iter()
        .zip(makes)
        .filter(|(_, makes)| *makes)
        .map(|(views, _)| views)
        .collect();
    vec![("exposure_gini", gini(&videos)), ("creator_gini", gini(&active))]
}

/// What became of videos born while the world was watched, with a day left to be found.
fn new_videos(run: &Run) -> Figures {
    let config = run.world.config();
    let goal = config.views_goal as usize;
    let last_ms = config.end_ms() - DAY_MS;
    let mut shown_ms: Vec<Vec<i64>> = vec![Vec::new(); run.videos.len()];
    for view in &run.views {
        shown_ms[view.video as usize].push(view.shown_ms);
    }
    let born = run
        .videos
        .iter()
        .filter(|video| (START_MS..last_ms).contains(&video.shown.born_ms));
    let (mut new, mut reached_hours, mut chance, mut gems, mut gems_found) = (0.0, Vec::new(), 0.0, 0.0, 0.0);
    for video in born {
        let times = &mut shown_ms[video.shown.index as usize];
        times.sort_unstable();
        let reached_ms = goal
            .checked_sub(1)
            .and_then(|place| times.get(place))
            .map(|at| at - video.shown.born_ms);
        new += 1.0;
        reached_hours.extend(reached_ms.map(|ms| ms as f64 / HOUR_MS as f64));
        chance += f64::from(u8::from(
            times
                .first()
                .is_some_and(|at| at - video.shown.born_ms <= CHANCE_MS),
        ));
        if video.is_gem {
            gems += 1.0;
            gems_found += f64::from(u8::from(reached_ms.is_some_and(|ms| ms <= DAY_MS)));
        }
    }
    vec![
        ("new_seen_in_6_h", chance / new),
        ("new_reached_goal", reached_hours.len() as f64 / new),
        ("hours_to_goal_p50", quantile(&mut reached_hours, 0.5)),
        ("gems_at_goal_in_24_h", gems_found / gems),
    ]
}

/// How an event reached people: share of its topic in what the audience and the others saw, before and during it, and the
/// minutes until half of the audience that was watching had seen something of it.
pub fn event_reach(run: &Run) -> Option<Figures> {
    let event = run.world.config().global_event?;
    let viewers: Vec<bool> = (0..run.world.config().viewers)
        .map(|index| run.world.viewer(index).is_audience(event.audience))
        .collect();
    let mut counts = [[0.0; 2]; 4];
    let mut first: HashMap<u32, (i64, Option<i64>)> = HashMap::new();
    for view in &run.views {
        let during = (event.from_ms()..event.until_ms()).contains(&view.shown_ms);
        let audience = viewers[view.viewer as usize];
        let of_event = run.video(view).topics[0].0 == event.topic;
        let count = &mut counts[usize::from(during) * 2 + usize::from(audience)];
        count[usize::from(of_event)] += 1.0;
        if during && audience {
            let came = first.entry(view.viewer).or_insert((view.shown_ms, None));
            if of_event && came.1.is_none() {
                came.1 = Some(view.shown_ms - came.0);
            }
        }
    }
    let share = |at: usize| counts[at][1] / (counts[at][0] + counts[at][1]);
    let mut minutes: Vec<f64> = first
        .values()
        .map(|(_, after)| after.map_or(f64::INFINITY, |ms| ms as f64 / 60_000.0))
        .collect();
    Some(vec![
        ("event_share_others_outside", share(0)),
        ("event_share_audience_outside", share(1)),
        ("event_share_others_during", share(2)),
        ("event_share_audience_during", share(3)),
        ("event_minutes_to_first_p50", quantile(&mut minutes, 0.5)),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{GlobalEvent, WorldConfig};
    use crate::policy::{Oracle, Popularity, Uniform};
    use crate::run::run;
    use crate::world::World;

    fn figures(run: &Run) -> HashMap<&'static str, f64> {
        measures(run).into_iter().collect()
    }

    #[test]
    fn the_scale_runs_from_chance_to_the_oracle() {
        let world = World::new(WorldConfig::small(31)).expect("possible");
        let [oracle, popular, uniform] = [
            figures(&run(&world, &mut Oracle)),
            figures(&run(&world, &mut Popularity::default())),
            figures(&run(&world, &mut Uniform)),
        ];
        assert!((oracle["oracle_share"] - 1.0).abs() < 1e-9 && oracle["step_regret_s"].abs() < 1e-9);
        assert!(
            uniform["oracle_share"].abs() < 0.05,
            "{}",
            uniform["oracle_share"]
        );
        assert!(
            (0.05..0.6).contains(&popular["oracle_share"]),
            "{}",
            popular["oracle_share"]
        );
        assert!(popular["exposure_gini"] > uniform["exposure_gini"] + 0.1);
        assert!(oracle["clickbait_share"] < 0.6 * uniform["clickbait_share"]);
        assert_eq!(uniform["repeats"], 0.0);
    }

    #[test]
    fn measures_do_not_depend_on_the_order_of_maps() {
        let world = World::new(WorldConfig::small(32)).expect("possible");
        let bits = || {
            measures(&run(&world, &mut Uniform))
                .into_iter()
                .map(|(_, value)| value.to_bits())
        };
        assert!(bits().eq(bits()));
    }

    #[test]
    fn an_event_reaches_its_audience_and_spares_the_others() {
        let event = GlobalEvent {
            at_days: 1.2,
            hours: 12.0,
            rise_ms: HOUR_MS / 2,
            topic: 20,
            audience: 0.4,
            videos: 0.3,
        };
        let world = World::new(WorldConfig {
            global_event: Some(event),
            ..WorldConfig::small(34)
        })
        .expect("possible");
        let reach: HashMap<_, _> = event_reach(&run(&world, &mut Oracle))
            .expect("there is an event")
            .into_iter()
            .collect();
        assert!(reach["event_share_audience_during"] > 0.2, "{reach:?}");
        assert!(reach["event_share_audience_outside"] < 0.1, "{reach:?}");
        assert!(reach["event_share_others_during"] < 0.1, "{reach:?}");
        assert!(reach["event_minutes_to_first_p50"] < 5.0, "{reach:?}");
    }
}
