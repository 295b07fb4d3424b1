//! Opening: what topics are made like, and which are refused.

use event_log::conformance::settle;
use event_log::{Append, EventLog, Topic, TopicPartition};
use event_log_kafka::{KafkaConfig, KafkaLog, OpenError, Sync, Topics};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::client::DefaultClientContext;

use crate::broker::{Broker, PARTITIONS, TOPICS};

pub fn admin(broker: &Broker) -> AdminClient<DefaultClientContext> {
    let mut settings = ClientConfig::new();
    settings.set("bootstrap.servers", &broker.address);
    settings.create().expect("an admin client")
}

/// Runs a future of the admin client, whose own threads finish it.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.expect("a runtime").block_on(future)
}

fn refusal(config: &KafkaConfig) -> OpenError {
    match KafkaLog::open(config, &TOPICS) {
        Ok(_) => panic!("it opened"),
        Err(error) => error,
    }
}

#[test]
fn topics_of_another_shape_are_refused() {
    let broker = Broker::shared();
    drop(broker.open("shapes"));
    let more = KafkaConfig {
        partitions: PARTITIONS + 1,
        ..broker.config("shapes")
    };
    let refused = refusal(&more);
    assert!(
        matches!(&refused, OpenError::Partitions { topic, found: 4, wanted: 5 } if topic == "shapes-views"),
        "{refused}"
    );

    let absent = KafkaConfig {
        topics: Topics::AsFound,
        ..broker.config("absent")
    };
    let refused = refusal(&absent);
    assert!(
        matches!(&refused, OpenError::Missing { topic, .. } if topic == "absent-views"),
        "{refused}"
    );

    let topic = NewTopic::new(
        "compact-actions",
        i32::from(PARTITIONS),
        TopicReplication::Fixed(1),
    );
    let created = block_on(
        admin(broker).create_topics([&topic.set("cleanup.policy", "compact")], &AdminOptions::new()),
    );
    created.expect("answered")[0].as_ref().expect("created");
    let refused = refusal(&broker.config("compact"));
    assert!(
        matches!(&refused, OpenError::Compacted { topic } if topic == "compact-actions"),
        "{refused}"
    );

    let copies = KafkaConfig {
        replication: 3,
        ..broker.config("copies")
    };
    let refused = refusal(&copies);
    assert!(
        matches!(&refused, OpenError::Create { topic, .. } if topic == "copies-views"),
        "{refused}"
    );
}

#[test]
fn topics_are_made_as_the_address_says() {
    let broker = Broker::shared();
    let config = KafkaConfig {
        sync: Sync::Always,
        retention_ms: Some(7_200_000),
        ..broker.config("made")
    };
    let log = KafkaLog::open(&config, &TOPICS).expect("the log opens");
    let resource = ResourceSpecifier::Topic("made-views");
    let described = block_on(admin(broker).describe_configs([&resource], &AdminOptions::new()));
    let described = described.expect("answered").remove(0).expect("described");
    for (key, value) in [
        ("flush.messages", "1"),
        ("retention.ms", "7200000"),
        ("cleanup.policy", "delete"),
        ("min.insync.replicas", "1"),
        ("unclean.leader.election.enable", "false"),
        ("message.timestamp.type", "CreateTime"),
    ] {
        let found = described.get(key).and_then(|entry| entry.value.as_deref());
        assert_eq!(found, Some(value), "{key}");
    }
    let record = Append {
        to: TopicPartition {
            topic: Topic(0),
            partition: 0,
        },
        at_ms: 1,
        payload: vec![7; config.record_bytes_max].into(),
    };
    assert_eq!(
        settle(log.append(vec![record]).expect("accepted")).expect("acknowledged"),
        [0]
    );
    let found = KafkaConfig {
        topics: Topics::AsFound,
        ..config
    };
    let again = KafkaLog::open(&found, &TOPICS).expect("the topics are there");
    assert_eq!(
        again.end(TopicPartition {
            topic: Topic(0),
            partition: 0
        }),
        1
    );
}
