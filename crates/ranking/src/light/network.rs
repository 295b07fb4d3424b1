//! The three layers, in bfloat16 or in single precision.

use model::Folded;
use model::kernels::{Layer, Precision, Rows, relu};

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
            columns,
            hidden: [h1, h2],
            outputs,
            ..
        } = folded;
        Self {
            precision,
            hidden: h1,
            layers: [
                Layer::new(width + columns.width(), h1 + outputs, folded.w1, precision),
                Layer::new(h1, h2, folded.w2, precision),
                Layer::new(h2, outputs, folded.w3, precision),
            ],
            b1: folded.b1,
            b2: folded.b2,
        }
    }

    /// Values of an input row.
    pub(super) fn inputs(&self) -> usize {
        self.layers[0].inputs()
    }

    /// The logits of `x`, rows of [`Network::inputs`] values.
    pub(super) fn run(&self, x: &[f32], buffers: &mut Buffers, logits: &mut Vec<f32>) {
        let [one, two, three] = &self.layers;
        let count = x.len() / one.inputs();
        let isa = self.precision.isa();
        let Buffers { y1, y2, narrow } = buffers;
        repeat(&self.b1, count, y1);
        let first = one.outputs();
        one.add(
            self.precision,
            Rows::plain(x, one.inputs()),
            (y1, first),
            count,
            narrow,
        );
        logits.clear();
        for row in y1.chunks_exact_mut(first) {
            relu(isa, &mut row[..self.hidden]);
            logits.extend_from_slice(&row[self.hidden..]);
        }
        repeat(&self.b2, count, y2);
        let second = two.outputs();
        two.add(
            self.precision,
            Rows::plain(y1, first),
            (y2, second),
            count,
            narrow,
        );
        relu(isa, y2);
        let third = three.outputs();
        three.add(
            self.precision,
            Rows::plain(y2, second),
            (logits, third),
            count,
            narrow,
        );
    }
}

fn repeat(row: &[f32], count: usize, out: &mut Vec<f32>) {
    out.clear();
    for _ in 0..count {
        out.extend_from_slice(row);
    }
}
