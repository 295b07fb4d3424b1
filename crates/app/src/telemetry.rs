//! Log lines and metrics of the process.

use std::io::IsTerminal;
use std::time::Duration;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

use crate::config::Telemetry;
use crate::error::AppError;

/// Seconds; from a cache hit to a client's patience.
const REQUEST_BUCKETS_S: [f64; 12] = [
    0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 2.0, 10.0,
];

/// Seconds; from a thumbnail to a long ladder on a busy machine.
const MEDIA_BUCKETS_S: [f64; 9] = [0.5, 1.0, 2.0, 5.0, 15.0, 30.0, 60.0, 120.0, 600.0];
/// Samples of histograms wait in memory until they are folded in; this often, whether anybody reads the metrics or not.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

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
    let metrics = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &REQUEST_BUCKETS_S)
        .and_then(|builder| {
            builder.set_buckets_for_metric(Matcher::Prefix("riffle_media_".into()), &MEDIA_BUCKETS_S)
        })
        .and_then(PrometheusBuilder::install_recorder)
        .map_err(AppError::start("metrics"))?;
    upkeep(metrics.clone())?;
    Ok(metrics)
}

/// Folds samples in for as long as the process lives. Not a task of the runtime: a busy runtime makes the most samples.
fn upkeep(metrics: PrometheusHandle) -> Result<(), AppError> {
    let thread = std::thread::Builder::new().name("metrics-upkeep".to_owned());
    let upkeep = thread.spawn(move || {
        loop {
            std::thread::sleep(UPKEEP_EVERY);
            metrics.run_upkeep();
        }
    });
    upkeep.map(drop).map_err(AppError::start("the upkeep of metrics"))
}
