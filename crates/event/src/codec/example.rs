//! What training learns from.

use types::ViewerId;

use super::bytes::{Reader, Writer};
use super::served::{read_item, write_item};
use super::{DecodeError, KIND_EXAMPLE};
use crate::example::{Example, ExampleKind, Labels, WatchOutcome};

pub(super) fn write_example(out: &mut Writer<'_>, example: &Example) {
    out.u8(KIND_EXAMPLE);
    out.u64(example.viewer.raw());
    out.i64(example.served_ms);
    write_item(out, &example.item);
    match example.kind {
        ExampleKind::Watched => out.u8(1),
        ExampleKind::Lost => out.u8(2),
        ExampleKind::Recovered => out.u8(3),
        ExampleKind::Changed(number) => {
            out.u8(4);
            out.u16(number);
        }
    }
    out.i64(example.ended_ms);
    match example.watch {
        None => out.u8(0),
        Some(watch) => {
            out.u8(1);
            out.i64(watch.watch_ms);
            out.u8(u8::from(watch.ended));
            out.u32(watch.loops);
        }
    }
    [example.known, example.yes, example.corrects]
        .iter()
        .for_each(|labels| out.u16(labels.bits()));
}

pub(super) fn read_example(input: &mut Reader<'_>) -> Result<Example, DecodeError> {
    Ok(Example {
        viewer: ViewerId::from_raw(input.u64()?),
        served_ms: input.i64()?,
        item: read_item(input)?,
        kind: match input.u8()? {
            1 => ExampleKind::Watched,
            2 => ExampleKind::Lost,
            3 => ExampleKind::Recovered,
            4 => ExampleKind::Changed(input.u16()?),
            _ => return Err(DecodeError::Range("example kind")),
        },
        ended_ms: input.i64()?,
        watch: match input.u8()? {
            0 => None,
            1 => Some(WatchOutcome {
                watch_ms: input.i64()?,
                ended: input.u8()? != 0,
                loops: input.u32()?,
            }),
            _ => return Err(DecodeError::Range("watch")),
        },
        known: labels(input)?,
        yes: labels(input)?,
        corrects: labels(input)?,
    })
}

fn labels(input: &mut Reader<'_>) -> Result<Labels, DecodeError> {
    Labels::from_bits(input.u16()?).ok_or(DecodeError::Range("labels"))
}
