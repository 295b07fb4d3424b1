//! A hundred real `kill -9` at seeded moments under load, then a count of everything (I-4).
//!
//! The moments are numbers of acknowledged requests, not times: the same seed kills at the same points of the load.
//! Power loss is not tested here; a killed process leaves the page cache alive.

#[path = "kill_nine/ledger.rs"]
mod ledger;
#[path = "kill_nine/writer.rs"]
mod writer;

use std::collections::BTreeMap;
use std::thread;

use ledger::Ledger;
use testkit::{Caller, Clip, Random, Server, json, until};
use writer::{Tally, Writer};

const KILLS: usize = 100;
const WRITERS: u64 = 8;
const VIDEOS: u32 = 8;
/// Acknowledged requests between a restart and the next kill.
const BETWEEN_KILLS: std::ops::Range<u64> = 10..160;
const SETTLED_SECONDS_MAX: u64 = 60;
const SEED_DEFAULT: u64 = 7;

/// `RIFFLE_TEST_SEED` replays another run.
fn seed() -> u64 {
    std::env::var("RIFFLE_TEST_SEED")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(SEED_DEFAULT)
}

/// How many requests are acknowledged in each round before the kill.
fn moments(seed: u64) -> Vec<u64> {
    let mut random = Random::new(seed).fork(u64::MAX);
    (0..KILLS)
        .map(|_| random.between(BETWEEN_KILLS.start, BETWEEN_KILLS.end))
        .collect()
}

#[test]
fn a_seed_fixes_the_moments() {
    assert_eq!(moments(7), moments(7));
    assert_ne!(moments(7), moments(8));
}

#[test]
fn nothing_acknowledged_is_lost_and_nothing_counts_twice() {
    let seed = seed();
    println!("RIFFLE_TEST_SEED={seed}");
    let mut server = Server::start(env!("CARGO_BIN_EXE_riffle"));
    let creator = server.creator();
    let videos: Vec<String> = (0..VIDEOS).map(|number| publish(&creator, number)).collect();
    let mut viewer = FeedViewer::new(server.viewer());
    let ledger = Ledger::default();

    let mut tallies = thread::scope(|scope| {
        let stop_when_this_ends = ledger.stop_guard();
        let writers: Vec<_> = (0..WRITERS)
            .map(|number| {
                let caller = server.person(&format!("writer_{number}"));
                let mut writer = Writer::new(caller, videos.clone(), Random::new(seed).fork(number));
                let ledger = &ledger;
                scope.spawn(move || writer.run(ledger))
            })
            .collect();
        for moment in moments(seed) {
            ledger.wait_for_more(moment);
            server.kill_9();
            server.restart();
            viewer.look();
        }
        drop(stop_when_this_ends);
        writers
            .into_iter()
            .map(|writer| writer.join().expect("a writer ends well"))
            .collect::<Vec<_>>()
    });

    assert_eq!(
        viewer.tally.views.len(),
        videos.len(),
        "the feed reached every video"
    );
    tallies.push(viewer.tally);
    compare(&creator, &videos, &tallies);
    // Whatever is still on its way arrives before the server ends; the counts must not move by it.
    assert!(server.stop().success(), "SIGTERM ends the server with success");
    server.restart();
    compare(&creator, &videos, &tallies);
    let page = viewer.caller.feed(1, None);
    assert_eq!(page["items"], json!([]), "every video was watched");
}

fn publish(creator: &Caller, number: u32) -> String {
    let video = creator.publish(&Clip::small(number).bytes(), &format!("clip {number}"), &["load"]);
    video["id"].as_str().expect("an id").to_owned()
}

/// Waits until the views have arrived, then compares every count with what the writers know.
fn compare(creator: &Caller, videos: &[String], tallies: &[Tally]) {
    for video in videos {
        let views: u64 = tallies
            .iter()
            .map(|tally| tally.views.get(video).copied().unwrap_or(0))
            .sum();
        let likes = tallies.iter().filter(|tally| tally.liked.contains(video)).count() as u64;
        let counts = until("acknowledged views are counted", SETTLED_SECONDS_MAX, || {
            let counts = creator.video(video)["counts"].clone();
            (counts["views"].as_u64() >= Some(views)).then_some(counts)
        });
        assert_eq!(counts["views"], views, "views of {video}");
        assert_eq!(counts["likes"], likes, "likes of {video}");
    }
    let comments = comments(creator, videos);
    for tally in tallies {
        for (text, acknowledged) in &tally.comments {
            // A comment whose answer never came may be there, once; an acknowledged one must.
            let found = comments.get(text).copied().unwrap_or(0);
            assert!(found <= 1, "comment {text:?} is there {found} times");
            assert!(
                found == 1 || !acknowledged,
                "acknowledged comment {text:?} is lost"
            );
        }
    }
}

/// How often each text stands under any of the videos.
fn comments(caller: &Caller, videos: &[String]) -> BTreeMap<String, u64> {
    let mut found = BTreeMap::new();
    for video in videos {
        let mut cursor = String::new();
        loop {
            let page = caller
                .get(&format!("/api/v1/videos/{video}/comments?count=50{cursor}"))
                .expect(200);
            for comment in page["items"].as_array().expect("a list") {
                *found
                    .entry(comment["text"].as_str().expect("a text").to_owned())
                    .or_default() += 1;
            }
            match page["cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
    }
    found
}

/// Looks at one video of the feed after each restart and never wants to see it again.
struct FeedViewer {
    caller: Caller,
    /// One view for each video that the feed has shown.
    tally: Tally,
}

impl FeedViewer {
    fn new(caller: Caller) -> Self {
        Self {
            caller,
            tally: Tally::default(),
        }
    }

    fn look(&mut self) {
        let page = self.caller.feed(1, None);
        for item in page["items"].as_array().expect("a list") {
            let video = &item["video"]["id"];
            let id = video.as_str().expect("an id").to_owned();
            let watched_before = self.tally.views.insert(id, 1);
            assert_eq!(
                watched_before, None,
                "{video} was watched before a kill and came back"
            );
            let watch = json!({"type": "watch", "videoId": video, "impressionId": item["impressionId"], "watchMs": 900});
            let batch = self.caller.batch(vec![watch]);
            until("the watch is acknowledged", SETTLED_SECONDS_MAX, || {
                self.caller
                    .try_send_batch(&batch)
                    .ok()
                    .filter(|answer| answer.status == 202)
            });
        }
    }
}
