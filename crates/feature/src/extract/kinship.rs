//! What a candidate has in common with the viewer's last impressions: category, hashtags, creator and sound. It changes with every swipe,
//! so it is what makes a sitting answer: both to a taste, and to having had enough of it.

use types::TimestampMs;

use super::sequence::{MEMORIES, SESSION_GAP_MS, Tally};
use super::{About, Sink, volume};
use crate::entity::number;
use crate::facts::{VideoFacts, ViewerFacts};
use crate::registry::Side;
use crate::ring::{RING_MAX, Ring, Seen};

/// How many ways of being alike are told apart, beside the sound.
const KINDS: usize = 3;

/// Impressions of one kind.
#[derive(Default)]
struct Kind {
    /// Newer ones count more.
    shown: f32,
    long_view: Tally,
    /// All count alike.
    long_view_all: Tally,
    skip: Tally,
}

/// Rates of the viewer that those of a kind are compared with.
pub(super) struct Own {
    pub(super) long_view: f32,
    pub(super) skip: f32,
}

/// What the last impressions have in common with a candidate.
#[derive(Default)]
struct Kinship {
    kinds: [Kind; KINDS],
    /// Impressions of its category: all, and those of this sitting.
    of_category: f32,
    of_sitting: f32,
    /// How many impressions ago one of its category was, and whether it was a long view.
    last: Option<(usize, bool)>,
}

impl Kinship {
    fn of(ring: Option<&Ring>, video: &VideoFacts, now_ms: TimestampMs) -> Self {
        let category = video.category.map_or(0, |category| category.number());
        let mut kinship = Self::default();
        let mut newer_ms = Some(now_ms);
        for (place, seen) in ring.into_iter().flat_map(Ring::newest).enumerate() {
            newer_ms = newer_ms
                .zip(seen.at_ms)
                .filter(|(newer_ms, at_ms)| newer_ms.saturating_sub(*at_ms) <= SESSION_GAP_MS)
                .map(|(_, at_ms)| at_ms);
            let same = [
                category != 0 && seen.category == category,
                alike(&seen.topics, &video.topics),
                seen.creator == video.creator.raw(),
            ];
            let kinds = kinship.kinds.iter_mut().zip(same);
            kinds
                .filter(|(_, same)| *same)
                .for_each(|(kind, _)| kind.add(place, seen));
            if same[0] {
                kinship.of_category += 1.0;
                kinship.of_sitting += f32::from(u8::from(newer_ms.is_some()));
                kinship.last.get_or_insert((place, seen.outcome.long_view));
            }
        }
        kinship
    }
}

/// Writes what the last impressions say about this candidate.
pub(super) fn pair(
    out: &mut impl Sink,
    ring: Option<&Ring>,
    (viewer, video): (&ViewerFacts, &VideoFacts),
    now_ms: TimestampMs,
    own: &Own,
) {
    let kinship = Kinship::of(ring, video, now_ms);
    let mut put = |what, window, text, value| out.put(about(what, window, text), value);
    for (kind, names) in kinship.kinds.iter().zip(NAMES) {
        put(names[0], "10", SHOWN, volume(kind.shown));
        put(names[1], "10", LONG_VIEW, kind.long_view.lift(own.long_view));
        put(
            names[1],
            "all50",
            LONG_VIEW_ALL,
            kind.long_view_all.lift(own.long_view),
        );
        put(names[2], "10", SKIP, kind.skip.lift(own.skip));
    }
    let text = "impressions of this category, logarithm";
    put("category_shown", "50", text, volume(kinship.of_category));
    let text = "impressions of this category in this sitting, logarithm";
    put("category_shown", "sitting", text, volume(kinship.of_sitting));
    let text = "outcome of the last such impression: ±½, 0 when none";
    let outcome = kinship
        .last
        .map_or(0.0, |(_, long_view)| if long_view { 0.5 } else { -0.5 });
    put("last_same_category", "50", text, outcome);
    let ago = kinship.last.map_or(RING_MAX, |(place, _)| place) as f32;
    put(
        "since_same_category",
        "50",
        "impressions since, logarithm",
        volume(ago),
    );
    let follows = f32::from(u8::from(viewer.follows(video.creator)));
    put("follows", "", "1 when the viewer follows the creator", follows);
    let regions = viewer.region.map(number).zip(video.region.map(number));
    let here = regions.map_or(0.0, |(viewer, video)| if viewer == video { 0.5 } else { -0.5 });
    let text = "½ when viewer and creator are of one region, −½ when not, 0 when not known";
    put("same_region", "", text, here);
}

/// Names of a kind's features.
const NAMES: [[&str; 3]; KINDS] = [
    ["category_recent", "category_long_view", "category_skip"],
    ["hashtags_recent", "hashtags_long_view", "hashtags_skip"],
    ["creator_recent", "creator_long_view", "creator_skip"],
];
const SHOWN: &str = "such impressions, newer ones count more, logarithm";
const LONG_VIEW: &str = "long-view rate of such impressions, newer ones count more";
const LONG_VIEW_ALL: &str = "long-view rate of such impressions";
const SKIP: &str = "early-skip rate of such impressions, newer ones count more";

fn about(what: &'static str, window: &'static str, text: &'static str) -> About {
    About {
        side: Side::Pair,
        of: "alike",
        what,
        window,
        source: "sequence",
        text,
    }
}

impl Kind {
    fn add(&mut self, place: usize, seen: &Seen) {
        let memory = MEMORIES[place.min(RING_MAX - 1)];
        self.shown += memory;
        self.long_view.add(memory, seen.outcome.long_view);
        self.long_view_all.add(1.0, seen.outcome.long_view);
        if let Some(told) = seen.outcome.told {
            self.skip.add(memory, told.skip);
        }
    }
}

/// Whether two videos share a topic.
fn alike(a: &[u64], b: &[u64]) -> bool {
    a.iter().any(|topic| *topic != 0 && b.contains(topic))
}
