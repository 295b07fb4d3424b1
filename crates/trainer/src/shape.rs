//! From a logged item back to the row that the scorer saw.
//!
//! Nothing is computed anew: ids stand in the record as they were, dense values that the record leaves out were at their defaults.

use event::ServedItem;

/// What the log leaves out of a row, because it is the same for all of them.
#[derive(Debug, Clone)]
pub struct ExampleShape {
    /// The value of each dense feature that a record does not mention, by slot; as many as the model's schema has.
    pub dense_defaults: Vec<f32>,
}

impl ExampleShape {
    /// Values of a row.
    pub fn width(&self) -> usize {
        self.dense_defaults.len()
    }

    /// Appends the item's dense row to `out`; how many of its features have no place in a row. Such features were logged by a
    /// newer or an older registry.
    pub fn dense(&self, item: &ServedItem, out: &mut Vec<f32>) -> usize {
        let from = out.len();
        out.extend_from_slice(&self.dense_defaults);
        let row = &mut out[from..];
        let mut strange = 0;
        for &(slot, value) in &item.features {
            match row.get_mut(usize::from(slot)) {
                Some(place) => *place = value,
                None => strange += 1,
            }
        }
        strange
    }
}
