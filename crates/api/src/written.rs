//! A part of an answer that is JSON already, so that it is written once and copied often.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// The JSON of a `T`. A clone shares the text.
pub struct Written<T> {
    json: Arc<RawValue>,
    shape: PhantomData<fn() -> T>,
}

impl<T: Serialize> Written<T> {
    /// # Errors
    /// What `T` says when it cannot be written.
    pub fn of(value: &T) -> Result<Self, serde_json::Error> {
        serde_json::value::to_raw_value(value).map(Self::from)
    }
}

impl<T: DeserializeOwned> Written<T> {
    /// # Errors
    /// When the text is no `T`.
    pub fn read(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.json.get())
    }
}

impl<T> Written<T> {
    pub fn text(&self) -> &str {
        self.json.get()
    }
}

impl<T> From<Box<RawValue>> for Written<T> {
    fn from(json: Box<RawValue>) -> Self {
        Self {
            json: json.into(),
            shape: PhantomData,
        }
    }
}

impl<T> Clone for Written<T> {
    fn clone(&self) -> Self {
        Self {
            json: Arc::clone(&self.json),
            shape: PhantomData,
        }
    }
}

impl<T> fmt::Debug for Written<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl<T> Serialize for Written<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (*self.json).serialize(serializer)
    }
}

impl<'de, T> Deserialize<'de> for Written<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Box::<RawValue>::deserialize(deserializer).map(Self::from)
    }
}
