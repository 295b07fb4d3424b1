//! Probe users: does a page change at once, and in the right direction?
//!
//! A probe is somebody new. It asks for a page, then skips three videos of topic A and finishes three of topic B, waits for the acknowledgement and
//! asks again: the share of B against A must rise. The clock runs from the moment the events are sent to the moment the changed page is here.

use std::time::{Duration, Instant};

use testkit::{Caller, Server, Value, json};
use types::VideoId;

use super::world::{TOPICS, World, tag};
use crate::figures::{Figures, Latencies, latencies, latency_add};

/// Watches of each topic in a probe.
const WATCHES: usize = 3;
const PAGE: usize = 20;
/// Topics with fewer videos are too small to fill a share of a page.
const VIDEOS_MIN: usize = 40;

/// What the probes found.
pub(super) struct Reflected {
    latencies: Latencies,
    probes: u64,
    right: u64,
    wrong: u64,
    unchanged: u64,
    /// Probes that were refused on the way.
    shed: u64,
    /// Sums of shares of the page: B before, B after, A before, A after; and of Kendall distances.
    shares: [f64; 4],
    kendall: f64,
}

impl Default for Reflected {
    fn default() -> Self {
        Self {
            latencies: latencies(),
            probes: 0,
            right: 0,
            wrong: 0,
            unchanged: 0,
            shed: 0,
            shares: [0.0; 4],
            kendall: 0.0,
        }
    }
}

/// Probes one after the other, with a rest between them, until `ended` says so.
pub(super) fn probe(server: &Server, world: &World, rest: Duration, ended: impl Fn() -> bool) -> Reflected {
    let mut found = Reflected::default();
    let topics: Vec<u16> = (0..TOPICS as u16)
        .filter(|&topic| world.topic(topic).len() >= VIDEOS_MIN)
        .collect();
    for number in 0.. {
        if ended() || topics.len() < 2 {
            break;
        }
        // Never the same pair soon again; A and B change places from probe to probe.
        let (one, other) = (
            topics[number % topics.len()],
            topics[(number * 7 + 3) % topics.len()],
        );
        if one != other {
            found.one(
                server,
                world,
                if number % 2 == 0 {
                    (one, other)
                } else {
                    (other, one)
                },
            );
        }
        std::thread::sleep(rest);
    }
    found
}

impl Reflected {
    fn one(&mut self, server: &Server, world: &World, (a, b): (u16, u16)) {
        let guest = server.anon();
        let Some(before) = page(&guest) else {
            self.shed += 1;
            return;
        };
        let watch = |topic: u16, place: usize, is_liked: bool| {
            let videos = world.topic(topic);
            let video = u64::from(videos[place * 7 % videos.len()]);
            let duration_ms = World::duration_ms(video);
            let id = world.video_id(video).to_string();
            match is_liked {
                true => json!({"type": "watch", "videoId": id, "watchMs": duration_ms, "ended": true}),
                false => json!({"type": "watch", "videoId": id, "watchMs": 400, "ended": false}),
            }
        };
        let skipped = (0..WATCHES).map(|place| watch(a, place, false));
        let finished = (0..WATCHES).map(|place| watch(b, place, true));
        let batch = guest.batch(skipped.chain(finished).collect());
        let sent = Instant::now();
        let taken = guest.post("/api/v1/events", &batch.body).status == 202;
        let Some(after) = page(&guest).filter(|_| taken) else {
            self.shed += 1;
            return;
        };
        latency_add(&mut self.latencies, sent.elapsed());
        let shares = [(b, &before), (b, &after), (a, &before), (a, &after)]
            .map(|(topic, page)| share(world, topic, page));
        let turned = (shares[1] - shares[3]) - (shares[0] - shares[2]);
        self.probes += 1;
        self.right += u64::from(turned > 0.0);
        self.wrong += u64::from(turned < 0.0);
        self.unchanged += u64::from(before == after);
        self.shares
            .iter_mut()
            .zip(shares)
            .for_each(|(sum, share)| *sum += share);
        self.kendall += kendall(&before, &after);
    }

    pub(super) fn report(&self, prefix: &str, figures: &mut Figures) {
        let probes = self.probes.max(1) as f64;
        let mut add = |name: &str, value: f64| figures.add(&format!("{prefix}{name}"), value);
        add("probes", self.probes as f64);
        add("reflect_right_ratio", self.right as f64 / probes);
        add("probes_shed", self.shed as f64);
        add("reflect_wrong", self.wrong as f64);
        add("reflect_unchanged", self.unchanged as f64);
        let names = ["liked_before", "liked_after", "skipped_before", "skipped_after"];
        for (name, sum) in names.into_iter().zip(self.shares) {
            add(&format!("reflect_{name}"), sum / probes);
        }
        add("reflect_kendall", self.kendall / probes);
        figures.add_latencies(&format!("{prefix}reflect_"), &self.latencies);
    }

    /// Pages that turned the wrong way.
    pub(super) fn wrong(&self) -> (u64, u64) {
        (self.wrong, self.probes)
    }
}

/// The videos of a page; none when the server had too much to do.
fn page(guest: &Caller) -> Option<Vec<String>> {
    let answer = guest.get(&format!("/api/v1/feed/for-you?count={PAGE}"));
    let page = (answer.status == 200).then(|| answer.json())?;
    let items = page["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    let id = |item: &Value| item["video"]["id"].as_str().unwrap_or_default().to_owned();
    Some(items.iter().map(id).collect())
}

/// The part of the page that carries the topic's hashtag.
fn share(world: &World, topic: u16, page: &[String]) -> f64 {
    let wanted = tag(topic);
    let carries = |id: &&String| {
        let number = id.parse::<VideoId>().ok().and_then(|id| world.video_of(id));
        number.is_some_and(|number| world.hashtags(number).contains(&wanted))
    };
    page.iter().filter(carries).count() as f64 / page.len().max(1) as f64
}

/// Kendall's distance of two lists' heads, 0 to 1 (Fagin, Kumar, Sivakumar 2003, K⁽⁰⁾): pairs in another order, over all pairs of what either holds.
fn kendall(before: &[String], after: &[String]) -> f64 {
    let mut all: Vec<&String> = before.iter().chain(after).collect();
    all.sort_unstable();
    all.dedup();
    let place =
        |list: &[String], id: &String| list.iter().position(|known| known == id).unwrap_or(list.len());
    let (mut pairs, mut turned) = (0u64, 0u64);
    for (number, one) in all.iter().enumerate() {
        for other in &all[number + 1..] {
            let first = place(before, one).cmp(&place(before, other));
            let second = place(after, one).cmp(&place(after, other));
            pairs += 1;
            turned += u64::from(first == second.reverse() && first.is_ne());
        }
    }
    turned as f64 / pairs.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distance_of_lists() {
        let list = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert!(kendall(&list("a b c"), &list("a b c")) < 1e-9);
        assert!((kendall(&list("a b c"), &list("c b a")) - 1.0).abs() < 1e-9);
        // a x against b x: one pair of three is turned for sure, the others are half known.
        assert!((kendall(&list("a b"), &list("c d")) - 4.0 / 6.0).abs() < 1e-9);
    }
}
