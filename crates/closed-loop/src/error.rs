//! Why a life under the simulated clock ended early. Whoever sees one of these has found a fault, of the product or of the loop.

/// See the file's header.
#[derive(Debug, thiserror::Error)]
pub enum LoopError {
    #[error("usage: riffle-closed-loop month|event [--world village|standard] [--seeds 1,2] [--out FOLDER]")]
    Usage,
    #[error(transparent)]
    World(#[from] sim::WorldError),
    #[error(transparent)]
    House(#[from] app::error::AppError),
    #[error("{0}")]
    Io(&'static str, #[source] std::io::Error),
    #[error("no answer to {0}")]
    Silent(String, #[source] Box<ureq::Error>),
    #[error("{what} was answered with {status}: {body}")]
    Refused { what: String, status: u16, body: String },
    #[error("the answer to {0} does not read")]
    Unreadable(String, #[source] serde_json::Error),
    #[error("the feed shows video {0}, which nobody published")]
    UnknownVideo(types::VideoId),
    #[error("a video could not be put into the rows")]
    Rows(#[from] metastore::MetastoreError),
    #[error("{0}")]
    Product(#[from] product::ProductError),
    #[error("the jobs did not catch up with the log within {0} s")]
    Behind(u64),
    #[error("a worker ended before its errand was done")]
    Worker,
}

impl LoopError {
    pub(crate) fn io(what: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io(what, source)
    }
}
