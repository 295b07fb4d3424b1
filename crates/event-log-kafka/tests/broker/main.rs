//! The backend on a real broker, in one binary so that the tests share it.
//!
//! What needs no real broker is tested in `tests/mock.rs` and beside the code.

mod broker;
mod crash;
mod ledger;
mod members;
mod processes;
mod reading;
mod shapes;

use std::sync::Arc;

use broker::{Broker, PARTITIONS, TOPICS};
use event_log_kafka::{KafkaConfig, KafkaLog};

impl Broker {
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

#[test]
fn the_conformance_suite_passes() {
    let broker = Broker::shared();
    event_log::conformance::all(&|name| Arc::new(broker.open(name)));
}
