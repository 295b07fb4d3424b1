//! What is laid, under which rules, and what the page before ended with.

/// Places of a page at most: [`Rules::exploring`] has as many bits.
pub const LENGTH_MAX: usize = 64;

/// Something that can be shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Item {
    /// What showing it first is worth: positive, in one unit for all items. What is not finite or not positive counts as nothing.
    pub value: f32,
    pub creator: u64,
    /// 0 is none; none never equals another.
    pub sound: u64,
    /// 0 is none; none never equals another.
    pub topic: u64,
    /// Counts for [`Rules::regional_min`].
    pub regional: bool,
    /// Drawn to explore: stands at a place that [`Rules::exploring`] keeps for such items, and at no other.
    pub exploring: bool,
}

/// The rules of a page.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rules {
    /// Places to fill, at most [`LENGTH_MAX`].
    pub length: usize,
    /// Consecutive items by one creator, across the border of the pages.
    pub creator_run_max: usize,
    /// Items by one creator on the page.
    pub creator_total_max: usize,
    /// Items of the viewer's region on the page.
    pub regional_min: usize,
    /// Bit p is set when place p is kept for an item that explores. Their places are fixed, so that the draw alone decides who stands
    /// there and its probabilities are those of the page. With no bit set, exploring items are like all others.
    pub exploring: u64,
    /// What a place is worth beside the one before it: the share of viewers who go on, in (0, 1].
    pub discount: f32,
    /// The part of an item's value that each item of the same topic among the last [`Rules::topic_reach`] takes away, in [0, 1).
    pub topic_cost: f32,
    pub topic_reach: usize,
}

impl Default for Rules {
    /// 20 places: two in a row and four in all by one creator, the fifth of each ten explores.
    fn default() -> Self {
        Self {
            length: 20,
            creator_run_max: 2,
            creator_total_max: 4,
            regional_min: 0,
            exploring: exploring_every(20, 10, 4),
            discount: 0.97,
            topic_cost: 0.03,
            topic_reach: 3,
        }
    }
}

/// Bits for [`Rules::exploring`]: one place of each `every`, the `first` of the page to begin with.
pub fn exploring_every(length: usize, every: usize, first: usize) -> u64 {
    (first..length.min(LENGTH_MAX))
        .step_by(every.max(1))
        .fold(0, |bits, place| bits | 1 << place)
}

/// How the page before ended, last one last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Before {
    pub creators: Vec<u64>,
    /// 0 is none.
    pub sound: u64,
    pub topics: Vec<u64>,
}

impl Rules {
    /// Whether a place is kept for an item that explores.
    pub(crate) fn explores(&self, place: usize) -> bool {
        self.exploring >> place & 1 == 1
    }

    /// Whether the item may stand at the place as far as exploring goes.
    pub(crate) fn suits(&self, place: usize, item: &Item) -> bool {
        self.exploring == 0 || item.exploring == self.explores(place)
    }

    /// Drops bits beyond the page.
    pub(crate) fn within_length(mut self) -> Self {
        if self.length < LENGTH_MAX {
            self.exploring &= (1 << self.length) - 1;
        }
        self
    }
}

impl Item {
    /// The value, 0 when it is no positive number.
    pub(crate) fn worth(&self) -> f32 {
        if self.value.is_finite() && self.value > 0.0 {
            self.value
        } else {
            0.0
        }
    }
}
