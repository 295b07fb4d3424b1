//! Why an import cannot go on. A file that is rejected is no error: it stands in the summary with its reason.

use std::path::PathBuf;

/// What stopped the whole import, in words for the person at the terminal.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error("`{url}` is not a server address: expected http://host:port")]
    ServerUrl { url: String },
    #[error("no answer to {what}; is `riffle serve` running there?")]
    Unreachable { what: String, source: Box<ureq::Error> },
    #[error("{what} was refused with status {status} ({code}): {message}")]
    Refused {
        what: String,
        status: u16,
        code: String,
        message: String,
    },
    #[error("the answer to {what} is not what this version expects; are client and server of one version?")]
    Answer { what: String, source: serde_json::Error },
    #[error("`{name}` cannot be a creator's name")]
    Username {
        name: String,
        source: types::UsernameError,
    },
    #[error("the name `{name}` is taken and {secret} has no password for it; choose another --creator")]
    NameTaken { name: String, secret: PathBuf },
    #[error("the password in {secret} is not the one of `{name}`; restore it or choose another --creator")]
    SecretWrong { name: String, secret: PathBuf },
    #[error("there is no video file in {folder} (looked for {extensions})")]
    NoVideos { folder: PathBuf, extensions: String },
    #[error("cannot read or write {path}")]
    File { path: PathBuf, source: std::io::Error },
    #[error("ffmpeg could not make the demo clip {clip}: {reason}")]
    Demo { clip: String, reason: String },
}

impl ImportError {
    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }

    /// True when the fault lies in this one file, so that the others may go on.
    pub(crate) fn is_about_one_file(&self) -> bool {
        matches!(
            self,
            Self::Refused {
                status: 400 | 413 | 415 | 422,
                ..
            } | Self::File { .. }
        )
    }
}
