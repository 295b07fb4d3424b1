//! `riffle feed pipeline` and `riffle feed explain USER`: what a running server's feed is made of, and one request of it stage by stage. It
//! asks the server, as an admin; it opens nothing itself.

use std::fmt::Write as _;
use std::process::ExitCode;

use api::{FeedCandidate, FeedExplained, FeedRecipe, FeedStage};
use importer::{Operator, encoded};

use crate::cli::{FeedCommand, FeedOptions};
use crate::error::AppError;

/// Holds the admin's password; an argument would be seen by everybody on the machine.
const PASSWORD: &str = "RIFFLE_PASSWORD";

pub fn run(options: &FeedOptions) -> Result<ExitCode, AppError> {
    let password = std::env::var(PASSWORD).map_err(|_| AppError::Settings {
        what: format!("{PASSWORD} must hold the password of {}", options.admin),
    })?;
    let operator = Operator::sign_in(&options.server, &options.admin, &password)?;
    match &options.command {
        FeedCommand::Pipeline => print!("{}", recipe(&operator.get("/api/v1/admin/feed/pipeline")?)),
        FeedCommand::Explain {
            user,
            count,
            region,
            json,
        } => {
            let mut path = format!("/api/v1/admin/feed/explain?user={}&count={count}", encoded(user));
            if let Some(region) = region {
                let _ = write!(path, "&region={}", encoded(region));
            }
            if *json {
                let told: serde_json::Value = operator.get(&path)?;
                println!("{told:#}");
            } else {
                print!("{}", explained(&operator.get(&path)?));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn recipe(recipe: &FeedRecipe) -> String {
    let mut out = String::new();
    for stage in &recipe.stages {
        let share = match (stage.switchable, stage.share) {
            (false, _) => "always".to_owned(),
            (true, share) => format!("{:.0} %", share * 100.0),
        };
        let _ = writeln!(
            out,
            "{:<15} {:<14} {:>7}  {}",
            stage.kind, stage.name, share, stage.about
        );
    }
    out
}

fn explained(told: &FeedExplained) -> String {
    let mut out = format!(
        "viewer {}: {} watches, follows {}, {} µs in all\n",
        told.viewer, told.watches, told.following, told.took_us
    );
    let leanings = told.leanings.iter();
    let leanings: Vec<String> = leanings
        .map(|one| format!("{} {:+.2}", one.what, one.strength))
        .collect();
    let _ = writeln!(out, "leans to: {}\n", leanings.join(", "));
    let _ = writeln!(
        out,
        "{:<15} {:<14} {:>7} {:>7} {:>8}",
        "kind", "stage", "before", "after", "µs"
    );
    told.stages
        .iter()
        .for_each(|stage| out.push_str(&stage_line(stage)));
    if let Some(slate) = &told.slate {
        let _ = writeln!(
            out,
            "\npage worth {:.3} of at most {:.3}; the region costs {:.4}, exploring {:.4}; gave way: {}",
            slate.value,
            slate.bound,
            slate.price_regional,
            slate.price_exploring,
            none_or(&slate.relaxed)
        );
    }
    let _ = writeln!(
        out,
        "\n{:>4} {:<13} {:>6} {:>6} {:<28} creator: caption",
        "at", "video", "score", "light", "sources"
    );
    told.top.iter().for_each(|one| out.push_str(&candidate_line(one)));
    out
}

fn stage_line(stage: &FeedStage) -> String {
    let removed = stage.removed.iter();
    let removed: Vec<String> = removed
        .map(|one| format!("{} {}", one.reason, one.count))
        .collect();
    let end = match (stage.end.as_str(), &stage.error) {
        ("done", _) => String::new(),
        (end, Some(error)) => format!("{end}: {error}"),
        (end, None) => end.to_owned(),
    };
    let line = format!(
        "{:<15} {:<14} {:>7} {:>7} {:>8}  {} {end}",
        stage.kind,
        stage.name,
        stage.before,
        stage.after,
        stage.took_us,
        removed.join(", ")
    );
    line.trim_end().to_owned() + "\n"
}

fn candidate_line(one: &FeedCandidate) -> String {
    let at = one
        .position
        .map_or_else(|| "-".to_owned(), |position| position.to_string());
    let explored = match one.explored {
        true => format!(" (explores, {:.4})", one.propensity),
        false => String::new(),
    };
    format!(
        "{at:>4} {:<13} {:>6.3} {:>6.3} {:<28} {}: {}{explored}\n",
        one.video.to_string(),
        one.score,
        one.light,
        one.sources.join(" "),
        one.creator,
        one.caption.lines().next().unwrap_or_default()
    )
}

fn none_or(names: &[String]) -> String {
    match names {
        [] => "nothing".to_owned(),
        names => names.join(", "),
    }
}
