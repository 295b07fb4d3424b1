//! The recount agrees with counts taken from the events themselves, however often a fact was sent, and stays within its bound. On
//! the folder backend, so that the whole way to the disk is walked once.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use blob::{BlobKey, BlobStore};
use bytes::Bytes;
use common::{House, Told, events, log_of, rows_expected};
use event::{ActionKind, Event, Signal, SignalKind, topic};
use lake::{BlobObjects, LakeError, Objects, VideoRecount, recount};
use types::VideoId;

/// Objects in a folder, and what they need to stay alive.
fn folder() -> (Arc<dyn Objects>, tempfile::TempDir, tokio::runtime::Runtime) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .build()
        .expect("a runtime");
    let store = BlobStore::folder(folder.path()).expect("the folder opens");
    (
        Arc::new(BlobObjects::new(store, runtime.handle().clone())),
        folder,
        runtime,
    )
}

/// Every third fact is sent again, in another record.
fn told_twice(told: Vec<Told>) -> Vec<Told> {
    let again = told.iter().step_by(3).map(|told| Told {
        payload: told.payload.clone(),
        ..*told
    });
    let again: Vec<Told> = again.collect();
    told.into_iter().chain(again).collect()
}

fn ledger(told: &[Told]) -> BTreeMap<VideoId, VideoRecount> {
    let mut videos: BTreeMap<VideoId, VideoRecount> = BTreeMap::new();
    let (mut numbers, mut outbox_ids) = (BTreeSet::new(), BTreeSet::new());
    for told in told {
        match (told.topic, Event::decode(&told.payload)) {
            (topic::VIEWS | topic::CONTEXT, Ok(Event::Signal(signal)))
                if numbers.insert((signal.viewer, signal.session, signal.sequence)) =>
            {
                count(&mut videos, &signal);
            }
            (topic::ACTIONS, Ok(Event::Action(action))) if outbox_ids.insert(action.outbox_id) => {
                let Some(video) = action.video else { continue };
                let video = videos.entry(video).or_default();
                match action.kind {
                    ActionKind::Like => video.likes += 1,
                    ActionKind::Unlike => video.likes -= 1,
                    ActionKind::Comment => video.comments += 1,
                    ActionKind::Share => video.shares += 1,
                    ActionKind::Save => video.saves += 1,
                    ActionKind::Unsave => video.saves -= 1,
                    _ => {}
                }
            }
            _ => {}
        }
    }
    videos
}

fn count(videos: &mut BTreeMap<VideoId, VideoRecount>, signal: &Signal) {
    let Some(video) = signal.video else { return };
    let video = videos.entry(video).or_default();
    match signal.kind {
        SignalKind::Impression => video.impressions += 1,
        SignalKind::Loop => video.loops += 1,
        SignalKind::Watch { watch_ms, ended, .. } => {
            video.views += 1;
            video.watch_ms += watch_ms as u64;
            video.completions += u64::from(ended);
        }
        _ => {}
    }
}

#[test]
fn the_recount_agrees_with_the_events() {
    let told = told_twice(events::mixed(61, 900, 3));
    let (_disk, log) = log_of(&told, 3);
    let (objects, _folder, _runtime) = folder();
    let house = House {
        objects: objects.clone(),
        ..House::new()
    };
    house.catch_up(&log, 1, 200);
    assert_eq!(house.rows(), rows_expected(&told));
    let counted = recount(&objects, &house.config, 10_000).expect("the lake is whole");
    assert_eq!(counted.videos, ledger(&told));
    assert!(counted.repeats > 100 && counted.videos.len() == 7, "{counted:?}");
    house.keep(objects.clone(), 2);
    let packed = recount(&objects, &house.config, 10_000).expect("the lake is whole");
    assert_eq!(packed, counted, "packing changes nothing");
    let refused = recount(&objects, &house.config, 100);
    assert!(
        matches!(refused, Err(LakeError::TooMany { rows_max: 100, .. })),
        "{refused:?}"
    );
}

/// The storage in a folder and the one in memory do the same.
#[test]
fn both_storages_behave_alike() {
    let (objects, _folder, _runtime) = folder();
    let key = |text: &str| BlobKey::parse(text).expect("the test writes valid keys");
    for objects in [objects, House::new().objects] {
        let (a, b) = (key("lake/t/day=2026-01-31/hour=05/a"), key("lake/t/b"));
        assert_eq!(objects.get(&a).expect("gets"), None);
        assert_eq!(objects.modified_ms(&a).expect("looks"), None);
        assert!(
            objects
                .put_if_absent(&a, Bytes::from_static(b"one"))
                .expect("puts")
        );
        assert!(
            !objects
                .put_if_absent(&a, Bytes::from_static(b"two"))
                .expect("refuses")
        );
        objects.put(&b, Bytes::from_static(b"three")).expect("puts");
        objects.put(&b, Bytes::from_static(b"four")).expect("puts over");
        assert_eq!(objects.get(&a).expect("gets").as_deref(), Some(&b"one"[..]));
        assert_eq!(objects.get(&b).expect("gets").as_deref(), Some(&b"four"[..]));
        assert!(objects.modified_ms(&b).expect("looks") > Some(0));
        let listed = |prefix: &str, max| {
            let listed = objects.list(&key(prefix), max).expect("lists");
            (
                listed
                    .entries
                    .into_iter()
                    .map(|entry| entry.key)
                    .collect::<Vec<_>>(),
                listed.truncated,
            )
        };
        assert_eq!(listed("lake/t", 9), (vec![b.clone(), a.clone()], false));
        assert_eq!(listed("lake/t", 1), (vec![b.clone()], true));
        assert_eq!(listed("lake/t/day=2026-01-31", 9), (vec![a.clone()], false));
        assert_eq!(listed("lake/nothing", 9), (vec![], false));
        objects.delete(&a).expect("deletes");
        objects.delete(&a).expect("deletes what is not there");
        assert_eq!(objects.get(&a).expect("gets"), None);
    }
}
