//! Columns to words: ids, enumerations and JSON lists out of a row. It holds no SQL.

use std::error::Error;
use std::str::FromStr;

use sqlx::sqlite::SqliteRow;
use sqlx::{ColumnIndex, Row};
use types::{CommentId, SoundId, UserId, VideoId};

/// Reads an id column; ids are never negative.
fn raw(row: &SqliteRow, column: &'static str) -> Result<u64, sqlx::Error> {
    let value: i64 = row.try_get(column)?;
    u64::try_from(value).map_err(|error| decode_error(column, error))
}

pub(crate) fn user(row: &SqliteRow, column: &'static str) -> Result<UserId, sqlx::Error> {
    raw(row, column).map(UserId::from_raw)
}

pub(crate) fn video(row: &SqliteRow, column: &'static str) -> Result<VideoId, sqlx::Error> {
    raw(row, column).map(VideoId::from_raw)
}

pub(crate) fn comment(row: &SqliteRow, column: &'static str) -> Result<CommentId, sqlx::Error> {
    raw(row, column).map(CommentId::from_raw)
}

pub(crate) fn comment_optional(
    row: &SqliteRow,
    column: &'static str,
) -> Result<Option<CommentId>, sqlx::Error> {
    let value: Option<i64> = row.try_get(column)?;
    value.map(|_| comment(row, column)).transpose()
}

pub(crate) fn sound_optional(row: &SqliteRow, column: &'static str) -> Result<Option<SoundId>, sqlx::Error> {
    let value: Option<i64> = row.try_get(column)?;
    value.map(|_| raw(row, column).map(SoundId::from_raw)).transpose()
}

pub(crate) fn video_optional(row: &SqliteRow, column: &'static str) -> Result<Option<VideoId>, sqlx::Error> {
    let value: Option<i64> = row.try_get(column)?;
    value.map(|_| video(row, column)).transpose()
}

/// A column of text, or of nothing, that holds a value of ours.
pub(crate) fn parsed<T>(row: &SqliteRow, column: &'static str) -> Result<Option<T>, sqlx::Error>
where
    T: FromStr,
    T::Err: Error + Send + Sync + 'static,
{
    let text: Option<String> = row.try_get(column)?;
    text.map(|text| text.parse().map_err(|error| decode_error(column, error)))
        .transpose()
}

/// A column of text that must be one of a closed set of words.
pub(crate) fn word<T>(
    row: &SqliteRow,
    column: &'static str,
    parse: fn(&str) -> Option<T>,
) -> Result<T, sqlx::Error> {
    let text: String = row.try_get(column)?;
    parse(&text).ok_or_else(|| decode_error(column, UnknownWord(text)))
}

/// A column that holds a JSON array of strings.
pub(crate) fn list(row: &SqliteRow, column: &'static str) -> Result<Vec<String>, sqlx::Error> {
    let text: String = row.try_get(column)?;
    serde_json::from_str(&text).map_err(|error| decode_error(column, error))
}

/// A yes-or-no column that the engines spell as 0 and 1.
pub(crate) fn flag(row: &SqliteRow, column: &'static str) -> Result<bool, sqlx::Error>
where
    &'static str: ColumnIndex<SqliteRow>,
{
    row.try_get::<i64, _>(column).map(|value| value != 0)
}

#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a word of this column")]
struct UnknownWord(String);

fn decode_error(column: &'static str, source: impl Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::ColumnDecode {
        index: column.to_owned(),
        source: Box::new(source),
    }
}
