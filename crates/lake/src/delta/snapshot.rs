//! The state of a table after a commit: which files count, how far every application is. No IO.

use std::collections::BTreeMap;

use types::TimestampMs;

use super::action::{Action, Add, MetaData, Protocol, Remove, Txn};

/// A table as it is after `version`.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Snapshot {
    /// The last commit; none when there is no table yet.
    pub(crate) version: Option<u64>,
    pub(crate) protocol: Option<Protocol>,
    pub(crate) metadata: Option<MetaData>,
    /// Files that count, by path.
    pub(crate) files: BTreeMap<String, Add>,
    /// Files that no longer count, and may still lie in storage.
    pub(crate) removed: BTreeMap<String, Remove>,
    /// Versions of applications, by their id.
    pub(crate) txns: BTreeMap<String, Txn>,
}

impl Snapshot {
    /// The number that the next commit gets.
    pub(crate) fn next_version(&self) -> u64 {
        self.version.map_or(0, |version| version + 1)
    }

    /// How far an application is; 0 when it never committed.
    pub(crate) fn txn(&self, app_id: &str) -> u64 {
        let version = self.txns.get(app_id).map_or(0, |txn| txn.version);
        u64::try_from(version).unwrap_or(0)
    }

    /// Goes on to `version` with what that commit did.
    pub(crate) fn apply(&mut self, version: u64, actions: impl IntoIterator<Item = Action>) {
        self.version = Some(version);
        for action in actions {
            match action {
                Action::CommitInfo(_) => {}
                Action::Protocol(protocol) => self.protocol = Some(protocol),
                Action::MetaData(metadata) => self.metadata = Some(metadata),
                Action::Txn(txn) => {
                    self.txns.insert(txn.app_id.clone(), txn);
                }
                Action::Add(add) => {
                    self.removed.remove(&add.path);
                    self.files.insert(add.path.clone(), add);
                }
                Action::Remove(remove) => {
                    self.files.remove(&remove.path);
                    self.removed.insert(remove.path.clone(), remove);
                }
            }
        }
    }

    /// Forgets files that were removed before `at_ms`: nobody reads them any more.
    pub(crate) fn expire(&mut self, at_ms: TimestampMs) {
        self.removed
            .retain(|_, remove| remove.deletion_timestamp.is_some_and(|removed| removed >= at_ms));
    }

    /// The state as actions, in the order a checkpoint holds them.
    pub(crate) fn actions(&self) -> impl Iterator<Item = Action> {
        let protocol = self.protocol.map(Action::Protocol);
        let metadata = self.metadata.clone().map(Action::MetaData);
        let txns = self.txns.values().cloned().map(Action::Txn);
        let removed = self.removed.values().cloned().map(Action::Remove);
        let files = self.files.values().cloned().map(Action::Add);
        protocol
            .into_iter()
            .chain(metadata)
            .chain(txns)
            .chain(removed)
            .chain(files)
    }
}
