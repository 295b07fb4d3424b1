//! Snapshots that older programs wrote are read for ever. A fixture is one file: pieces with their lengths before them, first the manifest, then its
//! chunks; beside it stand the answers that the model gave.

use std::collections::HashMap;

use super::fixture::{Owned, impression};
use crate::snapshot::{ChunkId, Decoder, Manifest};
use crate::{Model, Predictions, RowRef};

/// Answers of the fixture's model to the impressions [`ASKED`]: the bits of each head's probability.
const VERSION_1: (&[u8], &[u8]) = (
    include_bytes!("../../fixtures/snapshot-1.bin"),
    include_bytes!("../../fixtures/snapshot-1.answers"),
);
const ASKED: std::ops::Range<u64> = 6..9;

fn answers(model: &Model) -> Vec<u32> {
    let asked: Vec<Owned> = ASKED.map(impression).collect();
    let rows: Vec<RowRef<'_>> = asked.iter().map(Owned::row).collect();
    let mut out = Predictions::default();
    model.predict(&rows, &mut out);
    let heads = model.schema().heads.len();
    let bits = |row: usize| (0..heads).map(move |head| (row, head));
    (0..out.len())
        .flat_map(bits)
        .map(|(row, head)| out.p(row, head).to_bits())
        .collect()
}

#[test]
fn version_1_answers_as_it_did() {
    let (snapshot, expected) = VERSION_1;
    let mut from = Decoder::new(snapshot);
    let manifest = Manifest::decode(from.bytes().expect("a piece")).expect("a manifest");
    let mut chunks = HashMap::new();
    while !from.is_empty() {
        let bytes = from.bytes().expect("a piece");
        chunks.insert(ChunkId::of(bytes), bytes.to_vec());
    }
    let get = |name: &ChunkId| {
        let chunk = chunks.get(name).cloned();
        chunk.ok_or_else(|| std::io::ErrorKind::NotFound.into())
    };
    let mut model = Model::restore(&manifest, get).expect("all chunks are there");
    let (expected, _) = expected.as_chunks::<4>();
    let expected: Vec<u32> = expected.iter().map(|bits| u32::from_le_bytes(*bits)).collect();
    assert_eq!(answers(&model), expected);
    let owned = impression(5);
    model.learn(&[owned.example()], &mut Predictions::default());
    assert_eq!(model.examples(), manifest.examples + 1);
}
