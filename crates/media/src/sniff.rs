//! What kind of file this is, from its first bytes; the name and the claimed type are never looked at.
//!
//! Only containers we accept are named. What the bytes do not prove is refused before any tool sees it, and the tool
//! is then told which demuxer to use instead of guessing: a playlist named `.mp4` never gets to name other files.

use serde::{Deserialize, Serialize};

use crate::error::Rejection;

/// How many bytes [`sniff`] wants to see.
pub(crate) const SNIFF_BYTES: usize = 1024;

/// A container we accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Container {
    /// MP4, MOV, 3GP.
    Mov,
    /// Matroska and WebM.
    Matroska,
    /// AVI.
    Avi,
    /// MPEG transport stream.
    MpegTs,
}

impl Container {
    /// The demuxer's name.
    pub(crate) fn demuxer(self) -> &'static str {
        match self {
            Self::Mov => "mov",
            Self::Matroska => "matroska",
            Self::Avi => "avi",
            Self::MpegTs => "mpegts",
        }
    }
}

/// Names the container of a file that starts with `head`.
pub(crate) fn sniff(head: &[u8]) -> Result<Container, Rejection> {
    if head.is_empty() {
        return Err(Rejection::new(
            "empty_file",
            "The file is empty. Choose the video again and upload it once more.",
        ));
    }
    match head {
        [0x1a, 0x45, 0xdf, 0xa3, ..] => Ok(Container::Matroska),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'A', b'V', b'I', b' ', ..] => Ok(Container::Avi),
        [_, _, _, _, b'f', b't', b'y', b'p', brand @ ..] if is_picture(brand) => {
            Err(not_a_video("a picture"))
        }
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => Ok(Container::Mov),
        [_, _, _, _, kind @ ..] if is_quicktime(kind) => Ok(Container::Mov),
        _ if is_transport_stream(head) => Ok(Container::MpegTs),
        _ => Err(not_a_video(guess(head))),
    }
}

fn is_picture(brand: &[u8]) -> bool {
    [b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"avif", b"avis"]
        .iter()
        .any(|known| brand.starts_with(*known))
}

/// QuickTime files may start without `ftyp`.
fn is_quicktime(kind: &[u8]) -> bool {
    [b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"]
        .iter()
        .any(|known| kind.starts_with(*known))
}

/// A sync byte at the start of each of the first packets, 188 bytes apart, or 192 with a time code before each.
fn is_transport_stream(head: &[u8]) -> bool {
    [(0, 188), (4, 192)]
        .iter()
        .any(|&(first, step)| (0..4).all(|n| head.get(first + n * step) == Some(&0x47)))
}

/// A word for the message; nothing depends on it.
fn guess(head: &[u8]) -> &'static str {
    let text = head
        .iter()
        .all(|&byte| matches!(byte, 9 | 10 | 13 | 32..=126 | 128..));
    match head {
        [0x89, b'P', b'N', b'G', ..] | [0xff, 0xd8, 0xff, ..] | [b'G', b'I', b'F', b'8', ..] => "a picture",
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => "a picture",
        [b'P', b'K', 3, 4, ..] => "an archive",
        [b'I', b'D', b'3', ..] | [b'O', b'g', b'g', b'S', ..] => "a sound file",
        _ if text => "text",
        _ => "something else",
    }
}

fn not_a_video(what: &str) -> Rejection {
    Rejection::new(
        "not_a_video",
        format!("This file is {what}, not a video. Upload an MP4, MOV, WebM, MKV, AVI or TS file."),
    )
}
