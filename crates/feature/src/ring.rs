//! A viewer's last impressions, oldest first, at most [`RING_MAX`] of them.

use std::collections::VecDeque;

use types::TimestampMs;

use crate::facts::{Outcome, TOPICS_MAX};

/// Impressions remembered of a viewer.
pub const RING_MAX: usize = 50;

/// One impression as the ring keeps it: 104 bytes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Seen {
    /// None when only its place among the viewer's impressions is known.
    pub at_ms: Option<TimestampMs>,
    pub video: u64,
    pub creator: u64,
    /// 0 is none.
    pub topics: [u64; TOPICS_MAX],
    /// Number of the category; 0 is none.
    pub category: u8,
    pub duration_ms: u32,
    pub surface: Option<u16>,
    pub outcome: Outcome,
}

/// See the file's header.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ring(VecDeque<Seen>);

impl Ring {
    /// Appends; the oldest goes when there is no room.
    pub fn push(&mut self, seen: Seen) {
        if self.0.len() >= RING_MAX {
            self.0.pop_front();
        }
        self.0.push_back(seen);
    }

    /// Newest first.
    pub fn newest(&self) -> impl Iterator<Item = &Seen> + Clone {
        self.0.iter().rev()
    }

    /// Oldest first.
    pub fn oldest(&self) -> impl Iterator<Item = &Seen> {
        self.0.iter()
    }

    /// The newest impression of a video, to be amended.
    pub fn find_mut(&mut self, video: u64) -> Option<&mut Seen> {
        self.0.iter_mut().rev().find(|seen| seen.video == video)
    }

    /// How many are remembered.
    pub fn len(&self) -> usize {
        self.0.len()
    }
}
