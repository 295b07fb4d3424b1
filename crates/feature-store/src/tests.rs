//! What survives a reopening is exactly what was committed with its offsets.

use std::sync::Arc;
use std::time::Duration;

use event_log::{Topic, TopicPartition};
use stream::Checkpoint;
use types::{UserId, VideoId, ViewerId};

use crate::{FeatureStore, TASTES_MAX, VideoProfile, job};

const FROM: TopicPartition = TopicPartition {
    topic: Topic(0),
    partition: 3,
};
const DAY_MS: i64 = 86_400_000;

fn profile(video: u64, creator: u64, published_ms: i64, hashtags: &[&str]) -> VideoProfile {
    VideoProfile {
        video: VideoId::from_raw(video),
        creator: UserId::from_raw(creator),
        published_ms,
        duration_ms: 10_000,
        hashtags: hashtags.iter().map(|&tag| Arc::from(tag)).collect(),
    }
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
        for sequence in [1, 2, 2, 4] {
            if store.session_first(viewer, 77, sequence, 1_000).expect("reads") {
                store.video_counters_update(video, |counters| counters.views += 1);
            }
        }
        store
            .viewer_update(viewer, 1_000, |state| state.see(video, 1_000))
            .expect("updates");
        store.commit(job::COUNTERS, &[(FROM, 42)]).expect("commits");
        store.commit(job::USER_HISTORY, &[(FROM, 40)]).expect("commits");
        store.video_counters_update(video, |counters| counters.views += 100);
        store
            .viewer_update(viewer, 2_000, |state| state.see(VideoId::from_raw(6), 2_000))
            .expect("updates");
        assert!(store.outbox_first(job::CATALOG, FROM, 8));
    }
    let store = FeatureStore::open(&file).expect("opens again");
    assert_eq!(store.video_counters(video).views, 3);
    assert_eq!(store.resume_at(job::COUNTERS, FROM).expect("reads"), 42);
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
    let warm = |video: u64, at_ms: i64, times: u32| {
        (0..times).for_each(|_| store.video_counters_update(VideoId::from_raw(video), |c| c.warm(at_ms)));
    };
    warm(1, 0, 5);
    warm(2, DAY_MS, 2);
    let hottest: Vec<u64> = store.hottest(DAY_MS, 10).into_iter().map(VideoId::raw).collect();
    assert_eq!(hottest, [2, 1], "five views a day ago weigh less than two now");
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
                .applied_wait(job::COUNTERS, FROM, 7, Duration::from_secs(3_600))
                .await
        }
    });
    tokio::task::yield_now().await;
    store.applied(job::COUNTERS, FROM, 6);
    store.applied(job::COUNTERS, FROM, 7);
    assert!(waiter.await.expect("joins"));
    assert!(
        !store
            .applied_wait(job::COUNTERS, FROM, 8, Duration::from_millis(5))
            .await
    );
}
