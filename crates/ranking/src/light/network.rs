//! The three layers, in bfloat16 or in single precision.

use model::Folded;
use model::kernels::{Gemm, Isa, gemm, relu};

#[cfg(target_arch = "x86_64")]
use super::bf16;

/// How the multiplications are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    /// Factors with 8 bits of mantissa, sums in single precision.
    #[cfg(target_arch = "x86_64")]
    Bf16(bf16::Found),
    /// Single precision throughout; with [`Isa::SCALAR`] it is the reference.
    Single(Isa),
}

impl Precision {
    /// The fastest of this machine.
    pub fn best() -> Self {
        #[cfg(target_arch = "x86_64")]
        if let Some(found) = bf16::Found::look() {
            return Self::Bf16(found);
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
}

/// Activations of a block of rows.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    y1: Vec<f32>,
    y2: Vec<f32>,
    narrow: Vec<u32>,
}

/// See the file's header.
#[derive(Debug)]
pub(super) struct Network {
    precision: Precision,
    /// Units of the first layer that are hidden; the others are logits.
    hidden: usize,
    layers: [Layer; 3],
    b1: Vec<f32>,
    b2: Vec<f32>,
}

impl Network {
    pub(super) fn new(folded: Folded, precision: Precision) -> Self {
        let Folded {
            width,
            hidden: [h1, h2],
            outputs,
            ..
        } = folded;
        Self {
            precision,
            hidden: h1,
            layers: [
                Layer::new(width, h1 + outputs, folded.w1),
                Layer::new(h1, h2, folded.w2),
                Layer::new(h2, outputs, folded.w3),
            ],
            b1: folded.b1,
            b2: folded.b2,
        }
    }

    /// The logits of `rows`, which hold as many values each as the slot is wide.
    pub(super) fn run(&self, rows: &[f32], buffers: &mut Buffers, logits: &mut Vec<f32>) {
        let [one, two, three] = &self.layers;
        let count = rows.len() / one.inputs;
        let Buffers { y1, y2, narrow } = buffers;
        repeat(&self.b1, count, y1);
        one.add(self.precision, (rows, one.inputs), y1, narrow);
        logits.clear();
        for row in y1.chunks_exact_mut(one.outputs) {
            relu(Isa::best(), &mut row[..self.hidden]);
            logits.extend_from_slice(&row[self.hidden..]);
        }
        repeat(&self.b2, count, y2);
        two.add(self.precision, (y1, one.outputs), y2, narrow);
        relu(Isa::best(), y2);
        three.add(self.precision, (y2, two.outputs), logits, narrow);
    }
}

fn repeat(row: &[f32], count: usize, out: &mut Vec<f32>) {
    out.clear();
    for _ in 0..count {
        out.extend_from_slice(row);
    }
}

/// A matrix of inputs × outputs, row-major, and the same for the narrow instructions.
#[derive(Debug)]
pub(super) struct Layer {
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    weights: Vec<f32>,
    #[cfg(target_arch = "x86_64")]
    packed: Vec<u32>,
}

impl Layer {
    pub(super) fn new(inputs: usize, outputs: usize, weights: Vec<f32>) -> Self {
        assert_eq!(weights.len(), inputs * outputs);
        Self {
            inputs,
            outputs,
            #[cfg(target_arch = "x86_64")]
            packed: bf16::pack(&weights, outputs),
            weights,
        }
    }

    /// `y += x · weights` for as many rows as `y` has; a row of `x` begins every `x_row` values.
    pub(super) fn add(
        &self,
        precision: Precision,
        (x, x_row): (&[f32], usize),
        y: &mut [f32],
        narrow: &mut Vec<u32>,
    ) {
        match precision {
            #[cfg(target_arch = "x86_64")]
            Precision::Bf16(found) => {
                bf16::narrow(found, (x, x_row), self.inputs, y.len() / self.outputs, narrow);
                bf16::add(found, narrow, &self.packed, self.outputs, y);
            }
            Precision::Single(isa) => {
                let _ = narrow;
                gemm(
                    isa,
                    Gemm {
                        m: y.len() / self.outputs,
                        n: self.outputs,
                        k: self.inputs,
                        a: x,
                        a_row: x_row,
                        a_column: 1,
                        b: &self.weights,
                        b_row: self.outputs,
                        c: y,
                        c_row: self.outputs,
                        add: true,
                    },
                );
            }
        }
    }
}
