//! How soon a changed taste is served. At the switch everything that a viewer liked is gone and other topics take its place;
//! a feed has recovered for a viewer when it captures as much of what is there for them as before, up to a tolerance.
//!
//! What a run of views *captures* is `Σ (shown − mean) / Σ (best − mean)` of expected satisfied seconds among the candidates of each moment: 0 is
//! chance, 1 the oracle. A plain mean of seconds would flatter every feed, because nobody is bored with a new taste yet; here best and mean are those
//! of the same state. A single viewer's figure is noisy, and noise can only make recovery look sooner, so the mean over all viewers is followed too,
//! and a feed that learns nothing after the switch is the control.

use crate::run::{Run, View};
use crate::stats::{mean, quantile};

/// Views before the switch that make the level.
pub const LEVEL_VIEWS: usize = 40;
/// Videos after the switch that are followed.
pub const RECOVERY_VIEWS: usize = 45;
/// Videos over which a viewer's capture is taken after the switch, backwards: it never looks ahead. Nobody recovers sooner.
pub const WINDOW: usize = 10;
/// The same for the mean over all viewers, which needs less.
const MEAN_WINDOW: usize = 5;
/// Part of the level before that counts as recovered.
pub const RECOVERED: f64 = 0.8;
/// A feed that captures less than this before the switch serves no taste, and has none to recover.
pub const SERVED: f64 = 0.05;

/// Videos after the switch by which a feed that learns should differ from one that stopped learning at it, counted from 0: the sixth to the fifteenth.
pub const ADAPTING: std::ops::Range<usize> = 5..15;

/// A topic is liked above this: interests are, what one has no interest in is not.
const LIKED: f32 = 0.3;

/// Seconds that were to be captured, and were; and whether the topic was liked.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Capture {
    shown_s: f64,
    best_s: f64,
    liked: f64,
}

impl Capture {
    fn of(view: &View) -> Self {
        Self {
            shown_s: view.expected_s - view.mean_s,
            best_s: view.best_s - view.mean_s,
            liked: f64::from(u8::from(view.liking > LIKED)),
        }
    }

    fn share<'a>(captures: impl IntoIterator<Item = &'a Self>) -> f64 {
        let (mut shown_s, mut best_s) = (0.0, 0.0);
        for capture in captures {
            shown_s += capture.shown_s;
            best_s += capture.best_s;
        }
        shown_s / best_s
    }

    fn liked<'a>(captures: impl IntoIterator<Item = &'a Self>) -> f64 {
        mean(
            &captures
                .into_iter()
                .map(|capture| capture.liked)
                .collect::<Vec<_>>(),
        )
    }
}

/// See the file's header.
#[derive(Debug, Clone, PartialEq)]
pub struct Recovery {
    /// Videos until the capture of the last [`WINDOW`] was back at [`RECOVERED`] of the level before, one a viewer whom the switch met;
    /// infinite for who was not served before, or not again within [`RECOVERY_VIEWS`].
    pub videos: Vec<f64>,
    /// Capture before the switch, of all viewers together …
    pub before: f64,
    /// … and after it: of the last few videos up to each, from the first.
    pub curve: Vec<f64>,
    /// Share of liked views before the switch …
    pub liked_before: f64,
    /// … and after it, in the same way.
    pub liked: Vec<f64>,
    /// Viewers, and the share of liked views among the videos of [`ADAPTING`] of each.
    pub adapting: Vec<(u32, f64)>,
}

/// None when the world has no switch or nobody watched long enough before and after it.
pub fn recovery(run: &Run) -> Option<Recovery> {
    let switch_ms = run.world.config().taste_switch?.at_ms();
    let viewers = run.world.config().viewers as usize;
    let met: Vec<bool> = (0..viewers as u32)
        .map(|index| !run.world.viewer(index).switched_to().is_empty())
        .collect();
    let (mut before, mut after) = (vec![Vec::new(); viewers], vec![Vec::new(); viewers]);
    for view in run.views.iter().filter(|view| met[view.viewer as usize]) {
        let side = if view.shown_ms < switch_ms {
            &mut before
        } else {
            &mut after
        };
        side[view.viewer as usize].push(Capture::of(view));
    }
    let enough = |(before, after): &(&Vec<Capture>, &Vec<Capture>)| {
        before.len() >= LEVEL_VIEWS && after.len() >= RECOVERY_VIEWS
    };
    let adapting = (0..viewers as u32)
        .zip(before.iter().zip(&after))
        .filter(|(_, sides)| enough(sides))
        .map(|(viewer, (_, after))| (viewer, Capture::liked(&after[ADAPTING])))
        .collect();
    let long_enough: Vec<(&[Capture], &[Capture])> = before
        .iter()
        .zip(&after)
        .filter(enough)
        .map(|(before, after)| (&before[before.len() - LEVEL_VIEWS..], &after[..RECOVERY_VIEWS]))
        .collect();
    if long_enough.is_empty() {
        return None;
    }
    let last = |n: usize| {
        let from = (n + 1).saturating_sub(MEAN_WINDOW);
        long_enough.iter().flat_map(move |(_, after)| &after[from..=n])
    };
    let all_before = || long_enough.iter().flat_map(|(before, _)| *before);
    Some(Recovery {
        videos: long_enough
            .iter()
            .map(|(before, after)| videos_to(Capture::share(*before), after))
            .collect(),
        before: Capture::share(all_before()),
        curve: (0..RECOVERY_VIEWS).map(|n| Capture::share(last(n))).collect(),
        liked_before: Capture::liked(all_before()),
        liked: (0..RECOVERY_VIEWS).map(|n| Capture::liked(last(n))).collect(),
        adapting,
    })
}

fn videos_to(level: f64, after: &[Capture]) -> f64 {
    if level < SERVED {
        return f64::INFINITY;
    }
    let back = after
        .windows(WINDOW)
        .position(|window| Capture::share(window) >= RECOVERED * level);
    back.map_or(f64::INFINITY, |at| (at + WINDOW) as f64)
}

fn first_at(curve: &[f64], goal: f64) -> usize {
    let back = (MEAN_WINDOW - 1..curve.len()).find(|&n| curve[n] >= goal);
    back.map_or(RECOVERY_VIEWS, |n| n + 1)
}

impl Recovery {
    /// A quantile over viewers; those who never recovered count as [`RECOVERY_VIEWS`].
    pub fn quantile(&self, share: f64) -> f64 {
        quantile(&mut self.videos.clone(), share).min(RECOVERY_VIEWS as f64)
    }

    /// Share of viewers who recovered within so many videos.
    pub fn within(&self, videos: f64) -> f64 {
        self.videos.iter().filter(|taken| **taken <= videos).count() as f64 / self.videos.len() as f64
    }

    /// Liked views among [`ADAPTING`] less those of another run with the same viewers, one a viewer who is in both.
    pub fn more_liked_than(&self, other: &Self) -> Vec<f64> {
        let of_other = |viewer: u32| {
            let found = other.adapting.iter().find(|(known, _)| *known == viewer);
            found.map(|(_, share)| *share)
        };
        let pairs = self.adapting.iter().copied();
        pairs
            .filter_map(|(viewer, share)| Some(share - of_other(viewer)?))
            .collect()
    }

    /// Videos until all viewers together were back: free of the luck of single viewers. [`RECOVERY_VIEWS`] when they were not, or not served before.
    pub fn videos_of_mean(&self) -> usize {
        if self.before < SERVED {
            return RECOVERY_VIEWS;
        }
        first_at(&self.curve, RECOVERED * self.before)
    }

    /// The same for the share of liked views: until it was back at [`RECOVERED`] of what it was.
    pub fn videos_of_liked(&self) -> usize {
        first_at(&self.liked, RECOVERED * self.liked_before)
    }

    /// The least of the curve, as part of the level before: how far the switch threw the feed back.
    pub fn fall(&self) -> f64 {
        let least = self.curve[MEAN_WINDOW - 1..]
            .iter()
            .copied()
            .fold(f64::MAX, f64::min);
        least / self.before
    }

    /// Capture of the last half of what is followed.
    pub fn late(&self) -> f64 {
        mean(&self.curve[RECOVERY_VIEWS / 2..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{TasteSwitch, WorldConfig};
    use crate::policy::{Oracle, Uniform};
    use crate::run::run;
    use crate::world::World;

    #[test]
    fn the_oracle_follows_a_switch_at_once_and_chance_has_nothing_to_recover() {
        let taste_switch = Some(TasteSwitch {
            at_days: 1.0,
            share: 0.5,
        });
        let world = World::new(WorldConfig {
            taste_switch,
            ..WorldConfig::small(33)
        })
        .expect("possible");
        let oracle = recovery(&run(&world, &mut Oracle)).expect("there is a switch");
        assert_eq!(oracle.quantile(0.5), WINDOW as f64, "{oracle:?}");
        assert_eq!(oracle.videos_of_mean(), MEAN_WINDOW, "{oracle:?}");
        let uniform = recovery(&run(&world, &mut Uniform)).expect("there is a switch");
        assert!(uniform.before.abs() < SERVED, "{uniform:?}");
        assert_eq!(uniform.videos_of_mean(), RECOVERY_VIEWS);
        assert_eq!(uniform.quantile(0.75), RECOVERY_VIEWS as f64, "{uniform:?}");
    }

    #[test]
    fn a_viewer_has_recovered_when_the_window_is_back() {
        let of = |shown_s| Capture {
            shown_s,
            best_s: 1.0,
            liked: 0.0,
        };
        let after: Vec<Capture> = [of(0.0); 7].into_iter().chain([of(1.0); 38]).collect();
        // Eight of the last ten, first at the fifteenth video.
        assert_eq!(videos_to(1.0, &after), 15.0);
        assert_eq!(videos_to(0.01, &after), f64::INFINITY, "was not served before");
        assert_eq!(videos_to(0.5, &[of(0.0); 45]), f64::INFINITY);
    }
}
