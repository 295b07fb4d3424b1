//! Following.

use product::PageRequest;
use types::UserId;

use crate::{Fixture, code};

#[tokio::test]
async fn following_is_said_once_and_counted_once() {
    let fixture = Fixture::open().await;
    let (mina, noor) = (fixture.person("mina").await, fixture.person("noor").await);
    for (follow, followers, facts) in [
        (true, 1, 1),
        (true, 1, 1),
        (false, 0, 2),
        (false, 0, 2),
        (true, 1, 3),
    ] {
        let state = fixture
            .room
            .follow_set(noor, mina, follow)
            .await
            .expect("a follow");
        assert_eq!((state.following, state.counts.followers), (follow, followers));
        assert_eq!(
            fixture.store.outbox_count().await.expect("a count"),
            facts,
            "no change, no fact"
        );
    }
    assert!(
        fixture
            .room
            .profile(mina, Some(noor))
            .await
            .expect("a profile")
            .following
    );
    assert_eq!(fixture.room.followees(noor).await.expect("a list"), [mina]);
    assert_eq!(
        code(&fixture.room.follow_set(mina, mina, true).await),
        "forbidden"
    );
    assert_eq!(
        code(&fixture.room.follow_set(mina, UserId::from_raw(5), true).await),
        "not_found"
    );
}

#[tokio::test]
async fn lists_come_in_pages() {
    let fixture = Fixture::open().await;
    let mina = fixture.person("mina").await;
    let mut expect = Vec::new();
    for name in ["ana", "ben", "cem", "dia", "eli"] {
        let fan = fixture.person(name).await;
        fixture.pass_ms(1);
        fixture.room.follow_set(fan, mina, true).await.expect("a follow");
        expect.insert(0, fan);
    }
    let mut page = PageRequest {
        cursor: None,
        count: Some(2),
    };
    let mut seen = Vec::new();
    for (length, more) in [(2, true), (2, true), (1, false)] {
        let found = fixture
            .room
            .followers_page(mina, None, &page)
            .await
            .expect("a page");
        assert_eq!((found.items.len(), found.cursor.is_some()), (length, more));
        seen.extend(found.items.iter().map(|profile| profile.id));
        page.cursor = found.cursor;
    }
    assert_eq!(seen, expect);
    let fan = fixture
        .room
        .following_page(expect[0], Some(mina), &PageRequest::default())
        .await
        .expect("a page");
    assert_eq!((fan.items.len(), fan.items[0].is_self), (1, true));
    for cursor in ["", "x", "5", "5-", "-5-aaaaaaaaaaaaa", "5-toolongtobeanid"] {
        let page = PageRequest {
            cursor: Some(cursor.to_owned()),
            count: None,
        };
        let answer = fixture.room.followers_page(mina, None, &page).await;
        assert_eq!(
            answer.err().and_then(|error| error.field()),
            Some("cursor"),
            "{cursor:?}"
        );
    }
}
