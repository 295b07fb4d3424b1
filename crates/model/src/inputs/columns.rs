//! The inputs of some of the dense values, for many rows side by side: what serving uses, where everything about the viewer is known already.
//! Says what [`Quantiles::place`] says; it learns nothing.

use super::Quantiles;
use crate::config::InputMethod;
use crate::kernels::{self, Isa, SIDE_BY_SIDE};

/// One value for each of sixteen rows.
pub type Column = [f32; SIDE_BY_SIDE];

/// See the file's header.
#[derive(Debug, Clone, PartialEq)]
pub struct Columns {
    /// How many of the dense values.
    width: usize,
    method: InputMethod,
    clip: f32,
    buckets: usize,
    /// Value by value, `buckets` of each; or one mean, one scale. Empty before any is known.
    edges: Vec<f32>,
    slopes: Vec<f32>,
    offsets: Vec<f32>,
}

impl Columns {
    /// Of the dense values at `places`, each below the schema's width.
    pub(crate) fn new(of: &Quantiles, places: &[usize]) -> Self {
        let pick = |list: &[f32], count: usize| -> Vec<f32> {
            let each = |place: &usize| {
                (0..count)
                    .map(|step| step * of.width + *place)
                    .collect::<Vec<_>>()
            };
            match list.is_empty() {
                true => Vec::new(),
                false => places.iter().flat_map(each).map(|at| list[at]).collect(),
            }
        };
        let lists = match of.method {
            InputMethod::Places => (
                pick(&of.edges, of.buckets),
                pick(&of.slopes, of.buckets),
                pick(&of.offsets, of.buckets),
            ),
            InputMethod::Standard => {
                let scales = of.edges.get(of.width..).unwrap_or_default();
                (pick(&of.edges, 1), pick(scales, 1), Vec::new())
            }
        };
        Self {
            width: places.len(),
            method: of.method,
            clip: of.clip,
            buckets: of.buckets,
            edges: lists.0,
            slopes: lists.1,
            offsets: lists.2,
        }
    }

    /// `width` values that are inputs already, as far as they lie between −4 and 4.
    pub fn plain(width: usize) -> Self {
        Self {
            width,
            method: InputMethod::Standard,
            clip: 4.0,
            buckets: 0,
            edges: vec![0.0; width],
            slopes: vec![1.0; width],
            offsets: Vec::new(),
        }
    }

    /// How many values a row has.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Inputs of sixteen rows, value by value.
    ///
    /// # Panics
    /// When `x` or `out` has fewer columns than there are values.
    pub fn place(&self, isa: Isa, x: &[Column], out: &mut [Column]) {
        let (x, out) = (&x[..self.width], &mut out[..self.width]);
        if self.edges.is_empty() {
            return out.fill([0.0; SIDE_BY_SIDE]);
        }
        match self.method {
            InputMethod::Places => {
                let lists = (&self.edges[..], &self.slopes[..], &self.offsets[..]);
                kernels::place_columns(isa, x, self.buckets, lists, out);
            }
            InputMethod::Standard => {
                let lists = (&self.edges[..], &self.slopes[..], self.clip);
                kernels::standardise_columns(isa, x, lists, out);
            }
        }
    }

    /// Inputs of rows that lie one after the other in `dense`: those of row `r` go to `out[r * row + from..]`.
    ///
    /// # Panics
    /// When `out` ends before the last row does.
    pub fn place_rows(&self, isa: Isa, dense: &[f32], out: &mut [f32], (row, from): (usize, usize)) {
        if self.width == 0 {
            return;
        }
        let mut x = vec![[0.0; SIDE_BY_SIDE]; 2 * self.width];
        let (x, placed) = x.split_at_mut(self.width);
        let blocks = dense.chunks(SIDE_BY_SIDE * self.width);
        for (dense, out) in blocks.zip(out.chunks_mut(SIDE_BY_SIDE * row)) {
            for (lane, dense) in dense.chunks_exact(self.width).enumerate() {
                for (column, value) in x.iter_mut().zip(dense) {
                    column[lane] = *value;
                }
            }
            self.place(isa, x, placed);
            let rows = out.chunks_mut(row).take(dense.len() / self.width);
            for (lane, out) in rows.enumerate() {
                for (out, column) in out[from..].iter_mut().zip(placed.iter()) {
                    *out = column[lane];
                }
            }
        }
    }
}
