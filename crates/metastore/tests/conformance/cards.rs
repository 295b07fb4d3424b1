//! Cards come from memory: they must show every change as soon as it is committed, and none that was abandoned.

use metastore::{CommentNew, Mark, Metastore, Rejection, Video, VideoCard, VideoNew};
use types::{CommentId, VideoId};

use super::{Fixture, open, people, publish, published, submit, user, video};

async fn card(store: &Metastore, id: VideoId) -> Option<VideoCard> {
    let cards = store.video_cards_get(&[id], Some(user(2))).await;
    cards.expect("cards").into_iter().next()
}

/// What a card shows, read past the memory.
async fn stored(store: &Metastore, id: VideoId) -> Option<Video> {
    store.video_get(id).await.expect("a read")
}

#[tokio::test]
async fn every_change_of_a_video_shows_once_it_is_committed() {
    let Fixture {
        store,
        folder: _folder,
    } = open().await;
    people(&store, 2).await;
    let (id, refused) = (video(1), video(2));
    let mut tx = store.write("begin").await.expect("the writer is free");
    for id in [id, refused] {
        let new = VideoNew {
            id,
            creator: user(1),
            duration_ms: 9,
            source_bytes: 7,
            created_at_ms: 3,
        };
        tx.video_create(&new).await.expect("a new video");
    }
    tx.commit().await.expect("a commit");
    for step in 0..6 {
        for id in [id, refused] {
            let shown = card(&store, id).await.expect("the card");
            assert_eq!(
                Some(&shown.face.video),
                stored(&store, id).await.as_ref(),
                "before step {step}"
            );
        }
        let mut tx = store.write("step").await.expect("the writer is free");
        let why = Rejection {
            code: "odd".to_owned(),
            message: "it is odd".to_owned(),
        };
        let done = match step {
            0 => {
                tx.video_submit(id, &submit("new words", &["sea".to_owned()]))
                    .await
            }
            1 => tx.video_publish(id, user(1), &publish(5)).await,
            2 => tx.video_manifest_update(id, "{\"more\":1}", 0.6).await,
            3 => tx.video_progress_update(id, 0.9).await.map(|()| true),
            4 => tx.video_reject(refused, &why).await,
            _ => {
                let last = tx.video_get(id).await.expect("a read").expect("the video");
                tx.video_delete(&last).await.map(|()| true)
            }
        };
        assert!(done.expect("a step"), "step {step}");
        tx.commit().await.expect("a commit");
    }
    assert_eq!(card(&store, id).await, None);
    let shown = card(&store, refused).await.expect("the card");
    assert_eq!(Some(&shown.face.video), stored(&store, refused).await.as_ref());
}

#[tokio::test]
async fn counts_marks_and_names_show_once_they_are_committed() {
    let Fixture {
        store,
        folder: _folder,
    } = open().await;
    people(&store, 2).await;
    published(&store, video(1), user(1), 5).await;
    let first = card(&store, video(1)).await.expect("the card");
    assert_eq!((first.counts.likes, first.liked), (0, false));

    let mut tx = store.write("like").await.expect("the writer is free");
    tx.mark_add(Mark::Like, user(2), video(1), user(1), 9)
        .await
        .expect("a like");
    let meanwhile = card(&store, video(1)).await.expect("the card");
    assert_eq!(
        (meanwhile.counts.likes, meanwhile.liked),
        (0, false),
        "not committed"
    );
    tx.commit().await.expect("a commit");
    let liked = card(&store, video(1)).await.expect("the card");
    assert_eq!((liked.counts.likes, liked.liked), (1, true));
    assert!(
        std::sync::Arc::ptr_eq(&liked.face, &first.face),
        "the face stays in memory"
    );

    let mut tx = store.write("comment").await.expect("the writer is free");
    let new = CommentNew {
        id: CommentId::from_raw(1),
        video: video(1),
        author: user(2),
        parent: None,
        text: "good",
        created_at_ms: 9,
    };
    tx.comment_create(&new).await.expect("a comment");
    tx.commit().await.expect("a commit");
    let mut tx = store.write("rename").await.expect("the writer is free");
    tx.account_update_profile(user(1), Some("Another Name"), None)
        .await
        .expect("a profile");
    tx.commit().await.expect("a commit");
    let last = card(&store, video(1)).await.expect("the card");
    assert_eq!((last.counts.likes, last.counts.comments), (1, 1));
    assert_eq!(last.face.creator_display_name, "Another Name");

    let mut tx = store.write("abandoned").await.expect("the writer is free");
    tx.mark_remove(Mark::Like, user(2), video(1), user(1))
        .await
        .expect("no like");
    drop(tx);
    assert_eq!(card(&store, video(1)).await.expect("the card").counts.likes, 1);
}

/// Readers who ask all the time never see counts go back, and in the end nobody holds old ones.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_beside_a_writer_never_see_likes_go_back() {
    const LIKES: u64 = 60;
    let Fixture {
        store,
        folder: _folder,
    } = open().await;
    people(&store, LIKES + 1).await;
    published(&store, video(1), user(1), 5).await;
    let (ended, end) = tokio::sync::watch::channel(false);
    let readers: Vec<_> = (0..3)
        .map(|_| {
            let (store, end) = (store.clone(), end.clone());
            tokio::spawn(async move {
                let mut last = 0;
                while !*end.borrow() {
                    let likes = card(&store, video(1)).await.expect("the card").counts.likes;
                    assert!(likes >= last, "{likes} after {last}");
                    last = likes;
                }
            })
        })
        .collect();
    for raw in 2..=LIKES + 1 {
        let mut tx = store.write("like").await.expect("the writer is free");
        tx.mark_add(Mark::Like, user(raw), video(1), user(1), 9)
            .await
            .expect("a like");
        tx.commit().await.expect("a commit");
        let likes = card(&store, video(1)).await.expect("the card").counts.likes;
        assert_eq!(likes, raw as i64 - 1, "its own like");
    }
    ended.send_replace(true);
    for reader in readers {
        reader.await.expect("a reader that saw nothing odd");
    }
}

/// Whoever writes a new statement about these tables is reminded of the memory.
#[test]
fn statements_that_change_what_cards_show_are_known() {
    let changes = |text: &str| {
        [
            "UPDATE videos",
            "DELETE FROM videos",
            "UPDATE video_counts",
            "UPDATE accounts",
        ]
        .iter()
        .any(|start| text.starts_with(start))
    };
    let mut names: Vec<&str> = metastore::statements()
        .into_iter()
        .filter(|(_, text)| changes(text))
        .map(|(name, _)| name)
        .collect();
    names.sort_unstable();
    let known = [
        "ACCOUNT_UPDATE_PASSWORD",
        "ACCOUNT_UPDATE_PROFILE",
        "COMMENT_COUNT",
        "LIKE_COUNT",
        "SAVE_COUNT",
        "SHARE_COUNT",
        "VIDEO_CONTENT_UPDATE",
        "VIDEO_DELETE",
        "VIDEO_FLAGS_SET",
        "VIDEO_MANIFEST_UPDATE",
        "VIDEO_PROGRESS_UPDATE",
        "VIDEO_PUBLISH",
        "VIDEO_REFUSE",
        "VIDEO_SUBMIT",
    ];
    assert_eq!(
        names, known,
        "does the new one touch cards in memory (`Write::touch`)?"
    );
}
