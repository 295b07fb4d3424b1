//! Settings: the compiled-in defaults, then a file, then the environment. Unknown keys are refused at every step.

use std::collections::BTreeMap;
use std::path::Path;

use axum::http::HeaderName;
use feature::StateConfig;
use media::EncoderSetting;
use serde::{Deserialize, Serialize};
use server::RateLimits;
use toml::{Table, Value};

use crate::error::AppError;

const DEFAULTS: &str = include_str!("../../../config/default.toml");
const ENVIRONMENT_PREFIX: &str = "RIFFLE_";

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `file:FOLDER` below the data folder, or `kafka://HOST:PORT/PREFIX`.
    pub event_log: String,
    pub server: Server,
    pub limits: RateLimits,
    pub upload: Upload,
    pub content: Content,
    pub log: Log,
    pub jobs: Jobs,
    pub lake: Lake,
    pub learner: Learner,
    pub feed: Feed,
    pub faults: Faults,
    pub telemetry: Telemetry,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    pub listen: String,
    pub public_url: String,
    pub body_bytes_max: usize,
    pub request_ms_max: u64,
    pub part_ms_max: u64,
    pub drain_ms_max: u64,
    pub media_link_ms: u64,
    /// 0 keeps none.
    pub cards_bytes_max: u64,
    /// Empty trusts no header.
    #[serde(with = "optional_header")]
    pub region_header: Option<HeaderName>,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Upload {
    pub duration_ms_min: u64,
    pub duration_ms_max: u64,
    pub file_bytes_max: u64,
    pub part_bytes: u64,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Content {
    #[serde(with = "as_text")]
    pub encoder: EncoderSetting,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    pub partitions: u16,
    pub segment_bytes: u64,
    /// 0 keeps everything.
    pub retention_bytes: u64,
    /// 0 keeps everything.
    pub retention_ms: u64,
}

#[derive(Debug, Clone, Copy, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Jobs {
    pub workers: usize,
    pub checkpoint_interval_ms: u64,
    pub cache_bytes_max: usize,
}

#[derive(Debug, Clone, Copy, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Lake {
    pub enabled: bool,
    pub commit_interval_ms: u64,
    pub buffer_bytes_max: usize,
}

#[derive(Debug, Clone, Copy, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Learner {
    pub enabled: bool,
    pub towers: bool,
    pub checkpoint_interval_ms: u64,
    pub silence_ms_max: u64,
    pub entities_max: usize,
    pub pairs_max: usize,
    pub viewers_max: usize,
}

impl Learner {
    /// Bounds of what features are read from.
    pub fn state(&self) -> StateConfig {
        StateConfig {
            entities_max: self.entities_max,
            crosses_max: self.pairs_max,
            rings_max: self.viewers_max,
        }
    }
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Feed {
    pub seed: u64,
    pub candidates_max: usize,
    pub light_max: usize,
    pub ranked_max: usize,
    /// Shares of viewers, 0 to 1, by the name of a stage.
    pub components: BTreeMap<String, f32>,
    pub inbox_fan_out_max: usize,
}

#[derive(Debug, Clone, Copy, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Faults {
    pub allowed: bool,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Telemetry {
    pub log: String,
    pub format: String,
}

/// The name of a header, or an empty text for none.
mod optional_header {
    use axum::http::HeaderName;
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(name: &Option<HeaderName>, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(name.as_ref().map_or("", HeaderName::as_str))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<HeaderName>, D::Error> {
        match String::deserialize(from)?.as_str() {
            "" => Ok(None),
            name => name.parse().map(Some).map_err(de::Error::custom),
        }
    }
}

/// What is written and read as text.
mod as_text {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<T: Display, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(value)
    }

    pub(super) fn deserialize<'de, T, D>(from: D) -> Result<T, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        String::deserialize(from)?.parse().map_err(de::Error::custom)
    }
}

impl Config {
    /// The settings in force: defaults, then `file`, then `environment`.
    ///
    /// # Errors
    /// When the file cannot be read, or a key is unknown, or a value has the wrong type; the message names it.
    pub fn load(
        file: Option<&Path>,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, AppError> {
        let mut settings: Table = DEFAULTS
            .parse()
            .map_err(AppError::config("the built-in defaults"))?;
        if let Some(path) = file {
            let name = path.display().to_string();
            let text = std::fs::read_to_string(path).map_err(AppError::io("read the settings file", path))?;
            lay_over(&mut settings, text.parse().map_err(AppError::config(&name))?);
        }
        for (key, value) in environment {
            if let Some(name) = top_name(&key, &settings) {
                settings.insert(name, typed(&value));
            } else if let Some((section, name)) = split_name(&key) {
                let mut inner = Table::new();
                inner.insert(name, typed(&value));
                lay_over(&mut settings, Table::from_iter([(section, Value::Table(inner))]));
            }
        }
        Value::Table(settings)
            .try_into()
            .map_err(AppError::config("the settings"))
    }
}

fn lay_over(below: &mut Table, above: Table) {
    for (key, value) in above {
        match (below.get_mut(&key), value) {
            (Some(Value::Table(below)), Value::Table(above)) => lay_over(below, above),
            (_, value) => {
                below.insert(key, value);
            }
        }
    }
}

/// `RIFFLE_SERVER__LISTEN` is `listen` in `server`; names without the double underscore are not settings.
fn split_name(key: &str) -> Option<(String, String)> {
    let (section, name) = key.strip_prefix(ENVIRONMENT_PREFIX)?.split_once("__")?;
    Some((section.to_lowercase(), name.to_lowercase()))
}

/// `RIFFLE_EVENT_LOG` is `event_log`, which belongs to no section.
fn top_name(key: &str, settings: &Table) -> Option<String> {
    let name = key.strip_prefix(ENVIRONMENT_PREFIX)?.to_lowercase();
    settings
        .get(&name)
        .is_some_and(|value| !value.is_table())
        .then_some(name)
}

/// A number or a truth value where the text is one, else the text.
fn typed(text: &str) -> Value {
    if let Ok(number) = text.parse::<i64>() {
        return Value::Integer(number);
    }
    text.parse::<bool>()
        .map_or_else(|_| Value::String(text.to_owned()), Value::Boolean)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(file: &str, environment: &[(&str, &str)]) -> Result<Config, AppError> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("riffle.toml");
        std::fs::write(&path, file).expect("writes");
        let environment = environment
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        Config::load(Some(&path), environment)
    }

    #[test]
    fn defaults_then_file_then_environment() {
        let config = load(
            "[limits]\nauth_per_s = 7\n[feed]\nseed = 1",
            &[("RIFFLE_FEED__SEED", "2")],
        );
        let config = config.expect("loads");
        assert_eq!(
            (config.limits.auth_per_s, config.feed.seed, config.log.partitions),
            (7, 2, 8)
        );
        assert_eq!(
            config.server.region_header, None,
            "no header is trusted by itself"
        );
        assert!(
            config.server.listen.starts_with("127.0.0.1:"),
            "loopback unless somebody decides otherwise"
        );
    }

    #[test]
    fn unknown_keys_and_wrong_types_are_refused_by_name() {
        let check = |file: &str, environment: &[(&str, &str)], expect: &str| {
            let error = load(file, environment).expect_err("refused");
            let cause = std::error::Error::source(&error)
                .map(ToString::to_string)
                .unwrap_or_default();
            assert!(format!("{error} {cause}").contains(expect), "{error} {cause}");
        };
        check("[limits]\nauth_per_sec = 7", &[], "auth_per_sec");
        check("[surprise]\nx = 1", &[], "surprise");
        check("", &[("RIFFLE_LOG__PARTITIONS", "many")], "invalid type");
        check("", &[("RIFFLE_LOG__PARTITION", "4")], "partition");
        check("[server]\nregion_header = \"no spaces\"", &[], "header");
        check("[content]\nencoder = \"magic\"", &[], "command:PATH");
        check("not toml", &[], "toml");
    }

    #[test]
    fn other_variables_are_left_alone() {
        assert!(load("", &[("RIFFLE_DATA", "x"), ("PATH", "y"), ("RIFFLE_BIN", "z")]).is_ok());
    }
}
