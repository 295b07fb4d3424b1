//! `riffle import`: every video of a folder through the public API, as one creator.
//!
//! Files go one after another, their parts in parallel; processing of earlier files runs meanwhile, bounded.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant};

use api::{ClientConfig, Limits, Video, VideoStatus};
use types::VideoId;

use crate::account::Account;
use crate::client::Client;
use crate::files::{VideoFile, videos};
use crate::journal::{FileKey, Journal, Step};
use crate::progress::{Progress, Unit};
use crate::upload::upload;
use crate::{ImportError, Outcome, Summary};

/// Submitted videos that may wait for processing before the next file is sent.
const PENDING_MAX: usize = 16;
const POLL_MS: u64 = 250;
/// How long one video may take from its submission; long films on a small machine need minutes.
const PROCESSED_SECONDS_MAX: u64 = 30 * 60;

/// What to import, to where, as whom.
#[derive(Debug, Clone)]
pub struct ImportOptions {
    /// `http://host:port`.
    pub server: String,
    /// Where the creator's secret and the journal live.
    pub data: PathBuf,
    pub folder: PathBuf,
    /// A username; the account is opened when it does not exist.
    pub creator: String,
}

/// Imports a folder. Running it again uploads only what is new or was cut short.
pub fn import(options: &ImportOptions) -> Result<Summary, ImportError> {
    let files = videos(&options.folder)?;
    let creator = Creator::sign_in(&options.server, &options.data, &options.creator, &options.creator)?;
    let bytes = files
        .iter()
        .map(|file| file.path.metadata().map_or(0, |about| about.len()))
        .sum();
    let progress = Rc::new(Progress::new(bytes, Unit::Bytes));
    let mut run = Run::new(creator, progress.clone());
    for (number, file) in files.iter().enumerate() {
        progress.now(format!(
            "file {} of {}: {}",
            number + 1,
            files.len(),
            file.path.display()
        ));
        run.file(file)?;
    }
    progress.now("waiting for processing".to_owned());
    let summary = run.finish();
    progress.finish();
    summary
}

/// A signed-in creator with a journal.
pub(crate) struct Creator {
    pub(crate) client: Client,
    pub(crate) account: Account,
    journal: Journal,
    limits: Limits,
}

impl Creator {
    pub(crate) fn sign_in(
        server: &str,
        data: &Path,
        name: &str,
        display_name: &str,
    ) -> Result<Self, ImportError> {
        let client = Client::new(server)?;
        let config: ClientConfig = client.get("/api/v1/config")?;
        let account = Account::open(&client, data, name, display_name)?;
        let journal = Journal::open(data, &account.name, client.origin())?;
        Ok(Self {
            client,
            account,
            journal,
            limits: config.limits,
        })
    }
}

struct Pending {
    path: PathBuf,
    key: FileKey,
    video_id: VideoId,
    deadline: Instant,
}

/// An import under way.
pub(crate) struct Run {
    creator: Creator,
    progress: Rc<Progress>,
    pending: VecDeque<Pending>,
    summary: Summary,
}

impl Run {
    pub(crate) fn new(creator: Creator, progress: Rc<Progress>) -> Self {
        Self {
            creator,
            progress,
            pending: VecDeque::new(),
            summary: Summary::default(),
        }
    }

    /// Uploads one file, or passes over it when that was done before.
    pub(crate) fn file(&mut self, file: &VideoFile) -> Result<(), ImportError> {
        let key = FileKey::of(&file.path)?;
        let video_id = match self.creator.journal.step_of(&key) {
            Some((_, Step::Done)) => {
                self.progress.bytes_add(key.size_bytes);
                self.ended(file.path.clone(), Outcome::Skipped);
                return Ok(());
            }
            Some((video_id, Step::Submitted)) => video_id,
            Some((video_id, Step::Opened)) if self.is_submitted(video_id)? => video_id,
            Some((_, Step::Opened)) | None => match self.upload(file) {
                Ok(video_id) => video_id,
                Err(error) if error.is_about_one_file() => {
                    self.ended(
                        file.path.clone(),
                        Outcome::Rejected {
                            reason: error.to_string(),
                        },
                    );
                    return Ok(());
                }
                Err(other) => return Err(other),
            },
        };
        let deadline = Instant::now() + Duration::from_secs(PROCESSED_SECONDS_MAX);
        self.pending.push_back(Pending {
            path: file.path.clone(),
            key,
            video_id,
            deadline,
        });
        self.wait_while_more_than(PENDING_MAX)
    }

    /// Whether the server has the metadata of a video whose submission the journal does not know of: a run may end
    /// between the answer and the journal's line.
    fn is_submitted(&self, video_id: VideoId) -> Result<bool, ImportError> {
        match self
            .creator
            .client
            .get::<Video>(&format!("/api/v1/videos/{video_id}"))
        {
            Ok(video) => Ok(video.status != VideoStatus::Uploading),
            Err(ImportError::Refused {
                status: 404 | 410, ..
            }) => Ok(false),
            Err(other) => Err(other),
        }
    }

    /// Uploads; an access token that expired meanwhile is renewed once.
    fn upload(&mut self, file: &VideoFile) -> Result<VideoId, ImportError> {
        let Creator {
            client,
            account,
            journal,
            limits,
        } = &mut self.creator;
        match upload(client, limits, journal, file, &self.progress) {
            Err(ImportError::Refused { status: 401, .. }) => {
                account.sign_in(client)?;
                upload(client, limits, journal, file, &self.progress)
            }
            other => other,
        }
    }

    /// Waits for what is still processed and returns the summary.
    pub(crate) fn finish(mut self) -> Result<Summary, ImportError> {
        self.wait_while_more_than(0)?;
        Ok(self.summary)
    }

    fn wait_while_more_than(&mut self, count: usize) -> Result<(), ImportError> {
        while self.pending.len() > count {
            for _ in 0..self.pending.len() {
                self.look_at_first()?;
            }
            if self.pending.len() > count {
                std::thread::sleep(Duration::from_millis(POLL_MS));
            }
        }
        Ok(())
    }

    /// Asks for the oldest pending video; it goes to the end of the queue while it is processed.
    fn look_at_first(&mut self) -> Result<(), ImportError> {
        let Some(pending) = self.pending.pop_front() else {
            return Ok(());
        };
        let video: Video = match self
            .creator
            .client
            .get(&format!("/api/v1/videos/{}", pending.video_id))
        {
            Ok(video) => video,
            Err(ImportError::Refused { status: 401, .. }) => {
                self.creator.account.sign_in(&self.creator.client)?;
                self.pending.push_front(pending);
                return Ok(());
            }
            Err(other) => return Err(other),
        };
        match outcome_of(&video, pending.deadline) {
            Some(outcome) => {
                self.creator
                    .journal
                    .record(&pending.key, pending.video_id, Step::Done)?;
                self.ended(pending.path, outcome);
            }
            None => self.pending.push_back(pending),
        }
        Ok(())
    }

    fn ended(&mut self, path: PathBuf, outcome: Outcome) {
        let word = match &outcome {
            Outcome::Published => "published",
            Outcome::Skipped => "imported before",
            Outcome::Rejected { .. } => "rejected",
            Outcome::Failed { .. } => "failed",
        };
        self.progress.line(&format!("{word}  {}", path.display()));
        self.summary.files.push((path, outcome));
    }
}

/// What became of a video; `None` while it is processed.
fn outcome_of(video: &Video, deadline: Instant) -> Option<Outcome> {
    let said = || {
        video
            .rejection
            .as_ref()
            .map_or_else(|| "no reason was given".to_owned(), |why| why.message.clone())
    };
    match video.status {
        VideoStatus::Published => Some(Outcome::Published),
        VideoStatus::Rejected => Some(Outcome::Rejected { reason: said() }),
        VideoStatus::Failed => Some(Outcome::Failed { reason: said() }),
        VideoStatus::Uploading | VideoStatus::Processing if Instant::now() > deadline => {
            Some(Outcome::Failed {
                reason: format!("not processed within {PROCESSED_SECONDS_MAX} s"),
            })
        }
        VideoStatus::Uploading | VideoStatus::Processing => None,
    }
}
