//! What the client library says about a group, kept until the member asks.
//!
//! The library speaks inside a call to poll. New partitions are taken and paused there and then; wanted ones are only noted:
//! until they are given back, which is the member's business, the group waits.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{Offset, TopicPartitionList};

use crate::client::Voice;

const VOICE: Voice = Voice("member");

/// Something that happened to partitions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    Assigned(Vec<u16>),
    Revoked(Vec<u16>),
    /// As revoked, but they are somebody else's already.
    Lost(Vec<u16>),
}

/// The listening half.
#[derive(Default)]
pub(crate) struct Rebalances {
    events: Mutex<VecDeque<Event>>,
    /// Nobody will release anything any more.
    leaving: AtomicBool,
}

impl Rebalances {
    /// Everything since the last call, oldest first.
    pub(crate) fn take(&self) -> VecDeque<Event> {
        std::mem::take(&mut self.events.lock())
    }

    /// From now on everything is given back when it is asked for.
    pub(crate) fn leave(&self) {
        self.leaving.store(true, Ordering::Relaxed);
    }

    fn assigned(&self, consumer: &BaseConsumer<Self>, list: &mut TopicPartitionList) -> KafkaResult<()> {
        list.set_all_offsets(Offset::End)?;
        consumer.incremental_assign(list)?;
        consumer.pause(list)?;
        self.events.lock().push_back(Event::Assigned(partitions(list)));
        Ok(())
    }

    fn wanted_back(&self, consumer: &BaseConsumer<Self>, list: &TopicPartitionList) -> KafkaResult<()> {
        let lost = consumer.assignment_lost();
        if lost || self.leaving.load(Ordering::Relaxed) {
            consumer.incremental_unassign(list)?;
        }
        let event = if lost { Event::Lost } else { Event::Revoked };
        self.events.lock().push_back(event(partitions(list)));
        Ok(())
    }
}

impl ClientContext for Rebalances {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        VOICE.log(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        VOICE.error(error, reason);
    }
}

impl ConsumerContext for Rebalances {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, what: RDKafkaRespErr, list: &mut TopicPartitionList) {
        let done = match what {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => self.assigned(consumer, list),
            _ => self.wanted_back(consumer, list),
        };
        if let Err(error) = done {
            tracing::error!(%error, "the group's change could not be followed");
        }
    }
}

fn partitions(list: &TopicPartitionList) -> Vec<u16> {
    let elements = list.elements();
    elements
        .iter()
        .filter_map(|element| u16::try_from(element.partition()).ok())
        .collect()
}
