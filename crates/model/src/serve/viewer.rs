//! The viewer's side of a request: what it adds to the first layer, and what it makes of a candidate's vectors. Read once, used for all rows.

use super::{Part, Served};
use crate::gather::Gathered;
use crate::kernels::{self, Isa, Layer};
use crate::net::Scratch;
use crate::row::RowRef;
use crate::table::Reader;
use crate::version::DenseVersion;

/// See the file's header.
#[derive(Debug, Clone, Default)]
pub(super) struct Viewer {
    scratch: Scratch,
    /// The first layer before its rectifier, as far as the viewer alone decides it, with base rates in the part that goes to the logits.
    pub(super) constant: Vec<f32>,
    /// Over all parts' values.
    pub(super) layer: Layer,
    /// Rows that each attending part chooses among, as wide as the part.
    attended: Vec<Vec<f32>>,
}

impl Viewer {
    /// Rows of the `at`-th attending part.
    pub(super) fn attended(&self, at: usize) -> &[f32] {
        &self.attended[at]
    }

    pub(super) fn read(
        &mut self,
        version: &DenseVersion,
        served: &Served,
        table: &Reader,
        (ids, dense): (&[(u16, u64)], &[f32]),
    ) {
        let layout = &*version.layout;
        let row = RowRef {
            ids,
            dense,
            duration_s: 0.0,
        };
        let scratch = &mut self.scratch;
        scratch.reserve(layout, 1);
        scratch.gathered.note(layout, [(row, false)].into_iter());
        scratch.gathered.read(layout, table);
        self.rows_read(version, served);
        self.constant(version, served, row);
        let parts = &served.parts;
        let vectors = &self.scratch.vectors;
        self.layer
            .refill(served.width, layout.first, served.precision, |weights| {
                parts
                    .iter()
                    .for_each(|part| part_rows(version, served, part, vectors, weights));
            });
    }

    fn constant(&mut self, version: &DenseVersion, served: &Served, row: RowRef<'_>) {
        let (layout, scratch) = (&*version.layout, &mut self.scratch);
        version.forward().inputs(row, scratch);
        let x = &mut scratch.x[..layout.inputs];
        // What a candidate decides is not known yet: its dense values, and whatever is made of attended vectors.
        for at in &served.dense {
            x[layout.dense + at] = 0.0;
        }
        let attending = served.parts[served.own..].iter().map(|part| part.place);
        for place in attending {
            let slot = layout.slots[place];
            if let Some(from) = slot.vector {
                x[from..from + slot.width].fill(0.0);
            }
            if layout.pair_width > 0 {
                for other in (0..layout.slots.len()).filter(|other| *other != place) {
                    x[layout.pair(place.min(other), place.max(other))] = 0.0;
                }
            }
        }
        self.constant.clear();
        self.constant.resize(layout.first, 0.0);
        let weights = &version.weights[layout.w1..layout.w2];
        kernels::add_rows(Isa::best(), x, weights, &mut self.constant);
        for (logit, base) in self.constant[layout.hidden[0]..].iter_mut().zip(&version.base) {
            *logit += base;
        }
    }

    fn rows_read(&mut self, version: &DenseVersion, served: &Served) {
        let stride = version.layout.stride;
        let attending = &served.parts[served.own..];
        self.attended.resize(attending.len(), Vec::new());
        let gathered: &Gathered = &self.scratch.gathered;
        for (part, rows) in attending.iter().zip(&mut self.attended) {
            rows.clear();
            for (place, key) in &gathered.uses {
                if usize::from(*place) == part.place {
                    rows.extend_from_slice(&gathered.rows[*key as usize * stride..][..part.width]);
                }
            }
        }
    }
}

/// Appends the first layer's weights of a part's values: its own, and those of its products with the viewer's `vectors`.
fn part_rows(version: &DenseVersion, served: &Served, part: &Part, vectors: &[f32], weights: &mut Vec<f32>) {
    let layout = &*version.layout;
    let from = weights.len();
    for value in 0..part.width {
        match layout.slots[part.place].vector {
            Some(input) => weights.extend_from_slice(version.w1_row(input + value)),
            None => weights.resize(weights.len() + layout.first, 0.0),
        }
    }
    let rows = weights[from..].chunks_exact_mut(layout.first);
    for (value, row) in rows.enumerate().take(layout.pair_width) {
        for other in &served.viewer {
            let factor = [vectors[other * layout.stride + value]];
            let pair = layout.pair(part.place.min(*other), part.place.max(*other));
            kernels::add_rows(Isa::best(), &factor, version.w1_row(pair), row);
        }
    }
}
