//! What a video is about, in numbers: how it looks, how it sounds, what its creator says of it; and by what it is known again.
//!
//! Three parts, each a direction of its own, lie side by side in one [`ContentVector`]: the picture (`picture.rs`), the sound
//! (`sound.rs`) and the words (`words.rs`). Nothing here was trained and nothing is downloaded: features are measured, centred on
//! what is usual, and turned into few numbers by fixed projections (`project.rs`). The same file gives the same bytes.
//! The frames and samples come out of the sandbox by the run that makes the first rendition (`samples.rs`); no tool runs here.
//!
//! Back of the envelope, for one video:
//!
//! | resource | use |
//! |---|---|
//! | frames | at most 32 of 64 × 64 pixels, 393 kB |
//! | sound | at most its first minute, 11 025 samples a second, 1.3 MB |
//! | CPU | 10 ms for the picture, 1 ms a second of sound |
//! | result | 129 B of vector, 271 B of fingerprint |

mod encoder;
mod fft;
mod fingerprint;
mod picture;
mod project;
mod samples;
mod sound;
mod words;

pub use encoder::{CommandEncoder, ContentEncoder, EncoderError, EncoderSetting, EncoderSettingError};
pub use fingerprint::{Fingerprint, KEYS_MAX};
pub(crate) use samples::{SamplePlan, Samples};
pub use words::Words;

use types::{CONTENT_WIDTH, ContentVector};

use picture::PICTURE_WIDTH;
use sound::SOUND_WIDTH;
use words::WORDS_WIDTH;

/// Version of the built-in encoder: one more whenever the same file would give other bytes.
pub const BUILTIN_VERSION: u8 = 1;

/// What each part has of the squared length, when all three are there.
const PICTURE_SHARE: f32 = 0.45;
const SOUND_SHARE: f32 = 0.2;
const WORDS_SHARE: f32 = 0.35;

const _: () = assert!(PICTURE_WIDTH + SOUND_WIDTH + WORDS_WIDTH == CONTENT_WIDTH);

/// What was seen and heard in a video; its words are added when they are known.
#[derive(Debug, Clone, PartialEq)]
pub struct Looks {
    /// The encoder of the picture; see [`ContentVector::version`].
    pub version: u8,
    /// Length 1; none where no frame could be sampled.
    pub picture: Option<[f32; PICTURE_WIDTH]>,
    /// Length 1; none for silence.
    pub sound: Option<[f32; SOUND_WIDTH]>,
    pub fingerprint: Option<Fingerprint>,
}

impl Looks {
    /// With the built-in encoder.
    pub(crate) fn of(samples: &Samples) -> Self {
        let heard = sound::hear(&samples.sound);
        Self {
            version: BUILTIN_VERSION,
            picture: picture::part(samples),
            sound: heard.as_ref().map(sound::part),
            fingerprint: Fingerprint::of(samples, heard.as_ref()),
        }
    }

    /// Puts another encoder's answer, of any width, in the place of the picture part.
    pub(crate) fn picture_from(&mut self, version: u8, embedding: &[f32]) {
        self.picture = project::part(project::Seed::Foreign, embedding);
        self.version = version;
    }

    /// One vector of the three parts; a part that is not there leaves its place empty. None where nothing is known at all.
    pub fn vector(&self, words: &Words<'_>) -> Option<ContentVector> {
        let mut values = [0.0; CONTENT_WIDTH];
        let (picture, rest) = values.split_at_mut(PICTURE_WIDTH);
        let (sound, said) = rest.split_at_mut(SOUND_WIDTH);
        place(
            picture,
            self.picture.as_ref().map(|part| &part[..]),
            PICTURE_SHARE,
        );
        place(sound, self.sound.as_ref().map(|part| &part[..]), SOUND_SHARE);
        place(said, words.part().as_ref().map(|part| &part[..]), WORDS_SHARE);
        ContentVector::of(self.version, &values)
    }
}

fn place(into: &mut [f32], part: Option<&[f32]>, share: f32) {
    for (slot, value) in into.iter_mut().zip(part.unwrap_or_default()) {
        *slot = value * share.sqrt();
    }
}
