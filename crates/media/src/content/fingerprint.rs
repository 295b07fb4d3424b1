//! By what a video is known again when somebody uploads it anew: re-encoded, resized, a little cropped or recoloured.
//!
//! Precision comes before reach: two videos are the same only when pictures, colours, sound and length all agree. A copy with another
//! sound, a mirror image or a part of a video is another video here; what is dark or flat throughout is never a copy.
//! The bits of a frame follow Zauner (2010): signs of low frequencies against their median.

use std::sync::LazyLock;

use super::samples::{Frame, MOMENTS, SIDE, Samples};
use super::sound::{Heard, MELS};

/// Frames that are kept: every second moment.
const FRAMES: usize = MOMENTS / 2;
/// Low frequencies a side; 64 of them make the bits.
const WAVES: usize = 8;
/// Coarse colours, two a quarter.
const COLOURS: usize = 8;
/// Stretches of time and groups of bands of the coarse spectrum.
const STRETCHES: usize = 12;
const GROUPS: usize = 16;
const SPECTRUM: usize = STRETCHES * GROUPS;

const VERSION: u8 = 1;
/// Bytes of [`Fingerprint::to_bytes`].
const BYTES: usize = 1 + 4 + 1 + FRAMES * 8 + COLOURS + 1 + SPECTRUM;
/// Bits of a frame go to the index in so many parts, each as a key.
const KEY_PARTS: usize = 3;
/// Keys of one video.
pub const KEYS_MAX: usize = FRAMES * KEY_PARTS;

/// Deviation of brightness below which a frame says nothing.
const LIVELY_MIN: f32 = 8.0;
/// Frames that must say something, in both videos at the same place.
const FRAMES_MIN: u32 = 3;
/// Mean of the bits that differ in a frame, of 64.
const BITS_MAX: f32 = 8.0;
/// The same where the picture stands still, since one frame is all there is.
const STILL_BITS_MAX: f32 = 3.0;
/// Frames of one video that differ by no more stand still.
const STILL: u32 = 4;
/// Largest difference of a coarse colour, of 128, and of those of a still picture.
const COLOUR_MAX: u8 = 10;
const STILL_COLOUR_MAX: u8 = 4;
/// Mean difference of the coarse spectra in decibels.
const SOUND_DB_MAX: f32 = 3.0;
/// Decibels below which all is silence to the coarse spectrum.
const QUIET_DB: f32 = -50.0;
/// Difference of lengths: whichever is more.
const LENGTH_MS_MAX: u32 = 400;
const LENGTH_PER_MILLE_MAX: u32 = 20;

/// See the file's header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint {
    duration_ms: u32,
    /// A bit for each frame that says something.
    lively: u8,
    frames: [u64; FRAMES],
    colours: [i8; COLOURS],
    /// Decibels, the loudest as 0; none for silence.
    spectrum: Option<[i8; SPECTRUM]>,
}

impl Fingerprint {
    /// None where there is not one moment for each frame.
    pub(super) fn of(samples: &Samples, heard: Option<&Heard>) -> Option<Self> {
        let moments: Vec<_> = samples.moments().collect();
        if moments.len() != MOMENTS {
            return None;
        }
        let kept: Vec<Frame<'_>> = moments
            .iter()
            .step_by(MOMENTS / FRAMES)
            .map(|&(frame, _)| frame)
            .collect();
        let (mut lively, mut frames) = (0, [0; FRAMES]);
        for (number, (frame, bits)) in kept.iter().zip(&mut frames).enumerate() {
            *bits = bits_of(frame.plane(0));
            lively |= u8::from(deviation(frame.plane(0)) >= LIVELY_MIN) << number;
        }
        Some(Self {
            duration_ms: samples.duration_ms.try_into().unwrap_or(u32::MAX),
            lively,
            frames,
            colours: colours_of(&kept),
            spectrum: heard.map(spectrum_of),
        })
    }

    /// Whether these are two uploads of one video.
    pub fn is_copy_of(&self, other: &Self) -> bool {
        let lively = self.lively & other.lively;
        let longer = self.duration_ms.max(other.duration_ms);
        let length_max =
            LENGTH_MS_MAX.max((u64::from(longer) * u64::from(LENGTH_PER_MILLE_MAX) / 1000) as u32);
        if lively.count_ones() < FRAMES_MIN || self.duration_ms.abs_diff(other.duration_ms) > length_max {
            return false;
        }
        let (bits_max, colour_max) = match self.is_still() || other.is_still() {
            true => (STILL_BITS_MAX, STILL_COLOUR_MAX),
            false => (BITS_MAX, COLOUR_MAX),
        };
        let colours = self.colours.iter().zip(&other.colours);
        self.bits_apart(other, lively) <= bits_max
            && colours.map(|(a, b)| a.abs_diff(*b)).max().unwrap_or(0) <= colour_max
            && self.sounds_like(other)
    }

    /// What an index finds copies by: parts of frames' bits, with the place of the part. Two copies share some with near
    /// certainty, two other videos seldom any.
    pub fn keys(&self) -> Vec<i64> {
        let lively = (0..FRAMES).filter(|number| self.lively >> number & 1 == 1);
        let mut keys: Vec<i64> = lively
            .flat_map(|number| {
                let bits = self.frames[number];
                let part = move |part: usize| (part as u64) << 32 | bits >> (part * 21) & 0x1f_ffff;
                (0..KEY_PARTS).map(move |number| part(number) as i64)
            })
            .collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(BYTES);
        out.push(VERSION);
        out.extend_from_slice(&self.duration_ms.to_le_bytes());
        out.push(self.lively);
        self.frames
            .iter()
            .for_each(|bits| out.extend_from_slice(&bits.to_le_bytes()));
        out.extend(self.colours.map(|colour| colour as u8));
        out.push(u8::from(self.spectrum.is_some()));
        out.extend(self.spectrum.unwrap_or([0; SPECTRUM]).map(|db| db as u8));
        out
    }

    /// None for bytes of another version or length.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; BYTES] = bytes.try_into().ok()?;
        let (head, rest) = bytes.split_first_chunk::<6>()?;
        let [VERSION, d0, d1, d2, d3, lively] = *head else {
            return None;
        };
        let (frames, rest) = rest.split_at_checked(FRAMES * 8)?;
        let (colours, rest) = rest.split_first_chunk::<COLOURS>()?;
        let (&sounds, spectrum) = rest.split_first()?;
        let mut words = frames
            .chunks_exact(8)
            .map(|word| u64::from_le_bytes(word.try_into().unwrap_or_default()));
        let spectrum: [u8; SPECTRUM] = spectrum.try_into().ok()?;
        Some(Self {
            duration_ms: u32::from_le_bytes([d0, d1, d2, d3]),
            lively,
            frames: std::array::from_fn(|_| words.next().unwrap_or_default()),
            colours: colours.map(|byte| byte as i8),
            spectrum: (sounds == 1).then(|| spectrum.map(|byte| byte as i8)),
        })
    }

    /// Mean over the frames that say something in both.
    fn bits_apart(&self, other: &Self, lively: u8) -> f32 {
        let both = (0..FRAMES).filter(|number| lively >> number & 1 == 1);
        let apart: u32 = both
            .map(|number| (self.frames[number] ^ other.frames[number]).count_ones())
            .sum();
        apart as f32 / lively.count_ones().max(1) as f32
    }

    fn is_still(&self) -> bool {
        self.frames
            .iter()
            .all(|bits| (bits ^ self.frames[0]).count_ones() <= STILL)
    }

    fn sounds_like(&self, other: &Self) -> bool {
        match (&self.spectrum, &other.spectrum) {
            (None, None) => true,
            (Some(a), Some(b)) => {
                let apart: u32 = a.iter().zip(b).map(|(a, b)| u32::from(a.abs_diff(*b))).sum();
                apart as f32 / SPECTRUM as f32 <= SOUND_DB_MAX
            }
            _ => false,
        }
    }
}

/// Signs of 8 × 8 low frequencies, without the mean, against their median.
fn bits_of(plane: &[u8]) -> u64 {
    static COSINES: LazyLock<[[f32; SIDE]; WAVES]> = LazyLock::new(|| {
        let cosine = |wave: usize, at: usize| {
            let angle = std::f64::consts::PI * (wave + 1) as f64 * (at as f64 + 0.5) / SIDE as f64;
            angle.cos() as f32
        };
        std::array::from_fn(|wave| std::array::from_fn(|at| cosine(wave, at)))
    });
    let mut rows = [[0.0f32; WAVES]; SIDE];
    for (row, pixels) in rows.iter_mut().zip(plane.chunks_exact(SIDE)) {
        for (out, cosines) in row.iter_mut().zip(&*COSINES) {
            *out = pixels
                .iter()
                .zip(cosines)
                .map(|(&pixel, cosine)| f32::from(pixel) * cosine)
                .sum();
        }
    }
    let mut waves = [0.0f32; WAVES * WAVES];
    for (at, wave) in waves.iter_mut().enumerate() {
        let (down, across) = (at / WAVES, at % WAVES);
        *wave = rows
            .iter()
            .zip(COSINES[down])
            .map(|(row, cosine)| row[across] * cosine)
            .sum();
    }
    let mut sorted = waves;
    sorted.sort_unstable_by(f32::total_cmp);
    let median = (sorted[31] + sorted[32]) / 2.0;
    waves
        .iter()
        .enumerate()
        .fold(0, |bits, (at, &wave)| bits | u64::from(wave > median) << at)
}

fn deviation(plane: &[u8]) -> f32 {
    let count = plane.len() as f32;
    let (sum, squares) = plane.iter().fold((0u64, 0u64), |(sum, squares), &value| {
        (
            sum + u64::from(value),
            squares + u64::from(value) * u64::from(value),
        )
    });
    let mean = sum as f32 / count;
    (squares as f32 / count - mean * mean).max(0.0).sqrt()
}

/// Mean differences of colour in each quarter, over all kept frames.
fn colours_of(frames: &[Frame<'_>]) -> [i8; COLOURS] {
    let mut sums = [0.0f32; COLOURS];
    for frame in frames {
        for (number, half) in sums.chunks_exact_mut(COLOURS / 2).enumerate() {
            half.iter_mut()
                .zip(quarters(frame.plane(number + 1)))
                .for_each(|(sum, mean)| *sum += mean - 128.0);
        }
    }
    sums.map(|sum| (sum / frames.len().max(1) as f32).round().clamp(-127.0, 127.0) as i8)
}

/// Mean of each quarter of a plane.
fn quarters(plane: &[u8]) -> [f32; 4] {
    let half = SIDE / 2;
    let mut sums = [0u32; 4];
    for (at, &value) in plane.iter().enumerate() {
        sums[at / SIDE / half * 2 + at % SIDE / half] += u32::from(value);
    }
    sums.map(|sum| sum as f32 / (half * half) as f32)
}

/// Mean decibels of groups of bands in equal stretches of time, below the loudest.
fn spectrum_of(heard: &Heard) -> [i8; SPECTRUM] {
    let (windows, bands) = (heard.mels.len(), MELS / GROUPS);
    let mut cells = [0.0f32; SPECTRUM];
    for (at, cell) in cells.iter_mut().enumerate() {
        let (stretch, group) = (at / GROUPS, at % GROUPS);
        let from = stretch * windows / STRETCHES;
        let to = ((stretch + 1) * windows / STRETCHES).max(from + 1).min(windows);
        let stretch = &heard.mels[from.min(windows - 1)..to];
        let sum: f32 = stretch
            .iter()
            .flat_map(|mels| &mels[group * bands..][..bands])
            .sum();
        *cell = sum / (stretch.len() * bands) as f32;
    }
    let loudest = cells.iter().copied().fold(f32::MIN, f32::max);
    cells.map(|db| (db - loudest).max(QUIET_DB).round() as i8)
}
