//! Uploads one file: session, parts in parallel, metadata. Goes on where an earlier run stopped.
//!
//! It does not wait for processing; whoever called it does.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use api::{Limits, SubmitVideoRequest, SubmittedPart, Upload, UploadPart, UploadUrlRequest, Video};
use types::VideoId;

use crate::ImportError;
use crate::client::Client;
use crate::files::VideoFile;
use crate::journal::{FileKey, Journal, Step};
use crate::progress::Progress;

/// Parts on the way at the same time; memory is this times the server's part size.
const PARTS_AT_ONCE: usize = 3;

/// Uploads and submits `video`, recording each step.
pub(crate) fn upload(
    client: &Client,
    limits: &Limits,
    journal: &mut Journal,
    video: &VideoFile,
    progress: &Progress,
) -> Result<VideoId, ImportError> {
    let key = FileKey::of(&video.path)?;
    let upload = session(client, journal, &key, &video.path)?;
    journal.record(&key, upload.video_id, Step::Opened)?;
    let parts = send_parts(client, &upload, &video.path, progress)?;
    let request = SubmitVideoRequest {
        video_id: upload.video_id,
        caption: video
            .caption
            .chars()
            .take(limits.caption_chars_max as usize)
            .collect(),
        hashtags: video
            .hashtags
            .iter()
            .take(limits.hashtags_max as usize)
            .cloned()
            .collect(),
        category: None,
        parts,
        sound_id: None,
        adults_only: false,
    };
    let accepted: Video = client.post("/api/v1/videos", &request)?;
    journal.record(&key, accepted.id, Step::Submitted)?;
    Ok(accepted.id)
}

/// The session that an earlier run opened, while it lives, else a new one.
fn session(client: &Client, journal: &Journal, key: &FileKey, path: &Path) -> Result<Upload, ImportError> {
    if let Some((video_id, Step::Opened)) = journal.step_of(key) {
        match client.get(&format!("/api/v1/videos/{video_id}/upload")) {
            Ok(upload) => return Ok(upload),
            Err(ImportError::Refused {
                status: 404 | 409 | 410,
                ..
            }) => {}
            Err(other) => return Err(other),
        }
    }
    let request = UploadUrlRequest {
        // The server measures the file itself.
        duration: None,
        file_size: key.size_bytes,
        mime_type: mime_type(path).to_owned(),
    };
    client.post("/api/v1/videos/upload-url", &request)
}

fn mime_type(path: &Path) -> &'static str {
    match path
        .extension()
        .unwrap_or_default()
        .to_string_lossy()
        .to_lowercase()
        .as_str()
    {
        "mov" => "video/quicktime",
        "webm" => "video/webm",
        "mkv" => "video/x-matroska",
        "avi" => "video/x-msvideo",
        "ts" => "video/mp2t",
        "3gp" => "video/3gpp",
        _ => "video/mp4",
    }
}

/// Sends the missing parts; returns all of them in order.
fn send_parts(
    client: &Client,
    upload: &Upload,
    path: &Path,
    progress: &Progress,
) -> Result<Vec<SubmittedPart>, ImportError> {
    let file = File::open(path).map_err(ImportError::file(path))?;
    let next = AtomicUsize::new(0);
    let outcomes = Mutex::new(Vec::with_capacity(upload.parts.len()));
    std::thread::scope(|scope| {
        for _ in 0..PARTS_AT_ONCE.min(upload.parts.len()) {
            scope.spawn(|| {
                while let Some(part) = upload.parts.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let outcome = send_part(client, upload.part_size, part, &file, path);
                    progress.bytes_add(part.size_bytes);
                    let failed = outcome.is_err();
                    outcomes
                        .lock()
                        .unwrap_or_else(std::sync::PoisonError::into_inner)
                        .push(outcome);
                    if failed {
                        next.store(upload.parts.len(), Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let outcomes = outcomes
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut parts = outcomes.into_iter().collect::<Result<Vec<_>, _>>()?;
    parts.sort_by_key(|part| part.number);
    Ok(parts)
}

fn send_part(
    client: &Client,
    part_size: u64,
    part: &UploadPart,
    file: &File,
    path: &Path,
) -> Result<SubmittedPart, ImportError> {
    if let (true, Some(etag)) = (part.received, &part.etag) {
        return Ok(SubmittedPart {
            number: part.number,
            etag: etag.clone(),
        });
    }
    let mut bytes = vec![0; part.size_bytes as usize];
    let offset = u64::from(part.number - 1) * part_size;
    file.read_exact_at(&mut bytes, offset)
        .map_err(ImportError::file(path))?;
    let etag = client.put_part(&part.url, &bytes)?;
    Ok(SubmittedPart {
        number: part.number,
        etag,
    })
}
