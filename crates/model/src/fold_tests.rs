//! What is folded says what the whole model says.

use super::*;
use crate::tests::fixture;
use crate::{Model, Predictions};

/// A folded network by hand, one multiplication after the other.
fn logits(folded: &Folded, row: &[f32]) -> Vec<f32> {
    let [h1, h2] = folded.hidden;
    let add = |x: &[f32], weights: &[f32], mut y: Vec<f32>| {
        let width = y.len();
        for (x, weights) in x.iter().zip(weights.chunks_exact(width)) {
            for (y, weight) in y.iter_mut().zip(weights) {
                *y += x * weight;
            }
        }
        y
    };
    let relu = |y: &[f32]| -> Vec<f32> { y.iter().map(|y| y.max(0.0)).collect() };
    let y1 = add(row, &folded.w1, folded.b1.clone());
    let y2 = add(&relu(&y1[..h1]), &folded.w2, folded.b2.clone());
    assert_eq!(y2.len(), h2);
    add(&relu(&y2), &folded.w3, y1[h1..].to_vec())
}

#[test]
fn a_folded_viewer_scores_as_the_whole_model_does() {
    let mut config = fixture::config();
    config.vectors_in_trunk = true;
    config.pair_width = 16;
    config.ftrl.buckets = false;
    let mut model = Model::new(fixture::schema(), config, fixture::SEED).expect("a model");
    let mut answers = Predictions::default();
    fixture::learn(&mut model, 0, 600, 8, "like");
    let version = model.publish();
    let table = model.table().reader();
    let heads = [3, 0, 1];
    for viewer in 0..5 {
        let ids = vec![(1, viewer), (7, viewer % 3), (5, 2), (2, 9)];
        let row = RowRef {
            ids: &ids,
            dense: &[0.5, 7.0, 0.1],
            duration_s: 20.0,
        };
        // The second dense value is known of each candidate, the first and the last of none.
        let folded = version
            .fold(table, row, 2, &heads, &[1])
            .expect("a slot of the schema");
        for video in 0..20 {
            let ids = vec![(1, viewer), (7, viewer % 3), (5, 2), (2, video)];
            let age = video as f32 * 4.0;
            let whole = RowRef {
                ids: &ids,
                dense: &[f32::NAN, age, f32::NAN],
                duration_s: 20.0,
            };
            version.predict(table, &[whole], &mut answers);
            let mut own = vec![0.0; folded.width + 1];
            table.read(&[crate::table::Key::new(2, video)], folded.width + 1, &mut own);
            folded
                .columns
                .place_rows(Isa::best(), &[age], &mut own, (folded.width + 1, folded.width));
            let logits = logits(&folded, &own);
            for (logit, head) in logits.iter().zip(heads) {
                let whole = answers.logit(0, head);
                assert!(
                    (logit - whole).abs() < 1e-4,
                    "video {video}, head {head}: {logit} and {whole}"
                );
            }
            assert!(logits[heads.len()..].iter().all(|padding| *padding == 0.0));
        }
    }
}

#[test]
fn what_the_schema_does_not_have_is_not_folded() {
    let model = Model::new(fixture::schema(), fixture::config(), 1).expect("a model");
    let version = model.published().pin();
    let row = RowRef {
        ids: &[],
        dense: &[0.0; 3],
        duration_s: 0.0,
    };
    let table = model.table().reader();
    assert_eq!(version.fold(table, row, 3, &[0], &[]), None, "no such slot");
    assert_eq!(
        version.fold(table, row, 2, &[0], &[3]),
        None,
        "no such dense value"
    );
    assert_eq!(version.fold(table, row, 2, &[99], &[]), None, "no such head");
    assert_eq!(
        version.fold(table, row, 2, &[8], &[]),
        None,
        "watch time is no single logit"
    );
}
