//! Who may queue: a bound on bytes, and a budget for the time that is spent waiting.
//!
//! What counts as waiting are the bytes behind the group that is being written, at the rate the disk has shown
//! with groups large enough to show it. One group being written while one fills is how the log works, and a
//! group of small size takes a sync's time however fast the disk: neither is a reason to send anybody away.
//! So a closed loop of callers, each waiting for its answer, is refused only when its own bytes need longer
//! than the budget, and an open loop as soon as it outruns the disk.

use std::time::Duration;

use crate::config::SegmentLogConfig;

/// Assumed until a large group has been timed: high, so that a cold log refuses nobody.
const RATE_FIRST_BYTES_PER_S: u64 = 1 << 30;
/// A group that is expected to take less than this tells nothing about the rate unless it beats it: its time
/// is the sync's, or the scheduler's.
const RATE_SAMPLE_US_MIN: u64 = 1_000;
/// Assumed until a small group has been timed: high, for the same reason.
const SYNC_FIRST_US: u64 = 1_000_000;
/// A sync's time rises by this part of what a slower one took longer, and falls at once.
const SYNC_RISES_BY: u64 = 16;
/// A refused caller is not sent away for longer than this.
const RETRY_AFTER_MS_MAX: u64 = 10_000;

/// Bytes on their way to the disk, and how fast they go.
#[derive(Debug)]
pub(crate) struct Admission {
    bytes_max: usize,
    wait_ms_max: Option<u64>,
    stall_ms_max: u64,
    /// Frames behind the group being written.
    waiting_bytes: usize,
    /// Frames of the group being written.
    writing_bytes: usize,
    writing_since: Option<Duration>,
    /// What the disk takes a second, a sync's own time left out.
    rate_bytes_per_s: u64,
    /// What a group takes however small: near the least that was seen lately.
    sync_us: u64,
}

/// Why somebody was sent away, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// For the metric: `bytes`, `wait` or `stall`.
    pub(crate) reason: &'static str,
    pub(crate) retry_after_ms: u64,
}

impl Admission {
    pub(crate) fn new(config: &SegmentLogConfig) -> Self {
        Self {
            bytes_max: config.queue_bytes_max,
            wait_ms_max: config.wait_ms_max,
            stall_ms_max: config.stall_ms_max,
            waiting_bytes: 0,
            writing_bytes: 0,
            writing_since: None,
            rate_bytes_per_s: RATE_FIRST_BYTES_PER_S,
            sync_us: SYNC_FIRST_US,
        }
    }

    /// Takes `bytes` in, or says why not; the time is only asked for while a group is being written. A barrier
    /// has no bytes: it lengthens nobody's wait, and is sent away only by a disk that stands still.
    pub(crate) fn admit(&mut self, bytes: usize, now: impl FnOnce() -> Duration) -> Result<(), Refusal> {
        let written_for = self.writing_since.map(|since| now().saturating_sub(since));
        let written_ms = written_for.map_or(0, |lasted| lasted.as_millis() as u64);
        let wait_us = self.wait_us();
        let over_us = match self.wait_ms_max {
            Some(wait_ms_max) if bytes > 0 => wait_us.saturating_sub(wait_ms_max * 1000),
            _ => 0,
        };
        let (reason, retry_after_ms) = if self.queued_bytes() + bytes > self.bytes_max && bytes > 0 {
            ("bytes", wait_us.div_ceil(1000))
        } else if written_ms > self.stall_ms_max {
            // Nobody knows when a stall ends; as long again as it has lasted is the best guess there is.
            ("stall", written_ms)
        } else if over_us > 0 {
            ("wait", over_us.div_ceil(1000))
        } else {
            self.waiting_bytes += bytes;
            return Ok(());
        };
        Err(Refusal {
            reason,
            retry_after_ms: retry_after_ms.clamp(1, RETRY_AFTER_MS_MAX),
        })
    }

    /// A group of `bytes` goes to the disk.
    pub(crate) fn taken(&mut self, bytes: usize, now: Duration) {
        self.waiting_bytes -= bytes;
        self.writing_bytes = bytes;
        self.writing_since = Some(now);
    }

    /// The group that was taken is durable.
    pub(crate) fn done(&mut self, now: Duration) {
        let took = self.writing_since.take().map(|since| now.saturating_sub(since));
        let bytes = std::mem::take(&mut self.writing_bytes);
        let took_us = took.map_or(0, |took| took.as_micros() as u64).max(1);
        // At least half of a large group's time is its bytes': what seems a long sync may be the scheduler.
        let bytes_us = took_us.saturating_sub(self.sync_us).max(took_us.div_ceil(2));
        let sample = bytes as u64 * 1_000_000 / bytes_us;
        let is_large = micros(bytes, self.rate_bytes_per_s) >= RATE_SAMPLE_US_MIN;
        if is_large || sample > self.rate_bytes_per_s {
            self.rate_bytes_per_s = self.rate_bytes_per_s.midpoint(sample).max(1);
        }
        if !is_large {
            let risen_us = self.sync_us + took_us.saturating_sub(self.sync_us) / SYNC_RISES_BY;
            self.sync_us = took_us.min(risen_us);
        }
    }

    /// How long who comes now waits until their group is begun, beyond the one being written.
    pub(crate) fn wait_us(&self) -> u64 {
        micros(self.waiting_bytes, self.rate_bytes_per_s)
    }

    /// Frames queued or being written.
    pub(crate) fn queued_bytes(&self) -> usize {
        self.waiting_bytes + self.writing_bytes
    }

    pub(crate) fn rate_bytes_per_s(&self) -> u64 {
        self.rate_bytes_per_s
    }
}

fn micros(bytes: usize, rate_bytes_per_s: u64) -> u64 {
    bytes as u64 * 1_000_000 / rate_bytes_per_s
}

#[cfg(test)]
mod tests;
