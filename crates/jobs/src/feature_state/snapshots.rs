//! Checkpoints of the feature state in object storage: the whole state and the offsets it stands for, in one object and one manifest.
//!
//! Keys and manifests are those of the stream engine (`jobs/NAME/manifest/VERSION`, `jobs/NAME/state/…`), so `riffle jobs` works on them. An
//! object is written whole and checked when it is read. One that is missing, damaged, of another format, or ahead of the log gives
//! way to the checkpoint before it, and at last to the log: nothing here keeps a server from starting.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Instant;

use event_log::{EventLog, TopicPartition};
use feature::{State, StateConfig, StateError};
use feature_store::{LiveFeatures, job};
use parking_lot::Mutex;
use stream::Checkpoint;
use stream::keyed::manifest::{self, Manifest, ManifestObject, ManifestOffset};
use stream::keyed::{CheckpointError, Objects, WATERMARK_NONE_MS};

/// Checkpoints kept.
const MANIFESTS_KEPT: usize = 3;
const MAGIC: [u8; 8] = *b"rffsnap1";

/// What snapshots are made with.
pub struct SnapshotParts {
    pub live: LiveFeatures,
    pub log: Arc<dyn EventLog>,
    pub objects: Arc<dyn Objects>,
    pub config: StateConfig,
    /// Milliseconds since the Unix epoch: names checkpoints for people, decides nothing.
    pub clock: Arc<dyn Fn() -> i64 + Send + Sync>,
}

/// See the file's header.
pub struct Snapshots {
    parts: SnapshotParts,
    kept: Mutex<Kept>,
}

/// The last checkpoint, and how far the state in memory is.
#[derive(Default)]
struct Kept {
    last: Manifest,
    next: BTreeMap<TopicPartition, u64>,
}

/// Why a checkpoint cannot be gone on from.
#[derive(Debug, thiserror::Error)]
enum UnfitError {
    #[error("object {0} is gone")]
    Gone(String),
    #[error("object {0} is damaged")]
    Damaged(String),
    #[error("the state does not read")]
    State(#[from] StateError),
    #[error("it stands at offset {next} of {from:?}, and the log ends at {end}")]
    Ahead {
        from: TopicPartition,
        next: u64,
        end: u64,
    },
    #[error("the object storage failed")]
    Objects(#[from] io::Error),
}

impl Snapshots {
    /// Puts the newest checkpoint that can be used into the live state, or nothing, and takes the job over from whoever had it.
    ///
    /// # Errors
    /// When object storage fails, or another process takes the job over at this moment.
    pub fn open(parts: SnapshotParts) -> Result<Self, CheckpointError> {
        let objects = &*parts.objects;
        let mut versions = manifest::versions(objects, job::FEATURE_STATE)?;
        let newest = versions.last().copied().unwrap_or(0);
        let mut found = None;
        while let (None, Some(version)) = (&found, versions.pop()) {
            match read(&parts, version) {
                Ok(checkpoint) => found = Some(checkpoint),
                Err(error) => {
                    metrics::counter!("riffle_jobs_snapshots_unfit_total", "job" => job::FEATURE_STATE)
                        .increment(1);
                    tracing::error!(
                        version,
                        error = &error as &dyn std::error::Error,
                        "a checkpoint of the feature state cannot be used"
                    );
                }
            }
        }
        let (last, state) = found.unwrap_or_else(|| (Manifest::default(), State::new(parts.config)));
        let next = last.offsets.iter().map(|offset| (offset.from(), offset.next));
        let next = next.collect();
        parts.live.write(|live| *live = state.with_config(parts.config));
        let claim = Manifest {
            version: newest + 1,
            epoch: last.epoch + 1,
            at_ms: (parts.clock)(),
            ..last
        };
        let snapshots = Self {
            kept: Mutex::new(Kept {
                last: Manifest::default(),
                next,
            }),
            parts,
        };
        snapshots.publish(claim)?;
        Ok(snapshots)
    }

    fn publish(&self, manifest: Manifest) -> Result<(), CheckpointError> {
        let objects = &*self.parts.objects;
        if !manifest::publish(objects, job::FEATURE_STATE, &manifest)? {
            return Err(CheckpointError::Fenced {
                version: manifest.version,
            });
        }
        metrics::gauge!("riffle_stream_checkpoint_version", "job" => job::FEATURE_STATE)
            .set(manifest.version as f64);
        metrics::gauge!("riffle_stream_checkpoint_at_ms", "job" => job::FEATURE_STATE)
            .set(manifest.at_ms as f64);
        metrics::gauge!("riffle_stream_checkpoint_bytes", "job" => job::FEATURE_STATE)
            .set(manifest.bytes() as f64);
        self.kept.lock().last = manifest;
        if let Err(error) = manifest::sweep(objects, job::FEATURE_STATE, MANIFESTS_KEPT) {
            tracing::warn!(%error, "old checkpoints of the feature state could not be removed");
        }
        Ok(())
    }

    fn save(&self, last: &Manifest, offsets: Vec<ManifestOffset>) -> Result<(), CheckpointError> {
        let began = Instant::now();
        let (bytes, sizes) = self.parts.live.read(|state| (sealed(state), state.sizes()));
        let version = last.version + 1;
        let key = manifest::object_key(job::FEATURE_STATE, last.epoch, version, 0);
        if !self.parts.objects.put_if_absent(&key, &bytes)? {
            return Err(CheckpointError::Fenced { version });
        }
        let entries = sizes.iter().map(|size| *size as u64).sum();
        let object = ManifestObject {
            key,
            bytes: bytes.len() as u64,
            entries,
            base: true,
        };
        self.publish(Manifest {
            version,
            epoch: last.epoch,
            at_ms: (self.parts.clock)(),
            offsets,
            objects: vec![object],
            ..Manifest::default()
        })?;
        metrics::histogram!("riffle_stream_checkpoint_ms", "job" => job::FEATURE_STATE)
            .record(began.elapsed().as_secs_f64() * 1e3);
        metrics::counter!("riffle_stream_checkpoints_total", "job" => job::FEATURE_STATE).increment(1);
        metrics::gauge!("riffle_stream_state_keys", "job" => job::FEATURE_STATE).set(entries as f64);
        metrics::gauge!("riffle_stream_state_bytes", "job" => job::FEATURE_STATE).set(bytes.len() as f64);
        Ok(())
    }
}

impl Checkpoint for Snapshots {
    type Error = CheckpointError;

    fn resume_at(&self, _: &str, from: TopicPartition) -> Result<u64, CheckpointError> {
        let next = self.kept.lock().next.get(&from).copied().unwrap_or(0);
        let start = self.parts.log.start(from);
        if next < start && next > 0 {
            tracing::warn!(
                ?from,
                next,
                start,
                "records that the feature state has not counted are gone from the log"
            );
        }
        Ok(next.max(start))
    }

    fn applied(&self, _: &str, from: TopicPartition, next: u64) {
        self.kept.lock().next.insert(from, next);
    }

    fn commit(&self, _: &str, offsets: &[(TopicPartition, u64)]) -> Result<(), CheckpointError> {
        let (last, offsets) = {
            let mut kept = self.kept.lock();
            kept.next.extend(offsets.iter().copied());
            let offset = |(from, next): (&TopicPartition, &u64)| ManifestOffset {
                topic: from.topic.0,
                partition: from.partition,
                next: *next,
                watermark_ms: WATERMARK_NONE_MS,
            };
            (kept.last.clone(), kept.next.iter().map(offset).collect())
        };
        self.save(&last, offsets)
    }

    fn is_transient(error: &CheckpointError) -> bool {
        !matches!(error, CheckpointError::Fenced { .. })
    }
}

/// A checkpoint and its state; one without objects is a state that knows nothing.
fn read(parts: &SnapshotParts, version: u64) -> Result<(Manifest, State), UnfitError> {
    let found = manifest::read(&*parts.objects, job::FEATURE_STATE, version)?;
    let manifest = found.ok_or_else(|| UnfitError::Gone(format!("manifest {version}")))?;
    for offset in &manifest.offsets {
        let (from, next, end) = (offset.from(), offset.next, parts.log.end(offset.from()));
        if next > end {
            return Err(UnfitError::Ahead { from, next, end });
        }
    }
    let Some(object) = manifest.objects.first() else {
        return Ok((manifest, State::new(parts.config)));
    };
    let bytes = parts.objects.get(&object.key)?;
    let bytes = bytes.ok_or_else(|| UnfitError::Gone(object.key.clone()))?;
    let body = unsealed(&bytes).ok_or_else(|| UnfitError::Damaged(object.key.clone()))?;
    let state = State::decode(body)?;
    Ok((manifest, state))
}

/// The state as an object: a magic word, the state, a checksum of both.
fn sealed(state: &State) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.append(&mut state.encode());
    let crc = crc32c::crc32c(&bytes);
    bytes.extend_from_slice(&crc.to_le_bytes());
    bytes
}

fn unsealed(bytes: &[u8]) -> Option<&[u8]> {
    let (checked, crc) = bytes.split_last_chunk::<4>()?;
    let is_whole = crc32c::crc32c(checked) == u32::from_le_bytes(*crc);
    checked.strip_prefix(&MAGIC).filter(|_| is_whole)
}
