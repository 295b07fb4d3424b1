//! What goes in and what comes out: borrowed rows and examples, reused answers.

use std::sync::Arc;

use crate::watch::WatchEdges;

/// One candidate for one viewer, as extraction left it.
#[derive(Debug, Clone, Copy, Default)]
pub struct RowRef<'a> {
    /// Slot and id (its low 54 bits count), in any order. A slot may be absent, or repeated: then its vectors are pooled.
    /// Slots that the schema does not know are passed over.
    pub ids: &'a [(u16, u64)],
    /// As many values as the schema has; on any scale, NaN where unknown.
    pub dense: &'a [f32],
    /// Length of the video in seconds, 0 where unknown. Read by the watch head's scale alone.
    pub duration_s: f32,
}

/// One impression and what became of it.
#[derive(Debug, Clone, Copy)]
pub struct ExampleRef<'a> {
    pub row: RowRef<'a>,
    /// One value a head in the schema's order, NaN where unknown; the watch head's is ignored.
    pub targets: &'a [f32],
    pub watch: Option<Watch>,
    /// Factor on all gradients, 1 ordinarily.
    pub weight: f32,
    pub kind: ExampleKind,
    /// When the outcome was known, in seconds of event time.
    pub at_s: u32,
}

/// How long somebody watched.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Watch {
    pub watched_s: f32,
    pub duration_s: f32,
    /// The end was not seen: the true time is at least this long.
    pub censored: bool,
}

/// What an example's targets mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExampleKind {
    /// 0 or 1 (or a probability between).
    Outcome,
    /// The difference to what was learned before: +1 for a like that came late, −1 for one taken back. The gradient of the logistic
    /// loss is linear in the target, so this corrects the earlier step exactly, up to what the weights moved since.
    Delta,
}

/// Answers for a batch, reused from call to call.
#[derive(Debug, Clone, Default)]
pub struct Predictions {
    /// Rows × outputs.
    pub(crate) logits: Vec<f32>,
    /// Rows × heads; the watch head's entry is unused.
    pub(crate) calibrated: Vec<f32>,
    /// Length and expected outcome of each row.
    pub(crate) durations_s: Vec<f32>,
    pub(crate) outputs: usize,
    pub(crate) heads: usize,
    /// First output of each head.
    pub(crate) starts: Vec<usize>,
    pub(crate) watch: Option<(usize, Arc<WatchEdges>)>,
    pub(crate) scratch: crate::net::Scratch,
    pub(crate) serve: crate::serve::ServeScratch,
}

impl Predictions {
    /// Rows answered.
    pub fn len(&self) -> usize {
        self.durations_s.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.durations_s.is_empty()
    }

    /// Calibrated probability of a binary head.
    ///
    /// # Panics
    /// When row or head is out of range.
    pub fn p(&self, row: usize, head: usize) -> f32 {
        assert!(head < self.heads, "there are {} heads", self.heads);
        self.calibrated[row * self.heads + head]
    }

    /// Logit of a binary head before calibration.
    pub fn logit(&self, row: usize, head: usize) -> f32 {
        self.logits[row * self.outputs + self.starts[head]]
    }

    /// Probability of a binary head before calibration.
    pub fn raw(&self, row: usize, head: usize) -> f32 {
        crate::kernels::sigmoid(self.logit(row, head))
    }

    /// Expected watch time in seconds; 0 without a watch head or without a duration.
    pub fn watch_s(&self, row: usize) -> f32 {
        self.restored(row).map_or(0.0, |restored| restored.0)
    }

    /// Expected quantile of watch time among watches of videos of like duration, 0 to 1; ½ without a watch head.
    pub fn watch_quantile(&self, row: usize) -> f32 {
        self.restored(row).map_or(0.5, |restored| restored.1)
    }

    fn restored(&self, row: usize) -> Option<(f32, f32)> {
        let (start, scale) = self.watch.as_ref()?;
        let logits = &self.logits[row * self.outputs + start..][..scale.buckets()];
        Some(scale.restore(self.durations_s[row], logits))
    }
}
