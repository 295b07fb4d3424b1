//! Columns: a name, a word for whoever queries it, and how a fact fills a cell.
//!
//! A column is one line in [`crate::tables`]; its types in Arrow, Parquet and Delta follow from the kind of cell.
//! Nothing here knows which tables there are.

use std::sync::Arc;

use arrow_array::builder::{
    BinaryBuilder, BooleanBuilder, Float32Builder, Int32Builder, Int64Builder, ListBuilder, StringBuilder,
    TimestampMicrosecondBuilder,
};
use arrow_array::{Array, ArrayRef, Float32Array, Int32Array, ListArray, StructArray};
use arrow_buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, DataType, Field, Fields, TimeUnit};
use serde_json::json;
use types::{Region, TimestampMs, ViewerId};

/// One column of a table whose rows are facts of type `R`.
pub(crate) struct Column<R: 'static> {
    pub(crate) name: &'static str,
    /// Becomes the column's comment in the table.
    pub(crate) comment: &'static str,
    pub(crate) cell: Cell<R>,
}

/// How a fact fills a cell of one column. None is null.
pub(crate) enum Cell<R: 'static> {
    /// An id, as the 13 characters that the API shows.
    Id(fn(&R) -> Option<u64>),
    /// An id that hardly ever repeats, so that a dictionary of its values would be in vain.
    FreshId(fn(&R) -> Option<u64>),
    /// 64 bits without an order, as 16 hexadecimal digits.
    Key(fn(&R) -> Option<u64>),
    Word(fn(&R) -> Option<&'static str>),
    Region(fn(&R) -> Option<Region>),
    Words(fn(&R) -> Option<&[String]>),
    Flag(fn(&R) -> Option<bool>),
    Int(fn(&R) -> Option<i32>),
    Long(fn(&R) -> Option<i64>),
    Float(fn(&R) -> Option<f32>),
    Time(fn(&R) -> Option<TimestampMs>),
    Bytes(fn(&R) -> Option<&[u8]>),
    /// Pairs of slot and value.
    Features(fn(&R) -> &[(u16, f32)]),
}

/// What a column holds, in the three type systems it passes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Texts,
    Flag,
    Int,
    Long,
    Float,
    Time,
    Bytes,
    Features,
    Date,
}

impl Kind {
    /// The type in memory and, by the Arrow rules, in Parquet.
    pub(crate) fn arrow(self) -> DataType {
        match self {
            Self::Text => DataType::Utf8,
            Self::Texts => DataType::List(element(DataType::Utf8)),
            Self::Flag => DataType::Boolean,
            Self::Int => DataType::Int32,
            Self::Long => DataType::Int64,
            Self::Float => DataType::Float32,
            Self::Time => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Self::Bytes => DataType::Binary,
            Self::Features => DataType::List(element(DataType::Struct(feature_fields()))),
            Self::Date => DataType::Date32,
        }
    }

    /// The type in the table's schema (Delta transaction protocol, "Schema Serialization Format").
    pub(crate) fn delta(self) -> serde_json::Value {
        match self {
            Self::Text => json!("string"),
            Self::Texts => json!({"type": "array", "elementType": "string", "containsNull": true}),
            Self::Flag => json!("boolean"),
            Self::Int => json!("integer"),
            Self::Long => json!("long"),
            Self::Float => json!("float"),
            Self::Time => json!("timestamp"),
            Self::Bytes => json!("binary"),
            Self::Features => json!({
                "type": "array",
                "elementType": {"type": "struct", "fields": [
                    {"name": "slot", "type": "integer", "nullable": true, "metadata": {}},
                    {"name": "value", "type": "float", "nullable": true, "metadata": {}},
                ]},
                "containsNull": true,
            }),
            Self::Date => json!("date"),
        }
    }
}

fn element(of: DataType) -> Arc<Field> {
    Arc::new(Field::new("element", of, true))
}

fn feature_fields() -> Fields {
    let field = |name, of| Field::new(name, of, true);
    Fields::from(vec![
        field("slot", DataType::Int32),
        field("value", DataType::Float32),
    ])
}

impl<R> Column<R> {
    pub(crate) const fn new(name: &'static str, comment: &'static str, cell: Cell<R>) -> Self {
        Self { name, comment, cell }
    }

    pub(crate) fn kind(&self) -> Kind {
        match self.cell {
            Cell::Id(_) | Cell::FreshId(_) | Cell::Key(_) | Cell::Word(_) | Cell::Region(_) => Kind::Text,
            Cell::Words(_) => Kind::Texts,
            Cell::Flag(_) => Kind::Flag,
            Cell::Int(_) => Kind::Int,
            Cell::Long(_) => Kind::Long,
            Cell::Float(_) => Kind::Float,
            Cell::Time(_) => Kind::Time,
            Cell::Bytes(_) => Kind::Bytes,
            Cell::Features(_) => Kind::Features,
        }
    }

    /// Whether a dictionary of its values pays.
    pub(crate) fn repeats(&self) -> bool {
        !matches!(self.cell, Cell::FreshId(_) | Cell::Bytes(_))
    }
}

/// The cells of one column that are filled so far, with what fills them.
pub(crate) enum Filler<R: 'static> {
    Id(fn(&R) -> Option<u64>, StringBuilder),
    Key(fn(&R) -> Option<u64>, StringBuilder),
    Word(fn(&R) -> Option<&'static str>, StringBuilder),
    Region(fn(&R) -> Option<Region>, StringBuilder),
    Words(fn(&R) -> Option<&[String]>, ListBuilder<StringBuilder>),
    Flag(fn(&R) -> Option<bool>, BooleanBuilder),
    Int(fn(&R) -> Option<i32>, Int32Builder),
    Long(fn(&R) -> Option<i64>, Int64Builder),
    Float(fn(&R) -> Option<f32>, Float32Builder),
    Time(fn(&R) -> Option<TimestampMs>, TimestampMicrosecondBuilder),
    Bytes(fn(&R) -> Option<&[u8]>, BinaryBuilder),
    Features(fn(&R) -> &[(u16, f32)], FeaturesBuilder),
}

/// Rows that a new column has room for; it grows by doubling. Replay opens many hours at once, each with few rows.
const ROWS_FIRST: usize = 64;
/// What a null or the end of a variable value costs in memory: an offset and a bit.
const SLOT_BYTES: usize = 5;

impl<R> Filler<R> {
    pub(crate) fn new(cell: &Cell<R>) -> Self {
        match *cell {
            Cell::Id(of) | Cell::FreshId(of) => Self::Id(of, StringBuilder::with_capacity(ROWS_FIRST, 0)),
            Cell::Key(of) => Self::Key(of, StringBuilder::with_capacity(ROWS_FIRST, 0)),
            Cell::Word(of) => Self::Word(of, StringBuilder::with_capacity(ROWS_FIRST, 0)),
            Cell::Region(of) => Self::Region(of, StringBuilder::with_capacity(ROWS_FIRST, 0)),
            Cell::Words(of) => {
                let words = ListBuilder::new(StringBuilder::with_capacity(ROWS_FIRST, 0))
                    .with_field(element(DataType::Utf8));
                Self::Words(of, words)
            }
            Cell::Flag(of) => Self::Flag(of, BooleanBuilder::with_capacity(ROWS_FIRST)),
            Cell::Int(of) => Self::Int(of, Int32Builder::with_capacity(ROWS_FIRST)),
            Cell::Long(of) => Self::Long(of, Int64Builder::with_capacity(ROWS_FIRST)),
            Cell::Float(of) => Self::Float(of, Float32Builder::with_capacity(ROWS_FIRST)),
            Cell::Time(of) => Self::Time(of, times()),
            Cell::Bytes(of) => Self::Bytes(of, BinaryBuilder::with_capacity(ROWS_FIRST, 0)),
            Cell::Features(of) => Self::Features(of, FeaturesBuilder::default()),
        }
    }

    /// Fills the next cell; returns about how many bytes that took.
    pub(crate) fn push(&mut self, fact: &R) -> usize {
        match self {
            Self::Id(of, cells) => push_ascii(cells, of(fact).map(|raw| ViewerId::from_raw(raw).text())),
            Self::Key(of, cells) => push_ascii(cells, of(fact).map(hexadecimal)),
            Self::Word(of, cells) => push_text(cells, of(fact)),
            Self::Region(of, cells) => push_ascii(cells, of(fact).map(Region::bytes)),
            Self::Words(of, cells) => push_words(cells, of(fact)),
            Self::Flag(of, cells) => {
                cells.append_option(of(fact));
                1
            }
            Self::Int(of, cells) => {
                cells.append_option(of(fact));
                size_of::<i32>()
            }
            Self::Long(of, cells) => {
                cells.append_option(of(fact));
                size_of::<i64>()
            }
            Self::Float(of, cells) => {
                cells.append_option(of(fact));
                size_of::<f32>()
            }
            Self::Time(of, cells) => {
                cells.append_option(of(fact).map(micros));
                size_of::<i64>()
            }
            Self::Bytes(of, cells) => {
                let bytes = of(fact);
                cells.append_option(bytes);
                SLOT_BYTES + bytes.map_or(0, <[u8]>::len)
            }
            Self::Features(of, cells) => cells.push(of(fact)),
        }
    }

    /// Takes the cells.
    pub(crate) fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        Ok(match self {
            Self::Id(_, cells) | Self::Key(_, cells) | Self::Word(_, cells) | Self::Region(_, cells) => {
                Arc::new(cells.finish())
            }
            Self::Words(_, cells) => Arc::new(cells.finish()),
            Self::Flag(_, cells) => Arc::new(cells.finish()),
            Self::Int(_, cells) => Arc::new(cells.finish()),
            Self::Long(_, cells) => Arc::new(cells.finish()),
            Self::Float(_, cells) => Arc::new(cells.finish()),
            Self::Time(_, cells) => Arc::new(cells.finish()),
            Self::Bytes(_, cells) => Arc::new(cells.finish()),
            Self::Features(_, cells) => Arc::new(std::mem::take(cells).finish()?),
        })
    }
}

/// An empty column of times.
pub(crate) fn times() -> TimestampMicrosecondBuilder {
    TimestampMicrosecondBuilder::with_capacity(ROWS_FIRST).with_timezone("UTC")
}

/// 0001-01-01 and the last millisecond of 9999: what every SQL engine can show as a timestamp.
const TIME_MS_MIN: TimestampMs = -62_135_596_800_000;
const TIME_MS_MAX: TimestampMs = 253_402_300_799_999;

/// Microseconds, the only unit of a Delta timestamp. A device's clock can say anything; what no calendar shows is
/// moved to the nearest end.
pub(crate) fn micros(at_ms: TimestampMs) -> i64 {
    at_ms.clamp(TIME_MS_MIN, TIME_MS_MAX) * 1_000
}

fn push_text(cells: &mut StringBuilder, text: Option<&str>) -> usize {
    cells.append_option(text);
    SLOT_BYTES + text.map_or(0, str::len)
}

/// For texts that are made of so many characters, and ASCII by their making.
fn push_ascii<const N: usize>(cells: &mut StringBuilder, text: Option<[u8; N]>) -> usize {
    push_text(
        cells,
        text.as_ref().and_then(|text| std::str::from_utf8(text).ok()),
    )
}

fn hexadecimal(key: u64) -> [u8; 16] {
    let digit = |place: usize| b"0123456789abcdef"[(key >> (60 - 4 * place) & 15) as usize];
    std::array::from_fn(digit)
}

fn push_words(cells: &mut ListBuilder<StringBuilder>, words: Option<&[String]>) -> usize {
    let mut bytes = SLOT_BYTES;
    for word in words.unwrap_or_default() {
        bytes += push_text(cells.values(), Some(word));
    }
    cells.append(words.is_some());
    bytes
}

/// Lists of (slot, value), as two flat arrays and where each list ends.
#[derive(Default)]
pub(crate) struct FeaturesBuilder {
    slots: Vec<i32>,
    values: Vec<f32>,
    ends: Vec<i32>,
}

impl FeaturesBuilder {
    fn push(&mut self, features: &[(u16, f32)]) -> usize {
        self.slots
            .extend(features.iter().map(|&(slot, _)| i32::from(slot)));
        self.values.extend(features.iter().map(|&(_, value)| value));
        // A buffer is sealed long before it holds two thousand million features.
        self.ends
            .push(i32::try_from(self.slots.len()).unwrap_or(i32::MAX));
        SLOT_BYTES + features.len() * (size_of::<i32>() + size_of::<f32>())
    }

    fn finish(self) -> Result<ListArray, ArrowError> {
        let lists = self.ends.len();
        let offsets: Vec<i32> = std::iter::once(0).chain(self.ends).collect();
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Int32Array::from(self.slots)),
            Arc::new(Float32Array::from(self.values)),
        ];
        let pairs = StructArray::try_new(feature_fields(), columns, None)?;
        let list_of = element(pairs.data_type().clone());
        let no_nulls = Some(NullBuffer::new_valid(lists));
        ListArray::try_new(
            list_of,
            OffsetBuffer::new(ScalarBuffer::from(offsets)),
            Arc::new(pairs),
            no_nulls,
        )
    }
}
