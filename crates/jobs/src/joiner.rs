//! What was served meets what became of it: one record to learn from at the moment the viewer leaves, and one for each thing that
//! becomes known after that. Served records, signals and actions may come in any order across their topics.
//!
//! Features are passed on exactly as they were served (I-2); what nobody told stays unknown (I-6). Why a record is written at once,
//! without waiting for late actions, stands in `docs/adr/0012-examples.md`.
//!
//! Back of the envelope:
//!
//! | what | figure |
//! |---|---|
//! | state, an item that was served | 250 B and 8 a feature in memory, 100 B and 6 a feature stored, for a day |
//! | state, 1 M items a day | 0.4 GB stored; in memory what was touched last, within the engine's bound |
//! | out | 76 B and 6 a feature for each watched item, as much for each later change: 1 in 10 or so |
//! | CPU | about 2 µs a signal, 1 µs an item served |
//! | disk, network | those of the log |

mod join;
mod key;
mod sink;
mod state;
#[cfg(test)]
mod tests;

use event::{Action, Event, Example, ServedSlate, Signal, key_group_of, topic};
use event_log::{Record, Topic};
use stream::Poisoned;
use stream::keyed::{Fate, Folding, Job, Local};

use crate::decode;
use join::MINUTE_MS;
use state::{Deed, Fact, Served, label_of};

pub use key::{LocalKey, Never, Pair};
pub use sink::ExamplesSink;
pub use state::{LocalState, PairState};

/// The job's name.
pub const JOINER: &str = "joiner";

/// See the file's header.
#[derive(Debug, Clone, Copy, Default)]
pub struct JoinerJob;

/// A record to append, and the time it is filed under.
#[derive(Debug, Clone, PartialEq)]
pub struct ExampleRow {
    pub example: Example,
    pub at_ms: i64,
}

type Here<'a, 'w> = &'a mut Local<'w, JoinerJob>;

/// When we heard of something received at `received_ms`: never before the watermark of its own topic, so that every timer up to
/// then finds it taken in, whichever topic is read first.
fn heard_ms(received_ms: i64, local: Here<'_, '_>) -> i64 {
    received_ms.max(local.watermark_ms())
}

fn served(slate: ServedSlate, record: &Record, local: Here<'_, '_>) {
    let heard_ms = heard_ms(record.at_ms, local);
    for item in slate.items {
        let pair = Pair {
            viewer: slate.viewer,
            video: item.video,
        };
        let served = Served {
            heard_ms,
            at_ms: slate.at_ms,
            item,
        };
        let (impression, fact) = (served.item.impression, Fact::Served(served));
        take(pair, heard_ms, local, |state, due| {
            state.learn(impression, fact, due);
        });
    }
}

fn signal(signal: &Signal, local: Here<'_, '_>) {
    let (Some(video), Some(impression)) = (signal.video, signal.impression) else {
        // Watched from a profile or a link: nothing was served.
        return;
    };
    let heard_ms = heard_ms(signal.received_ms, local);
    let viewer = signal.viewer;
    let fact = Fact::Told {
        signal: *signal,
        heard_ms,
    };
    take(Pair { viewer, video }, heard_ms, local, |state, due| {
        state.learn(impression, fact, due);
    });
}

fn action(action: &Action, record: &Record, local: Here<'_, '_>) -> Result<(), Poisoned> {
    if action.outbox_id == 0 {
        return Err(Poisoned { reason: "unstamped" });
    }
    let partition = local.partition();
    let mark = local.state(&LocalKey::Outbox { partition }).outbox();
    if action.outbox_id <= *mark {
        local.fate(Fate::Duplicate);
        return Ok(());
    }
    *mark = action.outbox_id;
    let (Some(video), Some((label, to))) = (action.video, label_of(action.kind)) else {
        return Ok(());
    };
    let heard_ms = heard_ms(record.at_ms, local);
    let deed = Deed {
        heard_ms,
        at_ms: action.at_ms,
        label,
        to,
    };
    let viewer = action.actor.into();
    take(Pair { viewer, video }, heard_ms, local, |state, due| {
        state.did(deed, due)
    });
    Ok(())
}

/// Changes a pair, writes down what follows, and comes back to it when the change says so.
fn take(pair: Pair, heard_ms: i64, local: Here<'_, '_>, change: impl FnOnce(&mut PairState, &mut Vec<i64>)) {
    let (mut examples, mut due) = (Vec::new(), Vec::new());
    let held = local.state(&LocalKey::Pair(pair));
    let state = held.pair();
    change(state, &mut due);
    state.settle(pair, &mut examples);
    if state.is_empty() {
        *held = LocalState::Nothing;
    }
    look_later(pair, due, local);
    hand_over(examples, heard_ms, local);
}

fn look_later(pair: Pair, due: Vec<i64>, local: Here<'_, '_>) {
    for due_ms in due {
        let (group, minute) = (key_group_of(pair.viewer), due_ms.div_euclid(MINUTE_MS));
        let due = LocalKey::Due { group, minute };
        local.state(&due).due().push(pair);
        local.timer(&due, due_ms);
    }
}

fn hand_over(examples: Vec<Example>, at_ms: i64, local: Here<'_, '_>) {
    for example in examples {
        local.row(ExampleRow { example, at_ms });
    }
}

impl Job for JoinerJob {
    type LocalKey = LocalKey;
    type Local = LocalState;
    type Key = Never;
    type State = ();
    type Delta = Never;
    type Row = ExampleRow;

    fn name(&self) -> &'static str {
        JOINER
    }

    fn topics(&self) -> &'static [Topic] {
        &[Topic(topic::SERVED), Topic(topic::VIEWS), Topic(topic::ACTIONS)]
    }

    fn prepare(&self, record: &Record, local: &mut Local<'_, Self>) -> Result<(), Poisoned> {
        match decode(record)? {
            Event::Served(slate) => served(slate, record, local),
            Event::Signal(signal) => self::signal(&signal, local),
            Event::Action(action) => self::action(&action, record, local)?,
            Event::Wish(_) => {}
            Event::Video(_) | Event::Example(_) | Event::Pool(_) => {
                return Err(Poisoned {
                    reason: "not_of_a_viewer",
                });
            }
        }
        Ok(())
    }

    fn local_timer(&self, key: &LocalKey, at_ms: i64, local: &mut Local<'_, Self>) {
        let mut pairs = std::mem::take(local.state(key).due());
        *local.state(key) = LocalState::Nothing;
        pairs.sort_unstable();
        pairs.dedup();
        for pair in pairs {
            let (mut examples, mut due) = (Vec::new(), Vec::new());
            let state = local.state(&LocalKey::Pair(pair));
            if let LocalState::Pair(held) = state {
                due = held.look(pair, at_ms, &mut examples);
                if held.is_empty() {
                    *state = LocalState::Nothing;
                }
            }
            look_later(pair, due, local);
            hand_over(examples, at_ms, local);
        }
    }

    fn fold(&self, key: &Never, (): &mut (), _: Never, _: &mut Folding<'_, Self>) {
        match *key {}
    }

    fn rows(&self, key: &Never, (): &(), _: &mut Vec<ExampleRow>) {
        match *key {}
    }
}
