//! What operators ask of the feed: boosts, pins, and the weights of the value model. A value that is swapped as a whole; whoever makes a page takes the one of
//! that moment. Who may ask, and how long, is not decided here.

use std::sync::Arc;

use feature::Registry;
use feature_store::VideoProfile;
use parking_lot::RwLock;
use ranking::Value;
use types::{Region, Target, TimestampMs, VideoId};

/// All boosts of a video together, at least and at most.
const FACTOR_RANGE: std::ops::RangeInclusive<f32> = 0.1..=5.0;

/// Videos of a target are worth more, or less.
#[derive(Debug, Clone, PartialEq)]
pub struct Boost {
    pub target: Target,
    /// For viewers of this region alone.
    pub region: Option<Region>,
    /// What a value is multiplied by.
    pub factor: f32,
    pub until_ms: TimestampMs,
}

/// One video that comes first for everybody who has not seen it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    pub video: VideoId,
    /// For viewers of this region alone.
    pub region: Option<Region>,
    /// Viewers can read it.
    pub reason: Arc<str>,
    pub until_ms: TimestampMs,
}

/// All of it, as of one moment.
#[derive(Debug)]
pub struct Steering {
    boosts: Vec<Boost>,
    pins: Vec<Pin>,
    value: Value,
}

impl Steering {
    /// `weights` replace the built-in ones of their heads; heads that the model does not have count nothing.
    pub fn new(boosts: Vec<Boost>, pins: Vec<Pin>, weights: &[(&str, f32)]) -> Self {
        Self {
            boosts,
            pins,
            value: Value::with(&ranking::schema(&Registry::new()), weights),
        }
    }

    /// What the value of a video is multiplied by for a viewer in `region`: the product of all boosts in force, within bounds.
    pub(crate) fn factor(&self, video: &VideoProfile, region: Option<Region>, now_ms: TimestampMs) -> f32 {
        let in_force =
            |boost: &&Boost| boost.until_ms > now_ms && (boost.region.is_none() || boost.region == region);
        let meant = self
            .boosts
            .iter()
            .filter(in_force)
            .filter(|boost| means(&boost.target, video));
        let factor: f32 = meant.map(|boost| boost.factor).product();
        factor.clamp(*FACTOR_RANGE.start(), *FACTOR_RANGE.end())
    }

    /// Whether anything is boosted or held back.
    pub(crate) fn boosts_any(&self) -> bool {
        !self.boosts.is_empty()
    }

    /// The pins in force for a viewer in `region`, the newest order first.
    pub(crate) fn pins(&self, region: Option<Region>, now_ms: TimestampMs) -> impl Iterator<Item = &Pin> {
        self.pins
            .iter()
            .filter(move |pin| pin.until_ms > now_ms && (pin.region.is_none() || pin.region == region))
    }

    /// What the model's answers count.
    pub(crate) fn value(&self) -> &Value {
        &self.value
    }
}

impl Default for Steering {
    fn default() -> Self {
        Self::new(Vec::new(), Vec::new(), &[])
    }
}

fn means(target: &Target, video: &VideoProfile) -> bool {
    match target {
        Target::Video(id) => video.video == *id,
        Target::Creator(id) => video.creator == *id,
        Target::Sound(id) => video.sound == Some(*id),
        Target::Category(category) => video.category == Some(*category),
        Target::Hashtag(tag) => video.hashtags.contains(tag),
    }
}

/// The steering in force. A clone is a handle to the same.
#[derive(Debug, Clone, Default)]
pub struct SteeringHandle(Arc<RwLock<Arc<Steering>>>);

impl SteeringHandle {
    /// Replaces everything; the next page follows it.
    pub fn set(&self, steering: Steering) {
        metrics::gauge!("riffle_feed_orders", "kind" => "boost").set(steering.boosts.len() as f64);
        metrics::gauge!("riffle_feed_orders", "kind" => "pin").set(steering.pins.len() as f64);
        *self.0.write() = Arc::new(steering);
    }

    pub(crate) fn get(&self) -> Arc<Steering> {
        self.0.read().clone()
    }
}

/// The built-in weights of the value model, by head.
pub fn value_weights() -> Vec<(&'static str, f32)> {
    ranking::WEIGHTS.to_vec()
}

#[cfg(test)]
mod tests {
    use types::{Category, SoundId, UserId};

    use super::*;

    fn video() -> VideoProfile {
        VideoProfile {
            video: VideoId::from_raw(1),
            creator: UserId::from_raw(2),
            published_ms: 0,
            duration_ms: 10_000,
            hashtags: vec![Arc::from("sea")],
            sound: Some(SoundId::from_raw(3)),
            category: Some(Category::Travel),
            region: None,
            content: None,
            original: None,
            caption: Arc::from(""),
        }
    }

    #[test]
    fn boosts_multiply_where_and_while_they_are_in_force() {
        let brazil = Region::from_bytes(*b"BR");
        let boost = |target: &str, factor: f32| Boost {
            target: target.parse().expect("a target"),
            region: None,
            factor,
            until_ms: 100,
        };
        let sea = boost("hashtag:sea", 2.0);
        let check = |boosts: &[Boost], region: Option<Region>, now_ms: i64, expect: f32| {
            let steering = Steering::new(boosts.to_vec(), vec![], &[]);
            assert_eq!(steering.factor(&video(), region, now_ms), expect, "{boosts:?}");
        };
        check(&[], None, 0, 1.0);
        check(std::slice::from_ref(&sea), None, 99, 2.0);
        check(std::slice::from_ref(&sea), None, 100, 1.0);
        check(&[sea.clone(), boost("category:travel", 1.5)], None, 0, 3.0);
        check(&[sea.clone(), boost("hashtag:mountain", 4.0)], None, 0, 2.0);
        check(&[sea.clone(), sea.clone(), sea.clone()], None, 0, 5.0);
        check(
            &[boost(&format!("creator:{}", UserId::from_raw(2)), 0.5)],
            None,
            0,
            0.5,
        );
        check(
            &[boost(&format!("sound:{}", SoundId::from_raw(3)), 0.05)],
            None,
            0,
            0.1,
        );
        check(
            &[boost(&format!("video:{}", VideoId::from_raw(1)), 1.25)],
            None,
            0,
            1.25,
        );
        let regional = Boost {
            region: brazil,
            ..sea
        };
        check(std::slice::from_ref(&regional), None, 0, 1.0);
        check(&[regional], brazil, 0, 2.0);
    }

    #[test]
    fn pins_are_for_their_region_until_they_end() {
        let pin = |video: u64, region: Option<Region>| Pin {
            video: VideoId::from_raw(video),
            region,
            reason: Arc::from("storm warning"),
            until_ms: 10 * video as i64,
        };
        let brazil = Region::from_bytes(*b"BR");
        let steering = Steering::new(vec![], vec![pin(1, None), pin(2, brazil), pin(3, None)], &[]);
        let shown = |region, now_ms| -> Vec<u64> {
            steering.pins(region, now_ms).map(|pin| pin.video.raw()).collect()
        };
        assert_eq!(shown(brazil, 0), [1, 2, 3]);
        assert_eq!(shown(None, 9), [1, 3]);
        assert_eq!(shown(brazil, 20), [3]);
    }
}
