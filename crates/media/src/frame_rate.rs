//! The constant frame rate a video gets, from the times of its packets; headers are not asked.

use serde::{Deserialize, Serialize};

/// Rates that cameras and editors mean; a measured rate within one in a hundred is taken to be one of them.
const COMMON: [FrameRate; 13] = [
    FrameRate::new(10, 1),
    FrameRate::new(12, 1),
    FrameRate::new(25, 2),
    FrameRate::new(15, 1),
    FrameRate::new(20, 1),
    FrameRate::new(24_000, 1001),
    FrameRate::new(24, 1),
    FrameRate::new(25, 1),
    FrameRate::new(30_000, 1001),
    FrameRate::new(30, 1),
    FrameRate::new(50, 1),
    FrameRate::new(60_000, 1001),
    FrameRate::new(60, 1),
];
const SNAP_RATIO: f64 = 0.01;
/// Slower sources repeat frames up to this, so that seeking and segments work as for any other video.
const FPS_MIN: f64 = 10.0;
/// A distance this near to the median is a usual one.
const USUAL_RATIO: f64 = 0.25;

/// Frames per second as a fraction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrameRate {
    /// Frames …
    pub numerator: u32,
    /// … in this many seconds.
    pub denominator: u32,
}

impl FrameRate {
    /// `numerator / denominator` frames per second.
    pub const fn new(numerator: u32, denominator: u32) -> Self {
        Self {
            numerator,
            denominator,
        }
    }

    /// Frames per second.
    pub fn fps(self) -> f64 {
        f64::from(self.numerator) / f64::from(self.denominator)
    }

    /// Ticks per second in which every frame lasts a whole number of ticks.
    pub fn timescale(self) -> u32 {
        if self.numerator >= 10_000 {
            self.numerator
        } else {
            self.numerator * 1000
        }
    }

    /// The rate for frames at these times (seconds, ascending), at most `fps_max`.
    ///
    /// It is the mean of the usual distances, those near the median: hidden frames and clocks of whole milliseconds do
    /// not shift it, and a variable source stays as smooth as its usual passages; gaps are filled by repeating a frame.
    pub fn of_times(times_s: &[f64], fps_max: u32) -> Self {
        let mut gaps: Vec<f64> = times_s
            .windows(2)
            .map(|pair| pair[1] - pair[0])
            .filter(|gap| *gap > 0.0)
            .collect();
        gaps.sort_by(f64::total_cmp);
        let Some(median) = gaps.get(gaps.len() / 2).copied() else {
            return Self::new(FPS_MIN as u32, 1);
        };
        gaps.retain(|gap| (gap / median - 1.0).abs() < USUAL_RATIO);
        let fps = gaps.len() as f64 / gaps.iter().sum::<f64>();
        Self::snap(thin(fps, f64::from(fps_max)).max(FPS_MIN))
    }

    fn snap(fps: f64) -> Self {
        let distance = |rate: &Self| (rate.fps() / fps - 1.0).abs();
        let nearest = COMMON
            .into_iter()
            .min_by(|a, b| distance(a).total_cmp(&distance(b)));
        match nearest.filter(|rate| distance(rate) < SNAP_RATIO) {
            Some(rate) => rate,
            None => Self::new(fps.round() as u32, 1),
        }
    }
}

/// Keeps every n-th frame of a source that is too fast, with the smallest n: 120 gives 60, 90 gives 45.
fn thin(fps: f64, fps_max: f64) -> f64 {
    fps / (fps / (fps_max * (1.0 + SNAP_RATIO))).ceil().max(1.0)
}
