//! What training learns from: an item as it was served, and what became of it.

use types::{DurationMs, TimestampMs, ViewerId};

use crate::record::ServedItem;

/// One thing that is said about a served item, to learn from. What was served is repeated exactly as it was logged, so that
/// training sees the features that serving used; nothing is computed anew.
///
/// An item has one [`ExampleKind::Watched`] or [`ExampleKind::Lost`], and after it whatever else becomes known. A record says
/// nothing about labels that are not `known` in it: a missing outcome is unknown, never a skip.
#[derive(Debug, Clone, PartialEq)]
pub struct Example {
    pub viewer: ViewerId,
    pub served_ms: TimestampMs,
    /// Position, source, score, propensity and features, as served.
    pub item: ServedItem,
    pub kind: ExampleKind,
    /// When the first record about this item was due: the viewer left, or was given up.
    pub ended_ms: TimestampMs,
    /// None when unknown.
    pub watch: Option<WatchOutcome>,
    /// Labels this record says something about.
    pub known: Labels,
    /// Those of `known` that are true.
    pub yes: Labels,
    /// Those of `known` of which an earlier record said the opposite: a learner takes that one back.
    pub corrects: Labels,
}

impl Example {
    /// What this record says about a label; None when nothing.
    pub fn label(&self, label: Label) -> Option<bool> {
        self.known.has(label).then(|| self.yes.has(label))
    }
}

/// Why a record was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ExampleKind {
    /// The viewer left the video, which ends the label window: all labels are known, false unless true so far.
    Watched,
    /// The video was on screen and the viewer's leaving was never heard of: only what did arrive is known.
    Lost,
    /// The leaving was heard of after all, after [`ExampleKind::Lost`].
    Recovered,
    /// One label became known or changed after the first record; the number tells its changes apart, from 1.
    Changed(u16),
}

/// How it was watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WatchOutcome {
    pub watch_ms: DurationMs,
    /// The end was reached at least once.
    pub ended: bool,
    pub loops: u32,
}

impl WatchOutcome {
    /// Watching so long is a long view, also of a longer video.
    pub const LONG_VIEW_MS: DurationMs = 18_000;

    /// Whether the whole video was watched, or enough of it.
    pub fn is_long_view(&self, duration_ms: DurationMs) -> bool {
        self.ended || self.watch_ms >= Self::LONG_VIEW_MS || (duration_ms > 0 && self.watch_ms >= duration_ms)
    }
}

/// What a learner predicts beside the watch. Numbers are stored and never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Label {
    /// Left within two seconds, or early as the player judged.
    Skip = 0,
    Like = 1,
    Comment = 2,
    Share = 3,
    Save = 4,
    Follow = 5,
    NotInterested = 6,
    Report = 7,
}

impl Label {
    /// All of them, by number.
    pub const ALL: [Self; 8] = [
        Self::Skip,
        Self::Like,
        Self::Comment,
        Self::Share,
        Self::Save,
        Self::Follow,
        Self::NotInterested,
        Self::Report,
    ];
}

/// A set of labels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Labels(u16);

impl Labels {
    /// Every label there is.
    pub const ALL: Self = Self(0xff);

    /// Just this one.
    pub const fn of(label: Label) -> Self {
        Self(1 << label as u8)
    }

    /// From stored bits; None when some mean nothing.
    pub const fn from_bits(bits: u16) -> Option<Self> {
        if bits & !Self::ALL.0 == 0 {
            Some(Self(bits))
        } else {
            None
        }
    }

    pub const fn bits(self) -> u16 {
        self.0
    }

    pub const fn has(self, label: Label) -> bool {
        self.0 & Self::of(label).0 != 0
    }

    /// Puts the label in, or takes it out.
    pub fn set(&mut self, label: Label, to: bool) {
        match to {
            true => self.0 |= Self::of(label).0,
            false => self.0 &= !Self::of(label).0,
        }
    }
}
