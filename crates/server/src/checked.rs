//! Credentials that were checked a moment ago. Checking one costs two rounds of SHA-256 and some JSON; a client sends the same one with
//! every request. What a credential allows, and whether it is genuine, is settled elsewhere.

use std::collections::HashMap;

use parking_lot::Mutex;
use types::TimestampMs;

use crate::identity::Viewer;

const SHARDS: usize = 16;
/// Credentials of one generation of one shard; two generations are held: 32 768 in all, about 10 MB of tokens.
const GENERATION_MAX: usize = 1_024;
/// A longer text is checked every time: nobody was given one.
const TEXT_BYTES_MAX: usize = 1_024;

/// See the file's header. Bounded: when a generation is full it becomes the old one, and the old one is forgotten.
#[derive(Default)]
pub(crate) struct Checked {
    shards: [Mutex<Generations>; SHARDS],
}

#[derive(Default)]
struct Generations {
    young: HashMap<Box<str>, Genuine>,
    old: HashMap<Box<str>, Genuine>,
}

#[derive(Debug, Clone, Copy)]
struct Genuine {
    viewer: Viewer,
    /// Good before this time.
    until_ms: TimestampMs,
}

impl Checked {
    /// Whose `text` is, if it was found genuine and still is.
    pub(crate) fn get(&self, text: &str, now_ms: TimestampMs) -> Option<Viewer> {
        let mut shard = self.shard(text).lock();
        let known = match shard.young.get(text) {
            Some(known) => *known,
            None => {
                let (text, known) = shard.old.remove_entry(text)?;
                shard.put(text, known);
                known
            }
        };
        (now_ms < known.until_ms).then_some(known.viewer)
    }

    /// Notes a text that was just found genuine.
    pub(crate) fn put(&self, text: &str, viewer: Viewer, until_ms: TimestampMs) {
        if text.len() <= TEXT_BYTES_MAX {
            let genuine = Genuine { viewer, until_ms };
            self.shard(text).lock().put(text.into(), genuine);
        }
    }

    /// By the last byte: genuine texts end with a signature, which nobody can choose.
    fn shard(&self, text: &str) -> &Mutex<Generations> {
        let last = text.bytes().last().unwrap_or(0);
        &self.shards[usize::from(last) % SHARDS]
    }
}

impl Generations {
    fn put(&mut self, text: Box<str>, genuine: Genuine) {
        if self.young.len() >= GENERATION_MAX {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(text, genuine);
    }
}

#[cfg(test)]
mod tests {
    use types::ViewerId;

    use super::*;

    fn viewer(raw: u64) -> Viewer {
        Viewer {
            viewer: ViewerId::from_raw(raw),
            user: None,
            is_adult: false,
        }
    }

    #[test]
    fn a_credential_is_good_until_its_time_and_no_other_text_is() {
        let checked = Checked::default();
        checked.put("token", viewer(7), 100);
        let check = |text: &str, now_ms: TimestampMs, expect: Option<u64>| {
            let found = checked.get(text, now_ms).map(|found| found.viewer.raw());
            assert_eq!(found, expect, "{text:?} at {now_ms}");
        };
        check("token", 99, Some(7));
        check("token", 100, None);
        check("tokem", 99, None);
        check("", 99, None);
    }

    #[test]
    fn only_two_generations_are_held_and_use_keeps_alive() {
        let checked = Checked::default();
        // All end alike, so they share a shard.
        let text = |number: usize| format!("{number}x");
        checked.put("used x", viewer(1), 9);
        for number in 0..4 * GENERATION_MAX {
            checked.put(&text(number), viewer(2), 9);
            if number.is_multiple_of(GENERATION_MAX / 2) {
                assert!(checked.get("used x", 0).is_some(), "in use at {number}");
            }
        }
        assert!(checked.get(&text(0), 0).is_none());
        assert!(checked.get(&text(4 * GENERATION_MAX - 1), 0).is_some());
        let shard = checked.shard("x").lock();
        assert!(shard.young.len() <= GENERATION_MAX && shard.old.len() <= GENERATION_MAX);
    }
}
