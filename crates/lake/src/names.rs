//! Names for new data files that nobody else uses.

use bytes::Bytes;

use crate::delta::DeltaLog;
use crate::error::LakeError;
use crate::hour::Hour;

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
