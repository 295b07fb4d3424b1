//! The event log's port on Apache Kafka, and the ownership of its partitions.
//!
//! [`KafkaLog`] is an [`event_log::EventLog`] over topics whose names begin with one prefix; [`KafkaMembership`] is an
//! [`event_log::membership::Membership`] over a consumer group. It knows bytes and headers only, keeps nothing on disk, and
//! no offset of a job: those live in checkpoints. What brokers promise, and how to run them, is told in
//! `docs/operating/kafka.md`.
//!
//! Back of the envelope, for events of 200 bytes:
//!
//! | what | figure |
//! |---|---|
//! | network, appending | about 210 bytes a record before compression, one request a partition and linger |
//! | network, reading | every followed partition once a process, whatever the number of its jobs |
//! | memory | queue ≤ 32 MiB, twice over in the client; tail ≤ 16 MiB; fetched ahead ≤ 16 MiB and 16 lanes of 3 MiB |
//! | CPU | one copy in, one out, some locks: about 1 µs a record each way, so 1 M records/s cost two cores |
//! | threads | two of ours; the client has one for each of its three instances and each broker it speaks to |
//! | disk | none here; on the brokers about 220 bytes a record and copy before compression |

mod admission;
mod ask;
mod claims;
mod client;
mod config;
mod error;
mod fetched;
mod follow;
mod log;
mod marks;
mod membership;
mod outstanding;
mod produce;
mod rebalance;
mod replay;
mod table;
mod tail;
mod topics;

pub use config::{Compression, KafkaConfig, Sync, Topics, UriError};
pub use error::OpenError;
pub use log::KafkaLog;
pub use membership::{KafkaMembership, MemberConfig};
