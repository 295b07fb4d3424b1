//! One posting list: the members of a cluster, their vectors inline, one after the other.
//!
//! Four columns of equal length. A scan reads rows and factors only (136 bytes a posting); who a posting is of is read for the few that are kept.
//! Capacity grows by an eighth and is given back when a third of it is unused, so memory follows the members, both ways.

use super::row::Row;

/// Postings that a list makes room for at once, at least.
const GROWTH_MIN: usize = 8;

/// One member as it lies in a list.
#[derive(Debug, Clone, Copy)]
pub(super) struct Posting {
    pub item: u64,
    pub tag: u32,
    pub row: Row,
    pub scale: f32,
    pub bias: f32,
}

/// See the module.
#[derive(Debug, Default, Clone)]
pub(super) struct Postings {
    rows: Vec<Row>,
    /// Scale and bias.
    factors: Vec<[f32; 2]>,
    items: Vec<u64>,
    tags: Vec<u32>,
}

impl Postings {
    pub fn len(&self) -> usize {
        self.items.len()
    }

    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    pub fn factors(&self) -> &[[f32; 2]] {
        &self.factors
    }

    pub fn items(&self) -> &[u64] {
        &self.items
    }

    pub fn tags(&self) -> &[u32] {
        &self.tags
    }

    pub fn get(&self, at: usize) -> Posting {
        let [scale, bias] = self.factors[at];
        Posting {
            item: self.items[at],
            tag: self.tags[at],
            row: self.rows[at],
            scale,
            bias,
        }
    }

    pub fn set(&mut self, at: usize, posting: &Posting) {
        self.items[at] = posting.item;
        self.tags[at] = posting.tag;
        self.rows[at] = posting.row;
        self.factors[at] = [posting.scale, posting.bias];
    }

    pub fn push(&mut self, posting: &Posting) {
        if self.items.len() == self.items.capacity() {
            self.make_room((self.len() / 8).max(GROWTH_MIN));
        }
        self.items.push(posting.item);
        self.tags.push(posting.tag);
        self.rows.push(posting.row);
        self.factors.push([posting.scale, posting.bias]);
    }

    /// Takes one out and puts the last one into its place; the item that moved, if any.
    pub fn swap_remove(&mut self, at: usize) -> Option<u64> {
        self.items.swap_remove(at);
        self.tags.swap_remove(at);
        self.rows.swap_remove(at);
        self.factors.swap_remove(at);
        let kept = self.len() + self.len() / 8 + GROWTH_MIN;
        if self.items.capacity() > kept + kept / 3 {
            self.items.shrink_to(kept);
            self.tags.shrink_to(kept);
            self.rows.shrink_to(kept);
            self.factors.shrink_to(kept);
        }
        self.items.get(at).copied()
    }

    /// Bytes held, used or not.
    pub fn bytes(&self) -> usize {
        self.rows.capacity() * size_of::<Row>()
            + self.factors.capacity() * 8
            + self.items.capacity() * 8
            + self.tags.capacity() * 4
    }

    fn make_room(&mut self, more: usize) {
        self.items.reserve_exact(more);
        self.tags.reserve_exact(more);
        self.rows.reserve_exact(more);
        self.factors.reserve_exact(more);
    }
}
