//! From a published video's record to its being found by what it is about: over the real log, the real catalog job and the real index.
//!
//! The clock starts when the record is handed to the log, so its fsync is within. It stops when a search near the video's vector brings it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use event::{Event, VideoChange, topic};
use event_log::{Append, EventLog, SegmentLog, SegmentLogConfig, Topic, TopicPartition};
use feature_store::{FeatureStore, LiveFeatures};
use feed::{VectorKeeper, VideoVectors};
use jobs::CatalogJob;
use stream::{Driver, DriverConfig};
use types::{ContentVector, UserId, VideoId};

use super::world::World;
use crate::BenchError;
use crate::figures::{Figures, latencies, latency_add};
use crate::table::Random;

const PROBES: u64 = 500;
/// So many videos are in the index before the first probe.
const BEFORE: u64 = 20_000;
/// Longer than a probe may take; then something is broken.
const VISIBLE_MAX: Duration = Duration::from_secs(10);
const ENCODER: u8 = 1;
/// Videos that a search brings: a third of what the source of the feed asks for.
const WISHED: usize = 1_000;

pub(super) fn run(figures: &mut Figures) -> Result<(), BenchError> {
    let dir = tempfile::tempdir().map_err(BenchError::io("making a folder"))?;
    let broken = |error: &dyn std::fmt::Display| BenchError::Peer("the catalog", error.to_string());
    let log = SegmentLog::open(&dir.path().join("log"), SegmentLogConfig::default());
    let log: Arc<dyn EventLog> = Arc::new(log.map_err(|error| broken(&error))?);
    let store = FeatureStore::open(&dir.path().join("state.redb")).map_err(|error| broken(&error))?;
    let store = Arc::new(store);
    let vectors = VideoVectors::new();
    let from = (
        store.clone(),
        LiveFeatures::new(Default::default()),
        Default::default(),
    );
    let keeper = VectorKeeper::new(vectors.clone(), from, Arc::new(|| 0));
    let driver = Driver::new(
        log.clone(),
        store.clone(),
        CatalogJob::new(store),
        DriverConfig::default(),
    );
    let job = stream::spawn(driver).map_err(|error| broken(&error))?;
    let keeper = stream::spawn(keeper).map_err(|error| broken(&error))?;
    let (world, mut random, mut times) = (World::new(1), Random::new(2), latencies());
    for number in 1..=BEFORE + PROBES {
        let Some(vector) = ContentVector::of(ENCODER, &world.draw(&mut random)) else {
            continue;
        };
        let begun = Instant::now();
        drop(
            log.append(vec![published(number, vector)])
                .map_err(|error| broken(&error))?,
        );
        // The last of those before the probes is waited for, and not counted.
        if number < BEFORE {
            continue;
        }
        let video = VideoId::from_raw(number);
        while !vectors
            .alike(&vector, WISHED)
            .iter()
            .any(|(found, _)| *found == video)
        {
            if number > BEFORE && begun.elapsed() > VISIBLE_MAX {
                let all = vectors.alike(&vector, number as usize);
                let has = all.iter().any(|(found, _)| *found == video);
                return Err(BenchError::Peer(
                    "a video was not found within ten seconds",
                    format!("number {number}; the index holds {}, has it: {has}", all.len()),
                ));
            }
            std::thread::yield_now();
        }
        if number > BEFORE {
            latency_add(&mut times, begun.elapsed());
        }
    }
    figures.add_latencies("retrieval.findable_", &times);
    for handle in [job, keeper] {
        handle.stop();
        handle.join().map_err(|error| broken(&error))?;
    }
    Ok(())
}

fn published(number: u64, vector: ContentVector) -> Append {
    let change = VideoChange::Published {
        outbox_id: number,
        video: VideoId::from_raw(number),
        creator: UserId::from_raw(1 + number % 97),
        published_ms: number as i64,
        duration_ms: 10_000,
        hashtags: vec!["bench".to_owned()],
        caption: String::new(),
        sound: None,
        category: None,
        region: None,
        content: Some(Arc::new(vector)),
        original: None,
    };
    Append {
        to: TopicPartition {
            topic: Topic(topic::VIDEOS),
            partition: 0,
        },
        at_ms: number as i64,
        payload: Event::Video(change).encode().into(),
    }
}
