//! The items that can matter, best first.
//!
//! Among items of one class (regional or not, exploring or not) only the best can be on the best page; a few more are kept, because
//! neighbours may forbid them.

use std::collections::HashMap;

use crate::rules::{Before, Item, Rules};

/// Items of a pool at most; a state's set of used items has as many bits.
pub(crate) const POOL_MAX: usize = 256;
/// Of a class, so many times the page's length are kept.
const SPARE: usize = 2;

/// An item of the pool.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pooled {
    pub(crate) item: Item,
    pub(crate) worth: f32,
    /// Place in the caller's list.
    pub(crate) index: usize,
}

/// Best first; equals in the caller's order.
pub(crate) struct Pool {
    pub(crate) items: Vec<Pooled>,
    /// All items, for the bound.
    pub(crate) sorted: Vec<Pooled>,
    pub(crate) regional: usize,
    pub(crate) exploring: usize,
}

impl Pool {
    pub(crate) fn new(items: &[Item], rules: &Rules, before: &Before) -> Self {
        let mut sorted: Vec<Pooled> = items
            .iter()
            .enumerate()
            .map(|(index, item)| Pooled {
                item: *item,
                worth: item.worth(),
                index,
            })
            .collect();
        sorted.sort_unstable_by(|a, b| b.worth.total_cmp(&a.worth).then(a.index.cmp(&b.index)));
        let per_class = (rules.length * SPARE).clamp(1, POOL_MAX / 4);
        // What one creator, or one sound, may have on a page, and a few for what does not fit: nobody fills the pool alone.
        let runs_most = rules.length - rules.length / (rules.creator_run_max + 1);
        let limits = Limits {
            of_class: per_class,
            of_creator: rules.creator_total_max.min(runs_most) + SPARE,
            of_sound: rules.length.div_ceil(2) + SPARE,
        };
        let mut kept = Kept::default();
        let mut pool = Self {
            items: Vec::with_capacity(per_class * 4),
            sorted: Vec::new(),
            regional: 0,
            exploring: 0,
        };
        for pooled in &sorted {
            if kept.admits(&pooled.item, &limits) {
                pool.push(*pooled);
            }
        }
        if pool.items.len() < rules.length.min(items.len()) || !leaves_a_way(&pool, rules, before) {
            pool.fill(&sorted, per_class);
        }
        pool.sorted = sorted;
        pool
    }

    fn push(&mut self, pooled: Pooled) {
        self.regional += usize::from(pooled.item.regional);
        self.exploring += usize::from(pooled.item.exploring);
        self.items.push(pooled);
    }

    /// Few creators: their further items are needed after all.
    fn fill(&mut self, sorted: &[Pooled], per_class: usize) {
        let limits = Limits {
            of_class: per_class,
            of_creator: usize::MAX,
            of_sound: usize::MAX,
        };
        let mut kept = Kept::default();
        *self = Self {
            items: Vec::with_capacity(per_class * 4),
            sorted: Vec::new(),
            regional: 0,
            exploring: 0,
        };
        for pooled in sorted {
            if kept.admits(&pooled.item, &limits) {
                self.push(*pooled);
            }
        }
    }
}

/// Whether the first place can be filled at all.
fn leaves_a_way(pool: &Pool, rules: &Rules, before: &Before) -> bool {
    let run = before.creators.iter().rev();
    let last = before.creators.last().copied();
    let run = run.take_while(|&&creator| Some(creator) == last).count();
    let tired = last.filter(|_| run >= rules.creator_run_max);
    pool.items.iter().any(|pooled| Some(pooled.item.creator) != tired)
}

/// Items kept at most.
struct Limits {
    of_class: usize,
    /// Within a class.
    of_creator: usize,
    of_sound: usize,
}

/// How many of each class, and within one of each creator and sound, were kept.
#[derive(Default)]
struct Kept {
    classes: [usize; 4],
    creators: HashMap<(u64, usize), usize>,
    sounds: HashMap<(u64, usize), usize>,
}

impl Kept {
    fn admits(&mut self, item: &Item, limits: &Limits) -> bool {
        let class = usize::from(item.regional) + 2 * usize::from(item.exploring);
        let of_creator = self.creators.entry((item.creator, class)).or_default();
        let mut silent = 0;
        let of_sound = match item.sound {
            0 => &mut silent,
            sound => self.sounds.entry((sound, class)).or_default(),
        };
        if self.classes[class] >= limits.of_class
            || *of_creator >= limits.of_creator
            || *of_sound >= limits.of_sound
        {
            return false;
        }
        *of_creator += 1;
        *of_sound += 1;
        self.classes[class] += 1;
        true
    }
}
