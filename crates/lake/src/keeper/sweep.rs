//! Removes for good what no reader can need: files that were replaced before the table's history, files that no commit ever
//! named, and commits that a checkpoint has made superfluous.
//!
//! The listing is taken before the table is read: a file that is committed in between is known by then. A file that is
//! stored and not committed yet is protected by its age.

use std::collections::BTreeSet;

use blob::{BlobEntry, BlobKey};

use super::KeptRound;
use crate::config::LakeConfig;
use crate::delta::{DeltaLog, Snapshot};
use crate::error::LakeError;

/// Objects that one round looks at, oldest days first.
const LISTED_MAX: usize = 200_000;
const LOG_FOLDER: &str = "_delta_log/";

pub(super) fn sweep(log: &DeltaLog, config: &LakeConfig, done: &mut KeptRound) -> Result<(), LakeError> {
    let listed = log.objects.list(&log.root, LISTED_MAX)?;
    if listed.truncated {
        tracing::warn!(table = %log.table, LISTED_MAX, "a table has more objects than one sweep looks at");
    }
    let table = Known::read(log, config)?;
    for BlobEntry { key, .. } in &listed.entries {
        let Some(path) = key
            .as_str()
            .strip_prefix(log.root.as_str())
            .map(|below| below.trim_start_matches('/'))
        else {
            continue;
        };
        if table.is_spent(log, key, path)? {
            log.objects.delete(key)?;
            done.swept_files += 1;
        }
    }
    Ok(())
}

/// What the table's log says, as far as a sweep asks.
struct Known {
    snapshot: Snapshot,
    /// Commits before this are in a checkpoint.
    checkpoint: u64,
    /// What was replaced after this is still read.
    history_from_ms: i64,
    /// What was stored after this may still be committed.
    orphan_before_ms: i64,
    replaced_lately: BTreeSet<String>,
}

impl Known {
    fn read(log: &DeltaLog, config: &LakeConfig) -> Result<Self, LakeError> {
        let now_ms = (log.clock)();
        let history_from_ms = now_ms - config.history_ms;
        let snapshot = log.load()?;
        let lately = snapshot.removed.values().filter(|remove| {
            remove
                .deletion_timestamp
                .is_some_and(|removed_ms| removed_ms >= history_from_ms)
        });
        Ok(Self {
            replaced_lately: lately.map(|remove| remove.path.clone()).collect(),
            checkpoint: log.checkpoint_version()?.unwrap_or(0),
            snapshot,
            history_from_ms,
            orphan_before_ms: now_ms - config.orphan_ms,
        })
    }

    fn is_spent(&self, log: &DeltaLog, key: &BlobKey, path: &str) -> Result<bool, LakeError> {
        let older = |than_ms: i64| -> Result<bool, LakeError> {
            Ok(log
                .objects
                .modified_ms(key)?
                .is_some_and(|modified_ms| modified_ms < than_ms))
        };
        if let Some(name) = path.strip_prefix(LOG_FOLDER) {
            let superfluous = commit_version(name).is_some_and(|version| version < self.checkpoint);
            return Ok(superfluous && older(self.history_from_ms)?);
        }
        let ours = path.starts_with("day=") && path.ends_with(".parquet");
        if !ours || self.snapshot.files.contains_key(path) || self.replaced_lately.contains(path) {
            return Ok(false);
        }
        Ok(self.snapshot.removed.contains_key(path) || older(self.orphan_before_ms)?)
    }
}

/// The version of a commit or a checkpoint; none for other files, such as the pointer to the newest checkpoint.
fn commit_version(name: &str) -> Option<u64> {
    let version = name
        .strip_suffix(".checkpoint.parquet")
        .or_else(|| name.strip_suffix(".json"))?;
    (version.len() == 20).then(|| version.parse().ok()).flatten()
}
