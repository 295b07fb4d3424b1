//! The fit against a case solved by hand and against the definition.

use proptest::prelude::*;

use super::*;
use crate::exposure::Exposure;
use crate::trails::Limits;

const NOW_MS: TimestampMs = 100 * DAY_MS;

fn trails(steps: &[(u64, u64, TimestampMs, bool)]) -> Trails {
    let mut trails = Trails::new(Limits::default());
    for &(viewer, video, at_ms, engaged) in steps {
        trails.observe(&Exposure {
            viewer,
            video,
            at_ms,
            engaged,
        });
    }
    trails
}

fn config(ridge: f32) -> Config {
    Config {
        ridge,
        ..Config::default()
    }
}

#[test]
fn two_videos_solved_by_hand() {
    // Ages are 0, so every weight is 1 or 0.3. Viewer 1 saw both and stayed for both, viewer 2 saw 10 and left.
    let trails = trails(&[
        (1, 10, NOW_MS, true),
        (1, 20, NOW_MS, true),
        (2, 10, NOW_MS, false),
    ]);
    let fit = Fit::of(&trails, &config(1.0), NOW_MS);
    assert_eq!(fit.videos(), [10, 20]);
    // XᵀX + I = [3 1; 1 2], P = [2 −1; −1 3] / 5, XᵀR = [1.3 1; 1 1].
    // P·XᵀR = [1.6 1; 1.7 2] / 5, μ = [1.6/2, 2/3]; off the diagonal: B₁₂ = (1 + 2/3)/5, B₂₁ = (1.7 + 0.8)/5.
    assert!((fit.weight(10, 20) - 1.0 / 3.0).abs() < 1e-6);
    assert!((fit.weight(20, 10) - 0.5).abs() < 1e-6);
    assert_eq!((fit.weight(10, 10), fit.weight(10, 99)), (0.0, 0.0));
    let best = fit.best(trails.of(1), 1);
    assert_eq!(best[0].video, 10);
    assert!((best[0].score - 0.5).abs() < 1e-6);
}

#[test]
fn what_nobody_was_shown_lately_is_no_candidate() {
    let trails = trails(&[
        (1, 10, NOW_MS - 11 * DAY_MS, true),
        (1, 20, NOW_MS, true),
        (2, 30, NOW_MS, false),
    ]);
    let all = Fit::of(&trails, &config(1.0), NOW_MS);
    assert_eq!(all.videos(), [20, 30]);
    let one = Fit::of(
        &trails,
        &Config {
            videos_max: 1,
            ..config(1.0)
        },
        NOW_MS,
    );
    assert_eq!(one.videos(), [20]);
    let none = Fit::of(&Trails::default(), &config(1.0), NOW_MS);
    assert!(none.best(trails.of(1), 5).is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    /// B must minimise |R − X·B|² + λ|B|² subject to a zero diagonal: off the diagonal, the gradient XᵀX·B + λB − XᵀR is zero.
    #[test]
    fn the_fit_is_the_constrained_minimum(
        steps in prop::collection::vec((0u64..12, 0u64..9, 0i64..20, any::<bool>()), 1..120),
    ) {
        let steps: Vec<_> = steps.iter().map(|&(v, i, d, e)| (v, i, NOW_MS - d * DAY_MS, e)).collect();
        let trails = trails(&steps);
        let config = Config { ridge: 3.0, idle_max_ms: 1_000 * DAY_MS, ..Config::default() };
        let fit = Fit::of(&trails, &config, NOW_MS);
        let order = fit.videos.len();
        let (mut gram, mut cross) = (vec![0.0_f64; order * order], vec![0.0_f64; order * order]);
        let mut entries = Vec::new();
        for (_, trail) in trails.iter() {
            fit.entries(trail, &config, &mut entries);
            for a in &entries {
                for b in &entries {
                    gram[a.place * order + b.place] += f64::from(a.input) * f64::from(b.input);
                    cross[a.place * order + b.place] += f64::from(a.input) * f64::from(b.target);
                }
            }
        }
        for i in 0..order {
            for j in (0..order).filter(|&j| j != i) {
                let weight = |from: usize| f64::from(fit.weights.row(from)[j]);
                let product: f64 = (0..order).map(|k| gram[i * order + k] * weight(k)).sum();
                let gradient = product + 3.0 * weight(i) - cross[i * order + j];
                prop_assert!(gradient.abs() < 1e-3, "({i}, {j}): {gradient}");
            }
        }
    }
}
