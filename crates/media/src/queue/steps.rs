//! What each kind of job does, from blobs to blobs, each ending in one transaction with its lease's fence.
//!
//! Keys: `uploads/<video>/<part>` while an upload runs, `raw/<day>/<video>` for the original (days since the epoch, so
//! that originals age by folder), `v/<video>/…` for what is published. A step that is repeated finds what the last try left.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use blob::{BlobError, BlobKey, BlobPart};
use event::{Event, VideoChange};
use metastore::{MediaJob, MediaJobKind, MediaJobNew, OutboxNew, Video, VideoFlags, VideoPublish, Write};
use types::{ContentVector, TimestampMs, VideoId};

use super::QueueParts;
use super::content;
use super::error::StepError;
use crate::error::Rejection;
use crate::manifest::{DASH_FILE, HLS_FILE, MediaManifest};
use crate::processor::FirstPlayable;
use crate::upload::{part_key, parts_prefix};

/// Progress is counted in per cent.
pub(super) const PROGRESS_STEPS: u32 = 100;
/// The part of the whole that is done once a video plays.
const PUBLISHED_PER_CENT: f32 = 40.0;
const DAY_MS: i64 = 86_400_000;

/// Runs a job to its end. `progress` is in per cent of the whole way from upload to full ladder.
pub(super) async fn run(
    parts: Arc<QueueParts>,
    job: MediaJob,
    progress: Arc<AtomicU32>,
) -> Result<(), StepError> {
    if job.attempt > job.attempts_max {
        return Err(StepError::Exhausted {
            attempts: job.attempt - 1,
        });
    }
    if job.kind == MediaJobKind::Purge {
        return purge(&parts, &job).await;
    }
    let video = parts
        .store
        .video_get(job.video)
        .await?
        .ok_or(StepError::LeaseLost)?;
    let out_dir = work_folder(&parts, &job);
    folder_clear(&out_dir).await?;
    match job.kind {
        MediaJobKind::Publish => publish(&parts, &job, &video, &out_dir, &progress).await,
        MediaJobKind::Describe => describe(&parts, &job, &video, &out_dir).await,
        _ => complete(&parts, &job, &video, &out_dir, &progress).await,
    }
}

/// Upload → something that plays.
async fn publish(
    parts: &QueueParts,
    job: &MediaJob,
    video: &Video,
    out_dir: &Path,
    progress: &AtomicU32,
) -> Result<(), StepError> {
    let source = source_assemble(parts, video).await?;
    let mut report = |done: f32| progress.store((done * PUBLISHED_PER_CENT) as u32, Ordering::Relaxed);
    let first = parts
        .processor
        .publish_first(&parts.blobs.local_path(&source), out_dir, &mut report)
        .await?;
    parts
        .blobs
        .put_folder(&published_prefix(video.id), out_dir, parts.limits.files_max)
        .await?;
    publish_commit(parts, job, video, &first).await?;
    let waited_ms = (parts.clock)() - video.created_at_ms;
    metrics::histogram!("riffle_media_upload_to_published_seconds").record(waited_ms as f64 / 1_000.0);
    Ok(())
}

/// The row, the ladder's job and the fact that it is published, or none of them.
async fn publish_commit(
    parts: &QueueParts,
    job: &MediaJob,
    video: &Video,
    first: &FirstPlayable,
) -> Result<(), StepError> {
    let now_ms = (parts.clock)();
    let publish = VideoPublish {
        published_at_ms: now_ms,
        duration_ms: first.manifest.duration_ms as i64,
        width: i64::from(first.manifest.width),
        height: i64::from(first.manifest.height),
        manifest_json: manifest_json(&first.manifest)?,
        progress: f64::from(PUBLISHED_PER_CENT) / f64::from(PROGRESS_STEPS),
    };
    let ladder = MediaJobNew {
        id: parts.ids.next(now_ms),
        video: video.id,
        kind: MediaJobKind::Ladder,
        attempts_max: parts.limits.attempts_max,
        payload: serde_json::to_string(first).map_err(StepError::Payload)?,
        created_at_ms: now_ms,
    };
    let mut tx = parts.store.write("media_publish").await?;
    let held = tx.media_job_complete(job).await?;
    if !held || !tx.video_publish(video.id, video.creator, &publish).await? {
        return Err(StepError::LeaseLost);
    }
    tx.media_job_enqueue(&ladder).await?;
    flags_append(&mut tx, video, now_ms).await?;
    let (content, original) = content::store(&mut tx, video, first.looks.as_ref()).await?;
    let event = publication(video, &publish, content, original);
    outbox_append(&mut tx, video, publish.published_at_ms, &event).await?;
    Ok(tx.commit().await?)
}

/// What keeps the video from people, as it stands in this transaction, so that nobody finds it without. Nothing for most.
async fn flags_append(tx: &mut Write, video: &Video, now_ms: TimestampMs) -> Result<(), StepError> {
    let flags = tx
        .video_get(video.id)
        .await?
        .map(|video| video.flags)
        .unwrap_or_default();
    if flags == VideoFlags::default() {
        return Ok(());
    }
    let event = Event::Video(VideoChange::Flagged {
        outbox_id: 0,
        video: video.id,
        at_ms: now_ms,
        hidden: flags.hidden,
        adults_only: flags.adults_only,
    });
    outbox_append(tx, video, now_ms, &event).await
}

fn publication(
    video: &Video,
    publish: &VideoPublish,
    content: Option<Arc<ContentVector>>,
    original: Option<VideoId>,
) -> Event {
    Event::Video(VideoChange::Published {
        outbox_id: 0,
        video: video.id,
        creator: video.creator,
        published_ms: publish.published_at_ms,
        duration_ms: publish.duration_ms,
        hashtags: video.hashtags.clone(),
        sound: video.facets.sound,
        category: video.facets.category,
        region: video.facets.region,
        content,
        original,
        caption: video.caption.clone(),
    })
}

/// Keyed by the video, so that its removal comes last.
async fn outbox_append(
    tx: &mut Write,
    video: &Video,
    at_ms: TimestampMs,
    event: &Event,
) -> Result<(), StepError> {
    tx.outbox_append(OutboxNew {
        topic: event.topic(),
        partition_key: video.id.raw(),
        at_ms,
        payload: event.encode(),
    })
    .await?;
    Ok(())
}

/// What a published video is about, by a decode of its own.
async fn describe(
    parts: &QueueParts,
    job: &MediaJob,
    video: &Video,
    out_dir: &Path,
) -> Result<(), StepError> {
    let source = parts.blobs.local_path(&raw_key(video.id, video.created_at_ms));
    let looks = parts.processor.describe(&source, out_dir).await?;
    let at_ms = (parts.clock)();
    let mut tx = parts.store.write("media_describe").await?;
    if !tx.media_job_complete(job).await? {
        return Err(StepError::LeaseLost);
    }
    let (content, original) = content::store(&mut tx, video, Some(&looks)).await?;
    let event = Event::Video(VideoChange::Described {
        outbox_id: 0,
        video: video.id,
        at_ms,
        content,
        original,
    });
    outbox_append(&mut tx, video, at_ms, &event).await?;
    Ok(tx.commit().await?)
}

/// Something that plays → all renditions.
async fn complete(
    parts: &QueueParts,
    job: &MediaJob,
    video: &Video,
    out_dir: &Path,
    progress: &AtomicU32,
) -> Result<(), StepError> {
    let first: FirstPlayable = serde_json::from_str(&job.payload).map_err(StepError::Payload)?;
    let (blobs, prefix) = (&parts.blobs, published_prefix(video.id));
    let source = blobs.local_path(&raw_key(video.id, video.created_at_ms));
    let mut report = |done: f32| {
        let per_cent = PUBLISHED_PER_CENT + done * (PROGRESS_STEPS as f32 - PUBLISHED_PER_CENT);
        progress.store(per_cent as u32, Ordering::Relaxed);
    };
    let published = blobs.local_path(&prefix);
    let manifest = parts
        .processor
        .complete_ladder(&source, &first, &published, out_dir, &mut report)
        .await?;
    renditions_store(parts, &prefix, out_dir).await?;
    let json = manifest_json(&manifest)?;
    let mut tx = parts.store.write("media_ladder").await?;
    if !tx.media_job_complete(job).await? || !tx.video_manifest_update(video.id, &json, 1.0).await? {
        return Err(StepError::LeaseLost);
    }
    Ok(tx.commit().await?)
}

/// The playlists that name the renditions are replaced after the renditions are there.
async fn renditions_store(parts: &QueueParts, prefix: &BlobKey, out_dir: &Path) -> Result<(), StepError> {
    let aside = out_dir.with_extension("last");
    folder_clear(&aside).await?;
    tokio::fs::create_dir_all(&aside).await.map_err(scratch(&aside))?;
    for name in [HLS_FILE, DASH_FILE] {
        tokio::fs::rename(out_dir.join(name), aside.join(name))
            .await
            .map_err(scratch(out_dir))?;
    }
    parts
        .blobs
        .put_folder(prefix, out_dir, parts.limits.files_max)
        .await?;
    parts
        .blobs
        .put_folder(prefix, &aside, parts.limits.files_max)
        .await?;
    folder_clear(&aside).await
}

/// Everything of a video, wherever it lies.
async fn purge(parts: &QueueParts, job: &MediaJob) -> Result<(), StepError> {
    files_remove(parts, job.video, created_at_ms(job)?).await?;
    let mut tx = parts.store.write("media_purge").await?;
    if !tx.media_job_complete(job).await? {
        return Err(StepError::LeaseLost);
    }
    Ok(tx.commit().await?)
}

/// A publication that lost its lease because the video is gone may have stored files after the purge: removes them again.
pub(super) async fn orphans_remove(parts: &QueueParts, job: &MediaJob) -> Result<(), StepError> {
    if job.kind == MediaJobKind::Purge || parts.store.video_get(job.video).await?.is_some() {
        return Ok(());
    }
    match job.kind {
        MediaJobKind::Publish => files_remove(parts, job.video, created_at_ms(job)?).await,
        _ => Ok(parts
            .blobs
            .delete_prefix(&published_prefix(job.video))
            .await
            .map(drop)?),
    }
}

/// A publication and a purge carry the time of the video's creation, since they may outlive its row.
fn created_at_ms(job: &MediaJob) -> Result<TimestampMs, StepError> {
    serde_json::from_str(&job.payload).map_err(StepError::Payload)
}

async fn files_remove(
    parts: &QueueParts,
    video: VideoId,
    created_at_ms: TimestampMs,
) -> Result<(), StepError> {
    parts.blobs.delete_prefix(&published_prefix(video)).await?;
    parts.blobs.delete_prefix(&parts_prefix(video)).await?;
    parts.blobs.delete(&raw_key(video, created_at_ms)).await?;
    Ok(())
}

/// Makes one file of the parts, unless an earlier try did, and removes the parts.
async fn source_assemble(parts: &QueueParts, video: &Video) -> Result<BlobKey, StepError> {
    let key = raw_key(video.id, video.created_at_ms);
    match parts.blobs.head(&key).await {
        Ok(_) => return Ok(key),
        Err(BlobError::NotFound { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    let stored = parts.store.upload_parts(video.id).await?;
    let pieces: Vec<BlobPart> = stored
        .into_iter()
        .map(|part| BlobPart {
            key: part_key(video.id, part.number),
            etag: Some(part.etag),
        })
        .collect();
    parts
        .blobs
        .concat(&pieces, &key, video.source_bytes as u64)
        .await
        .map_err(changed_parts)?;
    parts.blobs.delete_prefix(&parts_prefix(video.id)).await?;
    Ok(key)
}

/// A part that was replaced after the submission is its sender's doing.
fn changed_parts(error: BlobError) -> StepError {
    match error {
        BlobError::PartMismatch { .. } | BlobError::TooLarge { .. } => StepError::Rejected(Rejection::new(
            "parts_changed",
            "The file changed while it was being submitted. Upload it again.",
        )),
        other => other.into(),
    }
}

fn manifest_json(manifest: &MediaManifest) -> Result<String, StepError> {
    serde_json::to_string(manifest).map_err(StepError::Payload)
}

fn published_prefix(video: VideoId) -> BlobKey {
    BlobKey::parse(&format!("v/{video}")).expect("an id is a valid segment")
}

fn raw_key(video: VideoId, created_at_ms: TimestampMs) -> BlobKey {
    let day = created_at_ms.div_euclid(DAY_MS).max(0);
    BlobKey::parse(&format!("raw/{day}/{video}")).expect("a number and an id are valid segments")
}

/// Scratch space of one job; no other job has the same.
pub(super) fn work_folder(parts: &QueueParts, job: &MediaJob) -> PathBuf {
    parts
        .work_dir
        .join(format!("{}-{}", job.video, job.kind.as_str()))
}

/// Removes a folder and all in it; one that is not there is fine.
pub(super) async fn folder_clear(path: &Path) -> Result<(), StepError> {
    match tokio::fs::remove_dir_all(path).await {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(scratch(path)(error)),
        _ => Ok(()),
    }
}

fn scratch(path: &Path) -> impl FnOnce(std::io::Error) -> StepError {
    let path = path.to_owned();
    move |source| StepError::Scratch { path, source }
}
