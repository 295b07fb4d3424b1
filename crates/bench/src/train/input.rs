//! The examples of the training bench: a small made-up world whose impressions go through the product's own features.
//!
//! Viewers have a taste of topics, videos a quality and a topic; what a viewer watches long, likes or leaves follows from both by a
//! logistic law, so there is something to learn and a right order to be measured against. Rows are extracted before the outcome is
//! counted, as a feed does, by [`feature::State`]; they are kept in memory, so that learning alone is on the clock.

use feature::{Context, Impression, Outcome, Row, State, Told, Trait, VideoFacts, ViewerFacts};
use model::rng;
use model::{ExampleKind, ExampleRef, RowRef, Watch};
use types::{SoundId, UserId, VideoId, ViewerId};

const SEED: u64 = 0x7a1e_0001;
const VIEWERS: u64 = 20_000;
pub(crate) const VIDEOS: u64 = 50_000;
const CREATORS: u64 = 8_000;
const TOPICS: u64 = 400;
/// Tastes and topics are points of so many dimensions.
const DIMENSIONS: u64 = 6;
const FIRST_MS: i64 = 1_760_000_400_000;
/// Impressions a second.
const PER_S: u64 = 50;
/// Impressions of one viewer in a row.
const SESSION: u64 = 12;
/// Heads of the product, in its order; the last is watch time.
const HEADS: usize = 9;

/// Rows with their outcomes, in the order of time.
pub(crate) struct Recorded {
    pub(crate) rows: Vec<Row>,
    targets: Vec<[f32; HEADS]>,
    watches: Vec<Watch>,
}

impl Recorded {
    /// The last `count` of `warm_up + count` impressions; the first ones only fill the counters.
    pub(crate) fn new(warm_up: u64, count: u64) -> Self {
        Self::with_state(warm_up, count).0
    }

    /// The same, and the counters after the last of them.
    pub(crate) fn with_state(warm_up: u64, count: u64) -> (Self, State) {
        let mut state = State::default();
        let mut recorded = Self {
            rows: Vec::with_capacity(count as usize),
            targets: Vec::with_capacity(count as usize),
            watches: Vec::with_capacity(count as usize),
        };
        for i in 0..warm_up + count {
            let happened = Happened::at(i);
            if i >= warm_up {
                let mut row = Row::default();
                let query = state.query(&happened.viewer, &happened.context);
                query.extract(&happened.video, &mut row);
                recorded.rows.push(row);
                recorded.targets.push(happened.targets);
                recorded.watches.push(happened.watch);
            }
            state.observe(&Impression {
                viewer: &happened.viewer,
                video: &happened.video,
                context: &happened.context,
                timed: true,
                outcome: happened.outcome,
            });
        }
        (recorded, state)
    }

    /// The `i`-th as the model learns it.
    pub(crate) fn example(&self, i: usize) -> ExampleRef<'_> {
        let row = &self.rows[i];
        ExampleRef {
            row: RowRef {
                ids: &row.ids,
                dense: &row.dense,
                duration_s: row.duration_ms as f32 / 1000.0,
            },
            targets: &self.targets[i],
            watch: Some(self.watches[i]),
            weight: 1.0,
            kind: ExampleKind::Outcome,
            at_s: (i as u64 / PER_S) as u32,
        }
    }

    /// Whether the `i`-th was watched long.
    pub(crate) fn is_long_view(&self, i: usize) -> bool {
        self.targets[i][1] > 0.5
    }
}

/// Where and when the `i`-th impression is.
pub(crate) fn context(i: u64) -> Context {
    Context {
        at_ms: FIRST_MS + (i * 1000 / PER_S) as i64,
        surface: Some((rng::bits(SEED, 5, i / SESSION) % 3) as u16),
        hour: Some((i / PER_S / 3600 % 24) as u8),
        weekday: Some(2),
    }
}

/// The viewer of the `i`-th impression.
pub(crate) fn viewer_at(i: u64) -> u64 {
    skewed(1, i / SESSION, VIEWERS)
}

/// One impression with all that is known of it afterwards.
struct Happened {
    viewer: ViewerFacts,
    video: VideoFacts,
    context: Context,
    outcome: Outcome,
    targets: [f32; HEADS],
    watch: Watch,
}

fn unit(stream: u64, index: u64) -> f32 {
    rng::symmetric(SEED, stream, index) * 0.5 + 0.5
}

/// Most of what is drawn is small: popular videos, busy viewers.
fn skewed(stream: u64, index: u64, count: u64) -> u64 {
    let place = unit(stream, index);
    ((place * place * place) * count as f32) as u64 % count
}

/// One of the world's viewers.
pub(crate) fn viewer(number: u64) -> ViewerFacts {
    let mut facts = ViewerFacts::new(ViewerId::from_raw(number + 1));
    for (which, value) in Trait::ALL.iter().zip(facts.traits.iter_mut()) {
        *value = 1 + rng::bits(SEED, 10 + *which as u64, number) % 6;
    }
    facts
}

fn topic_of(video: u64) -> u64 {
    1 + skewed(20, video, TOPICS)
}

/// One of the world's videos.
pub(crate) fn video(number: u64) -> VideoFacts {
    let creator = UserId::from_raw(1 + skewed(21, number, CREATORS));
    let mut facts = VideoFacts::new(VideoId::from_raw(number + 1), creator);
    facts.sound = Some(SoundId::from_raw(1 + skewed(22, number, VIDEOS / 5)));
    facts.topics = [topic_of(number), 1 + rng::bits(SEED, 23, number) % TOPICS, 0];
    facts.format = 1 + rng::bits(SEED, 24, number) % 4;
    facts.duration_ms = 5_000 + (unit(25, number).powi(2) * 90_000.0) as i64;
    facts.published_ms = Some(FIRST_MS - (unit(26, number) * 86_400_000.0 * 20.0) as i64);
    facts.aspect = 0.5625;
    facts
}

/// How much a viewer likes a topic, about −1 to 1.
fn fit(viewer: u64, topic: u64) -> f32 {
    let taste = |dimension| rng::symmetric(SEED, 30 + dimension, viewer);
    let place = |dimension| rng::symmetric(SEED, 40 + dimension, topic);
    (0..DIMENSIONS).map(|d| taste(d) * place(d)).sum::<f32>()
}

impl Happened {
    fn at(i: u64) -> Self {
        let (who, what) = (viewer_at(i), skewed(2, i, VIDEOS));
        let (viewer, video) = (viewer(who), video(what));
        let quality = rng::symmetric(SEED, 3, what);
        let liking = 1.2 * fit(who, topic_of(what)) + quality + 0.5 * rng::symmetric(SEED, 4, who);
        let happens = |stream: u64, logit: f32| unit(stream, i) < 1.0 / (1.0 + (-logit).exp());
        let long_view = happens(50, 1.5 * liking - 0.7);
        let told = Told {
            open: long_view || happens(51, liking),
            skip: !long_view && happens(52, -0.5 - liking),
            engage: happens(53, liking - 4.0),
            reject: happens(54, -5.5 - liking),
            ratio: if long_view {
                0.8 + unit(55, i)
            } else {
                0.5 * unit(55, i)
            },
        };
        let like = long_view && happens(56, liking - 2.0);
        let flag = |yes: bool| f32::from(u8::from(yes));
        let duration_s = video.duration_ms as f32 / 1000.0;
        Self {
            context: context(i),
            targets: [
                flag(told.ratio >= 1.0),
                flag(long_view),
                flag(told.skip),
                flag(like),
                flag(like && happens(57, -2.5)),
                flag(told.engage),
                flag(like && happens(58, -3.0)),
                flag(told.reject),
                f32::NAN,
            ],
            watch: Watch {
                watched_s: told.ratio * duration_s,
                duration_s,
                censored: unit(59, i) < 0.05,
            },
            outcome: Outcome {
                long_view,
                like,
                told: Some(told),
            },
            viewer,
            video,
        }
    }
}
