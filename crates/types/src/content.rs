//! What a video is about, as a direction: 128 small numbers that point where the vectors of similar videos point.
//!
//! It travels in events, rows and indexes. How it is computed belongs to the media plane; how it is searched, to retrieval.

/// Components of a content vector.
pub const CONTENT_WIDTH: usize = 128;
/// The largest component of every vector, so that eight bits lose as little as they can.
const LARGEST: f32 = 127.0;

/// A direction in the space of one encoder, a byte a component. Its length says nothing: the largest component is ±127.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ContentVector {
    /// The encoder that made it. Vectors of two versions lie in two spaces and are never compared. Below 128 are the built-in
    /// encoders, from 128 on those an operator brings.
    pub version: u8,
    pub values: [i8; CONTENT_WIDTH],
}

impl ContentVector {
    /// Bytes of [`Self::to_bytes`].
    pub const BYTES: usize = 1 + CONTENT_WIDTH;

    /// The direction of `values`; none for a wrong width, for zeros, and for what is not finite.
    pub fn of(version: u8, values: &[f32]) -> Option<Self> {
        let values: &[f32; CONTENT_WIDTH] = values.try_into().ok()?;
        let largest = values.iter().fold(0.0, |most: f32, value| most.max(value.abs()));
        if !(largest.is_finite() && largest > 0.0 && values.iter().all(|value| value.is_finite())) {
            return None;
        }
        Some(Self {
            version,
            values: values.map(|value| (value / largest * LARGEST).round() as i8),
        })
    }

    /// The same direction with length 1.
    pub fn unit(&self) -> [f32; CONTENT_WIDTH] {
        let length = (self.dot(self) as f32).sqrt().max(1.0);
        self.values.map(|value| f32::from(value) / length)
    }

    /// −1 to 1; none for vectors of two versions.
    pub fn cosine(&self, other: &Self) -> Option<f32> {
        let lengths = (self.dot(self) as f32 * other.dot(other) as f32).sqrt();
        (self.version == other.version).then(|| self.dot(other) as f32 / lengths.max(1.0))
    }

    /// The version, then the components.
    pub fn to_bytes(&self) -> [u8; Self::BYTES] {
        let mut bytes = [self.version; Self::BYTES];
        for (byte, value) in bytes[1..].iter_mut().zip(self.values) {
            *byte = value as u8;
        }
        bytes
    }

    /// Reads what [`Self::to_bytes`] wrote; none for another length.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (version, values) = bytes.split_first()?;
        let values: &[u8; CONTENT_WIDTH] = values.try_into().ok()?;
        Some(Self {
            version: *version,
            values: values.map(|byte| byte as i8),
        })
    }

    fn dot(&self, other: &Self) -> i32 {
        let pairs = self.values.iter().zip(&other.values);
        pairs.map(|(&a, &b)| i32::from(a) * i32::from(b)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wave(step: f32) -> Vec<f32> {
        (0..CONTENT_WIDTH).map(|at| (at as f32 * step).sin()).collect()
    }

    #[test]
    fn a_byte_a_component_keeps_the_direction() {
        let exact = |a: &[f32], b: &[f32]| -> f32 {
            let dot = |a: &[f32], b: &[f32]| -> f32 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
            dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
        };
        for step in [0.11, 0.12, 0.3, 2.0] {
            let (a, b) = (wave(0.1), wave(step));
            let of = |values: &[f32]| ContentVector::of(1, values).expect("a direction");
            let kept = of(&a).cosine(&of(&b)).expect("one space");
            assert!((kept - exact(&a, &b)).abs() < 0.005, "{step}: {kept}");
            assert!((exact(&of(&a).unit(), &a) - 1.0).abs() < 0.001);
        }
    }

    #[test]
    fn length_does_not_matter_and_bytes_come_back() {
        let longer: Vec<f32> = wave(0.3).iter().map(|value| value * 9.0).collect();
        let vector = ContentVector::of(7, &longer).expect("a direction");
        assert_eq!(ContentVector::of(7, &wave(0.3)), Some(vector));
        assert_eq!(ContentVector::from_bytes(&vector.to_bytes()), Some(vector));
        assert_eq!(ContentVector::from_bytes(&vector.to_bytes()[1..]), None);
    }

    #[test]
    fn what_has_no_direction_is_no_vector() {
        let mut broken = wave(0.2);
        broken[5] = f32::NAN;
        let none = [
            wave(0.0),
            broken,
            vec![f32::INFINITY; CONTENT_WIDTH],
            vec![1.0; 5],
        ];
        for values in none {
            assert_eq!(ContentVector::of(1, &values), None);
        }
        let of = |version| ContentVector::of(version, &wave(0.2)).expect("a direction");
        assert_eq!(of(1).cosine(&of(2)), None, "two spaces");
    }
}
