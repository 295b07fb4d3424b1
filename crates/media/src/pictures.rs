//! Stills: a few frames of the first rendition become the thumbnails, one of them the poster and its ThumbHash.
//!
//! The frames come from the same decode as the rendition, already rotated, tone-mapped and squared.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::error::MediaError;
use crate::ladder::Rung;

/// Where in the video the stills are taken.
const MOMENTS: [f64; 6] = [0.0, 0.15, 0.35, 0.55, 0.75, 0.92];
/// Shorter side of a thumbnail.
const THUMB_SHORT_SIDE: f64 = 240.0;
/// What ThumbHash takes at most.
const TINY_SIDE: f64 = 100.0;
/// A poster should show something: neither black, nor white, nor flat.
const LUMA_MEAN: std::ops::Range<f64> = 20.0..236.0;
const LUMA_DEVIATION_MIN: f64 = 10.0;

/// Which frames are taken, and how small they become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PicturePlan {
    frames: Vec<u64>,
    thumb: (u32, u32),
    tiny: (u32, u32),
}

/// The stills of a video.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pictures {
    pub(crate) poster: String,
    pub(crate) thumbnails: Vec<String>,
    pub(crate) thumbhash: String,
}

impl PicturePlan {
    /// For a rendition of so many frames.
    pub(crate) fn new(rung: &Rung, frame_count: u64) -> Self {
        let (width, height) = (f64::from(rung.width), f64::from(rung.height));
        let fit = |ratio: f64| {
            let ratio = ratio.min(1.0);
            (
                (width * ratio).round().max(2.0) as u32,
                (height * ratio).round().max(2.0) as u32,
            )
        };
        let mut frames: Vec<u64> = MOMENTS
            .iter()
            .map(|moment| (moment * frame_count as f64) as u64)
            .collect();
        frames.dedup();
        Self {
            frames,
            thumb: fit(THUMB_SHORT_SIDE / width.min(height)),
            tiny: fit(TINY_SIDE / width.max(height)),
        }
    }

    /// From `[stills]` to `[posters]`, `[thumbs]` and `[tiny]`.
    pub(crate) fn graph(&self) -> String {
        let select: Vec<_> = self.frames.iter().map(|frame| format!("eq(n,{frame})")).collect();
        format!(
            "[stills]select='{}',split=3[p][t][h];\
             [p]scale=out_range=pc,format=yuvj420p[posters];\
             [t]scale={}:{}:flags=area:out_range=pc,format=yuvj420p[thumbs];\
             [h]scale={}:{}:flags=area:in_color_matrix=bt709,format=rgba[tiny]",
            select.join("+"),
            self.thumb.0,
            self.thumb.1,
            self.tiny.0,
            self.tiny.1,
        )
    }

    /// Chooses the poster among what the encoder left in `work`, and moves the stills to `out_dir`.
    pub(crate) fn collect(&self, work: &Path, out_dir: &Path) -> Result<Pictures, MediaError> {
        let tiny_path = work.join("tiny.rgba");
        let tiny = fs::read(&tiny_path).map_err(MediaError::io("read", &tiny_path))?;
        let (width, height) = (self.tiny.0 as usize, self.tiny.1 as usize);
        let stills: Vec<_> = tiny.chunks_exact(width * height * 4).collect();
        let best = choose(&stills);
        let thumbs = out_dir.join("thumbs");
        fs::create_dir_all(&thumbs).map_err(MediaError::io("make the folder", &thumbs))?;
        move_file(
            &work.join(format!("poster-{best}.jpg")),
            &out_dir.join("poster.jpg"),
        )?;
        let mut thumbnails = Vec::new();
        for number in 0..stills.len() {
            let name = format!("thumbs/{number}.jpg");
            move_file(&work.join(format!("thumb-{number}.jpg")), &out_dir.join(&name))?;
            thumbnails.push(name);
        }
        let hash = stills
            .get(best)
            .map(|still| thumbhash::rgba_to_thumb_hash(width, height, still));
        let thumbhash = STANDARD.encode(hash.unwrap_or_default());
        Ok(Pictures {
            poster: "poster.jpg".to_owned(),
            thumbnails,
            thumbhash,
        })
    }
}

/// The first still if it shows something, because playback then starts from it without a jump; else the liveliest.
fn choose(stills: &[&[u8]]) -> usize {
    let looks: Vec<_> = stills.iter().map(|still| luma(still)).collect();
    let shows = |(mean, deviation): &(f64, f64)| LUMA_MEAN.contains(mean) && *deviation >= LUMA_DEVIATION_MIN;
    if looks.first().is_some_and(shows) {
        return 0;
    }
    let liveliest = looks.iter().enumerate().max_by(|a, b| a.1.1.total_cmp(&b.1.1));
    liveliest.map_or(0, |(number, _)| number)
}

/// Mean and standard deviation of the brightness, 0 to 255.
fn luma(rgba: &[u8]) -> (f64, f64) {
    let count = (rgba.len() / 4).max(1) as f64;
    let (sum, squares) = rgba.chunks_exact(4).fold((0.0, 0.0), |(sum, squares), pixel| {
        let luma = 0.2126 * f64::from(pixel[0]) + 0.7152 * f64::from(pixel[1]) + 0.0722 * f64::from(pixel[2]);
        (sum + luma, squares + luma * luma)
    });
    let mean = sum / count;
    (mean, (squares / count - mean * mean).max(0.0).sqrt())
}

fn move_file(from: &Path, to: &Path) -> Result<(), MediaError> {
    fs::rename(from, to).map_err(MediaError::io("move", from))
}
