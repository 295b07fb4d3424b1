//! Log lines and metrics of the process.

use std::io::IsTerminal;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

use crate::config::Telemetry;
use crate::error::AppError;

/// Seconds; from a cache hit to a client's patience.
const REQUEST_BUCKETS_S: [f64; 12] = [
    0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 2.0, 10.0,
];

/// Starts both; the handle prints the metrics.
pub fn start(settings: &Telemetry) -> Result<PrometheusHandle, AppError> {
    let text = std::env::var("RUST_LOG").unwrap_or_else(|_| settings.log.clone());
    let filter = EnvFilter::try_new(text).map_err(AppError::start("logging"))?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    match settings.format.as_str() {
        "json" => lines.json().init(),
        _ => lines.with_ansi(std::io::stderr().is_terminal()).init(),
    }
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &REQUEST_BUCKETS_S)
        .and_then(PrometheusBuilder::install_recorder)
        .map_err(AppError::start("metrics"))
}
