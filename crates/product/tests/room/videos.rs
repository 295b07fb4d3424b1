//! Reading and deleting videos.

use product::{Engagement, PageRequest, VideoStatus};
use types::VideoId;

use crate::{Fixture, code};

#[tokio::test]
async fn unpublished_videos_are_their_creators_alone() {
    let fixture = Fixture::open().await;
    let (mina, noor) = (fixture.person("mina").await, fixture.person("noor").await);
    let hidden = fixture.video(1, mina, false).await;
    let shown = fixture.video(2, mina, true).await;
    for (video, viewer, expect) in [
        (hidden, Some(mina), "ok"),
        (hidden, Some(noor), "not_found"),
        (hidden, None, "not_found"),
        (shown, Some(noor), "ok"),
        (shown, None, "ok"),
        (VideoId::from_raw(9), Some(mina), "not_found"),
    ] {
        assert_eq!(
            code(&fixture.room.video_card(video, viewer).await),
            expect,
            "{video} {viewer:?}"
        );
    }
    let cards = fixture
        .room
        .video_cards(&[hidden, shown, VideoId::from_raw(9)], Some(mina))
        .await
        .expect("cards");
    assert_eq!(
        cards.iter().map(|card| card.face.video.id).collect::<Vec<_>>(),
        [shown]
    );
    let page = PageRequest::default();
    let own = fixture
        .room
        .videos_by_creator(mina, Some(mina), &page)
        .await
        .expect("a page");
    assert_eq!(
        own.items
            .iter()
            .map(|card| card.face.video.status)
            .collect::<Vec<_>>(),
        [VideoStatus::Published, VideoStatus::Processing]
    );
    let others = fixture
        .room
        .videos_by_creator(mina, Some(noor), &page)
        .await
        .expect("a page");
    assert_eq!(others.items.len(), 1);
}

#[tokio::test]
async fn the_following_list_is_by_publication() {
    let fixture = Fixture::open().await;
    let (mina, noor) = (fixture.person("mina").await, fixture.person("noor").await);
    for id in 1..=5 {
        fixture.video(id, mina, id != 3).await;
    }
    let page = PageRequest {
        cursor: None,
        count: Some(3),
    };
    assert!(
        fixture
            .room
            .videos_following(noor, &page)
            .await
            .expect("a page")
            .items
            .is_empty()
    );
    fixture.room.follow_set(noor, mina, true).await.expect("a follow");
    let first = fixture.room.videos_following(noor, &page).await.expect("a page");
    assert_eq!(
        first
            .items
            .iter()
            .map(|card| card.face.video.id.raw())
            .collect::<Vec<_>>(),
        [5, 4, 2]
    );
    assert!(first.items.iter().all(|card| card.following));
    let rest = PageRequest {
        cursor: first.cursor,
        count: Some(3),
    };
    let second = fixture.room.videos_following(noor, &rest).await.expect("a page");
    assert_eq!(
        second
            .items
            .iter()
            .map(|card| card.face.video.id.raw())
            .collect::<Vec<_>>(),
        [1]
    );
    assert_eq!(second.cursor, None);
}

#[tokio::test]
async fn deletion_is_for_the_creator_and_reaches_everything() {
    let fixture = Fixture::open().await;
    let (mina, noor) = (fixture.person("mina").await, fixture.person("noor").await);
    let shown = fixture.video(1, mina, true).await;
    let hidden = fixture.video(2, mina, false).await;
    fixture
        .room
        .engage(noor, shown, Engagement::Like)
        .await
        .expect("a like");
    let delete = async |user, video| code(&fixture.room.video_delete(user, video).await);
    assert_eq!(delete(noor, shown).await, "forbidden");
    assert_eq!(
        delete(noor, hidden).await,
        "not_found",
        "a stranger does not learn that it exists"
    );
    let facts = fixture.store.outbox_count().await.expect("a count");
    assert_eq!(delete(mina, shown).await, "ok");
    assert_eq!(delete(mina, hidden).await, "ok");
    assert_eq!(delete(mina, shown).await, "not_found");
    let after = fixture.store.outbox_count().await.expect("a count");
    assert_eq!(after - facts, 1, "nobody heard of the hidden one");
    assert_eq!(
        fixture.store.media_jobs_waiting().await.expect("a count"),
        2,
        "both leave files to purge"
    );
    let counts = fixture.room.profile(mina, None).await.expect("a profile").counts;
    assert_eq!((counts.videos, counts.likes), (0, 0));
}
