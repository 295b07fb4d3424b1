//! A vector as 128 bytes and one factor, as it lies in posting lists and in the codebook.

/// Values of a vector.
pub const WIDTH: usize = 128;

/// Largest magnitude of a stored component.
const TOP: f32 = 127.0;

/// Components as unsigned bytes, [`Row::OFFSET`] above their value; two cache lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(align(64))]
pub(super) struct Row(pub [u8; WIDTH]);

/// A query's components as signed bytes, and the factor that makes values of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct NarrowQuery {
    pub bytes: [i8; WIDTH],
    pub scale: f32,
}

impl Row {
    pub const OFFSET: u8 = 128;

    /// The nearest row to `vector`, and the factor that makes values of its components. Components that are no number become 0.
    pub fn of(vector: &[f32; WIDTH]) -> (Self, f32) {
        let narrow = NarrowQuery::of(vector);
        let shifted = narrow
            .bytes
            .map(|byte| (i16::from(byte) + i16::from(Self::OFFSET)) as u8);
        (Self(shifted), narrow.scale)
    }

    /// The values again, each off by half a `scale` at most.
    pub fn values(&self, scale: f32) -> [f32; WIDTH] {
        self.0
            .map(|byte| f32::from(i16::from(byte) - i16::from(Self::OFFSET)) * scale)
    }
}

impl NarrowQuery {
    pub fn of(vector: &[f32; WIDTH]) -> Self {
        let top = vector.iter().fold(0.0_f32, |top, x| top.max(x.abs()));
        let top = if top.is_finite() { top } else { 0.0 };
        let factor = if top > 0.0 { TOP / top } else { 0.0 };
        // A cast of something that is no number gives 0.
        let bytes = vector.map(|x| (x * factor).round_ties_even() as i8);
        Self {
            bytes,
            scale: top / TOP,
        }
    }

    /// Length of the vector.
    pub fn length(&self) -> f32 {
        let squares = self.bytes.iter().map(|byte| i32::from(*byte).pow(2));
        (squares.sum::<i32>() as f32).sqrt() * self.scale
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back_is_off_by_half_a_step_at_most() {
        let vector: [f32; WIDTH] = std::array::from_fn(|at| ((at * 37 % 101) as f32 - 50.0) / 400.0);
        let (row, scale) = Row::of(&vector);
        for (x, back) in vector.iter().zip(row.values(scale)) {
            assert!((x - back).abs() <= scale * 0.501, "{x} {back}");
        }
    }

    #[test]
    fn nothing_and_nonsense_are_zeros() {
        for vector in [[0.0; WIDTH], [f32::NAN; WIDTH], [f32::INFINITY; WIDTH]] {
            let (row, scale) = Row::of(&vector);
            assert!(row.values(scale).iter().all(|x| *x == 0.0));
        }
    }
}
