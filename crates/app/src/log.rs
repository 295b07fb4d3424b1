//! The event log that the settings name: segment files below the data folder, or Kafka.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use event_log::{EventLog, SegmentLog, SegmentLogConfig};

use crate::config::{Config, Log};
use crate::error::AppError;

/// Opens the log.
///
/// # Errors
/// When the setting names no log, or the log does not open.
pub async fn open(data: &Path, config: &Config) -> Result<Arc<dyn EventLog>, AppError> {
    let uri = config.event_log.as_str();
    if let Some(folder) = folder(data, config) {
        let log = SegmentLog::open(&folder, segment_config(&config.log))
            .map_err(AppError::start("the event log"))?;
        return Ok(Arc::new(log));
    }
    #[cfg(feature = "kafka")]
    if uri.starts_with("kafka:") {
        return kafka(uri).await;
    }
    Err(AppError::Settings {
        what: format!("event_log = \"{uri}\" is neither file:FOLDER nor kafka://HOST:PORT/PREFIX"),
    })
}

/// Where the segment files are, if the log is made of them.
pub fn folder(data: &Path, config: &Config) -> Option<PathBuf> {
    let folder = config.event_log.strip_prefix("file:")?;
    Some(data.join(folder.trim_start_matches("//")))
}

/// Connecting asks brokers and blocks.
#[cfg(feature = "kafka")]
async fn kafka(uri: &str) -> Result<Arc<dyn EventLog>, AppError> {
    let config: event_log_kafka::KafkaConfig = uri.parse().map_err(AppError::start("the event log"))?;
    let open = move || event_log_kafka::KafkaLog::open(&config, &event::topic::NAMES);
    let opened = tokio::task::spawn_blocking(open)
        .await
        .map_err(AppError::start("the event log"))?;
    Ok(Arc::new(opened.map_err(AppError::start("the event log"))?))
}

/// The settings of the embedded log.
pub fn segment_config(log: &Log) -> SegmentLogConfig {
    SegmentLogConfig {
        partitions: log.partitions,
        segment_bytes: log.segment_bytes,
        retention_bytes: Some(log.retention_bytes).filter(|&bytes| bytes > 0),
        retention_ms: Some(log.retention_ms).filter(|&ms| ms > 0),
        ..SegmentLogConfig::default()
    }
}
