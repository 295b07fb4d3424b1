//! What the feed served.

use types::{ImpressionId, VideoId, ViewerId};

use super::bytes::{Reader, Writer};
use super::{DecodeError, FEATURES_MAX, KIND_SERVED, SLATE_ITEMS_MAX};
use crate::record::{ServedItem, ServedSlate, Source};

const SOURCES: [Source; 5] = [
    Source::Fresh,
    Source::Popular,
    Source::Interest,
    Source::Following,
    Source::Explore,
];

pub(super) fn write_served(out: &mut Writer<'_>, slate: &ServedSlate) {
    out.u8(KIND_SERVED);
    out.u64(slate.viewer.raw());
    out.i64(slate.at_ms);
    let items = &slate.items[..slate.items.len().min(SLATE_ITEMS_MAX)];
    out.u8(items.len() as u8);
    items.iter().for_each(|item| write_item(out, item));
}

pub(super) fn write_item(out: &mut Writer<'_>, item: &ServedItem) {
    out.u64(item.impression.raw());
    out.u64(item.video.raw());
    out.u16(item.position);
    out.coded(&SOURCES, &item.source);
    out.f32(item.score);
    out.f32(item.propensity);
    let features = &item.features[..item.features.len().min(FEATURES_MAX)];
    out.u16(features.len() as u16);
    for &(slot, value) in features {
        out.u16(slot);
        out.f32(value);
    }
}

pub(super) fn read_served(input: &mut Reader<'_>) -> Result<ServedSlate, DecodeError> {
    Ok(ServedSlate {
        viewer: ViewerId::from_raw(input.u64()?),
        at_ms: input.i64()?,
        items: {
            let count = input.u8()? as usize;
            input.list((count, SLATE_ITEMS_MAX), "slate items", read_item)?
        },
    })
}

pub(super) fn read_item(input: &mut Reader<'_>) -> Result<ServedItem, DecodeError> {
    Ok(ServedItem {
        impression: ImpressionId::from_raw(input.u64()?),
        video: VideoId::from_raw(input.u64()?),
        position: input.u16()?,
        source: input.coded(&SOURCES, "source")?,
        score: input.f32()?,
        propensity: input.f32()?,
        features: {
            let count = input.u16()? as usize;
            input.list((count, FEATURES_MAX), "features", |input| {
                Ok((input.u16()?, input.f32()?))
            })?
        },
    })
}
