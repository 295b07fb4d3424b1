//! How long a picture really lasts: the times of its packets, not what a header says.

use crate::error::{ProcessError, Rejection};
use crate::limits::MediaLimits;

/// More packets than the longest video at the fastest camera rate has.
const PACKETS_MAX: usize = 600 * 240;

/// Reads ffprobe's packet lines: presentation time, decode time, duration, flags.
pub(crate) struct SpanReader {
    start_s: f64,
    times_s: Vec<f64>,
    end_s: f64,
}

/// Frame times from the start of the file, ascending, and where the last frame ends.
pub(crate) struct Span {
    pub(crate) times_s: Vec<f64>,
    end_s: f64,
}

impl SpanReader {
    /// `start_s` is the time of the file's first packet in any stream.
    pub(crate) fn new(start_s: f64) -> Self {
        Self {
            start_s,
            times_s: Vec::new(),
            end_s: 0.0,
        }
    }

    pub(crate) fn read(&mut self, line: &str) {
        let mut fields = line.split(',');
        let mut seconds = || fields.next().and_then(|field| field.parse::<f64>().ok());
        let (presented, decoded, lasts) = (seconds(), seconds(), seconds());
        // Packets marked D are decoded but, by the file's own edit list, never shown.
        let shown = !fields.next().is_some_and(|flags| flags.contains('D'));
        let Some(time_s) = presented.or(decoded).filter(|_| shown) else {
            return;
        };
        if self.times_s.len() <= PACKETS_MAX {
            self.times_s.push(time_s - self.start_s);
        }
        self.end_s = self.end_s.max(time_s - self.start_s + lasts.unwrap_or(0.0));
    }

    pub(crate) fn finish(mut self) -> Result<Span, ProcessError> {
        if self.times_s.is_empty() {
            return Err(Rejection::damaged().into());
        }
        if self.times_s.len() > PACKETS_MAX {
            return Err(too_many_frames().into());
        }
        self.times_s.sort_by(f64::total_cmp);
        Ok(Span {
            times_s: self.times_s,
            end_s: self.end_s,
        })
    }
}

impl Span {
    pub(crate) fn duration_ms(&self) -> u64 {
        (self.end_s.max(0.0) * 1000.0).round() as u64
    }

    pub(crate) fn check(&self, limits: &MediaLimits) -> Result<(), Rejection> {
        let seconds = self.duration_ms() as f64 / 1000.0;
        if self.duration_ms() > limits.duration_ms_max {
            let minutes = limits.duration_ms_max / 60_000;
            let message = format!(
                "The video lasts {seconds:.0} s; at most {minutes} minutes are allowed. Cut it and upload it again."
            );
            return Err(Rejection::new("too_long", message));
        }
        if self.duration_ms() < limits.duration_ms_min {
            let least = limits.duration_ms_min / 1000;
            let message = format!(
                "The video lasts {seconds:.1} s; it must last at least {least} s. Upload a longer one."
            );
            return Err(Rejection::new("too_short", message));
        }
        Ok(())
    }
}

pub(crate) fn too_many_frames() -> Rejection {
    Rejection::new(
        "too_many_frames",
        "The video has more frames than any camera makes. Export it at 60 frames a second or below.",
    )
}
