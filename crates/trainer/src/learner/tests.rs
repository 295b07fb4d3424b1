//! What is learned, what is not, and that it can be learned again.

use std::collections::HashMap;

use event::{Label, Labels};
use proptest::prelude::*;

use super::*;
use crate::fixture;

pub(crate) fn placed(i: u64) -> Placed {
    Placed {
        partition: 0,
        offset: i,
        at_ms: fixture::at_ms(i),
        example: fixture::example(i),
    }
}

fn learner() -> Learner {
    Learner::new(&fixture::parts()).expect("the parts fit")
}

fn examples(range: std::ops::Range<u64>) -> Vec<Placed> {
    range.map(placed).collect()
}

#[test]
fn it_learns_the_small_world() {
    let mut learner = learner();
    learner.learn(&examples(0..36_000));
    let figures: HashMap<&str, HeadFigures> = learner.figures().collect();
    let complete = figures["complete"];
    assert!(complete.auc > 0.6, "{complete:?}");
    assert!((0.9..1.1).contains(&complete.calibration), "{complete:?}");
    let tally = learner.tally();
    assert_eq!(
        tally.read,
        tally.outcomes + tally.deltas + tally.silent + tally.excluded + tally.broken
    );
    assert_eq!((tally.read, tally.deltas, tally.silent), (36_000, 3_600, 1_200));
}

#[test]
fn a_late_like_moves_the_answer_up_and_an_unlike_down() {
    for (yes, direction) in [(true, 1.0), (false, -1.0)] {
        let mut learner = learner();
        learner.learn(&examples(0..3_000));
        let mut late = placed(9);
        late.example.yes = if yes {
            Labels::of(Label::Like)
        } else {
            Labels::default()
        };
        let answer = |learner: &Learner| {
            let (mut out, mut dense) = (Predictions::default(), Vec::new());
            learner.shape.dense(&late.example.item, &mut dense);
            let row = RowRef {
                ids: &late.example.item.ids,
                dense: &dense,
                duration_s: 0.0,
            };
            learner.model.predict(&[row], &mut out);
            out.logit(0, 3)
        };
        let before = answer(&learner);
        learner.learn(std::slice::from_ref(&late));
        let moved = answer(&learner) - before;
        assert!(moved * direction > 0.0, "{yes}: {moved}");
    }
}

#[test]
fn nobody_without_trust_teaches() {
    let (mut with, mut without) = (learner(), learner());
    assert!(with.trust_set(99, 0.0));
    assert!(without.trust_set(99, 0.0));
    let mut probe = placed(1);
    probe.example.viewer = types::ViewerId::from_raw(99);
    with.learn(&[placed(0), probe, placed(2)]);
    without.learn(&[placed(0), placed(2)]);
    assert_eq!(with.tally().excluded, 1);
    assert_eq!(with.model.state_hash(), without.model.state_hash());
}

#[test]
fn what_cannot_be_true_is_left_out() {
    let mut learner = learner();
    let mut backwards = placed(0);
    backwards.example.watch.as_mut().expect("watched").watch_ms = -1;
    let mut endless = placed(1);
    endless.example.item.features = vec![(0, f32::INFINITY)];
    let mut newer = placed(2);
    newer.example.item.features.push((77, 1.0));
    let mut unscored = placed(3);
    unscored.example.item.ids.clear();
    learner.learn(&[backwards, endless, newer, unscored]);
    let tally = learner.tally();
    assert_eq!(tally.silent, 1);
    assert_eq!((tally.broken, tally.strange_features, tally.outcomes), (2, 1, 1));
}

#[test]
fn the_brake_keeps_the_version() {
    let mut learner = learner();
    learner.learn(&examples(0..500));
    assert!(learner.publish());
    learner.guard.note(0, f64::INFINITY);
    assert!(!learner.publish());
    assert_eq!(learner.model.published().pin().number, 1);
    assert_eq!(learner.guard(), (true, 1));
}

#[test]
fn a_flood_of_one_viewer_teaches_as_much_as_its_budget() {
    let mut flooded = learner();
    let flood: Vec<Placed> = examples(0..3_000)
        .into_iter()
        .map(|mut placed| {
            placed.example.viewer = types::ViewerId::from_raw(7);
            placed.at_ms = fixture::START_MS;
            placed
        })
        .collect();
    flooded.learn(&flood);
    let tally = flooded.tally();
    let burst = fixture::parts().settings.actors.burst as u64;
    assert_eq!(tally.capped, tally.outcomes - burst, "{tally:?}");
    let mut honest = learner();
    honest.learn(&examples(0..3_000));
    assert_eq!(honest.tally().capped, 0);
}

#[test]
fn a_world_upside_down_pulls_the_brake_and_the_usual_one_releases_it() {
    let mut parts = fixture::parts();
    parts.settings.guard = GuardConfig {
        seconds: 5,
        slices_min: 20,
        ..GuardConfig::default()
    };
    let mut learner = Learner::new(&parts).expect("the parts fit");
    let upside_down = |i: u64| {
        let mut placed = placed(i);
        if let Some(watch) = &mut placed.example.watch {
            watch.ended = true;
        }
        placed.example.yes = Labels::ALL;
        placed
    };
    let mut published = Vec::new();
    for from in (0..15_000).step_by(50) {
        let bad = (6_000..7_000).contains(&from);
        let make = |i| if bad { upside_down(i) } else { placed(i) };
        learner.learn(&(from..from + 50).map(make).collect::<Vec<_>>());
        published.push((from, learner.publish()));
    }
    let held: Vec<u64> = published
        .iter()
        .filter(|(_, did)| !did)
        .map(|(from, _)| *from)
        .collect();
    let (first, last) = (held.first().copied(), held.last().copied());
    // 50 examples a second: five bad seconds are 250 examples.
    assert!(
        first.is_some_and(|first| (6_200..6_500).contains(&first)),
        "{first:?}"
    );
    assert!(last.is_some_and(|last| last < 14_000), "{last:?}");
    assert_eq!(learner.guard(), (false, 1));
}

#[test]
fn a_restored_learner_shows_the_version_that_readers_had() {
    let mut learner = learner();
    learner.learn(&examples(0..500));
    learner.publish();
    learner.learn(&examples(500..900));
    learner.guard.note(0, f64::INFINITY);
    assert!(!learner.publish(), "the brake is on");
    let shown = learner.model.published().pin();
    let mut chunks = HashMap::new();
    let taken = learner.snapshot(|id, bytes| {
        chunks.insert(*id, bytes.to_vec());
        Ok(())
    });
    let (manifest, own) = taken.expect("memory takes it");
    let back = Learner::restore(&fixture::parts(), &manifest, &own, |id| Ok(chunks[id].clone()));
    let back = back.expect("restores");
    assert_eq!(back.model.published().pin().encode(), shown.encode());
    assert_eq!(back.guard(), (true, 1));
}

#[test]
fn another_schema_or_seed_is_another_learner() {
    let parts = fixture::parts();
    let mut seed = parts.clone();
    seed.seed += 1;
    let mut config = parts.clone();
    config.config.dense_batch += 1;
    let mut shape = parts.clone();
    shape.shape.dense_defaults[0] = 1.0;
    let all = [&parts, &seed, &config, &shape].map(LearnerParts::fingerprint);
    let different: std::collections::HashSet<u64> = all.into_iter().collect();
    assert_eq!(different.len(), 4);
    assert_eq!(fixture::parts().fingerprint(), parts.fingerprint());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn a_restored_learner_goes_on_to_the_same_bytes(cuts in proptest::collection::vec(1u64..300, 1..6), at in 0usize..6) {
        let mut whole = learner();
        let mut other = learner();
        let mut next = 0;
        for (number, cut) in cuts.iter().enumerate() {
            let part = examples(next..next + cut);
            next += cut;
            whole.learn(&part);
            other.learn(&part);
            prop_assert_eq!(whole.publish(), other.publish());
            if number == at {
                let mut chunks = HashMap::new();
                let (manifest, own) = other.snapshot(|id, bytes| {
                    chunks.insert(*id, bytes.to_vec());
                    Ok(())
                }).expect("memory takes it");
                other = Learner::restore(&fixture::parts(), &manifest, &own, |id| Ok(chunks[id].clone()))
                    .expect("restores");
            }
        }
        prop_assert_eq!(whole.state_hash(), other.state_hash());
        prop_assert_eq!(whole.tally(), other.tally());
    }
}
