//! Finds the programs and proves, by running them, that the sandbox isolates. Without the proof there is no sandbox.

use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use super::{INPUT, Job, Sandbox, SandboxError, Tool, io};
use crate::limits::JobLimits;

/// Raw sound, so that ffprobe has something it reads without looking for a header.
const CANARY: [u8; 4096] = [1; 4096];

impl Sandbox {
    /// Looks for bubblewrap, ffmpeg and ffprobe on the path and proves that they work together.
    ///
    /// The proof reads a file it is given, fails to read the same file by its real path, and fails to reach a port
    /// that listens on loopback.
    ///
    /// # Errors
    /// [`SandboxError::Missing`], [`SandboxError::NotIsolating`] or [`SandboxError::Incapable`], each with what to
    /// install or allow.
    pub async fn detect() -> Result<Self, SandboxError> {
        let mut sandbox = Self {
            bwrap: find("bwrap", "bubblewrap")?,
            prlimit: find("prlimit", "util-linux")?,
            nice: find("nice", "coreutils")?,
            ffmpeg: find("ffmpeg", "ffmpeg")?,
            ffprobe: find("ffprobe", "ffmpeg")?,
            nested_users_forbidden: true,
        };
        if sandbox.prove().await.is_err() {
            // Bubblewrap before 0.8 has no such option, and some containers forbid what it needs.
            sandbox.nested_users_forbidden = false;
            sandbox.prove().await?;
        }
        sandbox.check_capabilities().await?;
        Ok(sandbox)
    }

    async fn prove(&self) -> Result<(), SandboxError> {
        let mut canary = tempfile::NamedTempFile::new().map_err(io("make a test file for"))?;
        canary.write_all(&CANARY).map_err(io("make a test file for"))?;
        let outside = canary.path().to_string_lossy().into_owned();
        let door = TcpListener::bind("127.0.0.1:0").map_err(io("listen beside"))?;
        door.set_nonblocking(true).map_err(io("listen beside"))?;
        let address = door.local_addr().map_err(io("listen beside"))?;

        self.expect(canary.path(), INPUT, true).await?;
        self.expect(canary.path(), &outside, false).await?;
        self.expect(canary.path(), "/etc/passwd", false).await?;
        self.expect(canary.path(), &format!("tcp://{address}"), false)
            .await?;
        match door.accept() {
            Ok(_) => Err(not_isolating("a child reached the network")),
            Err(_) => Ok(()),
        }
    }

    async fn expect(&self, canary: &Path, target: &str, readable: bool) -> Result<(), SandboxError> {
        let args = ["-v", "error", "-f", "s16le", target].map(str::to_owned).into();
        let job = Job {
            tool: Tool::Ffprobe,
            args,
            input: Some(canary),
            output: None,
            limits: JobLimits::probe(),
        };
        let finished = self.run(&job, &mut |_| {}).await?;
        if finished.status.success() != readable {
            let state = if readable {
                "cannot read its input"
            } else {
                "can read what it must not"
            };
            return Err(not_isolating(&format!(
                "a child {state}: {}",
                finished.stderr_tail.trim()
            )));
        }
        Ok(())
    }

    async fn check_capabilities(&self) -> Result<(), SandboxError> {
        let (encoders, filters) = tokio::try_join!(self.names("-encoders"), self.names("-filters"))?;
        let has = |names: &[String], what: &str| names.iter().any(|name| name == what);
        for what in ["libx264", "aac", "mjpeg"] {
            if !has(&encoders, what) {
                return Err(SandboxError::Incapable { what });
            }
        }
        for what in ["zscale", "tonemap", "ebur128", "alimiter"] {
            if !has(&filters, what) {
                return Err(SandboxError::Incapable { what });
            }
        }
        Ok(())
    }

    /// The second word of each line: ffmpeg prints flags, then a name.
    async fn names(&self, list: &str) -> Result<Vec<String>, SandboxError> {
        let args = ["-hide_banner", "-v", "error", list].map(str::to_owned).into();
        let job = Job {
            tool: Tool::Ffmpeg,
            args,
            input: None,
            output: None,
            limits: JobLimits::probe(),
        };
        let mut names = Vec::new();
        self.run(&job, &mut |line| {
            names.extend(line.split_whitespace().nth(1).map(str::to_owned))
        })
        .await?;
        Ok(names)
    }
}

fn not_isolating(detail: &str) -> SandboxError {
    SandboxError::NotIsolating {
        detail: detail.to_owned(),
    }
}

fn find(program: &'static str, package: &'static str) -> Result<PathBuf, SandboxError> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(program))
        .find(|candidate| candidate.is_file())
        .and_then(|found| found.canonicalize().ok())
        .ok_or(SandboxError::Missing { program, package })
}
