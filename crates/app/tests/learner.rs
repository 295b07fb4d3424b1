//! The learner from outside: people finish one kind of video and skip another, the server is killed in between, and in the end the
//! model knows the kinds apart in videos that nobody has watched yet. No acknowledged swipe is lost to it, and none is learned twice.

use std::process::Command;
use std::sync::Arc;

use event::{Event, ServedItem, topic};
use event_log::{EventLog, SegmentLog, SegmentLogConfig, Topic, TopicPartition};
use feature::Registry;
use model::{Predictions, RowRef};
use ranking::Value;
use testkit::{Caller, Clip, Server, json, until};
use trainer::{ExampleShape, Learner, LearnerParts, LearnerSettings, TowersSettings, replay};

const BINARY: &str = env!("CARGO_BIN_EXE_riffle");
const KINDS: [&str; 2] = ["sea", "neon"];
const VIDEOS: u32 = 10;
const VIEWERS: usize = 60;
/// The server is killed after so many viewers, twice.
const KILLS: [usize; 2] = [20, 41];
const SECONDS_MAX: u64 = 120;

fn publish(creator: &Caller, number: u32) -> String {
    let kind = KINDS[number as usize % 2];
    let clip = Clip::small(number).bytes();
    let video = creator.publish(&clip, &format!("clip {number}"), &[kind]);
    video["id"].as_str().expect("an id").to_owned()
}

/// Looks at one page: what is of the sea is watched to its end, the rest left at once. How many watches were acknowledged.
fn swipe(viewer: &Caller) -> u64 {
    let page = viewer.feed(20, None);
    let mut events = Vec::new();
    for item in page["items"].as_array().expect("items") {
        let (video, impression) = (&item["video"]["id"], &item["impressionId"]);
        let likes = item["video"]["hashtags"][0] == KINDS[0];
        let event = |kind: &str| json!({"type": kind, "videoId": video, "impressionId": impression});
        events.push(event("impression"));
        if !likes {
            let mut skip = event("skip");
            skip["positionMs"] = json!(300);
            events.push(skip);
        }
        let mut watch = event("watch");
        watch["watchMs"] = if likes {
            item["video"]["durationMs"].clone()
        } else {
            json!(300)
        };
        watch["ended"] = json!(likes);
        events.push(watch);
    }
    let watched = events.iter().filter(|event| event["type"] == "watch").count() as u64;
    viewer.events(events).expect(202);
    watched
}

/// The learner's figures once it has learned `count` examples.
fn learned(admin: &Caller, count: u64) -> serde_json::Value {
    until("the learner has learned every swipe", SECONDS_MAX, || {
        let flow = admin.get("/api/v1/admin/flow").expect(200);
        let learner = flow["learner"].clone();
        let is_through = learner["learned"].as_u64() >= Some(count) && learner["lagRecords"] == 0;
        is_through.then_some(learner)
    })
}

fn parts() -> LearnerParts {
    let registry = Registry::new();
    LearnerParts {
        schema: ranking::schema(&registry),
        config: ranking::config(),
        seed: 1,
        shape: ExampleShape {
            dense_defaults: registry.defaults(),
        },
        settings: LearnerSettings {
            towers: Some(TowersSettings::default()),
            ..LearnerSettings::default()
        },
    }
}

/// Every record of a topic.
fn records(log: &SegmentLog, number: u8) -> Vec<Event> {
    let mut all = Vec::new();
    for partition in 0..log.partitions() {
        let of = TopicPartition {
            topic: Topic(number),
            partition,
        };
        let mut next = log.start(of);
        while next < log.end(of) {
            let records = log.read(of, next, 1 << 20).expect("reads");
            next += records.len() as u64;
            all.extend(
                records
                    .iter()
                    .map(|record| Event::decode(&record.payload).expect("decodes")),
            );
        }
    }
    all
}

/// What the model thinks a served item is worth.
fn value_of(learner: &Learner, item: &ServedItem) -> f32 {
    let parts = parts();
    let mut dense = Vec::new();
    assert_eq!(
        parts.shape.dense(item, &mut dense),
        0,
        "every feature has its place"
    );
    let row = RowRef {
        ids: &item.ids,
        dense: &dense,
        duration_s: item.duration_ms as f32 / 1_000.0,
    };
    let mut answers = Predictions::default();
    learner.model().predict(&[row], &mut answers);
    Value::new(&parts.schema).of(&answers, 0)
}

#[test]
fn the_model_learns_every_acknowledged_swipe_through_kills_and_knows_the_kinds_apart() {
    let mut server = Server::start(BINARY);
    let (creator, admin) = (server.creator(), server.person("mina"));
    let granted = Command::new(BINARY)
        .args(["admin", "grant", "mina", "--data"])
        .arg(server.data())
        .status()
        .expect("the binary runs");
    assert!(granted.success());
    (0..VIDEOS).for_each(|number| drop(publish(&creator, number)));
    let viewers: Vec<Caller> = (0..VIEWERS).map(|_| server.anon()).collect();
    let mut count = 0;
    for (number, viewer) in viewers.iter().enumerate() {
        if KILLS.contains(&number) {
            server.kill_9();
            server.restart();
        }
        count += swipe(viewer);
    }
    assert_eq!(
        count,
        VIEWERS as u64 * u64::from(VIDEOS),
        "everybody saw everything once"
    );
    let figures = learned(&admin, count);
    assert_eq!(figures["learned"], count, "{figures}");
    assert_eq!(figures["outcomes"], count, "{figures}");
    assert!(figures["versions"].as_u64() > Some(0), "{figures}");
    assert!(
        figures["heads"].as_array().is_some_and(|heads| !heads.is_empty()),
        "{figures}"
    );
    // Two that nobody has watched, shown to somebody who has watched much.
    let fresh = [publish(&creator, VIDEOS), publish(&creator, VIDEOS + 1)];
    until("both are in the feed", SECONDS_MAX, || {
        let page = viewers[3].feed(20, None);
        let shown = page["items"].as_array().map_or(0, Vec::len);
        (shown == fresh.len()).then_some(())
    });
    let metrics = admin.get("/metrics").body;
    let metrics = String::from_utf8_lossy(&metrics);
    assert!(
        metrics.contains("riffle_feed_learned_pages_total"),
        "the model had a say"
    );
    assert!(server.stop().success());

    let log = SegmentLog::open(&server.data().join("log"), SegmentLogConfig::default()).expect("opens");
    let log = Arc::new(log);
    assert_eq!(
        records(&log, topic::EXAMPLES).len() as u64,
        count,
        "each swipe is one example"
    );
    let learner = replay(&*log, &parts()).expect("the journal tells it all");
    assert_eq!((learner.tally().read, learner.tally().outcomes), (count, count));
    let served = records(&log, topic::SERVED)
        .into_iter()
        .filter_map(|event| match event {
            Event::Served(slate) => Some(slate),
            _ => None,
        });
    let last = served.max_by_key(|slate| slate.at_ms).expect("pages were served");
    let worth = |video: &String| {
        let item = last.items.iter().find(|item| item.video.to_string() == *video);
        value_of(&learner, item.expect("it was on the last page"))
    };
    let [sea, neon] = fresh.each_ref().map(worth);
    assert!(sea > neon + 0.05, "sea {sea}, neon {neon}");
}
