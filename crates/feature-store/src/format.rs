//! The state file's format number. A file of another format is thrown away: all in it is rebuilt from the log.

use std::path::Path;

use redb::{Database, ReadableTable, TableDefinition};

use crate::store::{REDB_CACHE_BYTES, StoreError};

/// One more whenever a row reads differently than before.
const FORMAT: u64 = 4;
const TABLE: TableDefinition<(), u64> = TableDefinition::new("format");

/// Opens the file, or makes it, or makes it anew.
pub(crate) fn open(file: &Path) -> Result<Database, StoreError> {
    let existed = file.exists();
    let db = create(file)?;
    let found = stamp(&db, existed)?;
    if found == Some(FORMAT) {
        return Ok(db);
    }
    tracing::warn!(
        ?found,
        wanted = FORMAT,
        "the state file has another format and is rebuilt from the log"
    );
    drop(db);
    std::fs::remove_file(file).map_err(StoreError::Remove)?;
    let db = create(file)?;
    stamp(&db, false)?;
    Ok(db)
}

fn create(file: &Path) -> Result<Database, StoreError> {
    let mut builder = Database::builder();
    Ok(builder.set_cache_size(REDB_CACHE_BYTES).create(file)?)
}

/// The format of a file; a new one gets ours.
fn stamp(db: &Database, existed: bool) -> Result<Option<u64>, StoreError> {
    let txn = db.begin_write()?;
    let found = {
        let mut table = txn.open_table(TABLE)?;
        let found = table.get(())?.map(|held| held.value());
        if found.is_none() && !existed {
            table.insert((), FORMAT)?;
            Some(FORMAT)
        } else {
            found
        }
    };
    txn.commit()?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use redb::ReadableDatabase;

    use super::*;

    #[test]
    fn a_file_of_another_format_is_made_anew() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (file, old) = (
            folder.path().join("state.redb"),
            TableDefinition::<u64, u64>::new("old"),
        );
        for format in [None, Some(1)] {
            let db = create(&file).expect("creates");
            let txn = db.begin_write().expect("begins");
            txn.open_table(old).expect("opens").insert(1, 1).expect("inserts");
            if let Some(format) = format {
                txn.open_table(TABLE)
                    .expect("opens")
                    .insert((), format)
                    .expect("inserts");
            }
            txn.commit().expect("commits");
            drop(db);
            let db = open(&file).expect("opens anew");
            let txn = db.begin_read().expect("begins");
            assert!(txn.open_table(old).is_err(), "nothing of the old file is left");
            drop(txn);
            drop(db);
            std::fs::remove_file(&file).expect("removes");
        }
        drop(open(&file).expect("makes a file"));
        assert!(open(&file).is_ok_and(|db| stamp(&db, true).is_ok_and(|found| found == Some(FORMAT))));
    }
}
