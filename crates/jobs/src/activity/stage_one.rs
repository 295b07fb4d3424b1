//! Beside the partition: what a record means, whether it was counted before, and when it happened.

use event::{Action, ActionKind, Event, Signal, SignalKind, VideoChange, key_group_of};
use event_log::Record;
use feature_store::{BEAT_MS, Beat, Counts, Entity, Measure, TrendProfile};
use std::sync::Arc;
use stream::Poisoned;
use stream::keyed::{Bins, Fate, Lateness, Local};
use types::{Region, VideoId, ViewerId};

use super::ActivityJob;
use super::delta::{ActivityDelta, VideoStep};
use super::key::{LocalKey, Subject};
use super::state::{LocalState, Session, Viewer};
use super::trail::MINUTES_MS;
use crate::decode;

const HOUR_MS: i64 = 3_600_000;
/// A session or a viewer unused for so many hours is forgotten; numbers sent again after that would count again.
pub(crate) const FORGET_HOURS: i64 = 7 * 24;
/// Left within this time, and not because it was over: an early skip.
const EARLY_SKIP_MS: i64 = 2_000;
/// What the door lets through at most; anything else did not come through it.
const SEQUENCE_MAX: u64 = 1 << 53;

/// What says that somebody wants more of it.
pub(super) const INTEREST: [Measure; 5] = [
    Measure::Completion,
    Measure::Like,
    Measure::Comment,
    Measure::Share,
    Measure::Save,
];

type Here<'a, 'w> = &'a mut Local<'w, ActivityJob>;

/// Something to add up.
struct Deed {
    viewer: ViewerId,
    video: Option<VideoId>,
    region: Option<Region>,
    at_ms: i64,
    received_ms: i64,
    counts: Counts,
}

pub(super) fn prepare(record: &Record, local: Here<'_, '_>) -> Result<(), Poisoned> {
    match decode(record)? {
        Event::Signal(signal) => self::signal(&signal, local),
        Event::Action(action) => self::action(&action, record, local),
        Event::Video(change) => video(change, record, local),
        // What a viewer asks of the feed is no activity.
        Event::Wish(_) => Ok(()),
        Event::Served(_) | Event::Example(_) | Event::Pool(_) => Err(Poisoned {
            reason: "not_an_activity",
        }),
    }
}

fn signal(signal: &Signal, local: Here<'_, '_>) -> Result<(), Poisoned> {
    if !(1..=SEQUENCE_MAX).contains(&signal.sequence) {
        return Err(Poisoned { reason: "sequence" });
    }
    if !is_first(signal, local) {
        local.fate(Fate::Duplicate);
        return Ok(());
    }
    let deed = Deed {
        viewer: signal.viewer,
        video: signal.video,
        region: signal.region,
        at_ms: signal.at_ms,
        received_ms: signal.received_ms,
        counts: counts_of_signal(&signal.kind),
    };
    add(&deed, None, local);
    Ok(())
}

/// Notes the signal's number; false when it was there.
fn is_first(signal: &Signal, local: Here<'_, '_>) -> bool {
    let key = LocalKey::Session(signal.viewer, signal.session);
    let used_ms = used_ms(signal.received_ms, local);
    let session = local.state(&key).session();
    if used_ms >= forgotten_ms(session.used_ms) {
        *session = Session::default();
    }
    let due = (due_hour(session.used_ms) != due_hour(used_ms)).then(|| due_hour(used_ms));
    session.used_ms = session.used_ms.max(used_ms);
    let first = session.window.insert(signal.sequence);
    if let Some(hour) = due {
        forget_later(key, signal.viewer, hour, local);
    }
    first
}

/// When something that came at `received_ms` counts as used: never before the watermark of its own topic, so that what is forgotten
/// does not depend on how topics take turns.
fn used_ms(received_ms: i64, local: Here<'_, '_>) -> i64 {
    received_ms.max(local.watermark_ms())
}

/// From when on a key last used at `used_ms` is forgotten.
pub(super) fn forgotten_ms(used_ms: i64) -> i64 {
    due_hour(used_ms).saturating_mul(HOUR_MS)
}

fn due_hour(used_ms: i64) -> i64 {
    used_ms.div_euclid(HOUR_MS) + 1 + FORGET_HOURS
}

fn forget_later(key: LocalKey, viewer: ViewerId, hour: i64, local: Here<'_, '_>) {
    let group = key_group_of(viewer);
    let due = LocalKey::Due { group, hour };
    local.state(&due).due().push(key);
    local.timer(&due, hour.saturating_mul(HOUR_MS));
}

/// Forgets what an hour's list names, unless it was used since.
pub(super) fn forget(due: &LocalKey, at_ms: i64, local: Here<'_, '_>) {
    let mut keys = std::mem::take(local.state(due).due());
    *local.state(due) = LocalState::Nothing;
    keys.sort_unstable();
    keys.dedup();
    for key in keys {
        let state = local.state(&key);
        if state
            .used_ms()
            .is_some_and(|used_ms| forgotten_ms(used_ms) <= at_ms)
        {
            *state = LocalState::Nothing;
        }
    }
}

fn counts_of_signal(kind: &SignalKind) -> Counts {
    match *kind {
        SignalKind::Impression => Counts::of(Measure::Impression, 1),
        SignalKind::Watch { watch_ms, ended, .. } => {
            let mut counts = Counts::of(Measure::View, 1);
            counts.add(Measure::WatchMs, watch_ms.max(0));
            counts.add(Measure::Completion, i64::from(ended));
            counts.add(Measure::EarlySkip, i64::from(!ended && watch_ms < EARLY_SKIP_MS));
            counts
        }
        SignalKind::Loop => Counts::of(Measure::Loop, 1),
        // An earlier one was a short watch too, and is counted as that.
        SignalKind::Skip { position_ms } => {
            Counts::of(Measure::EarlySkip, i64::from(position_ms >= EARLY_SKIP_MS))
        }
        SignalKind::NotInterested => Counts::of(Measure::NotInterested, 1),
        SignalKind::NotInterestedUndo => Counts::of(Measure::NotInterested, -1),
        SignalKind::Heartbeat | SignalKind::Context => Counts::default(),
    }
}

fn action(action: &Action, record: &Record, local: Here<'_, '_>) -> Result<(), Poisoned> {
    if !is_new_row(action.outbox_id, record, local)? {
        return Ok(());
    }
    let deed = Deed {
        viewer: action.actor.into(),
        video: action.video,
        region: action.region,
        at_ms: action.at_ms,
        received_ms: record.at_ms,
        counts: counts_of_action(action.kind),
    };
    let follows = matches!(action.kind, ActionKind::Follow | ActionKind::Unfollow);
    // Whom it is about, when that does not follow from the video.
    let creator = action.target.filter(|_| follows).map(Entity::Creator);
    add(&deed, creator, local);
    Ok(())
}

/// Whether the outbox row is new here; says so when it is not. Rows grow within a topic and partition.
fn is_new_row(outbox_id: u64, record: &Record, local: Here<'_, '_>) -> Result<bool, Poisoned> {
    if outbox_id == 0 {
        return Err(Poisoned { reason: "unstamped" });
    }
    let key = LocalKey::Outbox {
        topic: record.from.topic.0,
        partition: local.partition(),
    };
    let mark = local.state(&key).outbox();
    let new = outbox_id > *mark;
    *mark = outbox_id.max(*mark);
    if !new {
        local.fate(Fate::Duplicate);
    }
    Ok(new)
}

fn counts_of_action(kind: ActionKind) -> Counts {
    match kind {
        ActionKind::Like => Counts::of(Measure::Like, 1),
        ActionKind::Unlike => Counts::of(Measure::Like, -1),
        ActionKind::Comment => Counts::of(Measure::Comment, 1),
        ActionKind::Share => Counts::of(Measure::Share, 1),
        ActionKind::Save => Counts::of(Measure::Save, 1),
        ActionKind::Unsave => Counts::of(Measure::Save, -1),
        ActionKind::Follow => Counts::of(Measure::Follow, 1),
        ActionKind::Unfollow => Counts::of(Measure::Follow, -1),
        ActionKind::NotInterested => Counts::of(Measure::NotInterested, 1),
        ActionKind::NotInterestedUndo => Counts::of(Measure::NotInterested, -1),
        ActionKind::Report => Counts::of(Measure::Report, 1),
        ActionKind::Block | ActionKind::Unblock | ActionKind::BlockedBy | ActionKind::UnblockedBy => {
            Counts::default()
        }
    }
}

/// Adds a deed to everything it is about. What is too late for windows still counts in totals: those have no time.
fn add(deed: &Deed, also: Option<Entity>, local: Here<'_, '_>) {
    let time = local.event_time(deed.at_ms, deed.received_ms);
    let bin = (time.lateness != Lateness::TooLate).then(|| Bins::<Counts>::number(time.at_ms, MINUTES_MS));
    if bin.is_none() {
        local.fate(Fate::Late);
    }
    if deed.counts.is_zero() {
        return;
    }
    let delta = || ActivityDelta::new(bin, time.at_ms, deed.counts);
    if let Some(video) = deed.video {
        let mut of_video = delta();
        let beat = beat(&deed.counts, Some(deed.viewer));
        if bin.is_some() && !beat.is_zero() {
            of_video.beat(Bins::<Beat>::number(time.at_ms, BEAT_MS), &beat);
        }
        local.send(Subject::video(video), of_video);
    }
    if let (Some(video), Some(region), Some(_)) = (deed.video, deed.region, bin) {
        local.send(Subject::InRegion(region, video), delta());
    }
    if let Some(region) = deed.region {
        local.send(Subject::Entity(Entity::Region(region)), delta());
    }
    if let Some(entity) = also {
        local.send(Subject::Entity(entity), delta());
    }
    viewer_add(deed, bin, time.at_ms, local);
}

/// What counts in ten seconds, and whose it is.
fn beat(counts: &Counts, viewer: Option<ViewerId>) -> Beat {
    let interest: i64 = INTEREST.iter().map(|measure| counts.get(*measure)).sum();
    // The top bits of a product with an odd constant: ids are time-ordered, so their own bits are lumpy.
    let bit = |viewer: ViewerId| 1 << (viewer.raw().wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 58);
    Beat {
        views: counts.get(Measure::View),
        interest,
        videos: counts.get(Measure::Publish),
        viewers: viewer.filter(|_| interest > 0).map_or(0, bit),
    }
}

fn viewer_add(deed: &Deed, bin: Option<i64>, at_ms: i64, local: Here<'_, '_>) {
    let (key, used_ms) = (LocalKey::Viewer(deed.viewer), used_ms(deed.received_ms, local));
    let viewer = local.state(&key).viewer();
    if used_ms >= forgotten_ms(viewer.used_ms) {
        *viewer = Viewer::default();
    }
    let due = (due_hour(viewer.used_ms) != due_hour(used_ms)).then(|| due_hour(used_ms));
    viewer.used_ms = viewer.used_ms.max(used_ms);
    let trail = &mut viewer.trail;
    match bin {
        Some(bin) => {
            trail.add(bin, &deed.counts);
            trail.last_ms = trail.last_ms.max(at_ms);
        }
        None => trail.totals.merge(&deed.counts),
    }
    if let Some(hour) = due {
        forget_later(key, deed.viewer, hour, local);
    }
}

fn video(change: VideoChange, record: &Record, local: Here<'_, '_>) -> Result<(), Poisoned> {
    let outbox_id = change.outbox_id();
    if !is_new_row(outbox_id, record, local)? {
        return Ok(());
    }
    match change {
        VideoChange::Published {
            video,
            creator,
            published_ms,
            duration_ms,
            hashtags,
            sound,
            category,
            ..
        } => {
            let time = local.event_time(published_ms, record.at_ms);
            let profile = TrendProfile {
                published_ms,
                duration_ms,
                sound,
                category,
                hashtags: hashtags.into_iter().map(Arc::from).collect(),
            };
            let step = VideoStep::Published {
                creator,
                profile: Arc::new(profile),
            };
            let bin =
                (time.lateness != Lateness::TooLate).then(|| Bins::<Counts>::number(time.at_ms, MINUTES_MS));
            if bin.is_none() {
                local.fate(Fate::Late);
            }
            let counts = Counts::of(Measure::Publish, 1);
            let mut delta = ActivityDelta::new(bin, time.at_ms, counts);
            if bin.is_some() {
                delta.beat(Bins::<Beat>::number(time.at_ms, BEAT_MS), &beat(&counts, None));
            }
            send_step(video, outbox_id, step, delta, local);
        }
        VideoChange::Removed { video, .. } => {
            send_step(
                video,
                outbox_id,
                VideoStep::Removed,
                ActivityDelta::default(),
                local,
            );
        }
        VideoChange::Described { .. } | VideoChange::Flagged { .. } => {}
    }
    Ok(())
}

fn send_step(video: VideoId, outbox_id: u64, step: VideoStep, delta: ActivityDelta, local: Here<'_, '_>) {
    let delta = ActivityDelta {
        changes: vec![(outbox_id, step)],
        ..delta
    };
    local.send(Subject::video(video), delta);
}
