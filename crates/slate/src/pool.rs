//! The items that can matter, best first.
//!
//! Among items of one class (regional or not, exploring or not) only the best can be on the best page; a few more are kept, because
//! neighbours may forbid them.

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
        // What a creator may have on the page, and as many again for the sounds that do not fit.
        let per_creator = rules.creator_total_max.saturating_mul(2);
        let mut kept = Kept::default();
        let mut pool = Self {
            items: Vec::with_capacity(per_class * 4),
            regional: 0,
            exploring: 0,
        };
        for pooled in &sorted {
            if kept.admits(&pooled.item, per_class, per_creator) {
                pool.push(*pooled);
            }
        }
        if pool.items.len() < rules.length.min(items.len()) || !leaves_a_way(&pool, rules, before) {
            pool.fill(&sorted, per_class);
        }
        pool
    }

    fn push(&mut self, pooled: Pooled) {
        self.regional += usize::from(pooled.item.regional);
        self.exploring += usize::from(pooled.item.exploring);
        self.items.push(pooled);
    }

    /// Few creators: their further items are needed after all.
    fn fill(&mut self, sorted: &[Pooled], per_class: usize) {
        let mut kept = Kept::default();
        *self = Self {
            items: Vec::with_capacity(per_class * 4),
            regional: 0,
            exploring: 0,
        };
        for pooled in sorted {
            if kept.admits(&pooled.item, per_class, usize::MAX) {
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

/// How many of each class, and of each creator in a class, were kept.
#[derive(Default)]
struct Kept {
    classes: [usize; 4],
    creators: std::collections::HashMap<(u64, usize), usize>,
}

impl Kept {
    fn admits(&mut self, item: &Item, per_class: usize, per_creator: usize) -> bool {
        let class = usize::from(item.regional) + 2 * usize::from(item.exploring);
        if self.classes[class] >= per_class {
            return false;
        }
        let of_creator = self.creators.entry((item.creator, class)).or_default();
        if *of_creator >= per_creator {
            return false;
        }
        *of_creator += 1;
        self.classes[class] += 1;
        true
    }
}
