//! What a checkpoint consists of, and the ordered list of a job's checkpoints in object storage.
//!
//! A manifest is a small JSON object under `jobs/NAME/manifest/VERSION`, put only if absent: of two processes that believe
//! to own a job, one publishes the next version and the other is fenced.

use std::io;

use event_log::{Topic, TopicPartition};
use serde::{Deserialize, Serialize};

use crate::keyed::objects::Objects;

/// Where a job stands in one partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestOffset {
    pub topic: u8,
    pub partition: u16,
    /// The next offset to read.
    pub next: u64,
    /// The watermark its records have reached, milliseconds; `i64::MIN` before the first.
    pub watermark_ms: i64,
}

impl ManifestOffset {
    /// The partition meant.
    pub fn from(&self) -> TopicPartition {
        TopicPartition {
            topic: Topic(self.topic),
            partition: self.partition,
        }
    }
}

/// One checkpoint: the state, and where to read on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// From 1, one more for each checkpoint of the job.
    pub version: u64,
    /// One more for each process that took the job over.
    pub epoch: u64,
    /// When it was published, by the clock of the process; for people, not for decisions.
    pub at_ms: i64,
    pub offsets: Vec<ManifestOffset>,
    /// Objects that hold the state, in the order in which they apply.
    pub objects: Vec<ManifestObject>,
    /// The last version whose rows the sink made durable, and what the sink wants to be told on restore.
    pub sink_version: u64,
    pub sink_mark: Vec<u8>,
}

/// An object of entries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestObject {
    pub key: String,
    pub bytes: u64,
    pub entries: u64,
    /// Part of a whole copy of the state, rather than of what changed.
    pub base: bool,
}

impl Manifest {
    /// The next offset to read from `of`; none when the job has not read it.
    pub fn next(&self, of: TopicPartition) -> Option<ManifestOffset> {
        self.offsets.iter().find(|offset| offset.from() == of).copied()
    }

    /// Bytes of its objects.
    pub fn bytes(&self) -> u64 {
        self.objects.iter().map(|object| object.bytes).sum()
    }
}

fn folder(job: &str) -> String {
    format!("jobs/{job}/manifest/")
}

fn key(job: &str, version: u64) -> String {
    format!("{}{version:020}", folder(job))
}

/// The key of a state object: `part` of what `version` adds, written by the process of `epoch`.
pub fn object_key(job: &str, epoch: u64, version: u64, part: usize) -> String {
    format!("jobs/{job}/state/{epoch:010}-{version:020}-{part:04}")
}

/// The versions there are, ascending.
///
/// # Errors
/// Any failure of the storage; so it is with the others here.
pub fn versions(objects: &dyn Objects, job: &str) -> io::Result<Vec<u64>> {
    let keys = objects.list(&folder(job))?;
    let number = |key: &String| key.rsplit('/').next()?.parse().ok();
    Ok(keys.iter().filter_map(number).collect())
}

/// One checkpoint, if it is there.
///
/// # Errors
/// See [`versions`].
pub fn read(objects: &dyn Objects, job: &str, version: u64) -> io::Result<Option<Manifest>> {
    let Some(bytes) = objects.get(&key(job, version))? else {
        return Ok(None);
    };
    serde_json::from_slice(&bytes).map(Some).map_err(io::Error::other)
}

/// The newest checkpoint, if there is any.
///
/// # Errors
/// See [`versions`].
pub fn newest(objects: &dyn Objects, job: &str) -> io::Result<Option<Manifest>> {
    match versions(objects, job)?.last() {
        Some(&version) => read(objects, job, version),
        None => Ok(None),
    }
}

/// Publishes; false when the version exists, which means that somebody else owns the job now.
///
/// # Errors
/// See [`versions`].
pub fn publish(objects: &dyn Objects, job: &str, manifest: &Manifest) -> io::Result<bool> {
    let bytes = serde_json::to_vec_pretty(manifest).map_err(io::Error::other)?;
    objects.put_if_absent(&key(job, manifest.version), &bytes)
}

/// Removes all but the newest `keep` checkpoints, and state objects that none of those left refers to and that are older than
/// they are.
///
/// # Errors
/// See [`versions`].
pub fn sweep(objects: &dyn Objects, job: &str, keep: usize) -> io::Result<()> {
    let versions = versions(objects, job)?;
    let gone = versions.len().saturating_sub(keep);
    for &version in &versions[..gone] {
        objects.delete(&key(job, version))?;
    }
    let mut held = std::collections::HashSet::new();
    for &version in &versions[gone..] {
        let manifest = read(objects, job, version)?.unwrap_or_default();
        held.extend(manifest.objects.into_iter().map(|object| object.key));
    }
    let Some(newest) = versions.last() else {
        return Ok(());
    };
    for object in objects.list(&format!("jobs/{job}/state/"))? {
        // An object of a version not yet published may belong to whoever is about to publish it.
        let version = object
            .rsplit('-')
            .nth(1)
            .and_then(|version| version.parse::<u64>().ok());
        if !held.contains(&object) && version.is_some_and(|version| version <= *newest) {
            objects.delete(&object)?;
        }
    }
    Ok(())
}
