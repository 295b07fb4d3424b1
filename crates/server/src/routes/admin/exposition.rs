//! Reads the process's own Prometheus text back into values.
//!
//! Why text: what this page shows and what Prometheus scrapes are then one set of numbers, whichever crate recorded them, and no room
//! has to hand its meters through the wiring a second time. About a thousand lines take a millisecond, at most once a second for each
//! open page. It knows the format (Prometheus text 0.0.4) and no metric by name.

use std::collections::BTreeMap;

use api::{FlowBucket, FlowSpread, MetricFamily, MetricSample};

/// Samples read at most; there are hundreds, and a label of unbounded values would be a fault to notice, not to render.
const SAMPLES_MAX: usize = 20_000;

/// All families of one rendering, by name.
#[derive(Debug, Default)]
pub(super) struct Exposition {
    families: BTreeMap<String, Family>,
    /// Samples beyond the bound.
    pub(super) left_out: u64,
}

#[derive(Debug)]
struct Family {
    kind: String,
    samples: Vec<Sample>,
}

/// One line.
#[derive(Debug)]
pub(super) struct Sample {
    /// What the name has after its family's: empty, `bucket`, `sum` or `count`.
    part: String,
    labels: BTreeMap<String, String>,
    pub(super) value: f64,
}

impl Sample {
    pub(super) fn label(&self, name: &str) -> &str {
        self.labels.get(name).map_or("", String::as_str)
    }

    fn has(&self, labels: &[(&str, &str)]) -> bool {
        labels.iter().all(|(name, value)| self.label(name) == *value)
    }

    /// A total or a size as a whole number; what is negative or no number is none.
    pub(super) fn whole(&self) -> u64 {
        // Casts of floats saturate, and take what is no number to zero.
        self.value as u64
    }
}

impl Exposition {
    /// Reads `text`; lines that do not read are passed over, since one odd label must not blind an operator.
    pub(super) fn parse(text: &str) -> Self {
        let mut all = Self::default();
        let mut name = String::new();
        let mut samples = 0;
        for line in text.lines() {
            if let Some(declared) = line.strip_prefix("# TYPE ") {
                let (family, kind) = declared.split_once(' ').unwrap_or((declared, "untyped"));
                family.clone_into(&mut name);
                all.families.entry(name.clone()).or_insert_with(|| Family {
                    kind: kind.trim().to_owned(),
                    samples: Vec::new(),
                });
            } else if let Some(family) = all.families.get_mut(&name)
                && let Some(sample) = sample_of(line, &name)
            {
                samples += 1;
                match samples <= SAMPLES_MAX {
                    true => family.samples.push(sample),
                    false => all.left_out += 1,
                }
            }
        }
        all
    }

    /// The plain samples of a counter or a gauge; none when it was never recorded.
    pub(super) fn samples(&self, name: &str) -> impl Iterator<Item = &Sample> {
        self.parts(name, "")
    }

    fn parts<'a>(&'a self, name: &str, part: &'a str) -> impl Iterator<Item = &'a Sample> {
        let family = self.families.get(name);
        let samples = family.map_or(&[][..], |family| &family.samples);
        samples
            .iter()
            .filter(move |sample| sample.part == part && !sample.labels.contains_key("quantile"))
    }

    /// The sum over all samples with these labels; `None` when there is none.
    pub(super) fn gauge(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let matching = self.samples(name).filter(|sample| sample.has(labels));
        matching
            .map(|sample| sample.value)
            .reduce(|sum, value| sum + value)
    }

    /// The same as a whole number.
    pub(super) fn size(&self, name: &str, labels: &[(&str, &str)]) -> Option<u64> {
        self.gauge(name, labels).map(|value| value as u64)
    }

    /// The same of a counter: one that was never touched has counted nothing.
    pub(super) fn total(&self, name: &str, labels: &[(&str, &str)]) -> u64 {
        self.size(name, labels).unwrap_or_default()
    }

    /// The values that label `label` takes in `name`, sorted, each once.
    pub(super) fn values<'a>(&'a self, name: &str, label: &str) -> Vec<&'a str> {
        let family = self.families.get(name);
        let samples = family.map_or(&[][..], |family| &family.samples).iter();
        let mut values: Vec<&str> = samples
            .map(|sample| sample.label(label))
            .filter(|value| !value.is_empty())
            .collect();
        values.sort_unstable();
        values.dedup();
        values
    }

    /// How often a summary or histogram was recorded.
    pub(super) fn recorded(&self, name: &str, labels: &[(&str, &str)]) -> u64 {
        self.parts(name, "count")
            .filter(|sample| sample.has(labels))
            .map(Sample::whole)
            .sum()
    }

    /// What was recorded in a summary or histogram, all of it added up.
    pub(super) fn sum(&self, name: &str) -> f64 {
        self.parts(name, "sum").map(|sample| sample.value).sum()
    }

    /// The quantiles of one summary.
    pub(super) fn spread(&self, name: &str, labels: &[(&str, &str)]) -> Option<FlowSpread> {
        let family = self.families.get(name)?;
        let at = |quantile: &str| {
            let mut samples = family.samples.iter();
            samples
                .find(|sample| sample.label("quantile") == quantile && sample.has(labels))
                .map(|sample| sample.value)
        };
        Some(FlowSpread {
            p50: at("0.5")?,
            p99: at("0.99")?,
            max: at("1")?,
            count: self.recorded(name, labels),
        })
    }

    /// The buckets of a histogram of seconds, all matching ones added up.
    pub(super) fn buckets(&self, name: &str, labels: &[(&str, &str)]) -> Vec<FlowBucket> {
        let mut buckets: Vec<FlowBucket> = Vec::new();
        for sample in self.parts(name, "bucket").filter(|sample| sample.has(labels)) {
            let le_ms = sample.label("le").parse::<f64>().ok().filter(|le| le.is_finite());
            let le_ms = le_ms.map(|le_s| le_s * 1e3);
            match buckets.iter_mut().find(|bucket| bucket.le_ms == le_ms) {
                Some(bucket) => bucket.count += sample.whole(),
                None => buckets.push(FlowBucket {
                    le_ms,
                    count: sample.whole(),
                }),
            }
        }
        buckets
    }

    /// Everything, for whoever looks for one figure among all.
    pub(super) fn into_families(self) -> Vec<MetricFamily> {
        let families = self.families.into_iter();
        families
            .map(|(name, family)| MetricFamily {
                name,
                kind: family.kind,
                samples: family.samples.into_iter().map(sample_out).collect(),
            })
            .collect()
    }
}

fn sample_out(sample: Sample) -> MetricSample {
    MetricSample {
        part: Some(sample.part).filter(|part| !part.is_empty()),
        labels: sample.labels,
        value: Some(sample.value).filter(|value| value.is_finite()),
    }
}

/// `name_part{label="value"} 1.5` of the family `name`.
fn sample_of(line: &str, name: &str) -> Option<Sample> {
    let rest = line.strip_prefix(name)?;
    let named = rest.find(['{', ' '])?;
    let part = rest[..named].trim_start_matches('_').to_owned();
    let (labels, value) = match rest[named..].strip_prefix('{') {
        Some(labels) => labels_of(labels)?,
        None => (BTreeMap::new(), &rest[named..]),
    };
    Some(Sample {
        part,
        labels,
        value: value.trim().parse().ok()?,
    })
}

/// The labels up to the closing brace, and what follows it.
fn labels_of(text: &str) -> Option<(BTreeMap<String, String>, &str)> {
    let mut labels = BTreeMap::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([',', ' ']);
        if let Some(after) = rest.strip_prefix('}') {
            return Some((labels, after));
        }
        let (name, quoted) = rest.split_once("=\"")?;
        let (value, after) = unquoted(quoted)?;
        labels.insert(name.to_owned(), value);
        rest = after;
    }
}

/// A value up to its closing quote, its escapes undone, and what follows.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => match characters.next()?.1 {
                'n' => value.push('\n'),
                other => value.push(other),
            },
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"# HELP riffle_a_total what a is
# TYPE riffle_a_total counter
riffle_a_total{reason="x"} 3
riffle_a_total{reason="y, \"z\" {w}\\"} 4

# TYPE riffle_b_bytes gauge
riffle_b_bytes 1.5e3
riffle_b_bytes{broken="
riffle_b_bytes not_a_number

# TYPE riffle_c_ms summary
riffle_c_ms{job="j",quantile="0.5"} 2
riffle_c_ms{job="j",quantile="0.99"} 9.5
riffle_c_ms{job="j",quantile="1"} 11
riffle_c_ms_sum{job="j"} 30
riffle_c_ms_count{job="j"} 7

# TYPE riffle_d_seconds histogram
riffle_d_seconds_bucket{route="a",le="0.001"} 1
riffle_d_seconds_bucket{route="a",le="+Inf"} 5
riffle_d_seconds_bucket{route="b",le="0.001"} 2
riffle_d_seconds_bucket{route="b",le="+Inf"} 2
riffle_d_seconds_sum{route="a"} 1
riffle_d_seconds_count{route="a"} 5
"#;

    #[test]
    fn what_was_rendered_is_read_back() {
        let all = Exposition::parse(TEXT);
        let totals = [
            ("riffle_a_total", vec![], Some(7)),
            ("riffle_a_total", vec![("reason", "x")], Some(3)),
            ("riffle_a_total", vec![("reason", "y, \"z\" {w}\\")], Some(4)),
            ("riffle_a_total", vec![("reason", "none")], None),
            ("riffle_b_bytes", vec![], Some(1_500)),
            ("riffle_c_ms", vec![], None),
            ("riffle_absent", vec![], None),
        ];
        for (name, labels, expect) in totals {
            assert_eq!(all.size(name, &labels), expect, "{name} {labels:?}");
        }
        let spread = FlowSpread {
            p50: 2.0,
            p99: 9.5,
            max: 11.0,
            count: 7,
        };
        assert_eq!(all.spread("riffle_c_ms", &[("job", "j")]), Some(spread));
        assert_eq!(all.spread("riffle_c_ms", &[("job", "other")]), None);
        assert_eq!(all.values("riffle_c_ms", "job"), ["j"]);
        assert_eq!(all.recorded("riffle_c_ms", &[]), 7);
        assert!((all.sum("riffle_c_ms") - 30.0).abs() < f64::EPSILON);
        let buckets = |labels: &[(&str, &str)]| -> Vec<(Option<f64>, u64)> {
            let buckets = all.buckets("riffle_d_seconds", labels);
            buckets
                .iter()
                .map(|bucket| (bucket.le_ms, bucket.count))
                .collect()
        };
        assert_eq!(buckets(&[]), [(Some(1.0), 3), (None, 7)]);
        assert_eq!(buckets(&[("route", "b")]), [(Some(1.0), 2), (None, 2)]);
        assert_eq!(all.left_out, 0);
    }

    #[test]
    fn everything_goes_out_with_its_parts() {
        let families = Exposition::parse(TEXT).into_families();
        let shape: Vec<_> = families
            .iter()
            .map(|family| (family.name.as_str(), family.kind.as_str(), family.samples.len()))
            .collect();
        assert_eq!(
            shape,
            [
                ("riffle_a_total", "counter", 2),
                ("riffle_b_bytes", "gauge", 1),
                ("riffle_c_ms", "summary", 5),
                ("riffle_d_seconds", "histogram", 6),
            ]
        );
        let sum = families[2]
            .samples
            .iter()
            .find(|sample| sample.part.as_deref() == Some("sum"));
        assert_eq!(sum.and_then(|sample| sample.value), Some(30.0));
    }

    #[test]
    fn a_flood_of_samples_is_cut_and_said() {
        let mut text = "# TYPE riffle_x_total counter\n".to_owned();
        for at in 0..SAMPLES_MAX + 5 {
            text.push_str(&format!("riffle_x_total{{id=\"{at}\"}} 1\n"));
        }
        let all = Exposition::parse(&text);
        assert_eq!(
            (all.total("riffle_x_total", &[]), all.left_out),
            (SAMPLES_MAX as u64, 5)
        );
    }
}
