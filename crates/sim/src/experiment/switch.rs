//! A taste switch: half of the viewers like other things from one moment on.

use super::contender::{FROZEN, ONLINE, frozen};
use super::{Contender, Findings, Setup, contenders};
use crate::config::{DAY_MS, START_MS, TasteSwitch, WorldConfig};
use crate::measures::Figures;
use crate::plot::{Chart, Series};
use crate::recovery::{RECOVERY_VIEWS, Recovery, recovery};
use crate::report::{Row, Table};
use crate::run::run;
use crate::stats::mean;
use crate::world::WorldError;

/// The part of the run that passes before the switch, and whom it meets.
const AT: f64 = 0.625;
const SHARE: f64 = 0.5;
/// A feed should have recovered within so many videos.
const GOAL_VIDEOS: f64 = 15.0;

/// See [`Setup::switch`].
pub(super) fn switch(setup: &Setup) -> Result<Findings, WorldError> {
    let mut all = contenders(&setup.model);
    let days = f64::from((setup.config)(setup.seeds.first().copied().unwrap_or(1)).days);
    let at_ms = START_MS + (days * AT * DAY_MS as f64) as i64;
    all.insert(all.len() - 4, frozen(&setup.model, at_ms));
    let contenders = setup.chosen(all);
    let shape = |config: WorldConfig| {
        let at_days = f64::from(config.days) * AT;
        WorldConfig {
            taste_switch: Some(TasteSwitch {
                at_days,
                share: SHARE,
            }),
            ..config
        }
    };
    let found = setup.each(&contenders, shape, |world, contender| {
        recovery(&run(world, contender.policy().as_mut()))
    })?;
    let by_seed: Vec<Vec<Figures>> = found
        .iter()
        .map(|seeds| seeds.iter().map(|found| figures(found.as_ref())).collect())
        .collect();
    let table = setup.table("taste switch", &contenders, &by_seed);
    let online = table.rows.iter().find(|row| row.name == ONLINE);
    let headline = [
        "videos_p25",
        "videos_p50",
        "videos_p75",
        "within_15",
        "videos_of_mean",
    ]
    .into_iter()
    .filter_map(|name| {
        let interval = online?.interval(name)?;
        Some((format!("sim.recovery.{name}"), interval.mean))
    });
    Ok(Findings {
        headline: headline.collect(),
        tables: [Some(table), twins(&contenders, &found)]
            .into_iter()
            .flatten()
            .collect(),
        charts: vec![("taste-switch", chart(&contenders, &found))],
    })
}

/// What a contender shows of the new taste beyond the twin that stopped learning at the switch: mean and interval over viewers of all seeds.
fn twins(contenders: &[Contender], found: &[Vec<Option<Recovery>>]) -> Option<Table> {
    let twin = contenders.iter().position(|contender| contender.name == FROZEN)?;
    let row = |(contender, seeds): (&Contender, &Vec<Option<Recovery>>)| {
        let pairs = seeds.iter().zip(&found[twin]);
        let gains: Vec<f64> = pairs
            .filter_map(|(one, twin)| Some(one.as_ref()?.more_liked_than(twin.as_ref()?)))
            .flatten()
            .collect();
        let by_viewer: Vec<Figures> = gains
            .iter()
            .map(|gain| vec![("more_liked_6_to_15", *gain)])
            .collect();
        Row::of(&contender.name, by_viewer.iter().map(Vec::as_slice))
    };
    Some(Table {
        title: "taste switch, against the twin that stopped learning at it; intervals over viewers"
            .to_owned(),
        seeds: Vec::new(),
        rows: contenders.iter().zip(found).map(row).collect(),
    })
}

fn figures(found: Option<&Recovery>) -> Figures {
    let of = |value: &dyn Fn(&Recovery) -> f64| found.map_or(f64::NAN, value);
    vec![
        ("viewers", of(&|found| found.videos.len() as f64)),
        ("captured_before", of(&|found| found.before)),
        ("least_part_of_it_after", of(&Recovery::fall)),
        ("captured_after_15", of(&|found| found.curve[14])),
        ("captured_late", of(&Recovery::late)),
        ("videos_p25", of(&|found| found.quantile(0.25))),
        ("videos_p50", of(&|found| found.quantile(0.5))),
        ("videos_p75", of(&|found| found.quantile(0.75))),
        ("within_15", of(&|found| found.within(GOAL_VIDEOS))),
        ("videos_of_mean", of(&|found| found.videos_of_mean() as f64)),
        ("liked_before", of(&|found| found.liked_before)),
        ("liked_first_5", of(&|found| found.liked[4])),
        (
            "liked_6_to_15",
            of(&|found| mean(&found.adapting.iter().map(|(_, share)| *share).collect::<Vec<_>>())),
        ),
        ("liked_after_15", of(&|found| found.liked[14])),
        (
            "liked_late",
            of(&|found| mean(&found.liked[RECOVERY_VIEWS / 2..])),
        ),
        ("videos_of_liked", of(&|found| found.videos_of_liked() as f64)),
    ]
}

fn chart(contenders: &[Contender], found: &[Vec<Option<Recovery>>]) -> Chart {
    let line = |(contender, seeds): (&Contender, &Vec<Option<Recovery>>)| {
        let known: Vec<&Recovery> = seeds.iter().flatten().collect();
        let point = |n: usize| {
            let shares: Vec<f64> = known.iter().map(|recovery| recovery.liked[n]).collect();
            ((n + 1) as f64, mean(&shares), 0.0)
        };
        let before: Vec<f64> = known.iter().map(|recovery| recovery.liked_before).collect();
        let points = std::iter::once((0.0, mean(&before), 0.0)).chain((0..RECOVERY_VIEWS).map(point));
        Series {
            name: contender.name.clone(),
            points: points.collect(),
        }
    };
    Chart {
        title: "After a taste switch: share of what is shown that is liked".to_owned(),
        x_label: "videos since the switch; at 0 the level before".to_owned(),
        y_label: "share".to_owned(),
        x_marks: Vec::new(),
        series: contenders.iter().zip(found).map(line).collect(),
    }
}
