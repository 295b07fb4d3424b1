//! What can be typed after `riffle`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// A complete short-video platform in one binary.
#[derive(Debug, Parser)]
#[command(version, about)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run everything: web client, API, media workers, jobs.
    Serve(ServeOptions),
    /// Upload a folder of videos as one creator, through the public API of a running server.
    Import(ImportOptions),
    /// Make the demo clips and upload them, through the public API of a running server.
    Demo(DemoOptions),
    /// Print the OpenAPI document.
    Openapi,
    /// Print the settings in force, after file and environment.
    Config(ConfigOptions),
}

#[derive(Debug, Args)]
pub struct ConfigOptions {
    /// Settings that replace single defaults.
    #[arg(long, env = "RIFFLE_CONFIG")]
    pub config: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct ServeOptions {
    /// Where everything is kept; made when absent.
    #[arg(long, default_value = "data", env = "RIFFLE_DATA")]
    pub data: PathBuf,
    /// Address and port; port 0 takes a free one.
    #[arg(long)]
    pub listen: Option<String>,
    /// Settings that replace single defaults.
    #[arg(long, env = "RIFFLE_CONFIG")]
    pub config: Option<PathBuf>,
    /// Write the bound address into this file once ready.
    #[arg(long)]
    pub address_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct ImportOptions {
    /// Videos, with subfolders.
    pub folder: PathBuf,
    /// Username of the creator; the account is made when absent.
    #[arg(long)]
    pub creator: String,
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    pub server: String,
    /// Where the creator's secret and the import's journal are kept.
    #[arg(long, default_value = "data", env = "RIFFLE_DATA")]
    pub data: PathBuf,
}

#[derive(Debug, Args)]
pub struct DemoOptions {
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    pub server: String,
    /// Where the demo creators' secrets and the clips are kept.
    #[arg(long, default_value = "data", env = "RIFFLE_DATA")]
    pub data: PathBuf,
}
