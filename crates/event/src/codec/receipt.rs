//! Why an impression was shown.

use half::f16;

use super::DecodeError;
use super::bytes::{Reader, Writer};
use crate::receipt::{PlacedBy, Receipt, Said, Spoke};
use crate::record::Source;

/// Entries of each list of a receipt.
const ENTRIES_MAX: usize = 16;

pub(super) fn write_receipt(out: &mut Writer<'_>, receipt: &Receipt) {
    let found_by = &receipt.found_by[..receipt.found_by.len().min(ENTRIES_MAX)];
    out.u8(found_by.len() as u8);
    found_by.iter().for_each(|source| out.coded(&Source::ALL, source));
    let spoke = &receipt.spoke[..receipt.spoke.len().min(ENTRIES_MAX)];
    out.u8(spoke.len() as u8);
    spoke.iter().for_each(|spoke| write_spoke(out, spoke));
    for number in [
        receipt.light,
        receipt.learned_share,
        receipt.fresh_boost,
        receipt.followed_boost,
    ] {
        half(out, number);
    }
    match receipt.placed_by {
        None => out.u8(0),
        Some(PlacedBy::Exploring { price }) => {
            out.u8(1);
            half(out, price);
        }
        Some(PlacedBy::Regional { price }) => {
            out.u8(2);
            half(out, price);
        }
    }
}

/// Three digits are enough for a person to read.
fn half(out: &mut Writer<'_>, number: f32) {
    out.u16(f16::from_f32(number).to_bits());
}

fn read_half(input: &mut Reader<'_>) -> Result<f32, DecodeError> {
    Ok(f16::from_bits(input.u16()?).to_f32())
}

fn write_spoke(out: &mut Writer<'_>, spoke: &Spoke) {
    let (code, text) = match &spoke.said {
        Said::Hashtag(hashtag) => (1, Some(hashtag)),
        Said::Creator => (2, None),
        Said::Following => (3, None),
        Said::Popular => (4, None),
        Said::Fresh => (5, None),
        Said::Region => (6, None),
        Said::Chosen(topic) => (7, Some(topic)),
        Said::More => (8, None),
        Said::Less => (9, None),
    };
    out.u8(code);
    if let Some(text) = text {
        out.text(text);
    }
    half(out, spoke.weight);
}

fn read_spoke(input: &mut Reader<'_>) -> Result<Spoke, DecodeError> {
    let said = match input.u8()? {
        1 => Said::Hashtag(input.text()?),
        2 => Said::Creator,
        3 => Said::Following,
        4 => Said::Popular,
        5 => Said::Fresh,
        6 => Said::Region,
        7 => Said::Chosen(input.text()?),
        8 => Said::More,
        9 => Said::Less,
        _ => return Err(DecodeError::Range("what spoke")),
    };
    Ok(Spoke {
        said,
        weight: read_half(input)?,
    })
}

pub(super) fn read_receipt(input: &mut Reader<'_>) -> Result<Receipt, DecodeError> {
    let found_by = input.u8()? as usize;
    let found_by = input.list((found_by, ENTRIES_MAX), "sources", |input| {
        input.coded(&Source::ALL, "source")
    })?;
    let spoke = input.u8()? as usize;
    let spoke = input.list((spoke, ENTRIES_MAX), "reasons", read_spoke)?;
    Ok(Receipt {
        found_by,
        spoke,
        light: read_half(input)?,
        learned_share: read_half(input)?,
        fresh_boost: read_half(input)?,
        followed_boost: read_half(input)?,
        placed_by: match input.u8()? {
            0 => None,
            1 => Some(PlacedBy::Exploring {
                price: read_half(input)?,
            }),
            2 => Some(PlacedBy::Regional {
                price: read_half(input)?,
            }),
            _ => return Err(DecodeError::Range("rule")),
        },
    })
}
