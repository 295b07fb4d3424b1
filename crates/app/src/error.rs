//! Why a command ended early, with its causes, for a person at a terminal.

use std::path::Path;

/// See the file's header.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    #[error("cannot {what}: {path}")]
    Io {
        what: &'static str,
        path: String,
        source: std::io::Error,
    },
    #[error("{place} has a mistake")]
    Config { place: String, source: toml::de::Error },
    #[error("{what}")]
    Settings { what: String },
    #[error("cannot start {what}")]
    Start {
        what: &'static str,
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("serving ended")]
    Serve(#[source] std::io::Error),
    #[error(transparent)]
    Admin(#[from] product::ProductError),
    #[error(transparent)]
    Import(#[from] importer::ImportError),
    #[error("the evaluation ended early")]
    Prequential(#[from] evaluation::prequential::PrequentialError),
    #[error("the ranking cannot be evaluated")]
    Ranking(#[from] evaluation::ranking::RankingError),
    #[error("cannot look at the event log")]
    LogInspect(#[from] event_log::inspect::InspectError),
    #[error("cannot mend the event log")]
    LogRepair(#[from] event_log::RepairError),
}

impl AppError {
    pub fn io(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.display().to_string();
        move |source| Self::Io { what, path, source }
    }

    pub fn config(place: &str) -> impl FnOnce(toml::de::Error) -> Self {
        let place = place.to_owned();
        move |source| Self::Config { place, source }
    }

    pub fn start<E: std::error::Error + Send + Sync + 'static>(what: &'static str) -> impl FnOnce(E) -> Self {
        move |source| Self::Start {
            what,
            source: Box::new(source),
        }
    }
}
