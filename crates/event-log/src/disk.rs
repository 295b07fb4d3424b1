//! The little of a file system that the log stands on, so that a test can take its place.
//!
//! [`Folder`] is a real folder, [`FolderView`] one that is only looked at;
//! [`SimDisk`] is a seeded simulation that loses and tears what was not synced.
//! No caching, no retries: an error is handed up as it came.

mod folder;
mod sim;

use std::io;
use std::sync::Arc;

pub use folder::{Folder, FolderView};
pub use sim::{SimDisk, SimFaults, SplitMix};

/// A flat folder of files. Names are single path components.
pub trait Disk: Send + Sync + 'static {
    /// The names in the folder, in no order.
    fn names(&self) -> io::Result<Vec<String>>;

    /// Makes an empty file for reading and writing; fails when the name is taken.
    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;

    /// Opens a file for reading and writing.
    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;

    /// Renames, replacing `to`; durable after [`Disk::sync_names`].
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a name; files already open stay readable.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Makes creations, renames and removals durable.
    fn sync_names(&self) -> io::Result<()>;
}

/// An open file, addressed by position; safe to use from several threads.
pub trait DiskFile: Send + Sync + 'static {
    /// Fills `buffer` from `position`; returns fewer bytes only where the file ends.
    fn read_at(&self, buffer: &mut [u8], position: u64) -> io::Result<usize>;

    /// Writes all of `bytes` at `position`, growing the file when needed.
    fn write_at(&self, bytes: &[u8], position: u64) -> io::Result<()>;

    /// Makes everything written so far durable.
    fn sync_data(&self) -> io::Result<()>;

    /// The file's length in bytes.
    fn bytes(&self) -> io::Result<u64>;
}
