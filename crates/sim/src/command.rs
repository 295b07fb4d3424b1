//! The simulator from the command line: `riffle-sim EXPERIMENT [--world small|standard] [--seeds 1,2,3] [--threads N]
//! [--only NAME,…] [--set NAME=VALUE]… [--out FOLDER]`. Prints tables and, as its last line, the headline figures as one JSON object; with a folder, writes
//! tables as JSON and CSV and charts as SVG there too. Which run has ended is told on the standard error.

use std::path::PathBuf;

use crate::behaviour::behaviour;
use crate::config::WorldConfig;
use crate::experiment::{Findings, Setup, contenders};
use crate::run::run;
use crate::world::{World, WorldError};

/// Worlds that run at the same time unless it is said.
const THREADS: usize = 2;
/// Enough for an interval.
const SEEDS: [u64; 3] = [1, 2, 3];

/// Why there are no findings.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    #[error(
        "usage: riffle-sim report|describe|compare|delay|switch|event|off-policy [--world small|standard] [--seeds 1,2,3] [--threads N] [--only NAME,…] [--set NAME=VALUE]… [--out FOLDER]"
    )]
    Usage,
    #[error("--set takes a setting of the model and its new value, such as adam.rate=1e-3; not {0:?}")]
    Setting(String),
    #[error(transparent)]
    World(#[from] WorldError),
    #[error("writing {path}")]
    Write { path: PathBuf, source: std::io::Error },
}

struct Arguments {
    experiment: String,
    setup: Setup,
    out: Option<PathBuf>,
}

/// Runs the command and returns what it found; also written into `--out`.
pub fn command(arguments: impl Iterator<Item = String>) -> Result<String, CommandError> {
    let Arguments {
        experiment,
        setup,
        out,
    } = parse(arguments)?;
    let findings = match experiment.as_str() {
        "describe" => return describe(&setup),
        "report" => setup.report()?,
        "compare" => setup.compare()?,
        "delay" => setup.delay()?,
        "switch" => setup.switch()?,
        "event" => setup.event()?,
        "off-policy" => setup.off_policy()?,
        _ => return Err(CommandError::Usage),
    };
    if let Some(folder) = out {
        write(&folder, &experiment, &findings)?;
    }
    Ok(format!("{}{}\n", findings.markdown(), findings.figures()))
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Arguments, CommandError> {
    let experiment = arguments.next().ok_or(CommandError::Usage)?;
    let mut setup = Setup {
        seeds: SEEDS.to_vec(),
        config: WorldConfig::standard,
        threads: THREADS,
        model: ranking::config(),
        only: Vec::new(),
        told: |who, seed| eprintln!("{who}, seed {seed}"),
    };
    let mut out = None;
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or(CommandError::Usage)?;
        let many = || value.split(',').map(str::to_owned);
        match name.as_str() {
            "--world" if value == "small" => setup.config = WorldConfig::small,
            "--world" if value == "standard" => setup.config = WorldConfig::standard,
            "--seeds" => {
                let seeds: Result<Vec<u64>, _> = many().map(|seed| seed.parse()).collect();
                setup.seeds = seeds.map_err(|_| CommandError::Usage)?;
            }
            "--threads" => setup.threads = value.parse().map_err(|_| CommandError::Usage)?,
            "--only" => setup.only = many().collect(),
            "--set" => set(&mut setup.model, &value)?,
            "--out" => out = Some(PathBuf::from(value)),
            _ => return Err(CommandError::Usage),
        }
    }
    Ok(Arguments {
        experiment,
        setup,
        out,
    })
}

/// Replaces one of the model's settings.
fn set(config: &mut model::Config, setting: &str) -> Result<(), CommandError> {
    let refused = || CommandError::Setting(setting.to_owned());
    let (name, value) = setting.split_once('=').ok_or_else(refused)?;
    let mut json = serde_json::to_value(&*config).map_err(|_| refused())?;
    let place = json.pointer_mut(&format!("/{}", name.replace('.', "/")));
    *place.ok_or_else(refused)? = serde_json::from_str(value).map_err(|_| refused())?;
    *config = serde_json::from_value(json).map_err(|_| refused())?;
    config.check().map_err(|_| refused())
}

/// How people behave under each policy, in the world of the first seed.
fn describe(setup: &Setup) -> Result<String, CommandError> {
    let seed = setup.seeds.first().copied().ok_or(CommandError::Usage)?;
    let world = World::new((setup.config)(seed))?;
    let mut text = String::new();
    for contender in contenders(&setup.model) {
        if setup.only.is_empty()
            || setup
                .only
                .iter()
                .any(|name| contender.name.starts_with(name.as_str()))
        {
            let people = behaviour(&run(&world, contender.policy().as_mut()));
            text += &format!("== {}, seed {seed}\n{}\n", contender.name, people.describe());
        }
    }
    Ok(text)
}

fn write(folder: &std::path::Path, experiment: &str, findings: &Findings) -> Result<(), CommandError> {
    let put = |name: String, text: String| {
        let path = folder.join(name);
        std::fs::write(&path, text).map_err(|source| CommandError::Write { path, source })
    };
    std::fs::create_dir_all(folder).map_err(|source| CommandError::Write {
        path: folder.to_owned(),
        source,
    })?;
    put(format!("{experiment}.json"), format!("{:#}\n", findings.json()))?;
    put(format!("{experiment}.md"), findings.markdown())?;
    for table in &findings.tables {
        put(format!("{}.csv", table.title.replace(' ', "-")), table.csv())?;
    }
    findings
        .charts
        .iter()
        .try_for_each(|(name, chart)| put(format!("{name}.svg"), chart.svg()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run_with(words: &[&str]) -> Result<String, CommandError> {
        command(words.iter().map(|word| (*word).to_owned()))
    }

    #[test]
    fn wrong_words_get_the_usage() {
        for words in [
            &[][..],
            &["dance"],
            &["compare", "--seeds"],
            &["compare", "--seeds", "x"],
            &["compare", "--world", "flat"],
        ] {
            assert!(matches!(run_with(words), Err(CommandError::Usage)), "{words:?}");
        }
    }

    #[test]
    fn a_comparison_is_printed_and_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().to_str().expect("a plain path");
        let words = [
            "switch", "--world", "small", "--seeds", "1", "--only", "uniform", "--out", path,
        ];
        let text = run_with(&words).expect("it runs");
        assert!(text.contains("videos_p50"));
        for name in ["switch.json", "switch.md", "taste-switch.csv", "taste-switch.svg"] {
            assert!(folder.path().join(name).exists(), "{name} is missing");
        }
    }
}
