//! Answers for the rows of a request, in reduced precision: the viewer's side is computed once, the candidates' in bfloat16.
//!
//! All rows of a request say the same of the viewer and of the moment. What follows from it alone is one constant of the first layer; its products
//! with a candidate's vectors are weights of those vectors, as in [`crate::fold`]. What is left of a row are its own ids, its own dense values,
//! and the viewer's last actions as they are attended to from it:
//!
//! ```text
//! y₁ = b + dense·W + pairs·W + vectors·A      pairs: products among the candidate's and the attended vectors
//! ```
//!
//! Rows that follow each other with the same viewer's side (the leading ids and the dense values of [`crate::Side::Viewer`], to the bit) share it; the caller
//! need not say where a request begins. Sixteen rows are computed side by side, each in a lane of its own and in one order of additions, so an answer does not
//! depend on the rows beside it. Answers are within a hundredth of [`DenseVersion::predict`], which learning and evaluation use and which stands in for
//! schemas that this file does not know (wide slots, weights of buckets, attention of a slot that is not the viewer's).
//!
//! | | 500 rows of one request, one core, product's schema |
//! |---|---|
//! | the viewer's side | about 40 µs |
//! | ids: 1 500 distinct rows of the table | 0.1 to 0.2 ms |
//! | attention, products of pairs, places of 260 dense values | 0.2 ms |
//! | multiplications: 460 × 96 + 64 × 32 + 32 × 32 a row | 25 million, 32 a step: 0.25 ms |

mod viewer;

use crate::gather::Gathered;
use crate::inputs::{Column, Columns};
use crate::kernels::{self, Layer, Precision, Rows, SIDE_BY_SIDE};
use crate::layout::{Layout, UNKNOWN};
use crate::row::{Predictions, RowRef};
use crate::schema::Side;
use crate::table::Reader;
use crate::version::{DenseVersion, predict_rows};

use viewer::Viewer;

/// Rows whose ids are gathered together.
const GATHERED: usize = 512;

/// One of the vectors that differ from candidate to candidate.
#[derive(Debug, Clone, Copy)]
struct Part {
    /// Place of its slot.
    place: usize,
    width: usize,
    /// First of its values among all parts'.
    from: usize,
}

/// A version's weights in the order that serving wants them.
#[derive(Debug, Clone)]
pub(crate) struct Served {
    precision: Precision,
    /// Slots of candidates, then those that attend from one.
    parts: Vec<Part>,
    /// How many of the parts are candidates'.
    own: usize,
    /// Of each part that attends, the part it attends from.
    targets: Vec<usize>,
    /// Part of each slot's place, or [`UNKNOWN`].
    part_of: Vec<u16>,
    /// Values of all parts.
    width: usize,
    /// The mean-pooled slots of the viewer.
    viewer: Vec<usize>,
    /// First values of two parts, and how many of them are multiplied.
    pairs: Vec<(u16, u16, u16)>,
    /// Stretches of a row's dense values that are the viewer's.
    shared: Vec<std::ops::Range<usize>>,
    /// The other dense values.
    dense: Vec<usize>,
    columns: Columns,
    /// Over other dense values and pairs.
    first: Layer,
    second: Layer,
    third: Layer,
}

/// Buffers, reused.
#[derive(Debug, Clone, Default)]
pub(crate) struct ServeScratch {
    gathered: Gathered,
    viewer: Viewer,
    dense: Vec<Column>,
    /// Dense inputs and products of pairs.
    x: Vec<Column>,
    vectors: Vec<Column>,
    shares: Vec<Column>,
    y1: Vec<f32>,
    y2: Vec<f32>,
    narrow: Vec<u32>,
}

impl Served {
    /// `None` for a schema or settings that the file's header excepts.
    pub(crate) fn new(version: &DenseVersion, precision: Precision) -> Option<Self> {
        let layout = &*version.layout;
        let excepted = |slot: &crate::layout::SlotLayout| {
            slot.wide
                || slot.vector.is_none() && layout.pair_width == 0
                || slot.target.is_some_and(|target| {
                    slot.side != Side::Viewer || layout.slots[target].side == Side::Viewer
                })
        };
        if version.buckets || layout.slots.iter().any(excepted) {
            return None;
        }
        let places = |wanted: fn(&crate::layout::SlotLayout) -> bool| {
            let slots = layout.slots.iter().enumerate();
            slots
                .filter(move |(_, slot)| wanted(slot))
                .map(|(place, _)| place)
        };
        let own: Vec<usize> = places(|slot| slot.side != Side::Viewer).collect();
        let attending: Vec<usize> = places(|slot| slot.target.is_some()).collect();
        let viewer = places(|slot| slot.side == Side::Viewer && slot.target.is_none()).collect();
        let (mut parts, mut width, mut part_of) = (Vec::new(), 0, vec![UNKNOWN; layout.slots.len()]);
        for place in own.iter().chain(&attending) {
            part_of[*place] = parts.len() as u16;
            parts.push(Part {
                place: *place,
                width: layout.slots[*place].width,
                from: width,
            });
            width += layout.slots[*place].width;
        }
        let target = |place: &usize| Some(usize::from(part_of[layout.slots[*place].target?]));
        let dense: Vec<usize> = (0..layout.dense_width)
            .filter(|at| layout.dense_sides[*at] != Side::Viewer)
            .collect();
        let mut served = Self {
            precision,
            targets: attending.iter().filter_map(target).collect(),
            own: own.len(),
            width,
            viewer,
            pairs: Vec::new(),
            shared: stretches(&layout.dense_sides),
            columns: Columns::new(&version.quantiles, &dense),
            dense,
            first: Layer::default(),
            second: Layer::default(),
            third: Layer::default(),
            part_of,
            parts,
        };
        served.fill(version);
        Some(served)
    }

    fn fill(&mut self, version: &DenseVersion) {
        let layout = &*version.layout;
        let [h1, h2] = layout.hidden;
        let dense = self.dense.iter();
        let mut first: Vec<f32> = dense
            .flat_map(|at| version.w1_row(layout.dense + at))
            .copied()
            .collect();
        if layout.pair_width > 0 {
            for (i, one) in self.parts.iter().enumerate() {
                for two in &self.parts[i + 1..] {
                    let (low, high) = (one.place.min(two.place), one.place.max(two.place));
                    let width = one.width.min(two.width).min(layout.pair_width);
                    self.pairs.push((one.from as u16, two.from as u16, width as u16));
                    first.extend_from_slice(version.w1_row(layout.pair(low, high)));
                }
            }
        }
        let inputs = self.dense.len() + self.pairs.len();
        self.first = Layer::new(inputs, layout.first, first, self.precision);
        let second = version.weights[layout.w2..layout.b2].to_vec();
        self.second = Layer::new(h1, h2, second, self.precision);
        let third = version.weights[layout.w3..layout.weights].to_vec();
        self.third = Layer::new(h2, layout.outputs_padded, third, self.precision);
    }
}

/// Where the viewer's dense values lie.
fn stretches(sides: &[Side]) -> Vec<std::ops::Range<usize>> {
    let mut all: Vec<std::ops::Range<usize>> = Vec::new();
    for (at, _) in sides
        .iter()
        .enumerate()
        .filter(|(_, side)| **side == Side::Viewer)
    {
        match all.last_mut().filter(|last| last.end == at) {
            Some(last) => last.end += 1,
            None => all.push(at..at + 1),
        }
    }
    all
}

impl DenseVersion {
    /// Answers for `rows` as [`DenseVersion::predict`] gives them, within a hundredth, faster: see [`crate::serve`]'s header. The answer to a row does not
    /// depend on the other rows.
    ///
    /// # Panics
    /// When a row has another number of dense values than the schema.
    pub fn serve(&self, table: &Reader, rows: &[RowRef<'_>], out: &mut Predictions) {
        let served = self
            .served
            .get_or_init(|| Served::new(self, Precision::best()).map(std::sync::Arc::new));
        match served {
            Some(served) => self.serve_with(served, table, rows, out),
            None => self.predict(table, rows, out),
        }
    }

    fn serve_with(&self, served: &Served, table: &Reader, mut rows: &[RowRef<'_>], out: &mut Predictions) {
        self.answers.begin(out);
        let mut scratch = std::mem::take(&mut out.serve);
        while let Some(first) = rows.first() {
            assert_eq!(
                first.dense.len(),
                self.layout.dense_width,
                "dense values of a row"
            );
            let (request, rest) = match served.leading(&self.layout, first) {
                Some(shared) => {
                    let others = rows[1..].iter().take(GATHERED - 1);
                    let like = others.take_while(|row| served.is_like(&self.layout, first, shared, row));
                    let (request, rest) = rows.split_at(1 + like.count());
                    let viewer = &first.ids[..shared];
                    scratch.viewer.read(self, served, table, (viewer, first.dense));
                    scratch.run(self, served, table, (request, shared), out);
                    (request, rest)
                }
                // A row whose viewer's ids do not come first.
                None => {
                    let (request, rest) = rows.split_at(1);
                    predict_rows(&self.forward(), &self.answers, table, request, out);
                    (request, rest)
                }
            };
            debug_assert!(!request.is_empty());
            rows = rest;
        }
        out.serve = scratch;
    }
}

impl Served {
    fn is_viewers(layout: &Layout, slot: u16) -> bool {
        match layout.slot_place.get(usize::from(slot)) {
            None | Some(&UNKNOWN) => false,
            Some(place) => layout.slots[usize::from(*place)].side == Side::Viewer,
        }
    }

    /// How many ids a row begins with that are the viewer's; `None` when others of them follow later.
    fn leading(&self, layout: &Layout, row: &RowRef<'_>) -> Option<usize> {
        let is_other = |(slot, _): &(u16, u64)| !Self::is_viewers(layout, *slot);
        let shared = row.ids.iter().position(is_other).unwrap_or(row.ids.len());
        row.ids[shared..].iter().all(is_other).then_some(shared)
    }

    /// Whether a row says the same of the viewer as `first`, whose first `shared` ids do.
    fn is_like(&self, layout: &Layout, first: &RowRef<'_>, shared: usize, row: &RowRef<'_>) -> bool {
        let bits = |dense: &[f32], at: usize| dense[at].to_bits();
        row.ids.len() >= shared
            && row.dense.len() == first.dense.len()
            && row.ids[..shared] == first.ids[..shared]
            && row.ids[shared..]
                .iter()
                .all(|(slot, _)| !Self::is_viewers(layout, *slot))
            && self.shared.iter().all(|stretch| {
                stretch
                    .clone()
                    .all(|at| bits(row.dense, at) == bits(first.dense, at))
            })
    }
}

impl ServeScratch {
    /// The rows of one viewer, whose side was read: their first `shared` ids are that side.
    fn run(
        &mut self,
        version: &DenseVersion,
        served: &Served,
        table: &Reader,
        (rows, shared): (&[RowRef<'_>], usize),
        out: &mut Predictions,
    ) {
        let layout = &*version.layout;
        let own = rows.iter().map(|row| RowRef {
            ids: &row.ids[shared..],
            ..*row
        });
        self.gathered.note(layout, own.map(|row| (row, false)));
        self.gathered.read(layout, table);
        let blank = [0.0; SIDE_BY_SIDE];
        self.dense.resize(served.dense.len(), blank);
        self.x.resize(served.dense.len() + served.pairs.len(), blank);
        for (block, rows) in rows.chunks(SIDE_BY_SIDE).enumerate() {
            self.vectors(layout, served, block * SIDE_BY_SIDE, rows.len());
            self.inputs(served, rows);
            self.layers(version, served, rows.len());
            let logits = self.y1.chunks(layout.first).map(|y| &y[layout.hidden[0]..]);
            let durations = rows.iter().map(|row| row.duration_s);
            version
                .answers
                .push(served.precision.isa(), logits.zip(durations), out);
        }
    }

    /// The parts' vectors of `count` rows from row `first` on.
    fn vectors(&mut self, layout: &Layout, served: &Served, first: usize, count: usize) {
        self.vectors.clear();
        self.vectors.resize(served.width, [0.0; SIDE_BY_SIDE]);
        for lane in 0..count {
            let mut counts = [0_u16; u8::MAX as usize];
            for (place, key) in &self.gathered.uses[self.gathered.uses_of(first + lane)] {
                let part = usize::from(served.part_of[usize::from(*place)]);
                let Part { width, from, .. } = served.parts[part];
                counts[part] += 1;
                let row = &self.gathered.rows[*key as usize * layout.stride..][..width];
                for (column, value) in self.vectors[from..from + width].iter_mut().zip(row) {
                    column[lane] += value;
                }
            }
            for (part, count) in served.parts[..served.own].iter().zip(counts) {
                if count > 1 {
                    let share = 1.0 / f32::from(count);
                    for column in &mut self.vectors[part.from..part.from + part.width] {
                        column[lane] *= share;
                    }
                }
            }
        }
        let (own, attending) = served.parts.split_at(served.own);
        for (at, (part, target)) in attending.iter().zip(&served.targets).enumerate() {
            let from = own[*target].from;
            let rows = self.viewer.attended(at);
            let (queries, out) = self.vectors.split_at_mut(part.from);
            self.shares.resize(rows.len() / part.width, [0.0; SIDE_BY_SIDE]);
            let query = &queries[from..from + part.width];
            kernels::attend_columns(served.precision.isa(), query, rows, &mut self.shares, out);
        }
    }

    /// Dense inputs and products of pairs.
    fn inputs(&mut self, served: &Served, rows: &[RowRef<'_>]) {
        for (lane, row) in rows.iter().enumerate() {
            for (column, at) in self.dense.iter_mut().zip(&served.dense) {
                column[lane] = row.dense[*at];
            }
        }
        let isa = served.precision.isa();
        let (dense, pairs) = self.x.split_at_mut(served.dense.len());
        served.columns.place(isa, &self.dense, dense);
        kernels::pair_columns(isa, &self.vectors, &served.pairs, pairs);
    }

    fn layers(&mut self, version: &DenseVersion, served: &Served, count: usize) {
        let layout = &*version.layout;
        let ([h1, h2], precision) = (layout.hidden, served.precision);
        let side_by_side = |columns| Rows {
            values: <[Column]>::as_flattened(columns),
            row: 1,
            column: SIDE_BY_SIDE,
        };
        let first = layout.first;
        self.y1.resize(SIDE_BY_SIDE * first, 0.0);
        self.y2.resize(SIDE_BY_SIDE * h2, 0.0);
        let (y1, y2, narrow) = (
            &mut self.y1[..count * first],
            &mut self.y2[..count * h2],
            &mut self.narrow,
        );
        let x = side_by_side(&self.x);
        let constant = (&self.viewer.constant[..], 0);
        served
            .first
            .set(precision, x, constant, (y1, first), count, narrow);
        let vectors = side_by_side(&self.vectors);
        self.viewer
            .layer
            .add(precision, vectors, (y1, first), count, narrow);
        let b2 = (&version.weights[layout.b2..layout.w3], 0);
        served
            .second
            .set_rectified(precision, (y1, first), b2, (y2, h2), count, narrow);
        kernels::relu(precision.isa(), y2);
        served.third.add(
            precision,
            Rows::plain(y2, h2),
            (&mut y1[h1..], first),
            count,
            narrow,
        );
    }
}

#[cfg(test)]
mod tests;
