//! Little-endian bytes of numbers and lists, written and read in one order.

use super::{RestoreError, StateHash};

/// Appends values to a buffer.
#[derive(Debug, Default)]
pub struct Encoder(Vec<u8>);

impl Encoder {
    pub fn u8(&mut self, value: u8) -> &mut Self {
        self.raw(&[value])
    }

    pub fn u32(&mut self, value: u32) -> &mut Self {
        self.raw(&value.to_le_bytes())
    }

    pub fn u64(&mut self, value: u64) -> &mut Self {
        self.raw(&value.to_le_bytes())
    }

    pub fn f32(&mut self, value: f32) -> &mut Self {
        self.raw(&value.to_le_bytes())
    }

    /// A length and the values.
    pub fn f32s(&mut self, values: &[f32]) -> &mut Self {
        self.u32(values.len() as u32);
        self.0.reserve(values.len() * 4);
        for value in values {
            self.f32(*value);
        }
        self
    }

    /// A length and the values.
    pub fn u64s(&mut self, values: &[u64]) -> &mut Self {
        self.u32(values.len() as u32);
        for value in values {
            self.u64(*value);
        }
        self
    }

    /// A length and the bytes.
    pub fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.u32(bytes.len() as u32).raw(bytes)
    }

    /// The bytes alone.
    pub fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The buffer.
    pub fn end(self) -> Vec<u8> {
        self.0
    }
}

/// Takes values from the front of a buffer; every call fails on a buffer that is too short.
#[derive(Debug)]
pub struct Decoder<'a>(&'a [u8]);

impl<'a> Decoder<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], RestoreError> {
        let (taken, rest) = self
            .0
            .split_at_checked(count)
            .ok_or(RestoreError::Format("it ends too early"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], RestoreError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    pub fn u8(&mut self) -> Result<u8, RestoreError> {
        Ok(self.array::<1>()?[0])
    }

    pub fn u32(&mut self) -> Result<u32, RestoreError> {
        self.array().map(u32::from_le_bytes)
    }

    pub fn u64(&mut self) -> Result<u64, RestoreError> {
        self.array().map(u64::from_le_bytes)
    }

    pub fn f32(&mut self) -> Result<f32, RestoreError> {
        self.array().map(f32::from_le_bytes)
    }

    pub fn hash(&mut self) -> Result<StateHash, RestoreError> {
        self.array().map(StateHash)
    }

    pub fn bytes(&mut self) -> Result<&'a [u8], RestoreError> {
        let count = self.u32()? as usize;
        self.take(count)
    }

    pub fn f32s(&mut self) -> Result<Vec<f32>, RestoreError> {
        let count = self.u32()? as usize;
        let bytes = self.take(count.saturating_mul(4))?;
        let (values, _) = bytes.as_chunks::<4>();
        Ok(values.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
    }

    pub fn u64s(&mut self) -> Result<Vec<u64>, RestoreError> {
        let count = self.u32()? as usize;
        let bytes = self.take(count.saturating_mul(8))?;
        let (values, _) = bytes.as_chunks::<8>();
        Ok(values.iter().map(|bytes| u64::from_le_bytes(*bytes)).collect())
    }

    /// A list that must have exactly the length of `into`.
    pub fn fill(&mut self, into: &mut [f32]) -> Result<(), RestoreError> {
        let values = self.f32s()?;
        if values.len() != into.len() {
            return Err(RestoreError::Format("a list has another length"));
        }
        into.copy_from_slice(&values);
        Ok(())
    }
}
