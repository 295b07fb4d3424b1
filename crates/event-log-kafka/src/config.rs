//! Where the brokers are and how much may wait: `kafka://HOST:PORT[,HOST:PORT]/PREFIX?KEY=VALUE&…`.
//!
//! Parsing only; nothing here talks to a broker. Every default stands in [`KafkaConfig::new`] with its reason.

use std::num::NonZeroU16;
use std::str::FromStr;

const SCHEME: &str = "kafka://";
/// Kafka refuses topic names over 249 characters; a topic's own name comes after the prefix.
const PREFIX_CHARS_MAX: usize = 180;
/// What an offset's table and a client's memory are sized for.
const PARTITIONS_MAX: u16 = 4096;

/// Everything that a URI can say. A key that is not known is refused, never ignored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KafkaConfig {
    /// `HOST:PORT`, separated by commas: where to ask for the others.
    pub brokers: String,
    /// First part of the names of topics and groups, so that several houses can share a cluster.
    pub prefix: String,
    /// Partitions of each topic. It must equal what exists: keys would move otherwise.
    pub partitions: u16,
    /// Copies of each record; used when a topic is created.
    pub replication: u16,
    /// Copies that must have a record before it is acknowledged; used when a topic is created.
    pub in_sync_min: u16,
    /// Whether missing topics are created, or refused because somebody else looks after them.
    pub topics: Topics,
    /// When a broker syncs a record to its disk; used when a topic is created.
    pub sync: Sync,
    /// How long records are kept; `None` keeps everything. Used when a topic is created.
    pub retention_ms: Option<u64>,
    pub compression: Compression,
    /// How long a record waits for company in a request.
    pub linger_us: u32,
    /// Records that are not acknowledged yet; beyond it appends are refused as overloaded.
    pub queue_bytes_max: usize,
    /// Recent records kept in memory for readers near the end.
    pub cache_bytes_max: usize,
    /// The largest payload.
    pub record_bytes_max: usize,
    /// How long a record may stay unacknowledged, tries and retries together.
    pub delivery_ms_max: u32,
    /// How long one read, and one question about offsets, may take.
    pub read_ms_max: u32,
    /// How long opening may take before the brokers count as unreachable.
    pub open_ms_max: u32,
}

/// What happens to topics that do not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topics {
    Create,
    /// For clusters where this program may not create topics: they must be there. Their settings are not read either.
    AsFound,
}

/// When a broker's disk has a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sync {
    /// Whenever its kernel pleases: the copies on other brokers are the safety.
    Broker,
    /// Before it acknowledges: `flush.messages=1`. What a single broker needs to survive a power cut.
    Always,
}

/// What requests are packed with. All three need no library beside the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    None,
    Lz4,
    Snappy,
}

/// Why a URI was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UriError {
    #[error("`{0}` does not start with kafka://")]
    Scheme(String),
    #[error("`{0}` is not a broker's address; write HOST:PORT, several with commas between them")]
    Broker(String),
    #[error(
        "`{0}` is not a prefix for topics: 1 to {PREFIX_CHARS_MAX} of a-z A-Z 0-9 . _ - after the brokers and a slash"
    )]
    Prefix(String),
    #[error("`{0}` is not KEY=VALUE")]
    Pair(String),
    #[error("`{0}` is given twice")]
    Twice(String),
    #[error("`{0}` is not a setting of a kafka:// address; known are {known}", known = KEYS.join(" "))]
    Unknown(String),
    #[error("{key}={value} is refused: it must be {wanted}")]
    Value {
        key: &'static str,
        value: String,
        wanted: &'static str,
    },
    #[error("{0}")]
    Together(&'static str),
}

const KEYS: [&str; 14] = [
    "partitions",
    "replication",
    "in_sync_min",
    "topics",
    "sync",
    "retention_hours",
    "compression",
    "linger_us",
    "queue_bytes_max",
    "cache_bytes_max",
    "record_bytes_max",
    "delivery_ms_max",
    "read_ms_max",
    "open_ms_max",
];

impl KafkaConfig {
    /// The defaults, for brokers and a prefix that are taken as they are.
    pub fn new(brokers: &str, prefix: &str) -> Self {
        Self {
            brokers: brokers.to_owned(),
            prefix: prefix.to_owned(),
            // As the embedded log: the bound of a job's parallelism on a small cluster.
            partitions: 8,
            // A development broker is alone; a cluster says 3.
            replication: 1,
            in_sync_min: 1,
            topics: Topics::Create,
            sync: Sync::Broker,
            // The log is the ground state that all else is rebuilt from.
            retention_ms: None,
            compression: Compression::Lz4,
            // Under load requests fill while others are on their way; alone, a record need not wait.
            linger_us: 500,
            queue_bytes_max: 32 << 20,
            cache_bytes_max: 16 << 20,
            // Below Kafka's default of a mebibyte for a request's records, with room for its headers.
            record_bytes_max: 960 << 10,
            // Longer than the election of a leader takes, shorter than a client's patience with an API request.
            delivery_ms_max: 20_000,
            read_ms_max: 5_000,
            open_ms_max: 15_000,
        }
    }

    fn check(self) -> Result<Self, UriError> {
        if self.in_sync_min > self.replication {
            return Err(UriError::Together(
                "in_sync_min is larger than replication: nothing would ever be acknowledged",
            ));
        }
        if self.queue_bytes_max < 2 * self.record_bytes_max {
            return Err(UriError::Together(
                "queue_bytes_max must hold two records of record_bytes_max",
            ));
        }
        Ok(self)
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), UriError> {
        match key {
            "partitions" => self.partitions = small("partitions", value, PARTITIONS_MAX)?,
            "replication" => self.replication = small("replication", value, 9)?,
            "in_sync_min" => self.in_sync_min = small("in_sync_min", value, 9)?,
            "topics" => {
                let words = [("create", Topics::Create), ("as_found", Topics::AsFound)];
                self.topics = word("topics", value, "create or as_found", &words)?;
            }
            "sync" => {
                let words = [("broker", Sync::Broker), ("always", Sync::Always)];
                self.sync = word("sync", value, "broker or always", &words)?;
            }
            "retention_hours" => {
                let hours = number("retention_hours", value, 0, 1_000_000)?;
                self.retention_ms = (hours > 0).then_some(hours * 3_600_000);
            }
            "compression" => {
                let words = [
                    ("none", Compression::None),
                    ("lz4", Compression::Lz4),
                    ("snappy", Compression::Snappy),
                ];
                self.compression = word("compression", value, "none, lz4 or snappy", &words)?;
            }
            "linger_us" => self.linger_us = number("linger_us", value, 0, 1_000_000)? as u32,
            "queue_bytes_max" => {
                self.queue_bytes_max = number("queue_bytes_max", value, 1 << 20, 1 << 30)? as usize
            }
            "cache_bytes_max" => {
                self.cache_bytes_max = number("cache_bytes_max", value, 1 << 20, 1 << 36)? as usize
            }
            "record_bytes_max" => {
                self.record_bytes_max = number("record_bytes_max", value, 1 << 10, 960 << 10)? as usize
            }
            "delivery_ms_max" => {
                self.delivery_ms_max = number("delivery_ms_max", value, 100, 900_000)? as u32
            }
            "read_ms_max" => self.read_ms_max = number("read_ms_max", value, 100, 900_000)? as u32,
            "open_ms_max" => self.open_ms_max = number("open_ms_max", value, 100, 900_000)? as u32,
            _ => return Err(UriError::Unknown(key.to_owned())),
        }
        Ok(())
    }
}

impl FromStr for KafkaConfig {
    type Err = UriError;

    fn from_str(uri: &str) -> Result<Self, UriError> {
        let rest = uri
            .strip_prefix(SCHEME)
            .ok_or_else(|| UriError::Scheme(uri.to_owned()))?;
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (brokers, prefix) = place.split_once('/').unwrap_or((place, ""));
        if let Some(bad) = brokers.split(',').find(|broker| !is_broker(broker)) {
            return Err(UriError::Broker(bad.to_owned()));
        }
        if !is_prefix(prefix) {
            return Err(UriError::Prefix(prefix.to_owned()));
        }
        let mut config = Self::new(brokers, prefix);
        let mut seen: Vec<&str> = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair
                .split_once('=')
                .ok_or_else(|| UriError::Pair(pair.to_owned()))?;
            if seen.contains(&key) {
                return Err(UriError::Twice(key.to_owned()));
            }
            config.set(key, value)?;
            seen.push(key);
        }
        config.check()
    }
}

fn is_broker(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else {
        return false;
    };
    let plain = host
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte));
    !host.is_empty() && plain && port.parse::<NonZeroU16>().is_ok()
}

/// Kafka's own rule for topic names.
pub(crate) fn is_prefix(text: &str) -> bool {
    let plain = text
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    plain && (1..=PREFIX_CHARS_MAX).contains(&text.len()) && text != "." && text != ".."
}

fn number(key: &'static str, value: &str, least: u64, most: u64) -> Result<u64, UriError> {
    let number = value
        .parse::<u64>()
        .ok()
        .filter(|number| (least..=most).contains(number));
    number.ok_or_else(|| UriError::Value {
        key,
        value: value.to_owned(),
        wanted: "a number within its bounds, see docs/operating/kafka.md",
    })
}

fn small(key: &'static str, value: &str, most: u16) -> Result<u16, UriError> {
    number(key, value, 1, u64::from(most)).map(|number| number as u16)
}

fn word<T: Copy>(
    key: &'static str,
    value: &str,
    wanted: &'static str,
    words: &[(&str, T)],
) -> Result<T, UriError> {
    let found = words
        .iter()
        .find(|(word, _)| *word == value)
        .map(|(_, means)| *means);
    found.ok_or_else(|| UriError::Value {
        key,
        value: value.to_owned(),
        wanted,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        let check = |uri: &str, expect: KafkaConfig| assert_eq!(uri.parse(), Ok(expect), "{uri}");
        let plain = || KafkaConfig::new("a:1", "p");
        check("kafka://a:1/p", plain());
        check("kafka://a:1/p?", plain());
        check(
            "kafka://10.0.0.1:9092,b.example:9093,[::1]:9/riffle.test-1_x",
            KafkaConfig::new("10.0.0.1:9092,b.example:9093,[::1]:9", "riffle.test-1_x"),
        );
        check(
            "kafka://a:1/p?partitions=64&replication=3&in_sync_min=2&sync=always&topics=as_found",
            KafkaConfig {
                partitions: 64,
                replication: 3,
                in_sync_min: 2,
                sync: Sync::Always,
                topics: Topics::AsFound,
                ..plain()
            },
        );
        check(
            "kafka://a:1/p?retention_hours=24&compression=none&linger_us=0&delivery_ms_max=100&read_ms_max=900000",
            KafkaConfig {
                retention_ms: Some(86_400_000),
                compression: Compression::None,
                linger_us: 0,
                delivery_ms_max: 100,
                read_ms_max: 900_000,
                ..plain()
            },
        );
        check(
            "kafka://a:1/p?queue_bytes_max=1048576&cache_bytes_max=2097152&record_bytes_max=1024&open_ms_max=200&retention_hours=0",
            KafkaConfig {
                queue_bytes_max: 1 << 20,
                cache_bytes_max: 2 << 20,
                record_bytes_max: 1 << 10,
                open_ms_max: 200,
                ..plain()
            },
        );
    }

    #[test]
    fn anything_else_is_refused() {
        let check =
            |uri: &str, expect: UriError| assert_eq!(uri.parse::<KafkaConfig>(), Err(expect), "{uri}");
        let value = |key, value: &str, wanted| UriError::Value {
            key,
            value: value.into(),
            wanted,
        };
        let bounds = "a number within its bounds, see docs/operating/kafka.md";
        check("file:///x", UriError::Scheme("file:///x".into()));
        check("kafka://", UriError::Broker(String::new()));
        check("kafka://a/p", UriError::Broker("a".into()));
        check("kafka://a:0/p", UriError::Broker("a:0".into()));
        check("kafka://a:1,/p", UriError::Broker(String::new()));
        check("kafka://user@a:1/p", UriError::Broker("user@a:1".into()));
        check("kafka://a:1", UriError::Prefix(String::new()));
        check("kafka://a:1/", UriError::Prefix(String::new()));
        check("kafka://a:1/p/q", UriError::Prefix("p/q".into()));
        check("kafka://a:1/..", UriError::Prefix("..".into()));
        check("kafka://a:1/p?partitions", UriError::Pair("partitions".into()));
        check("kafka://a:1/p?partition=8", UriError::Unknown("partition".into()));
        check(
            "kafka://a:1/p?sync=always&sync=always",
            UriError::Twice("sync".into()),
        );
        check("kafka://a:1/p?partitions=0", value("partitions", "0", bounds));
        check(
            "kafka://a:1/p?partitions=65536",
            value("partitions", "65536", bounds),
        );
        check("kafka://a:1/p?linger_us=-1", value("linger_us", "-1", bounds));
        check(
            "kafka://a:1/p?record_bytes_max=983041",
            value("record_bytes_max", "983041", bounds),
        );
        check(
            "kafka://a:1/p?sync=never",
            value("sync", "never", "broker or always"),
        );
        check("kafka://a:1/p?topics=", value("topics", "", "create or as_found"));
        check(
            "kafka://a:1/p?compression=gzip",
            value("compression", "gzip", "none, lz4 or snappy"),
        );
        for (uri, reason) in [
            ("kafka://a:1/p?in_sync_min=2", "in_sync_min is larger"),
            (
                "kafka://a:1/p?queue_bytes_max=1048576",
                "queue_bytes_max must hold",
            ),
        ] {
            let refused = uri.parse::<KafkaConfig>();
            assert!(
                matches!(refused, Err(UriError::Together(told)) if told.starts_with(reason)),
                "{uri}"
            );
        }
    }
}
