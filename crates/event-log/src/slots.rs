//! Numbers every (topic, partition) of one log densely, so that state a partition is a plain vector.

use crate::port::{Topic, TopicPartition};

/// How many topics and partitions there are; a slot is `topic * partitions + partition`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slots {
    pub(crate) topics: u8,
    pub(crate) partitions: u16,
}

impl Slots {
    pub(crate) fn count(self) -> usize {
        usize::from(self.topics) * usize::from(self.partitions)
    }

    pub(crate) fn slot(self, of: TopicPartition) -> Option<usize> {
        (of.topic.0 < self.topics && of.partition < self.partitions)
            .then(|| usize::from(of.topic.0) * usize::from(self.partitions) + usize::from(of.partition))
    }

    pub(crate) fn partition(self, slot: usize) -> TopicPartition {
        let partitions = usize::from(self.partitions);
        TopicPartition {
            topic: Topic((slot / partitions) as u8),
            partition: (slot % partitions) as u16,
        }
    }
}
