//! Epochs: each assignment is written down as a record of one topic with one partition, and its offset is the epoch.
//!
//! Offsets of a partition only grow, whoever writes and however groups come and go, so that a later claim always has the
//! higher epoch. Kafka's own group generation does not do: it begins anew when a group was empty for some days.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use event_log::{Append, AppendError, Topic, TopicPartition, block_on};
use rdkafka::consumer::BaseConsumer;

use crate::client::Voice;
use crate::config::KafkaConfig;
use crate::error::OpenError;
use crate::marks::Marks;
use crate::produce::Producer;
use crate::table::Table;
use crate::topics::{self, Wanted};

/// The topic is `PREFIX-claims`. Deleting it begins the epochs anew: never do that while checkpoints are kept.
const TOPIC: &str = "claims";
const CLAIM: TopicPartition = TopicPartition {
    topic: Topic(0),
    partition: 0,
};
/// A claim that is not confirmed by then is made again, under a higher epoch.
const CLAIM_MS_MAX: u32 = 5_000;

/// Where this member's claims are written.
pub(crate) struct Claims {
    producer: Producer,
    /// What stands in each claim, for whoever looks into the topic.
    who: String,
}

impl Claims {
    pub(crate) fn open(
        config: &KafkaConfig,
        asker: &BaseConsumer<Voice>,
        who: String,
    ) -> Result<Self, OpenError> {
        let config = KafkaConfig {
            partitions: 1,
            delivery_ms_max: CLAIM_MS_MAX.min(config.delivery_ms_max),
            ..config.clone()
        };
        let table = Arc::new(Table::new(&config, &[TOPIC])?);
        let wanted = Wanted {
            names: table.names(),
            partitions: 1,
        };
        topics::ensure(&config, asker, &wanted)?;
        let marks = Arc::new(Marks::new(table.slots()));
        Ok(Self {
            producer: Producer::new(&config, table, marks)?,
            who,
        })
    }

    /// The epoch of a claim on `partitions`, above every epoch before it; never 0.
    pub(crate) fn claim(&self, partitions: &[u16]) -> Result<u64, AppendError> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let record = Append {
            to: CLAIM,
            at_ms: now.map_or(0, |now| now.as_millis() as i64),
            payload: format!("{} {partitions:?}", self.who).into(),
        };
        let offsets = block_on(self.producer.append(&[record])?)?;
        Ok(offsets[0] + 1)
    }
}
