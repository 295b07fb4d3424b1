//! Counts of every video, from the rows of the lake alone: the independent ledger that online counters are compared with.
//!
//! A record is in the lake once, but a client or the outbox may have sent the same fact in two records. So a signal counts
//! once for its viewer, session and sequence number, and an action once for its outbox number.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, RecordBatch};
use types::VideoId;

use crate::config::LakeConfig;
use crate::error::LakeError;
use crate::objects::Objects;
use crate::scan::LakeTable;
use crate::tables::Table;

/// What happened to one video, all told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct VideoRecount {
    /// The video was on screen with a picture.
    pub impressions: u64,
    /// Watches.
    pub views: u64,
    /// Watches that reached the end.
    pub completions: u64,
    /// Time watched.
    pub watch_ms: u64,
    /// How often it started over, as reported one by one.
    pub loops: u64,
    /// Likes that were not taken back.
    pub likes: i64,
    pub comments: u64,
    pub shares: u64,
    /// Saves that were not taken back.
    pub saves: i64,
}

/// The ledger.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recount {
    pub videos: BTreeMap<VideoId, VideoRecount>,
    /// Rows of signals and actions that were read.
    pub rows: u64,
    /// Rows that repeat a fact of another row.
    pub repeats: u64,
}

/// Counts the whole lake. Holds the numbers of every session in memory, so at most `rows_max` rows are counted.
///
/// # Errors
/// Storage, a damaged table, or [`LakeError::TooMany`].
pub fn recount(objects: &Arc<dyn Objects>, config: &LakeConfig, rows_max: u64) -> Result<Recount, LakeError> {
    let mut ledger = Ledger {
        rows_max,
        ..Ledger::default()
    };
    // Context too: sessions number all their events in one row.
    for table in [Table::Views, Table::Context] {
        let lake = LakeTable::open(objects.clone(), config, table)?;
        lake.read(&SIGNAL_COLUMNS, |_, batch| ledger.signals(table, batch))?;
    }
    let lake = LakeTable::open(objects.clone(), config, Table::Actions)?;
    lake.read(&ACTION_COLUMNS, |_, batch| ledger.actions(batch))?;
    Ok(ledger.counted)
}

const SIGNAL_COLUMNS: [&str; 7] = [
    "viewer_id",
    "session_id",
    "sequence",
    "kind",
    "video_id",
    "watch_ms",
    "ended",
];
const ACTION_COLUMNS: [&str; 3] = ["outbox_id", "kind", "video_id"];

#[derive(Default)]
struct Ledger {
    counted: Recount,
    rows_max: u64,
    /// Sequence numbers seen, by viewer and session.
    sessions: HashMap<(String, String), HashSet<i64>>,
    outbox_ids: HashSet<i64>,
}

impl Ledger {
    fn signals(&mut self, table: Table, batch: &RecordBatch) -> Result<(), LakeError> {
        let rows = Rows { table, batch };
        for row in 0..self.begin(table, batch)? {
            let session = (rows.text("viewer_id", row)?, rows.text("session_id", row)?);
            let session = (session.0.to_owned(), session.1.to_owned());
            if !self
                .sessions
                .entry(session)
                .or_default()
                .insert(rows.long("sequence", row)?)
            {
                self.counted.repeats += 1;
                continue;
            }
            let Some(video) = self.video(&rows, row)? else {
                continue;
            };
            match rows.text("kind", row)? {
                "impression" => video.impressions += 1,
                "loop" => video.loops += 1,
                "watch" => {
                    video.views += 1;
                    video.watch_ms += rows.long("watch_ms", row)?.max(0) as u64;
                    video.completions += u64::from(rows.flag("ended", row)?);
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn actions(&mut self, batch: &RecordBatch) -> Result<(), LakeError> {
        let rows = Rows {
            table: Table::Actions,
            batch,
        };
        for row in 0..self.begin(Table::Actions, batch)? {
            if !self.outbox_ids.insert(rows.long("outbox_id", row)?) {
                self.counted.repeats += 1;
                continue;
            }
            let Some(video) = self.video(&rows, row)? else {
                continue;
            };
            match rows.text("kind", row)? {
                "like" => video.likes += 1,
                "unlike" => video.likes -= 1,
                "comment" => video.comments += 1,
                "share" => video.shares += 1,
                "save" => video.saves += 1,
                "unsave" => video.saves -= 1,
                _ => {}
            }
        }
        Ok(())
    }

    /// Notes that a batch is read; returns its rows.
    fn begin(&mut self, table: Table, batch: &RecordBatch) -> Result<usize, LakeError> {
        self.counted.rows += batch.num_rows() as u64;
        let rows_max = self.rows_max;
        match self.counted.rows > rows_max {
            true => Err(LakeError::TooMany { table, rows_max }),
            false => Ok(batch.num_rows()),
        }
    }

    /// The counts of the video of a row, if it is about one.
    fn video(&mut self, rows: &Rows<'_>, row: usize) -> Result<Option<&mut VideoRecount>, LakeError> {
        let Some(id) = rows.text_or_null("video_id", row)? else {
            return Ok(None);
        };
        let id: VideoId = id.parse().map_err(|_| rows.damaged("video_id"))?;
        Ok(Some(self.counted.videos.entry(id).or_default()))
    }
}

/// A batch, read cell by cell.
struct Rows<'a> {
    table: Table,
    batch: &'a RecordBatch,
}

impl Rows<'_> {
    fn text(&self, column: &str, row: usize) -> Result<&str, LakeError> {
        self.text_or_null(column, row)?
            .ok_or_else(|| self.damaged(column))
    }

    fn text_or_null(&self, column: &str, row: usize) -> Result<Option<&str>, LakeError> {
        let cells = self
            .batch
            .column_by_name(column)
            .and_then(|cells| cells.as_string_opt::<i32>());
        let cells = cells.ok_or_else(|| self.damaged(column))?;
        Ok(cells.is_valid(row).then(|| cells.value(row)))
    }

    fn long(&self, column: &str, row: usize) -> Result<i64, LakeError> {
        let cells = self
            .batch
            .column_by_name(column)
            .and_then(|cells| cells.as_primitive_opt::<Int64Type>());
        let cell = cells
            .filter(|cells| cells.is_valid(row))
            .map(|cells| cells.value(row));
        cell.ok_or_else(|| self.damaged(column))
    }

    fn flag(&self, column: &str, row: usize) -> Result<bool, LakeError> {
        let cells = self
            .batch
            .column_by_name(column)
            .and_then(|cells| cells.as_boolean_opt());
        let cell = cells
            .filter(|cells| cells.is_valid(row))
            .map(|cells| cells.value(row));
        cell.ok_or_else(|| self.damaged(column))
    }

    fn damaged(&self, column: &str) -> LakeError {
        LakeError::Damaged {
            table: self.table,
            object: format!("column {column}"),
            reason: "holds something else than was written".to_owned(),
        }
    }
}
