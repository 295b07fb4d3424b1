//! Videos: the steps of their life, the cards, the pages, deletion.

use metastore::{Mark, Rejection, Shelf, VideoFacets, VideoFlags, VideoNew, VideoStatus, VideoSubmit};
use types::{Category, Region, SoundId, VideoId};

use crate::{Fixture, open, people, publish, published, submit, user, video};

fn every_facet() -> VideoFacets {
    VideoFacets {
        category: Some(Category::Travel),
        sound: Some(SoundId::from_raw(77)),
        region: Region::from_bytes(*b"BR"),
    }
}

#[tokio::test]
async fn a_video_only_takes_the_steps_of_its_life() {
    let fixture = open().await;
    let store = &fixture.store;
    people(store, 1).await;
    let why = Rejection {
        code: "too_short".to_owned(),
        message: "at least 1 s".to_owned(),
    };
    let hashtags = ["ocean".to_owned(), "surf".to_owned()];
    let facets = every_facet();
    let submitted = VideoSubmit {
        facets,
        ..submit("sea", &hashtags)
    };
    let mut tx = store.write("life").await.expect("the writer is free");
    let new = VideoNew {
        id: video(5),
        creator: user(1),
        duration_ms: 9,
        source_bytes: 7,
        created_at_ms: 3,
    };
    tx.video_create(&new).await.expect("a new video");
    assert!(
        !tx.video_publish(video(5), user(1), &publish(9))
            .await
            .expect("a step"),
        "not submitted yet"
    );
    assert!(tx.video_submit(video(5), &submitted).await.expect("a step"));
    assert!(
        !tx.video_submit(video(5), &submit("other", &[]))
            .await
            .expect("a step"),
        "submitted once"
    );
    tx.video_progress_update(video(5), 0.3).await.expect("a step");
    tx.video_progress_update(video(5), 0.2).await.expect("a step");
    assert!(
        tx.video_publish(video(5), user(1), &publish(9))
            .await
            .expect("a step")
    );
    assert!(
        !tx.video_reject(video(5), &why).await.expect("a step"),
        "published is past rejection"
    );
    assert!(
        tx.video_manifest_update(video(5), "{\"more\":1}", 1.0)
            .await
            .expect("a step")
    );
    tx.commit().await.expect("a commit");
    let stored = store
        .video_get(video(5))
        .await
        .expect("a read")
        .expect("the video");
    let caption = stored.caption.as_str();
    assert_eq!(
        (stored.status, caption, stored.hashtags.len(), stored.progress),
        (VideoStatus::Published, "sea", 2, 1.0)
    );
    assert_eq!(
        (stored.duration_ms, stored.width, stored.published_at_ms),
        (19_500, 540, Some(9))
    );
    assert_eq!(stored.manifest_json.as_deref(), Some("{\"more\":1}"));
    assert_eq!(stored.facets, facets);
}

#[tokio::test]
async fn refusals_keep_their_reason() {
    let Fixture {
        store,
        folder: _folder,
    } = open().await;
    people(&store, 1).await;
    let why = Rejection {
        code: "not_a_video".to_owned(),
        message: "no picture in it".to_owned(),
    };
    for (raw, rejected, expect) in [(1, true, VideoStatus::Rejected), (2, false, VideoStatus::Failed)] {
        let mut tx = store.write("refuse").await.expect("the writer is free");
        let new = VideoNew {
            id: video(raw),
            creator: user(1),
            duration_ms: 9,
            source_bytes: 7,
            created_at_ms: 3,
        };
        tx.video_create(&new).await.expect("a new video");
        let refused = match rejected {
            true => tx.video_reject(video(raw), &why).await,
            false => tx.video_fail(video(raw), &why).await,
        };
        assert!(refused.expect("a step"));
        tx.commit().await.expect("a commit");
        let stored = store
            .video_get(video(raw))
            .await
            .expect("a read")
            .expect("the video");
        assert_eq!((stored.status, stored.rejection), (expect, Some(why.clone())));
    }
}

#[tokio::test]
async fn cards_come_in_the_order_asked_whatever_their_number() {
    let Fixture {
        store,
        folder: _folder,
    } = open().await;
    people(&store, 2).await;
    let mut tx = store.write("many").await.expect("the writer is free");
    for raw in 1..=70 {
        let new = VideoNew {
            id: video(raw),
            creator: user(1),
            duration_ms: 9,
            source_bytes: 7,
            created_at_ms: 3,
        };
        tx.video_create(&new).await.expect("a new video");
    }
    tx.mark_add(Mark::Like, user(2), video(33), user(1), 1)
        .await
        .expect("a like");
    tx.mark_add(Mark::Save, user(2), video(34), user(1), 1)
        .await
        .expect("a save");
    tx.follow_add(user(2), user(1), 1).await.expect("a follow");
    tx.commit().await.expect("a commit");
    let asked: Vec<VideoId> = [900].into_iter().chain((1..=70).rev()).map(video).collect();
    let cards = store.video_cards_get(&asked, Some(user(2))).await.expect("cards");
    let ids: Vec<u64> = cards.iter().map(|card| card.face.video.id.raw()).collect();
    assert_eq!(ids, (1..=70).rev().collect::<Vec<_>>());
    let marked: Vec<_> = cards.iter().filter(|card| card.liked || card.saved).collect();
    assert_eq!(
        marked
            .iter()
            .map(|card| (card.liked, card.saved))
            .collect::<Vec<_>>(),
        [(false, true), (true, false)]
    );
    assert!(
        cards
            .iter()
            .all(|card| card.following && card.face.creator_username == "user_1")
    );
    let guest = store.video_cards_get(&asked, None).await.expect("cards");
    assert!(
        guest
            .iter()
            .all(|card| !card.liked && !card.saved && !card.following)
    );
}

#[tokio::test]
async fn pages_of_a_creator_and_of_the_followed() {
    let Fixture {
        store,
        folder: _folder,
    } = open().await;
    people(&store, 3).await;
    for (raw, creator, at_ms) in [(1, 1, 50), (2, 2, 40), (3, 1, 40), (4, 1, 60), (5, 3, 70)] {
        published(&store, video(raw), user(creator), at_ms).await;
    }
    let mut tx = store.write("more").await.expect("the writer is free");
    let new = VideoNew {
        id: video(6),
        creator: user(1),
        duration_ms: 9,
        source_bytes: 7,
        created_at_ms: 3,
    };
    tx.video_create(&new).await.expect("a new video");
    tx.video_submit(video(6), &submit("", &[])).await.expect("a step");
    tx.video_create(&VideoNew { id: video(7), ..new })
        .await
        .expect("a new video");
    tx.follow_add(user(3), user(1), 1).await.expect("a follow");
    tx.follow_add(user(3), user(2), 1).await.expect("a follow");
    tx.commit().await.expect("a commit");
    let ids = |shelf, before: Option<u64>| {
        let store = store.clone();
        async move {
            let found = store
                .video_ids_by_creator(user(1), shelf, before.map(video), 2)
                .await
                .expect("a page");
            found.iter().map(|id| id.raw()).collect::<Vec<_>>()
        }
    };
    assert_eq!(ids(Shelf::Everybody, None).await, [4, 3]);
    assert_eq!(ids(Shelf::Everybody, Some(3)).await, [1]);
    assert_eq!(
        ids(Shelf::Own, None).await,
        [6, 4],
        "own lists show what is processing, not open uploads"
    );
    let first = store.video_ids_following(user(3), None, 3).await.expect("a page");
    assert_eq!(first, [(60, video(4)), (50, video(1)), (40, video(3))]);
    let rest = store
        .video_ids_following(user(3), Some((40, video(3))), 3)
        .await
        .expect("a page");
    assert_eq!(rest, [(40, video(2))]);
}

#[tokio::test]
async fn flags_keep_a_video_off_the_lists_of_others() {
    let Fixture {
        store,
        folder: _folder,
    } = open().await;
    people(&store, 2).await;
    for raw in 1..=3 {
        published(&store, video(raw), user(1), raw as i64 * 10).await;
    }
    let flag = async |raw: u64, hidden: bool, adults_only: bool| {
        let mut tx = store.write("flags").await.expect("the writer is free");
        let flags = VideoFlags { hidden, adults_only };
        let is_there = tx.video_flags_set(video(raw), flags).await.expect("a statement");
        tx.commit().await.expect("a commit");
        is_there
    };
    // Its card is in memory before the change.
    let hidden = async || {
        let cards = store.video_cards_get(&[video(3)], None).await.expect("a card");
        cards[0].face.video.flags.hidden
    };
    assert!(!hidden().await);
    assert!(flag(3, true, false).await && flag(2, false, true).await);
    assert!(
        !flag(9, true, false).await,
        "nothing is made of what is not there"
    );
    assert!(hidden().await);
    for (shelf, expect) in [
        (Shelf::Own, &[3, 2, 1][..]),
        (Shelf::Adults, &[2, 1]),
        (Shelf::Everybody, &[1]),
    ] {
        let found = store
            .video_ids_by_creator(user(1), shelf, None, 9)
            .await
            .expect("a page");
        let found: Vec<u64> = found.iter().map(|id| id.raw()).collect();
        assert_eq!(found, expect, "{shelf:?}");
    }
    assert!(flag(3, false, false).await && !hidden().await);
}

#[tokio::test]
async fn deletion_takes_everything_along() {
    let Fixture {
        store,
        folder: _folder,
    } = open().await;
    people(&store, 2).await;
    published(&store, video(1), user(1), 10).await;
    published(&store, video(2), user(1), 20).await;
    let mut tx = store.write("likes").await.expect("the writer is free");
    for raw in [1, 2] {
        tx.mark_add(Mark::Like, user(2), video(raw), user(1), 1)
            .await
            .expect("a like");
    }
    tx.commit().await.expect("a commit");
    let stored = store
        .video_get(video(1))
        .await
        .expect("a read")
        .expect("the video");
    let mut tx = store.write("delete").await.expect("the writer is free");
    tx.video_delete(&stored).await.expect("a deletion");
    tx.video_delete(&stored)
        .await
        .expect("a second one changes nothing");
    tx.commit().await.expect("a commit");
    assert_eq!(store.video_get(video(1)).await.expect("a read"), None);
    let counts = store
        .account_by_id(user(1))
        .await
        .expect("a read")
        .expect("user 1")
        .counts;
    assert_eq!((counts.videos, counts.likes), (1, 1));
}
