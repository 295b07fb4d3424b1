//! Watch time as an ordinal question: in which bucket does it end, given that it got there?
//!
//! The bucket edges are quantiles of watch time within a group of like durations (Zhan et al. 2022, "D2Q"), so a long video is
//! not better for being long. Each bucket has a hazard, the probability to end in it for who reached it (Sun et al. 2024, "CREAD", restores
//! seconds from such buckets). A watch whose end was not seen trains only the buckets it survived.
//! Until a group has been seen, its edges are equal parts of twice the video's length.

use std::sync::Arc;

use crate::config::WatchConfig;
use crate::snapshot::{Decoder, Encoder, RestoreError};

/// Histogram bins of a group: an eighth of an octave of 1 + seconds each, up to about 4 hours.
const BINS: usize = 112;
const BINS_PER_OCTAVE: f32 = 8.0;
/// Watches before a group's own quantiles are used.
const FIRST: u32 = 64;

/// Edges per duration group: what serving needs.
#[derive(Debug, Clone, PartialEq)]
pub struct WatchEdges {
    /// Upper bounds of the groups in seconds; one more group lies above.
    groups_s: Vec<f32>,
    buckets: usize,
    /// Buckets + 1 edges in seconds for each group, the first 0; empty until known.
    edges_s: Vec<Vec<f32>>,
}

/// One bucket's part of a loss: its output and target, as [`WatchEdges::targets`] gives them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hazard {
    pub bucket: usize,
    /// 1 in the bucket where the watch ended.
    pub ended: f32,
}

impl WatchEdges {
    /// Logits of the head.
    pub fn buckets(&self) -> usize {
        self.buckets
    }

    fn group(&self, duration_s: f32) -> usize {
        self.groups_s.iter().filter(|bound| duration_s > **bound).count()
    }

    pub(crate) fn write(&self, out: &mut Encoder) {
        for edges in &self.edges_s {
            out.f32s(edges);
        }
    }

    pub(crate) fn read_back(&mut self, from: &mut Decoder<'_>) -> Result<(), RestoreError> {
        for edges in &mut self.edges_s {
            *edges = from.f32s()?;
            if !edges.is_empty() && edges.len() != self.buckets + 1 {
                return Err(RestoreError::Format("watch edges"));
            }
        }
        Ok(())
    }

    /// Lower edge of a bucket in seconds; that of bucket `buckets()` is the scale's end.
    pub fn edge_s(&self, duration_s: f32, bucket: usize) -> f32 {
        match self.edges_s[self.group(duration_s)].get(bucket) {
            Some(edge) => *edge,
            None => duration_s.max(1.0) * 2.0 * bucket as f32 / self.buckets as f32,
        }
    }

    /// The bucket in which a watch ends.
    fn bucket(&self, watched_s: f32, duration_s: f32) -> usize {
        let edges = &self.edges_s[self.group(duration_s)];
        match edges.get(1..self.buckets) {
            Some(inner) => inner.iter().take_while(|edge| **edge <= watched_s).count(),
            None => {
                let over = |bucket: &usize| self.edge_s(duration_s, bucket + 1) <= watched_s;
                (0..self.buckets - 1).take_while(over).count()
            }
        }
    }

    /// The hazards that a watch speaks about: survived buckets, then the one it ended in. A censored watch says nothing about its
    /// last bucket.
    pub fn targets(&self, watched_s: f32, duration_s: f32, censored: bool) -> impl Iterator<Item = Hazard> {
        let ended = self.bucket(watched_s, duration_s);
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
            let hazard = if last {
                1.0
            } else {
                crate::kernels::sigmoid(*logit)
            };
            let ends = alive * hazard;
            let width = self.edge_s(duration_s, bucket + 1) - self.edge_s(duration_s, bucket);
            seconds += width * (alive - 0.5 * ends);
            quantile += ends * (bucket as f32 + 0.5) / self.buckets as f32;
            alive -= ends;
        }
        (seconds, quantile)
    }
}

/// Edges with the histograms they are read from: what learning needs.
#[derive(Debug, Clone)]
pub(crate) struct WatchScale {
    pub edges: Arc<WatchEdges>,
    refresh: u32,
    keep: f32,
    groups: Vec<Group>,
}

#[derive(Debug, Clone)]
struct Group {
    histogram: Vec<f32>,
    since: u32,
}

impl WatchScale {
    pub fn new(config: &WatchConfig, buckets: usize) -> Self {
        let groups = config.groups_s.len() + 1;
        let group = Group {
            histogram: vec![0.0; BINS],
            since: 0,
        };
        let edges = WatchEdges {
            groups_s: config.groups_s.clone(),
            buckets,
            edges_s: vec![Vec::new(); groups],
        };
        Self {
            edges: Arc::new(edges),
            refresh: config.refresh,
            keep: config.keep,
            groups: vec![group; groups],
        }
    }

    /// Learns the scale from one whole watch.
    pub fn observe(&mut self, watched_s: f32, duration_s: f32) {
        let bin = ((1.0 + watched_s.max(0.0)).log2() * BINS_PER_OCTAVE) as usize;
        let index = self.edges.group(duration_s);
        let group = &mut self.groups[index];
        group.histogram[bin.min(BINS - 1)] += 1.0;
        group.since += 1;
        let first = self.edges.edges_s[index].is_empty() && group.since >= FIRST;
        if !first && group.since < self.refresh {
            return;
        }
        group.since = 0;
        let edges = Arc::make_mut(&mut self.edges);
        edges.edges_s[index] = quantiles(&group.histogram, edges.buckets);
        for count in &mut group.histogram {
            *count *= self.keep;
        }
    }

    pub fn write(&self, out: &mut Encoder) {
        self.edges.write(out);
        for group in &self.groups {
            out.u32(group.since).f32s(&group.histogram);
        }
    }

    pub fn read_back(&mut self, from: &mut Decoder<'_>) -> Result<(), RestoreError> {
        Arc::make_mut(&mut self.edges).read_back(from)?;
        for group in &mut self.groups {
            group.since = from.u32()?;
            from.fill(&mut group.histogram)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn scale() -> WatchScale {
        let mut scale = WatchScale::new(&WatchConfig::default(), 16);
        for i in 0..4096 {
            scale.observe((i * 1237 % 4096) as f32 / 4096.0 * 20.0, 10.0);
        }
        scale
    }

    /// Logits so steep that the hazards are 0 and 1.
    fn certain(bucket: usize) -> Vec<f32> {
        (0..16).map(|i| if i == bucket { 50.0 } else { -50.0 }).collect()
    }

    #[test]
    fn what_was_put_into_a_bucket_comes_out_of_it() {
        let scale = scale();
        for watched_s in [0.3_f32, 2.0, 7.7, 12.0, 19.0] {
            let bucket = scale
                .edges
                .targets(watched_s, 10.0, false)
                .last()
                .map(|last| last.bucket);
            let bucket = bucket.unwrap_or_default();
            let (seconds, quantile) = scale.edges.restore(10.0, &certain(bucket));
            assert!((seconds - watched_s).abs() < 1.5, "{watched_s} became {seconds}");
            assert!(
                (quantile - watched_s / 20.0).abs() < 0.08,
                "{watched_s} has quantile {quantile}"
            );
        }
    }

    #[test]
    fn a_censored_watch_speaks_of_survival_alone() {
        let scale = scale();
        let whole: Vec<Hazard> = scale.edges.targets(9.0, 10.0, false).collect();
        let censored: Vec<Hazard> = scale.edges.targets(9.0, 10.0, true).collect();
        assert_eq!(censored, whole[..whole.len() - 1]);
        assert!(censored.iter().all(|hazard| hazard.ended == 0.0));
        assert_eq!(scale.edges.targets(1e9, 10.0, false).count(), 16);
    }

    #[test]
    fn a_group_without_watches_uses_the_length() {
        let scale = scale();
        assert_eq!(scale.edges.edge_s(200.0, 8), 200.0);
    }
}
