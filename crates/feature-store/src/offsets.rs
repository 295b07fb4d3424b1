//! How far each job has read: what is committed (in the file) and what is applied (in memory), and waiting for the latter.

use std::collections::HashMap;
use std::time::Duration;

use event_log::TopicPartition;
use parking_lot::RwLock;
use redb::{ReadableTable, TableDefinition, WriteTransaction};
use tokio::sync::Notify;

use crate::store::StoreError;

const TABLE: TableDefinition<(&str, u32), u64> = TableDefinition::new("offsets");

/// One number for a topic's partition, as a key.
pub(crate) fn pack(of: TopicPartition) -> u32 {
    u32::from(of.topic.0) << 16 | u32::from(of.partition)
}

#[derive(Default)]
pub(crate) struct Offsets {
    committed: RwLock<HashMap<(String, u32), u64>>,
    /// By job, then partition: asked and told many times a second.
    applied: RwLock<HashMap<String, HashMap<u32, u64>>>,
    moved: Notify,
}

impl Offsets {
    pub(crate) fn load(txn: &WriteTransaction) -> Result<Self, StoreError> {
        let table = txn.open_table(TABLE)?;
        let mut committed = HashMap::new();
        for row in table.iter()? {
            let (key, value) = row?;
            let (job, partition) = key.value();
            committed.insert((job.to_owned(), partition), value.value());
        }
        let mut applied: HashMap<String, HashMap<u32, u64>> = HashMap::new();
        for ((job, partition), next) in &committed {
            applied.entry(job.clone()).or_default().insert(*partition, *next);
        }
        Ok(Self {
            applied: RwLock::new(applied),
            committed: RwLock::new(committed),
            ..Self::default()
        })
    }

    pub(crate) fn committed(&self, job: &str, from: TopicPartition) -> u64 {
        self.committed
            .read()
            .get(&(job.to_owned(), pack(from)))
            .copied()
            .unwrap_or(0)
    }

    pub(crate) fn apply(&self, job: &str, from: TopicPartition, next: u64) {
        if self.applied(job, from) == next {
            return;
        }
        let mut applied = self.applied.write();
        match applied.get_mut(job) {
            Some(of_job) => of_job.insert(pack(from), next),
            None => applied
                .entry(job.to_owned())
                .or_default()
                .insert(pack(from), next),
        };
        drop(applied);
        self.moved.notify_waiters();
    }

    pub(crate) fn applied(&self, job: &str, from: TopicPartition) -> u64 {
        let applied = self.applied.read();
        let next = applied.get(job).and_then(|of_job| of_job.get(&pack(from)));
        next.copied().unwrap_or(0)
    }

    /// Waits until `job` has applied everything before `end`; false when `patience` ran out first.
    pub(crate) async fn wait(&self, job: &str, from: TopicPartition, end: u64, patience: Duration) -> bool {
        let reached = async {
            loop {
                let moved = self.moved.notified();
                tokio::pin!(moved);
                moved.as_mut().enable();
                if self.applied(job, from) >= end {
                    return;
                }
                moved.await;
            }
        };
        tokio::time::timeout(patience, reached).await.is_ok()
    }

    pub(crate) fn flush(
        &self,
        txn: &WriteTransaction,
        job: &str,
        offsets: &[(TopicPartition, u64)],
    ) -> Result<(), StoreError> {
        let mut table = txn.open_table(TABLE)?;
        for (from, next) in offsets {
            table.insert((job, pack(*from)), next)?;
        }
        Ok(())
    }

    pub(crate) fn committed_now(&self, job: &str, offsets: &[(TopicPartition, u64)]) {
        let mut committed = self.committed.write();
        for (from, next) in offsets {
            committed.insert((job.to_owned(), pack(*from)), *next);
        }
    }
}
