//! What something that is said about videos points at: one video, or all that share a creator, a sound, a hashtag, a category.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::{Category, SoundId, UserId, VideoId};

/// Characters of a hashtag at most.
const HASHTAG_CHARS_MAX: usize = 100;

/// As text: a word, a colon and what it is, such as `hashtag:sea` or `category:music`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Target {
    Video(VideoId),
    Creator(UserId),
    Sound(SoundId),
    /// Lower case, without `#`.
    Hashtag(Arc<str>),
    Category(Category),
}

/// Why a text is not a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a target is video:ID, creator:ID, sound:ID, hashtag:TAG of at most {HASHTAG_CHARS_MAX} characters, or category:NAME"
)]
pub struct TargetError;

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Video(id) => write!(f, "video:{id}"),
            Self::Creator(id) => write!(f, "creator:{id}"),
            Self::Sound(id) => write!(f, "sound:{id}"),
            Self::Hashtag(tag) => write!(f, "hashtag:{tag}"),
            Self::Category(category) => write!(f, "category:{category}"),
        }
    }
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        let (kind, name) = text.split_once(':').ok_or(TargetError)?;
        match kind {
            "video" => name.parse().map(Self::Video).map_err(|_| TargetError),
            "creator" => name.parse().map(Self::Creator).map_err(|_| TargetError),
            "sound" => name.parse().map(Self::Sound).map_err(|_| TargetError),
            "category" => name.parse().map(Self::Category).map_err(|_| TargetError),
            "hashtag" => {
                let tag = name.trim_start_matches('#').to_lowercase();
                let fits = (1..=HASHTAG_CHARS_MAX).contains(&tag.chars().count());
                let fits = fits && !tag.contains(char::is_whitespace);
                fits.then(|| Self::Hashtag(Arc::from(tag))).ok_or(TargetError)
            }
            _ => Err(TargetError),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_read_as_they_are_written() {
        for target in [
            Target::Video(VideoId::from_raw(1)),
            Target::Creator(UserId::from_raw(2)),
            Target::Sound(SoundId::from_raw(3)),
            Target::Hashtag(Arc::from("été")),
            Target::Category(Category::Music),
        ] {
            assert_eq!(target.to_string().parse(), Ok(target));
        }
        assert_eq!("hashtag:#Été".parse(), Ok(Target::Hashtag(Arc::from("été"))));
        let long = format!("hashtag:{}", "x".repeat(HASHTAG_CHARS_MAX + 1));
        for no in [
            "",
            "sea",
            "hashtag:",
            "hashtag:#",
            "hashtag:a b",
            "video:9",
            "category:cats",
            "user:1",
            &long,
        ] {
            assert_eq!(no.parse::<Target>(), Err(TargetError), "{no}");
        }
    }
}
