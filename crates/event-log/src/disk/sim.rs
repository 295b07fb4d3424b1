//! A simulated disk for tests: seeded, in memory, and only as honest as a real one.
//!
//! What was synced survives [`SimDisk::crash`]. What was not may survive sector by sector, in any subset, or
//! come back as garbage; unsynced names survive up to some point in their order. Faults are injected by
//! count of operations, so a run with one seed always breaks at the same place. It has a clock of its own that
//! only its operations move, so that a slow disk is slow by seed too.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use crate::clock::SimClock;

use super::{Disk, DiskFile};

/// What a sector write is atomic in.
const SECTOR_BYTES: usize = 512;
/// What a sync of a healthy disk costs, and how fast it writes.
const SYNC_US: u64 = 140;
const BYTES_PER_S: u64 = 1_000_000_000;

/// A tiny seeded generator (SplitMix64, Steele et al. 2014), enough for faults and test data.
#[derive(Debug, Clone)]
pub struct SplitMix(pub u64);

impl SplitMix {
    /// The next 64 bits.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`, which must not be 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.draw() % bound
    }
}

/// Where the disk breaks; `None` is never.
#[derive(Debug, Clone, Default)]
pub struct SimFaults {
    /// The power goes at this operation: it and all later ones fail, a write having landed in part.
    pub power_off_at_op: Option<u64>,
    /// This `sync_data` (counted from 0) fails, once, and what it should have synced is lost.
    pub sync_fails_at: Option<u64>,
    /// Files may not grow past this many bytes in all.
    pub capacity_bytes: Option<u64>,
    /// A sync takes this long.
    pub sync_us: Option<u64>,
    /// Writes go no faster than this.
    pub bytes_per_s: Option<u64>,
}

/// A disk in memory; clones share it.
#[derive(Debug, Clone)]
pub struct SimDisk(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    files: Vec<FileState>,
    names: BTreeMap<String, usize>,
    names_durable: BTreeMap<String, usize>,
    /// Name tables after each unsynced change, oldest first.
    names_pending: Vec<BTreeMap<String, usize>>,
    faults: SimFaults,
    ops: u64,
    syncs: u64,
    clock: SimClock,
}

#[derive(Debug, Default, Clone)]
struct FileState {
    now: Vec<u8>,
    durable: Vec<u8>,
}

impl SimDisk {
    /// An empty disk that breaks as `faults` says.
    pub fn new(faults: SimFaults) -> Self {
        Self(Arc::new(Mutex::new(State {
            faults,
            ..State::default()
        })))
    }

    /// Breaks as `faults` says from now on; counts go on.
    pub fn faults_set(&self, faults: SimFaults) {
        self.0.lock().faults = faults;
    }

    /// The clock that this disk's operations move; it goes on over [`SimDisk::crash`].
    pub fn clock(&self) -> SimClock {
        self.0.lock().clock.clone()
    }

    /// Operations done so far; a dry run's count tells a seeded test where it can cut the power.
    pub fn ops(&self) -> u64 {
        self.0.lock().ops
    }

    /// Syncs of files done so far.
    pub fn syncs(&self) -> u64 {
        self.0.lock().syncs
    }

    /// Whether the power is still on.
    pub fn is_powered(&self) -> bool {
        let state = self.0.lock();
        state.faults.power_off_at_op.is_none_or(|at| state.ops <= at)
    }

    /// The disk as the next start may find it after the power went.
    pub fn crash(&self, seed: u64) -> Self {
        let state = self.0.lock();
        let mut random = SplitMix(seed);
        let kept = random.below(state.names_pending.len() as u64 + 1) as usize;
        let names = match kept {
            0 => state.names_durable.clone(),
            kept => state.names_pending[kept - 1].clone(),
        };
        let files = state.files.iter().map(|file| file.torn(&mut random)).collect();
        Self(Arc::new(Mutex::new(State {
            files,
            names_durable: names.clone(),
            names,
            clock: state.clock.clone(),
            ..State::default()
        })))
    }

    /// Changes the bytes of a file behind the log's back; returns false when there is no such file.
    pub fn tamper(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) -> bool {
        let mut state = self.0.lock();
        let Some(&file) = state.names.get(name) else {
            return false;
        };
        change(&mut state.files[file].now);
        state.files[file].durable = state.files[file].now.clone();
        true
    }
}

impl FileState {
    fn torn(&self, random: &mut SplitMix) -> Self {
        let mut bytes = self.durable.clone();
        // A grown size is metadata: it may be there without the data, which then reads as zeros.
        if self.now.len() > bytes.len() && random.below(2) == 0 {
            bytes.resize(self.now.len(), 0);
        }
        for start in (0..bytes.len()).step_by(SECTOR_BYTES) {
            let end = bytes.len().min(start + SECTOR_BYTES);
            let Some(new) = self.now.get(start..end.min(self.now.len())) else {
                break;
            };
            if bytes[start..start + new.len()] == *new {
                continue;
            }
            match random.below(8) {
                0..=2 => bytes[start..start + new.len()].copy_from_slice(new),
                3 => {
                    let from = self.durable.get(start..end).unwrap_or_default().iter().zip(new);
                    let same = from.take_while(|(old, new)| old == new).count();
                    // Garbage lands only where the write changed bytes: a head that was already synced is rewritten as it was.
                    bytes[start + same..start + new.len()].fill(random.draw() as u8 | 1);
                }
                _ => {}
            }
        }
        Self {
            now: bytes.clone(),
            durable: bytes,
        }
    }
}

impl State {
    /// Counts an operation; false once the power is gone.
    fn tick(&mut self) -> io::Result<()> {
        self.ops += 1;
        match self.faults.power_off_at_op {
            Some(at) if self.ops > at => Err(io::Error::other("power is off")),
            _ => Ok(()),
        }
    }

    fn pass_writing(&self, bytes: usize) {
        let bytes_per_s = self.faults.bytes_per_s.unwrap_or(BYTES_PER_S).max(1);
        let us = bytes as u64 * 1_000_000 / bytes_per_s;
        self.clock.advance(Duration::from_micros(us));
    }

    fn renamed(&mut self) {
        self.names_pending.push(self.names.clone());
    }

    fn file(&self, name: &str) -> io::Result<usize> {
        self.names
            .get(name)
            .copied()
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Disk for SimDisk {
    fn names(&self) -> io::Result<Vec<String>> {
        Ok(self.0.lock().names.keys().cloned().collect())
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = self.0.lock();
        state.tick()?;
        if state.names.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        state.files.push(FileState::default());
        let file = state.files.len() - 1;
        state.names.insert(name.to_owned(), file);
        state.renamed();
        Ok(Arc::new(SimFile {
            disk: self.clone(),
            file,
        }))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let file = self.0.lock().file(name)?;
        Ok(Arc::new(SimFile {
            disk: self.clone(),
            file,
        }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.0.lock();
        state.tick()?;
        let file = state.file(from)?;
        state.names.remove(from);
        state.names.insert(to.to_owned(), file);
        state.renamed();
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.0.lock();
        state.tick()?;
        state.file(name)?;
        state.names.remove(name);
        state.renamed();
        Ok(())
    }

    fn sync_names(&self) -> io::Result<()> {
        let mut state = self.0.lock();
        state.tick()?;
        state.names_durable = state.names.clone();
        state.names_pending.clear();
        Ok(())
    }
}

struct SimFile {
    disk: SimDisk,
    file: usize,
}

impl DiskFile for SimFile {
    fn read_at(&self, buffer: &mut [u8], position: u64) -> io::Result<usize> {
        let state = self.disk.0.lock();
        let bytes = state.files[self.file]
            .now
            .get(position as usize..)
            .unwrap_or_default();
        let read = bytes.len().min(buffer.len());
        buffer[..read].copy_from_slice(&bytes[..read]);
        Ok(read)
    }

    fn write_at(&self, bytes: &[u8], position: u64) -> io::Result<()> {
        let mut state = self.disk.0.lock();
        let powered = state.tick();
        state.pass_writing(bytes.len());
        let position = position as usize;
        let grown = (position + bytes.len()).saturating_sub(state.files[self.file].now.len());
        let used: usize = state.files.iter().map(|file| file.now.len()).sum();
        if state
            .faults
            .capacity_bytes
            .is_some_and(|capacity| (used + grown) as u64 > capacity)
        {
            return Err(io::ErrorKind::StorageFull.into());
        }
        if powered.is_ok() || state.ops == state.faults.power_off_at_op.unwrap_or(0) + 1 {
            let now = &mut state.files[self.file].now;
            now.resize(now.len() + grown, 0);
            now[position..position + bytes.len()].copy_from_slice(bytes);
        }
        powered
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.disk.0.lock();
        state.tick()?;
        state.syncs += 1;
        let sync_us = state.faults.sync_us.unwrap_or(SYNC_US);
        state.clock.advance(Duration::from_micros(sync_us));
        let failed = state.faults.sync_fails_at == Some(state.syncs - 1);
        let file = &mut state.files[self.file];
        if failed {
            // As Linux does: the dirty pages are marked clean, so a second sync would claim success.
            file.now = file.durable.clone();
            return Err(io::Error::other("sync failed"));
        }
        file.durable = file.now.clone();
        Ok(())
    }

    fn bytes(&self) -> io::Result<u64> {
        Ok(self.disk.0.lock().files[self.file].now.len() as u64)
    }
}
