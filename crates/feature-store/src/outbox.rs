//! The last outbox row each job folded in from each partition. The relay delivers at least once and in order, so a row at or
//! below the mark is a repeat.

use std::collections::HashMap;

use event_log::TopicPartition;
use parking_lot::RwLock;
use redb::{ReadableTable, TableDefinition, WriteTransaction};

use crate::store::StoreError;

const TABLE: TableDefinition<(&str, u32), u64> = TableDefinition::new("outbox_marks");

#[derive(Default)]
pub(crate) struct OutboxMarks(RwLock<HashMap<(String, u32), u64>>);

impl OutboxMarks {
    pub(crate) fn load(txn: &WriteTransaction) -> Result<Self, StoreError> {
        let table = txn.open_table(TABLE)?;
        let mut all = HashMap::new();
        for row in table.iter()? {
            let (key, value) = row?;
            let (job, partition) = key.value();
            all.insert((job.to_owned(), partition), value.value());
        }
        Ok(Self(RwLock::new(all)))
    }

    pub(crate) fn first(&self, job: &str, from: TopicPartition, outbox_id: u64) -> bool {
        let mut marks = self.0.write();
        let mark = marks
            .entry((job.to_owned(), crate::offsets::pack(from)))
            .or_default();
        let first = outbox_id > *mark;
        *mark = outbox_id.max(*mark);
        first
    }

    pub(crate) fn flush(&self, txn: &WriteTransaction, job: &str) -> Result<(), StoreError> {
        let mut table = txn.open_table(TABLE)?;
        for ((owner, partition), mark) in self.0.read().iter().filter(|((owner, _), _)| owner == job) {
            table.insert((owner.as_str(), *partition), mark)?;
        }
        Ok(())
    }
}
