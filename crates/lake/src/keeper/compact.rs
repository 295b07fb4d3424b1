//! Packs small files of a finished hour into few larger ones: one commit takes the old away and adds the new.
//!
//! The rows stay the same rows, so the commit says that no data changed, and readers that follow the table pass over it.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchReader, new_null_array};
use arrow_schema::{Field, Schema, SchemaRef};
use bytes::Bytes;
use parquet::errors::ParquetError;

use super::KeptRound;
use crate::config::LakeConfig;
use crate::data_file::{self, FileWriter};
use crate::delta::{Action, Add, CommitInfo, DeltaLog, Plan, Snapshot};
use crate::error::LakeError;
use crate::hour::Hour;
use crate::names::{self, FileNames};
use crate::scan;
use crate::tables;

/// Commits of one table in one round; the rest waits for the next.
const COMMITS_MAX: usize = 64;
/// Small files that go into one file.
const FILES_MAX: usize = 1_024;

/// Packs what is small in the hours of one table that are over.
pub(super) fn compact(
    log: &DeltaLog,
    names: &mut FileNames,
    config: &LakeConfig,
    done: &mut KeptRound,
) -> Result<(), LakeError> {
    let mut snapshot = log.load()?;
    for (hour, packed) in packs(log, &snapshot, config)?.into_iter().take(COMMITS_MAX) {
        match replace(log, names, &mut snapshot, hour, &packed) {
            // Somebody else packed or deleted these rows; the next round looks again.
            Err(LakeError::Outdated { .. }) => continue,
            replaced => replaced?,
        }
        done.packed_files += packed.len() as u64;
        done.written_files += 1;
    }
    Ok(())
}

/// Groups of files to become one file each: of one hour, small, and together not larger than the target.
fn packs(
    log: &DeltaLog,
    snapshot: &Snapshot,
    config: &LakeConfig,
) -> Result<Vec<(Hour, Vec<Add>)>, LakeError> {
    let over_before = (log.clock)() - config.settle_ms;
    let mut hours: BTreeMap<Hour, Vec<Vec<Add>>> = BTreeMap::new();
    // Files of other engines are left alone: they may hold the same columns in a way of their own.
    let small = |add: &&Add| (add.size.max(0) as u64) < config.small_bytes && names::is_ours(&add.path);
    for add in snapshot.files.values().filter(small) {
        let hour = scan::hour_of(log, add)?;
        if hour.end_ms() > over_before {
            continue;
        }
        let packs = hours.entry(hour).or_default();
        match packs
            .last_mut()
            .filter(|pack| has_room(pack, add, config.target_bytes))
        {
            Some(pack) => pack.push(add.clone()),
            None => packs.push(vec![add.clone()]),
        }
    }
    let worth = hours
        .into_iter()
        .flat_map(|(hour, packs)| packs.into_iter().map(move |pack| (hour, pack)));
    Ok(worth.filter(|(_, pack)| pack.len() > 1).collect())
}

fn has_room(pack: &[Add], add: &Add, target_bytes: usize) -> bool {
    let bytes: i64 = pack.iter().map(|packed| packed.size).sum();
    pack.len() < FILES_MAX && (bytes + add.size) as u64 <= target_bytes as u64
}

fn replace(
    log: &DeltaLog,
    names: &mut FileNames,
    snapshot: &mut Snapshot,
    hour: Hour,
    packed: &[Add],
) -> Result<(), LakeError> {
    let inputs = packed
        .iter()
        .map(|add| scan::fetch(log, add))
        .collect::<Result<Vec<_>, _>>()?;
    let (bytes, rows) = merge(log, inputs).map_err(LakeError::rows(log.table))?;
    let now_ms = (log.clock)();
    let whole = Add {
        path: names.store(log, names::PACKED, hour, bytes.clone())?,
        partition_values: hour.partition_values(),
        size: bytes.len() as i64,
        modification_time: now_ms,
        data_change: false,
        stats: Some(data_file::stats_json(rows)),
    };
    log.commit(snapshot, |snapshot| {
        if snapshot.files.contains_key(&whole.path) {
            return Ok(Plan::Done);
        }
        if let Some(gone) = packed.iter().find(|add| !snapshot.files.contains_key(&add.path)) {
            let (table, path) = (log.table, gone.path.clone());
            return Err(LakeError::Outdated { table, path });
        }
        let mut actions = vec![Action::CommitInfo(CommitInfo::new("OPTIMIZE", now_ms))];
        actions.extend(packed.iter().map(|add| Action::Remove(add.removed(now_ms))));
        actions.push(Action::Add(whole.clone()));
        Ok(Plan::Commit(actions))
    })
}

/// One file with the rows of all, in their order, and how many they are.
fn merge(log: &DeltaLog, inputs: Vec<Bytes>) -> Result<(Bytes, u64), ParquetError> {
    let schema = union(&inputs)?;
    let mut file = FileWriter::new(schema.clone(), tables::layout(log.table))?;
    let mut rows = 0;
    for input in inputs {
        for batch in scan::batches(input, None)? {
            let batch = widen(&batch?, &schema)?;
            rows += batch.num_rows() as u64;
            file.write(&batch)?;
        }
    }
    Ok((file.finish()?, rows))
}

/// The columns of all files: older ones lack what was added since.
fn union(inputs: &[Bytes]) -> Result<SchemaRef, ParquetError> {
    let mut fields: Vec<Arc<Field>> = Vec::new();
    for input in inputs {
        for field in scan::batches(input.clone(), None)?.schema().fields() {
            if !fields.iter().any(|known| known.name() == field.name()) {
                fields.push(field.clone());
            }
        }
    }
    Ok(Arc::new(Schema::new(fields)))
}

fn widen(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, ParquetError> {
    let rows = batch.num_rows();
    let column = |field: &Arc<Field>| -> ArrayRef {
        let own = batch.column_by_name(field.name()).cloned();
        own.unwrap_or_else(|| new_null_array(field.data_type(), rows))
    };
    Ok(RecordBatch::try_new(
        schema.clone(),
        schema.fields().iter().map(column).collect(),
    )?)
}
