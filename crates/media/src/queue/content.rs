//! Stores what a video is about, and finds out whether it was here before. Runs inside the transaction that publishes or describes, so
//! that of two copies published at once one is the original.

use std::sync::Arc;

use metastore::{Metastore, MetastoreError, Video, VideoContent, Write};
use types::{ContentVector, VideoId};

use super::QueueParts;
use super::error::StepError;
use crate::content::{Fingerprint, Looks, Words};

/// Videos that share a key and are compared.
const COMPARED_MAX: u32 = 64;
/// Videos that wait to be described at a time, so that a change of the encoder does not fill the queue.
const DESCRIBED_MAX: u32 = 50;

/// The vector, and the video that was here first if this one is a copy; both as stored.
pub(super) async fn store(
    tx: &mut Write,
    video: &Video,
    looks: Option<&Looks>,
) -> Result<(Option<Arc<ContentVector>>, Option<VideoId>), StepError> {
    let Some(looks) = looks else {
        return Ok((None, None));
    };
    let words = Words {
        caption: &video.caption,
        hashtags: &video.hashtags,
        category: video.facets.category,
    };
    let vector = looks.vector(&words);
    let keys = looks
        .fingerprint
        .as_ref()
        .map(Fingerprint::keys)
        .unwrap_or_default();
    let original = match &looks.fingerprint {
        Some(fingerprint) => original_of(tx, video.id, fingerprint, &keys).await?,
        None => None,
    };
    if original.is_some() {
        metrics::counter!("riffle_media_copies_total").increment(1);
    }
    let content = VideoContent {
        vector: vector.map(|vector| vector.to_bytes().to_vec()),
        version: looks.version,
        fingerprint: looks.fingerprint.as_ref().map(Fingerprint::to_bytes),
        original,
    };
    // A copy is not found by later ones: all are compared with the original, however many there are.
    let kept = if original.is_none() { keys.as_slice() } else { &[] };
    tx.video_content_update(video.id, &content, kept).await?;
    metrics::counter!("riffle_media_described_total", "version" => looks.version.to_string()).increment(1);
    Ok((vector.map(Arc::new), original))
}

async fn original_of(
    tx: &mut Write,
    video: VideoId,
    fingerprint: &Fingerprint,
    keys: &[i64],
) -> Result<Option<VideoId>, MetastoreError> {
    let alike = tx.video_prints_find(video, keys, COMPARED_MAX).await?;
    let original = alike.iter().find(|print| {
        Fingerprint::from_bytes(&print.fingerprint).is_some_and(|known| fingerprint.is_copy_of(&known))
    });
    Ok(original.map(|print| print.video))
}

/// Queues a few of the videos that have no vector of the encoder in use.
pub(super) async fn queue_undescribed(parts: &QueueParts, store: &Metastore) -> Result<(), MetastoreError> {
    let waiting = store
        .media_jobs_waiting_of(metastore::MediaJobKind::Describe)
        .await?;
    let room = i64::from(DESCRIBED_MAX)
        .saturating_sub(waiting)
        .try_into()
        .unwrap_or(0);
    if room == 0 {
        return Ok(());
    }
    let videos = store
        .videos_undescribed(parts.processor.content_version(), room)
        .await?;
    if videos.is_empty() {
        return Ok(());
    }
    let now_ms = (parts.clock)();
    let mut tx = store.write("media_undescribed").await?;
    for video in videos {
        tx.media_job_enqueue(&metastore::MediaJobNew {
            id: parts.ids.next(now_ms),
            video,
            kind: metastore::MediaJobKind::Describe,
            attempts_max: parts.limits.attempts_max,
            payload: String::new(),
            created_at_ms: now_ms,
        })
        .await?;
    }
    tx.commit().await
}
