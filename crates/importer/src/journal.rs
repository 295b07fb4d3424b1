//! What was uploaded before, so that an import can be run again: one JSON line a step, appended, the last one wins.
//!
//! A file is known by its path, size and time of change; a changed file is a new one. Lines of another server's import
//! are skipped. A line that a crash cut short is ignored: its file is uploaded again.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};
use types::VideoId;

use crate::ImportError;

/// How far a file got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Step {
    /// Has an upload session; some parts may be there.
    Opened,
    /// The server has all of it; processing may still run.
    Submitted,
    /// Published or rejected: nothing to do again.
    Done,
}

/// What makes a file the same file.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FileKey {
    path: PathBuf,
    pub(crate) size_bytes: u64,
    changed_ms: u64,
}

impl FileKey {
    /// The key of the file at `path` as it is now.
    pub(crate) fn of(path: &Path) -> Result<Self, ImportError> {
        let absolute = std::fs::canonicalize(path).map_err(ImportError::file(path))?;
        let metadata = std::fs::metadata(&absolute).map_err(ImportError::file(path))?;
        let changed = metadata
            .modified()
            .ok()
            .and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let changed_ms = changed.unwrap_or_default().as_millis() as u64;
        Ok(Self {
            path: absolute,
            size_bytes: metadata.len(),
            changed_ms,
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    server: String,
    #[serde(flatten)]
    file: FileKey,
    video_id: VideoId,
    step: Step,
}

/// The journal of one creator on one data folder.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    file: File,
    server: String,
    known: HashMap<FileKey, (VideoId, Step)>,
}

impl Journal {
    /// Opens `<data>/imports/NAME.jsonl`, reading what it says about `server`.
    pub(crate) fn open(data: &Path, creator: &str, server: &str) -> Result<Self, ImportError> {
        let folder = data.join("imports");
        std::fs::create_dir_all(&folder).map_err(ImportError::file(&folder))?;
        let path = folder.join(format!("{creator}.jsonl"));
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let lines = text
            .lines()
            .filter_map(|line| serde_json::from_str::<Line>(line).ok());
        let known = lines
            .filter(|line| line.server == server)
            .map(|line| (line.file, (line.video_id, line.step)))
            .collect();
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .map_err(ImportError::file(&path))?;
        Ok(Self {
            path,
            file,
            server: server.to_owned(),
            known,
        })
    }

    /// How far the file got, if it was begun.
    pub(crate) fn step_of(&self, file: &FileKey) -> Option<(VideoId, Step)> {
        self.known.get(file).copied()
    }

    /// Writes down that the file got to `step`.
    pub(crate) fn record(
        &mut self,
        file: &FileKey,
        video_id: VideoId,
        step: Step,
    ) -> Result<(), ImportError> {
        let line = Line {
            server: self.server.clone(),
            file: file.clone(),
            video_id,
            step,
        };
        // These types always become JSON; an empty line would be ignored on reading.
        let text = serde_json::to_string(&line).unwrap_or_default();
        // A leading line break ends a line that a crash cut short.
        self.file
            .write_all(format!("\n{text}\n").as_bytes())
            .map_err(ImportError::file(&self.path))?;
        self.known.insert(file.clone(), (video_id, step));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(path: &str, size_bytes: u64) -> FileKey {
        FileKey {
            path: path.into(),
            size_bytes,
            changed_ms: 5,
        }
    }

    #[test]
    fn the_last_line_wins_and_a_cut_line_is_ignored() {
        let data = tempfile::tempdir().expect("a temporary folder");
        let (one, two) = (VideoId::from_raw(1), VideoId::from_raw(2));
        let open = |server| Journal::open(data.path(), "mina", server).expect("a journal");
        let mut journal = open("http://a");
        journal.record(&key("x", 9), one, Step::Opened).expect("written");
        journal
            .record(&key("x", 9), one, Step::Submitted)
            .expect("written");
        OpenOptions::new()
            .append(true)
            .open(data.path().join("imports/mina.jsonl"))
            .and_then(|mut file| file.write_all(b"{\"server\":\"http://a\",\"pa"))
            .expect("a cut line");
        open("http://a")
            .record(&key("y", 9), two, Step::Opened)
            .expect("written");

        let rows = [
            ("http://a", key("x", 9), Some((one, Step::Submitted))),
            ("http://a", key("x", 8), None),
            ("http://a", key("y", 9), Some((two, Step::Opened))),
            ("http://b", key("x", 9), None),
        ];
        for (server, file, expect) in rows {
            assert_eq!(open(server).step_of(&file), expect, "{server} {file:?}");
        }
    }
}
