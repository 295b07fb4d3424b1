//! Side effect: notes what was served, at once in memory and for good in the log. The page does not wait for the disk.

use std::sync::Arc;

use candidate_pipeline::{SideEffect, Stage, StageError};
use event::{Event, ServedItem, ServedSlate, partition_of, topic};
use event_log::{Append, EventLog, Topic, TopicPartition};
use feature_store::FeatureStore;
use types::ImpressionId;

use crate::explore;
use crate::model::{Query, VideoCandidate};
use crate::receipt::receipt;
use crate::seeded::Seeded;

pub(crate) struct NoteServed {
    pub log: Arc<dyn EventLog>,
    pub store: Arc<FeatureStore>,
    /// The value of each feature that a record leaves out.
    pub defaults: Arc<[f32]>,
}

/// The impression at `position` of the request seeded with `seed`; the page and the record agree on it.
pub(crate) fn impression_at(seed: u64, position: usize) -> ImpressionId {
    ImpressionId::from_raw(
        Seeded::new(seed.wrapping_add(position as u64 * 0x1_0001))
            .next()
            .max(1),
    )
}

impl Stage for NoteServed {
    fn name(&self) -> &'static str {
        "note_served"
    }

    fn about(&self) -> &'static str {
        "notes what was served, at once in memory and for good in the log, with the rows that were scored"
    }

    fn is_switchable(&self) -> bool {
        false
    }
}

impl SideEffect<Query, VideoCandidate> for NoteServed {
    fn run(&self, query: &Query, selected: &[VideoCandidate]) -> Result<(), StageError> {
        let is_new = |one: &VideoCandidate| query.holds(one.video).is_none();
        if query.is_dry || !selected.iter().any(is_new) {
            return Ok(());
        }
        let failed = |error: &dyn std::error::Error| StageError(error.to_string());
        // What the client held already was noted when it was given.
        let new = || {
            selected
                .iter()
                .enumerate()
                .filter(|(_, one)| query.holds(one.video).is_none())
        };
        explore::meter(new().map(|(_, candidate)| (candidate.explored, candidate.even)));
        let videos: Vec<_> = new().map(|(_, candidate)| candidate.video).collect();
        self.store
            .viewer_served(query.viewer, query.now_ms, &videos)
            .map_err(|error| failed(&error))?;
        let items = new().map(|(position, candidate)| item(query, position, candidate, &self.defaults));
        let slate = Event::Served(ServedSlate {
            viewer: query.viewer,
            at_ms: query.now_ms,
            items: items.collect(),
            receipts: new().map(|(_, candidate)| receipt(query, candidate)).collect(),
        });
        let partition = partition_of(query.viewer, self.log.partitions());
        let to = TopicPartition {
            topic: Topic(topic::SERVED),
            partition,
        };
        let append = Append {
            to,
            at_ms: query.now_ms,
            payload: slate.encode().into(),
        };
        let durable = self.log.append(vec![append]).map_err(|error| {
            metrics::counter!("riffle_feed_served_lost_total", "reason" => "refused").increment(1);
            failed(&error)
        })?;
        // Queued in order; nobody waits for it. Should the log stop before it is durable, the log says so.
        drop(durable);
        Ok(())
    }
}

/// What the log keeps of a candidate. One that was picked from beyond the best has no row: nothing is learned from it.
pub(crate) fn item(
    query: &Query,
    position: usize,
    candidate: &VideoCandidate,
    defaults: &[f32],
) -> ServedItem {
    let row = query.row(candidate);
    if row.is_none() {
        metrics::counter!("riffle_feed_served_without_row_total").increment(1);
    }
    ServedItem {
        impression: impression_at(query.seed, position),
        video: candidate.video,
        position: position as u16,
        source: match (candidate.explored, candidate.even) {
            (true, true) => event::Source::Uniform,
            (true, false) => event::Source::Explore,
            (false, _) => candidate.sources.first(),
        },
        score: candidate.score,
        propensity: candidate.propensity,
        duration_ms: query.profile(candidate).map_or(0, |profile| profile.duration_ms),
        ids: row.map_or_else(Vec::new, |row| row.ids.clone()),
        features: row.map_or_else(Vec::new, |row| row.logged(defaults)),
    }
}
