//! Where the state of job `activity` lives: the keys of both stages, and the key group of each.

use std::sync::Arc;

use event::{SessionKey, key_group_of};
use feature_store::Entity;
use stream::keyed::{Key, KeyGroup};
use types::{Region, VideoId, ViewerId};

/// Keys beside a partition.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LocalKey {
    /// The numbers of one playing session.
    Session(ViewerId, SessionKey),
    /// The last outbox row of one topic and partition.
    Outbox { topic: u8, partition: u16 },
    /// What one viewer does.
    Viewer(ViewerId),
    /// What may be forgotten at an hour.
    Due { group: u8, hour: i64 },
}

const SESSION: u8 = 1;
const OUTBOX: u8 = 2;
const VIEWER: u8 = 3;
const DUE: u8 = 4;

impl Key for LocalKey {
    fn group(&self) -> KeyGroup {
        KeyGroup(match self {
            Self::Session(viewer, _) | Self::Viewer(viewer) => key_group_of(*viewer),
            // The group of this number is in the partition of this number, however many there are.
            Self::Outbox { partition, .. } => *partition as u8,
            Self::Due { group, .. } => *group,
        })
    }

    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Session(viewer, session) => {
                out.push(SESSION);
                out.extend_from_slice(&viewer.raw().to_be_bytes());
                out.extend_from_slice(&session.0.to_be_bytes());
            }
            Self::Outbox { topic, partition } => {
                out.extend_from_slice(&[OUTBOX, *topic]);
                out.extend_from_slice(&partition.to_be_bytes());
            }
            Self::Viewer(viewer) => {
                out.push(VIEWER);
                out.extend_from_slice(&viewer.raw().to_be_bytes());
            }
            Self::Due { group, hour } => {
                out.extend_from_slice(&[DUE, *group]);
                out.extend_from_slice(&hour.to_be_bytes());
            }
        }
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let number = |bytes: &[u8]| Some(u64::from_be_bytes(bytes.try_into().ok()?));
        let (&kind, rest) = bytes.split_first()?;
        Some(match kind {
            SESSION => {
                let (viewer, session) = rest.split_at_checked(8)?;
                Self::Session(ViewerId::from_raw(number(viewer)?), SessionKey(number(session)?))
            }
            OUTBOX => {
                let (&topic, partition) = rest.split_first()?;
                let partition = u16::from_be_bytes(partition.try_into().ok()?);
                Self::Outbox { topic, partition }
            }
            VIEWER => Self::Viewer(ViewerId::from_raw(number(rest)?)),
            DUE => {
                let (&group, hour) = rest.split_first()?;
                let hour = number(hour)? as i64;
                Self::Due { group, hour }
            }
            _ => return None,
        })
    }
}

/// Keys of the second stage: what counts are about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    Entity(Entity),
    /// A video as watched from one region, for that region's list.
    InRegion(Region, VideoId),
}

/// Below every kind of [`Entity`].
const IN_REGION: u8 = 0;

impl Subject {
    pub(crate) fn video(video: VideoId) -> Self {
        Self::Entity(Entity::Video(video))
    }

    pub(crate) fn hashtag(tag: &Arc<str>) -> Self {
        Self::Entity(Entity::Hashtag(tag.clone()))
    }
}

impl Key for Subject {
    fn group(&self) -> KeyGroup {
        match self {
            // What hangs on a video goes where the video is.
            Self::Entity(Entity::Video(video)) => KeyGroup(mixed(video.raw())),
            Self::InRegion(region, video) => {
                let [a, b] = region.bytes();
                KeyGroup(
                    mixed(video.raw())
                        .wrapping_add(a.wrapping_mul(31))
                        .wrapping_add(b),
                )
            }
            Self::Entity(Entity::Viewer(viewer)) => KeyGroup(key_group_of(*viewer)),
            Self::Entity(entity) => {
                let mut key = Vec::with_capacity(16);
                entity.encode(&mut key);
                // FNV-1a, 64 bit: stable for ever.
                let fold =
                    |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
                KeyGroup(mixed(key.iter().fold(0xcbf2_9ce4_8422_2325, fold)))
            }
        }
    }

    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Entity(entity) => entity.encode(out),
            Self::InRegion(region, video) => {
                out.push(IN_REGION);
                out.extend_from_slice(&region.bytes());
                out.extend_from_slice(&video.raw().to_be_bytes());
            }
        }
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let Some(rest) = bytes.strip_prefix(&[IN_REGION]) else {
            return Entity::decode(bytes).map(Self::Entity);
        };
        let (region, video) = rest.split_first_chunk::<2>()?;
        let video = VideoId::from_raw(u64::from_be_bytes(video.try_into().ok()?));
        Some(Self::InRegion(Region::from_bytes(*region)?, video))
    }
}

/// Spreads ids, which are time-ordered, over the groups.
fn mixed(id: u64) -> u8 {
    key_group_of(ViewerId::from_raw(id))
}

#[cfg(test)]
mod tests {
    use types::UserId;

    use super::*;

    #[test]
    fn keys_lead_back() {
        let viewer = ViewerId::from_raw(7);
        let locals = [
            LocalKey::Session(viewer, SessionKey(u64::MAX)),
            LocalKey::Outbox {
                topic: 4,
                partition: 200,
            },
            LocalKey::Viewer(viewer),
            LocalKey::Due { group: 3, hour: -5 },
        ];
        for key in locals {
            let mut bytes = Vec::new();
            key.encode(&mut bytes);
            assert_eq!(LocalKey::decode(&bytes), Some(key));
            assert_eq!(LocalKey::decode(&bytes[..bytes.len() - 1]), None);
        }
        let region = Region::from_bytes(*b"BR").expect("a region");
        let subjects = [
            Subject::video(VideoId::from_raw(1)),
            Subject::hashtag(&Arc::from("sea")),
            Subject::Entity(Entity::Creator(UserId::from_raw(1))),
            Subject::InRegion(region, VideoId::from_raw(1)),
        ];
        for key in subjects {
            let mut bytes = Vec::new();
            key.encode(&mut bytes);
            assert_eq!(Subject::decode(&bytes), Some(key));
        }
    }

    #[test]
    fn a_local_key_lives_in_the_partition_it_is_read_from() {
        for partitions in [1u16, 2, 8, 256] {
            for raw in 0..500 {
                let viewer = ViewerId::from_raw(raw << 12);
                let group = LocalKey::Viewer(viewer).group();
                assert_eq!(
                    u16::from(group.0) % partitions,
                    event::partition_of(viewer, partitions)
                );
            }
            for partition in 0..partitions {
                let group = LocalKey::Outbox { topic: 1, partition }.group();
                assert_eq!(u16::from(group.0) % partitions, partition);
            }
        }
    }
}
