//! What became of videos.

use std::sync::Arc;

use types::{Category, ContentVector, SoundId, UserId, VideoId};

use super::bytes::{Reader, Writer};
use super::{DecodeError, HASHTAGS_MAX, KIND_DESCRIBED, KIND_FLAGGED, KIND_PUBLISHED, KIND_REMOVED};
use crate::record::VideoChange;

const HIDDEN: u8 = 1;
const ADULTS_ONLY: u8 = 2;

pub(super) fn write_video(out: &mut Writer<'_>, change: &VideoChange) {
    match change {
        VideoChange::Published {
            outbox_id,
            video,
            creator,
            published_ms,
            duration_ms,
            hashtags,
            sound,
            category,
            region,
            content,
            original,
            caption,
        } => {
            out.u8(KIND_PUBLISHED);
            out.u64(*outbox_id);
            out.u64(video.raw());
            out.u64(creator.raw());
            out.i64(*published_ms);
            out.i64(*duration_ms);
            let hashtags = &hashtags[..hashtags.len().min(HASHTAGS_MAX)];
            out.u8(hashtags.len() as u8);
            hashtags.iter().for_each(|tag| out.text(tag));
            out.u64(sound.map_or(0, SoundId::raw));
            out.u8(category.map_or(0, Category::number));
            out.region(*region);
            write_content(out, content.as_deref(), *original);
            out.text(caption);
        }
        VideoChange::Described {
            outbox_id,
            video,
            at_ms,
            content,
            original,
        } => {
            out.u8(KIND_DESCRIBED);
            out.u64(*outbox_id);
            out.u64(video.raw());
            out.i64(*at_ms);
            write_content(out, content.as_deref(), *original);
        }
        VideoChange::Removed {
            outbox_id,
            video,
            at_ms,
        } => {
            out.u8(KIND_REMOVED);
            out.u64(*outbox_id);
            out.u64(video.raw());
            out.i64(*at_ms);
        }
        VideoChange::Flagged {
            outbox_id,
            video,
            at_ms,
            hidden,
            adults_only,
        } => {
            out.u8(KIND_FLAGGED);
            out.u64(*outbox_id);
            out.u64(video.raw());
            out.i64(*at_ms);
            let bit = |set: bool, bit: u8| if set { bit } else { 0 };
            out.u8(bit(*hidden, HIDDEN) | bit(*adults_only, ADULTS_ONLY));
        }
    }
}

pub(super) fn read_published(input: &mut Reader<'_>) -> Result<VideoChange, DecodeError> {
    Ok(VideoChange::Published {
        outbox_id: input.u64()?,
        video: VideoId::from_raw(input.u64()?),
        creator: UserId::from_raw(input.u64()?),
        published_ms: input.i64()?,
        duration_ms: input.i64()?,
        hashtags: {
            let count = input.u8()? as usize;
            input.list((count, HASHTAGS_MAX), "hashtags", Reader::text)?
        },
        sound: input.since(2, |input| input.optional(SoundId::from_raw))?,
        category: input.since(2, category)?,
        region: input.since(2, Reader::region)?,
        content: input.since(4, content)?,
        original: input.since(4, |input| input.optional(VideoId::from_raw))?,
        caption: match input.version {
            ..5 => String::new(),
            _ => input.text()?,
        },
    })
}

pub(super) fn read_described(input: &mut Reader<'_>) -> Result<VideoChange, DecodeError> {
    Ok(VideoChange::Described {
        outbox_id: input.u64()?,
        video: VideoId::from_raw(input.u64()?),
        at_ms: input.i64()?,
        content: content(input)?,
        original: input.optional(VideoId::from_raw)?,
    })
}

/// A byte says whether there is a vector; then its bytes, then the original's id.
fn write_content(out: &mut Writer<'_>, content: Option<&ContentVector>, original: Option<VideoId>) {
    out.u8(u8::from(content.is_some()));
    if let Some(vector) = content {
        out.bytes(&vector.to_bytes());
    }
    out.u64(original.map_or(0, VideoId::raw));
}

fn content(input: &mut Reader<'_>) -> Result<Option<Arc<ContentVector>>, DecodeError> {
    match input.u8()? {
        0 => Ok(None),
        1 => {
            let bytes = input.take::<{ ContentVector::BYTES }>()?;
            Ok(ContentVector::from_bytes(&bytes).map(Arc::new))
        }
        _ => Err(DecodeError::Range("content")),
    }
}

fn category(input: &mut Reader<'_>) -> Result<Option<Category>, DecodeError> {
    match input.u8()? {
        0 => Ok(None),
        number => Category::from_number(number)
            .map(Some)
            .ok_or(DecodeError::Range("category")),
    }
}

pub(super) fn read_removed(input: &mut Reader<'_>) -> Result<VideoChange, DecodeError> {
    Ok(VideoChange::Removed {
        outbox_id: input.u64()?,
        video: VideoId::from_raw(input.u64()?),
        at_ms: input.i64()?,
    })
}

pub(super) fn read_flagged(input: &mut Reader<'_>) -> Result<VideoChange, DecodeError> {
    let (outbox_id, video, at_ms) = (input.u64()?, VideoId::from_raw(input.u64()?), input.i64()?);
    let flags = input.u8()?;
    if flags & !(HIDDEN | ADULTS_ONLY) != 0 {
        // A flag that this program does not know keeps the video from people it does not know of: not to be passed over.
        return Err(DecodeError::Range("flags"));
    }
    Ok(VideoChange::Flagged {
        outbox_id,
        video,
        at_ms,
        hidden: flags & HIDDEN != 0,
        adults_only: flags & ADULTS_ONLY != 0,
    })
}
