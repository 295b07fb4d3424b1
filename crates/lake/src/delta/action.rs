//! The lines of a commit, as the protocol spells them. Fields that this program does not know are passed over.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use types::TimestampMs;

/// One line of a commit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Action {
    CommitInfo(CommitInfo),
    Protocol(Protocol),
    MetaData(MetaData),
    Txn(Txn),
    Add(Add),
    Remove(Remove),
}

/// Who committed and what for; for people only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CommitInfo {
    pub(crate) timestamp: TimestampMs,
    pub(crate) operation: String,
    #[serde(default)]
    pub(crate) operation_parameters: BTreeMap<String, String>,
    pub(crate) engine_info: String,
}

impl CommitInfo {
    /// Of this program.
    pub(crate) fn new(operation: &str, at_ms: TimestampMs) -> Self {
        Self {
            timestamp: at_ms,
            operation: operation.to_owned(),
            operation_parameters: BTreeMap::new(),
            engine_info: concat!("riffle/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

/// What a program must understand to touch the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Protocol {
    pub(crate) min_reader_version: i32,
    pub(crate) min_writer_version: i32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MetaData {
    pub(crate) id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    pub(crate) format: Format,
    /// The columns, as a text of JSON inside the JSON.
    pub(crate) schema_string: String,
    pub(crate) partition_columns: Vec<String>,
    pub(crate) configuration: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) created_time: Option<TimestampMs>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Format {
    pub(crate) provider: String,
    #[serde(default)]
    pub(crate) options: BTreeMap<String, String>,
}

/// How far an application is: for the lake, the next offset of one partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Txn {
    pub(crate) app_id: String,
    pub(crate) version: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last_updated: Option<TimestampMs>,
}

/// A file counts from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Add {
    /// Below the table's folder.
    pub(crate) path: String,
    pub(crate) partition_values: BTreeMap<String, Option<String>>,
    pub(crate) size: i64,
    pub(crate) modification_time: TimestampMs,
    /// False when the rows were in the table before, in other files.
    pub(crate) data_change: bool,
    /// Statistics, as a text of JSON inside the JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stats: Option<String>,
}

/// A file no longer counts. It stays in storage for readers that began before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Remove {
    pub(crate) path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) deletion_timestamp: Option<TimestampMs>,
    pub(crate) data_change: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) extended_file_metadata: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) partition_values: Option<BTreeMap<String, Option<String>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) size: Option<i64>,
}

impl Add {
    /// The action that takes this file away, at `at_ms`.
    pub(crate) fn removed(&self, at_ms: TimestampMs) -> Remove {
        Remove {
            path: self.path.clone(),
            deletion_timestamp: Some(at_ms),
            data_change: false,
            extended_file_metadata: Some(true),
            partition_values: Some(self.partition_values.clone()),
            size: Some(self.size),
        }
    }
}

/// A commit as bytes, one action a line.
pub(crate) fn encode(actions: &[Action]) -> Result<Vec<u8>, serde_json::Error> {
    let mut bytes = Vec::with_capacity(512 * actions.len());
    for action in actions {
        serde_json::to_writer(&mut bytes, action)?;
        bytes.push(b'\n');
    }
    Ok(bytes)
}

/// The actions of a commit; kinds that this program does not know are left out.
pub(crate) fn decode(bytes: &[u8]) -> Result<Vec<Action>, serde_json::Error> {
    const KNOWN: [&str; 5] = ["protocol", "metaData", "txn", "add", "remove"];
    let mut actions = Vec::new();
    let lines = bytes
        .split(|&byte| byte == b'\n')
        .filter(|line| !line.trim_ascii().is_empty());
    for line in lines {
        let value: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(line)?;
        if value.keys().any(|kind| KNOWN.contains(&kind.as_str())) {
            actions.push(serde_json::from_value(value.into())?);
        }
    }
    Ok(actions)
}
