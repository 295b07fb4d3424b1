//! What an author of a stage implements. `Q` is the query, `C` the candidate. Callers never call these: the pipeline does, and keeps
//! their contracts.

use std::future::Future;
use std::hash::Hash;
use std::pin::Pin;

use crate::removals::Removals;

/// A boxed future that may borrow from the stage and the query.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A stage could not do its work; the request goes on without it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct StageError(pub String);

/// What is asked.
pub trait Asked: Send + Sync {
    /// Whom experiments divide by: the same for all requests of one person.
    fn unit(&self) -> u64;
}

/// Something that can be recommended. Cloned once a stage, so that what a stage does can be undone: a few dozen bytes, without a heap.
pub trait Candidate: Clone + Send + Sync + 'static {
    type Key: Eq + Hash + Copy + Send;

    /// Two candidates with one key are the same thing found twice.
    fn key(&self) -> Self::Key;

    /// Takes over what the second finding knows (for example its source).
    fn merge(&mut self, other: &Self);
}

/// What every stage says of itself.
pub trait Stage: Send + Sync {
    /// Short, unique in its pipeline, stable: meters and settings use it.
    fn name(&self) -> &'static str;

    /// What it does, in one line, for whoever reads the recipe.
    fn about(&self) -> &'static str;

    /// Whether an experiment may leave it out. False for what protects people.
    fn is_switchable(&self) -> bool {
        true
    }
}

/// Adds to the query what later stages need (history, blocks). Runs in order, before the sources.
pub trait QueryHydrator<Q>: Stage {
    fn hydrate<'a>(&'a self, query: &'a mut Q) -> BoxFuture<'a, Result<(), StageError>>;
}

/// Finds candidates, the best first. All sources run at once, each with the pipeline's deadline.
pub trait Source<Q, C>: Stage {
    fn retrieve<'a>(&'a self, query: &'a Q) -> BoxFuture<'a, Result<Vec<C>, StageError>>;
}

/// What one source found.
#[derive(Debug)]
pub struct Found<C> {
    pub source: &'static str,
    pub candidates: Vec<C>,
}

/// Makes one list of what the sources found, each thing once.
pub trait Merger<Q, C>: Stage {
    fn merge(&self, query: &Q, found: &[Found<C>]) -> Result<Vec<C>, StageError>;
}

/// Adds to candidates what filters and scorers need. Cannot add, remove or swap any: what it did is undone then.
pub trait Hydrator<Q, C>: Stage {
    fn hydrate(&self, query: &Q, candidates: &mut [C]) -> Result<(), StageError>;
}

/// Says which candidates must not stay, and why. Should it panic it is asked about each alone, and those it panics on go: what might be
/// hidden stays hidden.
pub trait Filter<Q, C>: Stage {
    fn filter(&self, query: &Q, candidates: &[C], removals: &mut Removals);
}

/// Writes scores into candidates; independent of the other candidates of the batch. Cannot add, remove or swap any, as a hydrator.
pub trait Scorer<Q, C>: Stage {
    fn score(&self, query: &Q, candidates: &mut [C]) -> Result<(), StageError>;
}

/// Lets the best go on, so that a dearer stage looks at few.
pub trait Cut<Q, C>: Stage {
    /// How many go on at most; the first so many when the cut fails.
    fn keep_max(&self, query: &Q) -> usize;

    /// Places of those that go on.
    fn keep(&self, query: &Q, candidates: &[C]) -> Result<Vec<usize>, StageError>;
}

/// Chooses and orders what is shown.
pub trait Selector<Q, C>: Stage {
    /// Places of the chosen ones, in the order in which they are shown. It may write into candidates, not move them.
    fn select(&self, query: &Q, candidates: &mut [C]) -> Result<Vec<usize>, StageError>;
}

/// Tells others what was chosen. Its failure does not touch the answer.
pub trait SideEffect<Q, C>: Stage {
    fn run(&self, query: &Q, selected: &[C]) -> Result<(), StageError>;
}
