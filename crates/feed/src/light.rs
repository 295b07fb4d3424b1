//! Scorer: what the model in service makes of a candidate of which little is known but its id, for the few thousand that came through the
//! first cut. Until the model carries its weight the light score of [`crate::satisfaction`] stands.
//!
//! What a candidate brings along ([`ranking::LIGHT`]) is the same for all viewers and lies in a table by slot. A request mends at most
//! [`MENDED_MAX`] of its entries, those that are missing or old; what is missing still is unknown to the scorer.
//!
//! Back of the envelope, 3 000 candidates: folding the viewer about 0.1 ms, 3 000 rows of the model's table and 3 000 entries of 40 bytes
//! about 0.3 ms, the network about 0.2 ms, 100 entries mended at a microsecond each 0.1 ms. The table is 40 MB for a million videos.

use std::sync::Arc;

use candidate_pipeline::{Scorer, Stage, StageError};
use feature::{LIGHT_WIDTH, Registry, Row};
use feature_store::{FeatureStore, LiveFeatures, Slot};
use model::HeadKind;
use parking_lot::{Mutex, RwLock};
use ranking::{Light, LightScratch, WEIGHTS, light_columns, row_ref};
use types::{TimestampMs, VideoId};

use crate::facts;
use crate::learned::{LearnerParts, Unlearned, serving};
use crate::model::{Query, VideoCandidate};

/// Below so many examples the model orders candidates no better than the few signals do: its value has half of the say then.
const EXAMPLES_MIN: u64 = 20_000;
/// How much the few signals count beside the model's order: they follow a swipe at once.
const SIGNALS_SAY: f32 = 0.5;
/// Entries of the table that one request mends.
const MENDED_MAX: usize = 200;
/// An entry older than this is mended when it is met.
const OLD_MS: i64 = 30_000;
/// Buffers kept for the next requests, 0.4 MB each.
const SPARE_MAX: usize = 8;

/// What a video brings along, as of when. `video` tells whose it is: slots are used again.
#[derive(Debug, Clone, Copy)]
struct Brought {
    video: u64,
    at_ms: TimestampMs,
    values: [f32; LIGHT_WIDTH],
}

const NOTHING: Brought = Brought {
    video: 0,
    at_ms: TimestampMs::MIN,
    values: [f32::NAN; LIGHT_WIDTH],
};

#[derive(Default)]
struct Buffers {
    ids: Vec<u64>,
    dense: Vec<f32>,
    scores: Vec<f32>,
    scratch: LightScratch,
}

pub(crate) struct LightScore {
    learner: Option<LearnerParts>,
    store: Arc<FeatureStore>,
    live: LiveFeatures,
    /// Places of the binary heads, with what each is worth.
    heads: Vec<(usize, f32)>,
    columns: Vec<usize>,
    defaults: Vec<f32>,
    brought: RwLock<Vec<Brought>>,
    spare: Mutex<Vec<Buffers>>,
}

impl LightScore {
    pub(crate) fn new(
        learner: Option<LearnerParts>,
        store: Arc<FeatureStore>,
        live: LiveFeatures,
        registry: &Registry,
    ) -> Self {
        let schema = ranking::schema(registry);
        let heads = WEIGHTS.iter().filter_map(|&(name, weight)| {
            let place = schema.heads.iter().position(|head| head.name == name)?;
            matches!(schema.heads[place].kind, HeadKind::Binary).then_some((place, weight))
        });
        Self {
            learner,
            store,
            live,
            heads: heads.collect(),
            columns: light_columns(registry),
            defaults: registry.defaults(),
            brought: RwLock::default(),
            spare: Mutex::default(),
        }
    }

    fn order(&self, query: &Query, candidates: &mut [VideoCandidate]) -> Result<(), Unlearned> {
        let serving = serving(self.learner.as_ref(), query.now_ms)?;
        let (version, table) = serving.pin();
        if version.examples < EXAMPLES_MIN {
            return Err(Unlearned::Untrained);
        }
        let viewer = self.viewer_row(query);
        let slot = feature::slot::VIDEO;
        let light = Light::fold(
            &version,
            table,
            row_ref(&viewer),
            slot,
            &self.heads,
            &self.columns,
        )
        .ok_or(Unlearned::Broken)?;
        let mut buffers = self.spare.lock().pop().unwrap_or_default();
        buffers.ids.clear();
        buffers.ids.extend(candidates.iter().map(|one| one.video.raw()));
        self.bring(query.now_ms, candidates, &mut buffers.dense);
        let Buffers {
            ids,
            dense,
            scores,
            scratch,
        } = &mut buffers;
        light.score(table, ids, dense, scratch, scores);
        let sound = scores.iter().all(|score| score.is_finite());
        if sound {
            for (one, score) in candidates.iter_mut().zip(&*scores) {
                one.light = *score + SIGNALS_SAY * one.score;
            }
        }
        let mut spare = self.spare.lock();
        if spare.len() < SPARE_MAX {
            spare.push(buffers);
        }
        match sound {
            true => Ok(()),
            false => Err(Unlearned::Broken),
        }
    }

    fn viewer_row(&self, query: &Query) -> Row {
        let (viewer, context) = (facts::viewer(query), facts::context(query));
        let mut row = Row::default();
        self.live.read(|state| {
            state
                .query(&viewer, &context)
                .viewer_row(&self.defaults, &mut row);
        });
        row
    }

    /// Writes what each candidate brings along into `dense`, a row each.
    fn bring(&self, now_ms: TimestampMs, candidates: &[VideoCandidate], dense: &mut Vec<f32>) {
        let mut old: Vec<(Slot, VideoId)> = Vec::with_capacity(MENDED_MAX);
        dense.clear();
        {
            let brought = self.brought.read();
            for one in candidates {
                let entry = brought.get(one.slot as usize).unwrap_or(&NOTHING);
                let is_its = entry.video == one.video.raw();
                if (!is_its || now_ms - entry.at_ms > OLD_MS) && old.len() < MENDED_MAX {
                    old.push((one.slot, one.video));
                }
                dense.extend_from_slice(if is_its { &entry.values } else { &NOTHING.values });
            }
        }
        if !old.is_empty() {
            self.mend(now_ms, &old);
        }
    }

    /// Reads anew what `old` bring along, for the requests that follow.
    fn mend(&self, now_ms: TimestampMs, old: &[(Slot, VideoId)]) {
        let (capacity, videos) = {
            let catalog = self.store.catalog();
            let video = |&(slot, video): &(Slot, VideoId)| {
                let profile = catalog
                    .profile_at(slot)
                    .filter(|profile| profile.video == video)?;
                Some((slot, facts::video(profile)))
            };
            (
                catalog.capacity(),
                old.iter().filter_map(video).collect::<Vec<_>>(),
            )
        };
        let mended: Vec<(Slot, Brought)> = self.live.read(|state| {
            let entry = |(slot, video): &(Slot, feature::VideoFacts)| {
                let brought = Brought {
                    video: video.video.raw(),
                    at_ms: now_ms,
                    values: state.light(video, now_ms),
                };
                (*slot, brought)
            };
            videos.iter().map(entry).collect()
        });
        let mut brought = self.brought.write();
        if brought.len() < capacity {
            brought.resize(capacity, NOTHING);
        }
        for (slot, entry) in mended {
            if let Some(place) = brought.get_mut(slot as usize) {
                *place = entry;
            }
        }
    }
}

impl Stage for LightScore {
    fn name(&self) -> &'static str {
        "light"
    }

    fn about(&self) -> &'static str {
        "orders what is left by what the model says of a video's id and how it did so far, once the model has learned enough"
    }
}

impl Scorer<Query, VideoCandidate> for LightScore {
    fn score(&self, query: &Query, candidates: &mut [VideoCandidate]) -> Result<(), StageError> {
        match self.order(query, candidates) {
            Ok(()) => metrics::counter!("riffle_feed_light_orders_total", "by" => "model").increment(1),
            Err(unlearned) => {
                metrics::counter!("riffle_feed_light_orders_total", "by" => unlearned.reason()).increment(1);
            }
        }
        Ok(())
    }
}
