//! The search: a few half-finished pages at a time, each extended by every promising legal move, the most promising kept.
//!
//! What a half-finished page promises is its value so far and the best of the unused items in the places left, with room held for the quotas
//! still owed. Pages with the same items and the same end are one.

use crate::bound::discounts;
use crate::pool::{POOL_MAX, Pool};
use crate::rules::{Before, Item, LENGTH_MAX, Rules};

/// Half-finished pages kept.
pub(crate) const WIDTH: usize = 8;
/// Kept by a second search, when all of the first came to dead ends.
pub(crate) const WIDTH_HARD: usize = 64;
/// Moves tried from each, beside those that a quota asks for.
const MOVES: usize = 6;

const WORDS: usize = POOL_MAX / 64;

/// A page up to some place.
#[derive(Debug, Clone, Copy)]
struct State {
    places: [u8; LENGTH_MAX],
    used: [u64; WORDS],
    filled: usize,
    regional: usize,
    value: f64,
}

/// One step further.
#[derive(Clone, Copy)]
struct Move {
    from: usize,
    choice: usize,
    value: f64,
    promise: f64,
}

pub(crate) struct Beam<'a> {
    pool: &'a Pool,
    rules: &'a Rules,
    before: &'a Before,
    discounts: Vec<f64>,
    length: usize,
    width: usize,
}

impl<'a> Beam<'a> {
    pub(crate) fn new(pool: &'a Pool, rules: &'a Rules, before: &'a Before, width: usize) -> Self {
        let length = rules.length.min(pool.items.len());
        Self {
            pool,
            rules,
            before,
            discounts: discounts(rules.discount, length),
            length,
            width,
        }
    }

    /// The best page found, as places in the pool, and its value; shorter than asked when every page came to a dead end.
    pub(crate) fn search(&self) -> (Vec<usize>, f64) {
        let blank = State {
            places: [0; LENGTH_MAX],
            used: [0; WORDS],
            filled: 0,
            regional: 0,
            value: 0.0,
        };
        let (mut states, mut moves) = (vec![blank], Vec::with_capacity(self.width * (MOVES + 2)));
        for _ in 0..self.length {
            moves.clear();
            for (from, state) in states.iter().enumerate() {
                self.extend(from, state, &mut moves);
            }
            if moves.is_empty() {
                break;
            }
            moves.sort_unstable_by(|a: &Move, b| {
                let by_promise = b.promise.total_cmp(&a.promise);
                by_promise.then_with(|| (a.from, a.choice).cmp(&(b.from, b.choice)))
            });
            states = self.best_of(&states, &moves);
        }
        let best = states
            .iter()
            .max_by(|a, b| a.value.total_cmp(&b.value))
            .unwrap_or(&blank);
        let places = best.places[..best.filled].iter().map(|&place| usize::from(place));
        (places.collect(), best.value)
    }

    /// The pages after the best moves, no two alike.
    fn best_of(&self, states: &[State], moves: &[Move]) -> Vec<State> {
        let mut best: Vec<State> = Vec::with_capacity(self.width);
        for step in moves {
            if best.len() == self.width {
                break;
            }
            let next = State {
                value: step.value,
                ..self.after(&states[step.from], step.choice)
            };
            if !best.iter().any(|kept| self.is_same(kept, &next)) {
                best.push(next);
            }
        }
        best
    }

    /// A page with one item more, its value aside.
    fn after(&self, state: &State, choice: usize) -> State {
        let item = &self.pool.items[choice].item;
        let mut next = *state;
        next.places[state.filled] = choice as u8;
        next.used[choice / 64] |= 1 << (choice % 64);
        next.filled += 1;
        next.regional += usize::from(item.regional);
        next
    }

    fn extend(&self, from: usize, state: &State, moves: &mut Vec<Move>) {
        let (mut tried, mut regional) = (0, self.owes(state) > 0);
        for (choice, pooled) in self.pool.items.iter().enumerate() {
            if tried >= MOVES && !regional {
                break;
            }
            let item = &pooled.item;
            let is_wanted = tried < MOVES || (regional && item.regional);
            if !is_wanted || is_used(state, choice) || !self.is_legal(state, item) {
                continue;
            }
            let next = self.after(state, choice);
            if self.owes(&next) > self.room(next.filled) {
                continue;
            }
            let value = state.value + self.discounts[state.filled] * self.worth(state, choice);
            moves.push(Move {
                from,
                choice,
                value,
                promise: value + self.rest(&next),
            });
            tried += 1;
            regional &= !item.regional;
        }
    }

    /// The items of a page in reverse, and those of the page before.
    fn back<'s>(&'s self, state: &'s State) -> impl Iterator<Item = &'s Item> {
        let places = state.places[..state.filled].iter().rev();
        places.map(|&place| &self.pool.items[usize::from(place)].item)
    }

    fn is_legal(&self, state: &State, item: &Item) -> bool {
        if !self.rules.suits(state.filled, item) {
            return false;
        }
        let sound_before = self
            .back(state)
            .next()
            .map_or(self.before.sound, |last| last.sound);
        if item.sound != 0 && item.sound == sound_before {
            return false;
        }
        let creators = self.back(state).map(|shown| shown.creator);
        let mut creators = creators.chain(self.before.creators.iter().rev().copied());
        let run_max = self.rules.creator_run_max;
        let run = creators
            .by_ref()
            .take(run_max)
            .take_while(|&creator| creator == item.creator)
            .count();
        if run >= run_max {
            return false;
        }
        let total = self
            .back(state)
            .filter(|shown| shown.creator == item.creator)
            .count();
        total < self.rules.creator_total_max
    }

    /// An item's value at the next place, less what its topic has shown already.
    fn worth(&self, state: &State, choice: usize) -> f64 {
        let pooled = &self.pool.items[choice];
        let topic = pooled.item.topic;
        let mut worth = f64::from(pooled.worth);
        if topic != 0 && self.rules.topic_cost > 0.0 {
            let shown = self.back(state).map(|shown| shown.topic);
            let shown = shown.chain(self.before.topics.iter().rev().copied());
            let repeats = shown
                .take(self.rules.topic_reach)
                .filter(|&shown| shown == topic)
                .count();
            worth *= (1.0 - f64::from(self.rules.topic_cost) * repeats as f64).max(0.0);
        }
        worth
    }

    /// Places that the regional quota still needs.
    fn owes(&self, state: &State) -> usize {
        self.rules.regional_min.saturating_sub(state.regional)
    }

    /// Places left for regional items. Those kept for exploring are not counted on, unless the quota cannot do without.
    fn room(&self, filled: usize) -> usize {
        let plain = |from: usize| {
            (from..self.length)
                .filter(|&place| !self.rules.explores(place))
                .count()
        };
        match self.rules.regional_min <= plain(0) {
            true => plain(filled),
            false => self.length - filled,
        }
    }

    /// What the best of the unused items would add in the places left, neighbours aside.
    fn rest(&self, state: &State) -> f64 {
        let mut owed = self.owes(state);
        if self.rules.exploring == 0 {
            return self.rest_of(state, &mut owed, 0..self.length, |_| true);
        }
        let places = |explores| move |place: &usize| self.rules.explores(*place) == explores;
        let left = state.filled..self.length;
        let exploring = left.clone().filter(places(true));
        let plain = left.filter(places(false));
        self.rest_of(state, &mut owed, exploring, |item| item.exploring)
            + self.rest_of(state, &mut owed, plain, |item| !item.exploring)
    }

    /// The same for some of the places, filled in order with some of the items.
    fn rest_of(
        &self,
        state: &State,
        owed: &mut usize,
        places: impl Iterator<Item = usize>,
        is_of: impl Fn(&Item) -> bool,
    ) -> f64 {
        let mut places = places.skip_while(|&place| place < state.filled).peekable();
        let mut value = 0.0;
        for (choice, pooled) in self.pool.items.iter().enumerate() {
            let Some(&place) = places.peek() else { break };
            if is_used(state, choice) || !is_of(&pooled.item) {
                continue;
            }
            let helps = *owed > 0 && pooled.item.regional;
            if !helps && self.length - place <= *owed {
                continue;
            }
            *owed -= usize::from(helps);
            value += self.discounts[place] * f64::from(pooled.worth);
            places.next();
        }
        value
    }

    /// Whether two pages hold the same items and end alike, so that what can follow is the same.
    fn is_same(&self, a: &State, b: &State) -> bool {
        let end = |state: &State| {
            let reach = self.rules.creator_run_max.max(self.rules.topic_reach);
            let from = state.filled.saturating_sub(reach);
            (state.places, from, state.filled)
        };
        let ((a_places, from, to), (b_places, ..)) = (end(a), end(b));
        a.used == b.used && a_places[from..to] == b_places[from..to]
    }
}

fn is_used(state: &State, choice: usize) -> bool {
    state.used[choice / 64] >> (choice % 64) & 1 == 1
}
