//! The `riffle` binary: a table of commands.

use std::process::ExitCode;

use app::cli::{Cli, Command};
use app::commands;
use clap::Parser;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Serve(options) => commands::serve::run(&options),
        Command::Import(options) => commands::import::run(&options),
        Command::Demo(options) => commands::demo::run(&options),
        Command::Jobs(options) => commands::jobs::run(&options),
        Command::Log(options) => commands::log::run(&options),
        Command::Admin(options) => commands::admin::run(&options),
        Command::Eval(options) => commands::eval::run(&options),
        Command::Features(options) => commands::features::run(&options),
        Command::Feed(options) => commands::feed::run(&options),
        Command::Openapi => commands::openapi::run(),
        Command::Config(options) => commands::config::run(&options),
    };
    done.unwrap_or_else(|error| {
        eprintln!("riffle: {error}");
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            eprintln!("  because: {cause}");
            source = cause.source();
        }
        ExitCode::FAILURE
    })
}
