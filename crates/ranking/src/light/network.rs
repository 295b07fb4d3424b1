//! The three layers, in bfloat16 or in single precision.

use model::Folded;
use model::kernels::{Layer, Precision, Rows};

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

    /// The logits of `x`, rows of [`Network::inputs`] values, into the front of `logits`, a row of outputs each.
    pub(super) fn run(&self, x: &[f32], buffers: &mut Buffers, logits: &mut Vec<f32>) {
        let [one, two, three] = &self.layers;
        let (precision, count) = (self.precision, x.len() / one.inputs());
        let [first, second, third] = [one.outputs(), two.outputs(), three.outputs()];
        let Buffers { y1, y2, narrow } = buffers;
        let y1 = at_least(y1, count * first);
        let y2 = at_least(y2, count * second);
        let logits = at_least(logits, count * third);
        let x = Rows::plain(x, one.inputs());
        one.set(precision, x, (&self.b1, 0), (y1, first), count, narrow);
        two.set_rectified(precision, (y1, first), (&self.b2, 0), (y2, second), count, narrow);
        let direct = (&y1[self.hidden.min(y1.len())..], first);
        three.set_rectified(precision, (y2, second), direct, (logits, third), count, narrow);
    }
}

/// The first `size` values, after there are so many. What they are does not matter.
fn at_least(buffer: &mut Vec<f32>, size: usize) -> &mut [f32] {
    if buffer.len() < size {
        buffer.resize(size, 0.0);
    }
    &mut buffer[..size]
}
