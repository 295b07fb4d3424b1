//! Keeps what each viewer has seen, leans to and follows: the part of the feed that changes with the next swipe.

use std::sync::Arc;

use event::{Action, ActionKind, Event, ServedSlate, Signal, SignalKind, Wish, WishKind, topic};
use event_log::{Record, Topic};
use feature_store::{Deed, FeatureStore, VideoProfile, ViewerState, Watched, job};
use stream::{Operator, Poisoned};
use types::VideoId;

use crate::{decode, store_failed};

/// Watched at least this share: liked it.
const LIKED_SHARE: f32 = 0.8;
/// Watched at most this share: did not like it.
const SKIPPED_SHARE: f32 = 0.1;
const LEAN_FINISHED: f32 = 1.0;
const LEAN_SKIPPED: f32 = -0.6;

pub struct UserHistoryJob {
    store: Arc<FeatureStore>,
}

impl UserHistoryJob {
    pub fn new(store: Arc<FeatureStore>) -> Self {
        Self { store }
    }

    fn profile(&self, video: Option<VideoId>) -> Option<Arc<VideoProfile>> {
        self.store.catalog().get(video?).cloned()
    }

    fn signal(&self, signal: &Signal) -> Result<(), Poisoned> {
        let Some(video) = signal.video else { return Ok(()) };
        let profile = self.profile(signal.video);
        let at_ms = signal.received_ms;
        let change = |state: &mut ViewerState| match signal.kind {
            SignalKind::Impression => state.see(video, at_ms),
            SignalKind::Watch { watch_ms, ended, .. } => {
                state.see(video, at_ms);
                let amount = profile
                    .as_ref()
                    .map(|profile| watch_lean(watch_ms, profile.duration_ms, ended));
                let finished = ended || amount.is_some_and(|amount| amount >= LEAN_FINISHED);
                state.watched(Watched {
                    at_ms,
                    video,
                    finished,
                });
                if finished && state.learns(at_ms) {
                    state.positives.note(video, at_ms);
                }
                if let (Some(profile), Some(amount)) = (&profile, amount) {
                    state.lean(&profile.hashtags, profile.creator, amount, at_ms);
                }
            }
            SignalKind::NotInterested => hide(state, video, profile.as_deref(), at_ms),
            SignalKind::NotInterestedUndo => unhide(state, video, profile.as_deref(), at_ms),
            SignalKind::Loop | SignalKind::Skip { .. } | SignalKind::Heartbeat | SignalKind::Context => {}
        };
        self.store
            .viewer_update(signal.viewer, at_ms, change)
            .map_err(store_failed)
    }

    fn action(&self, action: &Action, record: &Record) -> Result<(), Poisoned> {
        if !self
            .store
            .outbox_first(job::USER_HISTORY, record.from, action.outbox_id)
        {
            metrics::counter!("riffle_jobs_duplicates_total", "job" => job::USER_HISTORY).increment(1);
            return Ok(());
        }
        let profile = self.profile(action.video);
        let at_ms = action.at_ms;
        let change = |state: &mut ViewerState| {
            match (action.kind, action.target) {
                (ActionKind::Follow, Some(target)) => {
                    state.follow(target, at_ms);
                }
                (ActionKind::Unfollow, Some(target)) => {
                    state.unfollow(target);
                }
                (ActionKind::Block | ActionKind::Unblock, Some(target)) => {
                    let blocked = action.kind == ActionKind::Block;
                    state.unfollow(target);
                    state.wish(|wishes| room(wishes.block(target, blocked, at_ms)));
                }
                (ActionKind::BlockedBy | ActionKind::UnblockedBy, Some(target)) => {
                    let blocked = action.kind == ActionKind::BlockedBy;
                    state.unfollow(target);
                    state.wish(|wishes| room(wishes.block_by(target, blocked, at_ms)));
                }
                (ActionKind::NotInterested | ActionKind::Report, _) => {
                    if let Some(video) = action.video {
                        hide(state, video, profile.as_deref(), at_ms);
                    }
                    return;
                }
                (ActionKind::NotInterestedUndo, _) => {
                    if let Some(video) = action.video {
                        unhide(state, video, profile.as_deref(), at_ms);
                    }
                    return;
                }
                _ => {}
            }
            let amount = action_lean(action.kind);
            if let Some(profile) = profile.as_ref().filter(|_| amount != 0.0) {
                state.lean(&profile.hashtags, profile.creator, amount, at_ms);
                let video = profile.video;
                match amount > 0.0 {
                    true if state.learns(at_ms) => state.positives.note(video, at_ms),
                    true => {}
                    false => state.positives.forget(video),
                }
                state.did(Deed { at_ms, video, amount });
            }
        };
        self.store
            .viewer_update(action.actor.into(), at_ms, change)
            .map_err(store_failed)
    }

    fn wish(&self, wish: &Wish) -> Result<(), Poisoned> {
        let at_ms = wish.at_ms;
        let mut again = Vec::new();
        let change = |state: &mut ViewerState| match &wish.kind {
            WishKind::Lean { of, to } => state.wish(|wishes| room(wishes.lean(of, *to))),
            WishKind::Mute { creator, muted } => {
                state.wish(|wishes| room(wishes.mute(*creator, *muted, at_ms)));
            }
            WishKind::MutedWords(words) => state.wish(|wishes| wishes.mute_words(words)),
            WishKind::Interests { hashtags, categories } => state.wish(|wishes| {
                wishes.interests = hashtags.iter().map(|tag| Arc::from(tag.as_str())).collect();
                wishes.categories.clone_from(categories);
            }),
            WishKind::Mode(mode) => state.wish(|wishes| wishes.mode = *mode),
            WishKind::Reset => again = state.reset(at_ms),
        };
        self.store
            .viewer_update(wish.viewer, at_ms, change)
            .map_err(store_failed)?;
        self.lean_again(wish, &again)
    }

    /// What was done on purpose after a reset that is read only now counts all the same. The catalog is read first: its lock comes
    /// before a viewer's.
    fn lean_again(&self, wish: &Wish, deeds: &[Deed]) -> Result<(), Poisoned> {
        let known = deeds
            .iter()
            .filter_map(|deed| Some((deed, self.profile(Some(deed.video))?)));
        let known: Vec<_> = known.collect();
        if known.is_empty() {
            return Ok(());
        }
        let change = |state: &mut ViewerState| {
            for (deed, profile) in &known {
                state.lean(&profile.hashtags, profile.creator, deed.amount, deed.at_ms);
            }
        };
        self.store
            .viewer_update(wish.viewer, wish.at_ms, change)
            .map_err(store_failed)
    }

    fn served(&self, slate: &ServedSlate, offset: u64) -> Result<(), Poisoned> {
        let change = |state: &mut ViewerState| {
            slate
                .items
                .iter()
                .for_each(|item| state.serve(item.video, slate.at_ms));
            state.served_at(slate.at_ms, offset);
        };
        self.store
            .viewer_update(slate.viewer, slate.at_ms, change)
            .map_err(store_failed)
    }
}

/// A list that is full takes no more; the door says so before, so this is a record from elsewhere.
fn room(had_room: bool) {
    if !had_room {
        metrics::counter!("riffle_jobs_dropped_total", "job" => job::USER_HISTORY, "reason" => "wish_over_bound")
            .increment(1);
    }
}

/// How a watch moves tastes: +1 when finished, −0.6 when skipped at once, a line in between.
fn watch_lean(watch_ms: i64, duration_ms: i64, ended: bool) -> f32 {
    let share = watch_ms as f32 / duration_ms.max(1) as f32;
    if ended || share >= LIKED_SHARE {
        return LEAN_FINISHED;
    }
    let place = ((share - SKIPPED_SHARE) / (LIKED_SHARE - SKIPPED_SHARE)).max(0.0);
    LEAN_SKIPPED + place * (LEAN_FINISHED - LEAN_SKIPPED)
}

fn action_lean(kind: ActionKind) -> f32 {
    match kind {
        ActionKind::Like | ActionKind::Save | ActionKind::Comment => 1.0,
        ActionKind::Share => 1.5,
        ActionKind::Unlike | ActionKind::Unsave => -1.0,
        ActionKind::Follow | ActionKind::Unfollow => 0.0,
        ActionKind::NotInterested | ActionKind::Report => -2.0,
        ActionKind::NotInterestedUndo => 2.0,
        ActionKind::Block | ActionKind::Unblock | ActionKind::BlockedBy | ActionKind::UnblockedBy => 0.0,
    }
}

fn hide(state: &mut ViewerState, video: VideoId, profile: Option<&VideoProfile>, at_ms: i64) {
    state.hidden.insert(video);
    state.positives.forget(video);
    state.see(video, at_ms);
    if let Some(profile) = profile {
        state.lean(
            &profile.hashtags,
            profile.creator,
            action_lean(ActionKind::NotInterested),
            at_ms,
        );
    }
}

/// Takes a [`hide`] back, and what it said about tastes.
fn unhide(state: &mut ViewerState, video: VideoId, profile: Option<&VideoProfile>, at_ms: i64) {
    if !state.hidden.remove(&video) {
        return;
    }
    if let Some(profile) = profile {
        let amount = action_lean(ActionKind::NotInterestedUndo);
        state.lean(&profile.hashtags, profile.creator, amount, at_ms);
    }
}

impl Operator for UserHistoryJob {
    fn name(&self) -> &'static str {
        job::USER_HISTORY
    }

    fn topics(&self) -> &'static [Topic] {
        &[Topic(topic::VIEWS), Topic(topic::ACTIONS), Topic(topic::SERVED)]
    }

    fn process(&mut self, record: &Record) -> Result<(), Poisoned> {
        match decode(record)? {
            Event::Signal(signal) => self.signal(&signal),
            Event::Action(action) => self.action(&action, record),
            Event::Served(slate) => self.served(&slate, record.offset),
            Event::Wish(wish) => self.wish(&wish),
            Event::Video(_) | Event::Example(_) | Event::Pool(_) => Err(Poisoned {
                reason: "not_of_a_viewer",
            }),
        }
    }
}
