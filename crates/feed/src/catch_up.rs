//! Query hydrator: waits, within a bound, until the viewer's own acknowledged events are in the viewer's state. A swipe that was
//! acknowledged is then always part of the next page; when a job lags, the page comes without it and that is counted.

use std::sync::Arc;
use std::time::Duration;

use candidate_pipeline::{BoxFuture, QueryHydrator, Stage, StageError};
use event::{partition_of, topic};
use event_log::{EventLog, Topic, TopicPartition};
use feature_store::{FeatureStore, job};
use types::ViewerId;

use crate::model::Query;

/// How long a page may wait for the viewer's own events, all topics together. Rather long: a page that comes without them may
/// repeat what was just seen, and half a second is what a page may take.
const PATIENCE: Duration = Duration::from_millis(250);

#[derive(Clone)]
pub(crate) struct CatchUp {
    pub log: Arc<dyn EventLog>,
    pub store: Arc<FeatureStore>,
}

impl CatchUp {
    /// Waits for everything of `viewer` that is durable now; false when patience ran out.
    pub(crate) async fn wait(&self, viewer: ViewerId) -> bool {
        let partition = partition_of(viewer, self.log.partitions());
        let waits = [topic::VIEWS, topic::ACTIONS].map(|topic| {
            let from = TopicPartition {
                topic: Topic(topic),
                partition,
            };
            self.store
                .applied_wait(job::USER_HISTORY, from, self.log.end(from), PATIENCE)
        });
        let [views, actions] = waits;
        let (views, actions) = tokio::join!(views, actions);
        if !(views && actions) {
            metrics::counter!("riffle_feed_stale_history_total").increment(1);
        }
        views && actions
    }
}

impl Stage for CatchUp {
    fn name(&self) -> &'static str {
        "catch_up"
    }

    fn about(&self) -> &'static str {
        "waits, within a bound, until the viewer's own last events are in their state"
    }

    fn is_switchable(&self) -> bool {
        false
    }
}

impl QueryHydrator<Query> for CatchUp {
    fn hydrate<'a>(&'a self, query: &'a mut Query) -> BoxFuture<'a, Result<(), StageError>> {
        Box::pin(async move {
            self.wait(query.viewer).await;
            Ok(())
        })
    }
}
