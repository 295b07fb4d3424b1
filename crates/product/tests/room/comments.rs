//! Comments and replies.

use product::PageRequest;
use types::{CommentId, VideoId};

use crate::{Fixture, code};

#[tokio::test]
async fn texts_are_cleaned_and_bounded() {
    let fixture = Fixture::open().await;
    let mina = fixture.person("mina").await;
    let video = fixture.video(1, mina, true).await;
    let most = "ü".repeat(500);
    let rows = [
        ("  so good \n", Some("so good")),
        ("a\u{0}b\u{202e}c", Some("abc")),
        (most.as_str(), Some(most.as_str())),
        ("", None),
        (" \u{8}\t ", None),
    ];
    for (text, expect) in rows {
        let answer = fixture.room.comment_add(mina, video, text, None).await;
        assert_eq!(
            answer.as_ref().ok().map(|(comment, _)| comment.text.as_str()),
            expect,
            "{text:?}"
        );
    }
    let long = fixture
        .room
        .comment_add(mina, video, &"x".repeat(501), None)
        .await;
    assert_eq!(long.expect_err("too long").field(), Some("commentText"));
}

#[tokio::test]
async fn replies_hang_on_the_root() {
    let fixture = Fixture::open().await;
    let (mina, noor) = (fixture.person("mina").await, fixture.person("noor").await);
    let video = fixture.video(1, mina, true).await;
    let other = fixture.video(2, mina, true).await;
    let add = async |parent: Option<CommentId>| {
        fixture
            .room
            .comment_add(noor, video, "yes", parent)
            .await
            .expect("a comment")
    };
    let (root, _) = add(None).await;
    let (reply, _) = add(Some(root.id)).await;
    let (nested, state) = add(Some(reply.id)).await;
    assert_eq!((reply.parent, nested.parent), (Some(root.id), Some(root.id)));
    assert_eq!(state.counts.comments, 3);
    let foreign = fixture.room.comment_add(noor, other, "yes", Some(root.id)).await;
    assert_eq!(code(&foreign), "not_found", "a reply stays under its video");
    let roots = fixture
        .room
        .comments_page(video, None, None, &PageRequest::default())
        .await
        .expect("a page");
    assert_eq!(
        roots
            .items
            .iter()
            .map(|c| (c.id, c.reply_count))
            .collect::<Vec<_>>(),
        [(root.id, 2)]
    );
    let first = PageRequest {
        cursor: None,
        count: Some(1),
    };
    let page = fixture
        .room
        .comments_page(video, None, Some(root.id), &first)
        .await
        .expect("a page");
    assert_eq!(page.items[0].id, reply.id, "oldest first");
    let rest = PageRequest {
        cursor: page.cursor,
        count: Some(1),
    };
    let page = fixture
        .room
        .comments_page(video, None, Some(root.id), &rest)
        .await
        .expect("a page");
    assert_eq!((page.items[0].id, page.cursor), (nested.id, None));
}

#[tokio::test]
async fn hidden_videos_have_no_comments() {
    let fixture = Fixture::open().await;
    let (mina, noor) = (fixture.person("mina").await, fixture.person("noor").await);
    let hidden = fixture.video(1, mina, false).await;
    let page = PageRequest::default();
    assert_eq!(
        code(&fixture.room.comment_add(mina, hidden, "first", None).await),
        "not_found"
    );
    assert_eq!(
        code(&fixture.room.comments_page(hidden, Some(noor), None, &page).await),
        "not_found"
    );
    assert_eq!(
        code(&fixture.room.comments_page(hidden, Some(mina), None, &page).await),
        "ok"
    );
    assert_eq!(
        code(
            &fixture
                .room
                .comments_page(VideoId::from_raw(9), None, None, &page)
                .await
        ),
        "not_found"
    );
}
