//! The media plane: decides whether an upload is a video, and turns it into renditions, playlists and pictures.
//!
//! Every decoder runs in the sandbox. File names, extensions, claimed types and header durations are never trusted.
//! Uploads come in through [`Uploads`]; [`MediaQueue`] runs [`Processor`] over them, stores the files and changes the
//! video's state, with the fact that it is published in the same transaction.
//!
//! Back of the envelope, for one video of 15 s, 1080p at 30 frames a second, on two cores:
//!
//! | resource | first rendition | rest of the ladder |
//! |---|---|---|
//! | wall time | 4–5 s | 12–14 s |
//! | CPU | 0.5 s a second of video | 1.6 s a second of video |
//! | memory of the children | 150 MB | 430 MB |
//! | disk | 0.3 MB a second of video below 480p, with the sound | up to 1.5 MB a second of video |
//! | network | none: the children have none | none |

mod assemble;
mod boxes;
mod content;
pub mod demo;
mod encode;
mod error;
mod frame_rate;
mod ladder;
mod limits;
mod manifest;
mod package;
mod pictures;
mod probe;
mod processor;
mod queue;
mod sandbox;
mod sniff;
#[cfg(test)]
mod tests;
mod upload;

pub use boxes::BoxError;
pub use content::{
    BUILTIN_VERSION, CommandEncoder, ContentEncoder, EncoderError, EncoderSetting, EncoderSettingError,
    Fingerprint, KEYS_MAX, Looks, Words,
};
pub use error::{MediaError, ProcessError, Rejection};
pub use frame_rate::FrameRate;
pub use limits::{JobLimits, MediaLimits};
pub use manifest::{
    AUDIO_FOLDER, AudioTrack, DASH_FILE, HLS_FILE, MediaManifest, Rendition, Segments, content_type,
    init_path, playlist_path, segment_path,
};
pub use probe::{Hdr, Picture, Probe, SoundTrack, probe};
pub use processor::{FirstPlayable, Processor, Progress};
pub use queue::{MediaQueue, QueueLimits, QueueParts};
pub use sandbox::{Finished, Job, Sandbox, SandboxError, Tool};
pub use sniff::Container;
pub use upload::{
    Clock, MIME_TYPES, SessionPart, Submission, UploadError, UploadFault, UploadLimits, UploadRequest,
    UploadSession, Uploads, UploadsParts,
};
