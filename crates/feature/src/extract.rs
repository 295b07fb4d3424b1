//! Extraction: from the state and the facts to a row. The viewer's side is read once a request, then each candidate.
//!
//! Dense values are put down by functions that are generic over a [`Sink`]: a row takes the value, the registry takes the words about it.
//! The order of the calls is the order of the slots, and is part of the log's format: new features go to the end of a block, and a
//! change of order is a new registry. The last block is where new features go: what an older record does not mention is at its default.

mod alike;
mod content;
mod ids;
mod kinship;
mod light;
mod rates;
mod sequence;

use crate::counter::{Full, Measure, Slim, Window};
use crate::entity::{CROSS_TABLE, CROSSES_FIRST, Entity, Keys};
use crate::facts::{Context, VideoFacts, ViewerFacts};
use crate::registry::{Feature, Side};
use crate::ring::Ring;
use crate::row::{Row, round, rounded};
use crate::state::State;

use alike::Recent;
pub use ids::{ID_SLOTS, IdSlot, RECENT_MAX, slot};
pub use light::{LIGHT, LIGHT_WIDTH};
use rates::Rates;

/// What is said about a dense value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct About {
    pub(crate) side: Side,
    /// Entity, pair or block.
    pub(crate) of: &'static str,
    pub(crate) what: &'static str,
    pub(crate) window: &'static str,
    pub(crate) source: &'static str,
    pub(crate) text: &'static str,
}

/// Takes dense values in order.
pub(crate) trait Sink {
    fn put(&mut self, about: About, value: f32);
}

/// A row being written. Its values are rounded together at the end ([`round`]).
impl Sink for Vec<f32> {
    #[inline(always)]
    fn put(&mut self, _: About, value: f32) {
        self.push(value);
    }
}

/// The registry being written.
impl Sink for Vec<Feature> {
    fn put(&mut self, about: About, value: f32) {
        let window = if about.window.is_empty() {
            String::new()
        } else {
            format!(".{}", about.window)
        };
        self.push(Feature {
            name: format!("{}.{}{window}", about.of, about.what),
            side: about.side,
            source: about.source,
            window: about.window,
            default: rounded(value),
            description: about.text,
        });
    }
}

/// Entities that belong to the viewer's side.
const VIEWER_ENTITIES: [Entity; 3] = [Entity::Viewer, Entity::Surface, Entity::Hour];
/// Entities that belong to the video's side.
const VIDEO_ENTITIES: [Entity; 7] = [
    Entity::Video,
    Entity::Creator,
    Entity::Sound,
    Entity::Topic,
    Entity::SecondTopic,
    Entity::Length,
    Entity::Format,
];

/// Entities of the video's side that came later. The region's own rates are not among them: its pairs are read above everything's.
const LATER_ENTITIES: [Entity; 1] = [Entity::Category];

/// One request: the viewer's side, read once. Borrows the state; candidates are extracted from it.
pub struct Query<'a> {
    state: &'a State,
    viewer: &'a ViewerFacts,
    context: &'a Context,
    ring: Option<&'a Ring>,
    recent: Recent,
    overall: Rates,
    /// Rates of the viewer's entities, by [`VIEWER_ENTITIES`].
    rates: [Rates; VIEWER_ENTITIES.len()],
    dense: Vec<f32>,
    ids: Vec<(u16, u64)>,
}

impl State {
    /// Reads the viewer's side of a request.
    pub fn query<'a>(&'a self, viewer: &'a ViewerFacts, context: &'a Context) -> Query<'a> {
        let mut dense = Vec::with_capacity(128);
        let (overall, rates, ring) = self.viewer_side(viewer, context, &mut dense);
        round(&mut dense);
        let mut ids = Vec::with_capacity(64);
        ids::viewer(viewer, context, ring, &mut ids);
        Query {
            state: self,
            viewer,
            context,
            ring,
            recent: Recent::new(ring, context, rates[0].long_view),
            overall,
            rates,
            dense,
            ids,
        }
    }

    fn viewer_side<'a>(
        &'a self,
        viewer: &ViewerFacts,
        context: &Context,
        out: &mut impl Sink,
    ) -> (Rates, [Rates; 3], Option<&'a Ring>) {
        let now_ms = context.at_ms;
        let all = self.overall.at(now_ms);
        let overall = Rates::overall(&all);
        // Only the viewer's entities are read here: any video does.
        let nothing = VideoFacts::new(types::VideoId::from_raw(0), types::UserId::from_raw(0));
        let keys = Keys::new(viewer, &nothing, context);
        let rates = VIEWER_ENTITIES.map(|entity| {
            let counter = self.entity(keys.entities[entity as usize], now_ms);
            rates::entity(out, Side::Viewer, entity, &counter, &overall)
        });
        rates::mood(out, &all, &overall);
        let ring = self.rings.get(&viewer.viewer.raw());
        let first = self
            .entities
            .get(&Keys::viewer(viewer))
            .copied()
            .unwrap_or_default();
        rates::idle(out, Side::Viewer, "viewer", &first, now_ms);
        sequence::viewer(out, ring, now_ms, rates[0].long_view);
        content::moment(out, context);
        (overall, rates, ring)
    }
}

impl Query<'_> {
    /// Writes what the viewer's side of a row says, the rest at the registry's `defaults`: the row of no candidate in particular.
    pub fn viewer_row(&self, defaults: &[f32], row: &mut Row) {
        row.dense.clear();
        row.dense.extend_from_slice(&self.dense);
        row.dense
            .extend_from_slice(defaults.get(self.dense.len()..).unwrap_or_default());
        row.ids.clone_from(&self.ids);
        row.duration_ms = 0;
    }

    /// Writes the row of one candidate.
    pub fn extract(&self, video: &VideoFacts, row: &mut Row) {
        self.extract_all(std::slice::from_ref(video), std::slice::from_mut(row));
    }

    /// Writes the rows of candidates, as many as there are of both. Each is the same as alone; but the counters of the next one are on their way
    /// from memory while one is written, so it takes a third of the time.
    pub fn extract_all(&self, videos: &[VideoFacts], rows: &mut [Row]) {
        let keys_of = |video: Option<&VideoFacts>| {
            let keys = video.map(|video| Keys::new(self.viewer, video, self.context));
            if let Some(keys) = &keys {
                self.state.prefetch(keys);
            }
            keys
        };
        let mut next = keys_of(videos.first());
        for (at, (video, row)) in videos.iter().zip(rows).enumerate() {
            let keys = next;
            next = keys_of(videos.get(at + 1));
            if let Some(keys) = keys {
                self.write(video, &keys, row);
            }
        }
    }

    fn write(&self, video: &VideoFacts, keys: &Keys, row: &mut Row) {
        row.dense.clear();
        row.dense.extend_from_slice(&self.dense);
        self.video_side(video, keys, &mut row.dense);
        round(&mut row.dense[self.dense.len()..]);
        row.ids.clear();
        row.ids.extend_from_slice(&self.ids);
        ids::video(video, self.context, &mut row.ids);
        row.duration_ms = video.duration_ms.max(0);
    }

    fn video_side(&self, video: &VideoFacts, keys: &Keys, out: &mut impl Sink) {
        let now_ms = self.context.at_ms;
        let mut parents = [self.overall; crate::entity::ENTITIES];
        for (entity, rates) in VIEWER_ENTITIES.into_iter().zip(self.rates) {
            parents[entity as usize] = rates;
        }
        for entity in VIDEO_ENTITIES {
            let counter = self.state.entity(keys.entities[entity as usize], now_ms);
            parents[entity as usize] = rates::entity(out, Side::Video, entity, &counter, &self.overall);
            if entity == Entity::Video {
                rates::idle(
                    out,
                    Side::Video,
                    "video",
                    &self.state.unfaded(keys.entities[1]),
                    now_ms,
                );
            }
        }
        self.crosses(0..CROSSES_FIRST, keys, &parents, out);
        self.recent.pair(out, video);
        content::video(out, video, now_ms);
        // What came later stands behind it, so that older records keep their meaning.
        for entity in LATER_ENTITIES {
            let counter = self.state.entity(keys.entities[entity as usize], now_ms);
            parents[entity as usize] = rates::entity(out, Side::Video, entity, &counter, &self.overall);
        }
        self.crosses(CROSSES_FIRST..CROSS_TABLE.len(), keys, &parents, out);
        let topics = keys.topics.map(|key| self.state.cross(key, now_ms));
        let together = topics.iter().fold(Slim::default(), |sum, one| sum.plus(one));
        rates::cross(out, "viewer_topics", &together, &self.rates[0]);
        let own = kinship::Own {
            long_view: self.rates[0].long_view,
            skip: self.rates[0].skip,
        };
        kinship::pair(out, self.ring, (self.viewer, video), now_ms, &own);
    }

    fn crosses(
        &self,
        places: std::ops::Range<usize>,
        keys: &Keys,
        parents: &[Rates; crate::entity::ENTITIES],
        out: &mut impl Sink,
    ) {
        let crosses = CROSS_TABLE.iter().zip(keys.crosses);
        for (cross, key) in crosses.skip(places.start).take(places.len()) {
            let counter = self.state.cross(key, self.context.at_ms);
            rates::cross(out, cross.name, &counter, &parents[cross.parent as usize]);
        }
    }
}

impl State {
    fn unfaded(&self, key: Option<u64>) -> Full {
        key.and_then(|key| self.entities.get(&key))
            .copied()
            .unwrap_or_default()
    }
}

/// The dense features, as an extraction that knows nothing describes them.
pub(crate) fn describe() -> Vec<Feature> {
    let state = State::default();
    let viewer = ViewerFacts::new(types::ViewerId::from_raw(0));
    let video = VideoFacts::new(types::VideoId::from_raw(0), types::UserId::from_raw(0));
    let context = Context::at(0);
    let mut features = Vec::new();
    state.viewer_side(&viewer, &context, &mut features);
    let keys = Keys::new(&viewer, &video, &context);
    state
        .query(&viewer, &context)
        .video_side(&video, &keys, &mut features);
    features
}

/// Impressions of a window as a value: their logarithm.
pub(crate) fn volume(counter: f32) -> f32 {
    match counter > 0.0 {
        true => counter.ln_1p(),
        // The logarithm of 1, without asking for it: most counters of a new video are empty.
        false => 0.0,
    }
}

/// `sum(shown)` of a counter over a window.
pub(crate) fn shown<const W: usize, const M: usize>(
    counter: &crate::counter::Counter<W, M>,
    window: Window,
) -> f32 {
    counter.sum(window, Measure::Shown)
}

#[cfg(test)]
mod tests;
