//! What was found, as tables and charts. Picks and names figures; measures nothing.

use sim::plot::{Chart, Series};
use sim::report::{Row, Table};
use sim::stats::{mean, quantile};

use crate::command::Answer;
use crate::event::Found;
use crate::month::{Month, Told};

type Figures = Vec<(&'static str, f64)>;

/// Of everybody's month, these are shown.
const SHOWN: [&str; 15] = [
    "expected_per_view_s",
    "value_per_viewer_day_s",
    "views_per_viewer_day",
    "oracle_share",
    "early_skips",
    "completions",
    "clickbait_share",
    "topics_per_visit",
    "repeats",
    "exposure_gini",
    "creator_gini",
    "new_seen_in_6_h",
    "new_reached_goal",
    "hours_to_goal_p50",
    "gems_at_goal_in_24_h",
];
/// Hours after its birth at which it is asked how many new videos have reached the goal.
const HOURS: [f64; 10] = [1.0, 3.0, 6.0, 12.0, 24.0, 48.0, 96.0, 168.0, 336.0, 672.0];

fn figure(month: &Month, name: &str) -> f64 {
    let found = month.figures.iter().find(|(known, _)| *known == name);
    found.map_or(f64::NAN, |(_, value)| *value)
}

/// Months of all contenders, by seed.
pub(crate) fn months(seeds: &[u64], lived: &[(Vec<Month>, Told)]) -> Answer {
    let contenders = lived.first().map_or(0, |(months, _)| months.len());
    let of =
        |contender: usize| -> Vec<&Month> { lived.iter().map(|(months, _)| &months[contender]).collect() };
    let best: Vec<f64> = lived
        .iter()
        .map(|(months, _)| months.last().map_or(f64::NAN, |oracle| figure(oracle, SHOWN[0])))
        .collect();
    let row = |contender: usize| {
        let months = of(contender);
        let by_seed: Vec<Figures> = months
            .iter()
            .zip(&best)
            .map(|(month, best)| {
                let regret = ("regret_s", best - figure(month, SHOWN[0]));
                let shown = SHOWN.map(|name| (name, figure(month, name)));
                std::iter::once(regret).chain(shown).collect()
            })
            .collect();
        let name = months.first().map_or("", |month| month.name);
        Row::of(name, by_seed.iter().map(Vec::as_slice))
    };
    let told: Vec<Figures> = lived.iter().map(|(_, told)| told_figures(told)).collect();
    let headline = [
        ("loop.regret_s", 0),
        ("loop.even_regret_s", 1),
        ("loop.popularity_regret_s", 2),
    ];
    let regret = |contender: usize| {
        let own = of(contender).into_iter().zip(&best);
        mean(
            &own.map(|(month, best)| best - figure(month, SHOWN[0]))
                .collect::<Vec<_>>(),
        )
    };
    let mut headline: Figures = headline
        .into_iter()
        .filter(|(_, contender)| *contender < contenders)
        .map(|(name, contender)| (name, regret(contender)))
        .collect();
    let explored: Vec<f64> = lived.iter().map(|(_, told)| told.explored_share).collect();
    let repeats: f64 = lived.iter().map(|(_, told)| told.repeats as f64).sum();
    headline.extend([
        ("loop.explored_share", mean(&explored)),
        ("loop.repeats", repeats),
    ]);
    Answer {
        tables: vec![
            Table {
                title: "a month over HTTP".to_owned(),
                seeds: seeds.to_vec(),
                rows: (0..contenders).map(row).collect(),
            },
            Table {
                title: "the feed in its month".to_owned(),
                seeds: seeds.to_vec(),
                rows: vec![Row::of("feed by HTTP", told.iter().map(Vec::as_slice))],
            },
        ],
        charts: vec![
            ("loop-by-day", by_day(contenders, &of)),
            ("loop-cold-start", cold_start(contenders, &of)),
        ],
        headline,
    }
}

fn told_figures(told: &Told) -> Figures {
    vec![
        ("views", told.views as f64),
        ("repeats", told.repeats as f64),
        ("pages_empty_too_early", told.dry_early as f64),
        ("explored_share", told.explored_share),
        ("creators_a_page_of_10", told.creators_a_page),
        ("topics_a_page_of_10", told.topics_a_page),
        ("new_videos", told.new_videos as f64),
        (
            "share_with_10_impressions_in_6_h",
            told.had_head_start as f64 / told.new_videos.max(1) as f64,
        ),
        ("pages_by_the_model", told.pages_learned as f64),
        ("pages_by_the_light_score", told.pages_light as f64),
    ]
}

fn by_day<'a>(contenders: usize, of: &impl Fn(usize) -> Vec<&'a Month>) -> Chart {
    let series = |contender: usize| {
        let months = of(contender);
        let days = months.first().map_or(0, |month| month.daily_s.len());
        let day = |day: usize| {
            let values: Vec<f64> = months.iter().map(|month| month.daily_s[day]).collect();
            (day as f64 + 1.0, mean(&values), 0.0)
        };
        Series {
            name: months.first().map_or("", |month| month.name).to_owned(),
            points: (0..days).map(day).collect(),
        }
    };
    Chart {
        title: "What a view is worth, by day".to_owned(),
        x_label: "day".to_owned(),
        y_label: "expected satisfied seconds a view".to_owned(),
        x_marks: Vec::new(),
        series: (0..contenders).map(series).collect(),
    }
}

fn cold_start<'a>(contenders: usize, of: &impl Fn(usize) -> Vec<&'a Month>) -> Chart {
    let share = |months: &[&Month], hours: f64| {
        let reached = |month: &&Month| {
            let count = month
                .hours_to_goal
                .iter()
                .filter(|taken| **taken <= hours)
                .count();
            count as f64 / month.new_videos.max(1) as f64
        };
        mean(&months.iter().map(reached).collect::<Vec<_>>())
    };
    let series = |contender: usize| {
        let months = of(contender);
        let points = HOURS.iter().enumerate();
        Series {
            name: months.first().map_or("", |month| month.name).to_owned(),
            points: points
                .map(|(at, hours)| (at as f64, share(&months, *hours), 0.0))
                .collect(),
        }
    };
    let mark = |(at, hours): (usize, &f64)| match *hours {
        hours if hours < 24.0 => (at as f64, format!("{hours:.0} h")),
        hours => (at as f64, format!("{:.0} d", hours / 24.0)),
    };
    Chart {
        title: "New videos that have had their chance".to_owned(),
        x_label: "after publication".to_owned(),
        y_label: "share with 15 views".to_owned(),
        x_marks: HOURS.iter().enumerate().map(mark).collect(),
        series: (0..contenders).map(series).collect(),
    }
}

/// Evenings, by seed.
pub(crate) fn events(seeds: &[u64], found: &[Found]) -> Answer {
    let figures: Vec<Figures> = found.iter().map(found_figures).collect();
    let over = |name: &str| {
        let values = figures
            .iter()
            .flat_map(|figures| figures.iter().filter(|(known, _)| *known == name));
        mean(&values.map(|(_, value)| *value).collect::<Vec<_>>())
    };
    let headline = vec![
        ("event.detected_s", over("detected_s")),
        ("event.offered_p50_s", over("offered_p50_s")),
        ("event.others_before", over("others_before")),
        ("event.others_after", over("others_after")),
    ];
    Answer {
        tables: vec![Table {
            title: "a global event over HTTP".to_owned(),
            seeds: seeds.to_vec(),
            rows: vec![Row::of("feed by HTTP", figures.iter().map(Vec::as_slice))],
        }],
        charts: vec![("loop-event", by_minute(found))],
        headline,
    }
}

fn found_figures(found: &Found) -> Figures {
    let within = |seconds: f64| {
        let count = found.offered_s.iter().filter(|taken| **taken <= seconds).count();
        count as f64 / found.offered_s.len().max(1) as f64
    };
    let mut offered = found.offered_s.clone();
    vec![
        ("audience", found.audience as f64),
        ("others", found.others as f64),
        ("feed_views", found.views as f64),
        ("detected_s", found.detected_s.unwrap_or(f64::INFINITY)),
        ("offered_p50_s", quantile(&mut offered, 0.5)),
        ("offered_p90_s", quantile(&mut offered, 0.9)),
        ("offered_within_3_min", within(180.0)),
        ("audience_before", found.audience_before),
        ("audience_after", found.audience_after),
        ("others_before", found.others_before),
        ("others_after", found.others_after),
        ("others_drawn_by_exploration", found.others_explored),
    ]
}

fn by_minute(found: &[Found]) -> Chart {
    let of = |name: &str, pick: fn(&(f64, f64)) -> f64| {
        let minutes = found.first().into_iter().flat_map(|found| found.by_minute.keys());
        let point = |minute: &i64| {
            let values: Vec<f64> = found
                .iter()
                .filter_map(|found| found.by_minute.get(minute).map(pick))
                .collect();
            (*minute as f64, mean(&values), 0.0)
        };
        Series {
            name: name.to_owned(),
            points: minutes.map(point).collect(),
        }
    };
    Chart {
        title: "Share of the feed's views that are of the event".to_owned(),
        x_label: "minutes from the first video about it".to_owned(),
        y_label: "share of views".to_owned(),
        x_marks: Vec::new(),
        series: vec![
            of("who care", |(cares, _)| *cares),
            of("the others", |(_, others)| *others),
        ],
    }
}
