//! The content index follows the catalog, and its source asks around what the viewer liked.

use std::sync::Arc;

use candidate_pipeline::Source as _;
use feature_store::{FeatureStore, LiveFeatures, VideoProfile};
use types::{ContentVector, UserId, ViewerId};

use super::*;
use crate::model::Query;
use crate::quota::Quota;
use crate::sources::Content;

const TOPICS: u64 = 5;

/// Near one of five axes.
fn vector(version: u8, video: u64) -> ContentVector {
    let values: Vec<f32> = (0..WIDTH as u64)
        .map(|at| match at == video % TOPICS {
            true => 1.0,
            false => ((video * 31 + at * 17) % 13) as f32 / 130.0,
        })
        .collect();
    ContentVector::of(version, &values).expect("a direction")
}

fn profile(video: u64, content: Option<ContentVector>) -> VideoProfile {
    VideoProfile {
        video: VideoId::from_raw(video),
        creator: UserId::from_raw(1),
        published_ms: video as i64,
        duration_ms: 10_000,
        hashtags: vec![],
        caption: Arc::from(""),
        sound: None,
        category: None,
        region: None,
        content: content.map(Arc::new),
        original: None,
    }
}

struct House {
    store: Arc<FeatureStore>,
    vectors: Arc<VideoVectors>,
    _folder: tempfile::TempDir,
}

fn house() -> House {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = FeatureStore::open(&folder.path().join("features.redb")).expect("opens");
    let store = Arc::new(store);
    // One was there before anybody looked.
    store.catalog_put(profile(1, Some(vector(1, 1))));
    let vectors = VideoVectors::new();
    let from = (
        store.clone(),
        LiveFeatures::new(Default::default()),
        Default::default(),
    );
    let keeper = VectorKeeper::new(vectors.clone(), from, Arc::new(|| 0));
    keeper.load(&stream::StopSignal::new());
    House {
        store,
        vectors,
        _folder: folder,
    }
}

fn items(house: &House, version: u8) -> Vec<u64> {
    let index = house.vectors.content(version);
    let mut items = index.map_or_else(Vec::new, |index| index.items());
    items.sort_unstable();
    items
}

#[test]
fn the_index_has_a_video_when_the_catalog_has_it_and_as_long() {
    let house = house();
    house.store.catalog_put(profile(2, Some(vector(1, 2))));
    house.store.catalog_put(profile(3, None));
    assert_eq!(items(&house, 1), [1, 2]);
    let found = house.vectors.alike(&vector(1, 2), 1);
    assert_eq!(found[0].0, VideoId::from_raw(2));
    // Encoded anew by another encoder: out of the old index, into the new one.
    let anew = Arc::new(vector(2, 1));
    house
        .store
        .catalog_describe(VideoId::from_raw(1), Some(anew), None);
    assert_eq!((items(&house, 1), items(&house, 2)), (vec![2], vec![1]));
    house.store.catalog_remove(VideoId::from_raw(1));
    house.store.catalog_remove(VideoId::from_raw(2));
    assert_eq!((items(&house, 1), items(&house, 2)), (vec![], vec![]));
}

#[tokio::test]
async fn the_source_brings_what_is_like_the_last_positives_and_some_of_the_old_interest() {
    let house = house();
    (2..600).for_each(|video| house.store.catalog_put(profile(video, Some(vector(1, video)))));
    let source = Content {
        store: house.store.clone(),
        vectors: house.vectors.clone(),
    };
    let mut query = Query::new(ViewerId::from_raw(7), 1, 20);
    query.asks = Quota::new(300).asks();
    assert!(
        source.retrieve(&query).await.expect("asks").is_empty(),
        "who liked nothing"
    );
    query.history.positives = vec![VideoId::from_raw(5), VideoId::from_raw(10)];
    query.history.older_positives = vec![VideoId::from_raw(3)];
    let found = source.retrieve(&query).await.expect("asks");
    assert!(found.len() + 2 >= query.ask(event::Source::Content));
    let of = |topic: u64| {
        found
            .iter()
            .filter(|one| one.video.raw() % TOPICS == topic)
            .count()
    };
    assert_eq!(of(0) + of(3), found.len());
    assert!(of(3) > 10 && of(0) > 3 * of(3), "{} {}", of(0), of(3));
}
