//! The state as bytes: full, or the blocks that changed since the last time, chained by digest.
//!
//! ```text
//! magic 8 | kind u32 | layout digest 16 | parent digest 16 | state words, u64 each
//! frames: region u32 | block u32 | words u32 | that many u64      (none: the block is zero)
//! region u32::MAX | digest 16
//! ```
//!
//! All numbers are little-endian. Everything that decides what the table will do is in there, down to the order of free
//! rows and the place of the clock hand, so a restored table fed with the rest of the log becomes equal to one that never
//! stopped. The digest at the end is computed anew after loading: a snapshot that was damaged does not load. Writing takes
//! one pass over the blocks concerned, on the writer's thread, and is consistent because nothing is written meanwhile.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::config::{CLASSES, RowClass, TableConfig};
use super::cuckoo::Growing;
use super::digest::{Digest, Hasher};
use super::index::Geometry;
use super::reader::Reader;
use super::sketch::LINE_WORDS;
use super::tracked::{BLOCK_WORDS, Tracked};
use super::writer::Writer;
use super::{Table, bucket};

const MAGIC: [u8; 8] = *b"rf-tab-1";
const FULL: u32 = 0;
const CHANGED: u32 = 1;
const END: u32 = u32::MAX;
/// State words that are not of a slab or a shard.
const LOOSE_WORDS: usize = 9;
const SLAB_WORDS: usize = 4;
const SHARD_WORDS: usize = 2;
/// Regions: the slabs, the sketch, then two sides a shard.
const SKETCH: usize = CLASSES;
const SIDES: usize = CLASSES + 1;

/// Why a table's state could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The other end's fault; worth another try with a fresh table or a fresh sink.
    #[error("reading or writing the snapshot failed")]
    Io(#[from] io::Error),
    /// The settings do not make a table.
    #[error(transparent)]
    Config(#[from] super::config::ConfigError),
    /// Not this kind of file, or of a format this build does not know.
    #[error("not a snapshot of a table: {0}")]
    Malformed(&'static str),
    /// Slots, shards or sketch differ from those that wrote it.
    #[error("the snapshot has another layout than the table")]
    LayoutDiffers,
    /// Changes apply to exactly one state, and this is another.
    #[error("the changes follow {parent}, the table is at {here}")]
    ParentDiffers {
        /// The state that the changes were taken from.
        parent: Digest,
        /// The state of the table.
        here: Digest,
    },
    /// Nothing was written or restored yet, so there is nothing to be changed from.
    #[error("changes need a full snapshot before them")]
    NoParent,
    /// The bytes are not what was written.
    #[error("the snapshot is damaged: it should be {expected} and is {found}")]
    Damaged {
        /// Digest of what was written.
        expected: Digest,
        /// Digest of what was read.
        found: Digest,
    },
}

/// What was last written or restored.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Saved(Option<Digest>);

impl Writer {
    /// Fingerprint of all state. Equal sequences of calls on equal settings give equal digests; the cost is that of
    /// reading what changed since the last one.
    pub fn digest(&mut self) -> Digest {
        let state = self.state();
        let mut root = Hasher::new(state.len() as u64);
        state.iter().for_each(|word| root.add(*word));
        for region in 0..self.regions() {
            let used = self.words_used(region);
            root.add_digest(self.region_mut(region).digest(used));
        }
        root.finish()
    }

    /// Writes the whole state and returns its digest.
    pub fn write_full(&mut self, out: &mut impl Write) -> Result<Digest, SnapshotError> {
        self.write(out, FULL, Digest::default())
    }

    /// Writes what changed since the last successful write or restore.
    pub fn write_changed(&mut self, out: &mut impl Write) -> Result<Digest, SnapshotError> {
        let parent = self.saved.0.ok_or(SnapshotError::NoParent)?;
        self.write(out, CHANGED, parent)
    }

    fn write(&mut self, out: &mut impl Write, kind: u32, parent: Digest) -> Result<Digest, SnapshotError> {
        let digest = self.digest();
        out.write_all(&MAGIC)?;
        out.write_all(&kind.to_le_bytes())?;
        out.write_all(&layout(&self.shared.config).to_bytes())?;
        out.write_all(&parent.to_bytes())?;
        for word in self.state() {
            out.write_all(&word.to_le_bytes())?;
        }
        let mut bytes = Vec::with_capacity(BLOCK_WORDS * 8);
        for region in 0..self.regions() {
            let used = self.words_used(region);
            let tracked = self.region(region);
            for block in tracked.unsaved(used, kind == FULL) {
                let words = tracked.block(block, used);
                let zero = words.iter().all(|word| word.load(Ordering::Relaxed) == 0);
                if zero && kind == FULL {
                    continue;
                }
                let words = if zero { &[] } else { words };
                frame(out, &mut bytes, [region, block], words)?;
            }
        }
        out.write_all(&END.to_le_bytes())?;
        out.write_all(&digest.to_bytes())?;
        self.saved_as(digest);
        Ok(digest)
    }

    /// Applies what [`Writer::write_changed`] wrote. The table must be at the state that it was taken from, and nobody
    /// may read it meanwhile; after an error it is gone.
    pub fn restore_changed(mut self, input: &mut impl Read) -> Result<Self, SnapshotError> {
        let (kind, parent) = self.read_head(input)?;
        if kind != CHANGED {
            return Err(SnapshotError::Malformed("a full snapshot instead of changes"));
        }
        let here = self.digest();
        if parent != here {
            return Err(SnapshotError::ParentDiffers { parent, here });
        }
        self.read_rest(input)?;
        Ok(self)
    }

    fn read_head(&self, input: &mut impl Read) -> Result<(u32, Digest), SnapshotError> {
        if array(input)? != MAGIC {
            return Err(SnapshotError::Malformed("unknown magic"));
        }
        let kind = u32::from_le_bytes(array(input)?);
        if Digest::from_bytes(array(input)?) != layout(&self.shared.config) {
            return Err(SnapshotError::LayoutDiffers);
        }
        Ok((kind, Digest::from_bytes(array(input)?)))
    }

    /// State, frames, and the proof that they are whole.
    fn read_rest(&mut self, input: &mut impl Read) -> Result<(), SnapshotError> {
        let mut state = vec![0; self.state().len()];
        for word in &mut state {
            *word = u64::from_le_bytes(array(input)?);
        }
        self.state_set(&state)
            .ok_or(SnapshotError::Malformed("a count beyond its bound"))?;
        for region in 0..self.regions() {
            if self.words_used(region) == 0 {
                self.region_mut(region).release();
            }
        }
        loop {
            let region = u32::from_le_bytes(array(input)?);
            if region == END {
                break;
            }
            self.read_frame(input, region as usize)?;
        }
        let expected = Digest::from_bytes(array(input)?);
        self.index.publish();
        let found = self.digest();
        if found != expected {
            return Err(SnapshotError::Damaged { expected, found });
        }
        self.saved_as(found);
        Ok(())
    }

    fn read_frame(&mut self, input: &mut impl Read, region: usize) -> Result<(), SnapshotError> {
        let block = u32::from_le_bytes(array(input)?) as usize;
        let words = u32::from_le_bytes(array(input)?) as usize;
        if region >= self.regions() {
            return Err(SnapshotError::Malformed("no such region"));
        }
        let used = self.words_used(region);
        let first = block * BLOCK_WORDS;
        let room = used.saturating_sub(first).min(BLOCK_WORDS);
        if room == 0 || words != 0 && words != room {
            return Err(SnapshotError::Malformed("a frame outside its region"));
        }
        let mut bytes = vec![0; words * 8];
        input.read_exact(&mut bytes)?;
        let tracked = self.region_mut(region);
        for (i, bytes) in bytes.chunks_exact(8).enumerate() {
            let word = bytes.try_into().map(u64::from_le_bytes);
            tracked.set(first + i, word.unwrap_or(0));
        }
        (words..room).for_each(|i| tracked.set(first + i, 0));
        Ok(())
    }

    fn saved_as(&mut self, digest: Digest) {
        for region in 0..self.regions() {
            self.region_mut(region).saved();
        }
        self.saved = Saved(Some(digest));
    }

    /// Everything besides the regions.
    fn state(&self) -> Vec<u64> {
        let growing = self.index.growing;
        let mut state = vec![
            u64::from(self.now_s),
            self.hand.shard as u64,
            self.hand.bucket as u64,
            self.hand.due.to_bits(),
            u64::from(self.sketch.aged),
            u64::from(self.sketch.aged_at_s),
            growing.map_or(u64::MAX, |growing| growing.shard as u64),
            growing.map_or(0, |growing| growing.next as u64),
            u64::from(self.hand.ticked_s),
        ];
        for slab in &self.slabs {
            state.extend([slab.used, slab.free_first, slab.free_last, slab.live].map(u64::from));
        }
        for shard in &self.index.shards {
            state.extend([shard.geometry.to_bits(), shard.entries as u64]);
        }
        state
    }

    /// `None` if a count is out of bounds; the table is then unusable.
    fn state_set(&mut self, state: &[u64]) -> Option<()> {
        let (loose, rest) = state.split_first_chunk::<LOOSE_WORDS>()?;
        let (slabs, shards) = rest.split_at_checked(SLAB_WORDS * CLASSES)?;
        let all = self.index.shards.len();
        self.now_s = u32::try_from(loose[0]).ok()?;
        self.hand.shard = usize::try_from(loose[1]).ok().filter(|shard| *shard < all)?;
        self.hand.bucket = usize::try_from(loose[2]).ok()?;
        self.hand.due = Some(f64::from_bits(loose[3])).filter(|due| due.is_finite())?;
        self.sketch.aged = u32::try_from(loose[4]).ok()?;
        self.sketch.aged_at_s = u32::try_from(loose[5]).ok()?;
        self.index.growing = match loose[6] {
            u64::MAX => None,
            shard => Some(Growing {
                shard: usize::try_from(shard).ok().filter(|shard| *shard < all)?,
                next: usize::try_from(loose[7]).ok()?,
            }),
        };
        self.hand.ticked_s = u32::try_from(loose[8]).ok()?;
        for ((slab, words), rows_max) in self
            .slabs
            .iter_mut()
            .zip(slabs.chunks_exact(SLAB_WORDS))
            .zip(self.shared.config.rows_max)
        {
            let row = |word: u64| u32::try_from(word).ok().filter(|row| *row <= rows_max);
            slab.used = row(words[0])?;
            slab.free_first = row(words[1])?;
            slab.free_last = row(words[2])?;
            slab.live = row(words[3])?;
        }
        for (shard, words) in self.index.shards.iter_mut().zip(shards.chunks_exact(SHARD_WORDS)) {
            let geometry = Geometry::from_bits(words[0]);
            let room = shard.sides[0].words().len() / bucket::WORDS;
            if geometry.buckets == 0 || geometry.buckets.max(geometry.old) > room {
                return None;
            }
            shard.geometry = geometry;
            shard.entries = usize::try_from(words[1]).ok()?;
        }
        Some(())
    }

    fn regions(&self) -> usize {
        SIDES + 2 * self.index.shards.len()
    }

    fn region(&self, region: usize) -> &Tracked {
        match region {
            SKETCH => &self.sketch_lines,
            _ if region < SKETCH => &self.rows[region],
            _ => &self.index.shards[(region - SIDES) / 2].sides[(region - SIDES) % 2],
        }
    }

    fn region_mut(&mut self, region: usize) -> &mut Tracked {
        match region {
            SKETCH => &mut self.sketch_lines,
            _ if region < SKETCH => &mut self.rows[region],
            _ => &mut self.index.shards[(region - SIDES) / 2].sides[(region - SIDES) % 2],
        }
    }

    fn words_used(&self, region: usize) -> usize {
        match region {
            SKETCH => self.shared.config.sketch_lines * LINE_WORDS,
            _ if region < SKETCH => self.slabs[region].words_used(RowClass::ALL[region]),
            _ => self.index.shards[(region - SIDES) / 2].words_used((region - SIDES) % 2),
        }
    }
}

impl Table {
    /// A table at the state that [`Writer::write_full`] wrote. Of the settings, shards, sketch size and the widths of the
    /// slots must be the same; the rest may have changed.
    pub fn restore(config: TableConfig, input: &mut impl Read) -> Result<(Writer, Reader), SnapshotError> {
        let (mut writer, _) = Self::create(config)?;
        let (kind, _) = writer.read_head(input)?;
        if kind != FULL {
            return Err(SnapshotError::Malformed("changes instead of a full snapshot"));
        }
        for region in 0..writer.regions() {
            writer.region_mut(region).release();
        }
        writer.read_rest(input)?;
        let reader = Reader::new(Arc::clone(&writer.shared));
        Ok((writer, reader))
    }
}

/// What must be equal for blocks to mean the same.
fn layout(config: &TableConfig) -> Digest {
    let mut layout = Hasher::new(config.slots.len() as u64);
    layout.add(config.shards as u64);
    layout.add(config.sketch_lines as u64);
    for rule in &config.slots {
        layout.add(rule.class_max.index() as u64);
    }
    layout.finish()
}

fn frame(
    out: &mut impl Write,
    bytes: &mut Vec<u8>,
    [region, block]: [usize; 2],
    words: &[AtomicU64],
) -> io::Result<()> {
    bytes.clear();
    for number in [region, block, words.len()] {
        bytes.extend((number as u32).to_le_bytes());
    }
    for word in words {
        bytes.extend(word.load(Ordering::Relaxed).to_le_bytes());
    }
    out.write_all(bytes)
}

fn array<const N: usize>(input: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    input.read_exact(&mut bytes)?;
    Ok(bytes)
}
