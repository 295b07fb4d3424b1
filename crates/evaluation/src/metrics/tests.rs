//! The measures against their definitions, pair by pair.

use proptest::prelude::*;

use super::*;

/// The definition: the share of (positive, negative) pairs in the right order, ties one half.
fn auc_by_pairs(scores: &[f32], labels: &[bool]) -> Option<f64> {
    let (mut won, mut pairs) = (0.0, 0.0);
    for (&a, _) in scores.iter().zip(labels).filter(|(_, label)| **label) {
        for (&b, _) in scores.iter().zip(labels).filter(|(_, label)| !**label) {
            pairs += 1.0;
            won += if a > b {
                1.0
            } else if a == b {
                0.5
            } else {
                0.0
            };
        }
    }
    (pairs > 0.0).then(|| won / pairs)
}

proptest! {
    #[test]
    fn auc_is_the_share_of_ordered_pairs(rows in prop::collection::vec((0_u8..12, any::<bool>()), 0..80)) {
        let scores: Vec<f32> = rows.iter().map(|row| f32::from(row.0) / 11.0).collect();
        let labels: Vec<bool> = rows.iter().map(|row| row.1).collect();
        match (auc(&scores, &labels), auc_by_pairs(&scores, &labels)) {
            (Some(fast), Some(slow)) => prop_assert!((fast - slow).abs() < 1e-12, "{fast} {slow}"),
            (fast, slow) => prop_assert_eq!(fast, slow),
        }
    }
}

#[test]
fn auc_of_nothing_is_unknown() {
    assert_eq!(auc(&[], &[]), None);
    assert_eq!(auc(&[0.1, 0.2], &[true, true]), None);
}

#[test]
fn logloss_is_clipped() {
    assert_eq!(logloss(&[], &[]), None);
    let sure = logloss(&[1.0], &[false]).expect("one row");
    assert!((sure - -(LOGLOSS_CLIP.ln())).abs() < 1e-6, "{sure}");
    let even = logloss(&[0.5, 0.5], &[true, false]).expect("two rows");
    assert!((even - 2.0_f64.ln()).abs() < 1e-9, "{even}");
}

#[test]
fn grouped_auc_weights_by_size_and_skips_one_sided_groups() {
    let groups = [1, 1, 2, 2, 2, 3, 3];
    let scores = [0.9, 0.1, 0.2, 0.8, 0.3, 0.5, 0.6];
    let labels = [true, false, true, false, false, true, true];
    // Group 1: 1.0 (2 rows); group 2: 0.0 (3 rows); group 3 has positives only.
    assert_eq!(grouped_auc(&groups, &scores, &labels), Some(2.0 / 5.0));
    assert_eq!(grouped_auc(&[1, 1], &[0.1, 0.2], &[true, true]), None);
}

#[test]
fn ranked_lists() {
    let ranked = [5, 3, 8, 1];
    assert_eq!(recall_at(&ranked, &[3, 1, 9], 2), Some(1.0 / 3.0));
    assert_eq!(hit_rate_at(&ranked, &[8], 2), Some(0.0));
    assert_eq!(hit_rate_at(&ranked, &[8], 3), Some(1.0));
    let second = ndcg_at(&ranked, &[3], 4).expect("a target");
    assert!((second - 1.0 / 3.0_f64.log2()).abs() < 1e-12, "{second}");
    let all = ndcg_at(&ranked, &[5, 3], 2).expect("targets");
    assert!((all - 1.0).abs() < 1e-12, "{all}");
    assert_eq!(recall_at(&ranked, &[], 2), None);
}
