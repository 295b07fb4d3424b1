//! The recipe of For You: which stages, in which order. One line a stage; what each does is in its own file, and `riffle feed pipeline`
//! prints it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use candidate_pipeline::{Deadlines, Pipeline, Recipe, Source, Step, SwitchError};
use feature::Registry;

use crate::catch_up::CatchUp;
use crate::cut::{Best, Profiles};
use crate::explore::Even;
use crate::extract::Extract;
use crate::for_you::FeedParts;
use crate::history::ReadHistory;
use crate::late::HeldByClient;
use crate::learned::Learned;
use crate::light::LightScore;
use crate::model::{Query, VideoCandidate};
use crate::quota::{Blend, Quota};
use crate::satisfaction::Satisfaction;
use crate::served::NoteServed;
use crate::slate::{BestFirst, Slate};
use crate::steer::Steer;
use crate::wishes::{Heed, MutedWords, Personal, Refused, Unexplored};
use crate::{filters, sources};

/// Above the patience of [`CatchUp`], which counts by itself.
const HYDRATOR_DEADLINE: Duration = Duration::from_millis(400);
/// No source waits for anything but a lock; one that takes so long is broken.
const SOURCE_DEADLINE: Duration = Duration::from_millis(50);

/// What may be set about the recipe.
#[derive(Debug, Clone)]
pub struct FeedConfig {
    /// Candidates of a request, all sources together.
    pub candidates_max: usize,
    /// Of these, how many the model orders lightly.
    pub light_max: usize,
    /// Of these, how many are looked at as the model does.
    pub ranked_max: usize,
    /// Shares of viewers, 0 to 1, for whom named stages run; all others run for everybody.
    pub components: BTreeMap<String, f32>,
}

impl Default for FeedConfig {
    fn default() -> Self {
        Self {
            candidates_max: 10_000,
            light_max: 3_000,
            ranked_max: 200,
            components: BTreeMap::new(),
        }
    }
}

/// The pipeline of For You.
pub(crate) fn for_you(
    parts: &FeedParts,
    quota: &Arc<Quota>,
) -> Result<Pipeline<Query, VideoCandidate>, SwitchError> {
    let store = || parts.store.clone();
    let registry = Registry::new();
    let recipe = Recipe {
        name: "for_you",
        deadlines: Deadlines {
            hydrator: HYDRATOR_DEADLINE,
            source: SOURCE_DEADLINE,
        },
        query_hydrators: vec![
            Box::new(CatchUp {
                log: parts.log.clone(),
                store: store(),
            }),
            Box::new(ReadHistory(store())),
        ],
        sources: sources(parts),
        merger: Some(Box::new(Blend(quota.clone()))),
        hydrators: vec![],
        filters: vec![
            Box::new(filters::Listed(store())),
            Box::new(filters::Own(store())),
            Box::new(filters::Seen),
            Box::new(filters::Served),
            Box::new(filters::Hidden),
            Box::new(filters::Copies(store())),
            Box::new(Refused(store())),
            Box::new(MutedWords(store())),
            Box::new(Unexplored(store())),
        ],
        steps: steps(parts, &registry),
        selector: Box::new(Slate::new(parts.learner.clone(), store())),
        spare_selector: Some(Box::new(BestFirst(Profiles(store())))),
        side_effects: vec![Box::new(NoteServed {
            log: parts.log.clone(),
            store: store(),
            defaults: registry.defaults().into(),
        })],
    };
    let pipeline = Pipeline::new(recipe);
    for (name, share) in &parts.config.components {
        pipeline.switch(name, *share)?;
    }
    Ok(pipeline)
}

/// What finds candidates; all at once.
fn sources(parts: &FeedParts) -> Vec<Box<dyn Source<Query, VideoCandidate>>> {
    let store = || parts.store.clone();
    vec![
        Box::new(sources::Pinned(store())),
        Box::new(Personal(sources::Rising(store()))),
        Box::new(HeldByClient(store())),
        Box::new(Personal(sources::Collaborative {
            store: store(),
            vectors: parts.vectors.clone(),
            features: parts.features.clone(),
            live: parts.learner.as_ref().map(|learner| learner.live.clone()),
            spare: Default::default(),
        })),
        Box::new(Personal(sources::Content {
            store: store(),
            vectors: parts.vectors.clone(),
        })),
        Box::new(Personal(sources::Interest(store()))),
        Box::new(Personal(sources::Chosen(store()))),
        Box::new(Personal(sources::Followed(store()))),
        Box::new(Personal(sources::LikedByFollowed(store()))),
        Box::new(sources::OnLists(store())),
        Box::new(sources::Popular(store())),
        Box::new(sources::Fresh(store())),
        Box::new(sources::Explore(store())),
        Box::new(sources::EvenSampled(store())),
    ]
}

/// What happens to candidates that may be shown, in order.
fn steps(parts: &FeedParts, registry: &Registry) -> Vec<Step<Query, VideoCandidate>> {
    let store = || parts.store.clone();
    vec![
        Step::Hydrate(Box::new(Even)),
        Step::Score(Box::new(Satisfaction(store()))),
        Step::Score(Box::new(Steer(store()))),
        Step::Cut(Box::new(Best {
            name: "promising",
            about: "lets the best by the few signals go on to the model's light order, and what exploration may draw",
            keep_max: parts.config.light_max,
        })),
        Step::Score(Box::new(LightScore::new(
            parts.learner.clone(),
            store(),
            parts.features.clone(),
            registry,
        ))),
        Step::Cut(Box::new(Best {
            name: "best",
            about: "lets the best by light order go on to the whole model, and what exploration may draw",
            keep_max: parts.config.ranked_max,
        })),
        Step::Hydrate(Box::new(Profiles(store()))),
        Step::Hydrate(Box::new(Extract::new(
            parts.features.clone(),
            registry.dense.len(),
        ))),
        Step::Score(Box::new(Learned::new(parts.learner.clone(), registry))),
        Step::Score(Box::new(Heed)),
    ]
}
