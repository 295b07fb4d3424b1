//! The log of one table in storage: read it, add a commit to it, checkpoint it.
//!
//! What a commit means is for the caller: it is asked for its actions again whenever another writer was quicker.

use std::sync::Arc;

use blob::BlobKey;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::action::{self, Action};
use super::snapshot::Snapshot;
use super::{checkpoint, schema};
use crate::Clock;
use crate::config::LakeConfig;
use crate::error::LakeError;
use crate::objects::Objects;
use crate::tables::Table;

/// Commits of others that one commit gives way to before it reports that there is no gap.
const CONFLICTS_MAX: u32 = 64;
const LAST_CHECKPOINT: &str = "_delta_log/_last_checkpoint";

/// The log of one table. Keeps no state: snapshots belong to whoever reads or writes.
#[derive(Clone)]
pub(crate) struct DeltaLog {
    pub(crate) objects: Arc<dyn Objects>,
    pub(crate) table: Table,
    /// The table's folder.
    pub(crate) root: BlobKey,
    pub(crate) clock: Clock,
    /// Commits between two checkpoints.
    pub(crate) checkpoint_commits: u64,
    /// How long what was removed stays readable.
    pub(crate) history_ms: i64,
}

/// What a commit should do, given the table as it is.
pub(crate) enum Plan {
    /// It is there already: an earlier try went through after all.
    Done,
    Commit(Vec<Action>),
}

/// The pointer to the newest checkpoint.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct LastCheckpoint {
    version: u64,
    /// How many actions it holds.
    size: u64,
    /// Files it is spread over; only other programs do that.
    #[serde(skip_serializing_if = "Option::is_none")]
    parts: Option<u64>,
}

impl DeltaLog {
    /// The log of `table` in the storage.
    ///
    /// # Errors
    /// [`LakeError::Key`] when the configured prefix names no folder.
    pub(crate) fn open(
        objects: Arc<dyn Objects>,
        clock: Clock,
        table: Table,
        config: &LakeConfig,
    ) -> Result<Self, LakeError> {
        let text = format!("{}/{table}", config.prefix);
        let root = BlobKey::parse(&text).map_err(|source| LakeError::Key { text, source })?;
        Ok(Self {
            objects,
            table,
            root,
            clock,
            checkpoint_commits: config.checkpoint_commits.max(1),
            history_ms: config.history_ms,
        })
    }

    /// The table as it is now; an empty snapshot when there is none.
    ///
    /// # Errors
    /// Storage, damage, or a table that needs a newer program.
    pub(crate) fn load(&self) -> Result<Snapshot, LakeError> {
        let mut snapshot = Snapshot::default();
        self.refresh(&mut snapshot)?;
        Ok(snapshot)
    }

    /// Brings a snapshot to the table as it is now.
    ///
    /// # Errors
    /// As [`DeltaLog::load`].
    pub(crate) fn refresh(&self, snapshot: &mut Snapshot) -> Result<(), LakeError> {
        let newer = |last: &LastCheckpoint| snapshot.version.is_none_or(|version| version < last.version);
        if let Some(last) = self.last_checkpoint()?.filter(newer) {
            *snapshot = self.read_checkpoint(last)?;
        }
        while let Some(actions) = self.read_commit(snapshot.next_version())? {
            snapshot.apply(snapshot.next_version(), actions);
        }
        if snapshot.version.is_none() {
            self.refuse_beheaded()?;
        }
        self.refuse_foreign(snapshot)
    }

    /// Adds one commit, asking `plan` for it again each time another writer was quicker, and brings `snapshot` to the table as
    /// it is after that.
    ///
    /// # Errors
    /// Those of `plan`, and of the storage. After an error of the storage the commit may have been made; the next call with the
    /// same `plan` finds out.
    pub(crate) fn commit(
        &self,
        snapshot: &mut Snapshot,
        mut plan: impl FnMut(&Snapshot) -> Result<Plan, LakeError>,
    ) -> Result<(), LakeError> {
        for _ in 0..CONFLICTS_MAX {
            self.refuse_foreign(snapshot)?;
            let Plan::Commit(actions) = plan(snapshot)? else {
                return Ok(());
            };
            let version = snapshot.next_version();
            let key = self.commit_key(version)?;
            let bytes = action::encode(&actions).map_err(|error| self.damaged(&key, &error))?;
            if !self.objects.put_if_absent(&key, bytes.into())? {
                metrics::counter!("riffle_lake_conflicts_total", "table" => self.table.name()).increment(1);
                self.refresh(snapshot)?;
            } else if self
                .last_checkpoint()?
                .is_some_and(|last| last.version >= version)
            {
                // The number was free because old commits had been cleaned away: nobody will ever read ours.
                self.refresh(snapshot)?;
            } else {
                snapshot.apply(version, actions);
                self.checkpoint_if_due(snapshot);
                return Ok(());
            }
        }
        Err(LakeError::Crowded {
            table: self.table,
            tries: CONFLICTS_MAX,
        })
    }

    /// Where something of this table is stored.
    pub(crate) fn key(&self, below: &str) -> Result<BlobKey, LakeError> {
        self.root.join(below).map_err(|source| LakeError::Key {
            text: below.to_owned(),
            source,
        })
    }

    /// The version of the newest checkpoint, if there is one.
    pub(crate) fn checkpoint_version(&self) -> Result<Option<u64>, LakeError> {
        Ok(self.last_checkpoint()?.map(|last| last.version))
    }

    fn read_commit(&self, version: u64) -> Result<Option<Vec<Action>>, LakeError> {
        let key = self.commit_key(version)?;
        let Some(bytes) = self.objects.get(&key)? else {
            return Ok(None);
        };
        action::decode(&bytes)
            .map(Some)
            .map_err(|error| self.damaged(&key, &error))
    }

    fn last_checkpoint(&self) -> Result<Option<LastCheckpoint>, LakeError> {
        let key = self.key(LAST_CHECKPOINT)?;
        let Some(bytes) = self.objects.get(&key)? else {
            return Ok(None);
        };
        let last: LastCheckpoint =
            serde_json::from_slice(&bytes).map_err(|error| self.damaged(&key, &error))?;
        match last.parts {
            None | Some(1) => Ok(Some(last)),
            Some(_) => Err(self.damaged(
                &key,
                "names a checkpoint in several parts, which only other programs write",
            )),
        }
    }

    fn read_checkpoint(&self, last: LastCheckpoint) -> Result<Snapshot, LakeError> {
        let key = self.checkpoint_key(last.version)?;
        let bytes = self
            .objects
            .get(&key)?
            .ok_or_else(|| self.damaged(&key, "is missing"))?;
        let actions = checkpoint::decode(bytes).map_err(|error| self.damaged(&key, &error))?;
        let mut snapshot = Snapshot::default();
        snapshot.apply(last.version, actions);
        Ok(snapshot)
    }

    /// A checkpoint only saves time, so a failure is noted and the next commit tries again.
    fn checkpoint_if_due(&self, snapshot: &mut Snapshot) {
        let Some(version) = snapshot.version.filter(|version| *version > 0) else {
            return;
        };
        if version % self.checkpoint_commits != 0 {
            return;
        }
        if let Err(error) = self.checkpoint(snapshot, version) {
            let table = self.table.name();
            metrics::counter!("riffle_lake_checkpoint_failures_total", "table" => table).increment(1);
            let source = std::error::Error::source(&error).map(ToString::to_string);
            tracing::warn!(table, version, %error, source, "a table could not be checkpointed");
        }
    }

    fn checkpoint(&self, snapshot: &mut Snapshot, version: u64) -> Result<(), LakeError> {
        snapshot.expire((self.clock)() - self.history_ms);
        let actions: Vec<Action> = snapshot.actions().collect();
        let bytes = checkpoint::encode(&actions).map_err(LakeError::rows(self.table))?;
        self.objects.put(&self.checkpoint_key(version)?, bytes)?;
        let size = actions.len() as u64;
        let last = LastCheckpoint {
            version,
            size,
            parts: None,
        };
        let key = self.key(LAST_CHECKPOINT)?;
        let pointer = serde_json::to_vec(&last).map_err(|error| self.damaged(&key, &error))?;
        // The pointer must not go back: a slow writer's checkpoint is not the newest.
        if self
            .last_checkpoint()?
            .is_none_or(|newest| newest.version < version)
        {
            self.objects.put(&key, Bytes::from(pointer))?;
        }
        Ok(())
    }

    fn commit_key(&self, version: u64) -> Result<BlobKey, LakeError> {
        self.key(&format!("_delta_log/{version:020}.json"))
    }

    fn checkpoint_key(&self, version: u64) -> Result<BlobKey, LakeError> {
        self.key(&format!("_delta_log/{version:020}.checkpoint.parquet"))
    }

    /// A log without its beginning and without a checkpoint is damaged, not empty.
    fn refuse_beheaded(&self) -> Result<(), LakeError> {
        let folder = self.key("_delta_log")?;
        let listed = self.objects.list(&folder, 1)?;
        match listed.entries.first() {
            None => Ok(()),
            Some(first) => Err(self.damaged(
                &folder,
                &format!("begins with {} and has no `_last_checkpoint`", first.key),
            )),
        }
    }

    fn refuse_foreign(&self, snapshot: &Snapshot) -> Result<(), LakeError> {
        match snapshot.protocol.filter(|&protocol| !schema::supported(protocol)) {
            None => Ok(()),
            Some(protocol) => Err(LakeError::Protocol {
                table: self.table,
                reader: protocol.min_reader_version,
                writer: protocol.min_writer_version,
            }),
        }
    }

    fn damaged(&self, object: &BlobKey, reason: &(impl ToString + ?Sized)) -> LakeError {
        LakeError::Damaged {
            table: self.table,
            object: object.to_string(),
            reason: reason.to_string(),
        }
    }
}
