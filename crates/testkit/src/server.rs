//! One running `riffle serve`: started on a folder, killed, stopped and started again on the same folder.
//!
//! The system picks the port; the server tells it through a file, so two tests never race for one.

use std::fs::File;
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::Caller;
use crate::wait::until;

/// How long a start may take before the kit gives up.
pub const READY_MS_MAX: u64 = 60_000;
/// How long a stop by SIGTERM may take before the kit gives up.
pub const DRAIN_MS_MAX: u64 = 30_000;
const LOG_TAIL_LINES: usize = 40;

/// Where the server listens now; callers hold it too, so that they follow a restart.
pub(crate) type Address = Arc<RwLock<Option<SocketAddr>>>;

/// Whose the folder is.
#[derive(Debug)]
enum Folder {
    /// Removed with the server.
    Own(TempDir),
    /// Kept.
    Given(PathBuf),
}

impl Folder {
    fn path(&self) -> &Path {
        match self {
            Self::Own(folder) => folder.path(),
            Self::Given(folder) => folder,
        }
    }
}

/// A server process and its folder. Dropping it kills the process by its id and removes the folder, unless it was given.
#[derive(Debug)]
pub struct Server {
    binary: PathBuf,
    folder: Folder,
    ready_ms_max: u64,
    child: Option<Child>,
    address: Address,
}

impl Server {
    /// Starts `binary` on an empty folder with the default settings and waits until it is ready.
    pub fn start(binary: impl AsRef<Path>) -> Self {
        Self::start_timed(binary.as_ref(), "").0
    }

    /// The same, with `settings` (TOML) over the defaults.
    pub fn start_with(binary: impl AsRef<Path>, settings: &str) -> Self {
        Self::start_timed(binary.as_ref(), settings).0
    }

    /// The same, and how long it took to be ready.
    pub fn start_timed(binary: &Path, settings: &str) -> (Self, Duration) {
        let folder = tempfile::Builder::new()
            .prefix("riffle-test-")
            .tempdir()
            .expect("a temporary folder");
        Self::start_in(binary, Folder::Own(folder), settings, READY_MS_MAX)
    }

    /// Starts on `folder`, where `data` may lie already, and keeps it; how long it took to be ready, which is waited for up to `ready_ms_max`.
    pub fn start_on(binary: &Path, folder: &Path, settings: &str, ready_ms_max: u64) -> (Self, Duration) {
        Self::start_in(
            binary,
            Folder::Given(folder.to_path_buf()),
            settings,
            ready_ms_max,
        )
    }

    fn start_in(binary: &Path, folder: Folder, settings: &str, ready_ms_max: u64) -> (Self, Duration) {
        std::fs::write(folder.path().join("settings.toml"), settings).expect("the settings are written");
        let binary = binary.to_path_buf();
        let mut server = Self {
            binary,
            folder,
            ready_ms_max,
            child: None,
            address: Address::default(),
        };
        let ready = server.restart();
        (server, ready)
    }

    /// Starts the process again on the same folder; returns how long it took to be ready.
    pub fn restart(&mut self) -> Duration {
        assert!(self.child.is_none(), "the server is still running");
        let begun = Instant::now();
        let address_file = self.folder.path().join("address");
        // A file of the last run would name a port that nobody listens on.
        let _absent_is_fine = std::fs::remove_file(&address_file);
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.log_path())
            .expect("a log file");
        let child = Command::new(&self.binary)
            .arg("serve")
            .arg("--data")
            .arg(self.data())
            .args(["--listen", "127.0.0.1:0", "--address-file"])
            .arg(&address_file)
            .arg("--config")
            .arg(self.folder.path().join("settings.toml"))
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second handle of the log"))
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {}: {error}", self.binary.display()));
        self.child = Some(child);
        let address = self.wait_until_ready(&address_file);
        *self.address.write().expect("no caller panicked with the address") = Some(address);
        begun.elapsed()
    }

    fn wait_until_ready(&mut self, address_file: &Path) -> SocketAddr {
        let address = until("the server writes its address", self.ready_ms_max / 1000, || {
            self.assert_running();
            std::fs::read_to_string(address_file).ok()?.trim().parse().ok()
        });
        let probe = Caller::new(Arc::new(RwLock::new(Some(address))), "probe");
        until("the server is ready", self.ready_ms_max / 1000, || {
            self.assert_running();
            probe
                .try_get("/readyz")
                .ok()
                .filter(|answer| answer.status == 200)
        });
        address
    }

    fn assert_running(&mut self) {
        let child = self.child.as_mut().expect("the server was started");
        if let Some(status) = child.try_wait().expect("the process can be asked") {
            panic!(
                "the server ended with {status}; its log says:\n{}",
                self.log_tail()
            );
        }
    }

    /// SIGKILL: no handler runs, nothing is flushed.
    pub fn kill_9(&mut self) {
        let mut child = self.child.take().expect("the server is running");
        child.kill().expect("the process can be killed");
        let status = child.wait().expect("the process can be waited for");
        assert_eq!(
            status.signal(),
            Some(9),
            "the server ended by itself before the kill:\n{}",
            self.log_tail()
        );
        *self.address.write().expect("no caller panicked with the address") = None;
    }

    /// SIGTERM, without waiting.
    pub fn terminate(&self) {
        let id = self.pid().to_string();
        let sent = Command::new("sh")
            .args(["-c", "kill -TERM \"$0\"", &id])
            .status()
            .expect("a shell");
        assert!(sent.success(), "SIGTERM could not be sent to {id}");
    }

    /// Waits for the end of a terminated process.
    pub fn wait_for_end(&mut self) -> ExitStatus {
        let mut child = self.child.take().expect("the server is running");
        // Who takes long to get ready has much to put away.
        let drain_ms_max = DRAIN_MS_MAX.max(self.ready_ms_max / 2);
        let status = until("the server drains and stops", drain_ms_max / 1000, || {
            child.try_wait().expect("a process")
        });
        *self.address.write().expect("no caller panicked with the address") = None;
        status
    }

    /// SIGTERM, and the exit status once the server has drained.
    pub fn stop(&mut self) -> ExitStatus {
        self.terminate();
        self.wait_for_end()
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("the server is running").id()
    }

    /// The data folder.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
            .read()
            .expect("no caller panicked with the address")
            .expect("the server is running")
    }

    /// `http://address`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// What the server has logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().join("server.log")
    }

    fn log_tail(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(LOG_TAIL_LINES)..].join("\n")
    }

    /// Resident memory of the process in bytes, from `/proc`.
    pub fn resident_bytes(&self) -> u64 {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", self.pid())).expect("the process is alive");
        let line = status
            .lines()
            .find(|line| line.starts_with("VmRSS:"))
            .expect("a VmRSS line");
        let kilobytes: u64 = line
            .split_whitespace()
            .nth(1)
            .and_then(|word| word.parse().ok())
            .expect("a number");
        kilobytes * 1024
    }

    /// A caller without an account.
    pub fn anon(&self) -> Caller {
        Caller::new(self.address.clone(), "anon")
    }

    /// A new account that watches.
    pub fn viewer(&self) -> Caller {
        self.anon().register("viewer")
    }

    /// A new account that uploads.
    pub fn creator(&self) -> Caller {
        self.anon().register("creator")
    }

    /// A new account of that name.
    pub fn person(&self, username: &str) -> Caller {
        self.anon().register(username)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended by itself; nobody is left to tell.
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() {
            eprintln!("the server's log ended with:\n{}", self.log_tail());
        }
    }
}
