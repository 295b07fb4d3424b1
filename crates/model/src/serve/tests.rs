//! Served answers against predicted ones, and a row alone against a row among others.

use proptest::prelude::*;

use super::*;
use crate::kernels::Isa;
use crate::tests::fixture;
use crate::{DenseSpec, Model, Pool, RowClass, Schema, SlotSpec, rng};

const WIDE_HEADS: usize = 8;

/// Of the product's kind: the viewer's ids first, some that attend, dense values of all sides.
fn schema() -> Schema {
    let slot = |slot, class, side, pool| SlotSpec {
        name: format!("slot {slot}"),
        slot,
        class,
        admission: 1,
        expiry_s: u32::MAX,
        side,
        wide: false,
        pool,
    };
    let sides = [
        Side::Viewer,
        Side::Viewer,
        Side::Video,
        Side::Context,
        Side::Viewer,
        Side::Video,
        Side::Video,
    ];
    Schema {
        slots: vec![
            slot(1, RowClass::D24, Side::Viewer, Pool::Mean),
            slot(2, RowClass::D24, Side::Video, Pool::Mean),
            slot(3, RowClass::D24, Side::Video, Pool::Mean),
            slot(4, RowClass::D8, Side::Viewer, Pool::Mean),
            slot(5, RowClass::D8, Side::Video, Pool::Mean),
            slot(6, RowClass::D8, Side::Context, Pool::Mean),
            slot(7, RowClass::D24, Side::Viewer, Pool::Attend { target: 2 }),
            slot(8, RowClass::D24, Side::Viewer, Pool::Attend { target: 3 }),
        ],
        dense: (0..sides.len())
            .map(|at| DenseSpec {
                name: format!("dense {at}"),
                side: sides[at],
            })
            .collect(),
        heads: fixture::schema().heads,
    }
}

type Owned = (Vec<(u16, u64)>, Vec<f32>);

/// The `number`-th candidate of a viewer.
fn owned(viewer: u64, number: u64) -> Owned {
    let draw = |salt: u64, below: u64| rng::bits(3, salt, viewer * 1_000 + number) % below;
    let of_viewer = |salt: u64, below: u64| rng::bits(5, salt, viewer) % below;
    let mut ids = vec![(1, viewer)];
    if !viewer.is_multiple_of(3) {
        ids.push((4, of_viewer(1, 4)));
    }
    for at in 0..of_viewer(2, 17) {
        ids.push((7, of_viewer(3 + at, 90)));
        ids.push((8, of_viewer(30 + at, 20)));
    }
    ids.extend([(2, draw(1, 90)), (3, draw(2, 20))]);
    ids.extend((0..draw(3, 4)).map(|at| (5, draw(4 + at, 30))));
    if draw(9, 4) > 0 {
        ids.push((6, draw(10, 9)));
    }
    ids.push((900, 1));
    let value = |seed: u64, at: u64| rng::symmetric(7, at, seed);
    let mut dense: Vec<f32> = (0..7).map(|at| value(viewer * 1_000 + number + 1, at)).collect();
    for at in [0, 1, 4] {
        dense[at] = value(viewer, at as u64);
    }
    if draw(11, 5) == 0 {
        dense[2] = f32::NAN;
    }
    (ids, dense)
}

fn row(owned: &Owned) -> RowRef<'_> {
    RowRef {
        ids: &owned.0,
        dense: &owned.1,
        duration_s: 20.0,
    }
}

fn model() -> Model {
    let mut config = fixture::config();
    config.ftrl.buckets = false;
    let mut model = Model::new(schema(), config, 5).expect("a model");
    let mut out = Predictions::default();
    for from in (0..3_000_u64).step_by(30) {
        let rows: Vec<Owned> = (from..from + 30).map(|at| owned(at % 40, at)).collect();
        let liked = |owned: &Owned| f32::from(u8::from(owned.1[5] + 0.5 * owned.1[0] > 0.0));
        let targets: Vec<Vec<f32>> = rows
            .iter()
            .map(|owned| vec![liked(owned); WIDE_HEADS + 1])
            .collect();
        let examples: Vec<crate::ExampleRef<'_>> = rows
            .iter()
            .zip(&targets)
            .map(|(owned, targets)| crate::ExampleRef {
                row: row(owned),
                targets,
                watch: None,
                weight: 1.0,
                kind: crate::ExampleKind::Outcome,
                at_s: from as u32,
            })
            .collect();
        model.learn(&examples, &mut out);
    }
    model
}

fn bits(out: &Predictions) -> Vec<u32> {
    out.logits
        .iter()
        .chain(&out.calibrated)
        .map(|x| x.to_bits())
        .collect()
}

#[test]
fn served_answers_are_near_those_of_the_model() {
    let mut model = model();
    let version = model.publish();
    let table = model.table().reader();
    let rows: Vec<Owned> = (0..6)
        .flat_map(|viewer| (0..37).map(move |at| owned(viewer, at)))
        .collect();
    let refs: Vec<RowRef<'_>> = rows.iter().map(row).collect();
    let (mut exact, mut out) = (Predictions::default(), Predictions::default());
    version.predict(table, &refs, &mut exact);
    for precision in Precision::available() {
        let served = Served::new(&version, precision).expect("a schema that is known");
        version.serve_with(&served, table, &refs, &mut out);
        assert_eq!(out.len(), exact.len());
        let bound = if matches!(precision, Precision::Single(_)) {
            1e-4
        } else {
            1e-2
        };
        for row in 0..out.len() {
            for head in 0..WIDE_HEADS {
                let (one, other) = (out.p(row, head), exact.p(row, head));
                assert!(
                    (one - other).abs() < bound,
                    "{precision:?}, row {row}: {one} and {other}"
                );
            }
            assert!((out.watch_quantile(row) - exact.watch_quantile(row)).abs() < bound);
        }
    }
    let answers = || (0..out.len()).map(|row| out.p(row, 3));
    let spread = answers().fold(0.0, f32::max) - answers().fold(1.0, f32::min);
    assert!(spread > 0.1, "the answers differ: {spread}");
}

#[test]
fn a_row_is_answered_alone_as_among_others() {
    let mut model = model();
    let version = model.publish();
    let table = model.table().reader();
    let rows: Vec<Owned> = (0..4)
        .flat_map(|viewer| (0..41).map(move |at| owned(viewer, at)))
        .collect();
    let refs: Vec<RowRef<'_>> = rows.iter().map(row).collect();
    for precision in Precision::available() {
        let served = Served::new(&version, precision).expect("a schema that is known");
        let mut all = Predictions::default();
        version.serve_with(&served, table, &refs, &mut all);
        let all = (bits(&all), all.outputs, all.heads, all.len());
        for size in [1, 7, 50] {
            let mut parts = (Vec::new(), Vec::new());
            let mut part = Predictions::default();
            for refs in refs.chunks(size) {
                version.serve_with(&served, table, refs, &mut part);
                let (logits, calibrated) = (part.logits.len(), bits(&part));
                parts.0.extend_from_slice(&calibrated[..logits]);
                parts.1.extend_from_slice(&calibrated[logits..]);
            }
            assert_eq!(
                all.0,
                [parts.0, parts.1].concat(),
                "{precision:?} in parts of {size}"
            );
        }
    }
}

#[test]
fn rows_that_cannot_be_folded_are_predicted() {
    let mut model = model();
    let version = model.publish();
    let table = model.table().reader();
    let mut turned = owned(3, 1);
    turned.0.reverse();
    let rows = [owned(3, 0), turned, owned(3, 2)];
    let refs: Vec<RowRef<'_>> = rows.iter().map(row).collect();
    let (mut exact, mut out) = (Predictions::default(), Predictions::default());
    version.predict(table, &refs, &mut exact);
    version.serve(table, &refs, &mut out);
    assert_eq!(out.len(), 3);
    assert_eq!(out.p(1, 0).to_bits(), exact.p(1, 0).to_bits());
    let mut wide = Model::new(fixture::schema(), fixture::config(), 1).expect("a model");
    assert!(
        Served::new(&wide.publish(), Precision::best()).is_none(),
        "wide slots, weights of buckets"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Columns are placed as rows are, with the bits of the reference.
    #[test]
    fn columns_are_placed_as_rows_are(seed: u64, count in 1_usize..40) {
        use crate::config::{InputConfig, InputMethod};
        use crate::inputs::Inputs;
        for method in [InputMethod::Places, InputMethod::Standard] {
            let mut inputs = Inputs::new(5, InputConfig { method, ..InputConfig::default() }, seed);
            let dense = |at: u64| -> Vec<f32> {
                (0..5).map(|i| match rng::bits(seed, i, at) % 9 {
                    0 => f32::NAN,
                    1..4 => 0.0,
                    _ => rng::symmetric(seed, i, at) * 3.0,
                }).collect()
            };
            (0..200).for_each(|at| { inputs.observe(&dense(at)); });
            let places = [4, 1, 3];
            let columns = Columns::new(&inputs.quantiles, &places);
            let rows: Vec<Vec<f32>> = (0..count as u64).map(|at| dense(1_000 + at)).collect();
            let chosen: Vec<f32> = rows.iter().flat_map(|row| places.map(|at| row[at])).collect();
            for isa in Isa::available() {
                let mut out = vec![9.0; count * 7];
                columns.place_rows(isa, &chosen, &mut out, (7, 2));
                for (row, out) in rows.iter().zip(out.chunks(7)) {
                    let (mut placed, mut buckets) = ([0.0; 5], [0; 5]);
                    inputs.quantiles.place(isa, row, &mut placed, &mut buckets);
                    for (at, out) in places.iter().zip(&out[2..5]) {
                        prop_assert_eq!(placed[*at].to_bits(), out.to_bits());
                    }
                    prop_assert_eq!([out[0], out[1], out[5]], [9.0; 3]);
                }
            }
        }
    }
}
