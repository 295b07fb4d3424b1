//! The model is a function of its examples: however they are computed, wherever it was interrupted.

use std::collections::HashMap;

use super::fixture::{Owned, config, impression, learn, model};
use crate::kernels::Isa;
use crate::snapshot::{Manifest, RestoreError};
use crate::{ChunkId, DenseVersion, Model, Predictions, RowRef};

type Chunks = HashMap<ChunkId, Vec<u8>>;

fn stored(model: &mut Model) -> (Manifest, Chunks) {
    let mut chunks = Chunks::new();
    let manifest = model.snapshot(|name, bytes| {
        chunks.insert(*name, bytes.to_vec());
        Ok(())
    });
    (manifest.expect("a map takes everything"), chunks)
}

fn fetched(manifest: &Manifest, chunks: &Chunks) -> Result<Model, RestoreError> {
    Model::restore(manifest, |name| {
        chunks
            .get(name)
            .cloned()
            .ok_or_else(|| std::io::ErrorKind::NotFound.into())
    })
}

#[test]
fn every_instruction_set_leaves_the_same_bytes() {
    let hashes: Vec<_> = Isa::available()
        .into_iter()
        .map(|isa| {
            let mut model = model();
            model.set_isa(isa);
            learn(&mut model, 0, 300, 9, "like");
            model.state_hash()
        })
        .collect();
    assert!(hashes.windows(2).all(|pair| pair[0] == pair[1]), "{hashes:?}");
    assert_ne!(hashes[0], model().state_hash());
}

#[test]
fn a_restored_model_goes_on_to_the_same_bytes() {
    let mut straight = model();
    learn(&mut straight, 0, 700, 5, "like");
    let mut interrupted = model();
    // The dense step of 16 examples is half full.
    learn(&mut interrupted, 0, 405, 5, "like");
    let (manifest, chunks) = stored(&mut interrupted);
    let manifest = Manifest::decode(&manifest.encode()).expect("it was just encoded");
    let mut restored = fetched(&manifest, &chunks).expect("all chunks are there");
    assert_eq!(restored.state_hash(), interrupted.state_hash());
    assert_eq!(restored.published().pin().examples, 405);
    learn(&mut restored, 405, 700, 5, "like");
    assert_eq!(restored.state_hash(), straight.state_hash());
}

#[test]
fn damage_is_found() {
    let mut model = model();
    learn(&mut model, 0, 100, 5, "like");
    let (manifest, mut chunks) = stored(&mut model);
    let encoded = manifest.encode();
    for at in [0, 9, encoded.len() / 2, encoded.len() - 1] {
        let mut bad = encoded.clone();
        bad[at] ^= 1;
        assert!(Manifest::decode(&bad).is_err(), "byte {at}");
    }
    assert!(Manifest::decode(&encoded[..20]).is_err());
    if let Some(chunk) = chunks.get_mut(&manifest.dense) {
        chunk[1000] ^= 1;
    }
    assert!(matches!(
        fetched(&manifest, &chunks),
        Err(RestoreError::Corrupt { .. })
    ));
    chunks.remove(&manifest.dense);
    assert!(matches!(
        fetched(&manifest, &chunks),
        Err(RestoreError::Fetch { .. })
    ));
}

#[test]
fn equal_state_has_equal_chunks() {
    let (mut one, mut other) = (model(), model());
    learn(&mut one, 0, 200, 5, "like");
    learn(&mut other, 0, 200, 5, "like");
    assert_eq!(stored(&mut one).0, stored(&mut other).0);
}

/// What makes checkpoints small: a new block of the table is a new chunk, and leaves the names of the others alone.
#[test]
fn a_new_row_renames_few_chunks() {
    let mut model = model();
    learn(&mut model, 0, 400, 5, "like");
    let before = stored(&mut model).0;
    let mut owned = impression(1);
    owned.ids = vec![(1, 1 << 40)];
    model.learn(&[owned.example()], &mut Predictions::default());
    let after = stored(&mut model).0;
    let kept = after.rows.iter().filter(|chunk| before.rows.contains(chunk));
    // The head, the two slabs with the row and the slot's default, the shard of its key, and the digest at the end.
    assert!(
        kept.count() + 6 >= after.rows.len(),
        "of {} chunks",
        after.rows.len()
    );
    assert!(after.rows.len() > 20, "of {} chunks", after.rows.len());
}

#[test]
fn an_answer_does_not_depend_on_its_neighbours() {
    let mut model = model();
    learn(&mut model, 0, 2000, 16, "like");
    let fresh: Vec<Owned> = (5000..5300).map(impression).collect();
    let rows: Vec<RowRef<'_>> = fresh.iter().map(Owned::row).collect();
    let answers = |batch: usize| -> Vec<u32> {
        let mut out = Predictions::default();
        let mut bits = Vec::new();
        for part in rows.chunks(batch) {
            model.predict(part, &mut out);
            for row in 0..out.len() {
                bits.extend((0..9).map(|head| out.p(row, head).to_bits()));
                bits.push(out.watch_s(row).to_bits());
            }
        }
        bits
    };
    let alone = answers(1);
    for batch in [2, 7, 64, 300] {
        assert_eq!(answers(batch), alone, "batches of {batch}");
    }
}

#[test]
fn readers_see_a_version_only_when_it_is_published() {
    let mut model = model();
    let published = model.published();
    let old = published.pin();
    learn(&mut model, 0, 500, 16, "like");
    assert_eq!(published.pin().number, 0);
    let version = model.publish();
    assert_eq!((published.pin().number, published.pin().examples), (1, 500));
    assert_eq!(old.number, 0, "a pinned version stays");
    let owned = impression(9);
    let (mut own, mut theirs) = (Predictions::default(), Predictions::default());
    model.predict(&[owned.row()], &mut own);
    version.predict(model.table(), &[owned.row()], &mut theirs);
    assert_eq!(own.logit(0, 3).to_bits(), theirs.logit(0, 3).to_bits());
    let sent = DenseVersion::decode(model.schema(), model.config(), &version.encode()).expect("it is whole");
    sent.predict(model.table(), &[owned.row()], &mut own);
    assert_eq!((own.p(0, 3), own.watch_s(0)), (theirs.p(0, 3), theirs.watch_s(0)));
    assert!(DenseVersion::decode(model.schema(), model.config(), &version.encode()[..999]).is_err());
}

#[test]
fn settings_out_of_range_are_refused() {
    let mut bad = config();
    bad.hidden = [24, 16];
    assert!(Model::new(super::fixture::schema(), bad, 1).is_err());
    let mut schema = super::fixture::schema();
    schema.slots[1].slot = 1;
    assert!(Model::new(schema, config(), 1).is_err());
    let mut schema = super::fixture::schema();
    schema.slots.remove(1);
    assert!(
        Model::new(schema, config(), 1).is_err(),
        "the attended slot is gone"
    );
}
