//! The full scorer: every head's answer for the few hundred candidates that are left, with one pinned version of the dense weights and the
//! embedding rows of this moment. It takes no lock and waits for nobody.

use feature::Row;
use model::table::Reader;
use model::{DenseVersion, Predictions, RowRef};

/// A version and the rows to go with it, for one request. Makes no copy of either.
#[derive(Debug, Clone, Copy)]
pub struct Ranker<'a> {
    version: &'a DenseVersion,
    table: &'a Reader,
}

impl<'a> Ranker<'a> {
    /// Scores with `version`, which stays the same as long as the ranker is used, and with rows read from `table`.
    pub fn new(version: &'a DenseVersion, table: &'a Reader) -> Self {
        Self { version, table }
    }

    /// The answers of all heads for each of `rows`, in their order, within a hundredth of what the model learns with. What is said of a row does not
    /// depend on the others; but rows of one request in one call share the viewer's side, which is computed once.
    ///
    /// # Panics
    /// When a row has another number of dense values than the registry that the model's schema was made from.
    pub fn score(&self, rows: &[Row], out: &mut Predictions) {
        let rows: Vec<RowRef<'_>> = rows.iter().map(row_ref).collect();
        self.score_refs(&rows, out);
    }

    /// The same for borrowed rows.
    ///
    /// # Panics
    /// As [`Ranker::score`].
    pub fn score_refs(&self, rows: &[RowRef<'_>], out: &mut Predictions) {
        self.version.serve(self.table, rows, out);
    }
}

/// An extracted row as the model reads it.
pub fn row_ref(row: &Row) -> RowRef<'_> {
    RowRef {
        ids: &row.ids,
        dense: &row.dense,
        duration_s: row.duration_ms as f32 / 1e3,
    }
}
