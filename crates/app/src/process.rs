//! The running server as the machine and other commands see it: its pages of memory, a file with its process number, and a signal
//! that asks for checkpoints.

use std::path::{Path, PathBuf};

use rustix::process::{Pid, Signal, kill_process};

use crate::error::AppError;

/// Removed when the server ends in order; dropping this does it.
pub struct PidFile(PathBuf);

/// Keeps the kernel from backing this process's memory with huge pages. The allocator allows them, and the kernel then fills up
/// every 2 MB in which a single page is in use: memory grows for half an hour without anybody asking for it (a third more at
/// 20 000 events a second). A kernel that does not know the switch changes nothing.
pub fn refuse_huge_pages() {
    if let Err(error) = rustix::thread::disable_transparent_huge_pages(true) {
        tracing::debug!(%error, "huge pages cannot be switched off");
    }
}

fn path(data: &Path) -> PathBuf {
    data.join("riffle.pid")
}

impl PidFile {
    /// Notes this process as the server of `data`.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(data: &Path) -> Result<Self, AppError> {
        let file = path(data);
        std::fs::write(&file, format!("{}\n", std::process::id()))
            .map_err(AppError::io("write the process file", &file))?;
        Ok(Self(file))
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.0) {
            tracing::warn!(%error, "the process file could not be removed");
        }
    }
}

/// Asks the server of `data` for a checkpoint of every job.
///
/// # Errors
/// When no server runs there.
pub fn checkpoint_request(data: &Path) -> Result<(), AppError> {
    let missing = || AppError::Settings {
        what: format!(
            "no server runs on {}; start one with `riffle serve`",
            data.display()
        ),
    };
    let text = std::fs::read_to_string(path(data)).map_err(|_| missing())?;
    let number: i32 = text.trim().parse().map_err(|_| missing())?;
    // A number left over from a killed server may belong to anybody by now.
    let name = std::fs::read_to_string(format!("/proc/{number}/comm")).map_err(|_| missing())?;
    if name.trim() != "riffle" {
        return Err(missing());
    }
    let process = Pid::from_raw(number).ok_or_else(missing)?;
    kill_process(process, Signal::USR1).map_err(|source| AppError::Io {
        what: "signal the server of",
        path: data.display().to_string(),
        source: source.into(),
    })
}
