//! A record's bytes as JSON for a person's eyes. It is no interface: fields follow the vocabulary as it grows.

use std::fmt::Write;

use event::{
    Action, Event, Example, Label, PoolChange, ServedItem, ServedSlate, Signal, SignalKind, VideoChange,
};
use serde_json::{Value, json};
use types::ContentVector;

/// The event in `payload`, if that is one.
pub fn event(payload: &[u8]) -> Option<Value> {
    Some(match Event::decode(payload).ok()? {
        Event::Signal(signal) => signal_json(&signal),
        Event::Action(action) => action_json(&action),
        Event::Served(slate) => slate_json(&slate),
        Event::Video(change) => change_json(&change),
        Event::Example(example) => example_json(&example),
        Event::Pool(change) => pool_json(&change),
        Event::Wish(wish) => json!({
            "type": "wish", "viewer": wish.viewer, "at_ms": wish.at_ms, "wish": format!("{:?}", wish.kind),
        }),
    })
}

/// Two digits a byte.
pub fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

fn signal_json(signal: &Signal) -> Value {
    let mut json = json!({
        "type": "signal", "kind": name(signal.kind), "viewer": signal.viewer, "session": signal.session.0,
        "sequence": signal.sequence, "at_ms": signal.at_ms, "received_ms": signal.received_ms,
        "video": signal.video, "impression": signal.impression, "region": signal.region,
    });
    match signal.kind {
        SignalKind::Watch {
            watch_ms,
            ended,
            loops,
        } => {
            json["watch_ms"] = watch_ms.into();
            json["ended"] = ended.into();
            json["loops"] = loops.into();
        }
        SignalKind::Skip { position_ms } => json["position_ms"] = position_ms.into(),
        _ => {}
    }
    json
}

fn action_json(action: &Action) -> Value {
    json!({
        "type": "action", "kind": name(action.kind), "outbox_id": action.outbox_id, "actor": action.actor,
        "at_ms": action.at_ms, "video": action.video, "target": action.target, "region": action.region,
    })
}

fn slate_json(slate: &ServedSlate) -> Value {
    json!({
        "type": "served", "viewer": slate.viewer, "at_ms": slate.at_ms,
        "items": slate.items.iter().map(item_json).collect::<Vec<_>>(),
        "receipts": slate.receipts.iter().map(|receipt| format!("{receipt:?}")).collect::<Vec<_>>(),
    })
}

fn item_json(item: &ServedItem) -> Value {
    json!({
        "impression": item.impression, "video": item.video, "position": item.position,
        "source": name(item.source), "score": item.score, "propensity": item.propensity,
        "duration_ms": item.duration_ms, "ids": item.ids, "features": item.features,
    })
}

fn example_json(example: &Example) -> Value {
    let labels: serde_json::Map<String, Value> = Label::ALL
        .iter()
        .filter_map(|&label| Some((name(label), example.label(label)?.into())))
        .collect();
    json!({
        "type": "example", "kind": name(example.kind), "viewer": example.viewer,
        "served_ms": example.served_ms, "ended_ms": example.ended_ms, "item": item_json(&example.item),
        "watch_ms": example.watch.map(|watch| watch.watch_ms), "ended": example.watch.map(|watch| watch.ended),
        "loops": example.watch.map(|watch| watch.loops), "labels": labels,
    })
}

fn change_json(change: &VideoChange) -> Value {
    match change {
        VideoChange::Published {
            outbox_id,
            video,
            creator,
            published_ms,
            duration_ms,
            hashtags,
            sound,
            category,
            region,
            content,
            original,
            caption,
        } => json!({
            "type": "published", "outbox_id": outbox_id, "video": video, "creator": creator,
            "published_ms": published_ms, "duration_ms": duration_ms, "hashtags": hashtags, "sound": sound,
            "category": category.map(|category| category.as_str()), "region": region, "caption": caption,
            "content": content.as_deref().map(content_json), "original": original,
        }),
        VideoChange::Described {
            outbox_id,
            video,
            at_ms,
            content,
            original,
        } => json!({
            "type": "described", "outbox_id": outbox_id, "video": video, "at_ms": at_ms,
            "content": content.as_deref().map(content_json), "original": original,
        }),
        VideoChange::Removed {
            outbox_id,
            video,
            at_ms,
        } => {
            json!({ "type": "removed", "outbox_id": outbox_id, "video": video, "at_ms": at_ms })
        }
        VideoChange::Flagged {
            outbox_id,
            video,
            at_ms,
            hidden,
            adults_only,
        } => json!({
            "type": "flagged", "outbox_id": outbox_id, "video": video, "at_ms": at_ms,
            "hidden": hidden, "adults_only": adults_only,
        }),
    }
}

fn pool_json(change: &PoolChange) -> Value {
    json!({
        "type": "pool", "video": change.video, "at_ms": change.at_ms, "level": change.level,
        "verdict": name(change.verdict), "impressions": change.impressions, "trials": change.trials,
        "successes": change.successes, "median": change.median, "better": change.better,
    })
}

fn content_json(content: &ContentVector) -> Value {
    json!({ "version": content.version, "values": content.values.as_slice() })
}

/// A variant's own name, without its fields: `Watch { … }` is `Watch`.
fn name(variant: impl std::fmt::Debug) -> String {
    let text = format!("{variant:?}");
    text.split([' ', '(']).next().unwrap_or_default().to_owned()
}
