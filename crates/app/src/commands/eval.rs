//! `riffle eval`: the protocols of `evaluation` over recorded data. The last line of the output is one JSON object.
//!
//! Nothing of the server's data is read or written.

use std::path::Path;
use std::process::ExitCode;

use evaluation::{prequential, ranking};
use serde::Serialize;

use crate::cli::{DelaysOptions, EvalCommand, EvalOptions, PrequentialOptions, RankingOptions};
use crate::error::AppError;

pub fn run(options: &EvalOptions) -> Result<ExitCode, AppError> {
    match &options.command {
        EvalCommand::Prequential(options) => print_line(&prequential::run(&prequential_args(options))?),
        EvalCommand::Delays(options) => delays(options),
        EvalCommand::Ranking(options) => print_line(&ranking::run(&ranking_args(options))?),
    }
}

fn prequential_args(options: &PrequentialOptions) -> prequential::Args {
    let mut args = prequential::Args::new(options.data.folders.clone(), options.label, options.refresh);
    args.against.clone_from(&options.against);
    args.cold_start = options.cold_start;
    args.eval_users.clone_from(&options.data.eval_users);
    args.seed = options.seed;
    args
}

fn ranking_args(options: &RankingOptions) -> ranking::Args {
    ranking::Args {
        data: options.data.folders.clone(),
        eval_users: options.data.eval_users.clone(),
        split: match options.validation {
            true => ranking::Split::Validation,
            false => ranking::Split::Test,
        },
        baselines: options.baselines,
    }
}

fn delays(options: &DelaysOptions) -> Result<ExitCode, AppError> {
    let folders = options.data.folders.clone();
    let mut args = prequential::Args::new(folders, options.label, prequential::Refresh::Event);
    args.eval_users.clone_from(&options.data.eval_users);
    args.seed = options.seed;
    let curve = prequential::delay_curve(&args, &prequential::DELAYS_MS)?;
    if let Some(path) = &options.csv {
        write(path, &curve.csv())?;
    }
    if let Some(path) = &options.svg {
        write(path, &curve.svg())?;
    }
    print_line(&curve)
}

fn write(path: &Path, text: &str) -> Result<(), AppError> {
    std::fs::write(path, text).map_err(AppError::io("write", path))
}

fn print_line(report: &impl Serialize) -> Result<ExitCode, AppError> {
    let line = serde_json::to_string(report).map_err(AppError::start("writing the report"))?;
    println!("{line}");
    Ok(ExitCode::SUCCESS)
}
