//! The folder backend by its front door: what is stored, what is refused, and that a refusal leaves no trace.

use std::path::Path;

use blob::{BlobError, BlobKey, BlobPart, BlobStore, KeyError};
use bytes::Bytes;
use tokio::io::AsyncReadExt;

fn key(text: &str) -> BlobKey {
    BlobKey::parse(text).expect("the test writes valid keys")
}

fn open() -> (tempfile::TempDir, BlobStore) {
    let root = tempfile::tempdir().expect("a temporary folder");
    let store = BlobStore::folder(root.path()).expect("the folder opens");
    (root, store)
}

async fn text(store: &BlobStore, at: &str, range: Option<std::ops::Range<u64>>) -> Result<String, BlobError> {
    let mut reader = store.get_range(&key(at), range).await?;
    let mut out = String::new();
    reader.read_to_string(&mut out).await.expect("the blob is text");
    assert_eq!(reader.range_bytes(), out.len() as u64);
    Ok(out)
}

fn files_below(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).expect("the folder is readable");
    entries
        .map(|entry| entry.expect("an entry").path())
        .map(|path| if path.is_dir() { files_below(&path) } else { 1 })
        .sum()
}

#[test]
fn keys() {
    let check = |text: &str, expect: Result<(), KeyError>| {
        assert_eq!(BlobKey::parse(text).map(|_| ()), expect, "{text:?}");
    };
    check("v/0abc/480p/init.mp4", Ok(()));
    check("a", Ok(()));
    check("lake/views/day=2026-01-31/hour=05/part-0.parquet", Ok(()));
    check("", Err(KeyError::Length));
    check(&"a/".repeat(300), Err(KeyError::Length));
    check(&["a"; 13].join("/"), Err(KeyError::Length));
    check(&"a".repeat(201), Err(KeyError::Segment));
    check("/etc/passwd", Err(KeyError::Segment));
    check("v/../u", Err(KeyError::Segment));
    check("v/.tmp", Err(KeyError::Segment));
    check("v//u", Err(KeyError::Segment));
    check("v/", Err(KeyError::Segment));
    check("V/a", Err(KeyError::Character));
    check("v\\a", Err(KeyError::Character));
    check("v/a%2e", Err(KeyError::Character));
    check("v/a\0", Err(KeyError::Character));
}

#[tokio::test]
async fn put_get_head_delete() {
    let (_root, store) = open();
    let at = key("v/a/0.m4s");
    let receipt = store
        .put_bytes(&at, Bytes::from_static(b"hello world"))
        .await
        .expect("stored");
    assert_eq!(
        (receipt.bytes, receipt.etag.as_str()),
        (11, "b94d27b9934d3e08a52e52d7da7dabfa")
    );
    assert_eq!(store.head(&at).await.expect("there").size_bytes, 11);
    assert_eq!(store.digest(&at).await.expect("there"), receipt);
    assert_eq!(
        text(&store, "v/a/0.m4s", None).await.expect("whole"),
        "hello world"
    );
    assert_eq!(
        text(&store, "v/a/0.m4s", Some(6..11)).await.expect("range"),
        "world"
    );
    assert_eq!(
        text(&store, "v/a/0.m4s", Some(6..999)).await.expect("clamped"),
        "world"
    );
    for outside in [11..12, 5..5, 20..30] {
        let refused = text(&store, "v/a/0.m4s", Some(outside)).await;
        assert!(
            matches!(refused, Err(BlobError::RangeOutside { size_bytes: 11, .. })),
            "{refused:?}"
        );
    }
    for absent in ["v/a", "v/a/1.m4s", "v/a/0.m4s/x"] {
        let refused = store.head(&key(absent)).await;
        assert!(matches!(refused, Err(BlobError::NotFound { .. })), "{refused:?}");
    }
    assert!(store.delete(&at).await.expect("deleted"));
    assert!(!store.delete(&at).await.expect("gone already"));
}

#[tokio::test]
async fn a_conditional_put_has_one_winner() {
    let (root, store) = open();
    let at = key("lake/log/7.json");
    let tries = (0..16u8).map(|number| {
        let (store, at) = (store.clone(), at.clone());
        tokio::spawn(async move {
            store
                .put_if_absent(&at, Bytes::from(vec![b'a' + number; 3]))
                .await
        })
    });
    let mut winners = Vec::new();
    for (number, tried) in futures_util::future::join_all(tries)
        .await
        .into_iter()
        .enumerate()
    {
        if tried.expect("the task ends").expect("the storage is well") {
            winners.push(number as u8);
        }
    }
    let [winner] = winners[..] else {
        panic!("exactly one wins: {winners:?}");
    };
    let expect = String::from_utf8(vec![b'a' + winner; 3]).expect("letters");
    assert_eq!(
        text(&store, "lake/log/7.json", None).await.expect("stored"),
        expect
    );
    assert_eq!(files_below(root.path()), 1, "the losers leave nothing behind");
    assert!(store.delete(&at).await.expect("deleted"));
    assert!(
        store
            .put_if_absent(&at, Bytes::new())
            .await
            .expect("absent again")
    );
}

#[tokio::test]
async fn a_stream_over_its_bound_or_broken_leaves_no_trace() {
    let (root, store) = open();
    store
        .put_bytes(&key("u/a/1"), Bytes::from_static(b"old"))
        .await
        .expect("stored");
    let long = vec![7; 300_000];
    let refused = store
        .put_stream(&key("u/a/1"), long.as_slice(), 0..=299_999)
        .await;
    assert!(
        matches!(
            refused,
            Err(BlobError::TooLarge {
                bytes_max: 299_999,
                ..
            })
        ),
        "{refused:?}"
    );
    let broken = tokio_util::io::StreamReader::new(Broken { given: false });
    let refused = store.put_stream(&key("u/a/2"), broken, 0..=100).await;
    assert!(matches!(refused, Err(BlobError::Source { .. })), "{refused:?}");
    let refused = store
        .put_stream(&key("u/a/1"), long.as_slice(), 300_001..=300_001)
        .await;
    assert!(
        matches!(refused, Err(BlobError::TooShort { bytes: 300_000, .. })),
        "{refused:?}"
    );
    assert_eq!(
        text(&store, "u/a/1", None).await.expect("the old one stands"),
        "old"
    );
    assert_eq!(files_below(root.path()), 1);
    assert_eq!(
        store
            .put_stream(&key("u/a/1"), long.as_slice(), 0..=300_000)
            .await
            .expect("fits")
            .bytes,
        300_000
    );
}

/// A sender that gives one chunk and then goes away.
struct Broken {
    given: bool,
}

impl futures_util::Stream for Broken {
    type Item = std::io::Result<Bytes>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        _cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        let first = !std::mem::replace(&mut self.given, true);
        std::task::Poll::Ready(Some(match first {
            true => Ok(Bytes::from_static(b"half")),
            false => Err(std::io::ErrorKind::ConnectionReset.into()),
        }))
    }
}

#[tokio::test]
async fn parts_are_assembled_in_order_and_checked() {
    let (root, store) = open();
    let mut parts = Vec::new();
    for (number, body) in [(2, "lo "), (1, "hel"), (3, "world")] {
        let at = key(&format!("u/a/{number}"));
        let receipt = store.put_bytes(&at, Bytes::from(body)).await.expect("stored");
        parts.push(BlobPart {
            key: at,
            etag: Some(receipt.etag),
        });
    }
    parts.sort_by(|a, b| a.key.cmp(&b.key));
    let receipt = store.concat(&parts, &key("s/a"), 11).await.expect("assembled");
    assert_eq!(
        (receipt.bytes, receipt.etag.as_str()),
        (11, "b94d27b9934d3e08a52e52d7da7dabfa")
    );
    assert_eq!(text(&store, "s/a", None).await.expect("there"), "hello world");
    let files = files_below(root.path());
    let refused = store.concat(&parts, &key("s/b"), 10).await;
    assert!(matches!(refused, Err(BlobError::TooLarge { .. })), "{refused:?}");
    parts[1].etag = Some("00".repeat(16));
    let refused = store.concat(&parts, &key("s/b"), 11).await;
    assert!(
        matches!(refused, Err(BlobError::PartMismatch { .. })),
        "{refused:?}"
    );
    parts[1] = BlobPart {
        key: key("u/a/9"),
        etag: None,
    };
    let refused = store.concat(&parts, &key("s/b"), 11).await;
    assert!(matches!(refused, Err(BlobError::NotFound { .. })), "{refused:?}");
    assert_eq!(files_below(root.path()), files, "a refusal leaves no trace");
}

#[tokio::test]
async fn files_and_folders_move_in() {
    let (_root, store) = open();
    let local = tempfile::tempdir().expect("a temporary folder");
    std::fs::create_dir(local.path().join("480p")).expect("a folder");
    for name in ["master.m3u8", "480p/init.mp4", "480p/0.m4s"] {
        std::fs::write(local.path().join(name), name).expect("a file");
    }
    let refused = store.put_folder(&key("v/a"), local.path(), 2).await;
    assert!(
        matches!(refused, Err(BlobError::TooManyFiles { .. })),
        "{refused:?}"
    );
    let receipt = store
        .put_file(&key("v/a/master.m3u8"), &local.path().join("master.m3u8"))
        .await
        .expect("moved");
    assert_eq!(receipt.bytes, 11);
    assert_eq!(
        store
            .put_folder(&key("v/a"), local.path(), 10)
            .await
            .expect("moved"),
        2
    );
    assert_eq!(files_below(local.path()), 0);
    assert_eq!(
        text(&store, "v/a/480p/init.mp4", None).await.expect("there"),
        "480p/init.mp4"
    );
    std::fs::write(local.path().join("No Key"), "x").expect("a file");
    let refused = store.put_folder(&key("v/a"), local.path(), 10).await;
    assert!(matches!(refused, Err(BlobError::BadName(_))), "{refused:?}");
    assert_eq!(
        std::fs::read(store.local_path(&key("v/a/480p/0.m4s"))).expect("readable"),
        b"480p/0.m4s"
    );
}

#[tokio::test]
async fn listing_is_ordered_and_bounded_and_a_prefix_vanishes() {
    let (_root, store) = open();
    for at in ["v/a/b/1", "v/a/b.x", "v/a/0", "v/a/c", "v/ab/0"] {
        store
            .put_bytes(&key(at), Bytes::from_static(b"x"))
            .await
            .expect("stored");
    }
    let names = |listing: &blob::Listing| {
        listing
            .entries
            .iter()
            .map(|entry| entry.key.to_string())
            .collect::<Vec<_>>()
    };
    let all = store.list_prefix(&key("v/a"), 4).await.expect("listed");
    assert_eq!(
        (names(&all), all.truncated),
        (
            vec!["v/a/0".into(), "v/a/b.x".into(), "v/a/b/1".into(), "v/a/c".into()],
            false
        )
    );
    let some = store.list_prefix(&key("v/a"), 3).await.expect("listed");
    assert_eq!((some.entries.len(), some.truncated), (3, true));
    assert!(store.delete_prefix(&key("v/a")).await.expect("deleted"));
    assert!(!store.delete_prefix(&key("v/a")).await.expect("gone already"));
    assert_eq!(
        store.list_prefix(&key("v/a"), 9).await.expect("listed").entries,
        []
    );
    assert_eq!(
        text(&store, "v/ab/0", None).await.expect("the neighbour stands"),
        "x"
    );
}

#[tokio::test]
async fn opening_removes_what_a_crash_left() {
    let (root, store) = open();
    store
        .put_bytes(&key("v/a"), Bytes::from_static(b"x"))
        .await
        .expect("stored");
    std::fs::write(root.path().join(".tmp/half"), "half").expect("a leftover");
    let store = BlobStore::folder(root.path()).expect("opens again");
    assert_eq!(files_below(root.path()), 1);
    assert_eq!(text(&store, "v/a", None).await.expect("stands"), "x");
}
