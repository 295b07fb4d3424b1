//! What all clients of this crate share: settings, and where the library's own words go.
//!
//! librdkafka logs from its threads; its lines become tracing events with the part that spoke as a field.

use rdkafka::client::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::KafkaError;

use crate::config::KafkaConfig;

/// A broker that restarted is found again within about this.
const RECONNECT_MS_MAX: &str = "1000";

/// The words of one client, by the part it plays: `append`, `follow`, `replay`, `admin`, `member`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Voice(pub(crate) &'static str);

impl ClientContext for Voice {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        let part = self.0;
        match level {
            RDKafkaLogLevel::Emerg
            | RDKafkaLogLevel::Alert
            | RDKafkaLogLevel::Critical
            | RDKafkaLogLevel::Error => {
                tracing::error!(part, facility, line, "the kafka client reports a fault");
            }
            RDKafkaLogLevel::Warning => tracing::warn!(part, facility, line, "the kafka client warns"),
            _ => tracing::debug!(part, facility, line, "the kafka client says"),
        }
    }

    /// Faults that the library rides out by itself; those that matter come back as failed calls.
    fn error(&self, error: KafkaError, reason: &str) {
        let part = self.0;
        metrics::counter!("riffle_event_log_kafka_client_errors_total", "part" => part).increment(1);
        tracing::warn!(part, %error, reason, "the kafka client stumbled");
    }
}

impl ConsumerContext for Voice {}

/// What every client is given.
pub(crate) fn settings(config: &KafkaConfig) -> ClientConfig {
    let mut settings = ClientConfig::new();
    settings
        .set("bootstrap.servers", &config.brokers)
        .set("client.id", "riffle")
        .set("socket.nagle.disable", "true")
        .set("socket.keepalive.enable", "true")
        .set("reconnect.backoff.ms", "50")
        .set("reconnect.backoff.max.ms", RECONNECT_MS_MAX)
        .set("log.connection.close", "false")
        .set_log_level(RDKafkaLogLevel::Info);
    settings
}

/// What every reading client is given: an assignment made by hand, no offsets kept by the broker, and a fault,
/// not a silent jump, where the wanted offset is gone.
pub(crate) fn reader_settings(config: &KafkaConfig, fetch_wait_ms_max: u32) -> ClientConfig {
    let mut settings = settings(config);
    settings
        // The library wants a name for it; a group that nobody subscribes to never forms.
        .set("group.id", format!("{}-readers", config.prefix))
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("enable.partition.eof", "false")
        .set("auto.offset.reset", "error")
        .set("allow.auto.create.topics", "false")
        .set("check.crcs", "true")
        .set("fetch.wait.max.ms", fetch_wait_ms_max.to_string())
        .set("fetch.min.bytes", "1")
        .set("fetch.error.backoff.ms", "50");
    settings
}
