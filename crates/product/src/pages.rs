//! Pages of a list: how many, from where, and where the next one begins. Cursors are keys of the last item, so pages stay
//! stable while new items arrive in front; they are not secret and grant nothing.

use types::TimestampMs;

use crate::error::ProductError;
use crate::limits::ProductLimits;
use crate::{Product, Result};

/// Which page is wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageRequest {
    /// From [`Paged::cursor`]; `None` for the first page.
    pub cursor: Option<String>,
    /// How many items; cut to the limit.
    pub count: Option<u32>,
}

/// One page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paged<T> {
    pub items: Vec<T>,
    /// Where the next page begins; `None` when this was the last.
    pub cursor: Option<String>,
}

impl<T> Paged<T> {
    /// Cuts `found`, which was asked for with one item more than `count`, and makes the cursor from the last kept item.
    pub(crate) fn cut(mut found: Vec<T>, count: u32, key: impl Fn(&T) -> String) -> Self {
        let more = found.len() > count as usize;
        found.truncate(count as usize);
        let cursor = found.last().filter(|_| more).map(key);
        Self { items: found, cursor }
    }
}

impl Product {
    pub(crate) fn page_count(&self, page: &PageRequest) -> u32 {
        page_count(self.limits(), page)
    }
}

fn page_count(limits: &ProductLimits, page: &PageRequest) -> u32 {
    page.count
        .unwrap_or(limits.page_count_default)
        .clamp(1, limits.page_count_max)
}

/// Reads a cursor that is one id.
pub(crate) fn id_cursor<I: std::str::FromStr>(page: &PageRequest) -> Result<Option<I>> {
    page.cursor
        .as_deref()
        .map(|text| text.parse().map_err(|_| refuse()))
        .transpose()
}

/// Reads a cursor that is a time and an id.
pub(crate) fn time_cursor<I: std::str::FromStr>(page: &PageRequest) -> Result<Option<(TimestampMs, I)>> {
    let pair = |text: &str| {
        let (at_ms, id) = text.split_once('-').ok_or_else(refuse)?;
        Ok((
            at_ms.parse().map_err(|_| refuse())?,
            id.parse().map_err(|_| refuse())?,
        ))
    };
    page.cursor.as_deref().map(pair).transpose()
}

/// Writes a cursor for [`time_cursor`].
pub(crate) fn time_key(at_ms: TimestampMs, id: impl std::fmt::Display) -> String {
    format!("{at_ms}-{id}")
}

fn refuse() -> ProductError {
    ProductError::invalid("cursor", "this cursor is not one of ours")
}
