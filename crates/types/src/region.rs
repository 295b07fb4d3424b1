//! A country or territory, by its ISO 3166-1 alpha-2 code. Which codes are assigned is not checked here.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Two capital letters, as in ISO 3166-1 alpha-2: `BR`, `FR`. Two bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Region([u8; 2]);

/// Why a text is not a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a region is two letters of ISO 3166-1, such as `BR`")]
pub struct RegionError;

impl Region {
    /// From two bytes as stored; none when they are not two capital letters.
    pub const fn from_bytes(bytes: [u8; 2]) -> Option<Self> {
        let [a, b] = bytes;
        if a.is_ascii_uppercase() && b.is_ascii_uppercase() {
            Some(Self(bytes))
        } else {
            None
        }
    }

    /// The two letters as bytes.
    pub const fn bytes(self) -> [u8; 2] {
        self.0
    }
}

/// Letters of either case are taken, since language tags (RFC 5646) spell regions in both.
impl FromStr for Region {
    type Err = RegionError;

    fn from_str(text: &str) -> Result<Self, RegionError> {
        let &[a, b] = text.as_bytes() else {
            return Err(RegionError);
        };
        Self::from_bytes([a.to_ascii_uppercase(), b.to_ascii_uppercase()]).ok_or(RegionError)
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|&byte| fmt::Write::write_char(f, byte as char))
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Region({self})")
    }
}

impl Serialize for Region {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Region {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_letters_are_a_region() {
        let check = |text: &str, expect: Option<&str>| {
            let parsed = text.parse::<Region>().ok();
            assert_eq!(
                parsed.map(|region| region.to_string()).as_deref(),
                expect,
                "{text:?}"
            );
            assert_eq!(
                parsed.and_then(|region| Region::from_bytes(region.bytes())),
                parsed
            );
        };
        check("BR", Some("BR"));
        check("br", Some("BR"));
        check("Fr", Some("FR"));
        check("", None);
        check("B", None);
        check("BRA", None);
        check("B1", None);
        check("419", None);
        check("é", None);
        assert_eq!(Region::from_bytes(*b"br"), None);
        assert_eq!(Region::from_bytes([0, 0]), None);
    }
}
