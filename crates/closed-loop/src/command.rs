//! The closed loop from the command line: `riffle-closed-loop month|event [--world village|standard] [--seeds 1,2] [--out FOLDER]`. Prints tables
//! and, as its last line, the headline figures as one JSON object; with a folder, writes tables as JSON and CSV and charts as
//! SVG there too. What is done is told on the standard error.

use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::{Value, json};
use sim::WorldConfig;
use sim::plot::Chart;
use sim::report::Table;

use crate::error::LoopError;
use crate::event::{self, Found};
use crate::month::{self, Month, Told};
use crate::report;

const SEEDS: [u64; 2] = [1, 2];

struct Arguments {
    question: String,
    is_village: bool,
    seeds: Vec<u64>,
    out: Option<PathBuf>,
}

/// What a question's answer consists of.
pub(crate) struct Answer {
    pub tables: Vec<Table>,
    pub charts: Vec<(&'static str, Chart)>,
    /// Name and value of what is compared from one version to the next.
    pub headline: Vec<(&'static str, f64)>,
}

/// Runs the command and returns what it found; also written into `--out`.
///
/// # Errors
/// Unknown words, and whatever ends a life early.
pub fn command(arguments: impl Iterator<Item = String>) -> Result<String, LoopError> {
    let arguments = parse(arguments)?;
    let answer = match arguments.question.as_str() {
        "month" => months(&arguments)?,
        "event" => events(&arguments)?,
        _ => return Err(LoopError::Usage),
    };
    if let Some(folder) = &arguments.out {
        write(folder, &arguments.question, &answer)?;
    }
    let tables: String = answer
        .tables
        .iter()
        .map(|table| table.markdown() + "\n")
        .collect();
    Ok(format!("{tables}{}\n", headline(&answer)))
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Arguments, LoopError> {
    let mut parsed = Arguments {
        question: arguments.next().ok_or(LoopError::Usage)?,
        is_village: false,
        seeds: SEEDS.to_vec(),
        out: None,
    };
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or(LoopError::Usage)?;
        match (name.as_str(), value.as_str()) {
            ("--world", "village") => parsed.is_village = true,
            ("--world", "standard") => parsed.is_village = false,
            ("--seeds", seeds) => {
                let seeds: Result<Vec<u64>, _> = seeds.split(',').map(str::parse).collect();
                parsed.seeds = seeds.map_err(|_| LoopError::Usage)?;
            }
            ("--out", folder) => parsed.out = Some(PathBuf::from(folder)),
            _ => return Err(LoopError::Usage),
        }
    }
    Ok(parsed)
}

fn months(arguments: &Arguments) -> Result<Answer, LoopError> {
    let world: fn(u64) -> WorldConfig = match arguments.is_village {
        true => month::village,
        false => month::standard,
    };
    let mut lived: Vec<(Vec<Month>, Told)> = Vec::new();
    for seed in &arguments.seeds {
        let config = world(*seed);
        let began = Instant::now();
        let (product, told) = month::product(&config, month::PACE)?;
        eprintln!("the product, seed {seed}: {:.0} s", began.elapsed().as_secs_f64());
        let began = Instant::now();
        let mut contenders = vec![product];
        contenders.extend(month::others(&config)?);
        eprintln!("the others, seed {seed}: {:.0} s", began.elapsed().as_secs_f64());
        lived.push((contenders, told));
    }
    Ok(report::months(&arguments.seeds, &lived))
}

fn events(arguments: &Arguments) -> Result<Answer, LoopError> {
    let mut found: Vec<Found> = Vec::new();
    for seed in &arguments.seeds {
        let began = Instant::now();
        found.push(event::evening(&event::standard(*seed))?);
        eprintln!("an evening, seed {seed}: {:.0} s", began.elapsed().as_secs_f64());
    }
    Ok(report::events(&arguments.seeds, &found))
}

fn headline(answer: &Answer) -> Value {
    let rounded = |value: f64| (value * 1e5).round() / 1e5;
    let figures = answer
        .headline
        .iter()
        .map(|(name, value)| ((*name).to_owned(), json!(rounded(*value))));
    Value::Object(figures.collect())
}

fn write(folder: &Path, question: &str, answer: &Answer) -> Result<(), LoopError> {
    std::fs::create_dir_all(folder).map_err(LoopError::io("making the folder"))?;
    let put = |name: String, text: String| {
        std::fs::write(folder.join(name), text).map_err(LoopError::io("writing what was found"))
    };
    let tables: Vec<Value> = answer.tables.iter().map(Table::json).collect();
    let json = json!({"tables": tables, "figures": headline(answer)});
    put(format!("closed-loop-{question}.json"), format!("{json:#}\n"))?;
    for table in &answer.tables {
        put(format!("{}.csv", table.title.replace(' ', "-")), table.csv())?;
    }
    answer
        .charts
        .iter()
        .try_for_each(|(name, chart)| put(format!("{name}.svg"), chart.svg()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_words_get_the_usage() {
        for words in [
            &[][..],
            &["dance"],
            &["month", "--seeds"],
            &["month", "--seeds", "x"],
            &["month", "--world", "flat"],
        ] {
            let done = command(words.iter().map(|word| (*word).to_owned()));
            assert!(matches!(done, Err(LoopError::Usage)), "{words:?}");
        }
    }
}
