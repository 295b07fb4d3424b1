//! The plain merger: one list in the order of the sources, each key once.

use std::collections::HashMap;

use crate::stage::{Candidate, Found, Stage};

/// What merges when nobody else does.
pub(crate) struct ByKey;

impl Stage for ByKey {
    fn name(&self) -> &'static str {
        "merge_by_key"
    }

    fn about(&self) -> &'static str {
        "one list in the order of the sources, each candidate once with all its sources"
    }

    fn is_switchable(&self) -> bool {
        false
    }
}

pub(crate) fn by_key<C: Candidate>(found: &[Found<C>]) -> Vec<C> {
    let mut merged: Vec<C> = Vec::new();
    let mut place_of: HashMap<C::Key, usize> = HashMap::new();
    for candidate in found.iter().flat_map(|found| &found.candidates) {
        match place_of.get(&candidate.key()) {
            Some(&place) => merged[place].merge(candidate),
            None => {
                place_of.insert(candidate.key(), merged.len());
                merged.push(candidate.clone());
            }
        }
    }
    merged
}
