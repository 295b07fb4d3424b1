//! What a policy loses against the oracle, and what a learner gains by learning at once.
//!
//! Regret is *policy regret* (Arora, Dekel, Tewari 2012): expected satisfied seconds a view of the oracle in its own run, less those of
//! the policy in its run, in the same world with the same luck. Viewers remember what they were shown, so the other way to count, best less shown in
//! the state that the policy led to (`step_regret_s`), charges a policy for the hunger that its own poor choices leave; it is printed beside.

use super::contender::{DAILY_ALL, DAILY_WEIGHTS, ONLINE, ORACLE};
use super::{Contender, Findings, Setup, contenders};
use crate::measures::{Figures, measures};
use crate::report::{Row, Table};
use crate::run::run;
use crate::world::WorldError;

/// Figures of the online learner that are watched beside its regret.
const WATCHED: [&str; 6] = [
    "oracle_share",
    "early_skips",
    "clickbait_share",
    "exposure_gini",
    "new_seen_in_6_h",
    "gems_at_goal_in_24_h",
];

/// See [`Setup::compare`].
pub(super) fn compare(setup: &Setup) -> Result<Findings, WorldError> {
    let contenders = setup.chosen(contenders(&setup.model));
    let found = setup.each(
        &contenders,
        |config| config,
        |world, contender| measures(&run(world, contender.policy().as_mut())),
    )?;
    let loop_table = setup.table("closed loop", &contenders, &found);
    let rows = regrets(&contenders, &found);
    let headline = headline(&rows, &loop_table);
    let regret_table = Table {
        title: "regret".to_owned(),
        seeds: setup.seeds.clone(),
        rows,
    };
    let has_regret = !regret_table.rows.is_empty();
    Ok(Findings {
        tables: [Some(loop_table), has_regret.then_some(regret_table)]
            .into_iter()
            .flatten()
            .collect(),
        headline,
        ..Findings::default()
    })
}

/// Rows of regret, paired by seed; empty without the oracle.
fn regrets(contenders: &[Contender], found: &[Vec<Figures>]) -> Vec<Row> {
    let named = |name: &str| contenders.iter().position(|contender| contender.name == name);
    let Some(oracle) = named(ORACLE) else {
        return Vec::new();
    };
    let value = |who: usize, seed: usize| figure(&found[who][seed], "expected_per_view_s");
    let regret = |who: usize, seed: usize| value(oracle, seed) - value(who, seed);
    let row = |who: usize| {
        let by_seed: Vec<Figures> = (0..found[who].len())
            .map(|seed| {
                let share =
                    |of: Option<usize>| of.map_or(f64::NAN, |of| regret(who, seed) / regret(of, seed));
                vec![
                    ("regret_s", regret(who, seed)),
                    ("step_regret_s", figure(&found[who][seed], "step_regret_s")),
                    ("share_of_weights_daily", share(named(DAILY_WEIGHTS))),
                    ("share_of_all_daily", share(named(DAILY_ALL))),
                ]
            })
            .collect();
        Row::of(&contenders[who].name, by_seed.iter().map(Vec::as_slice))
    };
    (0..contenders.len()).map(row).collect()
}

fn figure(figures: &Figures, name: &str) -> f64 {
    figures
        .iter()
        .find(|(known, _)| *known == name)
        .map_or(f64::NAN, |(_, value)| *value)
}

fn headline(regrets: &[Row], closed_loop: &Table) -> Vec<(String, f64)> {
    let of = |rows: &[Row], who: &str, figure: &str| {
        let row = rows.iter().find(|row| row.name == who)?;
        row.interval(figure).map(|interval| interval.mean)
    };
    let mut figures = Vec::new();
    let mut put =
        |name: &str, value: Option<f64>| figures.extend(value.map(|value| (format!("sim.{name}"), value)));
    put("regret_s.at_once", of(regrets, ONLINE, "regret_s"));
    put("regret_s.weights_daily", of(regrets, DAILY_WEIGHTS, "regret_s"));
    put("regret_s.all_daily", of(regrets, DAILY_ALL, "regret_s"));
    put(
        "regret_share.weights_daily",
        of(regrets, ONLINE, "share_of_weights_daily"),
    );
    put(
        "regret_share.all_daily",
        of(regrets, ONLINE, "share_of_all_daily"),
    );
    for name in WATCHED {
        put(name, of(&closed_loop.rows, ONLINE, name));
    }
    figures.retain(|(_, value)| value.is_finite());
    figures
}
