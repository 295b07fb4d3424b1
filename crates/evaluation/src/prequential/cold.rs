//! How much was known of an event's video and user before it.

use std::collections::HashMap;

use crate::dataset::Dataset;

/// A video seen less often is cold.
const ITEM_BELOW: u32 = 20;
/// A user seen less often is cold.
const USER_BELOW: u32 = 5;

/// Which of the protocol's slices an event is in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Coldness {
    pub(super) item: bool,
    pub(super) new_item: bool,
    pub(super) user: bool,
}

/// Of every interaction, in order; `with_history` counts the history's exposures too.
pub(super) fn of(data: &Dataset, with_history: bool) -> Vec<Coldness> {
    let (mut videos, mut users) = (HashMap::new(), HashMap::new());
    for event in data.history.iter().filter(|_| with_history) {
        *videos.entry(event.video).or_insert(0_u32) += 1;
        *users.entry(event.user).or_insert(0_u32) += 1;
    }
    let mut slices = Vec::with_capacity(data.interactions.len());
    for row in &data.interactions {
        let video = videos.entry(row.video).or_insert(0);
        let user = users.entry(row.user).or_insert(0);
        slices.push(Coldness {
            item: *video < ITEM_BELOW,
            new_item: *video == 0,
            user: *user < USER_BELOW,
        });
        *video += 1;
        *user += 1;
    }
    slices
}
