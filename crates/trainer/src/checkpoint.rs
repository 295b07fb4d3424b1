//! Checkpoints of the learner in object storage: what it has become, and where in the journal that was.
//!
//! Keys and manifests are those of the stream engine (`jobs/NAME/manifest/VERSION`, `jobs/NAME/state/…`), so that its tools list and restore
//! these checkpoints too. A checkpoint is some packs of chunks and one root object, the last of the manifest's list. Chunks are named by their
//! content: one that an older pack holds is not stored again. The manifest is put only if absent, which fences.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::sync::Arc;

use model::snapshot::{Decoder, Encoder};
use model::{ChunkId, RestoreError, StateHash};
use stream::keyed::{CheckpointError, Manifest, ManifestObject, ManifestOffset, Objects};

use crate::journal::Standing;
use crate::learner::{Learner, LearnerParts};

/// Checkpoints kept.
pub(crate) const MANIFESTS_KEPT: usize = 3;
/// Packs of a checkpoint, before all chunks are written anew.
const PACKS_MAX: usize = 24;
/// Packs may hold this many bytes of chunks that nobody needs, beside as many as are needed.
const WASTE_BYTES_FREE: u64 = 8 << 20;
/// One pack; more chunks become several.
const PACK_BYTES_MAX: usize = 32 << 20;
/// Names of objects that a try to write a checkpoint has for itself.
const PARTS_A_TRY: usize = 10_000;
/// Chunks of a checkpoint.
const CHUNKS_MAX: usize = 1 << 22;

const MAGIC: u32 = 0x5254_4652;
const VERSION: u32 = 1;

/// Where a chunk lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    pack: u32,
    at: u64,
    bytes: u32,
}

/// The chunks that are in object storage.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Index {
    packs: Vec<ManifestObject>,
    places: HashMap<ChunkId, Place>,
}

/// The root object: everything but the chunks.
#[derive(Debug, Clone, PartialEq)]
struct Root {
    /// See [`LearnerParts::fingerprint`].
    fingerprint: u64,
    standing: Standing,
    hash: StateHash,
    model: Vec<u8>,
    own: Vec<u8>,
    index: Index,
}

/// A learner's state at one moment, ready to be written while learning goes on.
pub(crate) struct Captured {
    fingerprint: u64,
    standing: Standing,
    hash: StateHash,
    model: Vec<u8>,
    own: Vec<u8>,
    used: HashSet<ChunkId>,
    fresh: Vec<(ChunkId, Vec<u8>)>,
}

impl Captured {
    /// Copies the state, but for chunks that `held` has.
    pub(crate) fn of(learner: &mut Learner, standing: &Standing, held: &Index) -> io::Result<Self> {
        let hash = learner.state_hash();
        let (mut used, mut fresh) = (HashSet::new(), Vec::new());
        let anew = held.wants_anew();
        let (manifest, own) = learner.snapshot(|id, bytes| {
            if used.insert(*id) && (anew || !held.places.contains_key(id)) {
                fresh.push((*id, bytes.to_vec()));
            }
            Ok(())
        })?;
        Ok(Self {
            fingerprint: learner.fingerprint(),
            standing: standing.clone(),
            hash,
            model: manifest.encode(),
            own,
            used,
            fresh,
        })
    }

    /// Bytes that are new in it.
    pub(crate) fn fresh_bytes(&self) -> u64 {
        self.fresh.iter().map(|(_, bytes)| bytes.len() as u64).sum()
    }
}

impl Index {
    /// Whether so much of the packs is waste that a whole copy is due.
    fn wants_anew(&self) -> bool {
        let all: u64 = self.packs.iter().map(|pack| pack.bytes).sum();
        let needed: u64 = self.places.values().map(|place| u64::from(place.bytes)).sum();
        self.packs.len() >= PACKS_MAX || all > 2 * needed + WASTE_BYTES_FREE
    }

    /// Without the chunks that are not `used`, and without packs that hold no other.
    fn kept(&self, used: &HashSet<ChunkId>) -> Self {
        let mut places: HashMap<ChunkId, Place> = self.places.clone();
        places.retain(|id, _| used.contains(id));
        let needed: HashSet<u32> = places.values().map(|place| place.pack).collect();
        let mut numbers = HashMap::new();
        let mut packs = Vec::new();
        for (old, pack) in (0u32..).zip(&self.packs) {
            if needed.contains(&old) {
                numbers.insert(old, packs.len() as u32);
                packs.push(pack.clone());
            }
        }
        for place in places.values_mut() {
            place.pack = numbers[&place.pack];
        }
        Self { packs, places }
    }
}

impl Root {
    fn encode(&self) -> Vec<u8> {
        let mut out = Encoder::default();
        out.u32(MAGIC).u32(VERSION).u64(self.fingerprint);
        out.u64(self.standing.epoch).u64(self.standing.round);
        out.u32(self.standing.next.len() as u32);
        for (partition, next) in &self.standing.next {
            out.u32(u32::from(*partition)).u64(*next);
        }
        out.raw(&self.hash.0).bytes(&self.model).bytes(&self.own);
        out.u32(self.index.packs.len() as u32);
        for pack in &self.index.packs {
            out.bytes(pack.key.as_bytes()).u64(pack.bytes).u64(pack.entries);
        }
        let mut places: Vec<_> = self.index.places.iter().collect();
        places.sort_unstable_by_key(|(id, _)| **id);
        out.u32(places.len() as u32);
        for (id, place) in places {
            out.raw(&id.0).u32(place.pack).u64(place.at).u32(place.bytes);
        }
        let mut bytes = out.end();
        let hash = StateHash::of(&bytes);
        bytes.extend_from_slice(&hash.0);
        bytes
    }

    /// Reads every version ever written.
    fn decode(bytes: &[u8]) -> Result<Self, RestoreError> {
        let short = RestoreError::Format("a root that is too short");
        let (body, hash) = bytes
            .split_at_checked(bytes.len().saturating_sub(32))
            .ok_or(short)?;
        let mut from = Decoder::new(body);
        if from.u32()? != MAGIC || StateHash::of(body).0 != hash {
            return Err(RestoreError::Format("root"));
        }
        match from.u32()? {
            VERSION => {}
            other => return Err(RestoreError::Version(other)),
        }
        let fingerprint = from.u64()?;
        let (epoch, round) = (from.u64()?, from.u64()?);
        let mut next = BTreeMap::new();
        for _ in 0..from.u32()? {
            let partition = u16::try_from(from.u32()?).map_err(|_| RestoreError::Format("partition"))?;
            next.insert(partition, from.u64()?);
        }
        let hash = from.hash()?;
        let (model, own) = (from.bytes()?.to_vec(), from.bytes()?.to_vec());
        let mut index = Index::default();
        for _ in 0..from.u32()? {
            let key = String::from_utf8(from.bytes()?.to_vec());
            index.packs.push(ManifestObject {
                key: key.map_err(|_| RestoreError::Format("a pack's key"))?,
                bytes: from.u64()?,
                entries: from.u64()?,
                base: true,
            });
        }
        let count = from.u32()? as usize;
        if count > CHUNKS_MAX {
            return Err(RestoreError::Format("too many chunks"));
        }
        for _ in 0..count {
            let id = from.hash()?;
            let place = Place {
                pack: from.u32()?,
                at: from.u64()?,
                bytes: from.u32()?,
            };
            index.places.insert(id, place);
        }
        Ok(Self {
            fingerprint,
            standing: Standing { epoch, round, next },
            hash,
            model,
            own,
            index,
        })
    }
}

/// A learner out of a checkpoint, and what is needed to go on.
pub(crate) struct Restored {
    pub(crate) learner: Learner,
    pub(crate) standing: Standing,
    pub(crate) index: Index,
}

/// Why a checkpoint could not be made a learner again.
#[derive(Debug, thiserror::Error)]
pub enum UnfitError {
    #[error("a part of the checkpoint does not read")]
    Restore(#[from] RestoreError),
    #[error(
        "the checkpoint's state has hash {found} and not {expected}: it was written by another build, or is damaged"
    )]
    Hash { expected: StateHash, found: StateHash },
    #[error("the checkpoint is of another schema, configuration or seed")]
    Changed,
    #[error("the checkpoint could not be fetched")]
    Fetch(#[from] CheckpointError),
}

impl UnfitError {
    /// Short and of few values, for a metric; none when the storage, and not the checkpoint, is in trouble.
    pub(crate) fn reason(&self) -> Option<&'static str> {
        match self {
            Self::Fetch(CheckpointError::Damaged { .. }) => Some("object_gone"),
            Self::Fetch(_) => None,
            Self::Restore(RestoreError::Version(_)) => Some("newer_program"),
            Self::Restore(_) => Some("object_damaged"),
            Self::Hash { .. } => Some("other_hash"),
            Self::Changed => Some("changed"),
        }
    }
}

/// The checkpoints of one learner.
#[derive(Clone)]
pub(crate) struct Checkpoints {
    pub(crate) objects: Arc<dyn Objects>,
    pub(crate) name: &'static str,
}

impl Checkpoints {
    fn folder(&self, kind: &str) -> String {
        format!("jobs/{}/{kind}/", self.name)
    }

    fn manifest_key(&self, version: u64) -> String {
        format!("{}{version:020}", self.folder("manifest"))
    }

    /// The versions there are, ascending.
    pub(crate) fn versions(&self) -> io::Result<Vec<u64>> {
        let keys = self.objects.list(&self.folder("manifest"))?;
        let number = |key: &String| key.rsplit('/').next()?.parse().ok();
        Ok(keys.iter().filter_map(number).collect())
    }

    /// One checkpoint.
    ///
    /// # Errors
    /// [`CheckpointError::Damaged`] when it is gone or does not read.
    pub(crate) fn manifest(&self, version: u64) -> Result<Manifest, CheckpointError> {
        let key = self.manifest_key(version);
        let manifest = self.object(&key)?;
        serde_json::from_slice(&manifest).map_err(|_| CheckpointError::Damaged { key })
    }

    /// Puts a manifest; fenced when there is one of its version.
    pub(crate) fn publish(&self, manifest: &Manifest) -> Result<(), CheckpointError> {
        let bytes = serde_json::to_vec_pretty(manifest).map_err(io::Error::other)?;
        let key = self.manifest_key(manifest.version);
        match self.objects.put_if_absent(&key, &bytes)? {
            true => Ok(()),
            false => Err(CheckpointError::Fenced {
                version: manifest.version,
            }),
        }
    }

    /// Writes what was captured as the checkpoint after `last`. Of an earlier one of the `tries` objects may lie there already.
    pub(crate) fn save(
        &self,
        last: &Manifest,
        (at_ms, offsets): (i64, Vec<ManifestOffset>),
        captured: Captured,
        (held, tries): (&Index, usize),
    ) -> Result<(Manifest, Index), CheckpointError> {
        let version = last.version + 1;
        let mut put = Putting {
            checkpoints: self,
            epoch: last.epoch,
            version,
            part: tries * PARTS_A_TRY,
        };
        let fresh: HashSet<ChunkId> = captured.fresh.iter().map(|(id, _)| *id).collect();
        let old = captured.used.difference(&fresh).copied().collect();
        let mut index = held.kept(&old);
        let (mut pack, mut inside) = (Vec::new(), 0);
        for (id, bytes) in &captured.fresh {
            let place = Place {
                pack: index.packs.len() as u32,
                at: pack.len() as u64,
                bytes: bytes.len() as u32,
            };
            pack.extend_from_slice(bytes);
            index.places.insert(*id, place);
            inside += 1;
            if pack.len() >= PACK_BYTES_MAX {
                let object = put.object(&std::mem::take(&mut pack), std::mem::take(&mut inside))?;
                index.packs.push(object);
            }
        }
        if inside > 0 {
            index.packs.push(put.object(&pack, inside)?);
        }
        let root = Root {
            fingerprint: captured.fingerprint,
            standing: captured.standing,
            hash: captured.hash,
            model: captured.model,
            own: captured.own,
            index,
        };
        let mut objects = root.index.packs.clone();
        objects.push(put.object(&root.encode(), 1)?);
        let manifest = Manifest {
            version,
            epoch: last.epoch,
            at_ms,
            offsets,
            objects,
            sink_version: 0,
            sink_mark: Vec::new(),
        };
        self.publish(&manifest)?;
        Ok((manifest, root.index))
    }

    /// The learner of a checkpoint; none when it holds no state.
    pub(crate) fn restore(
        &self,
        manifest: &Manifest,
        parts: &LearnerParts,
    ) -> Result<Option<Restored>, UnfitError> {
        let Some((root, packs)) = manifest.objects.split_last() else {
            return Ok(None);
        };
        let root = Root::decode(&self.object(&root.key)?)?;
        if packs.len() != root.index.packs.len() {
            return Err(RestoreError::Format("packs").into());
        }
        if root.fingerprint != parts.fingerprint() {
            return Err(UnfitError::Changed);
        }
        let model = model::Manifest::decode(&root.model)?;
        let mut cache: HashMap<u32, Vec<u8>> = HashMap::new();
        // The storage's own trouble, which says nothing about the checkpoint.
        let mut outage = None;
        let restored = Learner::restore(parts, &model, &root.own, |id| {
            let place = root.index.places.get(id).ok_or(io::ErrorKind::NotFound)?;
            let pack = root
                .index
                .packs
                .get(place.pack as usize)
                .ok_or(io::ErrorKind::NotFound)?;
            let bytes = match cache.entry(place.pack) {
                std::collections::hash_map::Entry::Occupied(held) => held.into_mut(),
                std::collections::hash_map::Entry::Vacant(free) => {
                    let object = self.object(&pack.key).map_err(|error| match error {
                        CheckpointError::Objects(error) => {
                            let kind = error.kind();
                            outage = Some(error);
                            io::Error::from(kind)
                        }
                        error => io::Error::other(error),
                    });
                    free.insert(object?)
                }
            };
            let chunk = bytes
                .get(place.at as usize..)
                .and_then(|rest| rest.get(..place.bytes as usize));
            chunk
                .map(<[u8]>::to_vec)
                .ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
        });
        if let Some(error) = outage {
            return Err(UnfitError::Fetch(error.into()));
        }
        let mut learner = restored?;
        let found = learner.state_hash();
        if found != root.hash {
            return Err(UnfitError::Hash {
                expected: root.hash,
                found,
            });
        }
        Ok(Some(Restored {
            learner,
            standing: root.standing,
            index: root.index,
        }))
    }

    fn object(&self, key: &str) -> Result<Vec<u8>, CheckpointError> {
        self.objects
            .get(key)?
            .ok_or_else(|| CheckpointError::Damaged { key: key.to_owned() })
    }

    /// Removes all but the newest checkpoints, and objects that none of those left refers to.
    pub(crate) fn sweep(&self) -> io::Result<()> {
        let versions = self.versions()?;
        let Some(newest) = versions.last() else {
            return Ok(());
        };
        let (gone, left) = versions.split_at(versions.len().saturating_sub(MANIFESTS_KEPT));
        let mut held = HashSet::new();
        for version in left {
            match self.manifest(*version) {
                Ok(manifest) => held.extend(manifest.objects.into_iter().map(|object| object.key)),
                Err(CheckpointError::Objects(error)) => return Err(error),
                // A damaged one holds nothing that anybody could use.
                Err(_) => {}
            }
        }
        for version in gone {
            self.objects.delete(&self.manifest_key(*version))?;
        }
        for key in self.objects.list(&self.folder("state"))? {
            // An object of a version that is not published yet may belong to whoever is about to publish it.
            let version = key
                .rsplit('-')
                .nth(1)
                .and_then(|version| version.parse::<u64>().ok());
            if !held.contains(&key) && version.is_some_and(|version| version <= *newest) {
                self.objects.delete(&key)?;
            }
        }
        Ok(())
    }
}

/// Puts the objects of one version.
struct Putting<'a> {
    checkpoints: &'a Checkpoints,
    epoch: u64,
    version: u64,
    part: usize,
}

impl Putting<'_> {
    fn object(&mut self, bytes: &[u8], entries: u64) -> Result<ManifestObject, CheckpointError> {
        let folder = self.checkpoints.folder("state");
        let key = format!("{folder}{:010}-{:020}-{:04}", self.epoch, self.version, self.part);
        self.part += 1;
        if !self.checkpoints.objects.put_if_absent(&key, bytes)? {
            return Err(CheckpointError::Fenced {
                version: self.version,
            });
        }
        Ok(ManifestObject {
            key,
            bytes: bytes.len() as u64,
            entries,
            base: true,
        })
    }
}

#[cfg(test)]
mod tests {
    use stream::keyed::MemoryObjects;

    use super::*;
    use crate::fixture;
    use crate::learner::tests::placed;

    fn checkpoints() -> Checkpoints {
        Checkpoints {
            objects: Arc::new(MemoryObjects::default()),
            name: "trainer",
        }
    }

    #[test]
    fn many_checkpoints_keep_few_objects_and_the_last_one_restores() {
        let checkpoints = checkpoints();
        let parts = fixture::parts();
        let mut learner = Learner::new(&parts).expect("the parts fit");
        let (mut last, mut index) = (Manifest::default(), Index::default());
        let mut standing = Standing::default();
        for number in 0..40u64 {
            let examples: Vec<_> = (number * 50..number * 50 + 50).map(placed).collect();
            learner.learn(&examples);
            standing.round = number;
            let captured = Captured::of(&mut learner, &standing, &index).expect("captures");
            let at = (number as i64, Vec::new());
            (last, index) = checkpoints.save(&last, at, captured, (&index, 0)).expect("saves");
            checkpoints.sweep().expect("sweeps");
        }
        let objects = checkpoints.objects.list("jobs/trainer/state/").expect("lists");
        assert!(
            objects.len() <= PACKS_MAX + 3 * MANIFESTS_KEPT,
            "{} objects",
            objects.len()
        );
        let manifests = checkpoints.objects.list("jobs/trainer/manifest/").expect("lists");
        assert_eq!(manifests.len(), MANIFESTS_KEPT);
        let newest = checkpoints.manifest(last.version).expect("reads");
        let mut restored = checkpoints
            .restore(&newest, &parts)
            .expect("restores")
            .expect("it holds state");
        assert_eq!(restored.standing.round, 39);
        assert_eq!(restored.learner.state_hash(), learner.state_hash());
        assert_eq!(restored.index, index);
    }

    #[test]
    fn damage_is_noticed() {
        let checkpoints = checkpoints();
        let parts = fixture::parts();
        let mut learner = Learner::new(&parts).expect("the parts fit");
        learner.learn(&(0..300).map(placed).collect::<Vec<_>>());
        let save = |learner: &mut Learner, last: &Manifest| {
            let captured = Captured::of(learner, &Standing::default(), &Index::default()).expect("captures");
            checkpoints.save(last, (0, Vec::new()), captured, (&Index::default(), 0))
        };
        let (manifest, _) = save(&mut learner, &Manifest::default()).expect("saves");
        assert!(
            matches!(
                save(&mut learner, &Manifest::default()),
                Err(CheckpointError::Fenced { version: 1 })
            ),
            "another process was there"
        );
        for object in &manifest.objects {
            let whole = checkpoints
                .objects
                .get(&object.key)
                .expect("gets")
                .expect("is there");
            let mut hurt = whole.clone();
            hurt[whole.len() / 2] ^= 1;
            checkpoints.objects.delete(&object.key).expect("deletes");
            assert!(matches!(
                checkpoints.restore(&manifest, &parts),
                Err(UnfitError::Fetch(_) | UnfitError::Restore(_))
            ));
            checkpoints
                .objects
                .put_if_absent(&object.key, &hurt)
                .expect("puts");
            assert!(checkpoints.restore(&manifest, &parts).is_err());
            checkpoints.objects.delete(&object.key).expect("deletes");
            checkpoints
                .objects
                .put_if_absent(&object.key, &whole)
                .expect("puts");
        }
        assert!(checkpoints.restore(&manifest, &parts).is_ok());
    }
}
