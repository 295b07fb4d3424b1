//! What operators ask for, and what rises in the world, on pages of the whole recipe.

use std::sync::Arc;

use feature_store::{Entity, Rising, Trending};
use types::{Region, VideoId, ViewerId};

use super::{Caller, House, NOW_MS, VIEWER, house, many, raws};
use crate::reason::Reason;
use crate::steering::{Boost, Pin, Steering};

fn pin(video: u64, region: Option<Region>) -> Pin {
    Pin {
        video: VideoId::from_raw(video),
        region,
        reason: Arc::from("storm warning"),
        until_ms: NOW_MS + 1,
    }
}

impl House {
    /// How many of the first `count` videos have the hashtag of number `n % 4 == kind`.
    async fn of_kind(&self, kind: u64, count: usize) -> usize {
        let page = self.page(None, count).await;
        raws(&page).iter().filter(|n| *n % 4 == kind).count()
    }

    fn rise(&self, hashtag: &str) {
        let rising = Rising {
            what: Entity::Hashtag(Arc::from(hashtag)),
            since_ms: NOW_MS,
            lift: 5.0,
            per_minute: 100,
            viewers: 50,
        };
        self.store.trending_put(Trending {
            as_of_ms: NOW_MS,
            rising: vec![rising],
            ..Trending::default()
        });
    }
}

#[tokio::test]
async fn a_pinned_video_comes_first_where_it_is_pinned_until_it_was_seen() {
    let house = house(&many(60, 9));
    let set = |pins| house.for_you.steering.set(Steering::new(vec![], pins, &[]));
    set(vec![pin(3, None)]);
    let page = house.page(None, 10).await;
    assert_eq!(page.entries[0].video.raw(), 3);
    assert_eq!(page.entries[0].reason, Reason::Pinned(Arc::from("storm warning")));
    let others = &page.entries[1..];
    assert!(others.iter().all(|entry| entry.reason.code() != "pinned"));

    set(vec![pin(3, Region::from_bytes(*b"BR"))]);
    assert_ne!(house.page(None, 10).await.entries[0].video.raw(), 3, "elsewhere");
    let there = Caller {
        viewer: ViewerId::from_raw(77),
        region: Region::from_bytes(*b"BR"),
        is_adult: false,
    };
    let page = house
        .for_you
        .page(there, None, Some(10), NOW_MS)
        .await
        .expect("a page");
    assert_eq!(page.entries[0].video.raw(), 3);

    set(vec![pin(3, None)]);
    let seen = |state: &mut feature_store::ViewerState| state.see(VideoId::from_raw(3), NOW_MS);
    house.store.viewer_update(VIEWER, NOW_MS, seen).expect("updates");
    let page = house.page(None, 50).await;
    assert!(!raws(&page).contains(&3), "it was seen");
}

#[tokio::test]
async fn boosts_move_videos_up_and_hold_them_back() {
    let house = house(&many(200, 40));
    let boost = |factor| Boost {
        target: "hashtag:sea".parse().expect("a target"),
        region: None,
        factor,
        until_ms: NOW_MS + 1,
    };
    let plain = house.of_kind(0, 20).await;
    house
        .for_you
        .steering
        .set(Steering::new(vec![boost(3.0)], vec![], &[]));
    let more = house.of_kind(0, 20).await;
    house
        .for_you
        .steering
        .set(Steering::new(vec![boost(0.2)], vec![], &[]));
    let less = house.of_kind(0, 20).await;
    assert!(
        more >= plain + 5 && less + 2 <= plain,
        "{less} < {plain} < {more}"
    );
}

#[tokio::test]
async fn what_rises_reaches_those_who_care_and_floods_nobody_else() {
    let house = house(&many(200, 40));
    let plain = house.of_kind(2, 20).await;
    house.rise("cats");
    let indifferent = house.of_kind(2, 20).await;
    assert!(
        indifferent <= plain + 1,
        "{indifferent} of {plain} for who does not care"
    );
    // Leans to both alike: what rises goes first.
    house.lean("cats", 1, 1.0);
    house.lean("sea", 1, 1.0);
    let (cats, sea) = (house.of_kind(2, 12).await, house.of_kind(0, 12).await);
    assert!(cats > sea, "{cats} of what rises, {sea} of what does not");
}

/// Videos of which every fourth is of what rises, and a viewer who has watched much and never that.
#[tokio::test]
async fn whoever_does_not_lean_to_what_rises_is_shown_little_of_it_and_never_an_empty_page() {
    const PAGES: i64 = 20;
    let house = house(&many(400, 80));
    let known = |state: &mut feature_store::ViewerState| state.watches = 50;
    house.store.viewer_update(VIEWER, NOW_MS, known).expect("updates");
    let share = async |house: &House| {
        let mut risen = 0;
        for page in 0..PAGES {
            let caller = Caller {
                viewer: VIEWER,
                region: None,
                is_adult: false,
            };
            let page = house
                .for_you
                .page(caller, None, Some(20), NOW_MS + page)
                .await
                .expect("a page");
            assert_eq!(page.entries.len(), 20);
            risen += raws(&page).iter().filter(|n| *n % 4 == 2).count();
        }
        risen as f64 / (20 * PAGES) as f64
    };
    let plain = share(&house).await;
    house.rise("cats");
    let unasked = share(&house).await;
    assert!(
        plain > 0.12 && unasked <= 0.08,
        "{unasked} of what rises, {plain} before"
    );
    house.lean("cats", 1, 1.0);
    let asked = share(&house).await;
    assert!(asked > plain, "{asked} for who leans to it, {plain} before");

    let all = super::house(&(1..=40).map(|n| (n, n, "cats")).collect::<Vec<_>>());
    all.store.viewer_update(VIEWER, NOW_MS, known).expect("updates");
    all.rise("cats");
    assert_eq!(
        all.page(None, 20).await.entries.len(),
        20,
        "where there is nothing else"
    );
}
