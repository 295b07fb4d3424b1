//! The collisionless embedding table: full keys, rows of half-precision values with their optimiser, one writer, readers
//! that never wait.
//!
//! A [`Writer`] admits ids, applies gradients, expires rows; any number of [`Reader`]s see its rows at once, in the same
//! memory. The state is a function of the writer's calls and the seed; [`Writer::digest`] proves it, snapshots carry it.
//! What the table does not do: it knows no features, draws no batches, does no IO, and looks at no clock. [`reference`]
//! says the same in plain maps; tests hold the two together.
//!
//! ```text
//! key ──hash──► shard (64) ──► bucket: 5 × (key 8 B, row 4 B), version 4 B ──► slab of the row's class
//!               cuckoo index, two buckets a key, 80–92 % full                  header 16 B, 8 | 24 | 56 halves
//! ```
//!
//! Back of the envelope, rows of 24 values:
//!
//! | what | figure |
//! |---|---|
//! | memory | 64 bytes a row and 14.2 to 16 of index: about 79, so 150 M rows in 12 GB |
//! | memory, beside | sketch 64 bytes a 32 ids; block marks and digests 17 bytes a 64 KiB of reserved space |
//! | CPU, read | three cache lines from memory, dozens under way at once: 30 to 50 ns a row in a table of gigabytes |
//! | CPU, step | the same lines and some 50 ns of arithmetic |
//! | CPU, insertion | about 0.3 µs, up to 1 µs while a shard grows |
//! | disk | a full snapshot is the memory in use; changes are blocks of 64 KiB |
//! | network | none; a row to send is 64 bytes and its key |

mod bucket;
mod cell;
mod coalesce;
mod config;
mod cuckoo;
mod digest;
mod expiry;
mod half;
mod index;
mod key;
mod optimiser;
mod pipeline;
mod random;
mod reader;
pub mod reference;
mod region;
mod row;
mod sketch;
mod slab;
mod snapshot;
mod tracked;
mod wide;
mod writer;

pub use config::{
    ADMIT_AT_MAX, CLASSES, ConfigError, ROWS_MAX, RowClass, SHARDS_MAX, SlotRule, TableConfig, WIDTH_MAX,
};
pub use digest::Digest;
pub use expiry::SWEPT_PER_TICK;
pub use key::{Key, SLOTS_MAX};
pub use reader::{ATTEMPTS_MAX, ReadCounts, Reader};
pub use row::Row;
pub use snapshot::SnapshotError;
pub use writer::{Counts, Writer};

use std::sync::Arc;

use index::ShardIndex;
use reader::Shared;
use region::Region;
use slab::RowRef;
use tracked::Tracked;

/// Makes tables.
#[derive(Debug)]
pub struct Table;

impl Table {
    /// An empty table: its one writer, and a reader to clone. It lives as long as any of them.
    pub fn create(config: TableConfig) -> Result<(Writer, Reader), ConfigError> {
        let config = config.checked()?;
        let lines = config.sketch_lines;
        let shared = Arc::new(shared(config)?);
        let sketch = Region::reserve(lines * sketch::LINE_WORDS).map_err(ConfigError::Reserve)?;
        sketch.prefer_huge(0..lines * sketch::LINE_WORDS);
        let rows_expected = shared.config.rows_expected.min(rows_max(&shared.config));
        let buckets = cuckoo::buckets_for(rows_expected, shared.shards.len());
        let writer = Writer::new(shared.clone(), Tracked::new(Arc::new(sketch)), buckets);
        Ok((writer, Reader::new(shared)))
    }
}

fn rows_max(config: &TableConfig) -> usize {
    config.rows_max.iter().map(|rows| *rows as usize).sum()
}

fn shared(config: TableConfig) -> Result<Shared, ConfigError> {
    let mut numbers = [0; CLASSES];
    let mut defaults = Vec::with_capacity(config.slots.len());
    for rule in &config.slots {
        let class = rule.class_max;
        numbers[class.index()] += 1;
        defaults.push(RowRef::new(class, numbers[class.index()]));
    }
    if numbers
        .iter()
        .zip(config.rows_max)
        .any(|(number, rows_max)| *number > rows_max)
    {
        return Err(ConfigError::OutOfBounds(
            "rows_max: at least the slots' default rows",
        ));
    }
    // A quarter above the expected load of one shard, for shards that are unevenly filled.
    let buckets_max = cuckoo::buckets_for(rows_max(&config), config.shards) * 5 / 4 + cuckoo::BUCKETS_MIN;
    if buckets_max > index::BUCKETS_MAX {
        return Err(ConfigError::OutOfBounds("rows_max: too many for the shards"));
    }
    let slab = |class: RowClass| {
        let words = (config.rows_max[class.index()] as usize + 1) * class.words();
        Region::reserve(words).map(Arc::new)
    };
    let [d8, d24, d56] = RowClass::ALL.map(slab);
    let shards = (0..config.shards).map(|_| ShardIndex::reserve(buckets_max));
    Ok(Shared {
        slabs: [
            d8.map_err(ConfigError::Reserve)?,
            d24.map_err(ConfigError::Reserve)?,
            d56.map_err(ConfigError::Reserve)?,
        ],
        shards: shards.collect::<Result<_, _>>().map_err(ConfigError::Reserve)?,
        defaults,
        config,
    })
}

#[cfg(test)]
mod tests;
