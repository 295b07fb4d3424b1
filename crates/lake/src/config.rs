//! Settings of the lake, and the driver settings that go with them.

use stream::DriverConfig;

/// How the lake is written and kept. The defaults suit one machine and a demo; each says what it trades.
#[derive(Debug, Clone)]
pub struct LakeConfig {
    /// The folder of the tables in the storage.
    pub prefix: String,
    /// A number that differs at every start, so that no two processes name a file alike.
    pub writer: u64,
    /// Rows that wait in memory over all tables; at this size a commit is due, however soon that is.
    pub buffer_bytes_max: usize,
    /// A commit is due this long after the last one. Shorter is fresher, and makes more, smaller files until the hour is
    /// packed.
    pub commit_interval_ms: u64,
    /// Commits between two checkpoints of a table: opening reads at most so many.
    pub checkpoint_commits: u64,
    /// How long replaced files and old commits stay, for queries that began before.
    pub history_ms: i64,
    /// An hour is packed this long after its end; stragglers make another file, which the next round takes in.
    pub settle_ms: i64,
    /// Files smaller than this are packed.
    pub small_bytes: u64,
    /// Packing aims at files of this size; it holds what it reads and what it writes in memory, twice this.
    pub target_bytes: usize,
    /// A file that no commit names is an orphan after this time.
    pub orphan_ms: i64,
}

impl Default for LakeConfig {
    fn default() -> Self {
        const HOUR_MS: i64 = 3_600_000;
        Self {
            prefix: "lake".to_owned(),
            writer: 0,
            buffer_bytes_max: 64 << 20,
            commit_interval_ms: 60_000,
            checkpoint_commits: 32,
            history_ms: 24 * HOUR_MS,
            settle_ms: HOUR_MS / 6,
            small_bytes: 32 << 20,
            target_bytes: 64 << 20,
            orphan_ms: 24 * HOUR_MS,
        }
    }
}

impl LakeConfig {
    /// How a driver should read for the lake: in large reads, committing by time and by memory, not by count.
    pub fn driver(&self) -> DriverConfig {
        DriverConfig {
            read_bytes_max: 1 << 20,
            commit_interval_ms: self.commit_interval_ms,
            commit_records_max: u64::MAX,
            linger_us: 50_000,
            ..DriverConfig::default()
        }
    }
}
