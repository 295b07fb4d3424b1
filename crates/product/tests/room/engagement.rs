//! Likes, saves, shares, reports.

use product::{Engagement, VideoCounts};
use types::VideoId;

use crate::{Fixture, code};

fn report(reason: &str) -> Engagement {
    Engagement::Report {
        reason: reason.to_owned(),
    }
}

#[tokio::test]
async fn each_is_done_once_and_seen_at_once() {
    let fixture = Fixture::open().await;
    let (mina, noor) = (fixture.person("mina").await, fixture.person("noor").await);
    let video = fixture.video(1, mina, true).await;
    // (deed, liked, saved, likes, saves, shares, facts so far)
    let rows = [
        (Engagement::Unlike, false, false, 0, 0, 0, 0),
        (Engagement::Like, true, false, 1, 0, 0, 1),
        (Engagement::Like, true, false, 1, 0, 0, 1),
        (Engagement::Save, true, true, 1, 1, 0, 2),
        (Engagement::Share, true, true, 1, 1, 1, 3),
        (Engagement::Share, true, true, 1, 1, 1, 3),
        (Engagement::Unlike, false, true, 0, 1, 1, 4),
        (Engagement::Unsave, false, false, 0, 0, 1, 5),
        (Engagement::NotInterested, false, false, 0, 0, 1, 6),
        (Engagement::NotInterested, false, false, 0, 0, 1, 6),
        (report("spam"), false, false, 0, 0, 1, 7),
        (report("again"), false, false, 0, 0, 1, 7),
    ];
    for (deed, liked, saved, likes, saves, shares, facts) in rows {
        let label = format!("{deed:?}");
        let state = fixture.room.engage(noor, video, deed).await.expect("a deed");
        let counts = VideoCounts {
            likes,
            saves,
            shares,
            comments: 0,
        };
        assert_eq!(
            (state.liked, state.saved, state.counts),
            (liked, saved, counts),
            "{label}"
        );
        assert_eq!(
            fixture.store.outbox_count().await.expect("a count"),
            facts,
            "{label}"
        );
    }
}

#[tokio::test]
async fn likes_count_for_the_creator() {
    let fixture = Fixture::open().await;
    let (mina, noor) = (fixture.person("mina").await, fixture.person("noor").await);
    let video = fixture.video(1, mina, true).await;
    fixture
        .room
        .engage(noor, video, Engagement::Like)
        .await
        .expect("a like");
    fixture
        .room
        .engage(mina, video, Engagement::Like)
        .await
        .expect("one's own like");
    assert_eq!(
        fixture
            .room
            .profile(mina, None)
            .await
            .expect("a profile")
            .counts
            .likes,
        2
    );
    let card = fixture.room.video_card(video, Some(noor)).await.expect("a card");
    assert_eq!((card.liked, card.counts.likes), (true, 2));
}

#[tokio::test]
async fn only_published_videos_take_any() {
    let fixture = Fixture::open().await;
    let mina = fixture.person("mina").await;
    let hidden = fixture.video(1, mina, false).await;
    for video in [hidden, VideoId::from_raw(77)] {
        for deed in [
            Engagement::Like,
            Engagement::Unlike,
            Engagement::Save,
            Engagement::Share,
            report("x"),
        ] {
            let label = format!("{video} {deed:?}");
            assert_eq!(
                code(&fixture.room.engage(mina, video, deed).await),
                "not_found",
                "{label}"
            );
        }
    }
    let video = fixture.video(2, mina, true).await;
    let long = fixture.room.engage(mina, video, report(&"x".repeat(501))).await;
    assert_eq!(long.expect_err("too long").field(), Some("reason"));
}
