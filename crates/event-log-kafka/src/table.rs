//! Which name each topic has on the brokers, and one number for each topic and partition.
//!
//! The caller owns the vocabulary: it gives the names, and the order of the list gives the numbers.

use std::collections::HashMap;

use event_log::{Topic, TopicPartition};
use rdkafka::TopicPartitionList;

use crate::config::{KafkaConfig, is_prefix};
use crate::error::OpenError;

/// Names and numbers; never changes while a log is open.
#[derive(Debug)]
pub(crate) struct Table {
    names: Vec<String>,
    numbers: HashMap<String, u8>,
    pub(crate) partitions: u16,
}

impl Table {
    /// The table of `topics`, the first being number 0.
    pub(crate) fn new(config: &KafkaConfig, topics: &[&str]) -> Result<Self, OpenError> {
        if topics.is_empty() || topics.len() > usize::from(u8::MAX) {
            return Err(OpenError::TopicCount(topics.len()));
        }
        let names = topics
            .iter()
            .map(|topic| name(config, topic))
            .collect::<Result<Vec<_>, _>>()?;
        let numbers = names.iter().cloned().zip(0..).collect::<HashMap<_, _>>();
        if numbers.len() != names.len() {
            return Err(OpenError::Name(topics.join(" ")));
        }
        Ok(Self {
            names,
            numbers,
            partitions: config.partitions,
        })
    }

    /// How many numbers there are.
    pub(crate) fn slots(&self) -> usize {
        self.names.len() * usize::from(self.partitions)
    }

    pub(crate) fn slot(&self, of: TopicPartition) -> Option<usize> {
        let known = usize::from(of.topic.0) < self.names.len() && of.partition < self.partitions;
        known.then(|| usize::from(of.topic.0) * usize::from(self.partitions) + usize::from(of.partition))
    }

    pub(crate) fn of(&self, slot: usize) -> TopicPartition {
        TopicPartition {
            topic: Topic((slot / usize::from(self.partitions)) as u8),
            partition: (slot % usize::from(self.partitions)) as u16,
        }
    }

    /// The slot of what a broker names, unless it is not ours.
    pub(crate) fn slot_named(&self, name: &str, partition: i32) -> Option<usize> {
        self.slot(TopicPartition {
            topic: Topic(*self.numbers.get(name)?),
            partition: u16::try_from(partition).ok()?,
        })
    }

    /// What the brokers call a slot.
    pub(crate) fn name(&self, slot: usize) -> (&str, i32) {
        let of = self.of(slot);
        (&self.names[usize::from(of.topic.0)], i32::from(of.partition))
    }

    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    /// A list with one entry in the library's own form.
    pub(crate) fn list(&self, slot: usize) -> TopicPartitionList {
        let (name, partition) = self.name(slot);
        let mut list = TopicPartitionList::with_capacity(1);
        list.add_partition(name, partition);
        list
    }
}

/// `PREFIX-LAST`, if that is a name.
pub(crate) fn name(config: &KafkaConfig, last: &str) -> Result<String, OpenError> {
    match is_prefix(&config.prefix) && is_prefix(last) {
        true => Ok(format!("{}-{last}", config.prefix)),
        false => Err(OpenError::Name(last.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_slot_has_one_name() {
        let config = KafkaConfig {
            partitions: 3,
            ..KafkaConfig::new("a:1", "p")
        };
        let table = Table::new(&config, &["views", "actions"]).expect("names");
        assert_eq!(table.slots(), 6);
        for slot in 0..6 {
            let (name, partition) = table.name(slot);
            assert_eq!(table.slot(table.of(slot)), Some(slot));
            assert_eq!(table.slot_named(name, partition), Some(slot));
        }
        assert_eq!(table.name(4), ("p-actions", 1));
        for (name, partition) in [("p-actions", 3), ("p-actions", -1), ("views", 0)] {
            assert_eq!(table.slot_named(name, partition), None, "{name} {partition}");
        }
    }

    #[test]
    fn odd_tables_are_refused() {
        let config = KafkaConfig::new("a:1", "p");
        for topics in [&[][..], &["a", "a"], &["a b"], &[""], &["x"; 256]] {
            assert!(Table::new(&config, topics).is_err(), "{topics:?}");
        }
    }
}
