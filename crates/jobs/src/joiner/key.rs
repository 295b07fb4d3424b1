//! Where the state of job `joiner` lives. It has no second stage: what is joined is of one viewer.

use event::key_group_of;
use stream::keyed::{Delta, Key, KeyGroup};
use types::{VideoId, ViewerId};

/// Keys beside a partition.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LocalKey {
    /// What one viewer was shown of one video, and did with it.
    Pair(Pair),
    /// The last outbox row of a partition's actions.
    Outbox { partition: u16 },
    /// Pairs to look at, at a minute.
    Due { group: u8, minute: i64 },
}

/// A viewer and a video.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pair {
    pub viewer: ViewerId,
    pub video: VideoId,
}

const PAIR: u8 = 1;
const OUTBOX: u8 = 2;
const DUE: u8 = 3;

impl Pair {
    pub(crate) fn encode(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.viewer.raw().to_be_bytes());
        out.extend_from_slice(&self.video.raw().to_be_bytes());
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let (viewer, video) = bytes.split_first_chunk::<8>()?;
        Some(Self {
            viewer: ViewerId::from_raw(u64::from_be_bytes(*viewer)),
            video: VideoId::from_raw(u64::from_be_bytes(video.try_into().ok()?)),
        })
    }
}

impl Key for LocalKey {
    fn group(&self) -> KeyGroup {
        KeyGroup(match self {
            Self::Pair(pair) => key_group_of(pair.viewer),
            // The group of this number is in the partition of this number, however many there are.
            Self::Outbox { partition } => *partition as u8,
            Self::Due { group, .. } => *group,
        })
    }

    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Pair(pair) => {
                out.push(PAIR);
                pair.encode(out);
            }
            Self::Outbox { partition } => {
                out.push(OUTBOX);
                out.extend_from_slice(&partition.to_be_bytes());
            }
            Self::Due { group, minute } => {
                out.extend_from_slice(&[DUE, *group]);
                out.extend_from_slice(&minute.to_be_bytes());
            }
        }
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (&kind, rest) = bytes.split_first()?;
        Some(match kind {
            PAIR => Self::Pair(Pair::decode(rest)?),
            OUTBOX => Self::Outbox {
                partition: u16::from_be_bytes(rest.try_into().ok()?),
            },
            DUE => {
                let (&group, minute) = rest.split_first()?;
                let minute = i64::from_be_bytes(minute.try_into().ok()?);
                Self::Due { group, minute }
            }
            _ => return None,
        })
    }
}

/// There is no second stage, so there is nothing of this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Never {}

impl Key for Never {
    fn group(&self) -> KeyGroup {
        match *self {}
    }

    fn encode(&self, _: &mut Vec<u8>) {
        match *self {}
    }

    fn decode(_: &[u8]) -> Option<Self> {
        None
    }
}

impl Delta for Never {
    fn merge(&mut self, other: Self) {
        match other {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_lead_back() {
        let pair = Pair {
            viewer: ViewerId::from_raw(7),
            video: VideoId::from_raw(9),
        };
        let keys = [
            LocalKey::Pair(pair),
            LocalKey::Outbox { partition: 200 },
            LocalKey::Due { group: 3, minute: -5 },
        ];
        for key in keys {
            let mut bytes = Vec::new();
            key.encode(&mut bytes);
            assert_eq!(LocalKey::decode(&bytes), Some(key));
            assert_eq!(LocalKey::decode(&bytes[..bytes.len() - 1]), None);
        }
    }
}
