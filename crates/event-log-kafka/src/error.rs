//! Why the log, or the membership of a group, could not be opened.
//!
//! What goes wrong later is told in the port's own errors.

use rdkafka::error::KafkaError;

use crate::config::UriError;

/// Why opening failed. Nothing was changed on the brokers, except that some topics may have been created.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the event log's address is wrong")]
    Uri(#[from] UriError),
    #[error("no broker of {brokers} answered within {waited_ms} ms; check the address and that Kafka runs")]
    Unreachable {
        brokers: String,
        waited_ms: u32,
        #[source]
        source: KafkaError,
    },
    #[error("the Kafka client refused its settings")]
    Client(#[source] KafkaError),
    #[error(
        "topic {topic} does not exist, and the address says topics=as_found; create it with {partitions} partitions"
    )]
    Missing { topic: String, partitions: u16 },
    #[error("topic {topic} could not be created: {reason}")]
    Create { topic: String, reason: String },
    #[error(
        "topic {topic} has {found} partitions and the address says {wanted}. A viewer's records would be looked for \
         in the wrong place: write partitions={found}, or use another prefix"
    )]
    Partitions {
        topic: String,
        found: usize,
        wanted: u16,
    },
    #[error(
        "topic {topic} is compacted: offsets would have holes. Set cleanup.policy=delete, or use another prefix"
    )]
    Compacted { topic: String },
    #[error("`{0}` is not a name for a topic or a group: letters, digits, dots, underscores and dashes")]
    Name(String),
    #[error("a log needs 1 to 255 topics, not {0}")]
    TopicCount(usize),
    #[error("a thread could not be started")]
    Thread(#[source] std::io::Error),
}
