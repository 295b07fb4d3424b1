//! Keeps the tables in good order: packs the small files of finished hours, and sweeps what nobody reads any more.
//!
//! Runs beside the writer, in the same process or another; they meet only in the table's log, where either gives way.
//! Nothing depends on it but the number of files.

mod compact;
mod sweep;

use std::sync::Arc;

use crate::Clock;
use crate::config::LakeConfig;
use crate::delta::DeltaLog;
use crate::error::LakeError;
use crate::names::FileNames;
use crate::objects::Objects;
use crate::tables::Table;

/// The housekeeper of all tables. Call [`LakeKeeper::round`] every few minutes.
pub struct LakeKeeper {
    logs: Vec<DeltaLog>,
    names: FileNames,
    config: LakeConfig,
}

/// What one round did.
#[derive(Debug, Default)]
pub struct KeptRound {
    /// Small files that were replaced.
    pub packed_files: u64,
    /// Files that replaced them.
    pub written_files: u64,
    /// Files and old commits that were removed for good.
    pub swept_files: u64,
    /// Tables that could not be kept; the next round tries again.
    pub failures: Vec<(Table, LakeError)>,
}

impl LakeKeeper {
    /// A keeper of the tables below the configured prefix. `config.writer` differs from every other writer's and keeper's.
    ///
    /// # Errors
    /// [`LakeError::Key`] when the prefix names no folder.
    pub fn new(objects: Arc<dyn Objects>, clock: Clock, config: LakeConfig) -> Result<Self, LakeError> {
        let log = |table| DeltaLog::open(objects.clone(), clock.clone(), table, &config);
        Ok(Self {
            logs: Table::ALL.into_iter().map(log).collect::<Result<_, _>>()?,
            names: FileNames::new(config.writer),
            config,
        })
    }

    /// Packs and sweeps every table once. A table that fails does not keep the others from their turn.
    pub fn round(&mut self) -> KeptRound {
        let mut done = KeptRound::default();
        for log in &self.logs {
            let packed = compact::compact(log, &mut self.names, &self.config, &mut done);
            let swept = sweep::sweep(log, &self.config, &mut done);
            for error in packed.err().into_iter().chain(swept.err()) {
                let table = log.table;
                metrics::counter!("riffle_lake_keep_failures_total", "table" => table.name()).increment(1);
                done.failures.push((table, error));
            }
        }
        metrics::counter!("riffle_lake_packed_files_total").increment(done.packed_files);
        metrics::counter!("riffle_lake_swept_files_total").increment(done.swept_files);
        done
    }
}
