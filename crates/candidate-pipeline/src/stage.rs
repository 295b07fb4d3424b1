//! What an author of a stage implements. `Q` is the query, `C` the candidate.

use std::future::Future;
use std::hash::Hash;
use std::pin::Pin;

/// A boxed future that may borrow from the stage and the query.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A stage could not do its work; the request goes on without it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct StageError(pub String);

/// Something that can be recommended.
pub trait Candidate: Send + Sync + 'static {
    type Key: Eq + Hash + Copy + Send;

    /// Two candidates with one key are the same thing found twice.
    fn key(&self) -> Self::Key;

    /// Takes over what the second finding knows (for example its source).
    fn merge(&mut self, other: Self);
}

/// Adds to the query what later stages need (history, blocks). Runs in order, before the sources.
pub trait QueryHydrator<Q>: Send + Sync {
    fn name(&self) -> &'static str;
    fn hydrate<'a>(&'a self, query: &'a mut Q) -> BoxFuture<'a, Result<(), StageError>>;
}

/// Finds candidates. All sources run at once, each with the pipeline's deadline.
pub trait Source<Q, C>: Send + Sync {
    fn name(&self) -> &'static str;
    fn retrieve<'a>(&'a self, query: &'a Q) -> BoxFuture<'a, Result<Vec<C>, StageError>>;
}

/// Adds to candidates what filters and scorers need. Cannot add or remove any.
pub trait Hydrator<Q, C>: Send + Sync {
    fn name(&self) -> &'static str;
    fn hydrate(&self, query: &Q, candidates: &mut [C]) -> Result<(), StageError>;
}

/// Says whether a candidate may stay; `Err` carries the reason, a short word of few values.
pub trait Filter<Q, C>: Send + Sync {
    fn name(&self) -> &'static str;
    fn check(&self, query: &Q, candidate: &C) -> Result<(), &'static str>;
}

/// Writes scores into candidates; independent of the other candidates of the batch.
pub trait Scorer<Q, C>: Send + Sync {
    fn name(&self) -> &'static str;
    fn score(&self, query: &Q, candidates: &mut [C]) -> Result<(), StageError>;
}

/// Chooses and orders what is shown.
pub trait Selector<Q, C>: Send + Sync {
    fn name(&self) -> &'static str;
    fn select(&self, query: &Q, candidates: Vec<C>) -> Vec<C>;
}

/// Tells others what was chosen. Its failure does not touch the answer.
pub trait SideEffect<Q, C>: Send + Sync {
    fn name(&self) -> &'static str;
    fn run(&self, query: &Q, selected: &[C]) -> Result<(), StageError>;
}
