//! The way from items to a page: search, and when the supply cannot meet the rules, search again with one rule less.

use crate::beam::{Beam, WIDTH, WIDTH_HARD};
use crate::bound::{Prices, bound};
use crate::pool::Pool;
use crate::rules::{Before, Item, LENGTH_MAX, Rules};

/// A rule that gave way because the supply could not meet it, in the order in which they do. Equal sounds never stand beside each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Relaxed {
    /// Fewer of the viewer's region.
    Regional,
    /// More by one creator on the page.
    CreatorTotal,
    /// Fewer that explore.
    Exploring,
    /// More by one creator in a row: hardly anybody else is left.
    CreatorRun,
    /// The first sound is that of the page before: there is no other.
    FirstSound,
}

impl Relaxed {
    /// The name that meters use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Regional => "regional",
            Self::CreatorTotal => "creator_total",
            Self::Exploring => "exploring",
            Self::CreatorRun => "creator_run",
            Self::FirstSound => "first_sound",
        }
    }
}

/// A page.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// Indices into the items, first place first. Shorter than asked when there are fewer items, or when only one sound is left.
    pub places: Vec<usize>,
    /// Σ discount^place × value, less the cost of repeated topics.
    pub value: f64,
    /// No legal page of this supply is worth more; at least `value`.
    pub bound: f64,
    pub prices: Prices,
    /// The rules that hold for this page.
    pub rules: Rules,
    /// In the order in which they gave way.
    pub relaxed: Vec<Relaxed>,
}

impl Page {
    /// How far the page may be from the best one, as a share of the bound.
    pub fn gap(&self) -> f64 {
        if self.bound > 0.0 {
            (1.0 - self.value / self.bound).max(0.0)
        } else {
            0.0
        }
    }
}

/// Lays the best page it finds; see the crate's header. Empty only when there are no items or no places.
pub fn lay(items: &[Item], rules: &Rules, before: &Before) -> Page {
    let mut rules = Rules {
        length: rules.length.min(LENGTH_MAX).min(items.len()),
        creator_run_max: rules.creator_run_max.max(1),
        ..*rules
    }
    .within_length();
    let mut before = before.clone();
    let mut relaxed = Vec::new();
    loop {
        let pool = Pool::new(items, &rules, &before);
        let (bound, prices) = bound(&pool, &rules);
        let search = |width| {
            let (places, value) = Beam::new(&pool, &rules, &before, width).search();
            let is_met = places.len() == rules.length && meets(&pool, &rules, &places);
            (places, value, is_met)
        };
        let mut found = search(WIDTH);
        if !found.2 && bound > 0.0 {
            found = search(WIDTH_HARD);
        }
        let (places, value, is_met) = found;
        if !is_met && give_way(&pool, &mut rules, &mut before, &mut relaxed, places.len()) {
            continue;
        }
        let places = places.iter().map(|&place| pool.items[place].index).collect();
        return Page {
            places,
            value,
            bound: bound.max(value),
            prices,
            rules,
            relaxed,
        };
    }
}

fn meets(pool: &Pool, rules: &Rules, places: &[usize]) -> bool {
    let regional = places.iter().filter(|&&place| pool.items[place].item.regional);
    regional.count() >= rules.regional_min
}

/// Takes the next rule back that binds; false when there is none left.
fn give_way(
    pool: &Pool,
    rules: &mut Rules,
    before: &mut Before,
    relaxed: &mut Vec<Relaxed>,
    placed: usize,
) -> bool {
    let mut gave = |rule| {
        if !relaxed.contains(&rule) {
            relaxed.push(rule);
        }
        true
    };
    // First down to what there is, then away.
    if rules.regional_min > 0 {
        rules.regional_min = match pool.regional < rules.regional_min {
            true => pool.regional,
            false => 0,
        };
        return gave(Relaxed::Regional);
    }
    if rules.creator_total_max < rules.length {
        rules.creator_total_max = rules.length;
        return gave(Relaxed::CreatorTotal);
    }
    if rules.exploring != 0 {
        rules.exploring = match pool.exploring < rules.exploring.count_ones() as usize {
            true => first_bits(rules.exploring, pool.exploring),
            false => 0,
        };
        return gave(Relaxed::Exploring);
    }
    if rules.creator_run_max < rules.length + before.creators.len() {
        rules.creator_run_max = rules.length + before.creators.len();
        return gave(Relaxed::CreatorRun);
    }
    if placed == 0 && before.sound != 0 {
        before.sound = 0;
        return gave(Relaxed::FirstSound);
    }
    false
}

/// The lowest `count` of the bits that are set.
fn first_bits(bits: u64, count: usize) -> u64 {
    let places = (0..64).filter(|place| bits >> place & 1 == 1);
    places.take(count).fold(0, |kept, place| kept | 1 << place)
}
