//! What every backend of the metastore must do, over a real database. `open` is the only place that names an engine.

mod accounts;
mod cards;
mod engagement;
mod media_jobs;
mod operators;
mod outbox;
mod roles;
mod statements;
mod uploads;
mod videos;

use metastore::{AccountNew, Metastore, VideoNew, VideoPublish, VideoSubmit};
use tempfile::TempDir;
use types::{UserId, Username, VideoId};

/// A fresh store that lives as long as its folder.
struct Fixture {
    store: Metastore,
    folder: TempDir,
}

impl Fixture {
    fn address(&self) -> String {
        format!("sqlite://{}", self.folder.path().join("riffle.db").display())
    }
}

async fn open() -> Fixture {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let address = format!("sqlite://{}", folder.path().join("riffle.db").display());
    let store = Metastore::open(&address).await.expect("a fresh store opens");
    Fixture { store, folder }
}

fn user(raw: u64) -> UserId {
    UserId::from_raw(raw)
}

fn video(raw: u64) -> VideoId {
    VideoId::from_raw(raw)
}

/// Creates accounts 1 to `count`, named `user_1` and so on.
async fn people(store: &Metastore, count: u64) {
    let mut tx = store.write("people").await.expect("the writer is free");
    for raw in 1..=count {
        let username = Username::parse(&format!("user_{raw}")).expect("a valid name");
        let new = AccountNew {
            id: user(raw),
            username: &username,
            display_name: "A Person",
            password_hash: "$hash",
            birth_date: "2000-01-01",
            created_at_ms: 1_000,
        };
        tx.account_create(&new).await.expect("a new account");
    }
    tx.commit().await.expect("a commit");
}

/// Creates a published video of `creator`.
async fn published(store: &Metastore, id: VideoId, creator: UserId, published_at_ms: i64) {
    let mut tx = store.write("published").await.expect("the writer is free");
    let new = VideoNew {
        id,
        creator,
        duration_ms: 20_000,
        source_bytes: 1_000,
        created_at_ms: published_at_ms,
    };
    tx.video_create(&new).await.expect("a new video");
    assert!(
        tx.video_submit(id, &submit("a caption", &["ocean".to_owned()]))
            .await
            .expect("submit")
    );
    assert!(
        tx.video_publish(id, creator, &publish(published_at_ms))
            .await
            .expect("publish")
    );
    tx.commit().await.expect("a commit");
}

fn submit<'a>(caption: &'a str, hashtags: &'a [String]) -> VideoSubmit<'a> {
    VideoSubmit {
        caption,
        hashtags,
        ..VideoSubmit::default()
    }
}

fn publish(published_at_ms: i64) -> VideoPublish {
    let manifest_json = "{}".to_owned();
    VideoPublish {
        published_at_ms,
        duration_ms: 19_500,
        width: 540,
        height: 960,
        manifest_json,
        progress: 0.4,
    }
}

#[tokio::test]
async fn a_store_opens_again_with_what_it_had() {
    let fixture = open().await;
    people(&fixture.store, 1).await;
    fixture.store.close().await;
    let again = Metastore::open(&fixture.address()).await.expect("it opens again");
    assert!(again.account_by_id(user(1)).await.expect("a read").is_some());
}

#[tokio::test]
async fn other_addresses_are_refused() {
    for address in ["", "sqlite://", "postgres://localhost/riffle", "/tmp/riffle.db"] {
        assert!(Metastore::open(address).await.is_err(), "{address:?}");
    }
}

#[tokio::test]
async fn a_dropped_change_leaves_nothing() {
    let Fixture {
        store,
        folder: _folder,
    } = open().await;
    people(&store, 2).await;
    let mut tx = store.write("dropped").await.expect("the writer is free");
    tx.follow_add(user(1), user(2), 5).await.expect("a follow");
    drop(tx);
    assert!(!store.follow_exists(user(1), user(2)).await.expect("a read"));
    let account = store
        .account_by_id(user(2))
        .await
        .expect("a read")
        .expect("user 2");
    assert_eq!(account.counts.followers, 0);
}
