//! A real broker for tests, started by `deploy/kafka/dev-broker` and ended with the process that started it.
//!
//! The script holds on to our end of its standard input: when this process ends, even by a kill, the broker ends too.

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use event_log_kafka::{KafkaConfig, KafkaLog};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/kafka/dev-broker");
pub const PARTITIONS: u16 = 4;
pub const TOPICS: [&str; 2] = ["views", "actions"];

/// One running broker. Dropping it ends it.
pub struct Broker {
    dir: PathBuf,
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
            Self::start(dir.keep(), true)
        })
    }

    /// A broker on `dir`: a new one, or the one that ran there before, on the same ports and records.
    pub fn start(dir: PathBuf, scratch: bool) -> Self {
        let mut script = Command::new(SCRIPT);
        script.arg("run").arg(&dir).args(scratch.then_some("--scratch"));
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
            dir,
            script,
            address: address.trim().to_owned(),
        }
    }

    /// Kills the broker, which has no time to say anything, and starts it again on what it left behind.
    pub fn kill_and_restart(&mut self) {
        let pid = std::fs::read_to_string(self.dir.join("pid")).expect("the broker's pid");
        let killed = Command::new("kill").args(["-KILL", pid.trim()]).status();
        assert!(killed.expect("kill runs").success());
        self.script.wait().expect("the script ends with its broker");
        *self = Self::start(self.dir.clone(), false);
    }

    pub fn config(&self, prefix: &str) -> KafkaConfig {
        KafkaConfig {
            partitions: PARTITIONS,
            ..KafkaConfig::new(&self.address, prefix)
        }
    }

    pub fn open(&self, prefix: &str) -> KafkaLog {
        KafkaLog::open(&self.config(prefix), &TOPICS).expect("the log opens")
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        // Closing its standard input is the sign to stop.
        drop(self.script.stdin.take());
        let _ = self.script.wait();
    }
}
