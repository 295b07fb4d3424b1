//! Brings the world's videos into the house without files: their rows, a manifest that only names files, and the fact of their publication
//! go through the product's own transaction and outbox, as the media queue writes them after a transcode. Nothing plays; nobody
//! here looks at pictures. What an encoder would have seen is drawn from the world's truth ([`sim::Crowd::looks`]).

use std::collections::HashMap;

use event::{Event, VideoChange};
use media::{MediaManifest, Rendition, Segments};
use metastore::{Metastore, OutboxNew, VideoFacets, VideoNew, VideoPublish, VideoSubmit};
use sim::Shown;
use types::{CONTENT_WIDTH, ContentVector, IdGenerator, UserId, VideoId};

use crate::error::LoopError;
use crate::wire::{Card, CreatorRef};

/// A node of the id space that no server has.
const NODE: u16 = 1_000;
/// An encoder that no operator brings.
const ENCODER: u8 = 250;
const WIDTH: u32 = 480;
const HEIGHT: u32 = 854;
const SOURCE_BYTES: i64 = 1_000_000;
const SEGMENT_MS: u64 = 2_000;

/// See the file's header.
pub struct Stock {
    rows: Metastore,
    ids: IdGenerator,
    by_id: HashMap<VideoId, u32>,
    creators: Vec<UserId>,
}

impl Stock {
    /// Nothing yet; `creators` by their numbers in the world.
    pub fn new(rows: Metastore, creators: Vec<UserId>) -> Self {
        Self {
            rows,
            ids: IdGenerator::new(NODE),
            by_id: HashMap::new(),
            creators,
        }
    }

    /// Publishes a video of the world, with its hashtags there and, of something that has a name, that name.
    ///
    /// # Errors
    /// When the rows refuse it.
    pub async fn publish(
        &mut self,
        shown: &Shown,
        looks: &[f32],
        name: Option<&str>,
    ) -> Result<(), LoopError> {
        let id = VideoId::from_raw(self.ids.next(shown.born_ms));
        let creator = self.creators[shown.creator as usize];
        let names = name.map(str::to_owned);
        let hashtags: Vec<String> = shown.hashtag_texts().chain(names).collect();
        let caption = format!("video {}", shown.index);
        let facets = VideoFacets {
            category: Some(shown.category),
            sound: Some(shown.sound_id()),
            region: Some(sim::region_of(shown.region)),
        };
        let mut tx = self.rows.write("closed_loop_publish").await?;
        tx.video_create(&VideoNew {
            id,
            creator,
            duration_ms: shown.duration_ms,
            source_bytes: SOURCE_BYTES,
            created_at_ms: shown.born_ms,
        })
        .await?;
        let submit = VideoSubmit {
            caption: &caption,
            hashtags: &hashtags,
            facets,
            adults_only: false,
        };
        tx.video_submit(id, &submit).await?;
        tx.video_publish(id, creator, &publish(shown)).await?;
        let event = Event::Video(VideoChange::Published {
            outbox_id: 0,
            video: id,
            creator,
            published_ms: shown.born_ms,
            duration_ms: shown.duration_ms,
            hashtags,
            sound: facets.sound,
            category: facets.category,
            region: facets.region,
            content: ContentVector::of(ENCODER, looks).map(std::sync::Arc::new),
            original: None,
            caption,
        });
        tx.outbox_append(OutboxNew {
            topic: event.topic(),
            partition_key: id.raw(),
            at_ms: shown.born_ms,
            payload: event.encode(),
        })
        .await?;
        tx.commit().await?;
        self.by_id.insert(id, shown.index);
        Ok(())
    }

    /// How wide the looks of a video are.
    pub const fn looks_width() -> usize {
        CONTENT_WIDTH
    }

    /// The world's number of a video.
    ///
    /// # Errors
    /// When nobody published it.
    pub fn index(&self, id: VideoId) -> Result<u32, LoopError> {
        self.by_id.get(&id).copied().ok_or(LoopError::UnknownVideo(id))
    }

    /// The house's number of a creator.
    pub fn creator(&self, index: u32) -> UserId {
        self.creators[index as usize]
    }

    /// A card of a video, as somebody has it who was sent a link.
    ///
    /// # Errors
    /// When nobody published it.
    pub fn card(&self, shown: &Shown) -> Result<Card, LoopError> {
        let mut known = self.by_id.iter().filter(|(_, index)| **index == shown.index);
        let (id, _) = known.next().ok_or(LoopError::Worker)?;
        Ok(Card {
            id: *id,
            creator: CreatorRef {
                id: self.creator(shown.creator),
            },
        })
    }

    /// Videos published.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether nothing is.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }
}

fn publish(shown: &Shown) -> VideoPublish {
    VideoPublish {
        published_at_ms: shown.born_ms,
        duration_ms: shown.duration_ms,
        width: i64::from(WIDTH),
        height: i64::from(HEIGHT),
        manifest_json: manifest(shown.duration_ms as u64),
        progress: 1.0,
    }
}

/// Names files as the packager would; none of them exists.
fn manifest(duration_ms: u64) -> String {
    let whole = duration_ms / SEGMENT_MS;
    let rest = duration_ms % SEGMENT_MS;
    let mut durations = vec![SEGMENT_MS; whole as usize];
    durations.extend((rest > 0).then_some(rest));
    let manifest = MediaManifest {
        duration_ms,
        width: WIDTH,
        height: HEIGHT,
        renditions: vec![Rendition {
            name: format!("{WIDTH}p"),
            width: WIDTH,
            height: HEIGHT,
            codecs: "avc1.64001e".to_owned(),
            frame_rate: media::FrameRate::new(30, 1),
            segments: Segments {
                timescale: 1_000,
                durations,
                bitrate_bps: 800_000,
                bitrate_peak_bps: 1_000_000,
            },
        }],
        audio: None,
        poster: "poster.jpg".to_owned(),
        thumbnails: Vec::new(),
        thumbhash: String::new(),
        mp4: None,
    };
    serde_json::to_string(&manifest).unwrap_or_default()
}
