//! The judge: looks at a finished page only, and shares nothing with the search that made it.

use crate::rules::{Before, Item, Rules};

/// What is wrong with a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Violation {
    /// An index that is no item.
    Unknown {
        place: usize,
    },
    /// The same item twice.
    Repeated {
        place: usize,
    },
    /// More places than the rules give.
    TooLong,
    /// Too many in a row by one creator, ending here.
    CreatorRun {
        place: usize,
    },
    /// The sound of the item before.
    SameSound {
        place: usize,
    },
    /// Too many by one creator.
    CreatorTotal {
        creator: u64,
    },
    TooFewRegional {
        found: usize,
    },
    /// An item that explores at a place that is not kept for it, or the other way round.
    ExploringPlace {
        place: usize,
    },
}

/// All that is wrong with `page`, indices into `items`.
pub fn violations(items: &[Item], rules: &Rules, before: &Before, page: &[usize]) -> Vec<Violation> {
    let mut found = Vec::new();
    if page.len() > rules.length {
        found.push(Violation::TooLong);
    }
    let mut shown = Vec::with_capacity(page.len());
    for (place, &index) in page.iter().enumerate() {
        match items.get(index) {
            Some(item) => shown.push(*item),
            None => found.push(Violation::Unknown { place }),
        }
        if page[..place].contains(&index) {
            found.push(Violation::Repeated { place });
        }
    }
    if shown.len() < page.len() {
        return found;
    }
    neighbours(&shown, rules, before, &mut found);
    totals(&shown, rules, &mut found);
    found
}

fn neighbours(shown: &[Item], rules: &Rules, before: &Before, found: &mut Vec<Violation>) {
    let creators: Vec<u64> = before
        .creators
        .iter()
        .copied()
        .chain(shown.iter().map(|item| item.creator))
        .collect();
    for (place, item) in shown.iter().enumerate() {
        let upto = &creators[..before.creators.len() + place + 1];
        let run = upto
            .iter()
            .rev()
            .take_while(|&&creator| creator == item.creator)
            .count();
        if run > rules.creator_run_max {
            found.push(Violation::CreatorRun { place });
        }
        let sound_before = match place {
            0 => before.sound,
            _ => shown[place - 1].sound,
        };
        if item.sound != 0 && item.sound == sound_before {
            found.push(Violation::SameSound { place });
        }
    }
}

fn totals(shown: &[Item], rules: &Rules, found: &mut Vec<Violation>) {
    let mut creators: Vec<u64> = shown.iter().map(|item| item.creator).collect();
    creators.sort_unstable();
    for run in creators.chunk_by(|a, b| a == b) {
        if run.len() > rules.creator_total_max {
            found.push(Violation::CreatorTotal { creator: run[0] });
        }
    }
    let regional = shown.iter().filter(|item| item.regional).count();
    if regional < rules.regional_min {
        found.push(Violation::TooFewRegional { found: regional });
    }
    for (place, item) in shown.iter().enumerate() {
        let is_kept = rules.exploring & (1 << place) != 0;
        if rules.exploring != 0 && is_kept != item.exploring {
            found.push(Violation::ExploringPlace { place });
        }
    }
}
