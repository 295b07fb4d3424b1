//! Little-endian fields in and out of bytes. It knows no record.

use types::Region;

use super::DecodeError;

/// Appends fields to a buffer that may already hold other records.
pub(super) struct Writer<'a>(pub(super) &'a mut Vec<u8>);

impl Writer<'_> {
    pub(super) fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    pub(super) fn u16(&mut self, value: u16) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    pub(super) fn u32(&mut self, value: u32) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    pub(super) fn u64(&mut self, value: u64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    pub(super) fn i64(&mut self, value: i64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    /// Seven bits a byte, the lowest first.
    pub(super) fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    pub(super) fn f32(&mut self, value: f32) {
        self.u32(value.to_bits());
    }

    /// Two letters; zeros for none.
    pub(super) fn region(&mut self, region: Option<Region>) {
        let bytes = region.map_or([0; 2], Region::bytes);
        self.0.extend_from_slice(&bytes);
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// A list's length in one byte; the caller has cut the list to its bound.
    pub(super) fn text(&mut self, text: &str) {
        let end = (0..=text.len().min(255))
            .rev()
            .find(|&at| text.is_char_boundary(at))
            .unwrap_or(0);
        self.u8(end as u8);
        self.0.extend_from_slice(&text.as_bytes()[..end]);
    }

    /// The 1-based place of `value` in its code table; the table lists every variant.
    pub(super) fn coded<T: PartialEq>(&mut self, table: &[T], value: &T) {
        let place = table.iter().position(|entry| entry == value);
        self.u8(place.map_or(0, |place| place as u8 + 1));
    }
}

/// Takes fields from the front of a record.
pub(super) struct Reader<'a> {
    pub(super) left: &'a [u8],
    /// The version that wrote the record.
    pub(super) version: u8,
}

impl Reader<'_> {
    pub(super) fn take<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (head, rest) = self.left.split_first_chunk::<N>().ok_or(DecodeError::Short)?;
        self.left = rest;
        Ok(*head)
    }

    pub(super) fn u8(&mut self) -> Result<u8, DecodeError> {
        self.take::<1>().map(|[byte]| byte)
    }

    pub(super) fn u16(&mut self) -> Result<u16, DecodeError> {
        self.take().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, DecodeError> {
        self.take().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, DecodeError> {
        self.take().map(u64::from_le_bytes)
    }

    pub(super) fn i64(&mut self) -> Result<i64, DecodeError> {
        self.take().map(i64::from_le_bytes)
    }

    pub(super) fn varint(&mut self) -> Result<u64, DecodeError> {
        let mut value = 0u64;
        for place in 0..10 {
            let byte = self.u8()?;
            if place == 9 && byte > 1 {
                break;
            }
            value |= u64::from(byte & 0x7f) << (7 * place);
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(DecodeError::Range("varint"))
    }

    pub(super) fn f32(&mut self) -> Result<f32, DecodeError> {
        self.u32().map(f32::from_bits)
    }

    /// An id; 0 is none.
    pub(super) fn optional<T>(&mut self, make: fn(u64) -> T) -> Result<Option<T>, DecodeError> {
        Ok(Some(self.u64()?).filter(|&raw| raw != 0).map(make))
    }

    /// Two letters; zeros are none.
    pub(super) fn region(&mut self) -> Result<Option<Region>, DecodeError> {
        match self.take()? {
            [0, 0] => Ok(None),
            bytes => Region::from_bytes(bytes)
                .map(Some)
                .ok_or(DecodeError::Range("region")),
        }
    }

    /// A field that records before `version` do not have.
    pub(super) fn since<T>(
        &mut self,
        version: u8,
        read: impl FnOnce(&mut Self) -> Result<Option<T>, DecodeError>,
    ) -> Result<Option<T>, DecodeError> {
        if self.version < version {
            Ok(None)
        } else {
            read(self)
        }
    }

    pub(super) fn coded<T: Copy>(&mut self, table: &[T], what: &'static str) -> Result<T, DecodeError> {
        let code = self.u8()? as usize;
        code.checked_sub(1)
            .and_then(|place| table.get(place))
            .copied()
            .ok_or(DecodeError::Range(what))
    }

    pub(super) fn text(&mut self) -> Result<String, DecodeError> {
        let length = self.u8()? as usize;
        let (head, rest) = self.left.split_at_checked(length).ok_or(DecodeError::Short)?;
        self.left = rest;
        String::from_utf8(head.to_vec()).map_err(|_| DecodeError::Range("text"))
    }

    /// `count` entries, refused when there are more than `count_max`.
    pub(super) fn list<T>(
        &mut self,
        (count, count_max): (usize, usize),
        what: &'static str,
        mut entry: impl FnMut(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Vec<T>, DecodeError> {
        if count > count_max {
            return Err(DecodeError::Range(what));
        }
        (0..count).map(|_| entry(self)).collect()
    }
}
