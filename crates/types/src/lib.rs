//! Ids, time and units: the words every other crate speaks.
//!
//! Pure values. No IO, no clock and no randomness live here: whoever mints an id passes the time in.

mod category;
mod content;
mod fault;
mod id;
mod region;
mod target;
mod username;

pub use category::{Category, CategoryError};
pub use content::{CONTENT_WIDTH, ContentVector};
pub use fault::Fault;
pub use id::{CommentId, IdGenerator, ImpressionId, ParseIdError, SoundId, UserId, VideoId, ViewerId};
pub use region::{Region, RegionError};
pub use target::{Target, TargetError};
pub use username::{Username, UsernameError};

/// Milliseconds since the Unix epoch, UTC.
pub type TimestampMs = i64;

/// A count of milliseconds.
pub type DurationMs = i64;
