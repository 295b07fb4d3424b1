//! What no page can exceed: the best choice when only the counts bind.
//!
//! Neighbours and topics are left out, so every legal page is among the choices and the answer is an upper bound. Places that are kept for
//! exploring and all others are two separate choices, tied by the regional quota alone. In each, items come best first and places lose worth, so
//! the chosen ones stand in that order, and a table over (places filled, regional up to the quota) is exact.

use std::collections::HashMap;

use crate::pool::{Pool, Pooled};
use crate::rules::Rules;

/// What a quota costs the page, in the unit of the values.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Prices {
    /// The bound with one regional item less, less the bound.
    pub regional: f64,
    /// The bound of a page that need not explore, less the bound.
    pub exploring: f64,
}

const NEVER: f64 = f64::NEG_INFINITY;

/// The bound and the prices of the quotas; 0 when no choice meets them.
pub(crate) fn bound(pool: &Pool, rules: &Rules) -> (f64, Prices) {
    let by_regional = best_by_regional(pool, rules);
    let Some((&full, fewer)) = by_regional.split_last() else {
        return (0.0, Prices::default());
    };
    if full == NEVER {
        return (0.0, Prices::default());
    }
    let mut prices = Prices::default();
    if let Some(&one_less) = fewer.last() {
        prices.regional = (one_less - full).max(0.0);
    }
    if rules.exploring != 0 {
        let free = Rules {
            exploring: 0,
            ..*rules
        };
        let free = best_by_regional(pool, &free).last().copied().unwrap_or(NEVER);
        prices.exploring = (free - full).max(0.0);
    }
    (full, prices)
}

/// The best value with exactly so many regional items, the last entry standing for the quota and more.
fn best_by_regional(pool: &Pool, rules: &Rules) -> Vec<f64> {
    let discounts = discounts(rules.discount, rules.length.min(pool.items.len()));
    if rules.exploring == 0 {
        return chosen(pool.sorted.iter(), &discounts, rules);
    }
    let of = |explores: bool| -> Vec<f64> {
        let places = discounts.iter().enumerate();
        places
            .filter(|(place, _)| rules.explores(*place) == explores)
            .map(|(_, worth)| *worth)
            .collect()
    };
    let items = |explores: bool| {
        pool.items
            .iter()
            .filter(move |pooled| pooled.item.exploring == explores)
    };
    let plain = chosen(items(false), &of(false), rules);
    let exploring = chosen(items(true), &of(true), rules);
    let mut best = vec![NEVER; rules.regional_min + 1];
    for (a, plain) in plain.iter().enumerate() {
        for (b, exploring) in exploring.iter().enumerate() {
            let place = &mut best[(a + b).min(rules.regional_min)];
            *place = place.max(plain + exploring);
        }
    }
    best
}

/// The same of some of the items for some of the places.
fn chosen<'a>(items: impl Iterator<Item = &'a Pooled>, discounts: &[f64], rules: &Rules) -> Vec<f64> {
    let (length, width) = (discounts.len(), rules.regional_min + 1);
    let mut table = vec![NEVER; (length + 1) * width];
    table[0] = 0.0;
    let mut kept = Kept::default();
    let mut count = 0;
    for pooled in items {
        let item = pooled.item;
        if !kept.can_matter(item.creator, item.regional, length, rules.creator_total_max) {
            continue;
        }
        for filled in (0..length.min(count + 1)).rev() {
            let gain = discounts[filled] * f64::from(pooled.worth);
            let (from, to) = table[filled * width..(filled + 2) * width].split_at_mut(width);
            for (regional, &before) in from.iter().enumerate() {
                let regional = (regional + usize::from(item.regional)).min(rules.regional_min);
                to[regional] = to[regional].max(before + gain);
            }
        }
        count += 1;
    }
    table[length * width..].to_vec()
}

/// Of one class no page takes more than it has places, of one creator no more than the creator's total; and always the best.
#[derive(Default)]
struct Kept {
    classes: [usize; 2],
    creators: HashMap<(u64, bool), usize>,
}

impl Kept {
    fn can_matter(&mut self, creator: u64, regional: bool, length: usize, total_max: usize) -> bool {
        let of_class = &mut self.classes[usize::from(regional)];
        if *of_class >= length {
            return false;
        }
        let of_creator = self.creators.entry((creator, regional)).or_default();
        if *of_creator >= total_max {
            return false;
        }
        *of_creator += 1;
        *of_class += 1;
        true
    }
}

/// What each place is worth beside the first.
pub(crate) fn discounts(discount: f32, length: usize) -> Vec<f64> {
    let mut worth = 1.0;
    let mut next = || {
        let now = worth;
        worth *= f64::from(discount);
        now
    };
    (0..length).map(|_| next()).collect()
}
