//! `riffle config`: the settings in force.

use std::process::ExitCode;

use crate::cli::ConfigOptions;
use crate::config::Config;
use crate::error::AppError;

pub fn run(options: &ConfigOptions) -> Result<ExitCode, AppError> {
    let config = Config::load(options.config.as_deref(), std::env::vars())?;
    let text = toml::to_string_pretty(&config).map_err(|error| AppError::Settings {
        what: format!("the settings do not print: {error}"),
    })?;
    print!("{text}");
    Ok(ExitCode::SUCCESS)
}
