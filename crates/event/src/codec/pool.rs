//! Steps on the traffic ladder.

use types::VideoId;

use super::bytes::{Reader, Writer};
use super::{DecodeError, KIND_POOL};
use crate::pool::{PoolChange, PoolVerdict};

const VERDICTS: [PoolVerdict; 2] = [PoolVerdict::Promoted, PoolVerdict::Stopped];

pub(super) fn write_pool(out: &mut Writer<'_>, change: &PoolChange) {
    out.u8(KIND_POOL);
    out.u64(change.video.raw());
    out.i64(change.at_ms);
    out.u8(change.level);
    out.coded(&VERDICTS, &change.verdict);
    out.varint(change.impressions);
    out.varint(change.trials);
    out.varint(change.successes);
    out.f32(change.median);
    out.f32(change.better);
}

pub(super) fn read_pool(input: &mut Reader<'_>) -> Result<PoolChange, DecodeError> {
    Ok(PoolChange {
        video: VideoId::from_raw(input.u64()?),
        at_ms: input.i64()?,
        level: input.u8()?,
        verdict: input.coded(&VERDICTS, "verdict")?,
        impressions: input.varint()?,
        trials: input.varint()?,
        successes: input.varint()?,
        median: input.f32()?,
        better: input.f32()?,
    })
}
