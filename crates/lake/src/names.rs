//! Names for new data files that nobody else uses.

use bytes::Bytes;

use crate::delta::DeltaLog;
use crate::error::LakeError;
use crate::hour::Hour;

/// What the names of new rows begin with, and those of rows that were packed.
pub(crate) const NEW: &str = "part";
pub(crate) const PACKED: &str = "whole";

/// Names that are taken in a row before something must be wrong with the storage.
const TAKEN_MAX: u32 = 8;

/// Counts the files of one writer of one table.
#[derive(Debug)]
pub(crate) struct FileNames {
    /// A number that no other process uses, or almost: a name that is taken is never written over.
    pub(crate) writer: u64,
    files: u64,
}

impl FileNames {
    pub(crate) fn new(writer: u64) -> Self {
        Self { writer, files: 0 }
    }

    /// Stores `bytes` under a new name in the folder of `hour`; returns the path below the table.
    pub(crate) fn store(
        &mut self,
        log: &DeltaLog,
        stem: &str,
        hour: Hour,
        bytes: Bytes,
    ) -> Result<String, LakeError> {
        for _ in 0..TAKEN_MAX {
            let path = format!("{hour}/{stem}-{:016x}-{:08}.parquet", self.writer, self.files);
            self.files += 1;
            if log.objects.put_if_absent(&log.key(&path)?, bytes.clone())? {
                return Ok(path);
            }
            // Somebody began with the same number; another one far away is free.
            self.writer = self.writer.wrapping_add(0x9e37_79b9_7f4a_7c15);
        }
        Err(LakeError::Crowded {
            table: log.table,
            tries: TAKEN_MAX,
        })
    }
}

/// Whether a file has a name that this program gives, rather than another engine.
pub(crate) fn is_ours(path: &str) -> bool {
    let name = path
        .rsplit('/')
        .next()
        .and_then(|name| name.strip_suffix(".parquet"));
    let mut parts = name.into_iter().flat_map(|name| name.split('-'));
    let stem = parts.next().is_some_and(|stem| [NEW, PACKED].contains(&stem));
    let number = |part: Option<&str>, digits: usize| {
        part.is_some_and(|part| part.len() == digits && part.bytes().all(|digit| digit.is_ascii_hexdigit()))
    };
    stem && number(parts.next(), 16) && number(parts.next(), 8) && parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_names_are_known() {
        let check = |path: &str, expect: bool| assert_eq!(is_ours(path), expect, "{path}");
        check(
            "day=2026-01-31/hour=05/part-00000000000000ff-00000012.parquet",
            true,
        );
        check("whole-0000000000000001-00000000.parquet", true);
        check(
            "day=2026-01-31/hour=5/part-00000-796ad163-6f14-4a82-bb38-ddc94ff2a078-c000.zstd.parquet",
            false,
        );
        check("other-0000000000000001-00000000.parquet", false);
        check("part-0000000000000001-00000000-1.parquet", false);
        check("part-0000000000000001.parquet", false);
        check("", false);
    }
}
