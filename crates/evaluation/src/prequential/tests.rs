//! The protocol on a small made-up feed with a taste to find.

use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;

const HOUR_MS: i64 = 3_600_000;
/// Users like the videos of their own parity, and nearly nothing else.
const USERS: u64 = 30;
const VIDEOS: u64 = 40;

fn put(folder: &Path, name: &str, text: &str) {
    let file = std::fs::File::create(folder.join(name)).expect("a file");
    let mut gzip = GzEncoder::new(file, Compression::fast());
    gzip.write_all(text.as_bytes()).expect("written");
    gzip.finish().expect("finished");
}

/// `events` half before and half after the report window begins.
fn feed(events: u64) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let likes = |user: u64, video: u64, at: u64| {
        let noise = model::rng::bits(7, user * 1_000 + video, at).is_multiple_of(10);
        (user + video).is_multiple_of(2) != noise
    };
    let mut interactions = String::from(
        "time_ms\tuser_id\tvideo_id\ttab\tduration_ms\tplay_time_ms\tis_click\tlong_view\tis_like\tis_follow\tis_comment\tis_forward\tis_hate\tis_profile_enter\n",
    );
    for at in 0..events {
        let time_ms = REPORT_FROM_MS + (at as i64 - events as i64 / 2) * HOUR_MS / 20;
        let (user, video) = (
            model::rng::bits(1, 1, at) % USERS,
            model::rng::bits(1, 2, at) % VIDEOS,
        );
        let long = u8::from(likes(user, video, at));
        let played = 1_000 + 9_000 * u64::from(long);
        interactions += &format!(
            "{time_ms}\t{user}\t{video}\t1\t10000\t{played}\t{long}\t{long}\t{long}\t0\t0\t0\t0\t0\n"
        );
    }
    let mut history = String::from("user_id\tpos\tvideo_id\tlong_view\tis_like\n");
    for user in 0..USERS / 2 {
        for position in 0..8 {
            let video = (user * 7 + position * 3) % VIDEOS;
            let long = u8::from(likes(user, video, position));
            history += &format!("{user}\t{position}\t{video}\t{long}\t0\n");
        }
    }
    let mut items = String::from(
        "video_id\tauthor_id\tvideo_type\tupload_dt\tupload_type\tduration_ms\twidth\theight\tmusic_id\tmusic_type\ttags\n",
    );
    for video in 0..VIDEOS {
        items += &format!(
            "{video}\t{}\tNORMAL\t2022-04-10\tWeb\t10000\t720\t1280\t3\t9\t{}\n",
            video % 8,
            video % 2
        );
    }
    put(folder.path(), "interactions.tsv.gz", &interactions);
    put(folder.path(), "history.tsv.gz", &history);
    put(folder.path(), "items.tsv.gz", &items);
    put(folder.path(), "users.tsv.gz", "user_id\n1\n");
    folder
}

fn args(folder: &tempfile::TempDir, refresh: Refresh) -> Args {
    Args::new(vec![folder.path().to_owned()], Label::LongView, refresh)
}

#[test]
fn the_taste_is_found_and_counted() {
    let folder = feed(3_000);
    let report = run(&args(&folder, Refresh::Event)).expect("a report");
    assert!(report.auc.expect("both classes") > 0.7, "{report:?}");
    assert_eq!((report.report.events, report.tuning.events), (1_500, 1_500));
    assert_eq!(report.warm_up_events, (USERS / 2 * 8) as usize);
    assert_eq!(report.new_item.events, 0);
    assert_eq!(report.auc_new_item, None);
}

#[test]
fn equal_runs_are_equal_and_pairs_compare_the_same_events() {
    let folder = feed(800);
    let mut asked = args(&folder, Refresh::Event);
    asked.against = vec![Refresh::Event, Refresh::Frozen];
    let (one, two) = (run(&asked).expect("a report"), run(&asked).expect("a report"));
    assert_eq!(
        (one.auc, one.logloss, &one.paired),
        (two.auc, two.logloss, &two.paired)
    );
    let [same, frozen] = one.paired.as_slice() else {
        panic!("two pairs: {:?}", one.paired)
    };
    assert_eq!((same.auc_difference, same.auc_interval), (0.0, [0.0, 0.0]));
    assert_ne!(frozen.logloss_difference, 0.0);
    let (exact, weighted) = (one.auc.expect("both classes"), frozen.auc_first);
    assert!((exact - weighted).abs() < 1e-9, "{exact} {weighted}");
    assert!(
        frozen.auc_interval[0] <= frozen.auc_difference && frozen.auc_difference <= frozen.auc_interval[1]
    );
}

#[test]
fn an_event_is_scored_before_its_own_outcome_is_known() {
    let folder = feed(400);
    let asked = args(&folder, Refresh::Event);
    let scores = |flip_last: bool| {
        let mut world = World::read(&asked).expect("read");
        if flip_last {
            let last = world.data.interactions.last_mut().expect("an event");
            last.outcome.long_view ^= true;
            last.outcome.like ^= true;
            last.play_time_ms = 123;
        }
        let mut warm = world.warm_up(&asked).expect("warm");
        let mut arms = [Arm::new(Refresh::Event, warm.learner).expect("heads")];
        world.stream(&mut warm.state, &mut arms);
        Label::ALL.map(|label| arms[0].scores(label).to_vec())
    };
    assert_eq!(scores(false), scores(true));
}

#[test]
fn cold_start_knows_no_history_and_listed_users_alone_are_reported() {
    let folder = feed(400);
    let mut asked = args(&folder, Refresh::Event);
    asked.cold_start = true;
    asked.eval_users = Some(folder.path().join("users.tsv.gz"));
    let report = run(&asked).expect("a report");
    assert_eq!(report.warm_up_events, 0);
    let world = World::read(&asked).expect("read");
    let of_one = world
        .data
        .interactions
        .iter()
        .filter(|row| row.user == 1 && row.time_ms >= REPORT_FROM_MS);
    assert_eq!(report.report.events, of_one.count());
    assert!(world.cold[0].new_item && world.cold[0].user);
}

#[test]
fn what_cannot_be_answered_says_why() {
    let folder = feed(40);
    let why = |asked: &Args| run(asked).expect_err("no answer").to_string();
    let mut asked = args(&folder, Refresh::Event);
    let list = folder.path().join("nobody.txt");
    std::fs::write(&list, "999\n").expect("written");
    asked.eval_users = Some(list);
    assert!(why(&asked).contains("report window"), "{}", why(&asked));
    asked.schema.heads.retain(|head| head.name != "like");
    asked.eval_users = None;
    assert_eq!(why(&asked), "the model has no head called like");
    asked.data.push(folder.path().join("elsewhere"));
    assert!(matches!(
        run(&asked),
        Err(PrequentialError::Data(DatasetError::Open { .. }))
    ));
    for label in ["", "like", "LONG_VIEW"] {
        let error = label.parse::<Label>().expect_err("no label").to_string();
        assert!(error.contains("long_view or is_like"), "{error}");
    }
}

#[test]
fn times_at_the_ends_of_their_range_are_only_strange() {
    let folder = feed(40);
    for refresh in ["event", "24h", "frozen"] {
        let asked = args(&folder, refresh.parse().expect("a refresh"));
        let mut world = World::read(&asked).expect("read");
        let events = &mut world.data.interactions;
        events[0].time_ms = i64::MIN;
        events[1].time_ms = 0;
        events[39].time_ms = i64::MAX;
        for event in [0, 1, 39] {
            (events[event].user, events[event].duration_ms) = (1, i64::MAX);
        }
        let mut warm = world.warm_up(&asked).expect("warm");
        let mut arms = [Arm::new(asked.refresh, warm.learner).expect("heads")];
        world.stream(&mut warm.state, &mut arms);
        let scores = arms[0].scores(Label::LongView);
        assert!(
            scores.iter().all(|score| (0.0..=1.0).contains(score)),
            "{scores:?}"
        );
    }
}

#[test]
fn no_delay_is_the_same_for_weights_and_for_all() {
    let folder = feed(400);
    let asked = args(&folder, Refresh::Event);
    let curve = delay_curve(&asked, &[0, 86_400_000]).expect("a curve");
    let [none, day] = curve.points.as_slice() else {
        panic!("two points: {curve:?}")
    };
    assert_eq!(none.weights_auc, none.all_auc);
    assert_eq!(none.weights_auc, run(&asked).expect("a report").auc);
    assert_ne!(day.all_logloss, none.all_logloss);
    let csv = curve.csv();
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines.len(), 3);
    assert!(
        lines[1].starts_with("0,0.") && lines[2].starts_with("86400,0."),
        "{csv}"
    );
}
