//! Programs of different ages write into one table: columns come, and none is lost.

use std::collections::BTreeMap;

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use blob::BlobStore;
use event_log::Topic;
use tokio::runtime::Runtime;

use super::*;
use crate::column::{Cell, Column};
use crate::keeper::LakeKeeper;
use crate::objects::BlobObjects;
use crate::scan::LakeTable;

/// What a program knows of a row: the older one has fewer columns, the odd one another type.
struct Older;
struct Newer;
struct Odd;

impl Fact for Older {
    const COLUMNS: &'static [Column<Self>] = &[Column::new("a", "a number", Cell::Long(|_| Some(7)))];
}

impl Fact for Newer {
    const COLUMNS: &'static [Column<Self>] = &[
        Column::new("a", "a number", Cell::Long(|_| Some(8))),
        Column::new("b", "a word", Cell::Word(|_| Some("new"))),
        Column::new("c", "pairs", Cell::Features(|_| &[(1, 0.5)])),
    ];
}

impl Fact for Odd {
    const COLUMNS: &'static [Column<Self>] = &[Column::new("a", "a word", Cell::Word(|_| Some("odd")))];
}

const SOURCE: TopicPartition = TopicPartition {
    topic: Topic(event::topic::VIEWS),
    partition: 0,
};

struct House {
    runtime: Runtime,
    store: BlobStore,
    config: LakeConfig,
    _folder: tempfile::TempDir,
}

impl House {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self {
            runtime: Runtime::new().expect("a runtime"),
            store: BlobStore::folder(folder.path()).expect("the folder opens"),
            config: LakeConfig::default(),
            _folder: folder,
        }
    }

    fn objects(&self) -> Arc<dyn Objects> {
        Arc::new(BlobObjects::new(
            self.store.clone(),
            self.runtime.handle().clone(),
        ))
    }

    fn clock() -> Clock {
        Arc::new(|| 1_800_000_000_000)
    }

    /// A program starts, commits one row, and ends.
    fn program<R: Fact>(&self, row: &R) -> Result<(), LakeError> {
        let log = DeltaLog::open(self.objects(), Self::clock(), Table::Views, &self.config)?;
        let mut table = TableWriter::<R>::new(log, 1);
        let offset = table.resume(SOURCE)?;
        let record = Record {
            from: SOURCE,
            offset,
            at_ms: 5,
            payload: bytes::Bytes::new(),
        };
        table.rows.push(&record, row);
        table.commit_topic(&[(SOURCE, offset + 1)])
    }

    /// Columns `a` and `b` by offset, and how many rows have a `c`.
    fn rows(&self) -> (BTreeMap<i64, (i64, Option<String>)>, usize) {
        let (mut rows, mut pairs) = (BTreeMap::new(), 0);
        let table = LakeTable::open(self.objects(), &self.config, Table::Views).expect("opens");
        let read = table.read(&["offset", "a", "b", "c"], |_, batch| {
            let long = |name: &str| {
                batch
                    .column_by_name(name)
                    .expect(name)
                    .as_primitive::<Int64Type>()
                    .clone()
            };
            let words = batch.column_by_name("b").map(|words| words.as_string::<i32>());
            for row in 0..batch.num_rows() {
                let word = words
                    .filter(|words| words.is_valid(row))
                    .map(|words| words.value(row).to_owned());
                rows.insert(long("offset").value(row), (long("a").value(row), word));
            }
            pairs += batch
                .column_by_name("c")
                .map_or(0, |lists| lists.len() - lists.null_count());
            Ok(())
        });
        read.expect("the table is whole");
        (rows, pairs)
    }
}

#[test]
fn columns_come_and_none_is_lost() {
    let house = House::new();
    house.program(&Older).expect("makes the table");
    house.program(&Newer).expect("adds its columns");
    house
        .program(&Older)
        .expect("an older program, rolled back to, writes what it knows");
    house.program(&Newer).expect("the table has all columns already");
    let new = || Some("new".to_owned());
    let expected = BTreeMap::from([(0, (7, None)), (1, (8, new())), (2, (7, None)), (3, (8, new()))]);
    assert_eq!(house.rows(), (expected.clone(), 2));
    let mut keeper = LakeKeeper::new(house.objects(), House::clock(), house.config.clone()).expect("a key");
    let kept = keeper.round();
    assert_eq!((kept.packed_files, kept.written_files), (4, 1), "{kept:?}");
    assert_eq!(house.rows(), (expected, 2), "packed");
}

#[test]
fn a_column_of_another_type_is_refused() {
    let house = House::new();
    house.program(&Newer).expect("makes the table");
    let before = house.rows();
    let refused = house.program(&Odd).expect_err("the types differ");
    assert!(
        matches!(&refused, LakeError::Schema { reason, .. } if reason.contains("column a")),
        "{refused}"
    );
    assert!(!refused.is_transient());
    assert_eq!(house.rows(), before);
}
