//! Whom counters and features are about.

use std::sync::Arc;

use types::{Category, Region, SoundId, UserId, VideoId, ViewerId};

/// Somebody or something with features.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Entity {
    Video(VideoId),
    Creator(UserId),
    Sound(SoundId),
    /// Lower case, without `#`.
    Hashtag(Arc<str>),
    Category(Category),
    /// What the viewers of a region do.
    Region(Region),
    Viewer(ViewerId),
}

const VIDEO: u8 = 1;
const CREATOR: u8 = 2;
const SOUND: u8 = 3;
const HASHTAG: u8 = 4;
const CATEGORY: u8 = 5;
const REGION: u8 = 6;
const VIEWER: u8 = 7;

impl Entity {
    /// Appends the entity's key: a byte for its kind, then its id, high byte first.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Video(id) => put_id(out, VIDEO, id.raw()),
            Self::Creator(id) => put_id(out, CREATOR, id.raw()),
            Self::Sound(id) => put_id(out, SOUND, id.raw()),
            Self::Hashtag(tag) => {
                out.push(HASHTAG);
                out.extend_from_slice(tag.as_bytes());
            }
            Self::Category(category) => out.extend_from_slice(&[CATEGORY, category.number()]),
            Self::Region(region) => {
                out.push(REGION);
                out.extend_from_slice(&region.bytes());
            }
            Self::Viewer(id) => put_id(out, VIEWER, id.raw()),
        }
    }

    /// Reads a whole key.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (&kind, rest) = bytes.split_first()?;
        let id = || Some(u64::from_be_bytes(rest.try_into().ok()?));
        Some(match kind {
            VIDEO => Self::Video(VideoId::from_raw(id()?)),
            CREATOR => Self::Creator(UserId::from_raw(id()?)),
            SOUND => Self::Sound(SoundId::from_raw(id()?)),
            HASHTAG => Self::Hashtag(Arc::from(str::from_utf8(rest).ok()?)),
            CATEGORY => match rest {
                &[number] => Self::Category(Category::from_number(number)?),
                _ => return None,
            },
            REGION => Self::Region(Region::from_bytes(rest.try_into().ok()?)?),
            VIEWER => Self::Viewer(ViewerId::from_raw(id()?)),
            _ => return None,
        })
    }
}

fn put_id(out: &mut Vec<u8>, kind: u8, id: u64) {
    out.push(kind);
    out.extend_from_slice(&id.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_lead_back() {
        let region = Region::from_bytes(*b"BR").expect("a region");
        let all = [
            Entity::Video(VideoId::from_raw(1)),
            Entity::Creator(UserId::from_raw(1)),
            Entity::Sound(SoundId::from_raw(1)),
            Entity::Hashtag(Arc::from("été")),
            Entity::Category(Category::Music),
            Entity::Region(region),
            Entity::Viewer(ViewerId::from_raw(i64::MAX as u64)),
        ];
        let mut keys = std::collections::BTreeSet::new();
        for entity in all {
            let mut key = Vec::new();
            entity.encode(&mut key);
            assert_eq!(Entity::decode(&key), Some(entity));
            assert!(keys.insert(key), "each its own key");
        }
        for foreign in [
            &[][..],
            &[0],
            &[VIDEO, 1, 2],
            &[CATEGORY, 99],
            &[CATEGORY],
            &[REGION, 1, 2],
            &[HASHTAG, 0xff],
        ] {
            assert_eq!(Entity::decode(foreign), None, "{foreign:?}");
        }
    }
}
