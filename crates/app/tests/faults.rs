//! Parts of a running server are broken in turn, under load, and mended again: every source, everything that ranks, and the learner. Every
//! page is answered and holds something throughout, the metrics name what is broken, and what is mended works again (I-3, I-9).

use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use testkit::{Caller, Clip, Server, Value, json, until};

const BINARY: &str = env!("CARGO_BIN_EXE_riffle");
/// So short that a learner that hangs is soon too silent to be relied on, and so long that one that works never is.
const SETTINGS: &str = "[faults]\nallowed = true\n[learner]\nsilence_ms_max = 3000";
const VIDEOS: u32 = 6;
/// Callers who ask for pages without a pause.
const CALLERS: usize = 3;
/// Pages that go wrong before a fault counts as seen.
const BROKEN_PAGES: f64 = 3.0;
/// Pages that must go right after a part was mended.
const WHOLE_PAGES: f64 = 6.0;
const SECONDS_MAX: u64 = 60;
/// What is broken in turn. The rest protects people and fails closed.
const KINDS: [&str; 6] = ["source", "merger", "scorer", "cut", "selector", "side_effect"];
const HYDRATORS: [&str; 4] = ["catch_up", "even", "extract", "profiles"];

struct House {
    server: Server,
    admin: Caller,
    /// Told to callers to end.
    is_over: AtomicBool,
    pages: AtomicUsize,
    watched: AtomicUsize,
}

impl House {
    fn open() -> Self {
        let server = Server::start_with(BINARY, SETTINGS);
        let (creator, admin) = (server.creator(), server.person("mina"));
        let granted = Command::new(BINARY)
            .args(["admin", "grant", "mina", "--data"])
            .arg(server.data())
            .status();
        assert!(granted.expect("the binary runs").success());
        for number in 0..VIDEOS {
            let clip = Clip {
                audio: false,
                ..Clip::small(number)
            };
            creator.publish(&clip.bytes(), &format!("clip {number}"), &["any"]);
        }
        Self {
            server,
            admin,
            is_over: AtomicBool::new(false),
            pages: AtomicUsize::new(0),
            watched: AtomicUsize::new(0),
        }
    }

    /// Asks for pages until the test is over; each must hold something.
    fn ask(&self, number: usize) {
        let guest = self.server.anon();
        while !self.is_over.load(Ordering::Relaxed) {
            let page = page(&guest);
            assert!(!page.is_empty(), "caller {number} got an empty page");
            self.pages.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// New people come until the test is over, each watches a page, so that there is something to learn.
    fn watch(&self) {
        while !self.is_over.load(Ordering::Relaxed) {
            let guest = self.server.anon();
            let events: Vec<Value> = page(&guest).iter().flat_map(watched).collect();
            guest.events(events).expect(202);
            self.watched.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn set(&self, part: &str, fault: &str) {
        let body = json!({ "fault": fault }).to_string();
        let json = [("content-type", "application/json")];
        let path = format!("/api/v1/admin/faults/{part}");
        let answer = self.admin.send("PUT", &path, &json, body.as_bytes());
        assert_eq!(
            answer.status,
            204,
            "{part} {fault}: {}",
            String::from_utf8_lossy(&answer.body)
        );
    }

    fn figure(&self, metric: &str, label: &str) -> f64 {
        let text = String::from_utf8_lossy(&self.admin.get("/metrics").body).into_owned();
        let lines = text
            .lines()
            .filter(|line| line.starts_with(metric) && line.contains(label));
        lines
            .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
            .sum()
    }

    /// Waits until a figure has grown by `more` from now on.
    fn grows(&self, what: &str, (metric, label): (&str, &str), more: f64) {
        let before = self.figure(metric, label);
        until(what, SECONDS_MAX, || {
            (self.figure(metric, label) >= before + more).then_some(())
        });
    }

    fn health(&self) -> String {
        let answer = self.admin.get("/healthz");
        assert_eq!(
            answer.status, 200,
            "a part that is missing is no reason to end the process"
        );
        String::from_utf8_lossy(&answer.body).into_owned()
    }

    fn learner(&self) -> Value {
        self.admin.get("/api/v1/admin/flow").expect(200)["learner"].clone()
    }
}

/// The items of one page.
fn page(guest: &Caller) -> Vec<Value> {
    // A status other than 200 ends the test here.
    let page = guest.feed(3, None);
    page["items"].as_array().expect("a list of items").clone()
}

/// The events of a watch to the end.
fn watched(item: &Value) -> [Value; 2] {
    let (video, impression) = (&item["video"]["id"], &item["impressionId"]);
    let duration = &item["video"]["durationMs"];
    [
        json!({"type": "impression", "videoId": video, "impressionId": impression}),
        json!({"type": "watch", "videoId": video, "impressionId": impression, "watchMs": duration, "ended": true}),
    ]
}

/// Breaks one stage, waits until pages came without it, mends it, and waits until it works as before.
fn stage_goes_and_comes(house: &House, stage: &str, fault: &str) {
    let label = format!("stage=\"{stage}\"");
    let (failures, runs) = (
        "riffle_pipeline_failures_total",
        "riffle_pipeline_stage_runs_total",
    );
    house.set(stage, fault);
    house.grows(
        &format!("{stage} fails by {fault}"),
        (failures, &label),
        BROKEN_PAGES,
    );
    let health = house.health();
    assert!(
        health.contains(&format!("{stage} is broken on purpose ({fault})")),
        "{health}"
    );
    house.set(stage, "none");
    // Pages that were under way when it was mended are over, and a source that rested has been tried again.
    let asked = house.pages.load(Ordering::Relaxed) + 2 * CALLERS;
    until("pages under way are over", SECONDS_MAX, || {
        (house.pages.load(Ordering::Relaxed) >= asked).then_some(())
    });
    // A busy machine may miss a deadline now and then; what counts is that it works.
    let whole = || house.figure(runs, &label) - house.figure(failures, &label);
    let before = whole();
    until(&format!("{stage} works again after {fault}"), SECONDS_MAX, || {
        (whole() >= before + WHOLE_PAGES).then_some(())
    });
}

/// The learner dies again and again while it is broken, is down for all to see, and catches up with what happened meanwhile.
fn learner_dies_and_comes_back(house: &House, fault: &str, kind: &str) {
    let label = format!("kind=\"{kind}\"");
    let before = house.figure("riffle_trainer_ended_total", &label);
    house.set("trainer", fault);
    until("the learner is down", SECONDS_MAX, || {
        (house.learner()["state"] == "down").then_some(())
    });
    house.grows(
        "pages go without it",
        ("riffle_feed_light_pages_total", "reason=\"down\""),
        BROKEN_PAGES,
    );
    assert!(house.figure("riffle_trainer_ended_total", &label) > before);
    assert!(
        house.health().contains("the learner is down"),
        "{}",
        house.health()
    );
    assert!(house.figure("riffle_trainer_up", "") < 0.5);
    let watched = house.watched.load(Ordering::Relaxed);
    until("people go on watching", SECONDS_MAX, || {
        (house.watched.load(Ordering::Relaxed) > watched + 2).then_some(())
    });
    let learned = house.learner()["learned"].as_u64().expect("a number");
    house.set("trainer", "none");
    until("the learner has caught up", SECONDS_MAX, || {
        let learner = house.learner();
        (learner["state"] == "up" && learner["learned"].as_u64() > Some(learned)).then_some(())
    });
    assert_eq!(house.health(), "ok\n");
    assert!(house.figure("riffle_trainer_up", "") > 0.5);
}

/// A learner that stands still is not relied on after a while, and goes on where it stood.
fn learner_hangs_and_goes_on(house: &House) {
    house.set("trainer", "hang");
    house.grows(
        "it is too silent",
        ("riffle_feed_light_pages_total", "reason=\"stale\""),
        BROKEN_PAGES,
    );
    let learned = house.learner()["learned"].as_u64();
    house.set("trainer", "none");
    until("the learner goes on", SECONDS_MAX, || {
        (house.learner()["learned"].as_u64() > learned).then_some(())
    });
}

/// Stages of the recipe that are broken in turn, with a fault each: sources wait, so they may hang as well.
fn faults_of(house: &House) -> Vec<(String, &'static str)> {
    let recipe = house.admin.get("/api/v1/admin/feed/pipeline").expect(200);
    let stages = recipe["stages"].as_array().expect("stages").clone();
    let is_broken = |stage: &Value| {
        let (kind, name) = (stage["kind"].as_str(), stage["name"].as_str());
        KINDS.map(Some).contains(&kind) || HYDRATORS.map(Some).contains(&name)
    };
    let chosen = stages.iter().filter(|stage| is_broken(stage)).enumerate();
    let chosen = chosen.map(|(at, stage)| {
        let faults = match stage["kind"].as_str() {
            Some("source") => &["panic", "hang", "error"][..],
            _ => &["panic", "error"],
        };
        (
            stage["name"].as_str().expect("a name").to_owned(),
            faults[at % faults.len()],
        )
    });
    // These two only run when another failed or was switched off.
    chosen
        .filter(|(name, _)| name != "merge_by_key" && name != "best_first")
        .collect()
}

/// Ends the callers also when the test fails, or it would never end.
struct Over<'h>(&'h House);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.is_over.store(true, Ordering::Relaxed);
    }
}

#[test]
fn parts_of_a_running_server_go_and_come_back_and_every_page_is_served() {
    let house = House::open();
    let faults = faults_of(&house);
    assert!(faults.len() >= 20, "{faults:?}");
    std::thread::scope(|scope| {
        let _over = Over(&house);
        (0..CALLERS).for_each(|number| {
            drop(scope.spawn({
                let house = &house;
                move || house.ask(number)
            }))
        });
        scope.spawn(|| house.watch());
        until("the learner learns", SECONDS_MAX, || {
            let learner = house.learner();
            (learner["state"] == "up" && learner["learned"].as_u64() > Some(0)).then_some(())
        });
        for (stage, fault) in &faults {
            stage_goes_and_comes(&house, stage, fault);
        }
        learner_dies_and_comes_back(&house, "panic", "panic");
        learner_hangs_and_goes_on(&house);
        learner_dies_and_comes_back(&house, "error", "failure");
    });
    let House {
        mut server,
        admin,
        pages,
        ..
    } = house;
    let text = String::from_utf8_lossy(&admin.get("/metrics").body).into_owned();
    let broken = text
        .lines()
        .filter(|line| line.starts_with("riffle_server_requests_total") && line.contains("status=\"5"));
    assert_eq!(broken.count(), 0, "no answer was the house's own fault");
    println!(
        "{} pages by {CALLERS} callers while {} parts were broken",
        pages.into_inner(),
        faults.len() + 3
    );
    assert!(server.stop().success());
}
