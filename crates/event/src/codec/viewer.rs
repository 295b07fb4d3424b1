//! What viewers let be noticed and what they do: signals and actions.

use types::{ImpressionId, UserId, VideoId, ViewerId};

use super::bytes::{Reader, Writer};
use super::{DecodeError, KIND_ACTION, KIND_SIGNAL};
use crate::record::{Action, ActionKind, SessionKey, Signal, SignalKind};

/// The longest signal.
pub(super) const SIGNAL_BYTES_MAX: usize = 74;

pub(super) fn write_signal(out: &mut Writer<'_>, signal: &Signal) {
    out.u8(KIND_SIGNAL);
    out.u64(signal.viewer.raw());
    out.u64(signal.session.0);
    out.u64(signal.sequence);
    out.i64(signal.at_ms);
    out.i64(signal.received_ms);
    out.u64(signal.video.map_or(0, VideoId::raw));
    out.u64(signal.impression.map_or(0, ImpressionId::raw));
    out.region(signal.region);
    match signal.kind {
        SignalKind::Impression => out.u8(1),
        SignalKind::Watch {
            watch_ms,
            ended,
            loops,
        } => {
            out.u8(2);
            out.i64(watch_ms);
            out.u8(u8::from(ended));
            out.u32(loops);
        }
        SignalKind::Loop => out.u8(3),
        SignalKind::Skip { position_ms } => {
            out.u8(4);
            out.i64(position_ms);
        }
        SignalKind::Heartbeat => out.u8(5),
        SignalKind::Context => out.u8(6),
        SignalKind::NotInterested => out.u8(7),
        SignalKind::NotInterestedUndo => out.u8(8),
    }
}

pub(super) fn read_signal(input: &mut Reader<'_>) -> Result<Signal, DecodeError> {
    Ok(Signal {
        viewer: ViewerId::from_raw(input.u64()?),
        session: SessionKey(input.u64()?),
        sequence: input.u64()?,
        at_ms: input.i64()?,
        received_ms: input.i64()?,
        video: input.optional(VideoId::from_raw)?,
        impression: input.optional(ImpressionId::from_raw)?,
        region: input.since(2, Reader::region)?,
        kind: match input.u8()? {
            1 => SignalKind::Impression,
            2 => SignalKind::Watch {
                watch_ms: input.i64()?,
                ended: input.u8()? != 0,
                loops: input.u32()?,
            },
            3 => SignalKind::Loop,
            4 => SignalKind::Skip {
                position_ms: input.i64()?,
            },
            5 => SignalKind::Heartbeat,
            6 => SignalKind::Context,
            7 => SignalKind::NotInterested,
            8 => SignalKind::NotInterestedUndo,
            _ => return Err(DecodeError::Range("signal kind")),
        },
    })
}

const ACTION_KINDS: [ActionKind; 15] = [
    ActionKind::Like,
    ActionKind::Unlike,
    ActionKind::Comment,
    ActionKind::Share,
    ActionKind::Save,
    ActionKind::Unsave,
    ActionKind::Follow,
    ActionKind::Unfollow,
    ActionKind::NotInterested,
    ActionKind::Report,
    ActionKind::NotInterestedUndo,
    ActionKind::Block,
    ActionKind::Unblock,
    ActionKind::BlockedBy,
    ActionKind::UnblockedBy,
];

pub(super) fn write_action(out: &mut Writer<'_>, action: &Action) {
    out.u8(KIND_ACTION);
    out.u64(action.outbox_id);
    out.u64(action.actor.raw());
    out.i64(action.at_ms);
    out.coded(&ACTION_KINDS, &action.kind);
    out.u64(action.video.map_or(0, VideoId::raw));
    out.u64(action.target.map_or(0, UserId::raw));
    out.region(action.region);
}

pub(super) fn read_action(input: &mut Reader<'_>) -> Result<Action, DecodeError> {
    Ok(Action {
        outbox_id: input.u64()?,
        actor: UserId::from_raw(input.u64()?),
        at_ms: input.i64()?,
        kind: input.coded(&ACTION_KINDS, "action kind")?,
        video: input.optional(VideoId::from_raw)?,
        target: input.optional(UserId::from_raw)?,
        region: input.since(2, Reader::region)?,
    })
}
