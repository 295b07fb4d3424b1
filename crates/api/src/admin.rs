//! What admins see of the running house: one snapshot of how events flow through it, and every figure the process keeps.
//!
//! Counts are totals since `startedAtMs`; whoever shows a rate takes two snapshots and divides. A figure that the process has not
//! measured yet is null, never zero.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use types::TimestampMs;
use utoipa::ToSchema;

/// How events flow: door → log → jobs → stores.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Flow {
    pub at_ms: TimestampMs,
    /// When this process began to count; another value means that all totals began anew.
    pub started_at_ms: TimestampMs,
    /// False while it starts or drains.
    pub ready: bool,
    pub door: FlowDoor,
    pub log: FlowLog,
    pub jobs: Vec<FlowJob>,
    pub outbox: FlowOutbox,
    pub media: FlowMedia,
    pub features: FlowFeatures,
    pub lake: FlowLake,
    pub metastore: FlowMetastore,
    /// Null where nobody learns.
    pub learner: Option<FlowLearner>,
    /// Everything that was refused, dropped, repeated or lost, with its reason; what never happened is left out.
    pub drops: Vec<FlowDrop>,
}

/// Where events and requests come in.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FlowDoor {
    /// Events that were new and are durable.
    pub accepted: u64,
    /// Events that had come before.
    pub duplicates: u64,
    /// Events that are never taken.
    pub rejected: u64,
    /// Requests answered, of any kind.
    pub requests: u64,
    /// Answers 429: a rate limit, or a full queue.
    pub busy: u64,
    /// Answers 5xx.
    pub failed: u64,
    /// Time spent answering, all requests added up: by how many seconds it grows in one is how many are under way, on average.
    pub answering_ms: u64,
    /// How long answers to event batches took.
    pub events_answered: Vec<FlowBucket>,
}

/// Answers that took at most so long, each bucket counting those before it too.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FlowBucket {
    /// Null in the last one, which counts all.
    pub le_ms: Option<f64>,
    pub count: u64,
}

/// A spread of times or sizes over the last minute; `count` is of all time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FlowSpread {
    pub p50: f64,
    pub p99: f64,
    pub max: f64,
    pub count: u64,
}

/// The event log.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FlowLog {
    /// Records made durable.
    pub records: u64,
    pub topics: Vec<FlowTopic>,
    /// Waiting for the disk or the broker.
    pub queue_bytes: Option<u64>,
    /// How long who comes now waits for their turn.
    pub wait_estimate_ms: Option<f64>,
    pub commit_rate_bytes_per_s: Option<u64>,
    pub commit_ms: Option<FlowSpread>,
    pub group_bytes: Option<FlowSpread>,
    pub segments: Option<u64>,
    pub kept_bytes: Option<u64>,
    /// Kept past its retention because a job still needs it.
    pub held_bytes: Option<u64>,
    /// Jobs that hold records.
    pub holders: Option<u64>,
    /// Acknowledged from memory and not yet on the disk.
    pub at_risk_bytes: Option<u64>,
    /// After a failed write: nothing is taken until a restart.
    pub stopped: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FlowTopic {
    pub name: String,
    pub records: u64,
}

/// One stream job.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FlowJob {
    pub job: String,
    pub kind: FlowJobKind,
    pub state: FlowJobState,
    /// Records read, and what became of them: records = counted + duplicate + late + rejected.
    pub records: u64,
    pub fates: FlowFates,
    /// Durable and not yet processed.
    pub lag_records: u64,
    /// How far the watermark is behind the clock; null for jobs without event time, and before the first record.
    pub watermark_behind_ms: Option<u64>,
    pub keys: Option<u64>,
    pub state_bytes: Option<u64>,
    pub timers: Option<u64>,
    /// Rows handed to the job's store.
    pub rows: Option<u64>,
    /// How long a commit of a view took.
    pub commit_ms: Option<FlowSpread>,
    pub checkpoint: Option<FlowCheckpoint>,
    /// Failures that passed by trying again.
    pub stumbles: u64,
    /// Whether a checkpoint can be asked for.
    pub controllable: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FlowJobKind {
    /// Keeps its state in the keyed engine, with checkpoints of its own.
    Engine,
    /// Keeps its state and its offsets in a store.
    View,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FlowJobState {
    Running,
    /// Ended by an error; stays down until the process restarts.
    Failed,
    Stopped,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FlowFates {
    pub counted: u64,
    pub duplicate: u64,
    pub late: u64,
    pub rejected: u64,
}

/// The last checkpoint that was published.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FlowCheckpoint {
    pub version: u64,
    pub at_ms: TimestampMs,
    /// All objects that it needs.
    pub bytes: u64,
    /// Checkpoints made by this process.
    pub made: u64,
    pub took_ms: Option<FlowSpread>,
}

/// Facts on their way from the metastore to the log.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FlowOutbox {
    pub waiting_rows: Option<u64>,
    /// Null when nothing waits.
    pub oldest_at_ms: Option<TimestampMs>,
    pub relayed: u64,
    pub failures: u64,
}

/// The media workers.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FlowMedia {
    pub waiting: Option<u64>,
    pub running: u64,
    /// Gave up after their last try.
    pub dead: Option<u64>,
    /// Tries that failed; most are tried again.
    pub failures: u64,
    /// Jobs that ended, well or not.
    pub done: u64,
}

/// The feature store.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FlowFeatures {
    pub tables: Vec<FlowTable>,
    /// Videos hot enough that their counts are saved in batches.
    pub viral_videos: Option<u64>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FlowTable {
    pub name: String,
    /// Rows written.
    pub written: u64,
    /// Rows that waited for a later write instead, counted at each commit that they sat out.
    pub held_back: u64,
}

/// The lake of raw events.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FlowLake {
    pub rows: u64,
    pub files: u64,
    pub written_bytes: u64,
    /// Read and not yet written.
    pub held_bytes: Option<u64>,
}

/// The metastore.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FlowMetastore {
    /// Changes committed.
    pub writes: u64,
    pub failures: u64,
    /// How long a change waited for its turn to write.
    pub write_waited: Vec<FlowBucket>,
}

/// The learner, and what the feed makes of it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FlowLearner {
    /// `starting`, `up`, or `down` after it died and until it has caught up again.
    pub state: String,
    /// How often it ended without being asked to since the process started: it is opened again each time.
    pub ended: u64,
    /// Examples taken since learning began, restarts included.
    pub learned: u64,
    /// Of these, those that told an outcome.
    pub outcomes: u64,
    /// Of these, those that corrected an earlier one: a late like, or one taken back.
    pub corrections: u64,
    /// Of the outcomes, those that counted less because their viewer's budget was spent.
    pub capped: u64,
    /// Examples durable and not yet taken.
    pub lag_records: u64,
    /// Versions published since learning began.
    pub versions: u64,
    /// How long ago the newest example was written that the version in service has learned; null before the first.
    pub version_age_ms: Option<u64>,
    /// How long ago the learner was heard of; null when it never was.
    pub heard_ago_ms: Option<u64>,
    pub checkpoint_version: u64,
    /// Whether versions are held back because the loss has jumped, and how often that was.
    pub guard_holds: bool,
    pub guard_pulls: u64,
    /// Pages scored with the model, and by the light score alone.
    pub pages_learned: u64,
    pub pages_light: u64,
    /// How much the learned value counts in a score, 0 to 1; null before the first such page.
    pub say: Option<f64>,
    pub heads: Vec<FlowHead>,
}

/// How good the answers to one question are, judged before each example is learned.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FlowHead {
    pub head: String,
    /// Labels since learning began; the figures are of the last ones.
    pub labels: u64,
    /// Null while all labels are of one kind.
    pub auc: Option<f64>,
    pub logloss: Option<f64>,
    /// Predicted events by those that happened; null while none happened.
    pub calibration: Option<f64>,
    pub base_rate: Option<f64>,
}

/// One reason for which something did not go on, and how often that was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FlowDrop {
    pub stage: FlowStage,
    pub kind: FlowDropKind,
    /// The metric that counts it.
    pub metric: String,
    /// The job or pipeline it happened in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// Short and of few values; empty where the metric says it all.
    pub reason: String,
    pub total: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FlowStage {
    Door,
    Log,
    Jobs,
    Stores,
    Feed,
    Media,
}

/// How bad it is that something did not go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FlowDropKind {
    /// It was there already, or a rule takes it out: all is well.
    Expected,
    /// Sent back, and the sender was told: nothing is lost, somebody waits.
    Refused,
    /// An answer came with less in it, or after another try.
    Degraded,
    /// It does not count anywhere.
    Lost,
}

/// A checkpoint was asked for; it follows within an epoch or two.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CheckpointAsked {
    pub job: String,
}

/// Every figure of the process.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Metrics {
    pub at_ms: TimestampMs,
    /// By name.
    pub families: Vec<MetricFamily>,
    /// Samples beyond the bound of this answer.
    pub left_out: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MetricFamily {
    pub name: String,
    /// `counter`, `gauge`, `summary` or `histogram`.
    pub kind: String,
    pub samples: Vec<MetricSample>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MetricSample {
    /// Of a summary or histogram: `bucket`, `sum` or `count`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    pub labels: BTreeMap<String, String>,
    /// Null where the figure is not finite.
    pub value: Option<f64>,
}
