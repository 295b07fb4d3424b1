//! By entity: sums become totals and bins, a video passes on what concerns its creator, hashtags, sound and category.

use feature_store::{BEATS_KEPT, Entity, Measure};
use stream::keyed::Folding;

use super::ActivityJob;
use super::delta::{ActivityDelta, VideoStep};
use super::key::Subject;
use super::state::{Life, Profile, SubjectState};
use super::trail::{MINUTES_KEPT, MINUTES_MS};

/// How long a video that was never published, as far as we read, is remembered after it was last touched: a view may overtake the
/// publication, but anybody can make up an id.
const STRANGER_KEPT_MS: i64 = 3_600_000;
/// How long a removed video keeps what was counted, for what is still on its way to its creator.
const REMOVED_KEPT_MS: i64 = 86_400_000;
/// Hashtags of a video that share in what is counted.
const HASHTAGS_MAX: usize = 16;

type Here<'a, 'w> = &'a mut Folding<'w, ActivityJob>;

pub(super) fn fold(key: &Subject, state: &mut SubjectState, delta: ActivityDelta, folding: Here<'_, '_>) {
    match key {
        Subject::Entity(Entity::Video(_)) => fold_video(state, delta, folding),
        Subject::Entity(entity) => {
            if is_topic(entity) {
                add_beats(state, &delta);
            }
            add(state, &delta);
        }
        Subject::InRegion(..) => fold_region(state, &delta, folding),
    }
}

fn add(state: &mut SubjectState, delta: &ActivityDelta) {
    for (bin, counts) in &delta.bins {
        state.trail.add(*bin, counts);
    }
    state.trail.totals.merge(&delta.late);
    state.trail.last_ms = state.trail.last_ms.max(delta.last_ms);
    if let Some(past) = &delta.past {
        state.trail.merge(past);
    }
}

/// What can rise.
fn is_topic(entity: &Entity) -> bool {
    matches!(
        entity,
        Entity::Hashtag(_) | Entity::Sound(_) | Entity::Category(_)
    )
}

fn add_beats(state: &mut SubjectState, delta: &ActivityDelta) {
    for (number, beat) in &delta.beats {
        if let Some(held) = state.pulse.entry(*number, BEATS_KEPT) {
            held.merge(beat);
        }
    }
}

fn fold_video(state: &mut SubjectState, mut delta: ActivityDelta, folding: Here<'_, '_>) {
    if state.life == Life::Purged {
        return;
    }
    let was_stranger = state.profile.is_none();
    let due_before = video_due_ms(state);
    add(state, &delta);
    if was_stranger {
        add_beats(state, &delta);
    }
    for (row, step) in std::mem::take(&mut delta.changes) {
        change(state, row, step);
    }
    timer_move(due_before, video_due_ms(state), folding);
    if state.profile.is_none() {
        return;
    }
    // The first time, all that had come before is passed on with it.
    let delta = if was_stranger { so_far(state) } else { delta };
    if let Some(profile) = &state.profile {
        pass_on(profile, delta, folding);
    }
}

/// When a video is to be forgotten: one without a profile, one that was removed. It follows from the state alone, and so does the
/// timer.
fn video_due_ms(state: &SubjectState) -> Option<i64> {
    let kept_ms = match state.life {
        Life::Here if state.profile.is_none() && !state.trail.is_empty() => STRANGER_KEPT_MS,
        Life::Removed => REMOVED_KEPT_MS,
        Life::Here | Life::Purged => return None,
    };
    Some(state.trail.last_ms.saturating_add(kept_ms))
}

fn timer_move(from: Option<i64>, to: Option<i64>, folding: Here<'_, '_>) {
    if from != to {
        from.into_iter().for_each(|at_ms| folding.timer_cancel(at_ms));
        to.into_iter().for_each(|at_ms| folding.timer(at_ms));
    }
}

fn change(state: &mut SubjectState, row: u64, step: VideoStep) {
    if row <= state.changed_by {
        return;
    }
    state.changed_by = row;
    match step {
        VideoStep::Published { creator, profile } => {
            let trend = profile;
            state.profile = Some(Profile { creator, trend });
        }
        VideoStep::Removed => state.life = Life::Removed,
    }
}

/// All that came before it was known whose the video is.
fn so_far(state: &mut SubjectState) -> ActivityDelta {
    ActivityDelta {
        past: Some(Box::new(state.trail.clone())),
        beats: std::mem::take(&mut state.pulse).parts().to_vec(),
        ..ActivityDelta::default()
    }
}

fn pass_on(profile: &Profile, mut delta: ActivityDelta, folding: Here<'_, '_>) {
    // Follows are told of the creator directly, and are of no hashtag or sound.
    for (_, counts) in &mut delta.bins {
        *counts = counts.without(Measure::Follow);
    }
    delta.late = delta.late.without(Measure::Follow);
    delta.past = delta.past.map(|past| Box::new(past.without(Measure::Follow)));
    let trend = &profile.trend;
    let hashtags = trend.hashtags.iter().take(HASHTAGS_MAX).map(Subject::hashtag);
    let sound = trend.sound.map(Entity::Sound);
    let category = trend.category.map(Entity::Category);
    let entities = sound.into_iter().chain(category).map(Subject::Entity);
    for subject in entities.chain(hashtags) {
        folding.send(subject, delta.clone());
    }
    folding.send(Subject::Entity(Entity::Creator(profile.creator)), delta);
}

fn fold_region(state: &mut SubjectState, delta: &ActivityDelta, folding: Here<'_, '_>) {
    let due_before = hour_over_ms(state);
    for (bin, counts) in &delta.bins {
        state.trail.add_minutes(*bin, counts);
    }
    timer_move(due_before, hour_over_ms(state), folding);
}

/// When the last hour of a video in a region is over.
fn hour_over_ms(state: &SubjectState) -> Option<i64> {
    let newest = state.trail.newest()?;
    Some((newest + MINUTES_KEPT as i64).saturating_mul(MINUTES_MS))
}

pub(super) fn timer(key: &Subject, state: &mut SubjectState, at_ms: i64) {
    let due_ms = match key {
        Subject::InRegion(..) => hour_over_ms(state),
        Subject::Entity(_) => video_due_ms(state),
    };
    if due_ms.is_none_or(|due_ms| due_ms > at_ms) {
        return;
    }
    *state = match state.life {
        Life::Here => SubjectState::default(),
        Life::Removed | Life::Purged => SubjectState {
            life: Life::Purged,
            changed_by: state.changed_by,
            ..SubjectState::default()
        },
    };
}
