//! The rooms a request can be sent to, wired once at start.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::http::HeaderName;
use blob::{BlobStore, UrlSigner};
use collector::Collector;
use feature_store::FeatureStore;
use feed::{Controls, Following, ForYou, SteeringHandle};
use media::Uploads;
use metrics_exporter_prometheus::PrometheusHandle;
use product::{OutboxRelay, Product};
use stream::keyed::JobControl;
use trainer::TrainerControl;
use types::TimestampMs;

use crate::checked::Checked;
use crate::identity::GuestKeys;
use crate::limits::{Limiter, RateLimits};
use crate::links::LinkCache;

/// How long an answer may wait for the caller's own action to reach the jobs.
const SETTLE_PATIENCE: Duration = Duration::from_millis(250);

/// Everything the door calls.
pub struct ServerParts {
    pub product: Product,
    pub relay: Arc<OutboxRelay>,
    pub uploads: Uploads,
    pub collector: Arc<Collector>,
    pub for_you: ForYou,
    pub following: Following,
    /// What operators ask of the feed, as the feed holds it.
    pub steering: SteeringHandle,
    pub controls: Controls,
    pub store: Arc<FeatureStore>,
    pub blobs: BlobStore,
    pub signer: UrlSigner,
    pub readiness: Arc<Readiness>,
    pub metrics: PrometheusHandle,
    /// The jobs that admins may ask for a checkpoint.
    pub jobs: Vec<JobControl>,
    /// The learner, where there is one.
    pub learner: Option<TrainerControl>,
    /// Whether admins may break parts of this process on purpose.
    pub faults_allowed: bool,
    /// What clients are told about limits.
    pub client_config: api::ClientConfig,
    pub rate_limits: RateLimits,
    /// Signs guest cookies.
    pub guest_key: [u8; 32],
    /// How long a signed media link stays valid at least.
    pub media_link_ms: u64,
    /// Marks cookies `Secure`; set when the public address is HTTPS.
    pub secure_cookies: bool,
    /// A header that only a proxy in front can have set: the caller's region. None trusts no header.
    pub region_header: Option<HeaderName>,
    pub clock: product::Clock,
    pub ids: Arc<types::IdGenerator>,
}

/// Whether the process wants traffic.
#[derive(Debug, Default)]
pub struct Readiness(AtomicBool);

impl Readiness {
    pub fn set(&self, ready: bool) {
        self.0.store(ready, Ordering::Release);
    }

    pub fn get(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// The parts as handlers see them.
pub(crate) struct Rooms {
    pub parts: ServerParts,
    pub guests: GuestKeys,
    /// Guests' cookies that were checked a moment ago.
    pub cookies: Checked,
    /// Access tokens that were checked a moment ago.
    pub tokens: Checked,
    pub limiter: Limiter,
    pub links: LinkCache,
    /// When this process began to count.
    pub started_at_ms: TimestampMs,
}

pub(crate) type State = axum::extract::State<Arc<Rooms>>;

impl Rooms {
    pub(crate) fn new(parts: ServerParts) -> Self {
        let guests = GuestKeys::new(&parts.guest_key);
        let limiter = Limiter::new(&parts.rate_limits);
        let started_at_ms = (parts.clock)();
        Self {
            parts,
            guests,
            cookies: Checked::default(),
            tokens: Checked::default(),
            limiter,
            links: LinkCache::default(),
            started_at_ms,
        }
    }

    pub(crate) fn now_ms(&self) -> TimestampMs {
        (self.parts.clock)()
    }

    /// Brings the caller's own action to the log before the answer, so that the caller's next read shows it. When the log is slow the answer
    /// does not wait for ever: the action is durable in any case.
    pub(crate) async fn settle(&self) {
        match tokio::time::timeout(SETTLE_PATIENCE, self.parts.relay.settle()).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => {
                tracing::warn!(%error, "the outbox could not be relayed at once");
                unsettled("failed");
            }
            Err(_) => unsettled("slow"),
        }
    }
}

/// The caller's next read may not show their own action.
fn unsettled(reason: &'static str) {
    metrics::counter!("riffle_server_unsettled_total", "reason" => reason).increment(1);
}
