//! The feed over a real log and a real feature store, with a catalog made by hand.

use std::collections::HashSet;
use std::sync::Arc;

use event::{Event, topic};
use event_log::{EventLog, SegmentLog, SegmentLogConfig, Topic, TopicPartition};
use feature::{Registry, StateConfig, slot};
use feature_store::{FeatureStore, LiveFeatures, VideoProfile};
use types::{ImpressionId, Region, SoundId, UserId, VideoId, ViewerId};

use crate::{
    COUNT_MAX, Caller, CursorError, FeedConfig, FeedError, FeedParts, Following, ForYou, ForYouPage, Reason,
};

const VIEWER: ViewerId = ViewerId::from_raw(1_000);
const NOW_MS: i64 = 1_700_000_000_000;

struct House {
    store: Arc<FeatureStore>,
    log: Arc<SegmentLog>,
    for_you: ForYou,
    following: Following,
    _folder: tempfile::TempDir,
}

/// `videos` is (id, creator, hashtag); video n was published n seconds after the first.
fn house(videos: &[(u64, u64, &str)]) -> House {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = Arc::new(FeatureStore::open(&folder.path().join("state.redb")).expect("opens"));
    let log =
        Arc::new(SegmentLog::open(&folder.path().join("log"), SegmentLogConfig::default()).expect("opens"));
    for &(video, creator, hashtag) in videos {
        store.catalog_put(VideoProfile {
            caption: Arc::from(""),
            video: VideoId::from_raw(video),
            creator: UserId::from_raw(creator),
            published_ms: NOW_MS - 10_000_000 + video as i64 * 1_000,
            duration_ms: 10_000,
            hashtags: vec![Arc::from(hashtag)],
            sound: None,
            category: None,
            region: None,
            content: None,
            original: None,
        });
    }
    let parts = FeedParts {
        store: store.clone(),
        log: log.clone(),
        features: LiveFeatures::new(StateConfig::default()),
        learner: None,
        vectors: crate::VideoVectors::new(),
        cursor_key: [1; 32],
        seed: 5,
        steering: crate::SteeringHandle::default(),
        config: FeedConfig::default(),
    };
    House {
        for_you: ForYou::new(&parts).expect("no component is switched"),
        following: Following::new(&parts),
        store,
        log,
        _folder: folder,
    }
}

fn caller(viewer: ViewerId) -> Caller {
    Caller {
        viewer,
        region: None,
        is_adult: false,
    }
}

impl House {
    async fn page(&self, cursor: Option<&str>, count: usize) -> ForYouPage {
        self.for_you
            .page(caller(VIEWER), cursor, Some(count), NOW_MS)
            .await
            .expect("a page")
    }

    fn lean(&self, hashtag: &str, creator: u64, amount: f32) {
        let hashtag = [Arc::from(hashtag)];
        self.store
            .viewer_update(VIEWER, NOW_MS, |s| {
                s.lean(&hashtag, UserId::from_raw(creator), amount, NOW_MS)
            })
            .expect("updates");
    }
}

fn raws(page: &ForYouPage) -> Vec<u64> {
    page.entries.iter().map(|entry| entry.video.raw()).collect()
}

fn many(count: u64, creators: u64) -> Vec<(u64, u64, &'static str)> {
    const TAGS: [&str; 4] = ["sea", "neon", "cats", "fractal"];
    (1..=count)
        .map(|n| (n, 1 + n % creators, TAGS[(n % 4) as usize]))
        .collect()
}

#[tokio::test]
async fn pages_of_one_sitting_reach_everything_and_repeat_nothing_even_without_events() {
    let house = house(&many(103, 9));
    let (mut seen, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let page = house.page(cursor.as_deref(), 7).await;
        seen.extend(raws(&page));
        let Some(next) = page.cursor else { break };
        cursor = Some(next);
    }
    let distinct: HashSet<_> = seen.iter().collect();
    assert_eq!((seen.len(), distinct.len()), (103, 103));
}

#[tokio::test]
async fn what_was_seen_stays_away_and_what_was_only_served_may_return_in_a_new_sitting() {
    let house = house(&many(10, 3));
    let first = raws(&house.page(None, 10).await);
    assert_eq!(first.len(), 10);
    house
        .store
        .viewer_update(VIEWER, NOW_MS, |state| {
            first[..4]
                .iter()
                .for_each(|&video| state.see(VideoId::from_raw(video), NOW_MS));
        })
        .expect("updates");
    let later = house
        .for_you
        .page(caller(VIEWER), None, None, NOW_MS + 60_000)
        .await
        .expect("a page");
    let later: HashSet<u64> = raws(&later).into_iter().collect();
    assert_eq!(later, first[4..].iter().copied().collect());
}

#[tokio::test]
async fn the_same_cursor_gives_the_same_page_again() {
    let house = house(&many(60, 9));
    let first = house.page(None, 10).await;
    let cursor = first.cursor.as_deref();
    let (once, twice) = (house.page(cursor, 10).await, house.page(cursor, 10).await);
    assert_eq!(once, twice);
    assert!(raws(&once).iter().all(|video| !raws(&first).contains(video)));
}

#[tokio::test]
async fn a_page_after_a_swipe_shows_what_the_viewer_leans_to() {
    let house = house(&many(80, 20));
    let share = |page: &ForYouPage, tag: u64| raws(page).iter().filter(|&&video| video % 4 == tag).count();
    let before = house.page(None, 20).await;
    assert!(
        (2..=8).contains(&share(&before, 2)),
        "no leaning yet: {:?}",
        raws(&before)
    );
    house.lean("cats", 500, 3.0);
    house.lean("neon", 501, -3.0);
    let after = house.page(before.cursor.as_deref(), 10).await;
    assert!(share(&after, 2) >= 7, "cats: {:?}", raws(&after));
    assert!(share(&after, 1) <= 1, "neon: {:?}", raws(&after));
    let reasons: Vec<&Reason> = after.entries.iter().map(|entry| &entry.reason).collect();
    assert!(
        reasons.contains(&&Reason::Hashtag(Arc::from("cats"))),
        "{reasons:?}"
    );
}

#[tokio::test]
async fn no_creator_stands_three_times_in_a_row_across_pages_while_there_are_others() {
    // One creator made nearly everything; six videos by others are enough to part a page of nine.
    let mut videos: Vec<_> = (1..=40).map(|n| (n, 1, "sea")).collect();
    videos.extend((41..=52).map(|n| (n, n, "neon")));
    let house = house(&videos);
    house.lean("sea", 1, 4.0);
    let (mut shown, mut cursor) = (Vec::new(), None::<String>);
    for _ in 0..3 {
        let page = house.page(cursor.as_deref(), 9).await;
        shown.extend(
            raws(&page)
                .into_iter()
                .map(|video| if video <= 40 { 1 } else { video }),
        );
        cursor = page.cursor;
    }
    assert!(
        shown
            .windows(3)
            .all(|three| !three.iter().all(|&creator| creator == three[0])),
        "{shown:?}"
    );
}

#[tokio::test]
async fn a_third_is_of_the_viewers_region_and_no_sound_follows_itself_across_pages() {
    let house = house(&[]);
    let here: Region = "BR".parse().expect("a region");
    let (sound_of, is_here) = (|n: u64| 1 + n % 3, |n: u64| n.is_multiple_of(4));
    for n in 1..=80 {
        house.store.catalog_put(VideoProfile {
            caption: Arc::from(""),
            video: VideoId::from_raw(n),
            creator: UserId::from_raw(n),
            published_ms: NOW_MS - 10_000_000,
            duration_ms: 10_000,
            hashtags: vec![Arc::from(if is_here(n) { "sea" } else { "neon" })],
            sound: Some(SoundId::from_raw(sound_of(n))),
            category: None,
            region: is_here(n).then_some(here),
            content: None,
            original: None,
        });
    }
    house.lean("neon", 1, 4.0);
    let (mut shown, mut cursor) = (Vec::new(), None::<String>);
    for _ in 0..3 {
        let asked = Caller {
            region: Some(here),
            ..caller(VIEWER)
        };
        let page = house
            .for_you
            .page(asked, cursor.as_deref(), Some(10), NOW_MS)
            .await;
        let page = page.expect("a page");
        let regional = raws(&page).into_iter().filter(|&n| is_here(n));
        assert!(regional.count() >= 3, "{:?}", raws(&page));
        shown.extend(raws(&page).into_iter().map(sound_of));
        cursor = page.cursor;
    }
    assert_eq!(shown.len(), 30);
    assert!(shown.windows(2).all(|two| two[0] != two[1]), "{shown:?}");
}

#[tokio::test]
async fn own_and_hidden_videos_are_left_out() {
    let house = house(&[(1, VIEWER.raw(), "sea"), (2, 5, "sea"), (3, 5, "sea")]);
    house
        .store
        .viewer_update(VIEWER, NOW_MS, |state| {
            state.hidden.insert(VideoId::from_raw(3));
        })
        .expect("updates");
    assert_eq!(raws(&house.page(None, 10).await), [2]);
}

#[tokio::test]
async fn every_served_item_is_logged_with_its_propensity_and_features() {
    let house = house(&many(60, 9));
    let page = house.page(None, 20).await;
    house
        .log
        .append(vec![])
        .expect("queues")
        .await
        .expect("everything before is durable");
    let records: Vec<_> = (0..house.log.partitions())
        .map(|partition| TopicPartition {
            topic: Topic(topic::SERVED),
            partition,
        })
        .flat_map(|from| house.log.read(from, 0, 1 << 20).expect("reads"))
        .collect();
    let [record] = &records[..] else {
        panic!("one request, one record: {}", records.len())
    };
    let Ok(Event::Served(slate)) = Event::decode(&record.payload) else {
        panic!("a served record")
    };
    let logged: Vec<_> = slate
        .items
        .iter()
        .map(|item| (item.impression, item.video))
        .collect();
    let shown: Vec<_> = page
        .entries
        .iter()
        .map(|entry| (entry.impression, entry.video))
        .collect();
    assert_eq!(logged, shown);
    assert!(
        slate
            .items
            .iter()
            .all(|item| item.propensity > 0.0 && item.propensity <= 1.0)
    );
    let width = Registry::new().dense.len();
    for item in &slate.items {
        assert!(item.ids.contains(&(slot::VIDEO, item.video.raw())), "{item:?}");
        assert!(item.ids.contains(&(slot::VIEWER, VIEWER.raw())), "{item:?}");
        assert!(!item.features.is_empty() && item.features.len() <= width);
    }
    let explored = page
        .entries
        .iter()
        .filter(|entry| entry.reason == Reason::Explore)
        .count();
    assert_eq!(explored, 2, "places 4 and 14 explore");
}

#[tokio::test]
async fn bad_requests_are_refused_with_a_reason() {
    let house = house(&many(10, 3));
    let cursor = house.page(None, 5).await.cursor.expect("there is more");
    let other = ViewerId::from_raw(2);
    let ask = async |viewer, cursor: Option<&str>, count| {
        house.for_you.page(caller(viewer), cursor, count, NOW_MS).await
    };
    assert!(matches!(ask(VIEWER, None, Some(0)).await, Err(FeedError::Count)));
    assert!(matches!(
        ask(VIEWER, None, Some(COUNT_MAX + 1)).await,
        Err(FeedError::Count)
    ));
    assert!(matches!(
        ask(VIEWER, Some("x"), None).await,
        Err(FeedError::Cursor(CursorError::Malformed))
    ));
    assert!(matches!(
        ask(other, Some(&cursor), None).await,
        Err(FeedError::Cursor(CursorError::Forged))
    ));
}

#[tokio::test]
async fn following_is_newest_first_and_pages_without_gaps() {
    let house = house(&many(30, 3));
    let viewer = UserId::from_raw(VIEWER.raw());
    house
        .store
        .viewer_update(VIEWER, NOW_MS, |state| {
            state
                .following
                .extend([(UserId::from_raw(1), NOW_MS), (UserId::from_raw(2), NOW_MS)]);
        })
        .expect("updates");
    let (mut shown, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let page = house
            .following
            .page(viewer, cursor.as_deref(), Some(6))
            .await
            .expect("a page");
        shown.extend(page.videos.iter().map(|video| video.raw()));
        let Some(next) = page.cursor else { break };
        cursor = Some(next);
    }
    let expect: Vec<u64> = (1..=30).rev().filter(|n| n % 3 != 2).collect();
    assert_eq!(shown, expect);
}

#[tokio::test]
async fn near_duplicates_share_no_page_and_come_behind_everything_else() {
    let house = house(&many(12, 6));
    let group = [3, 5, 8];
    for copy in [5, 8] {
        house
            .store
            .catalog_describe(VideoId::from_raw(copy), None, Some(VideoId::from_raw(3)));
    }
    let (mut shown, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let page = house.page(cursor.as_deref(), 3).await;
        let of_group = raws(&page).iter().filter(|raw| group.contains(*raw)).count();
        assert!(of_group <= 1, "one of a group on a page: {:?}", raws(&page));
        shown.extend(raws(&page));
        let Some(next) = page.cursor else { break };
        cursor = Some(next);
    }
    assert_eq!(
        shown.iter().collect::<HashSet<_>>().len(),
        12,
        "all are reached: {shown:?}"
    );
    let places: Vec<usize> = group
        .map(|raw| shown.iter().position(|one| *one == raw).unwrap_or(0))
        .into();
    let behind = places.iter().filter(|place| **place >= 9).count();
    assert!(behind >= 2, "the copies come last: {shown:?}");

    let watched = |state: &mut feature_store::ViewerState| state.see(VideoId::from_raw(8), NOW_MS);
    house
        .store
        .viewer_update(VIEWER, NOW_MS, watched)
        .expect("updates");
    let later = house
        .for_you
        .page(caller(VIEWER), None, Some(5), NOW_MS + 86_400_000)
        .await
        .expect("a page");
    assert!(
        raws(&later).iter().all(|raw| !group.contains(raw)),
        "one was watched: {:?}",
        raws(&later)
    );
}

#[tokio::test]
async fn without_the_stage_that_brings_profiles_a_page_is_laid_by_the_light_score() {
    for slate_fault in [None, Some(types::Fault::Error)] {
        let house = house(&many(40, 9));
        house.lean("cats", 500, 4.0);
        for (stage, fault) in [("profiles", Some(types::Fault::Error)), ("slate", slate_fault)] {
            house.for_you.break_stage(stage, fault).expect("a stage");
        }
        let page = house.page(None, 10).await;
        assert_eq!(page.entries.len(), 10);
        let cats = raws(&page).iter().filter(|raw| *raw % 4 == 2).count();
        assert!(cats >= 4, "{:?}", raws(&page));
    }
}

#[path = "steering_tests.rs"]
mod steering_tests;

#[path = "late_tests.rs"]
mod late_tests;
