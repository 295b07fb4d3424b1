//! Reads the few boxes of a fragmented MP4 that the packager needs: where each fragment lies, when it starts, how long it
//! lasts, and the codec string of the track (ISO/IEC 14496-12, 14496-14, 14496-15; RFC 6381).
//!
//! Reads only what our own encoder wrote, one track a file; never an upload.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;

/// Most fragments in a file: ten minutes of two seconds, twice over.
pub(crate) const FRAGMENTS_MAX: usize = 600;
/// Largest `moov` or `moof` that is read into memory.
const HEADER_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Why a file is not the fragmented MP4 it should be.
#[derive(Debug, thiserror::Error)]
pub enum BoxError {
    /// The file could not be read.
    #[error("could not read the boxes")]
    Io(#[from] io::Error),
    /// A box that must be there is not, or ends too early.
    #[error("box {0} is missing or cut short")]
    Missing(&'static str),
    /// A box is larger than it may be, or there are too many.
    #[error("box {0} goes past its bound")]
    TooLarge(&'static str),
}

/// One fragment: a `moof` with its `mdat`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fragment {
    pub(crate) bytes: Range<u64>,
    /// Decode time of its first sample, in ticks.
    pub(crate) start: u64,
    /// In ticks.
    pub(crate) duration: u64,
}

/// A fragmented file with one track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Track {
    /// `ftyp` and `moov`: the initialisation segment.
    pub(crate) init: Range<u64>,
    pub(crate) fragments: Vec<Fragment>,
    /// Ticks per second.
    pub(crate) timescale: u32,
    /// As a browser wants it, such as `avc1.64001f`.
    pub(crate) codecs: String,
}

impl Track {
    /// Reads the boxes of a file; leaves the position anywhere.
    pub(crate) fn read(file: &mut File) -> Result<Self, BoxError> {
        let size = file.seek(SeekFrom::End(0))?;
        let (mut moov, mut init, mut fragments) = (None, 0..0, Vec::new());
        let mut open: Option<Fragment> = None;
        let mut at = 0;
        while at < size {
            let (kind, body, end) = top_level(file, at, size)?;
            match &kind {
                b"moov" => {
                    init = 0..end;
                    moov = Some(load(file, "moov", body..end)?);
                }
                b"moof" => {
                    let (start, duration) = times(&load(file, "moof", body..end)?)?;
                    open = Some(Fragment {
                        bytes: at..end,
                        start,
                        duration,
                    });
                }
                b"mdat" => {
                    let mut fragment = open.take().ok_or(BoxError::Missing("moof"))?;
                    fragment.bytes.end = end;
                    fragments.push(fragment);
                }
                _ => {}
            }
            if fragments.len() > FRAGMENTS_MAX {
                return Err(BoxError::TooLarge("moof"));
            }
            at = end;
        }
        let moov = moov.ok_or(BoxError::Missing("moov"))?;
        Ok(Self {
            init,
            fragments,
            timescale: timescale(&moov)?,
            codecs: codecs(&moov)?,
        })
    }

    /// Length of all fragments, in ticks.
    pub(crate) fn duration(&self) -> u64 {
        self.fragments.iter().map(|fragment| fragment.duration).sum()
    }
}

/// Kind, start of the body and end of the box at `at`.
fn top_level(file: &mut File, at: u64, size: u64) -> Result<([u8; 4], u64, u64), BoxError> {
    let mut head = [0; 16];
    file.seek(SeekFrom::Start(at))?;
    file.by_ref().take(16).read_exact(&mut head[..8])?;
    let kind = [head[4], head[5], head[6], head[7]];
    let (body, length) = match number(&head, 0, 4)? {
        0 => (at + 8, size - at),
        1 => {
            file.read_exact(&mut head[8..])?;
            (at + 16, number(&head, 8, 8)?)
        }
        length => (at + 8, length),
    };
    let end = at
        .checked_add(length)
        .filter(|end| (body..=size).contains(end))
        .ok_or(BoxError::Missing("end"))?;
    Ok((kind, body, end))
}

fn load(file: &mut File, name: &'static str, range: Range<u64>) -> Result<Vec<u8>, BoxError> {
    let bytes = range.end - range.start;
    if bytes > HEADER_BYTES_MAX {
        return Err(BoxError::TooLarge(name));
    }
    let mut body = vec![0; bytes as usize];
    file.seek(SeekFrom::Start(range.start))?;
    file.read_exact(&mut body)?;
    Ok(body)
}

/// The body of the first box of a kind among the children in `body`.
fn child<'a>(body: &'a [u8], kind: &'static str) -> Result<&'a [u8], BoxError> {
    let mut rest = body;
    while rest.len() >= 8 {
        let length = number(rest, 0, 4)? as usize;
        let found = rest.get(8..length).ok_or(BoxError::Missing(kind))?;
        if &rest[4..8] == kind.as_bytes() {
            return Ok(found);
        }
        rest = &rest[length..];
    }
    Err(BoxError::Missing(kind))
}

fn descend<'a>(body: &'a [u8], path: &[&'static str]) -> Result<&'a [u8], BoxError> {
    path.iter().try_fold(body, |body, kind| child(body, kind))
}

fn number(bytes: &[u8], at: usize, length: usize) -> Result<u64, BoxError> {
    let bytes = bytes.get(at..at + length).ok_or(BoxError::Missing("field"))?;
    Ok(bytes.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)))
}

fn timescale(moov: &[u8]) -> Result<u32, BoxError> {
    let mdhd = descend(moov, &["trak", "mdia", "mdhd"])?;
    let at = if number(mdhd, 0, 1)? == 1 { 20 } else { 12 };
    match number(mdhd, at, 4)? {
        0 => Err(BoxError::Missing("timescale")),
        timescale => Ok(timescale as u32),
    }
}

fn codecs(moov: &[u8]) -> Result<String, BoxError> {
    let stsd = descend(moov, &["trak", "mdia", "minf", "stbl", "stsd"])?;
    let entries = stsd.get(8..).ok_or(BoxError::Missing("stsd"))?;
    if let Ok(avc1) = child(entries, "avc1") {
        let avcc = child(avc1.get(78..).ok_or(BoxError::Missing("avc1"))?, "avcC")?;
        return Ok(format!("avc1.{:06x}", number(avcc, 1, 3)?));
    }
    let mp4a = child(entries, "mp4a")?;
    let esds = child(mp4a.get(28..).ok_or(BoxError::Missing("mp4a"))?, "esds")?;
    let decoder =
        descriptor(esds.get(4..).unwrap_or_default(), 0x03).and_then(|es| descriptor(es.get(3..)?, 0x04));
    let decoder = decoder.ok_or(BoxError::Missing("esds"))?;
    let specific = decoder
        .get(13..)
        .and_then(|rest| descriptor(rest, 0x05))
        .ok_or(BoxError::Missing("esds"))?;
    Ok(format!(
        "mp4a.{:x}.{}",
        number(decoder, 0, 1)?,
        number(specific, 0, 1)? >> 3
    ))
}

/// The body of an MPEG-4 descriptor: a tag, a length in groups of seven bits, the body.
fn descriptor(bytes: &[u8], tag: u8) -> Option<&[u8]> {
    let (first, mut rest) = bytes.split_first()?;
    let mut length = 0usize;
    for _ in 0..4 {
        let (byte, after) = rest.split_first()?;
        (length, rest) = (length << 7 | usize::from(byte & 0x7f), after);
        if byte & 0x80 == 0 {
            break;
        }
    }
    (*first == tag).then(|| rest.get(..length))?
}

/// Decode time of the first sample and length of all samples of a fragment, in ticks.
fn times(moof: &[u8]) -> Result<(u64, u64), BoxError> {
    const SAMPLE_DURATION: u64 = 0x100;
    let traf = child(moof, "traf")?;
    let tfdt = child(traf, "tfdt")?;
    let start = number(tfdt, 4, if number(tfdt, 0, 1)? == 1 { 8 } else { 4 })?;
    let default = default_duration(child(traf, "tfhd")?)?;
    let trun = child(traf, "trun")?;
    let (flags, count) = (number(trun, 1, 3)?, number(trun, 4, 4)?);
    if flags & SAMPLE_DURATION == 0 {
        return Ok((start, count * default));
    }
    let header = 8 + 4 * (flags & 0x1).count_ones() as usize + 4 * (flags & 0x4).count_ones() as usize;
    let sample_bytes = 4 * (flags & 0xf00).count_ones() as usize;
    let duration = (0..count as usize).try_fold(0, |sum, n| {
        Ok::<_, BoxError>(sum + number(trun, header + n * sample_bytes, 4)?)
    })?;
    Ok((start, duration))
}

fn default_duration(tfhd: &[u8]) -> Result<u64, BoxError> {
    let flags = number(tfhd, 1, 3)?;
    let before = [(0x1, 8), (0x2, 4)]
        .iter()
        .filter(|(flag, _)| flags & flag != 0)
        .map(|(_, bytes)| bytes)
        .sum::<usize>();
    if flags & 0x8 == 0 {
        Ok(0)
    } else {
        number(tfhd, 8 + before, 4)
    }
}
