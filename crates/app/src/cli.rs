//! What can be typed after `riffle`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use evaluation::prequential::{Label, Refresh, SEED};

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
    /// Look at the checkpoints of stream jobs, go back to one, or read the log anew.
    Jobs(JobsOptions),
    /// Look into the event log, check it, and mend it after damage.
    Log(LogOptions),
    /// Say who may look after the server; works while it runs.
    Admin(AdminOptions),
    /// Measure the recommender on recorded data; the last line printed is one JSON object.
    Eval(EvalOptions),
    /// Print every feature that the model reads.
    Features(FeaturesOptions),
    /// Look into the feed of a running server, as an admin.
    Feed(FeedOptions),
    /// Print the OpenAPI document.
    Openapi,
    /// Print the settings in force, after file and environment.
    Config(ConfigOptions),
}

#[derive(Debug, Args)]
pub struct EvalOptions {
    #[command(subcommand)]
    pub command: EvalCommand,
}

#[derive(Debug, Subcommand)]
pub enum EvalCommand {
    /// Predict each event from everything before it, then learn from it.
    Prequential(PrequentialOptions),
    /// What it costs to learn later: the same, with everything learned held back for so long.
    Delays(DelaysOptions),
    /// Rank the whole catalogue after a split in time.
    Ranking(RankingOptions),
}

#[derive(Debug, Args)]
pub struct EvalData {
    /// Folder with interactions, history, items and users; several are read as one. The first sets the times of the ranking's split.
    #[arg(long = "data", value_name = "DIR", required = true, num_args = 1..)]
    pub folders: Vec<PathBuf>,
    /// Report on these users only, one id a line; everybody is learned from.
    #[arg(long, value_name = "FILE")]
    pub eval_users: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct PrequentialOptions {
    #[command(flatten)]
    pub data: EvalData,
    /// What is predicted: long_view or is_like.
    #[arg(long)]
    pub label: Label,
    /// When serving weights change: event, 1h, 6h, 24h (any whole hours), or frozen.
    #[arg(long, default_value = "event")]
    pub refresh: Refresh,
    /// Another way to refresh, compared in pairs with an interval; may be repeated.
    #[arg(long, value_name = "REFRESH")]
    pub against: Vec<Refresh>,
    /// Leave the history out.
    #[arg(long)]
    pub cold_start: bool,
    #[arg(long, default_value_t = SEED)]
    pub seed: u64,
}

#[derive(Debug, Args)]
pub struct DelaysOptions {
    #[command(flatten)]
    pub data: EvalData,
    /// What is predicted: long_view or is_like.
    #[arg(long)]
    pub label: Label,
    /// Write the curve as a table into this file.
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,
    /// Draw the curve into this file.
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
    #[arg(long, default_value_t = SEED)]
    pub seed: u64,
}

#[derive(Debug, Args)]
pub struct RankingOptions {
    #[command(flatten)]
    pub data: EvalData,
    /// Evaluate on the validation window, which settings are chosen on.
    #[arg(long)]
    pub validation: bool,
    /// Measure plain methods beside the product's: popularity, recent popularity, ItemKNN, EASE.
    #[arg(long)]
    pub baselines: bool,
}

#[derive(Debug, Args)]
pub struct FeedOptions {
    #[arg(long, default_value = "http://127.0.0.1:8080", global = true)]
    pub server: String,
    /// Username of an admin; RIFFLE_PASSWORD holds the password.
    #[arg(long = "as", value_name = "ADMIN", default_value = "admin", global = true)]
    pub admin: String,
    #[command(subcommand)]
    pub command: FeedCommand,
}

#[derive(Debug, Subcommand)]
pub enum FeedCommand {
    /// Print the stages of For You in their order, what each does, and for which share of viewers.
    Pipeline,
    /// Print one request for a first page, stage by stage: counts, drops with reasons, scores, times. Nothing is noted as served.
    Explain {
        /// A username, or the id of an account or a guest.
        user: String,
        /// Items of the page, 1 to 50.
        #[arg(long, default_value_t = 20)]
        count: u32,
        /// Where they seem to be: two letters, ISO 3166-1.
        #[arg(long)]
        region: Option<String>,
        /// Print JSON instead of tables.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
pub struct FeaturesOptions {
    /// Print JSON instead of a table.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct AdminOptions {
    /// The data folder: whoever can write it decides who is an admin.
    #[arg(long, default_value = "data", env = "RIFFLE_DATA", global = true)]
    pub data: PathBuf,
    #[command(subcommand)]
    pub command: AdminCommand,
}

#[derive(Debug, Subcommand)]
pub enum AdminCommand {
    /// Make an account an admin.
    Grant { username: String },
    /// Take the role back; it ends with the account's next request.
    Revoke { username: String },
    /// Print the admins.
    Ls {
        /// Print every grant and revocation instead, the newest first.
        #[arg(long)]
        changes: bool,
    },
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

#[derive(Debug, Args)]
pub struct JobsOptions {
    /// Where everything is kept.
    #[arg(long, default_value = "data", env = "RIFFLE_DATA", global = true)]
    pub data: PathBuf,
    #[command(subcommand)]
    pub command: JobsCommand,
}

#[derive(Debug, Subcommand)]
pub enum JobsCommand {
    /// Every job with its checkpoints.
    Ls {
        #[arg(long)]
        json: bool,
    },
    /// How far each job's newest checkpoint is behind the log.
    Lag {
        #[arg(long)]
        json: bool,
    },
    /// Ask the running server for a checkpoint of every job, and wait for it.
    Checkpoint,
    /// Make an older checkpoint the newest one again. Stop the server first.
    Restore {
        job: String,
        #[arg(long)]
        version: u64,
    },
    /// Forget a job's state and let it read the log anew. Stop the server first.
    Replay {
        job: String,
        /// Where to begin, as TOPIC:PARTITION:OFFSET; what is not named begins at the start of the log.
        #[arg(long)]
        from: Vec<String>,
    },
}

#[derive(Debug, Args)]
pub struct LogOptions {
    /// Where everything is kept.
    #[arg(long, default_value = "data", env = "RIFFLE_DATA", global = true)]
    pub data: PathBuf,
    /// Settings that replace single defaults; only those of the log matter here.
    #[arg(long, env = "RIFFLE_CONFIG", global = true)]
    pub config: Option<PathBuf>,
    /// Print JSON instead of tables.
    #[arg(long, global = true)]
    pub json: bool,
    #[command(subcommand)]
    pub command: LogCommand,
}

#[derive(Debug, Subcommand)]
pub enum LogCommand {
    /// List the segments with their partitions; works while a server runs.
    Ls {
        /// Print the offsets of every partition too.
        #[arg(long)]
        partitions: bool,
    },
    /// Print the records of one partition as JSON lines; works while a server runs.
    Cat {
        /// views, actions, context, served, videos, examples, or a number.
        #[arg(long)]
        topic: String,
        #[arg(long, default_value_t = 0)]
        partition: u16,
        /// Where to begin; what is no longer kept is passed over.
        #[arg(long, default_value_t = 0)]
        offset: u64,
        /// How many records to print at most.
        #[arg(long, default_value_t = 100)]
        count: u64,
    },
    /// Read everything and check it; ends with 1 when something is damaged. Works while a server runs.
    Verify,
    /// Mend a damaged log: keeps the damaged files, and every record that can still be read. Stop the server first.
    Repair,
}
