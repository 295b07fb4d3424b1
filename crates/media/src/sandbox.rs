//! Runs ffmpeg and ffprobe where they can read one file, write one folder, and reach nothing else.
//!
//! Bubblewrap gives the child its own user, mount, process, network and IPC namespaces, no capabilities, no
//! environment and a read-only system; `prlimit`, inside, sets what the kernel counts. Killing the outer process ends
//! everything inside, because the inner first process dies with it. This file knows nothing of video.
//!
//! Spawn from a runtime thread, never from a thread that ends before the child: the child dies with the thread.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::process::{Child, Command};

use crate::limits::JobLimits;

mod detect;
mod pipes;

/// Where the child finds its one input.
pub(crate) const INPUT: &str = "/in/source";
/// Where the child finds its one writable folder.
pub(crate) const OUTPUT: &str = "/out";

/// Why there is no sandbox, or why it could not run something.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// A program is not on the path.
    #[error("{program} was not found: install {package} (media is never processed without its sandbox)")]
    Missing {
        /// What was looked for.
        program: &'static str,
        /// The package that has it.
        package: &'static str,
    },
    /// Bubblewrap is there but does not work here.
    #[error("bubblewrap cannot isolate on this machine; allow unprivileged user namespaces ({detail})")]
    NotIsolating {
        /// What the proof showed.
        detail: String,
    },
    /// The ffmpeg that is there lacks something.
    #[error("this ffmpeg has no {what}: install ffmpeg 5.1 or later, built with libx264 and libzimg")]
    Incapable {
        /// The encoder or filter.
        what: &'static str,
    },
    /// A child could not be started or watched.
    #[error("could not {action} a sandboxed child")]
    Io {
        /// What was tried.
        action: &'static str,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The child went past its wall time and was killed.
    #[error("the child was killed after {wall_ms_max} ms")]
    TimedOut {
        /// Its bound.
        wall_ms_max: u64,
    },
    /// The child printed more than it may and was killed.
    #[error("the child printed more than {stdout_bytes_max} bytes")]
    OutputTooLong {
        /// Its bound.
        stdout_bytes_max: u64,
    },
}

/// The programs that may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    /// Decodes, filters, encodes.
    Ffmpeg,
    /// Describes.
    Ffprobe,
}

impl Tool {
    /// The program's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ffmpeg => "ffmpeg",
            Self::Ffprobe => "ffprobe",
        }
    }
}

/// One run of one tool.
#[derive(Debug)]
pub struct Job<'a> {
    /// Which program.
    pub tool: Tool,
    /// Its arguments; the input is `/in/source` and the output folder is `/out`.
    pub args: Vec<String>,
    /// The one file it may read.
    pub input: Option<&'a Path>,
    /// The one folder it may write.
    pub output: Option<&'a Path>,
    /// What it may use.
    pub limits: JobLimits,
}

/// How a run ended.
#[derive(Debug)]
pub struct Finished {
    /// Exit status of the tool; 128 + n when signal n ended it.
    pub status: ExitStatus,
    /// The end of what it wrote to standard error.
    pub stderr_tail: String,
}

/// A way to run tools that was proved to isolate. Holds paths only; each run is its own process tree.
#[derive(Debug, Clone)]
pub struct Sandbox {
    bwrap: PathBuf,
    prlimit: PathBuf,
    nice: PathBuf,
    ffmpeg: PathBuf,
    ffprobe: PathBuf,
    /// Whether this bubblewrap can forbid further user namespaces inside.
    nested_users_forbidden: bool,
}

impl Sandbox {
    /// Runs a tool to its end, giving each line it prints to `on_line`. Dropping the future kills it.
    ///
    /// # Errors
    /// [`SandboxError::Io`], [`SandboxError::TimedOut`] or [`SandboxError::OutputTooLong`]. A tool that ends with a
    /// failure is not an error here: see [`Finished::status`].
    pub async fn run(
        &self,
        job: &Job<'_>,
        on_line: &mut (dyn FnMut(&str) + Send),
    ) -> Result<Finished, SandboxError> {
        let mut child = self.command(job).spawn().map_err(io("start"))?;
        let wall = Duration::from_millis(job.limits.wall_ms_max);
        let watched =
            tokio::time::timeout(wall, watch(&mut child, job.limits.stdout_bytes_max, on_line)).await;
        match watched {
            Ok(Ok(finished)) => Ok(finished),
            Ok(Err(error)) => {
                child.kill().await.map_err(io("kill"))?;
                Err(error)
            }
            Err(_elapsed) => {
                child.kill().await.map_err(io("kill"))?;
                metrics::counter!("riffle_media_job_timeouts_total", "tool" => job.tool.name()).increment(1);
                Err(SandboxError::TimedOut {
                    wall_ms_max: job.limits.wall_ms_max,
                })
            }
        }
    }

    fn command(&self, job: &Job<'_>) -> Command {
        let mut command = Command::new(&self.bwrap);
        command
            .args(self.isolation())
            .args(mounts(self.tool(job.tool), job.input, job.output))
            .arg("--")
            .arg(&self.prlimit)
            .args(resource_limits(&job.limits))
            .arg(&self.nice)
            .args(["-n", &job.limits.nice.to_string()])
            .arg(self.tool(job.tool))
            .args(&job.args)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        command
    }

    fn tool(&self, tool: Tool) -> &Path {
        match tool {
            Tool::Ffmpeg => &self.ffmpeg,
            Tool::Ffprobe => &self.ffprobe,
        }
    }

    fn isolation(&self) -> Vec<&'static str> {
        let mut args = vec![
            "--unshare-user",
            "--unshare-all",
            "--uid",
            "65534",
            "--gid",
            "65534",
            "--cap-drop",
            "ALL",
            "--die-with-parent",
            "--new-session",
            "--clearenv",
            // Keeps the address space of many threads near what they use, so that its limit means something.
            "--setenv",
            "MALLOC_ARENA_MAX",
            "2",
        ];
        if self.nested_users_forbidden {
            args.push("--disable-userns");
        }
        args
    }
}

/// The read-only system, the program if it lives elsewhere, the input and the output.
fn mounts(program: &Path, input: Option<&Path>, output: Option<&Path>) -> Vec<OsString> {
    let mut args: Vec<OsString> = ["--dev", "/dev", "--tmpfs", "/tmp", "--ro-bind", "/usr", "/usr"]
        .map(Into::into)
        .into();
    for path in [
        "/lib",
        "/lib32",
        "/lib64",
        "/etc/ld.so.cache",
        "/etc/alternatives",
    ] {
        args.extend(["--ro-bind-try", path, path].map(Into::into));
    }
    if !program.starts_with("/usr") {
        args.extend(["--ro-bind".into(), program.into(), program.into()]);
    }
    if let Some(input) = input {
        args.extend(["--ro-bind".into(), input.into(), INPUT.into()]);
    }
    if let Some(output) = output {
        args.extend(["--bind".into(), output.into(), OUTPUT.into()]);
    }
    args.extend(["--chdir", "/tmp"].map(Into::into));
    args
}

/// Set inside, where the count of processes starts from none.
fn resource_limits(limits: &JobLimits) -> [String; 6] {
    [
        format!("--as={}", limits.memory_bytes_max),
        format!("--cpu={}", limits.cpu_s_max),
        format!("--fsize={}", limits.file_bytes_max),
        format!("--nproc={}", limits.processes_max),
        "--core=0".into(),
        "--".into(),
    ]
}

async fn watch(
    child: &mut Child,
    stdout_bytes_max: u64,
    on_line: &mut (dyn FnMut(&str) + Send),
) -> Result<Finished, SandboxError> {
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let (printed, said) = tokio::join!(
        pipes::lines(stdout, stdout_bytes_max, on_line),
        pipes::tail(stderr)
    );
    printed?;
    let stderr_tail = said.map_err(io("read from"))?;
    let status = child.wait().await.map_err(io("wait for"))?;
    Ok(Finished { status, stderr_tail })
}

pub(crate) fn io(action: &'static str) -> impl FnOnce(std::io::Error) -> SandboxError {
    move |source| SandboxError::Io { action, source }
}
