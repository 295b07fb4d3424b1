//! What delay costs in accuracy: area under the ROC curve of completion, told before each view of a uniform stream.

use super::{Findings, Line, Setup, delays, lines};
use crate::config::{DAY_MS, START_MS};
use crate::plot::{Chart, Series};
use crate::report::{Row, Table};
use crate::stats::{Interval, auc};
use crate::world::{World, WorldError};

/// Names of the curve's points in the headline.
const NAMES: [&str; 8] = ["0s", "1s", "10s", "60s", "30min", "5h", "1d", "frozen"];

/// See [`Setup::delay`].
pub(super) fn delay(setup: &Setup) -> Result<Findings, WorldError> {
    let is_chosen = |line: &Line| {
        setup.only.is_empty() || setup.only.iter().any(|name| line.name.starts_with(name.as_str()))
    };
    let lines: Vec<Line> = lines().into_iter().filter(is_chosen).collect();
    // By line, seed and delay.
    let found = setup.each(&lines, |config| config, aucs)?;
    let row = |(place, (delay, _)): (usize, (&str, _))| Row {
        name: delay.to_owned(),
        figures: lines
            .iter()
            .zip(&found)
            .flat_map(|(line, seeds)| {
                let of = |value: &dyn Fn(&Vec<f64>) -> f64| seeds.iter().map(value).collect::<Vec<f64>>();
                [
                    (format!("{}: AUC", line.name), of(&|seed| seed[place])),
                    (
                        format!("{}: below 0 s", line.name),
                        of(&|seed| seed[0] - seed[place]),
                    ),
                ]
            })
            .collect(),
    };
    let table = Table {
        title: "accuracy by delay".to_owned(),
        seeds: setup.seeds.clone(),
        rows: delays().into_iter().enumerate().map(row).collect(),
    };
    let first = lines.first().map(|line| format!("{}: AUC", line.name));
    let point = |(name, row): (&str, &Row)| {
        let interval = first.as_deref().and_then(|first| row.interval(first))?;
        Some((format!("sim.auc.{name}"), interval.mean))
    };
    let headline = NAMES.into_iter().zip(&table.rows).filter_map(point).collect();
    Ok(Findings {
        charts: vec![("delay-auc", chart(&lines, &table))],
        tables: vec![table],
        headline,
    })
}

/// One area a delay.
fn aucs(world: &World, line: &Line) -> Vec<f64> {
    let from_ms = START_MS + i64::from(world.config().warm_up_days) * DAY_MS;
    let mut predicted = line.predictions(world);
    predicted.retain(|(shown_ms, ..)| *shown_ms >= from_ms);
    let of = |place: usize| {
        let mut scored: Vec<(f64, bool)> = predicted
            .iter()
            .map(|(_, said, came)| (said[place].complete, came.completed))
            .collect();
        auc(&mut scored)
    };
    (0..delays().len()).map(of).collect()
}

fn chart(lines: &[Line], table: &Table) -> Chart {
    let point = |(place, row): (usize, &Row), figure: &str| {
        let interval = row.interval(figure);
        let Interval { mean, half } = interval.unwrap_or(Interval {
            mean: f64::NAN,
            half: 0.0,
        });
        (place as f64, mean, half)
    };
    let series = |line: &Line| Series {
        name: line.name.to_owned(),
        points: table
            .rows
            .iter()
            .enumerate()
            .map(|row| point(row, &format!("{}: AUC", line.name)))
            .collect(),
    };
    Chart {
        title: "Prediction of completion by delay".to_owned(),
        x_label: "delay until what was seen takes effect".to_owned(),
        y_label: "AUC".to_owned(),
        x_marks: delays()
            .iter()
            .enumerate()
            .map(|(place, (name, _))| (place as f64, (*name).to_owned()))
            .collect(),
        series: lines.iter().map(series).collect(),
    }
}
