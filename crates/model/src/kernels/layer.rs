//! One layer of serving: a matrix that is multiplied in bfloat16 where the processor can, in single precision where not.

#[cfg(target_arch = "x86_64")]
use super::bf16;
use super::gemm::{COLUMNS, Gemm, gemm};
use super::isa::Isa;
use super::vector::relu;

/// How the multiplications of serving are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    /// Factors with 8 bits of mantissa, sums in single precision.
    #[cfg(target_arch = "x86_64")]
    Bf16(bf16::Found),
    /// Single precision throughout; with [`Isa::SCALAR`] it is the reference.
    Single(Isa),
}

impl Precision {
    /// The fastest of this machine, looked up once.
    pub fn best() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            static FOUND: std::sync::OnceLock<Option<bf16::Found>> = std::sync::OnceLock::new();
            if let Some(found) = FOUND.get_or_init(bf16::Found::look) {
                return Self::Bf16(*found);
            }
        }
        Self::Single(Isa::best())
    }

    /// All of this machine, the reference first.
    pub fn available() -> Vec<Self> {
        let mut all: Vec<Self> = Isa::available().into_iter().map(Self::Single).collect();
        if !all.contains(&Self::best()) {
            all.push(Self::best());
        }
        all
    }

    /// The instruction set of what is left to single precision.
    pub fn isa(self) -> Isa {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Bf16(_) => Isa::best(),
            Self::Single(isa) => isa,
        }
    }
}

/// Inputs of some rows: value `i` of row `r` is `values[r * row + i * column]`.
#[derive(Debug, Clone, Copy)]
pub struct Rows<'a> {
    pub values: &'a [f32],
    pub row: usize,
    /// 1, or any where each two values lie [`Rows::column`] apart.
    pub column: usize,
}

impl<'a> Rows<'a> {
    /// Rows that begin every `row` values, inputs side by side.
    pub fn plain(values: &'a [f32], row: usize) -> Self {
        Self {
            values,
            row,
            column: 1,
        }
    }
}

/// A matrix of inputs × outputs, row-major, and the same for the narrow instructions.
#[derive(Debug, Clone, Default)]
pub struct Layer {
    inputs: usize,
    outputs: usize,
    weights: Vec<f32>,
    packed: Vec<u32>,
}

impl Layer {
    /// `outputs` must be a multiple of [`COLUMNS`].
    ///
    /// # Panics
    /// When `weights` are not inputs × outputs.
    pub fn new(inputs: usize, outputs: usize, weights: Vec<f32>, precision: Precision) -> Self {
        let mut layer = Self {
            inputs,
            outputs,
            weights,
            packed: Vec::new(),
        };
        layer.prepare(precision);
        layer
    }

    /// Makes it another matrix in the memory of this one: `fill` appends inputs × outputs weights to an empty list.
    ///
    /// # Panics
    /// When they are not so many.
    pub fn refill(
        &mut self,
        inputs: usize,
        outputs: usize,
        precision: Precision,
        fill: impl FnOnce(&mut Vec<f32>),
    ) {
        (self.inputs, self.outputs) = (inputs, outputs);
        self.weights.clear();
        fill(&mut self.weights);
        self.prepare(precision);
    }

    fn prepare(&mut self, precision: Precision) {
        assert_eq!(
            self.weights.len(),
            self.inputs * self.outputs,
            "weights of a layer"
        );
        assert!(
            self.outputs.is_multiple_of(COLUMNS),
            "outputs come in whole registers"
        );
        self.packed.clear();
        match precision {
            #[cfg(target_arch = "x86_64")]
            Precision::Bf16(_) => bf16::pack(&self.weights, self.outputs, &mut self.packed),
            Precision::Single(_) => {}
        }
    }

    /// Values of an input row.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Values of an output row.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// `y += x · weights` for `rows` rows; a row of `y` begins every `y_row` values. `narrow` is a buffer. The sums of a row do not depend on the others.
    ///
    /// # Panics
    /// When `x` or `y` is too short, or the layer was made for another precision.
    pub fn add(
        &self,
        precision: Precision,
        x: Rows<'_>,
        (y, y_row): (&mut [f32], usize),
        rows: usize,
        narrow: &mut Vec<u32>,
    ) {
        if self.inputs == 0 {
            return;
        }
        match precision {
            #[cfg(target_arch = "x86_64")]
            Precision::Bf16(found) => {
                let words = self.narrow::<false>(found, x, rows, narrow);
                bf16::add(found, words, &self.packed, self.outputs, None, (y, y_row), rows);
            }
            Precision::Single(isa) => {
                let _ = narrow;
                self.add_single(isa, x, (y, y_row), rows);
            }
        }
    }

    /// `y = from + x · weights`, otherwise as [`Layer::add`]. A row of `from` begins every so many values as stand beside it; 0 is the same row for all.
    ///
    /// # Panics
    /// When an operand is too short, or the layer was made for another precision.
    pub fn set(
        &self,
        precision: Precision,
        x: Rows<'_>,
        (from, from_row): (&[f32], usize),
        (y, y_row): (&mut [f32], usize),
        rows: usize,
        narrow: &mut Vec<u32>,
    ) {
        match precision {
            #[cfg(target_arch = "x86_64")]
            Precision::Bf16(found) if self.inputs > 0 => {
                let words = self.narrow::<false>(found, x, rows, narrow);
                let from = Some((from, from_row));
                bf16::add(found, words, &self.packed, self.outputs, from, (y, y_row), rows);
            }
            _ => {
                self.begin((from, from_row), (y, y_row), rows);
                self.add(precision, x, (y, y_row), rows, narrow);
            }
        }
    }

    /// As [`Layer::set`], where inputs below zero count as zero: those of rows that begin every `x_row` values. They may or may not be zero afterwards.
    ///
    /// # Panics
    /// When an operand is too short, or the layer was made for another precision.
    pub fn set_rectified(
        &self,
        precision: Precision,
        (x, x_row): (&mut [f32], usize),
        (from, from_row): (&[f32], usize),
        (y, y_row): (&mut [f32], usize),
        rows: usize,
        narrow: &mut Vec<u32>,
    ) {
        match precision {
            #[cfg(target_arch = "x86_64")]
            Precision::Bf16(found) if self.inputs > 0 => {
                let words = self.narrow::<true>(found, Rows::plain(x, x_row), rows, narrow);
                let from = Some((from, from_row));
                bf16::add(found, words, &self.packed, self.outputs, from, (y, y_row), rows);
            }
            _ => {
                for row in x.chunks_mut(x_row.max(1)).take(rows) {
                    relu(precision.isa(), &mut row[..self.inputs]);
                }
                self.begin((from, from_row), (y, y_row), rows);
                self.add(precision, Rows::plain(x, x_row), (y, y_row), rows, narrow);
            }
        }
    }

    fn begin(&self, (from, from_row): (&[f32], usize), (y, y_row): (&mut [f32], usize), rows: usize) {
        for row in 0..rows {
            let from = &from[row * from_row..][..self.outputs];
            y[row * y_row..][..self.outputs].copy_from_slice(from);
        }
    }

    #[cfg(target_arch = "x86_64")]
    fn narrow<'a, const RECTIFIED: bool>(
        &self,
        found: bf16::Found,
        x: Rows<'_>,
        rows: usize,
        narrow: &'a mut Vec<u32>,
    ) -> bf16::Words<'a> {
        assert_eq!(self.packed.len(), self.inputs.div_ceil(2) * self.outputs);
        let (row, column) = match x.column {
            1 => {
                bf16::narrow::<RECTIFIED>(found, (x.values, x.row), self.inputs, rows, narrow);
                (self.inputs.div_ceil(2), 1)
            }
            column => {
                assert!(rows <= column && !RECTIFIED);
                narrow_columns(x, self.inputs, rows, narrow);
                (1, column)
            }
        };
        bf16::Words {
            words: narrow,
            row,
            column,
        }
    }

    fn add_single(&self, isa: Isa, x: Rows<'_>, (y, y_row): (&mut [f32], usize), rows: usize) {
        let operands = Gemm {
            m: rows,
            n: self.outputs,
            k: self.inputs,
            a: x.values,
            a_row: x.row,
            a_column: x.column,
            b: &self.weights,
            b_row: self.outputs,
            c: y,
            c_row: y_row,
            add: true,
        };
        gemm(isa, operands);
    }
}

/// Columns of `x.column` values each become half as many columns of pairs.
#[cfg(target_arch = "x86_64")]
fn narrow_columns(x: Rows<'_>, inputs: usize, rows: usize, out: &mut Vec<u32>) {
    assert!(x.row == 1 && rows <= x.column);
    out.resize(inputs.div_ceil(2) * x.column, 0);
    super::vector::narrow_pairs(Isa::best(), &x.values[..inputs * x.column], x.column, out);
}
