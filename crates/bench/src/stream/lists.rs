//! The sink of the trending job: at the end of each slide, the hundred best of the last hour.
//!
//! It holds the window's totals and moves them on by one bin a slide: one bin comes in, one goes. Like a list that a feed reads it is in
//! memory only; after a restart the engine hands it all rows again.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BinaryHeap, HashMap};

use parking_lot::Mutex;
use stream::keyed::{Sink, SinkError, SinkState};

use super::job::{BIN_MS, Row, Sums, WINDOW_BINS};

const LIST_MAX: usize = 100;

type ByVideo = HashMap<u64, Sums, foldhash::fast::RandomState>;

/// The best of one window.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct List {
    pub(crate) end_ms: i64,
    pub(crate) best: Vec<Ranked>,
}

/// Ordered by score; of equals the smaller id is the better one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Ranked {
    pub(crate) score: f64,
    pub(crate) video: u64,
}

impl Eq for Ranked {}

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_score = self.score.total_cmp(&other.score);
        by_score.then_with(|| other.video.cmp(&self.video))
    }
}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// See the module.
#[derive(Default)]
pub(crate) struct Lists(Mutex<Held>);

#[derive(Default)]
struct Held {
    /// Bins of the window and newer ones.
    bins: BTreeMap<i64, ByVideo>,
    /// Sums of the window's bins, and the bin after the newest of them.
    window: ByVideo,
    next: Option<i64>,
    lists: Vec<List>,
    /// The last list's end, now and when the last checkpoint was cut.
    listed_ms: i64,
    boundary_ms: i64,
}

impl Lists {
    /// The lists so far, oldest first.
    pub(crate) fn lists(&self) -> Vec<List> {
        self.0.lock().lists.clone()
    }
}

impl Held {
    fn take(&mut self, row: &Row) {
        let next = self.next.unwrap_or(i64::MIN);
        if row.bin < next.saturating_sub(WINDOW_BINS) {
            return;
        }
        let before = self.bins.entry(row.bin).or_default().insert(row.video, row.sums);
        // A bin that the window has already: only what is new about it.
        if row.bin < next {
            let total = self.window.entry(row.video).or_default();
            total.add(&row.sums);
            total.subtract(&before.unwrap_or_default());
        }
    }

    /// Slides as far as the watermark allows, and on to the last bin there is when time has ended.
    fn slide_to(&mut self, watermark_ms: i64) {
        let Some((&newest, _)) = self.bins.last_key_value() else {
            return;
        };
        let Some(mut next) = self.next.or_else(|| self.bins.keys().next().copied()) else {
            return;
        };
        while (next + 1) * BIN_MS <= watermark_ms && next < newest + WINDOW_BINS {
            self.slide(next);
            next += 1;
        }
        self.next = Some(next);
    }

    fn slide(&mut self, bin: i64) {
        for (&video, sums) in self.bins.get(&bin).into_iter().flatten() {
            self.window.entry(video).or_default().add(sums);
        }
        for (video, sums) in self.bins.remove(&(bin - WINDOW_BINS)).into_iter().flatten() {
            if let Some(total) = self.window.get_mut(&video) {
                total.subtract(&sums);
            }
        }
        self.window.retain(|_, total| !total.is_zero());
        let end_ms = (bin + 1) * BIN_MS;
        if end_ms > self.listed_ms {
            self.listed_ms = end_ms;
            self.lists.push(List {
                end_ms,
                best: best(&self.window, end_ms),
            });
        }
    }
}

fn best(window: &ByVideo, end_ms: i64) -> Vec<Ranked> {
    let mut heap = BinaryHeap::with_capacity(LIST_MAX + 1);
    for (&video, total) in window {
        let ranked = Reverse(Ranked {
            score: total.score(video, end_ms),
            video,
        });
        if heap.len() < LIST_MAX {
            heap.push(ranked);
        } else if heap.peek().is_some_and(|worst| ranked < *worst) {
            heap.pop();
            heap.push(ranked);
        }
    }
    let ascending = heap.into_sorted_vec();
    ascending.into_iter().map(|Reverse(ranked)| ranked).collect()
}

impl Sink<Row> for Lists {
    fn apply(&self, rows: &mut Vec<Row>) -> Result<(), SinkError> {
        let mut held = self.0.lock();
        rows.drain(..).for_each(|row| held.take(&row));
        Ok(())
    }

    fn epoch_end(&self, watermark_ms: i64, _: i64) {
        self.0.lock().slide_to(watermark_ms);
    }

    fn boundary(&self, _: u64) {
        let mut held = self.0.lock();
        held.boundary_ms = held.listed_ms;
    }

    fn flush(&self, _: u64) -> Result<Vec<u8>, SinkError> {
        Ok(self.0.lock().boundary_ms.to_le_bytes().to_vec())
    }

    fn restore(&self, version: u64, mark: &[u8]) -> Result<SinkState, SinkError> {
        let mut held = self.0.lock();
        held.listed_ms = mark.first_chunk().map_or(0, |bytes| i64::from_le_bytes(*bytes));
        held.boundary_ms = held.listed_ms;
        Ok(if version == 0 {
            SinkState::Intact
        } else {
            SinkState::Lost
        })
    }
}
