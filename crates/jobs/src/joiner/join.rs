//! One viewer and one video: what was served meets what became of it, and is written down.
//!
//! Everything here is a function of the facts and of when each was heard of, never of the order in which topics are read: what a
//! record says depends on one topic's order alone, and the rest follows in further records.

use event::{Example, ExampleKind, Label, Labels, Signal, SignalKind, WatchOutcome};
use types::{ImpressionId, TimestampMs};

use super::key::Pair;
use super::state::{Deed, End, Fact, First, PairState, Served, Shown};

/// A viewer who was not heard of for so long after a video came on screen is given up: what became of it is unknown.
pub(crate) const LOST_AFTER_MS: i64 = 600_000;
/// For so long after an item was served, what is done with it changes its labels.
pub(crate) const KEPT_MS: i64 = 86_400_000;
/// Impressions of one video to one viewer that are open at once; more push out the oldest.
const SHOWN_MAX: usize = 64;
/// Actions of one viewer on one video within a day that matter.
const DEEDS_MAX: usize = 64;
/// Facts about one impression that wait until it is known what they belong to.
const LATER_MAX: usize = 64;
pub(crate) const MINUTE_MS: i64 = 60_000;

/// The end of the minute that `at_ms` lies in.
pub(crate) fn minute_after(at_ms: i64) -> i64 {
    (at_ms.div_euclid(MINUTE_MS) + 1).saturating_mul(MINUTE_MS)
}

/// When an impression first told of at `told_ms` is given up.
pub(crate) fn lost_ms(told_ms: i64) -> i64 {
    minute_after(told_ms.saturating_add(LOST_AFTER_MS))
}

/// When an item served at `heard_ms` is forgotten.
pub(crate) fn kept_ms(heard_ms: i64) -> i64 {
    minute_after(heard_ms.saturating_add(KEPT_MS))
}

/// When an action is forgotten that came before anything was shown.
pub(crate) fn deed_kept_ms(heard_ms: i64) -> i64 {
    minute_after(heard_ms.saturating_add(LOST_AFTER_MS))
}

impl Shown {
    /// When nothing more is to be learned of it.
    fn over_ms(&self) -> i64 {
        match (&self.served, self.told_ms) {
            (Some(served), _) => kept_ms(served.heard_ms),
            (None, Some(told_ms)) => lost_ms(told_ms),
            (None, None) => i64::MAX,
        }
    }

    /// Takes in a fact, or lets it wait; when to look again goes to `due`.
    ///
    /// What a device tells of an item that is not known to be served waits for that. What is heard of after this was over
    /// belongs to a new beginning of the impression, and waits for the timer, which alone knows that nothing earlier comes.
    fn take(&mut self, fact: Fact, due: &mut Vec<i64>) {
        match (&self.served, fact) {
            (Some(_), fact) if fact.heard_ms() >= self.over_ms() => self.wait(fact),
            (Some(_), Fact::Served(_)) => {}
            (Some(_), Fact::Told { signal, heard_ms }) => {
                if self.later.iter().any(|held| matches!(held, Fact::Told { .. })) {
                    self.wait(Fact::Told { signal, heard_ms });
                } else {
                    self.take_told(&signal, heard_ms, due);
                }
            }
            (None, Fact::Served(served)) => match self.told_ms.map(lost_ms) {
                Some(over_ms) if served.heard_ms >= over_ms => self.wait(Fact::Served(served)),
                _ => self.begin(served, due),
            },
            (None, fact) => {
                if self.told_ms.is_none() {
                    self.told_ms = Some(fact.heard_ms());
                    due.push(lost_ms(fact.heard_ms()));
                }
                self.wait(fact);
            }
        }
    }

    fn wait(&mut self, fact: Fact) {
        if self.later.len() < LATER_MAX {
            self.later.push(fact);
        } else {
            dropped("facts_of_impression");
        }
    }

    fn begin(&mut self, served: Served, due: &mut Vec<i64>) {
        due.push(kept_ms(served.heard_ms));
        self.served = Some(served);
        self.told_ms = None;
        for fact in std::mem::take(&mut self.later) {
            self.take(fact, due);
        }
    }

    fn take_told(&mut self, signal: &Signal, heard_ms: i64, due: &mut Vec<i64>) {
        if self.told_ms.is_none() {
            if self.stale_ms.is_some_and(|stale_ms| heard_ms < stale_ms) {
                return;
            }
            let served_ms = self.served.as_ref().map(|served| served.heard_ms);
            if served_ms.is_some_and(|served_ms| served_ms >= lost_ms(heard_ms)) {
                // Long before it was served: no device of ours says that.
                self.stale_ms = Some(lost_ms(heard_ms));
                return;
            }
            self.told_ms = Some(heard_ms);
            due.push(lost_ms(heard_ms));
        }
        self.give_up(heard_ms);
        self.note(signal, heard_ms);
    }

    /// Ends the label window as lost when that time has come. Called before anything heard at `now_ms` or later is noted.
    fn give_up(&mut self, now_ms: i64) {
        let Some(at_ms) = self.told_ms.map(lost_ms) else {
            return;
        };
        if self.end.is_none() && now_ms >= at_ms {
            self.end = Some(End {
                lost: true,
                at_ms,
                signals: self.signals,
            });
        }
    }

    fn note(&mut self, signal: &Signal, heard_ms: i64) {
        match signal.kind {
            SignalKind::Watch {
                watch_ms,
                ended,
                loops,
            } if self.watch.is_none() => {
                let watch = WatchOutcome {
                    watch_ms,
                    ended,
                    loops,
                };
                self.watch = Some((watch, heard_ms));
                self.end.get_or_insert(End {
                    lost: false,
                    at_ms: heard_ms,
                    signals: self.signals,
                });
            }
            SignalKind::Skip { .. } => self.signals.set(Label::Skip, true),
            SignalKind::NotInterested => self.signals.set(Label::NotInterested, true),
            SignalKind::NotInterestedUndo => self.signals.set(Label::NotInterested, false),
            SignalKind::Watch { .. }
            | SignalKind::Impression
            | SignalKind::Loop
            | SignalKind::Heartbeat
            | SignalKind::Context => {}
        }
    }

    /// Begins anew with what waited, if this is over at `now_ms`.
    fn renew(&mut self, now_ms: i64, due: &mut Vec<i64>) {
        while self.over_ms() <= now_ms {
            let (over_ms, was_served) = (self.over_ms(), self.served.is_some());
            let later = std::mem::replace(self, Self::new(self.impression)).later;
            // What was told of an item nobody served goes with it, up to the first thing told after it was over.
            let mut stays = was_served;
            for fact in later {
                let is_told = matches!(fact, Fact::Told { .. });
                stays |= is_told && fact.heard_ms() >= over_ms;
                if stays || !is_told {
                    self.take(fact, due);
                }
            }
        }
    }

    fn is_blank(&self) -> bool {
        self.served.is_none() && self.told_ms.is_none()
    }
}

fn dropped(reason: &'static str) {
    metrics::counter!("riffle_jobs_dropped_total", "job" => super::JOINER, "reason" => reason).increment(1);
}

impl PairState {
    /// Takes in something about an impression; when to look at the pair again goes to `due`.
    pub(crate) fn learn(&mut self, impression: ImpressionId, fact: Fact, due: &mut Vec<i64>) {
        let place = self
            .shown
            .binary_search_by_key(&impression, |shown| shown.impression);
        let at = place.unwrap_or_else(|at| {
            self.shown.insert(at, Shown::new(impression));
            self.push_out(at)
        });
        self.shown[at].take(fact, due);
        if self.shown[at].is_blank() {
            self.shown.remove(at);
        }
    }

    /// Takes in an action on the video; when to look at the pair again goes to `due`.
    pub(crate) fn did(&mut self, deed: Deed, due: &mut Vec<i64>) {
        if self.deeds.len() >= DEEDS_MAX {
            dropped("actions_of_pair");
            return;
        }
        self.deeds.push(deed);
        self.deeds_seen += 1;
        due.push(deed_kept_ms(deed.heard_ms));
    }

    /// Keeps the number of impressions within its bound, and the new one at `at`; where that one is now.
    fn push_out(&mut self, at: usize) -> usize {
        if self.shown.len() <= SHOWN_MAX {
            return at;
        }
        let others = self.shown.iter().enumerate().filter(|(place, _)| *place != at);
        let oldest = others.min_by_key(|(_, shown)| (shown.since_ms(), shown.impression));
        let Some(oldest) = oldest.map(|(place, _)| place) else {
            return at;
        };
        self.shown.remove(oldest);
        dropped("impressions_of_pair");
        at - usize::from(oldest < at)
    }

    /// Gives up and forgets what is due at `now_ms`, before which everything heard has been taken in; when to look again.
    pub(crate) fn look(&mut self, pair: Pair, now_ms: i64, out: &mut Vec<Example>) -> Vec<i64> {
        let mut due = Vec::new();
        self.shown.iter_mut().for_each(|shown| shown.give_up(now_ms));
        self.settle(pair, out);
        self.shown
            .iter_mut()
            .for_each(|shown| shown.renew(now_ms, &mut due));
        self.shown.retain(|shown| !shown.is_blank());
        self.settle(pair, out);
        // What was heard of since may have been read already or not: it must not matter.
        let is_waited_for = self.shown.iter().any(|shown| shown.since_ms() < now_ms);
        let over = self
            .deeds
            .iter()
            .take_while(|deed| deed_kept_ms(deed.heard_ms) <= now_ms)
            .count();
        if !is_waited_for {
            self.deeds.drain(..over);
        }
        due
    }

    /// Writes down whatever can be said and has not been.
    pub(crate) fn settle(&mut self, pair: Pair, out: &mut Vec<Example>) {
        let deeds_before = self.deeds_seen - self.deeds.len() as u64;
        for shown in &mut self.shown {
            let (Some(served), Some(end)) = (&shown.served, shown.end) else {
                continue;
            };
            let mut scribe = Scribe {
                pair,
                served,
                end,
                out,
            };
            let wrote = &mut shown.wrote;
            let watch = shown.watch.map(|(watch, _)| watch);
            if wrote.first == First::None {
                (wrote.first, wrote.known) = match end.lost {
                    true => (First::Lost, end.signals),
                    false => (First::Watched, Labels::ALL),
                };
                wrote.yes = end.signals;
                let (kind, watch) = match end.lost {
                    true => (ExampleKind::Lost, None),
                    false => (ExampleKind::Watched, watch),
                };
                scribe.write(kind, watch, (wrote.known, wrote.yes, Labels::default()));
            }
            if wrote.first == First::Lost && watch.is_some() && !wrote.recovered {
                wrote.recovered = true;
                let nothing = Labels::default();
                scribe.write(ExampleKind::Recovered, watch, (nothing, nothing, nothing));
            }
            for label in [Label::Skip, Label::NotInterested] {
                if shown.signals.has(label) {
                    wrote.change(label, true, &mut scribe);
                }
            }
            for (number, deed) in (deeds_before + 1..).zip(&self.deeds) {
                if number <= wrote.deeds {
                    continue;
                }
                wrote.deeds = number;
                if deed.at_ms >= served.at_ms && deed.heard_ms < kept_ms(served.heard_ms) {
                    wrote.change(deed.label, deed.to, &mut scribe);
                }
            }
        }
    }
}

impl super::state::Wrote {
    /// Says that a label is otherwise than was said, if it is.
    fn change(&mut self, label: Label, to: bool, scribe: &mut Scribe<'_>) {
        let was_known = self.known.has(label);
        if was_known && self.yes.has(label) == to {
            return;
        }
        self.known.set(label, true);
        self.yes.set(label, to);
        let count = &mut self.changes[label as usize];
        *count = count.saturating_add(1);
        let (this, nothing) = (Labels::of(label), Labels::default());
        let (yes, corrects) = (
            if to { this } else { nothing },
            if was_known { this } else { nothing },
        );
        scribe.write(ExampleKind::Changed(*count), None, (this, yes, corrects));
    }
}

/// Writes records about one impression.
struct Scribe<'a> {
    pair: Pair,
    served: &'a Served,
    end: End,
    out: &'a mut Vec<Example>,
}

impl Scribe<'_> {
    fn write(
        &mut self,
        kind: ExampleKind,
        watch: Option<WatchOutcome>,
        (known, yes, corrects): (Labels, Labels, Labels),
    ) {
        let served_ms: TimestampMs = self.served.at_ms;
        self.out.push(Example {
            viewer: self.pair.viewer,
            served_ms,
            item: self.served.item.clone(),
            kind,
            ended_ms: self.end.at_ms,
            watch,
            known,
            yes,
            corrects,
        });
    }
}
