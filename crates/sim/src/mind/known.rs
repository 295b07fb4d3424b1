//! A viewer's interest in a video as somebody judges it who lacks some of what the world knows, so that what a piece of knowledge is worth can be
//! measured. What is lacking is replaced by what is likely of it.

use crate::mind::{Mind, load_of};
use crate::outcome::Inputs;
use crate::world::World;
use crate::{catalogue, catalogue::Video};

/// Share of the videos in which somebody speaks, and what a foreign language costs there.
const SPOKEN: f64 = 0.45;
const FOREIGN: f64 = 1.2;

/// What somebody knows of people and videos.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// All that there is to know.
    Everything,
    /// All about people at every moment; of a video its topics as hashtags and category tell them, and not whether somebody speaks.
    VideosAsSeen,
    /// The same of videos; of people their tastes, but not what they are in the mood for or have had enough of, nor what is in fashion.
    TastesAlone,
}

impl Mind {
    /// [`Mind::inputs`] as judged by somebody.
    pub(crate) fn inputs_as(&self, known: Known, world: &World, video: &Video, now_ms: i64) -> Inputs {
        let mut inputs = self.inputs(world, video, now_ms);
        if known == Known::Everything {
            return inputs;
        }
        let seen = catalogue::topics_seen(&video.shown, world.config().topics);
        let lists = |video: &Video, seen: &[(u16, f32)]| [video.topics.to_vec(), seen.to_vec()];
        let [true_bored, seen_bored] = lists(video, &seen).map(|topics| self.bored(video, &topics));
        let [true_liking, seen_liking] = lists(video, &seen).map(|topics| 3.0 * self.likes(&topics, false));
        let foreign = video.shown.language != self.viewer.language;
        let words = f64::from(u8::from(foreign)) * FOREIGN * (f64::from(u8::from(video.spoken)) - SPOKEN);
        inputs.interest += seen_liking - true_liking + true_bored - seen_bored + words;
        if known == Known::TastesAlone {
            let steady = 3.0 * self.likes(&seen, true);
            let fashion =
                world.topic_lift(video.topics[0].0, now_ms) + world.sound_lift(video.shown.sound, now_ms);
            inputs.interest += steady - seen_liking + seen_bored - fashion;
        }
        inputs
    }

    /// Liking of these topics; the steady one is that without the mood of the visit.
    fn likes(&self, topics: &[(u16, f32)], steady: bool) -> f64 {
        let liking = |topic: u16| {
            let liking = self.taste[usize::from(topic)];
            match (steady, self.mood.contains(&topic)) {
                (true, true) => liking - 0.25,
                // Only interests are so strong.
                (true, false) if liking > 0.2 => liking + 0.1,
                _ => liking,
            }
        };
        let part = |(topic, weight): &(u16, f32)| f64::from(weight * liking(*topic));
        topics.iter().map(part).sum()
    }

    /// How much these topics, the creator and the sound have been seen lately, in log-odds.
    fn bored(&self, video: &Video, topics: &[(u16, f32)]) -> f64 {
        let part = |(topic, weight): &(u16, f32)| f64::from(weight * self.topic_load[usize::from(*topic)]);
        let load: f64 = topics.iter().map(part).sum();
        (0.3 * load).min(3.0)
            + 0.5 * f64::from(load_of(&self.creator_load, video.shown.creator))
            + 0.3 * f64::from(load_of(&self.sound_load, video.shown.sound))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{START_MS, WorldConfig};

    #[test]
    fn what_is_lacking_is_right_on_average_only() {
        let world = World::new(WorldConfig::small(21)).expect("possible");
        let (mut sums, mut squares, mut count) = ([0.0; 2], [0.0; 2], 0.0);
        for index in 0..40 {
            let mut mind = Mind::new(&world, index);
            mind.begin_session(&world, START_MS);
            mind.settle(&world, START_MS);
            for video in (0..200).map(|index| world.video(index)) {
                let interest = |known| mind.inputs_as(known, &world, &video, START_MS).interest;
                let truth = mind.inputs(&world, &video, START_MS).interest;
                assert_eq!(interest(Known::Everything), truth);
                for (at, known) in [Known::VideosAsSeen, Known::TastesAlone].into_iter().enumerate() {
                    let off = interest(known) - truth;
                    sums[at] += off;
                    squares[at] += off * off;
                }
                count += 1.0;
            }
        }
        let [seen, alone] = squares.map(|sum: f64| (sum / count).sqrt());
        assert!(0.2 < seen && seen < alone, "{seen} and {alone}");
        for sum in sums {
            assert!((sum / count).abs() < 0.4 * seen, "{}", sum / count);
        }
    }
}
