//! Marks, comments, and counts that stay exact against a ledger.

use std::collections::HashSet;

use metastore::{CommentNew, Mark, VideoCounts, Write};
use types::CommentId;

use crate::{Fixture, open, people, published, user, video};

/// Numbers that look random and are the same in every run (a linear congruence, high bits).
struct Sequence(u64);

impl Sequence {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

const PEOPLE: u64 = 6;
const VIDEOS: u64 = 4;
const MARKS: [Mark; 4] = [Mark::Like, Mark::Save, Mark::Share, Mark::NotInterested];

/// What must be stored: (index into `MARKS`, person, video).
type Ledger = HashSet<(usize, u64, u64)>;

/// Puts or takes one random mark, in the store and in the ledger; both must agree whether anything changed.
async fn mark_once(tx: &mut Write, ledger: &mut Ledger, sequence: &mut Sequence) {
    let kind = sequence.below(MARKS.len() as u64) as usize;
    let (person, target) = (1 + sequence.below(PEOPLE), 1 + sequence.below(VIDEOS));
    if sequence.below(2) == 0 {
        let added = tx
            .mark_add(MARKS[kind], user(person), video(target), user(1), 5)
            .await;
        assert_eq!(added.expect("a mark"), ledger.insert((kind, person, target)));
    } else {
        let removed = tx
            .mark_remove(MARKS[kind], user(person), video(target), user(1))
            .await;
        assert_eq!(removed.expect("a mark"), ledger.remove(&(kind, person, target)));
    }
}

#[tokio::test]
async fn counts_equal_a_ledger_after_many_marks() {
    let Fixture {
        store,
        folder: _folder,
    } = open().await;
    people(&store, PEOPLE).await;
    for raw in 1..=VIDEOS {
        published(&store, video(raw), user(1), 10).await;
    }
    let (mut ledger, mut sequence) = (Ledger::new(), Sequence(7));
    for round in 0..60 {
        let mut tx = store.write("marks").await.expect("the writer is free");
        let before = ledger.clone();
        for _ in 0..10 {
            mark_once(&mut tx, &mut ledger, &mut sequence).await;
        }
        // Every fifth change is abandoned: nothing of it may count.
        if round % 5 == 0 {
            drop(tx);
            ledger = before;
        } else {
            tx.commit().await.expect("a commit");
        }
    }
    let count = |kind, target| {
        ledger
            .iter()
            .filter(|entry| entry.0 == kind && entry.2 == target)
            .count() as i64
    };
    let ids: Vec<_> = (1..=VIDEOS).map(video).collect();
    for card in store.video_cards_get(&ids, None).await.expect("cards") {
        let target = card.face.video.id.raw();
        let [likes, saves, shares] = [count(0, target), count(1, target), count(2, target)];
        assert_eq!(
            card.counts,
            VideoCounts {
                likes,
                saves,
                shares,
                comments: 0
            },
            "video {target}"
        );
    }
    let received = store
        .account_by_id(user(1))
        .await
        .expect("a read")
        .expect("user 1")
        .counts
        .likes;
    assert_eq!(
        received,
        ledger.iter().filter(|entry| entry.0 == 0).count() as i64
    );
}

#[tokio::test]
async fn a_report_is_filed_once() {
    let Fixture {
        store,
        folder: _folder,
    } = open().await;
    people(&store, 2).await;
    published(&store, video(1), user(1), 10).await;
    let mut tx = store.write("report").await.expect("the writer is free");
    assert!(
        tx.report_add(user(2), video(1), "spam", 1)
            .await
            .expect("a report")
    );
    assert!(
        !tx.report_add(user(2), video(1), "again", 2)
            .await
            .expect("a report")
    );
}

#[tokio::test]
async fn comments_page_and_count() {
    let Fixture {
        store,
        folder: _folder,
    } = open().await;
    people(&store, 2).await;
    published(&store, video(1), user(1), 10).await;
    let mut tx = store.write("comments").await.expect("the writer is free");
    for (raw, parent) in [
        (1, None),
        (2, None),
        (3, Some(1)),
        (4, Some(1)),
        (5, None),
        (6, Some(1)),
    ] {
        let new = CommentNew {
            id: CommentId::from_raw(raw),
            video: video(1),
            author: user(2),
            parent: parent.map(CommentId::from_raw),
            text: "nice",
            created_at_ms: raw as i64,
        };
        let stored = tx.comment_create(&new).await.expect("a comment");
        assert_eq!(
            (stored.author_username.as_str(), stored.reply_count),
            ("user_2", 0)
        );
    }
    assert_eq!(tx.video_counts(video(1)).await.expect("counts").comments, 6);
    tx.commit().await.expect("a commit");
    let raws = |page: Vec<metastore::Comment>| page.iter().map(|c| c.id.raw()).collect::<Vec<_>>();
    let first = store.comments_page(video(1), None, 2).await.expect("a page");
    assert_eq!(raws(first), [5, 2]);
    let second = store
        .comments_page(video(1), Some(CommentId::from_raw(2)), 2)
        .await
        .expect("a page");
    assert_eq!(second[0].reply_count, 3);
    assert_eq!(raws(second), [1]);
    let root = CommentId::from_raw(1);
    let replies = store
        .comment_replies_page(video(1), root, None, 2)
        .await
        .expect("a page");
    assert_eq!(raws(replies), [3, 4]);
    let more = store
        .comment_replies_page(video(1), root, Some(CommentId::from_raw(4)), 2)
        .await
        .expect("a page");
    assert_eq!(raws(more), [6]);
}
