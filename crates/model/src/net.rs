//! The network: forward to logits, back to the inputs, and the sums for a step of the dense weights.
//!
//! Rows are computed in blocks, but every row's numbers depend on that row alone. The queue keeps what a step of the dense weights needs
//! (inputs, activations, their gradients), so that a batch of one costs a forward pass now and a share of a
//! matrix product later.

mod backward;
mod forward;

pub(crate) use backward::{Step, Transposed};
pub(crate) use forward::Forward;

use crate::gather::Gathered;
use crate::layout::Layout;

/// Buffers of a pass, reused. Rows × width each.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scratch {
    pub gathered: Gathered,
    /// Pooled vectors, rows × slots × stride.
    pub vectors: Vec<f32>,
    /// Inputs of the first layer.
    pub x: Vec<f32>,
    /// First layer: hidden part before the rectifier's mask is lost (after it), and logits in the skip part.
    pub y1: Vec<f32>,
    /// Second layer after its rectifier.
    pub y2: Vec<f32>,
    /// Gradients of `y1` and `y2`.
    pub d1: Vec<f32>,
    pub d2: Vec<f32>,
    /// Probabilities of the logits of a part and their losses if the answer is no, rows × outputs.
    pub p: Vec<f32>,
    pub loss: Vec<f32>,
    /// Wide addresses, row after row, and where each row's end.
    pub addresses: Vec<u32>,
    pub address_ends: Vec<u32>,
    /// Quantile buckets of one row.
    pub buckets: Vec<u16>,
    /// Slots × slots products and a transposed copy of the vectors of one row.
    pub products: Vec<f32>,
    pub transposed: Vec<f32>,
    /// Gradients of one row's front inputs and of its vectors.
    pub front: Vec<f32>,
    pub vector_gradients: Vec<f32>,
}

impl Scratch {
    /// Makes room for `rows` rows.
    pub fn reserve(&mut self, layout: &Layout, rows: usize) {
        let grow = |buffer: &mut Vec<f32>, size: usize| {
            if buffer.len() < size {
                buffer.resize(size, 0.0);
            }
        };
        let vectors = layout.slots_padded * layout.stride;
        grow(&mut self.vectors, rows * vectors);
        grow(&mut self.x, rows * layout.inputs);
        grow(&mut self.y1, rows * layout.first);
        grow(&mut self.y2, rows * layout.hidden[1]);
        grow(&mut self.products, layout.slots_padded * layout.slots_padded);
        grow(&mut self.transposed, layout.stride * layout.slots_padded);
        grow(&mut self.vector_gradients, vectors);
        self.buckets.resize(layout.dense_width, 0);
    }

    /// Makes room for gradients too.
    pub fn reserve_gradients(&mut self, layout: &Layout, rows: usize) {
        self.reserve(layout, rows);
        for (buffer, width) in [
            (&mut self.d1, layout.first),
            (&mut self.d2, layout.hidden[1]),
            (&mut self.front, layout.front),
        ] {
            if buffer.len() < rows * width {
                buffer.resize(rows * width, 0.0);
            }
        }
    }
}
