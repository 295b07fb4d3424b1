//! The viewer's last impressions beside a candidate: what became of those that are like it. What does not depend on the candidate is read once a
//! request and kept in flat lists, newest first.

use super::Sink;
use super::sequence::{MEMORIES, Pen, Tally, log_duration, newest};
use super::volume;
use crate::counter::log_odds;
use crate::entity::length_group;
use crate::facts::{Context, VideoFacts};
use crate::registry::Side;
use crate::ring::{RING_MAX, Ring};

/// How fast likeness falls with the logarithm of the ratio of two durations.
const LENGTH_STEEPNESS: f32 = 3.0;
/// How much an impression on another surface counts.
const ELSEWHERE: f32 = 0.4;
/// Groups of lengths: the unknown one and 18.
const GROUPS: usize = 19;

/// One impression of the ring.
#[derive(Debug, Clone, Copy)]
struct Past {
    video: u64,
    creator: u64,
    topic: u64,
    log_duration: f32,
    /// What it weighs by its age alone, and by its surface too.
    memory: f32,
    here: bool,
    long_view: bool,
}

/// Where something was met last, and what became of it.
#[derive(Debug, Clone, Copy)]
struct Last {
    ago: f32,
    /// ±½, 0 when it never was.
    outcome: f32,
}

impl Last {
    const NEVER: Self = Self {
        ago: RING_MAX as f32,
        outcome: 0.0,
    };

    fn of(at: usize, long_view: bool) -> Self {
        Self {
            ago: at as f32,
            outcome: if long_view { 0.5 } else { -0.5 },
        }
    }
}

/// See the file's header.
#[derive(Debug)]
pub(super) struct Recent {
    past: Vec<Past>,
    /// The viewer's own long-view rate and its log-odds.
    own: (f32, f32),
    /// Long views on this surface.
    surface: f32,
    same_surface: Last,
    same_length: [Last; GROUPS],
}

impl Recent {
    pub(super) fn new(ring: Option<&Ring>, context: &Context, own: f32) -> Self {
        let own = (own, log_odds(own));
        let (mut tally, mut same_surface) = (Tally::default(), None);
        let mut same_length = [const { None }; GROUPS];
        let mut past = Vec::with_capacity(RING_MAX);
        for (at, seen) in newest(ring).enumerate() {
            let long_view = seen.outcome.long_view;
            let memory = MEMORIES[at.min(RING_MAX - 1)];
            let here = seen.surface.is_some() && seen.surface == context.surface;
            if here {
                tally.add(memory, long_view);
                same_surface.get_or_insert(Last::of(at, long_view));
            }
            let group = length_group(i64::from(seen.duration_ms)) as usize;
            same_length[group.min(GROUPS - 1)].get_or_insert(Last::of(at, long_view));
            past.push(Past {
                video: seen.video,
                creator: seen.creator,
                topic: seen.topics[0],
                log_duration: log_duration(i64::from(seen.duration_ms)),
                memory,
                here,
                long_view,
            });
        }
        Self {
            past,
            surface: tally.lift_above(own.0, own.1),
            own,
            same_surface: same_surface.unwrap_or(Last::NEVER),
            same_length: same_length.map(|last| last.unwrap_or(Last::NEVER)),
        }
    }

    /// Writes what the viewer's sequence says about this candidate.
    pub(super) fn pair(&self, out: &mut impl Sink, video: &VideoFacts) {
        let side = Side::Pair;
        let mut pen = Pen { out, side };
        self.last_same(&mut pen, video);
        let mut tallies: [Tally; 3] = Default::default();
        let mut shares = [0.0; 2];
        let length = log_duration(video.duration_ms);
        for past in &self.past {
            let yes = past.long_view;
            let likeness = (-(past.log_duration - length).abs() * LENGTH_STEEPNESS).exp();
            tallies[0].add(likeness, yes);
            tallies[1].add(
                likeness * past.memory * if past.here { 1.0 } else { ELSEWHERE },
                yes,
            );
            if past.topic == video.topics[0] && past.topic != 0 {
                tallies[2].add(past.memory, yes);
                shares[0] += 1.0;
            }
            if past.creator == video.creator.raw() {
                shares[1] += 1.0;
            }
        }
        let [all, recent, topic] = tallies.map(|tally| tally.lift_above(self.own.0, self.own.1));
        let text = "long-view rate of videos of like length";
        pen.put("length_long_view", "50", text, all);
        let text = "the same, newer ones and this surface count more";
        pen.put("length_long_view_recent", "10", text, recent);
        let text = "long-view rate on this surface, newer ones count more";
        pen.put("surface_long_view", "10", text, self.surface);
        let text = "long-view rate of this topic, newer ones count more";
        pen.put("topic_long_view", "10", text, topic);
        let text = "impressions of this topic, logarithm";
        pen.put("topic_shown", "50", text, volume(shares[0]));
        let text = "impressions of this creator, logarithm";
        pen.put("creator_shown", "50", text, volume(shares[1]));
    }

    /// The last impression that had something in common with the candidate: what became of it, and how long ago.
    fn last_same(&self, pen: &mut Pen<'_, impl Sink>, video: &VideoFacts) {
        let find = |is_same: &dyn Fn(&Past) -> bool| match self.past.iter().position(is_same) {
            Some(at) => Last::of(at, self.past[at].long_view),
            None => Last::NEVER,
        };
        let (creator, topic) = (video.creator.raw(), video.topics[0]);
        let group = length_group(video.duration_ms) as usize;
        let same = [
            (
                "last_same_creator",
                "since_same_creator",
                find(&|past| past.creator == creator),
            ),
            (
                "last_same_topic",
                "since_same_topic",
                find(&|past| past.topic == topic && topic != 0),
            ),
            ("last_same_surface", "since_same_surface", self.same_surface),
            (
                "last_same_length",
                "since_same_length",
                self.same_length[group.min(GROUPS - 1)],
            ),
            (
                "last_same_video",
                "since_same_video",
                find(&|past| past.video == video.video.raw()),
            ),
        ];
        for (last, since, Last { ago, outcome }) in same {
            let text = "outcome of the last such impression: ±½, 0 when none";
            pen.put(last, "50", text, outcome);
            pen.put(since, "50", "impressions since, logarithm", volume(ago));
        }
    }
}
