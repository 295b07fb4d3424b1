//! What the model learns from the small world.

use super::fixture::{Owned, impression, learn, model};
use crate::{ExampleKind, Predictions, RowRef};

const LIKE: usize = 3;
const WARM: u64 = 12_000;

/// Mean absolute distance of the answers to the truth, for impressions it has not seen.
fn error(model: &crate::Model, answer: impl Fn(&Predictions, usize, &Owned) -> f32) -> f32 {
    let fresh: Vec<Owned> = (1_000_000..1_001_000).map(impression).collect();
    let rows: Vec<RowRef<'_>> = fresh.iter().map(Owned::row).collect();
    let mut out = Predictions::default();
    model.predict(&rows, &mut out);
    let errors = fresh
        .iter()
        .enumerate()
        .map(|(row, owned)| answer(&out, row, owned).abs());
    errors.sum::<f32>() / fresh.len() as f32
}

#[test]
fn likes_of_pairs_are_learned_and_calibrated() {
    let mut model = model();
    let like = |out: &Predictions, row: usize, owned: &Owned| out.p(row, LIKE) - owned.like;
    assert!(error(&model, like) > 0.25, "nothing is known at the start");
    learn(&mut model, 0, WARM, 7, "like");
    let after = error(&model, like);
    assert!(after < 0.09, "the mean error is {after}");
    let bias = |out: &Predictions, row: usize, owned: &Owned| out.p(row, LIKE) - owned.like;
    let fresh: Vec<Owned> = (2_000_000..2_002_000).map(impression).collect();
    let rows: Vec<RowRef<'_>> = fresh.iter().map(Owned::row).collect();
    let mut out = Predictions::default();
    model.predict(&rows, &mut out);
    let sum: f32 = fresh
        .iter()
        .enumerate()
        .map(|(row, owned)| bias(&out, row, owned))
        .sum();
    assert!((sum / 2000.0).abs() < 0.03, "the mean is off by {}", sum / 2000.0);
}

#[test]
fn watch_time_is_restored() {
    let mut model = model();
    learn(&mut model, 0, WARM, 16, "like");
    let expected = |like: f32| 10.0 * (0.3 + 0.7 * like);
    let after = error(&model, |out, row, owned| out.watch_s(row) - expected(owned.like));
    assert!(after < 1.2, "the mean error is {after} s");
    let quantile = error(&model, |out, row, _| out.watch_quantile(row) - 0.5);
    assert!(quantile < 0.25, "quantiles are {quantile} from the middle");
}

#[test]
fn rare_and_unknown_heads_stay_near_their_rates() {
    let mut model = model();
    learn(&mut model, 0, WARM, 16, "like");
    let share = error(&model, |out, row, _| out.p(row, 4) - 0.05);
    assert!(share < 0.03, "{share}");
    let comment = error(&model, |out, row, _| out.p(row, 5) - 0.5);
    assert!(comment < 0.12, "a head without labels was moved by {comment}");
}

/// Targets of a single head.
fn only_like(target: f32) -> Vec<f32> {
    let mut targets = vec![f32::NAN; 9];
    targets[LIKE] = target;
    targets
}

/// An impression of which nothing is known but whether it was liked.
fn liked(target: f32, kind: ExampleKind) -> Owned {
    Owned {
        watch: None,
        targets: only_like(target),
        kind,
        ..impression(5)
    }
}

/// (p − 0) + (0 − 1) = p − 1: on the same parameters a no and its correction are the like, to the last rounding.
#[test]
fn a_no_and_its_correction_in_one_batch_are_the_like() {
    let mut at_once = model();
    let mut corrected = model();
    learn(&mut at_once, 0, 2000, 16, "like");
    learn(&mut corrected, 0, 2000, 16, "like");
    let yes = liked(1.0, ExampleKind::Outcome);
    let no = liked(0.0, ExampleKind::Outcome);
    let correction = liked(1.0, ExampleKind::Delta);
    // Without weight: the same ids once more and the same length of the batch, but no gradient.
    let mut silent = yes.example();
    silent.weight = 0.0;
    let mut out = Predictions::default();
    let mut answer = |model: &crate::Model| {
        model.predict(&[yes.row()], &mut out);
        out.logit(0, LIKE)
    };
    let before = answer(&at_once);
    let mut ignored = Predictions::default();
    at_once.learn(&[yes.example(), silent], &mut ignored);
    corrected.learn(&[no.example(), correction.example()], &mut ignored);
    at_once.flush();
    corrected.flush();
    let (a, b) = (answer(&at_once), answer(&corrected));
    assert!(a > before, "a like moved {before} to {a}");
    assert!((a - b).abs() < 1e-5, "{a} at once, {b} corrected");
}

/// Between a no and its correction the parameters move, and steps are scaled by what was seen before; what is left of the no
/// must stay a small part of what it did.
#[test]
fn a_late_like_takes_the_no_back() {
    let [mut at_once, mut late, mut never] = [(); 3].map(|()| model());
    for model in [&mut at_once, &mut late, &mut never] {
        learn(model, 0, 2000, 16, "like");
    }
    let yes = liked(1.0, ExampleKind::Outcome);
    let no = liked(0.0, ExampleKind::Outcome);
    let correction = liked(1.0, ExampleKind::Delta);
    let mut out = Predictions::default();
    for _ in 0..20 {
        at_once.learn(&[yes.example()], &mut out);
        never.learn(&[no.example()], &mut out);
        late.learn(&[no.example()], &mut out);
        late.learn(&[correction.example()], &mut out);
    }
    let mut answer = |model: &crate::Model| {
        model.predict(&[yes.row()], &mut out);
        out.logit(0, LIKE)
    };
    let [a, b, n] = [&at_once, &late, &never].map(&mut answer);
    assert!(a > n + 0.5, "twenty likes and twenty noes differ: {a}, {n}");
    let left = (a - b) / (a - n);
    assert!(
        left.abs() < 0.1,
        "{left} of the no is left: {a} at once, {b} late, {n} never"
    );
}

#[test]
fn a_weight_of_zero_teaches_nothing_about_heads() {
    let mut model = model();
    learn(&mut model, 0, 500, 16, "like");
    let owned = impression(7);
    let mut out = Predictions::default();
    model.flush();
    model.predict(&[owned.row()], &mut out);
    let before = out.logit(0, LIKE);
    let mut example = owned.example();
    example.weight = 0.0;
    model.learn(&[example], &mut out);
    model.predict(&[owned.row()], &mut out);
    // The pull of rows towards zero is all that is left.
    assert!((out.logit(0, LIKE) - before).abs() < 1e-3);
}
