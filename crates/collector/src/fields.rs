//! Fields of events as they come, each read without ever failing: a value of a foreign type is noted and passed over,
//! so that one bad field spoils neither its event's number nor its event's neighbours. No field's meaning is judged here.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use types::{ImpressionId, VideoId};

/// One field.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) enum Field<T> {
    #[default]
    Absent,
    Given(T),
    /// Something else stood there.
    Foreign,
}

impl<T> Field<T> {
    /// The value, if one was given; a foreign one is refused with `code`.
    pub(crate) fn or_refuse(self, code: &'static str) -> Result<Option<T>, &'static str> {
        match self {
            Self::Absent => Ok(None),
            Self::Given(value) => Ok(Some(value)),
            Self::Foreign => Err(code),
        }
    }
}

/// A type that a field can hold: what it makes of each kind of JSON value.
pub(crate) trait Scalar: Sized {
    fn of_text(_: &str) -> Option<Self> {
        None
    }
    fn of_unsigned(_: u64) -> Option<Self> {
        None
    }
    fn of_float(_: f64) -> Option<Self> {
        None
    }
    fn of_bool(_: bool) -> Option<Self> {
        None
    }
}

impl Scalar for u64 {
    fn of_unsigned(value: u64) -> Option<Self> {
        Some(value)
    }
}

impl Scalar for f64 {
    fn of_unsigned(value: u64) -> Option<Self> {
        Some(value as Self)
    }
    fn of_float(value: f64) -> Option<Self> {
        Some(value)
    }
}

impl Scalar for bool {
    fn of_bool(value: bool) -> Option<Self> {
        Some(value)
    }
}

/// Ids and names read themselves from their text, without a copy of it.
macro_rules! texts {
    ($($name:ty),*) => {$(
        impl Scalar for $name {
            fn of_text(text: &str) -> Option<Self> {
                Self::from_str(text).ok()
            }
        }
    )*};
}

texts!(VideoId, ImpressionId, EventName);

/// What an event says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EventName {
    Impression,
    Watch,
    Loop,
    Skip,
    Heartbeat,
    Context,
    NotInterested,
    NotInterestedUndo,
}

impl FromStr for EventName {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Ok(match text {
            "impression" => Self::Impression,
            "watch" => Self::Watch,
            "loop" => Self::Loop,
            "skip" => Self::Skip,
            "heartbeat" => Self::Heartbeat,
            "context" => Self::Context,
            "not_interested" => Self::NotInterested,
            "not_interested_undo" => Self::NotInterestedUndo,
            _ => return Err(()),
        })
    }
}

impl<'de, T: Scalar> Deserialize<'de> for Field<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Anything(PhantomData))
    }
}

struct Anything<T>(PhantomData<T>);

fn given<T>(value: Option<T>) -> Field<T> {
    value.map_or(Field::Foreign, Field::Given)
}

impl<'de, T: Scalar> Visitor<'de> for Anything<T> {
    type Value = Field<T>;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Field<T>, E> {
        Ok(Field::Absent)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Field<T>, E> {
        Ok(given(T::of_bool(value)))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Field<T>, E> {
        Ok(given(T::of_unsigned(value)))
    }

    /// Only below zero: others come as unsigned.
    fn visit_i64<E>(self, value: i64) -> Result<Field<T>, E> {
        Ok(given(T::of_float(value as f64)))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Field<T>, E> {
        Ok(given(T::of_float(value)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Field<T>, E> {
        Ok(given(T::of_text(text)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Field<T>, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Field::Foreign)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Field<T>, A::Error> {
        while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Field::Foreign)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_reads_as_given_absent_or_foreign() {
        fn check<T: Scalar + fmt::Debug + PartialEq>(json: &str, expect: Field<T>) {
            let read: Field<T> = serde_json::from_str(json).expect("valid JSON always reads");
            assert_eq!(read, expect, "{json}");
        }
        check::<u64>("7", Field::Given(7));
        check::<f64>("7", Field::Given(7.0));
        check::<f64>("-7", Field::Given(-7.0));
        check::<f64>("7.5", Field::Given(7.5));
        check::<bool>("true", Field::Given(true));
        check::<EventName>("\"watch\"", Field::Given(EventName::Watch));
        check::<VideoId>("\"0000000000001\"", Field::Given(VideoId::from_raw(1)));
        check::<u64>("null", Field::Absent);
        for foreign in [
            "-1",
            "1.5",
            "true",
            "\"1\"",
            "[1]",
            "{\"a\":[1]}",
            "18446744073709551616",
        ] {
            check::<u64>(foreign, Field::Foreign);
        }
        for foreign in ["1", "true", "\"dance\"", "[]", "{}"] {
            check::<EventName>(foreign, Field::Foreign);
        }
    }
}
