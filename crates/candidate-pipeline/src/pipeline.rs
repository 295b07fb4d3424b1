//! Runs the stages in order, keeps their contracts and counts what happened.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;
use metrics::counter;

use crate::stage::{
    Candidate, Filter, Hydrator, QueryHydrator, Scorer, Selector, SideEffect, Source, StageError,
};

/// A recipe: its stages, in order. Built once at start.
pub struct Pipeline<Q, C> {
    pub name: &'static str,
    /// What a query hydrator may take before the request goes on without it.
    pub hydrator_deadline: Duration,
    /// What a source may take before the request goes on without it.
    pub source_deadline: Duration,
    pub query_hydrators: Vec<Box<dyn QueryHydrator<Q>>>,
    pub sources: Vec<Box<dyn Source<Q, C>>>,
    pub hydrators: Vec<Box<dyn Hydrator<Q, C>>>,
    pub filters: Vec<Box<dyn Filter<Q, C>>>,
    pub scorers: Vec<Box<dyn Scorer<Q, C>>>,
    pub selector: Box<dyn Selector<Q, C>>,
    pub side_effects: Vec<Box<dyn SideEffect<Q, C>>>,
}

/// The answer, and beside it everything that was left out.
#[derive(Debug)]
pub struct Outcome<C> {
    pub selected: Vec<C>,
    pub removed: Vec<Removed<C>>,
    pub stages: Vec<StageCount>,
}

/// A candidate that a filter took out.
#[derive(Debug)]
pub struct Removed<C> {
    pub candidate: C,
    pub filter: &'static str,
    pub reason: &'static str,
}

/// How many candidates a stage gave, or how it failed.
#[derive(Debug, PartialEq, Eq)]
pub struct StageCount {
    pub stage: &'static str,
    pub candidates: usize,
    pub failure: Option<String>,
}

impl<Q: Send + Sync, C: Candidate> Pipeline<Q, C> {
    /// Answers one query. Never fails: a broken stage costs its own work only, and is counted.
    pub async fn run(&self, query: &mut Q) -> Outcome<C> {
        let mut stages = Vec::with_capacity(self.sources.len() + 4);
        for hydrator in &self.query_hydrators {
            let done = guarded(hydrator.hydrate(query), self.hydrator_deadline).await;
            self.note(&mut stages, hydrator.name(), 0, done.err());
        }
        let query = &*query;
        let mut candidates = self.retrieve(query, &mut stages).await;
        for hydrator in &self.hydrators {
            let done = caught(|| hydrator.hydrate(query, &mut candidates));
            self.note(&mut stages, hydrator.name(), candidates.len(), done.err());
        }
        let (mut kept, removed) = self.filter(query, candidates, &mut stages);
        for scorer in &self.scorers {
            let done = caught(|| scorer.score(query, &mut kept));
            self.note(&mut stages, scorer.name(), kept.len(), done.err());
        }
        let selected = self.selector.select(query, kept);
        self.note(&mut stages, self.selector.name(), selected.len(), None);
        for effect in &self.side_effects {
            let done = caught(|| effect.run(query, &selected));
            self.note(&mut stages, effect.name(), selected.len(), done.err());
        }
        Outcome {
            selected,
            removed,
            stages,
        }
    }

    async fn retrieve(&self, query: &Q, stages: &mut Vec<StageCount>) -> Vec<C> {
        let running = self
            .sources
            .iter()
            .map(|source| guarded(source.retrieve(query), self.source_deadline));
        let mut merged: Vec<C> = Vec::new();
        let mut place_of: HashMap<C::Key, usize> = HashMap::new();
        for (source, found) in self.sources.iter().zip(join_all(running).await) {
            let (found, failure) = match found {
                Ok(found) => (found, None),
                Err(error) => (Vec::new(), Some(error)),
            };
            self.note(stages, source.name(), found.len(), failure);
            for candidate in found {
                match place_of.get(&candidate.key()) {
                    Some(&place) => merged[place].merge(candidate),
                    None => {
                        place_of.insert(candidate.key(), merged.len());
                        merged.push(candidate);
                    }
                }
            }
        }
        merged
    }

    fn filter(
        &self,
        query: &Q,
        candidates: Vec<C>,
        stages: &mut Vec<StageCount>,
    ) -> (Vec<C>, Vec<Removed<C>>) {
        let (mut kept, mut removed) = (candidates, Vec::new());
        for filter in &self.filters {
            let before = kept;
            kept = Vec::with_capacity(before.len());
            for candidate in before {
                // A filter that breaks removes: what might be hidden stays hidden.
                match std::panic::catch_unwind(AssertUnwindSafe(|| filter.check(query, &candidate)))
                    .unwrap_or(Err("filter_panicked"))
                {
                    Ok(()) => kept.push(candidate),
                    Err(reason) => {
                        counter!("riffle_pipeline_removed_total", "pipeline" => self.name, "filter" => filter.name(), "reason" => reason)
                            .increment(1);
                        removed.push(Removed {
                            candidate,
                            filter: filter.name(),
                            reason,
                        });
                    }
                }
            }
            self.note(stages, filter.name(), kept.len(), None);
        }
        (kept, removed)
    }

    fn note(
        &self,
        stages: &mut Vec<StageCount>,
        stage: &'static str,
        candidates: usize,
        failure: Option<StageError>,
    ) {
        if let Some(error) = &failure {
            counter!("riffle_pipeline_failures_total", "pipeline" => self.name, "stage" => stage)
                .increment(1);
            tracing::warn!(pipeline = self.name, stage, %error, "stage failed, request goes on without it");
        }
        stages.push(StageCount {
            stage,
            candidates,
            failure: failure.map(|error| error.to_string()),
        });
    }
}

async fn guarded<T>(
    work: impl Future<Output = Result<T, StageError>>,
    deadline: Duration,
) -> Result<T, StageError> {
    match tokio::time::timeout(deadline, AssertUnwindSafe(work).catch_unwind()).await {
        Ok(Ok(done)) => done,
        Ok(Err(_)) => Err(StageError("panicked".into())),
        Err(_) => Err(StageError(format!(
            "took longer than {} ms",
            deadline.as_millis()
        ))),
    }
}

fn caught<T>(work: impl FnOnce() -> Result<T, StageError>) -> Result<T, StageError> {
    std::panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(StageError("panicked".into())))
}
