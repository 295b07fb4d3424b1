//! The product's own learner in the simulated world: its counters, its rows of features, its model and its settings, driven by the same
//! calls as in the product and in `evaluation`. Only the way from the world's words to the product's is of the simulator.

use std::collections::HashMap;
use std::sync::Arc;

use evaluation::learner::Targets;
use feature::{Impression, Registry, Row, State, Told, Trait, VideoFacts, ViewerFacts};
use model::{Config, ExampleKind, ExampleRef, Model, Predictions, RowRef, SchemaError, Watch};

use crate::catalogue::{Shown, creator_id, region_of, viewer_id};
use crate::config::{DAY_MS, HOUR_MS};
use crate::outcome::Outcome;
use crate::policy::Context;
use crate::policy::lagging::{Learner, Lesson, Prediction};
use crate::policy::promise::Promise;

/// Starts the model's weights: the same in every world, as a release would be.
const SEED: u64 = 1;
/// Longer watches than this share of the video are complete, as the trainer has it.
const COMPLETE_SHARE: f32 = 0.95;
/// A watch of this length is a long view of any video, as the trainer has it.
const LONG_VIEW_MS: i64 = 18_000;
/// The one page that a simulated client has.
const SURFACE: u16 = 1;

/// See the file's header.
pub struct Product {
    state: State,
    model: Model,
    /// By index.
    videos: Vec<VideoFacts>,
    viewers: HashMap<u32, ViewerFacts>,
    complete: usize,
    early_skip: usize,
    predictions: Predictions,
    promise: Promise,
}

impl Product {
    /// Knows nothing, and learns with these settings; [`ranking::config`] has those that the product runs with.
    pub fn new(config: Config) -> Result<Self, SchemaError> {
        let model = Model::new(ranking::schema(&Registry::new()), config, SEED)?;
        let head = |name: &'static str| model.schema().head(name).ok_or(SchemaError::Config(name));
        Ok(Self {
            state: State::default(),
            complete: head("complete")?,
            early_skip: head("early_skip")?,
            model,
            videos: Vec::new(),
            viewers: HashMap::new(),
            predictions: Predictions::default(),
            promise: Promise::default(),
        })
    }
}

impl Default for Product {
    /// # Panics
    /// When the product's own settings are refused.
    fn default() -> Self {
        Self::new(ranking::config()).expect("the product's settings are sound")
    }
}

impl Learner for Product {
    type Row = Arc<Row>;

    fn name(&self) -> String {
        "product".to_owned()
    }

    fn publish(&mut self, video: &Shown) {
        self.videos.push(video_facts(video));
    }

    fn rows(&mut self, context: &Context<'_>, candidates: &[&Shown]) -> Vec<Self::Row> {
        let viewer = self.viewers.entry(context.viewer).or_insert_with(|| ViewerFacts {
            region: Some(region_of(context.region)),
            ..ViewerFacts::new(viewer_id(context.viewer))
        });
        if viewer.following.len() != context.follows.len() {
            viewer.following = context
                .follows
                .iter()
                .map(|&creator| creator_id(creator))
                .collect();
        }
        viewer.traits[Trait::Activity as usize] = bucket(self.state.seen_of_viewer(viewer));
        viewer.traits[Trait::Following as usize] = bucket(context.follows.len() as u64);
        let moment = moment(context.now_ms);
        let query = self.state.query(viewer, &moment);
        let row = |video: &&Shown| {
            let mut row = Row::default();
            query.extract(&self.videos[video.index as usize], &mut row);
            Arc::new(row)
        };
        candidates.iter().map(row).collect()
    }

    fn predict(&mut self, rows: &[Self::Row], candidates: &[&Shown]) -> Vec<Prediction> {
        let refs: Vec<RowRef<'_>> = rows.iter().map(|row| row_ref(row)).collect();
        self.model.predict(&refs, &mut self.predictions);
        let said: Vec<[f64; 2]> = (0..rows.len())
            .map(|row| [self.complete, self.early_skip].map(|head| f64::from(self.predictions.p(row, head))))
            .collect();
        self.promise.of(&said, candidates)
    }

    fn advance(&mut self, lesson: &Lesson<Self::Row>) {
        let Some(viewer) = self.viewers.get(&lesson.viewer) else {
            return;
        };
        self.state.observe(&Impression {
            viewer,
            video: &self.videos[lesson.video.index as usize],
            context: &moment(lesson.shown_ms),
            timed: true,
            outcome: counted(&lesson.outcome, lesson.video.duration_ms),
        });
    }

    /// One example a call, so that what was learnt does not depend on how many were waiting.
    fn learn(&mut self, lessons: &[Lesson<Self::Row>]) {
        for lesson in lessons {
            let said = targets(&lesson.outcome, lesson.video.duration_ms);
            let values: Vec<f32> = self
                .model
                .schema()
                .heads
                .iter()
                .map(|head| said.of(&head.name))
                .collect();
            let example = ExampleRef {
                row: row_ref(&lesson.row),
                targets: &values,
                watch: said.watch,
                weight: 1.0,
                kind: ExampleKind::Outcome,
                at_s: u32::try_from(lesson.ended_ms / 1_000).unwrap_or(0),
            };
            self.model.learn(&[example], &mut self.predictions);
        }
    }
}

fn row_ref(row: &Row) -> RowRef<'_> {
    RowRef {
        ids: &row.ids,
        dense: &row.dense,
        duration_s: row.duration_ms as f32 / 1_000.0,
    }
}

fn video_facts(video: &Shown) -> VideoFacts {
    let mut facts = VideoFacts::new(video.id(), video.creator_id());
    facts.sound = Some(video.sound_id());
    // Hashtag 0 is a hashtag; topic 0 is none.
    facts
        .topics
        .iter_mut()
        .zip(&video.hashtags)
        .for_each(|(topic, tag)| *topic = u64::from(*tag) + 1);
    facts.category = Some(video.category);
    facts.region = Some(region_of(video.region));
    facts.duration_ms = video.duration_ms;
    facts.published_ms = Some(video.born_ms);
    facts
}

/// 1 for none, one more for each doubling, as the feed has it.
fn bucket(count: u64) -> u64 {
    1 + u64::from(u64::BITS - count.leading_zeros())
}

/// All of the world keeps one clock.
fn moment(at_ms: i64) -> feature::Context {
    feature::Context {
        surface: Some(SURFACE),
        hour: u8::try_from(at_ms.rem_euclid(DAY_MS) / HOUR_MS).ok(),
        // 1970-01-01 was a Thursday.
        weekday: u8::try_from((at_ms.div_euclid(DAY_MS) + 3).rem_euclid(7)).ok(),
        ..feature::Context::at(at_ms)
    }
}

fn is_long(outcome: &Outcome, duration_ms: i64) -> bool {
    outcome.watch_ms >= LONG_VIEW_MS.min(duration_ms)
}

/// What the counters are told.
fn counted(outcome: &Outcome, duration_ms: i64) -> feature::Outcome {
    feature::Outcome {
        long_view: is_long(outcome, duration_ms),
        like: outcome.liked,
        told: Some(Told {
            open: !outcome.skipped,
            skip: outcome.skipped,
            engage: outcome.commented || outcome.shared || outcome.saved || outcome.followed,
            reject: outcome.not_interested,
            ratio: Told::ratio_of(outcome.watch_ms, duration_ms),
        }),
    }
}

/// What the model is told.
fn targets(outcome: &Outcome, duration_ms: i64) -> Targets {
    let known = |is: bool| f32::from(u8::from(is));
    let (watched_s, duration_s) = (outcome.watch_ms as f32 / 1_000.0, duration_ms as f32 / 1_000.0);
    Targets {
        complete: known(watched_s >= COMPLETE_SHARE * duration_s),
        long_view: known(is_long(outcome, duration_ms)),
        early_skip: known(outcome.skipped),
        like: known(outcome.liked),
        share: known(outcome.shared),
        comment: known(outcome.commented),
        follow: known(outcome.followed),
        not_interested: known(outcome.not_interested),
        watch: Some(Watch {
            watched_s,
            duration_s,
            censored: false,
        }),
    }
}
