//! A real broker for tests, started by `deploy/kafka/dev-broker` and ended with the process that started it.
//!
//! The script holds on to our end of its standard input: when this process ends, even by a kill, the broker ends too.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/kafka/dev-broker");
pub const PARTITIONS: u16 = 4;
pub const TOPICS: [&str; 2] = ["views", "actions"];

/// One running broker. Dropping it ends it.
pub struct Broker {
    script: Child,
    pub address: String,
}

impl Broker {
    /// The one that most tests share.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Broker> = OnceLock::new();
        SHARED.get_or_init(|| {
            let dir = tempfile::Builder::new()
                .prefix("riffle-kafka-")
                .tempdir()
                .expect("a temporary folder");
            Self::start(&dir.keep(), true)
        })
    }

    /// A broker on `dir`: a new one, or the one that ran there before, on the same ports and records.
    pub fn start(dir: &Path, scratch: bool) -> Self {
        let mut script = Command::new(SCRIPT);
        script.arg("run").arg(dir).args(scratch.then_some("--scratch"));
        script
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut script = script.spawn().expect("deploy/kafka/dev-broker runs");
        let mut address = String::new();
        let stdout = script.stdout.take().expect("piped");
        BufReader::new(stdout).read_line(&mut address).expect("text");
        if address.is_empty() {
            let mut words = String::new();
            let stderr = script.stderr.take();
            stderr.expect("piped").read_to_string(&mut words).expect("text");
            panic!("these tests need a real Kafka broker, and none could be started:\n{words}");
        }
        Self {
            script,
            address: address.trim().to_owned(),
        }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        // Closing its standard input is the sign to stop.
        drop(self.script.stdin.take());
        let _ = self.script.wait();
    }
}
