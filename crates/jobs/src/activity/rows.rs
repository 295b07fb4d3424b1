//! What the rest of the house reads of the state: absolute rows, made anew whenever their state changed.

use std::sync::Arc;

use event::SessionKey;
use feature_store::{
    Counts, Entity, FeatureRow, Measure, PulseRow, SequenceWindow, TrendBin, TrendKey, TrendRow, Usage,
    UsageRow,
};
use types::ViewerId;

use super::key::{LocalKey, Subject};
use super::stage_one::INTEREST;
use super::state::{Life, LocalState, SubjectState};
use super::trail::Trail;

/// Hours of use that a row tells: the one under way, the one before, and one more for readers whose clock is behind.
const HOURS_TOLD: usize = 3;

/// An absolute value of something.
#[derive(Debug, Clone, PartialEq)]
pub enum ActivityRow {
    Features(Entity, Box<FeatureRow>),
    /// A video's last hour, everywhere or in a region; without bins it is to be forgotten.
    Trend(TrendKey, TrendRow),
    /// How often a hashtag or a sound was used.
    Usage(Entity, UsageRow),
    /// The last minutes of a topic.
    Pulse(Entity, PulseRow),
    /// A session's numbers; an empty window is to be forgotten.
    Session {
        viewer: ViewerId,
        session: SessionKey,
        window: SequenceWindow,
        used_ms: i64,
    },
}

pub(super) fn local_rows(key: &LocalKey, state: &LocalState, rows: &mut Vec<ActivityRow>) {
    match (key, state) {
        (&LocalKey::Session(viewer, session), LocalState::Session(held)) => rows.push(ActivityRow::Session {
            viewer,
            session,
            window: held.window.clone(),
            used_ms: held.used_ms,
        }),
        (&LocalKey::Session(viewer, session), _) => rows.push(ActivityRow::Session {
            viewer,
            session,
            window: SequenceWindow::default(),
            used_ms: 0,
        }),
        (&LocalKey::Viewer(viewer), LocalState::Viewer(held)) => {
            rows.push(features(Entity::Viewer(viewer), &held.trail));
        }
        (&LocalKey::Viewer(viewer), _) => rows.push(gone(Entity::Viewer(viewer))),
        (LocalKey::Outbox { .. } | LocalKey::Due { .. }, _) => {}
    }
}

pub(super) fn rows(key: &Subject, state: &SubjectState, rows: &mut Vec<ActivityRow>) {
    match key {
        &Subject::InRegion(region, video) => {
            let key = TrendKey {
                region: Some(region),
                video,
            };
            rows.push(ActivityRow::Trend(key, trend(&state.trail)));
        }
        Subject::Entity(Entity::Video(video)) => {
            let entity = Entity::Video(*video);
            let key = TrendKey {
                region: None,
                video: *video,
            };
            match (&state.profile, state.life) {
                (Some(profile), Life::Here) => {
                    rows.push(features(entity, &state.trail));
                    let profile = Some(Arc::clone(&profile.trend));
                    let row = TrendRow {
                        profile,
                        ..trend(&state.trail)
                    };
                    rows.push(ActivityRow::Trend(key, row));
                }
                // A video that nobody published, as far as we read, is shown nowhere.
                (None, Life::Here) => {}
                (_, Life::Removed | Life::Purged) => {
                    rows.push(gone(entity));
                    rows.push(ActivityRow::Trend(key, TrendRow::default()));
                }
            }
        }
        Subject::Entity(entity) => {
            rows.push(features(entity.clone(), &state.trail));
            if matches!(entity, Entity::Hashtag(_) | Entity::Sound(_)) {
                rows.push(ActivityRow::Usage(entity.clone(), usage(&state.trail)));
            }
            if !state.pulse.is_empty() {
                rows.push(ActivityRow::Pulse(entity.clone(), pulse(state)));
            }
        }
    }
}

fn features(entity: Entity, trail: &Trail) -> ActivityRow {
    ActivityRow::Features(entity, Box::new(trail.features()))
}

fn gone(entity: Entity) -> ActivityRow {
    let row = FeatureRow {
        gone: true,
        ..FeatureRow::default()
    };
    ActivityRow::Features(entity, Box::new(row))
}

fn trend(trail: &Trail) -> TrendRow {
    let bin = |counts: &Counts| TrendBin {
        views: counts.get(Measure::View),
        likes: counts.get(Measure::Like),
        comments: counts.get(Measure::Comment),
        shares: counts.get(Measure::Share),
        watch_ms: counts.get(Measure::WatchMs),
    };
    let bins = trail.minutes.parts().iter();
    TrendRow {
        bins: bins.map(|(number, counts)| (*number, bin(counts))).collect(),
        profile: None,
    }
}

fn pulse(state: &SubjectState) -> PulseRow {
    let interest = |counts: &Counts| INTEREST.iter().map(|measure| counts.get(*measure)).sum();
    let hours = state.trail.hours.parts().iter();
    PulseRow {
        beats: state.pulse.parts().to_vec(),
        hours: hours.map(|(hour, counts)| (*hour, interest(counts))).collect(),
    }
}

fn usage(trail: &Trail) -> UsageRow {
    let hours = trail.hours.parts();
    let told = &hours[hours.len().saturating_sub(HOURS_TOLD)..];
    let usage = |counts: &Counts| Usage {
        videos: counts.get(Measure::Publish),
        views: counts.get(Measure::View),
    };
    UsageRow {
        hours: told.iter().map(|(hour, counts)| (*hour, usage(counts))).collect(),
    }
}
