//! What survives a reopening is exactly what was committed with its offsets.

use std::sync::Arc;
use std::time::Duration;

use event_log::{Topic, TopicPartition};
use stream::Checkpoint;
use types::{UserId, VideoId, ViewerId};

use crate::{
    Counts, Entity, FeatureRow, FeatureStore, Measure, SEEN_KEPT_MS, SequenceWindow, StoreConfig, TASTES_MAX,
    TrendBin, TrendKey, TrendRow, VideoProfile, Window, job,
};

const FROM: TopicPartition = TopicPartition {
    topic: Topic(0),
    partition: 3,
};
const DAY_MS: i64 = 86_400_000;

fn profile(video: u64, creator: u64, published_ms: i64, hashtags: &[&str]) -> VideoProfile {
    VideoProfile {
        caption: Arc::from(""),
        video: VideoId::from_raw(video),
        creator: UserId::from_raw(creator),
        published_ms,
        duration_ms: 10_000,
        hashtags: hashtags.iter().map(|&tag| Arc::from(tag)).collect(),
        sound: None,
        category: None,
        region: None,
        content: None,
        original: None,
    }
}

/// A row of so many views, all of them within the last hour.
fn views(count: i64, at_ms: i64) -> FeatureRow {
    let mut row = FeatureRow {
        totals: Counts::of(Measure::View, count),
        heat: count as f32,
        at_ms,
        ..FeatureRow::default()
    };
    row.windows[Window::Hour as usize][Measure::View as usize] = count as f32;
    row
}

fn window(sequences: &[u64]) -> SequenceWindow {
    let mut window = SequenceWindow::default();
    sequences
        .iter()
        .for_each(|&sequence| assert!(window.insert(sequence)));
    window
}

fn ids<'a>(walk: impl Iterator<Item = &'a Arc<VideoProfile>>) -> Vec<u64> {
    walk.map(|profile| profile.video.raw()).collect()
}

#[test]
fn a_reopened_store_holds_what_was_committed_and_no_more() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("state.redb");
    let (video, viewer) = (VideoId::from_raw(5), ViewerId::from_raw(9));
    {
        let store = FeatureStore::open(&file).expect("opens");
        store.catalog_put(profile(5, 1, 100, &["sea"]));
        store.commit(job::CATALOG, &[]).expect("commits");
        store.feature_put(Entity::Video(video), views(3, 1_000));
        store.session_put(viewer, 77, window(&[1, 2, 4]), 1_000);
        store
            .viewer_update(viewer, 1_000, |state| state.see(video, 1_000))
            .expect("updates");
        store.activity_flush(1).expect("flushes");
        store.commit(job::USER_HISTORY, &[(FROM, 40)]).expect("commits");
        store.feature_put(Entity::Video(video), views(103, 1_000));
        store
            .viewer_update(viewer, 2_000, |state| state.see(VideoId::from_raw(6), 2_000))
            .expect("updates");
        assert!(store.outbox_first(job::CATALOG, FROM, 8));
    }
    let store = FeatureStore::open(&file).expect("opens again");
    assert_eq!(store.video_counters(video).views, 3);
    assert_eq!(store.resume_at(job::USER_HISTORY, FROM).expect("reads"), 40);
    assert_eq!(store.resume_at(job::CATALOG, FROM).expect("reads"), 0);
    let window = store.session_window(viewer, 77).expect("reads");
    assert_eq!(
        (window.through(), window.is_new(3), window.is_new(4)),
        (2, true, false)
    );
    let seen = store
        .viewer_read(viewer, |state| {
            [5, 6].map(|raw| state.has_seen(VideoId::from_raw(raw)))
        })
        .expect("reads");
    assert_eq!(seen, [true, false]);
    assert_eq!(ids(store.catalog().by_hashtag("sea")), [5]);
    assert!(
        store.outbox_first(job::CATALOG, FROM, 8),
        "an uncommitted mark is forgotten with its state"
    );
}

#[test]
fn a_viewer_survives_with_tastes_follows_and_pages() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("state.redb");
    let (viewer, creator, sea) = (
        ViewerId::from_raw(9),
        UserId::from_raw(1),
        Arc::<str>::from("sea"),
    );
    {
        let store = FeatureStore::open(&file).expect("opens");
        store
            .viewer_update(viewer, DAY_MS, |state| {
                state.lean(std::slice::from_ref(&sea), creator, 2.0, DAY_MS);
                state.following.insert(creator, DAY_MS);
                state.hidden.insert(VideoId::from_raw(3));
                state.serve(VideoId::from_raw(4), DAY_MS);
            })
            .expect("updates");
        store.commit(job::USER_HISTORY, &[]).expect("commits");
    }
    let store = FeatureStore::open(&file).expect("opens again");
    store
        .viewer_read(viewer, |state| {
            assert_eq!(state.hashtags[&sea].at(DAY_MS), 2.0);
            assert!(
                (state.creators[&creator].at(15 * DAY_MS) - 1.0).abs() < 1e-5,
                "halves in two weeks"
            );
            assert!(state.following.contains_key(&creator) && state.hidden.contains(&VideoId::from_raw(3)));
            assert!(state.served_since(DAY_MS).contains(&VideoId::from_raw(4)));
            assert!(state.served_since(DAY_MS + 1).is_empty());
        })
        .expect("reads");
}

#[test]
fn the_catalog_is_walked_newest_first_and_forgets_what_is_removed() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = FeatureStore::open(&folder.path().join("state.redb")).expect("opens");
    for (video, creator, at, tags) in [
        (1, 10, 300, &["a", "b"][..]),
        (2, 10, 100, &["a"]),
        (3, 11, 200, &["b"]),
    ] {
        store.catalog_put(profile(video, creator, at, tags));
    }
    assert_eq!(ids(store.catalog().newest()), [1, 3, 2]);
    assert_eq!(ids(store.catalog().by_creator(UserId::from_raw(10))), [1, 2]);
    store.catalog_remove(VideoId::from_raw(1));
    assert_eq!(ids(store.catalog().newest()), [3, 2]);
    assert_eq!(ids(store.catalog().by_hashtag("a")), [2]);
    store.catalog_put(profile(3, 11, 50, &["c"]));
    assert_eq!(
        (
            ids(store.catalog().newest()),
            ids(store.catalog().by_hashtag("b"))
        ),
        (vec![2, 3], vec![])
    );
}

#[test]
fn heat_fades_and_orders() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = FeatureStore::open(&folder.path().join("state.redb")).expect("opens");
    for video in 1..=3 {
        store.catalog_put(profile(video, 1, 0, &[]));
    }
    let warm = |video: u64, at_ms, count| {
        store.feature_put(Entity::Video(VideoId::from_raw(video)), views(count, at_ms));
    };
    warm(1, 0, 5);
    warm(2, DAY_MS, 2);
    warm(4, DAY_MS, 9);
    let hottest: Vec<u64> = store.hottest(DAY_MS, 10).into_iter().map(VideoId::raw).collect();
    assert_eq!(
        hottest,
        [2, 1],
        "five views a day ago weigh less than two now; the fourth is in no catalog"
    );
}

#[test]
fn tastes_stay_within_their_bound_and_keep_the_strongest() {
    let mut state = crate::ViewerState::default();
    for n in 0..TASTES_MAX as u64 * 2 {
        let (tag, amount) = (Arc::<str>::from(format!("t{n}")), if n == 0 { 5.0 } else { 0.1 });
        state.lean(&[tag], UserId::from_raw(n), amount, n as i64);
    }
    assert!(
        state.hashtags.len() <= TASTES_MAX + TASTES_MAX / 4,
        "{}",
        state.hashtags.len()
    );
    assert!(state.hashtags.contains_key("t0"));
}

#[tokio::test(start_paused = true)]
async fn waiting_for_a_job_ends_when_it_has_applied_or_patience_is_out() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = Arc::new(FeatureStore::open(&folder.path().join("state.redb")).expect("opens"));
    let waiter = tokio::spawn({
        let store = store.clone();
        async move {
            store
                .applied_wait(job::USER_HISTORY, FROM, 7, Duration::from_secs(3_600))
                .await
        }
    });
    tokio::task::yield_now().await;
    store.applied(job::USER_HISTORY, FROM, 6);
    store.applied(job::USER_HISTORY, FROM, 7);
    assert!(waiter.await.expect("joins"));
    assert!(
        !store
            .applied_wait(job::USER_HISTORY, FROM, 8, Duration::from_millis(5))
            .await
    );
}

/// Rows of job `activity`, through crashes: (what is flushed, whether the checkpoint is published, whether the file is lost) →
/// whether the store says it has all of the last published checkpoint.
#[test]
fn the_store_knows_whether_it_has_all_of_a_checkpoint() {
    let check = |flushed: u64, published: u64, file_lost: bool, expect: bool| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("state.redb");
        let store = FeatureStore::open(&file).expect("opens");
        (1..=flushed).for_each(|version| drop(store.activity_flush(version).expect("flushes")));
        drop(store);
        if file_lost {
            std::fs::remove_file(&file).expect("removes");
        }
        let store = FeatureStore::open(&file).expect("opens again");
        let intact = store.activity_restore(published, &[]).expect("reads");
        assert_eq!(
            intact, expect,
            "{flushed} flushed, {published} published, lost: {file_lost}"
        );
    };
    check(3, 3, false, true);
    check(3, 2, false, true);
    check(2, 3, false, false);
    check(3, 3, true, false);
    check(0, 0, false, true);
}

#[test]
fn a_job_that_begins_from_nothing_finds_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("state.redb");
    let (video, viewer) = (Entity::Video(VideoId::from_raw(1)), ViewerId::from_raw(9));
    {
        let store = FeatureStore::open(&file).expect("opens");
        store.feature_put(video.clone(), views(7, 1_000));
        store.session_put(viewer, 1, window(&[1]), 1_000);
        store.activity_flush(1).expect("flushes");
        assert!(store.activity_restore(0, &[]).expect("clears"));
        assert_eq!(store.features(&video).expect("reads"), FeatureRow::default());
    }
    let store = FeatureStore::open(&file).expect("opens again");
    assert_eq!(store.features(&video).expect("reads"), FeatureRow::default());
    assert!(store.session_window(viewer, 1).expect("reads").is_empty());
}

#[test]
fn a_viral_video_is_written_every_so_often_and_never_lost() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("state.redb");
    let config = StoreConfig {
        viral_views_per_hour_min: 1_000,
        viral_write_interval_ms: 10_000,
        ..StoreConfig::default()
    };
    let store = FeatureStore::open_with(&file, &config).expect("opens");
    let (viral, plain) = (VideoId::from_raw(1), VideoId::from_raw(2));
    let trend = TrendKey {
        region: None,
        video: viral,
    };
    // Half a second apart for a minute, as many flushes as the former job made commits.
    let (mut marks, mut held_back) = (Vec::new(), 0);
    for version in 1..=120i64 {
        let now_ms = DAY_MS + version * 500;
        store.activity_now(now_ms);
        store.feature_put(Entity::Video(viral), views(1_000 + version, now_ms));
        store.feature_put(Entity::Video(plain), views(version, now_ms));
        let bin = TrendBin {
            views: version,
            ..TrendBin::default()
        };
        let row = TrendRow {
            bins: vec![(1, bin)],
            profile: None,
        };
        store.trend_put(trend, row);
        marks.push(store.activity_flush(version as u64).expect("flushes"));
        held_back += usize::from(marks.last().is_some_and(|mark| mark.len() > 2));
    }
    assert_eq!(
        held_back, 114,
        "120 flushes, 6 of them with a write of the viral video: 95 % fewer"
    );
    drop(store);
    let store = FeatureStore::open_with(&file, &config).expect("opens again");
    assert_eq!(store.video_counters(plain).views, 120);
    assert_eq!(store.video_counters(viral).views, 1_101, "as last written");
    let mark = marks.last().expect("a mark");
    assert!(store.activity_restore(120, mark).expect("reads"));
    assert_eq!(
        store.video_counters(viral).views,
        1_120,
        "the checkpoint had the rest"
    );
    let mut newest = 0;
    store.trends_each(|_, row| newest = row.bins[0].1.views);
    assert_eq!(newest, 120);
    // Calm again: written as any other.
    store.activity_now(DAY_MS + 61_000);
    store.feature_put(Entity::Video(viral), views(999, DAY_MS + 61_000));
    assert_eq!(store.activity_flush(121).expect("flushes").len(), 2);
    assert!(
        !store.activity_restore(121, &[9]).expect("reads"),
        "a mark that does not read is a loss"
    );
}

#[test]
fn what_has_left_memory_is_read_from_the_file() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let config = StoreConfig {
        videos_in_memory_max: 160,
        sessions_in_memory_max: 160,
        ..StoreConfig::default()
    };
    let file = folder.path().join("state.redb");
    let video = |raw| Entity::Video(VideoId::from_raw(raw));
    for open in 1..=2 {
        let store = FeatureStore::open_with(&file, &config).expect("opens");
        for raw in 1..=1_000 {
            store.feature_put(video(raw), views(raw as i64, raw as i64));
            store.session_put(ViewerId::from_raw(raw), 1, window(&[1, 2]), raw as i64);
        }
        assert_eq!(store.activity_flush(open).expect("flushes").len(), 2);
        let (videos, sessions) = store.activity_len();
        assert!(
            videos <= 320 && sessions <= 320,
            "{videos} and {sessions} are left"
        );
        for raw in 1..=1_000 {
            assert_eq!(
                store.features(&video(raw)).expect("reads").total(Measure::View),
                raw
            );
            let window = store.session_window(ViewerId::from_raw(raw), 1).expect("reads");
            assert_eq!(window.through(), 2);
        }
        assert_eq!(
            store.features(&video(1_001)).expect("reads"),
            FeatureRow::default()
        );
    }
    let store = FeatureStore::open_with(&file, &config).expect("opens again");
    assert_eq!(
        store.features(&video(1_000)).expect("reads").total(Measure::View),
        1_000
    );
    store.session_put(ViewerId::from_raw(1), 1, SequenceWindow::default(), 5);
    store.activity_flush(3).expect("flushes");
    assert!(
        store
            .session_window(ViewerId::from_raw(1), 1)
            .expect("reads")
            .is_empty()
    );
    drop(store);
    let store = FeatureStore::open_with(&file, &config).expect("opens once more");
    assert!(
        store
            .session_window(ViewerId::from_raw(1), 1)
            .expect("reads")
            .is_empty()
    );
}

#[test]
fn what_was_seen_long_ago_leaves_the_file() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("state.redb");
    let (back, gone) = (ViewerId::from_raw(1), ViewerId::from_raw(2));
    let sees = |store: &FeatureStore, viewer, video, at_ms| {
        let video = VideoId::from_raw(video);
        store
            .viewer_update(viewer, at_ms, |state| state.see(video, at_ms))
            .expect("updates");
    };
    {
        let store = FeatureStore::open(&file).expect("opens");
        sees(&store, back, 1, 0);
        sees(&store, gone, 1, 0);
        store.commit(job::USER_HISTORY, &[]).expect("commits");
        sees(&store, back, 2, SEEN_KEPT_MS + 1);
        // The hand stands at the end of the tables; the commit after takes it round.
        for _ in 0..2 {
            store.commit(job::USER_HISTORY, &[]).expect("commits");
        }
    }
    let store = FeatureStore::open(&file).expect("opens again");
    let seen = |viewer| {
        let read = store.viewer_read(viewer, |state| {
            [1, 2].map(|video| state.has_seen(VideoId::from_raw(video)))
        });
        read.expect("reads")
    };
    assert_eq!((seen(back), seen(gone)), ([false, true], [false, false]));
}
