//! What the feed served.

use half::f16;
use types::{ImpressionId, VideoId, ViewerId};

use super::bytes::{Reader, Writer};
use super::receipt::{read_receipt, write_receipt};
use super::{DecodeError, FEATURES_MAX, IDS_MAX, KIND_SERVED, SLATE_ITEMS_MAX};
use crate::record::{ServedItem, ServedSlate, Source};

pub(super) fn write_served(out: &mut Writer<'_>, slate: &ServedSlate) {
    out.u8(KIND_SERVED);
    out.u64(slate.viewer.raw());
    out.i64(slate.at_ms);
    let items = &slate.items[..slate.items.len().min(SLATE_ITEMS_MAX)];
    out.u8(items.len() as u8);
    items.iter().for_each(|item| write_item(out, item));
    let receipts = &slate.receipts[..slate.receipts.len().min(SLATE_ITEMS_MAX)];
    out.u8(receipts.len() as u8);
    receipts.iter().for_each(|receipt| write_receipt(out, receipt));
}

pub(super) fn write_item(out: &mut Writer<'_>, item: &ServedItem) {
    out.u64(item.impression.raw());
    out.u64(item.video.raw());
    out.u16(item.position);
    out.coded(&Source::ALL, &item.source);
    out.f32(item.score);
    out.f32(item.propensity);
    out.varint(item.duration_ms.max(0) as u64);
    let ids = &item.ids[..item.ids.len().min(IDS_MAX)];
    out.u16(ids.len() as u16);
    for &(slot, id) in ids {
        out.u16(slot);
        out.varint(id);
    }
    write_features(out, &item.features[..item.features.len().min(FEATURES_MAX)]);
}

/// Features as the scorer saw them, to the bit. Those of an extraction are rounded to half precision and come by slot: 3 bytes each.
/// Anything else is written as it is.
const WIDE: u8 = 0;
const HALVES_BY_SLOT: u8 = 1;

fn write_features(out: &mut Writer<'_>, features: &[(u16, f32)]) {
    out.u16(features.len() as u16);
    if !are_halves_by_slot(features) {
        out.u8(WIDE);
        for &(slot, value) in features {
            out.u16(slot);
            out.f32(value);
        }
        return;
    }
    out.u8(HALVES_BY_SLOT);
    let mut next = 0;
    for &(slot, value) in features {
        out.varint(u64::from(slot - next));
        out.u16(f16::from_f32(value).to_bits());
        next = slot;
    }
}

fn are_halves_by_slot(features: &[(u16, f32)]) -> bool {
    let is_half = |value: f32| f16::from_f32(value).to_f32().to_bits() == value.to_bits();
    features.is_sorted_by(|before, after| before.0 < after.0)
        && features.iter().all(|&(_, value)| is_half(value))
}

fn read_features(input: &mut Reader<'_>) -> Result<Vec<(u16, f32)>, DecodeError> {
    let count = (input.u16()? as usize, FEATURES_MAX);
    let form = if input.version < 3 { WIDE } else { input.u8()? };
    let mut next = 0u64;
    input.list(count, "features", |input| match form {
        WIDE => Ok((input.u16()?, input.f32()?)),
        HALVES_BY_SLOT => {
            next = next.saturating_add(input.varint()?);
            let slot = u16::try_from(next).map_err(|_| DecodeError::Range("feature slot"))?;
            Ok((slot, f16::from_bits(input.u16()?).to_f32()))
        }
        _ => Err(DecodeError::Range("form of features")),
    })
}

pub(super) fn read_served(input: &mut Reader<'_>) -> Result<ServedSlate, DecodeError> {
    Ok(ServedSlate {
        viewer: ViewerId::from_raw(input.u64()?),
        at_ms: input.i64()?,
        items: {
            let count = input.u8()? as usize;
            input.list((count, SLATE_ITEMS_MAX), "slate items", read_item)?
        },
        receipts: match input.version {
            ..5 => Vec::new(),
            _ => {
                let count = input.u8()? as usize;
                input.list((count, SLATE_ITEMS_MAX), "receipts", read_receipt)?
            }
        },
    })
}

pub(super) fn read_item(input: &mut Reader<'_>) -> Result<ServedItem, DecodeError> {
    Ok(ServedItem {
        impression: ImpressionId::from_raw(input.u64()?),
        video: VideoId::from_raw(input.u64()?),
        position: input.u16()?,
        source: input.coded(&Source::ALL, "source")?,
        score: input.f32()?,
        propensity: input.f32()?,
        duration_ms: match input.version {
            ..3 => 0,
            _ => i64::try_from(input.varint()?).map_err(|_| DecodeError::Range("duration"))?,
        },
        ids: match input.version {
            ..3 => Vec::new(),
            _ => {
                let count = (input.u16()? as usize, IDS_MAX);
                input.list(count, "ids", |input| Ok((input.u16()?, input.varint()?)))?
            }
        },
        features: read_features(input)?,
    })
}
