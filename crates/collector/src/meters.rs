//! The collector's counters, looked up once: a batch costs a few additions.

use metrics::{Counter, counter};

use crate::validate::code;

/// Something odd about an event that is taken all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Oddity {
    /// The device's clock is ahead of ours by more than the tolerance.
    ClockAhead,
    ClockBehind,
    /// The device's clock is so far off that ours took its place.
    ClockReplaced,
    /// It came after a higher number of its session.
    OutOfOrder,
    /// A number that never came, given up.
    Lost,
    /// The catalog does not know its video, or not yet.
    UnknownVideo,
}

const ODDITIES: [(Oddity, &str); 6] = [
    (Oddity::ClockAhead, "clock_ahead"),
    (Oddity::ClockBehind, "clock_behind"),
    (Oddity::ClockReplaced, "clock_replaced"),
    (Oddity::OutOfOrder, "out_of_order"),
    (Oddity::Lost, "lost"),
    (Oddity::UnknownVideo, "unknown_video"),
];

/// Oddities of one batch, by kind.
#[derive(Debug, Default)]
pub(crate) struct Oddities([u64; ODDITIES.len()]);

impl Oddities {
    pub(crate) fn add(&mut self, oddity: Oddity, count: u64) {
        self.0[oddity as usize] += count;
    }
}

pub(crate) struct Meters {
    accepted: Counter,
    duplicates: Counter,
    /// Taken on the weaker promise; counted among the accepted too.
    memory: Counter,
    rejected: Vec<(&'static str, Counter)>,
    odd: Vec<Counter>,
}

impl Meters {
    pub(crate) fn new() -> Self {
        let rejected = |code: &'static str| {
            (
                code,
                counter!("riffle_collector_rejected_total", "reason" => code),
            )
        };
        let odd = |(_, reason): &(Oddity, &'static str)| counter!("riffle_collector_odd_total", "reason" => *reason);
        Self {
            accepted: counter!("riffle_collector_accepted_total"),
            duplicates: counter!("riffle_collector_duplicates_total"),
            memory: counter!("riffle_collector_memory_promises_total"),
            rejected: code::ALL.into_iter().map(rejected).collect(),
            odd: ODDITIES.iter().map(odd).collect(),
        }
    }

    pub(crate) fn accepted(&self, events: u64, in_memory: bool) {
        self.accepted.increment(events);
        if in_memory {
            self.memory.increment(events);
        }
    }

    pub(crate) fn duplicates(&self, events: u64) {
        if events > 0 {
            self.duplicates.increment(events);
        }
    }

    pub(crate) fn rejected(&self, code: &str) {
        if let Some((_, counter)) = self.rejected.iter().find(|(known, _)| *known == code) {
            counter.increment(1);
        }
    }

    pub(crate) fn odd(&self, oddities: &Oddities) {
        for (counter, &events) in self.odd.iter().zip(&oddities.0) {
            if events > 0 {
                counter.increment(events);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_oddity_has_its_place() {
        for (place, (oddity, _)) in ODDITIES.iter().enumerate() {
            assert_eq!(*oddity as usize, place);
        }
    }
}
