//! Named numbers: printed as they come, kept in order, written as one flat JSON object.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde_json::{Map, Value, json};

/// Latencies in microseconds, from 1 µs to one minute, to three digits.
pub(crate) type Latencies = Histogram<u64>;

const LATENCY_US_MAX: u64 = 60_000_000;
const DIGITS: u8 = 3;

/// An empty histogram.
pub(crate) fn latencies() -> Latencies {
    Histogram::new_with_bounds(1, LATENCY_US_MAX, DIGITS).expect("the bounds are valid")
}

/// Notes one latency; longer than a minute counts as a minute.
pub(crate) fn latency_add(histogram: &mut Latencies, latency: Duration) {
    histogram.saturating_record((latency.as_micros() as u64).max(1));
}

/// See the file's header.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    by_name: BTreeMap<String, f64>,
}

impl Figures {
    /// Keeps and prints one figure, rounded to three decimals.
    pub(crate) fn add(&mut self, name: &str, value: f64) {
        let rounded = (value * 1000.0).round() / 1000.0;
        println!("{name:48} {rounded}");
        self.by_name.insert(name.to_owned(), rounded);
    }

    /// One that was kept; not a number where there is none of the name.
    pub(crate) fn get(&self, name: &str) -> f64 {
        self.by_name.get(name).copied().unwrap_or(f64::NAN)
    }

    /// Keeps p50 and p99 under `prefix`, in milliseconds.
    pub(crate) fn add_latencies(&mut self, prefix: &str, histogram: &Latencies) {
        for (suffix, quantile) in [("p50_ms", 0.50), ("p99_ms", 0.99)] {
            self.add(
                &format!("{prefix}{suffix}"),
                histogram.value_at_quantile(quantile) as f64 / 1000.0,
            );
        }
    }

    /// One flat object.
    pub(crate) fn json(&self) -> String {
        let object: Map<String, Value> = self
            .by_name
            .iter()
            .map(|(name, value)| (name.clone(), json!(value)))
            .collect();
        format!("{:#}\n", Value::Object(object))
    }
}
