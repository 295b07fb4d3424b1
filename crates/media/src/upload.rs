//! Upload sessions: opened with limits checked first, filled part by part in any order, submitted once.
//!
//! It stores bytes and rows; whether the bytes are a video is found out by the queue. Every call may be repeated: a part
//! sent again replaces the first, a submission sent again changes nothing.

mod error;
mod limits;
mod words;

use std::sync::Arc;

use blob::{BlobKey, BlobStore, UploadGrant, UrlSigner};
use metastore::{
    MediaJobKind, MediaJobNew, Metastore, Upload, UploadNew, UploadPart, Video, VideoFacets, VideoNew,
    VideoStatus, VideoSubmit, Write,
};
use tokio::io::AsyncRead;
use types::{IdGenerator, Region, SoundId, TimestampMs, UserId, VideoId};

pub use error::{UploadError, UploadFault};
pub use limits::{MIME_TYPES, UploadLimits};

/// Where "now" comes from, in milliseconds since the epoch.
pub type Clock = Arc<dyn Fn() -> TimestampMs + Send + Sync>;

/// What the room of upload sessions is built from.
pub struct UploadsParts {
    pub store: Metastore,
    pub blobs: BlobStore,
    pub signer: UrlSigner,
    pub clock: Clock,
    /// Shared with every other room of this node, so that no id is minted twice.
    pub ids: Arc<IdGenerator>,
    pub limits: UploadLimits,
}

/// The room of upload sessions. A clone is a handle to the same room.
#[derive(Clone)]
pub struct Uploads {
    inner: Arc<UploadsParts>,
}

/// What a client says of a file before it sends it.
#[derive(Debug, Clone, PartialEq)]
pub struct UploadRequest {
    /// Seconds, when the client can tell.
    pub duration_s: Option<f64>,
    pub file_bytes: u64,
    /// With or without parameters.
    pub mime: String,
}

/// An open session, with a link for each part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadSession {
    pub video: VideoId,
    pub part_bytes: u64,
    pub expires_at_ms: TimestampMs,
    pub parts: Vec<SessionPart>,
}

/// One part of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionPart {
    /// From 1.
    pub number: u32,
    /// Root-relative; takes one PUT; expires with the session.
    pub url: String,
    pub size_bytes: u64,
    /// The etag of the stored bytes; none while they are missing.
    pub etag: Option<String>,
}

/// What a client says once all parts are stored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Submission {
    pub caption: String,
    /// With or without `#`.
    pub hashtags: Vec<String>,
    /// A word of [`types::Category`].
    pub category: Option<String>,
    pub sound: Option<SoundId>,
    /// For people of age only.
    pub adults_only: bool,
    /// Where the creator seems to be.
    pub region: Option<Region>,
    /// (number, etag) of every part; an empty list trusts what is stored.
    pub parts: Vec<(u32, String)>,
}

impl Uploads {
    pub fn new(parts: UploadsParts) -> Self {
        Self {
            inner: Arc::new(parts),
        }
    }

    /// The limits in force, for clients to see before an upload.
    pub fn limits(&self) -> &UploadLimits {
        &self.inner.limits
    }

    /// Opens a session. What is certain to be refused later is refused here, before a byte is sent.
    pub async fn session_create(
        &self,
        owner: UserId,
        request: UploadRequest,
    ) -> Result<UploadSession, UploadError> {
        let mime = self.request_check(&request)?;
        let UploadsParts {
            store, ids, limits, ..
        } = &*self.inner;
        let now_ms = self.now_ms();
        if store.upload_count_open(owner, now_ms).await? >= limits.sessions_max {
            return Err(UploadError::TooManySessions {
                sessions_max: limits.sessions_max,
            });
        }
        let video = VideoId::from_raw(ids.next(now_ms));
        let declared_bytes = request.file_bytes as i64;
        let new = UploadNew {
            video,
            owner,
            declared_bytes,
            mime,
            part_size_bytes: limits.part_bytes as i64,
            part_count: request.file_bytes.div_ceil(limits.part_bytes) as i64,
            created_at_ms: now_ms,
            expires_at_ms: now_ms + limits.session_ms,
        };
        let duration_ms = (request.duration_s.unwrap_or(0.0) * 1_000.0) as i64;
        let mut tx = store.write("upload_session_create").await?;
        tx.video_create(&VideoNew {
            id: video,
            creator: owner,
            duration_ms,
            source_bytes: declared_bytes,
            created_at_ms: now_ms,
        })
        .await?;
        tx.upload_create(&new).await?;
        tx.commit().await?;
        metrics::counter!("riffle_media_upload_sessions_total").increment(1);
        self.session_get(owner, video).await
    }

    /// The session with fresh links, to go on after an interruption. Only its owner sees it.
    pub async fn session_get(&self, owner: UserId, video: VideoId) -> Result<UploadSession, UploadError> {
        let store = &self.inner.store;
        let now_ms = self.now_ms();
        let mine = |upload: &Upload| upload.owner == owner && now_ms < upload.expires_at_ms;
        let upload = store
            .upload_get(video)
            .await?
            .filter(mine)
            .ok_or(UploadError::NoSession)?;
        let stored = store.upload_parts(video).await?;
        let part = |number: i64| {
            let size_bytes = part_bytes(&upload, number);
            SessionPart {
                number: number as u32,
                url: self.part_url(&upload, number, size_bytes),
                size_bytes,
                etag: stored
                    .iter()
                    .find(|part| part.number == number)
                    .map(|part| part.etag.clone()),
            }
        };
        Ok(UploadSession {
            video,
            part_bytes: upload.part_size_bytes as u64,
            expires_at_ms: upload.expires_at_ms,
            parts: (1..=upload.part_count).map(part).collect(),
        })
    }

    /// Stores one part, sent to the signed `path_and_query`; returns its etag (without quotes).
    ///
    /// Nothing is kept of a part that is shorter or longer than the session says.
    pub async fn part_put<R>(&self, path_and_query: &str, body: R) -> Result<String, UploadError>
    where
        R: AsyncRead + Unpin + Send,
    {
        let now_ms = self.now_ms();
        let grant = self.inner.signer.verify_upload(path_and_query, now_ms as u64)?;
        let (upload, number) = self.grant_check(&grant, now_ms).await?;
        let (video, size_bytes) = (upload.video, part_bytes(&upload, number));
        let key = part_key(video, number);
        let receipt = self
            .inner
            .blobs
            .put_stream(&key, body, size_bytes..=size_bytes)
            .await?;
        metrics::counter!("riffle_media_upload_received_bytes_total").increment(receipt.bytes);
        let part = UploadPart {
            number,
            etag: receipt.etag.clone(),
            size_bytes: receipt.bytes as i64,
        };
        // Unrecorded bytes do no harm: sending the part again replaces them, abandoning the session removes them.
        self.part_record(video, &part, now_ms).await?;
        Ok(receipt.etag)
    }

    async fn part_record(
        &self,
        video: VideoId,
        part: &UploadPart,
        now_ms: TimestampMs,
    ) -> Result<(), UploadError> {
        let mut tx = self.inner.store.write("upload_part_put").await?;
        let upload = tx.upload_get(video).await?.ok_or(UploadError::NoSession)?;
        if upload.submitted_at_ms.is_some() {
            // The queue compares etags: bytes that differ from the submitted ones are found out there.
            return Ok(());
        }
        tx.upload_part_put(video, part, now_ms).await?;
        Ok(tx.commit().await?)
    }

    /// Closes the session and queues the video, in one transaction. Sent again, it changes nothing.
    pub async fn submit(
        &self,
        owner: UserId,
        video: VideoId,
        submission: &Submission,
    ) -> Result<(), UploadError> {
        let limits = &self.inner.limits;
        let caption = words::caption(&submission.caption, limits.caption_chars_max)?;
        let hashtags = words::hashtags(&submission.hashtags, &caption, limits)?;
        let facets = VideoFacets {
            category: words::category(submission.category.as_deref())?,
            sound: submission.sound,
            region: submission.region,
        };
        let mut tx = self.inner.store.write("upload_submit").await?;
        let row = tx
            .video_get(video)
            .await?
            .filter(|row| row.creator == owner)
            .ok_or(UploadError::NoSession)?;
        if row.status != VideoStatus::Uploading {
            return Ok(());
        }
        let upload = tx.upload_get(video).await?.ok_or(UploadError::NoSession)?;
        let stored = tx.upload_parts(video).await?;
        parts_check(&upload, &stored, &submission.parts)?;
        let submit = VideoSubmit {
            caption: &caption,
            hashtags: &hashtags,
            facets,
            adults_only: submission.adults_only,
        };
        self.submit_write(&mut tx, &row, &submit).await?;
        tx.commit().await?;
        metrics::counter!("riffle_media_uploads_submitted_total").increment(1);
        Ok(())
    }

    async fn submit_write(
        &self,
        tx: &mut Write,
        video: &Video,
        submit: &VideoSubmit<'_>,
    ) -> Result<(), UploadError> {
        let now_ms = self.now_ms();
        tx.video_submit(video.id, submit).await?;
        tx.upload_submit(video.id, now_ms).await?;
        let job = MediaJobNew {
            id: self.inner.ids.next(now_ms),
            video: video.id,
            kind: MediaJobKind::Publish,
            attempts_max: self.inner.limits.attempts_max,
            payload: video.created_at_ms.to_string(),
            created_at_ms: now_ms,
        };
        tx.media_job_enqueue(&job).await?;
        Ok(())
    }

    /// Refuses what can be known to be wrong from the request alone; returns the type without parameters.
    fn request_check(&self, request: &UploadRequest) -> Result<String, UploadError> {
        let media = &self.inner.limits.media;
        if request.file_bytes == 0 {
            return Err(UploadError::Empty);
        }
        if request.file_bytes > media.file_bytes_max {
            return Err(UploadError::TooLarge {
                bytes_max: media.file_bytes_max,
            });
        }
        let mime = request
            .mime
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase();
        if !MIME_TYPES.contains(&mime.as_str()) {
            return Err(UploadError::MimeUnknown {
                mime: mime.chars().take(60).collect(),
            });
        }
        let range = media.duration_ms_min as f64..=media.duration_ms_max as f64;
        if request
            .duration_s
            .is_some_and(|seconds| !range.contains(&(seconds * 1_000.0)))
        {
            let (ms_min, ms_max) = (media.duration_ms_min, media.duration_ms_max);
            return Err(UploadError::Duration { ms_min, ms_max });
        }
        Ok(mime)
    }

    /// The session and part that a verified link names, if it still takes bytes.
    async fn grant_check(
        &self,
        grant: &UploadGrant,
        now_ms: TimestampMs,
    ) -> Result<(Upload, i64), UploadError> {
        let video: VideoId = grant.video_id.parse().map_err(|_| UploadError::NoSession)?;
        let upload = self
            .inner
            .store
            .upload_get(video)
            .await?
            .ok_or(UploadError::NoSession)?;
        let number = i64::from(grant.part_number);
        let open = upload.submitted_at_ms.is_none() && now_ms < upload.expires_at_ms;
        let known = (1..=upload.part_count).contains(&number);
        if open && known {
            Ok((upload, number))
        } else {
            Err(UploadError::NoSession)
        }
    }

    fn part_url(&self, upload: &Upload, number: i64, size_bytes: u64) -> String {
        let (video, expires_ms) = (upload.video.to_string(), upload.expires_at_ms as u64);
        self.inner
            .signer
            .sign_upload(&video, number as u32, size_bytes, expires_ms)
    }

    fn now_ms(&self) -> TimestampMs {
        (self.inner.clock)()
    }
}

/// Where the parts of an upload lie until they are one file.
pub(crate) fn parts_prefix(video: VideoId) -> BlobKey {
    BlobKey::parse(&format!("uploads/{video}")).expect("an id is a valid segment")
}

/// Where one part lies.
pub(crate) fn part_key(video: VideoId, number: i64) -> BlobKey {
    BlobKey::parse(&format!("uploads/{video}/{number}")).expect("an id and a number are valid segments")
}

/// Every part has the session's part size, but the last has the rest.
fn part_bytes(upload: &Upload, number: i64) -> u64 {
    let before = (number - 1) * upload.part_size_bytes;
    (upload.declared_bytes - before).clamp(0, upload.part_size_bytes) as u64
}

/// All parts are stored, add up to what was declared, and are the bytes the client believes it sent.
fn parts_check(upload: &Upload, stored: &[UploadPart], said: &[(u32, String)]) -> Result<(), UploadError> {
    let missing: Vec<i64> = (1..=upload.part_count)
        .filter(|number| stored.iter().all(|part| part.number != *number))
        .collect();
    let bytes: i64 = stored.iter().map(|part| part.size_bytes).sum();
    if !missing.is_empty() || bytes != upload.declared_bytes {
        return Err(UploadError::PartsMissing { numbers: missing });
    }
    let agrees = |part: &UploadPart| {
        said.iter()
            .any(|(number, etag)| i64::from(*number) == part.number && etag.trim_matches('"') == part.etag)
    };
    match stored.iter().find(|part| !said.is_empty() && !agrees(part)) {
        Some(part) => Err(UploadError::PartMismatch { number: part.number }),
        None => Ok(()),
    }
}
