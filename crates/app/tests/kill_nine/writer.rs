//! One person under load: watches, likes, takes likes back, comments, and keeps an exact account of it.
//!
//! Batches of events are sent again with the same sequence numbers until they are acknowledged; likes are idempotent
//! and sent again too; a comment is sent once, because a second try would be a second comment.

use std::collections::{BTreeMap, BTreeSet};

use testkit::{Answer, Caller, Random, json, until};

use crate::ledger::Ledger;

const ACKNOWLEDGED_SECONDS_MAX: u64 = 120;
const BATCH_EVENTS_MAX: u64 = 5;
/// Sometimes a batch that was acknowledged is sent once more, as a client does that lost its own notes.
const RESEND_PERCENT: u64 = 10;

/// What one writer knows to be true.
#[derive(Debug, Default)]
pub struct Tally {
    pub views: BTreeMap<String, u64>,
    pub liked: BTreeSet<String>,
    /// Text, and whether its answer came.
    pub comments: Vec<(String, bool)>,
}

pub struct Writer {
    caller: Caller,
    videos: Vec<String>,
    random: Random,
    tally: Tally,
}

impl Writer {
    pub fn new(caller: Caller, videos: Vec<String>, random: Random) -> Self {
        Self {
            caller,
            videos,
            random,
            tally: Tally::default(),
        }
    }

    /// Works until the ledger says stop.
    pub fn run(&mut self, ledger: &Ledger) -> Tally {
        loop {
            match self.random.below(10) {
                0 => self.like(),
                1 => self.comment(),
                _ => self.watch(),
            }
            if !ledger.acknowledge() {
                return std::mem::take(&mut self.tally);
            }
        }
    }

    fn video(&mut self) -> String {
        self.random.pick(&self.videos).clone()
    }

    fn watch(&mut self) {
        let count = self.random.between(1, BATCH_EVENTS_MAX + 1);
        let videos: Vec<String> = (0..count).map(|_| self.video()).collect();
        let watch =
            |video: &String| json!({"type": "watch", "videoId": video, "watchMs": 5000, "ended": true});
        let batch = self.caller.batch(videos.iter().map(watch).collect());
        let sends = 1 + u64::from(self.random.chance(RESEND_PERCENT));
        for _ in 0..sends {
            let answer = acknowledged("a batch of events", 202, || self.caller.try_send_batch(&batch)).json();
            let settled = answer["accepted"]
                .as_u64()
                .zip(answer["duplicates"].as_u64())
                .map(|(new, old)| new + old);
            assert_eq!(settled, Some(batch.count), "{answer}");
            assert_eq!(
                answer["ackedThroughSeq"],
                batch.seq_first + batch.count - 1,
                "{answer}"
            );
        }
        for video in videos {
            *self.tally.views.entry(video).or_default() += 1;
        }
    }

    fn like(&mut self) {
        let video = self.video();
        let like = self.random.chance(70);
        let body = json!({"action": if like { "like" } else { "unlike" }});
        let path = format!("/api/v1/videos/{video}/engagement");
        let answer = acknowledged("a like", 200, || self.caller.try_post(&path, &body)).json();
        assert_eq!(answer["viewer"]["liked"], like, "{answer}");
        if like {
            self.tally.liked.insert(video);
        } else {
            self.tally.liked.remove(&video);
        }
    }

    fn comment(&mut self) {
        let text = format!("{} says {}", self.caller.name, self.tally.comments.len());
        let body = json!({"action": "comment", "commentText": text});
        let path = format!("/api/v1/videos/{}/engagement", self.video());
        let answered = self
            .caller
            .try_post(&path, &body)
            .is_ok_and(|answer| answer.status == 200);
        self.tally.comments.push((text, answered));
    }
}

/// Sends again, across restarts, until the answer has `status`.
fn acknowledged(what: &str, status: u16, send: impl Fn() -> Result<Answer, String>) -> Answer {
    until(what, ACKNOWLEDGED_SECONDS_MAX, || {
        send().ok().filter(|answer| answer.status == status)
    })
}
