//! Measures the running binary, one file a measurement: `riffle-bench --riffle BINARY --root CHECKOUT [NAME] [--json FILE]`.
//!
//! Figures are printed as they come and written as one flat JSON object. They describe this machine at this hour;
//! nothing here passes or fails. Where a figure depends on the disk or the CPU, its floor is measured beside it.
//!
//! | resource | a full run |
//! |---|---|
//! | time | about five minutes on two cores, and a quarter of an hour for `stream`, most of it Flink's |
//! | disk | below 1 GB, with `stream` 3 GB, under `TMPDIR`, which should lie on the disk to be measured |
//! | memory | 256 threads with small stacks and one connection each; for `stream` the 8 GB heap of Flink |

mod feed;
mod figures;
mod first;
mod floor;
mod freshness;
mod ingest;
mod load;
mod media;
mod peers;
mod playback;
mod rank;
mod retrieval;
mod slate;
mod soak;
mod stopwatch;
mod stream;
mod table;
mod train;
mod trainer;
mod wire;

use std::path::PathBuf;
use std::process::ExitCode;

use figures::Figures;

type Bench = fn(&Setup, &mut Figures) -> Result<(), BenchError>;

/// Name and measurement, in the order of a full run.
const BENCHES: [(&str, Bench); 13] = [
    ("first", first::run),
    ("ingest", ingest::run),
    ("freshness", freshness::run),
    ("feed", feed::run),
    ("slate", slate::run),
    ("media", media::run),
    ("playback", playback::run),
    ("stream", stream::run),
    ("table", table::run),
    ("train", train::run),
    ("rank", rank::run),
    ("retrieval", retrieval::run),
    ("trainer", trainer::run),
];

/// Measured only when it is named: it takes half an hour.
const SOAK: (&str, Bench) = ("soak", soak::run);

/// Settings of a server that is measured: one address sends everything, so the rate limits are out of the way.
const UNLIMITED: &str = "[limits]\naddress_per_s = 0\nviewer_per_s = 0\nauth_per_s = 0\nupload_per_s = 0\n";

/// Where the things to measure are.
#[derive(Debug, Default)]
struct Setup {
    riffle: PathBuf,
    root: PathBuf,
    name: Option<String>,
    /// One point of a measurement instead of all.
    only: Option<String>,
    /// Another build of the server, measured in the same rounds.
    against: Option<PathBuf>,
    json: Option<PathBuf>,
    /// How long a soak or a feed bench lasts; events, or pages, a second.
    minutes: Option<f64>,
    rate: Option<f64>,
    /// Size of the feed bench's corpus.
    videos: Option<f64>,
    users: Option<f64>,
}

/// Why a measurement gave no figure.
#[derive(Debug, thiserror::Error)]
enum BenchError {
    #[error(
        "usage: riffle-bench --riffle BINARY --root CHECKOUT [first|ingest|freshness|feed|slate|media|playback|stream|table|rank|retrieval|train|trainer|soak] [--json FILE] [--minutes N] [--rate PER_S] [--videos N] [--users N]"
    )]
    Usage,
    #[error("{what} failed")]
    Io {
        what: &'static str,
        source: std::io::Error,
    },
    #[error("under load came {word} instead of an answer: {text}")]
    Answer { word: &'static str, text: String },
    #[error("{0}: {1}")]
    Peer(&'static str, String),
    #[error("the browser measurement failed: {0}")]
    Playback(String),
}

impl BenchError {
    fn io(what: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io { what, source }
    }
}

/// The floor server lives in this process; it gets the allocator that the real one has.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match setup(std::env::args().skip(1)).and_then(|setup| run(&setup)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let source = std::error::Error::source(&error)
                .map(|source| format!(": {source}"))
                .unwrap_or_default();
            eprintln!("riffle-bench: {error}{source}");
            ExitCode::FAILURE
        }
    }
}

fn setup(mut arguments: impl Iterator<Item = String>) -> Result<Setup, BenchError> {
    let mut setup = Setup::default();
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().map(PathBuf::from).ok_or(BenchError::Usage);
        match argument.as_str() {
            "--riffle" => setup.riffle = value()?,
            "--root" => setup.root = value()?,
            "--against" => setup.against = Some(value()?),
            "--only" => setup.only = Some(arguments.next().ok_or(BenchError::Usage)?),
            "--json" => setup.json = Some(value()?),
            "--minutes" => setup.minutes = Some(number(arguments.next())?),
            "--rate" => setup.rate = Some(number(arguments.next())?),
            "--videos" => setup.videos = Some(number(arguments.next())?),
            "--users" => setup.users = Some(number(arguments.next())?),
            name if BENCHES.iter().chain([&SOAK]).any(|(known, _)| *known == name) => {
                setup.name = Some(argument)
            }
            _ => return Err(BenchError::Usage),
        }
    }
    if setup.riffle.as_os_str().is_empty() || setup.root.as_os_str().is_empty() {
        return Err(BenchError::Usage);
    }
    Ok(setup)
}

fn number(text: Option<String>) -> Result<f64, BenchError> {
    let number = text.and_then(|text| text.parse().ok());
    number
        .filter(|number: &f64| *number > 0.0)
        .ok_or(BenchError::Usage)
}

fn run(setup: &Setup) -> Result<(), BenchError> {
    let mut figures = Figures::default();
    let named = |name: &str| setup.name.as_deref() == Some(name);
    let all = setup.name.is_none();
    let due = BENCHES
        .into_iter()
        .filter(|(name, _)| all || named(name))
        .chain([SOAK].into_iter().filter(|(name, _)| named(name)));
    for (name, bench) in due {
        println!("== {name}");
        bench(setup, &mut figures)?;
    }
    match &setup.json {
        Some(path) => std::fs::write(path, figures.json()).map_err(BenchError::io("writing the figures")),
        None => Ok(()),
    }
}
