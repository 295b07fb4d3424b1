//! Watch time as an ordinal question: in which bucket does it end, given that it got there?
//!
//! The bucket edges are quantiles of watch time within a group of like durations (Zhan et al. 2022, "D2Q"), so a long video is
//! not better for being long. Each bucket has a hazard, the probability to end in it for who reached it (Sun et al. 2024, "CREAD", restores
//! seconds from such buckets). A watch whose end was not seen trains only the buckets it survived.
//! Until a group has been seen, its edges are equal parts of twice the video's length.

use crate::config::WatchConfig;
use crate::snapshot::{Decoder, Encoder, RestoreError};

/// Histogram bins of a group: an eighth of an octave of 1 + seconds each, up to about 4 hours.
const BINS: usize = 112;
const BINS_PER_OCTAVE: f32 = 8.0;
/// Watches before a group's own quantiles are used.
const FIRST: f32 = 64.0;

/// Edges per duration group, with what is needed to keep them fresh.
#[derive(Debug, Clone, PartialEq)]
pub struct WatchScale {
    config: WatchConfig,
    buckets: usize,
    groups: Vec<Group>,
}

#[derive(Debug, Clone, PartialEq)]
struct Group {
    histogram: Vec<f32>,
    since: u32,
    /// Buckets + 1 edges in seconds, the first 0; empty until known.
    edges_s: Vec<f32>,
}

/// One bucket's part of a loss: its output and target, as [`WatchScale::targets`] gives them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hazard {
    pub bucket: usize,
    /// 1 in the bucket where the watch ended.
    pub ended: f32,
}

impl WatchScale {
    pub(crate) fn new(config: &WatchConfig, buckets: usize) -> Self {
        let group = Group {
            histogram: vec![0.0; BINS],
            since: 0,
            edges_s: Vec::new(),
        };
        Self {
            config: config.clone(),
            buckets,
            groups: vec![group; config.groups_s.len() + 1],
        }
    }

    /// Logits of the head.
    pub fn buckets(&self) -> usize {
        self.buckets
    }

    fn group(&self, duration_s: f32) -> usize {
        self.config.groups_s.iter().filter(|bound| duration_s > **bound).count()
    }

    /// Upper edge of a bucket in seconds.
    fn edge(&self, duration_s: f32, bucket: usize) -> f32 {
        let group = &self.groups[self.group(duration_s)];
        match group.edges_s.get(bucket) {
            Some(edge) => *edge,
            None => duration_s.max(1.0) * 2.0 * bucket as f32 / self.buckets as f32,
        }
    }

    /// The hazards that a watch of `watched_s` speaks about: survived buckets, then the one it ended in. A censored watch says nothing about its last bucket.
    pub fn targets(&self, watched_s: f32, duration_s: f32, censored: bool) -> impl Iterator<Item = Hazard> {
        let edge = |bucket: &usize| *bucket < self.buckets - 1 && self.edge(duration_s, bucket + 1) <= watched_s;
        let ended = (0..self.buckets).take_while(edge).count();
        let survived = (0..ended).map(|bucket| Hazard { bucket, ended: 0.0 });
        let last = Hazard {
            bucket: ended,
            ended: 1.0,
        };
        survived.chain((!censored).then_some(last))
    }

    /// Expected seconds and expected quantile from the hazards' logits, for a video of `duration_s`.
    /// The seconds are the area under the survival curve, straight between edges.
    pub fn restore(&self, duration_s: f32, logits: &[f32]) -> (f32, f32) {
        let mut alive = 1.0;
        let (mut seconds, mut quantile) = (0.0, 0.0);
        for (bucket, logit) in logits.iter().enumerate() {
            let last = bucket + 1 == self.buckets;
            let hazard = if last { 1.0 } else { crate::kernels::sigmoid(*logit) };
            let ends = alive * hazard;
            let width = self.edge(duration_s, bucket + 1) - self.edge(duration_s, bucket);
            seconds += width * (alive - 0.5 * ends);
            quantile += ends * (bucket as f32 + 0.5) / self.buckets as f32;
            alive -= ends;
        }
        (seconds, quantile)
    }

    /// Learns the scale from one whole watch; answers whether edges moved.
    pub(crate) fn observe(&mut self, watched_s: f32, duration_s: f32) -> bool {
        let bin = ((1.0 + watched_s.max(0.0)).log2() * BINS_PER_OCTAVE) as usize;
        let index = self.group(duration_s);
        let group = &mut self.groups[index];
        group.histogram[bin.min(BINS - 1)] += 1.0;
        group.since += 1;
        let first = group.edges_s.is_empty() && group.since as f32 >= FIRST;
        if !first && group.since < self.config.refresh {
            return false;
        }
        group.since = 0;
        group.edges_s = quantiles(&group.histogram, self.buckets);
        for count in &mut group.histogram {
            *count *= self.config.keep;
        }
        true
    }

    pub(crate) fn write(&self, out: &mut Encoder) {
        for group in &self.groups {
            out.u32(group.since).f32s(&group.histogram).f32s(&group.edges_s);
        }
    }

    pub(crate) fn read_back(&mut self, from: &mut Decoder<'_>) -> Result<(), RestoreError> {
        for group in &mut self.groups {
            group.since = from.u32()?;
            from.fill(&mut group.histogram)?;
            group.edges_s = from.f32s()?;
            if !group.edges_s.is_empty() && group.edges_s.len() != self.buckets + 1 {
                return Err(RestoreError::Format("watch edges"));
            }
        }
        Ok(())
    }
}

/// Edges in seconds that split the histogram into equal parts, linear within a bin; the first is 0 and each is above the one before.
fn quantiles(histogram: &[f32], parts: usize) -> Vec<f32> {
    let seconds = |bin: f32| (bin / BINS_PER_OCTAVE).exp2() - 1.0;
    let total: f32 = histogram.iter().sum();
    let mut edges = vec![0.0_f32];
    let (mut bin, mut before) = (0, 0.0);
    for part in 1..=parts {
        let wanted = total * part as f32 / parts as f32;
        while bin + 1 < histogram.len() && before + histogram[bin] < wanted {
            before += histogram[bin];
            bin += 1;
        }
        let inside = ((wanted - before) / histogram[bin].max(1e-6)).clamp(0.0, 1.0);
        let edge = seconds(bin as f32 + inside);
        let previous = edges[part - 1];
        edges.push(edge.max(previous + 1e-3));
    }
    edges
}
