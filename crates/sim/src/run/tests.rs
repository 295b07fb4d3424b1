//! The loop keeps its contracts whatever the policy, and brackets policies as it must.

use super::*;
use crate::config::WorldConfig;
use crate::policy::{Oracle, Popularity, Uniform, best};

fn world(seed: u64) -> World {
    World::new(WorldConfig::small(seed)).expect("possible")
}

#[test]
fn a_run_is_a_function_of_world_and_policy() {
    let [a, b, c] = [1, 1, 2].map(|seed| run(&world(seed), &mut Uniform).views);
    assert!(a.len() > 1000, "{} views", a.len());
    assert_eq!(a, b);
    assert_ne!(a[..100], c[..100]);
}

#[test]
fn nobody_sees_a_video_twice_or_before_it_is_born_or_when_it_is_old() {
    let ran = run(&world(3), &mut Popularity::default());
    let mut seen = HashSet::new();
    for view in &ran.views {
        let age_ms = view.shown_ms - ran.video(view).shown.born_ms;
        assert!((0..=5 * DAY_MS).contains(&age_ms), "{age_ms}");
        assert!(seen.insert((view.viewer, view.video)));
        assert!(view.expected_s <= view.best_s + 1e-12);
    }
}

#[test]
fn the_oracle_is_never_beaten_at_a_step_and_pays_over_a_life() {
    let world = world(4);
    let runs = [
        &mut Oracle as &mut dyn Policy,
        &mut Popularity::default(),
        &mut Uniform,
    ]
    .map(|policy| run(&world, policy));
    assert!(runs[0].views.iter().all(|view| view.expected_s == view.best_s));
    let per_view =
        |ran: &Run| ran.views.iter().map(|view| view.drawn.value_s).sum::<f64>() / ran.views.len() as f64;
    let [oracle, popular, uniform] = [0, 1, 2].map(|index| per_view(&runs[index]));
    assert!(oracle > 1.5 * popular, "{oracle} against {popular}");
    assert!(popular > 1.1 * uniform, "{popular} against {uniform}");
    assert!(
        runs[0].views.len() > runs[2].views.len(),
        "a good feed is watched longer"
    );
}

/// The first choice of everybody is made in the same state: same candidates, and the same luck with the same video.
#[test]
fn policies_share_their_luck() {
    let world = world(5);
    let [a, b] = [&mut Oracle as &mut dyn Policy, &mut Uniform].map(|policy| {
        let mut first = std::collections::HashMap::new();
        for view in run(&world, policy).views {
            first.entry(view.viewer).or_insert(view);
        }
        first
    });
    let mut same = 0;
    for (viewer, view) in &a {
        let other = &b[viewer];
        assert_eq!(
            (view.shown_ms, view.best_s, view.mean_s),
            (other.shown_ms, other.best_s, other.mean_s)
        );
        if view.video == other.video {
            same += 1;
            assert_eq!(view.drawn, other.drawn);
        }
    }
    assert!(a.len() > 50 && same < a.len());
}

/// A slate is judged at the moment each of its videos is shown.
#[test]
fn a_longer_slate_is_older_when_it_is_shown() {
    let regret = |slate| {
        let world = World::new(WorldConfig {
            slate,
            ..WorldConfig::small(6)
        })
        .expect("possible");
        let ran = run(&world, &mut Oracle);
        ran.views
            .iter()
            .map(|view| view.best_s - view.expected_s)
            .sum::<f64>()
            / ran.views.len() as f64
    };
    let (one, ten) = (regret(1), regret(10));
    assert_eq!(one, 0.0);
    assert!(ten > 0.05, "{ten}");
}

/// Notes what it is told, to check that the loop tells it in order.
#[derive(Default)]
struct Witness {
    published: u32,
    ended_ms: i64,
    observed: usize,
    chosen: usize,
}

impl Policy for Witness {
    fn name(&self) -> String {
        "witness".to_owned()
    }

    fn publish(&mut self, video: &Shown) {
        assert_eq!(video.index, self.published);
        self.published += 1;
    }

    fn choose(
        &mut self,
        context: &Context<'_>,
        candidates: &[&Shown],
        _: Truth<'_>,
        places: usize,
        _: &mut Draws,
    ) -> Vec<Pick> {
        assert!(context.now_ms >= self.ended_ms);
        assert!(candidates.iter().all(|video| video.index < self.published));
        self.chosen += 1;
        best(&vec![0.0; candidates.len()], places)
    }

    fn observe(&mut self, feedback: &Feedback<'_>) {
        assert!(feedback.ended_ms >= self.ended_ms);
        assert_eq!(feedback.ended_ms - feedback.shown_ms, feedback.outcome.watch_ms);
        self.ended_ms = feedback.ended_ms;
        self.observed += 1;
    }
}

#[test]
fn a_policy_is_told_everything_in_order() {
    let mut witness = Witness::default();
    let ran = run(&world(7), &mut witness);
    assert_eq!(witness.observed, ran.views.len());
    assert!(witness.chosen >= witness.observed && witness.chosen <= witness.observed + 80);
}
