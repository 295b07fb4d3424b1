//! Makes sure that the topics are there and of the right shape, when a log opens.
//!
//! It never changes a topic that exists: what does not fit is refused with what to do about it.

use std::thread;
use std::time::{Duration, Instant};

use event_log::block_on;
use rdkafka::admin::{
    AdminClient, AdminOptions, NewTopic, OwnedResourceSpecifier, ResourceSpecifier, TopicReplication,
};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use crate::client::{Voice, settings};
use crate::config::{KafkaConfig, Sync, Topics};
use crate::error::OpenError;

/// Between two looks at a topic that is being created.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Topics that are wanted, all of one shape.
pub(crate) struct Wanted<'a> {
    pub(crate) names: &'a [String],
    pub(crate) partitions: u16,
}

/// What the brokers say of one topic.
enum Found {
    Missing,
    /// So many partitions, and whether each of them has a leader.
    There(usize, bool),
}

/// Creates what is missing, where that is allowed, and waits until everything can be used.
pub(crate) fn ensure(
    config: &KafkaConfig,
    asker: &BaseConsumer<Voice>,
    wanted: &Wanted<'_>,
) -> Result<(), OpenError> {
    let deadline = Instant::now() + Duration::from_millis(u64::from(config.open_ms_max));
    let mut missing = Vec::new();
    for name in wanted.names {
        if let Found::Missing = look(config, asker, name, deadline)? {
            missing.push(name.as_str());
        }
    }
    match (config.topics, missing.first()) {
        (Topics::AsFound, Some(name)) => {
            return Err(OpenError::Missing {
                topic: (*name).to_owned(),
                partitions: wanted.partitions,
            });
        }
        (Topics::AsFound, None) => {}
        (Topics::Create, _) => {
            let admin: AdminClient<Voice> = settings(config)
                .create_with_context(Voice("admin"))
                .map_err(OpenError::Client)?;
            create(config, &admin, &missing, wanted.partitions)?;
            refuse_compacted(&admin, wanted.names, deadline)?;
        }
    }
    wanted
        .names
        .iter()
        .try_for_each(|name| settle(config, asker, name, wanted.partitions, deadline))
}

fn look(
    config: &KafkaConfig,
    asker: &BaseConsumer<Voice>,
    name: &str,
    deadline: Instant,
) -> Result<Found, OpenError> {
    let unreachable = |source| OpenError::Unreachable {
        brokers: config.brokers.clone(),
        waited_ms: config.open_ms_max,
        source,
    };
    let metadata = asker
        .fetch_metadata(Some(name), left(deadline))
        .map_err(unreachable)?;
    let Some(topic) = metadata.topics().first() else {
        return Ok(Found::Missing);
    };
    match topic.error().map(RDKafkaErrorCode::from) {
        Some(RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic) => {
            Ok(Found::Missing)
        }
        Some(RDKafkaErrorCode::LeaderNotAvailable) => Ok(Found::There(topic.partitions().len(), false)),
        Some(code) => Err(unreachable(KafkaError::MetadataFetch(code))),
        None => {
            let led = topic.partitions().iter().all(|partition| partition.leader() >= 0);
            Ok(Found::There(topic.partitions().len(), led))
        }
    }
}

/// Waits until the topic has its partitions and each has a leader.
fn settle(
    config: &KafkaConfig,
    asker: &BaseConsumer<Voice>,
    name: &str,
    partitions: u16,
    deadline: Instant,
) -> Result<(), OpenError> {
    loop {
        match look(config, asker, name, deadline)? {
            Found::There(found, _) if found > 0 && found != usize::from(partitions) => {
                return Err(OpenError::Partitions {
                    topic: name.to_owned(),
                    found,
                    wanted: partitions,
                });
            }
            Found::There(found, true) if found > 0 => return Ok(()),
            _ if Instant::now() >= deadline => {
                return Err(OpenError::Create {
                    topic: name.to_owned(),
                    reason: "its partitions have no leader; see the brokers' own logs".to_owned(),
                });
            }
            _ => thread::sleep(LOOK_EVERY),
        }
    }
}

fn create(
    config: &KafkaConfig,
    admin: &AdminClient<Voice>,
    names: &[&str],
    partitions: u16,
) -> Result<(), OpenError> {
    if names.is_empty() {
        return Ok(());
    }
    let in_sync_min = config.in_sync_min.to_string();
    let retention_ms = config.retention_ms.map_or("-1".to_owned(), |ms| ms.to_string());
    let topics = names.iter().map(|name| {
        let replication = TopicReplication::Fixed(i32::from(config.replication));
        let topic = NewTopic::new(name, i32::from(partitions), replication)
            // Compaction would leave holes, and offsets are counted on to have none.
            .set("cleanup.policy", "delete")
            .set("retention.ms", &retention_ms)
            .set("retention.bytes", "-1")
            .set("min.insync.replicas", &in_sync_min)
            // A copy that lags may not become the leader: it would forget acknowledged records.
            .set("unclean.leader.election.enable", "false")
            .set("message.timestamp.type", "CreateTime")
            .set("compression.type", "producer");
        match config.sync {
            Sync::Broker => topic,
            Sync::Always => topic.set("flush.messages", "1"),
        }
    });
    let topics: Vec<NewTopic<'_>> = topics.collect();
    let patience = Some(Duration::from_millis(u64::from(config.open_ms_max)));
    let options = AdminOptions::new()
        .request_timeout(patience)
        .operation_timeout(patience);
    let created = block_on(admin.create_topics(&topics, &options)).map_err(OpenError::Client)?;
    for result in created {
        match result {
            Ok(topic) => tracing::info!(topic, partitions, "created a topic"),
            // Another process of the house opened at the same time.
            Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((topic, code)) => {
                return Err(OpenError::Create {
                    topic,
                    reason: code.to_string(),
                });
            }
        }
    }
    Ok(())
}

/// Fails when a topic is compacted. A cluster that does not tell its settings is believed.
fn refuse_compacted(
    admin: &AdminClient<Voice>,
    names: &[String],
    deadline: Instant,
) -> Result<(), OpenError> {
    let resources: Vec<ResourceSpecifier<'_>> =
        names.iter().map(|name| ResourceSpecifier::Topic(name)).collect();
    let options = AdminOptions::new().request_timeout(Some(left(deadline)));
    let described = match block_on(admin.describe_configs(&resources, &options)) {
        Ok(described) => described,
        Err(error) => {
            tracing::warn!(%error, "the topics' settings could not be read");
            return Ok(());
        }
    };
    let compacted = described.into_iter().flatten().find(|resource| {
        let policy = resource
            .get("cleanup.policy")
            .and_then(|policy| policy.value.as_deref());
        policy.is_some_and(|policy| policy.contains("compact"))
    });
    match compacted.map(|resource| resource.specifier) {
        Some(OwnedResourceSpecifier::Topic(topic)) => Err(OpenError::Compacted { topic }),
        _ => Ok(()),
    }
}

/// What is left of the time, and never nothing: a question with no time at all fails without being asked.
fn left(deadline: Instant) -> Duration {
    deadline
        .saturating_duration_since(Instant::now())
        .max(Duration::from_millis(100))
}
