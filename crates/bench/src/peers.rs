//! The neighbours that are measured beside us: real servers, started on folders of their own and free ports of loopback.

mod gorse;
mod postgres;
mod redis;

pub(crate) use gorse::Gorse;
pub(crate) use postgres::Postgres;
pub(crate) use redis::Redis;

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::BenchError;

const READY_MAX: Duration = Duration::from_secs(30);
const STOP_MAX: Duration = Duration::from_secs(30);

/// Runs a peer's script to its end; the last line that it prints is its figures, as JSON.
pub(crate) fn figures_of(command: &mut Command, who: &'static str) -> Result<Value, BenchError> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(BenchError::io(who))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let last = text.lines().last();
    match (
        output.status.success(),
        last.and_then(|line| serde_json::from_str(line).ok()),
    ) {
        (true, Some(told)) => Ok(told),
        _ => Err(BenchError::Peer(who, format!("{command:?} failed: {text}"))),
    }
}

/// A child process that is asked to stop, and then waited for, when it is dropped.
struct Process(Child);

impl Process {
    fn start(command: &mut Command, what: &'static str) -> Result<Self, BenchError> {
        let quiet = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        quiet.spawn().map(Self).map_err(BenchError::io(what))
    }

    /// Waits until `greet` succeeds over a connection of its own.
    fn wait_ready(
        &mut self,
        address: SocketAddr,
        what: &'static str,
        greet: impl Fn(&mut TcpStream) -> Result<(), BenchError>,
    ) -> Result<(), BenchError> {
        let begun = Instant::now();
        loop {
            let stream = TcpStream::connect(address).map_err(BenchError::io(what));
            let Err(error) = stream.and_then(|mut stream| greet(&mut stream)) else {
                return Ok(());
            };
            let ended = self.0.try_wait().map_err(BenchError::io(what))?;
            if ended.is_some() || begun.elapsed() > READY_MAX {
                return Err(BenchError::Peer(
                    what,
                    format!("it did not get ready ({ended:?}): {error}"),
                ));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let id = self.0.id().to_string();
        let asked = Command::new("sh").args(["-c", "kill -INT \"$0\"", &id]).status();
        let begun = Instant::now();
        while asked.is_ok() && begun.elapsed() < STOP_MAX {
            match self.0.try_wait() {
                Ok(None) => std::thread::sleep(Duration::from_millis(20)),
                _ => return,
            }
        }
        // It does not listen to a signal; nobody is left to tell about a failure here.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// An address of loopback that nobody listens on at the moment.
fn free_address() -> Result<SocketAddr, BenchError> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map_err(BenchError::io("finding a free port"))
}
