//! Wiring: the rooms of one process, opened in the order they depend on each other and closed in the opposite one.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use blob::{BlobStore, UrlSigner};
use collector::Collector;
use event_log::EventLog;
use feature_store::{FeatureStore, LiveFeatures, StoreConfig};
use feed::{FeedConfig, FeedParts, Following, ForYou, LearnerParts, SteeringHandle, VideoVectors};
use lake::BlobObjects;
use media::{
    MediaLimits, MediaQueue, Processor, QueueLimits, QueueParts, Sandbox, UploadLimits, Uploads, UploadsParts,
};
use metastore::Metastore;
use metrics_exporter_prometheus::PrometheusHandle;
use product::{Clock, OutboxRelay, Product, ProductLimits, ProductParts};
use server::{Readiness, ServerParts, Shell};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use types::IdGenerator;

use crate::checkpoints::Checkpoints;
use crate::config::Config;
use crate::error::AppError;
use crate::log;
use crate::secrets::Secrets;
use crate::streams::{Controls, StreamParts, Streams};

/// One process, one node of the id space.
const NODE: u16 = 1;
const PURGE_EVERY: Duration = Duration::from_secs(3_600);
/// How soon orders of operators that another process stored are followed.
const STEER_EVERY: Duration = Duration::from_secs(2);

/// What time it is in the house, and how fast it passes.
#[derive(Clone)]
pub struct Time {
    /// Every stamp, deadline of a token and window of a job comes from it.
    pub clock: Clock,
    /// Seconds of the clock that pass in one of the machine, about; timers of tasks that follow the clock are so much shorter. 1 in a server.
    pub haste: u32,
}

impl Time {
    /// The machine's.
    pub fn machine() -> Self {
        Self {
            clock: Arc::new(now_ms),
            haste: 1,
        }
    }
}

/// Everything open and caught up, nothing listening yet.
pub struct House {
    store: Metastore,
    blobs: BlobStore,
    log: Arc<dyn EventLog>,
    features: Arc<FeatureStore>,
    live: LiveFeatures,
    learner: Option<LearnerParts>,
    vectors: Arc<VideoVectors>,
    steering: SteeringHandle,
    product: Product,
    uploads: Uploads,
    signer: UrlSigner,
    secrets: Secrets,
    clock: Clock,
    ids: Arc<IdGenerator>,
    metrics: PrometheusHandle,
    background: Background,
    /// Shares of viewers that admins set for stages of the feed.
    components: Vec<(String, f64)>,
}

/// What runs beside the door.
struct Background {
    relay: Arc<OutboxRelay>,
    streams: Streams,
    tasks: Vec<JoinHandle<()>>,
    /// True asks the tasks to stop.
    stop: watch::Sender<bool>,
}

/// What is left to close once serving has ended.
pub struct Rest {
    pub readiness: Arc<Readiness>,
    background: Background,
    store: Metastore,
}

impl House {
    /// Opens every store below `data`, catches up with the log and starts jobs and workers, all of which live by `time`.
    ///
    /// # Errors
    /// When something of it does not open.
    pub async fn open(
        data: &Path,
        config: &Config,
        metrics: PrometheusHandle,
        time: Time,
    ) -> Result<Self, AppError> {
        std::fs::create_dir_all(data).map_err(AppError::io("make the data folder", data))?;
        let secrets = Secrets::load(&data.join("secrets"))?;
        let clock = time.clock.clone();
        let ids = Arc::new(IdGenerator::new(NODE));
        let log = log::open(data, config).await?;
        let features = FeatureStore::open_with(&data.join("features.redb"), &store_config(config));
        let features = Arc::new(features.map_err(AppError::start("the feature store"))?);
        let uri = format!("sqlite://{}", data.join("riffle.db").display());
        let store = Metastore::open_with(&uri, config.server.cards_bytes_max)
            .await
            .map_err(AppError::start("the metastore"))?;
        let blobs = BlobStore::folder(data.join("blobs")).map_err(AppError::start("the blob store"))?;
        let signer = UrlSigner::new(&secrets.media_links).map_err(AppError::start("link signing"))?;
        let product = Product::new(ProductParts {
            store: store.clone(),
            clock: clock.clone(),
            ids: ids.clone(),
            token_key: secrets.tokens,
            limits: ProductLimits::default(),
        });
        let uploads = uploads(config, (&store, &blobs, &signer), &clock, &ids);
        let queue = media_queue(data, config, &store, &blobs, &clock, &ids).await?;
        let live = LiveFeatures::new(config.learner.state());
        let learner = learner(config, &time);
        let vectors = VideoVectors::new();
        let streams = StreamParts {
            log: log.clone(),
            features: features.clone(),
            objects: Arc::new(Checkpoints::new(blobs.clone())),
            dir: data.join("state"),
            config: config.jobs,
            lake_objects: BlobObjects::new(blobs.clone(), Handle::current()),
            lake: config.lake,
            live: live.clone(),
            learner: learner.clone(),
            learning: config.learner,
            vectors: vectors.clone(),
            time,
        };
        let steering = SteeringHandle::default();
        let components = product.feed_components().await;
        let components = components.map_err(AppError::start("the feed's switches"))?;
        let background = Background::start(streams, &store, &product, queue, &steering).await?;
        Ok(Self {
            store,
            blobs,
            log,
            features,
            live,
            learner,
            vectors,
            steering,
            product,
            uploads,
            signer,
            secrets,
            clock,
            ids,
            metrics,
            background,
            components,
        })
    }

    /// The rows, for tools that bring in what no upload brought.
    pub fn metastore(&self) -> Metastore {
        self.store.clone()
    }

    /// The HTTP service over these rooms, and what remains to be closed after it.
    pub fn door(self, config: &Config) -> Result<(axum::Router, Rest), AppError> {
        let feed_parts = FeedParts {
            store: self.features.clone(),
            log: self.log.clone(),
            features: self.live,
            learner: self.learner,
            vectors: self.vectors,
            steering: self.steering.clone(),
            cursor_key: self.secrets.cursors,
            seed: config.feed.seed,
            config: FeedConfig {
                candidates_max: config.feed.candidates_max,
                light_max: config.feed.light_max,
                ranked_max: config.feed.ranked_max,
                components: config.feed.components.clone(),
            },
        };
        let for_you = ForYou::new(&feed_parts).map_err(AppError::start("the feed"))?;
        switch(&for_you, &self.components);
        if config.faults.allowed {
            tracing::warn!("admins may break parts of this process on purpose; this is for tests only");
        }
        let readiness = Arc::new(Readiness::default());
        let parts = ServerParts {
            client_config: client_config(config, self.product.limits()),
            relay: self.background.relay.clone(),
            collector: Arc::new(Collector::new(self.log.clone(), self.features.clone())),
            for_you,
            following: Following::new(&feed_parts),
            steering: self.steering,
            controls: feed::Controls::new(&feed_parts),
            product: self.product,
            uploads: self.uploads,
            store: self.features,
            blobs: self.blobs,
            signer: self.signer,
            readiness: readiness.clone(),
            metrics: self.metrics,
            jobs: self.background.streams.controls().jobs.clone(),
            learner: self.background.streams.controls().learner.clone(),
            faults_allowed: config.faults.allowed,
            rate_limits: config.limits,
            guest_key: self.secrets.guests,
            media_link_ms: config.server.media_link_ms,
            region_header: config.server.region_header.clone(),
            secure_cookies: config.server.public_url.starts_with("https:"),
            clock: self.clock,
            ids: self.ids,
        };
        let rest = Rest {
            readiness,
            background: self.background,
            store: self.store,
        };
        Ok((server::router(parts, &shell(config)), rest))
    }
}

impl Background {
    async fn start(
        parts: StreamParts,
        store: &Metastore,
        product: &Product,
        queue: MediaQueue,
        steering: &SteeringHandle,
    ) -> Result<Self, AppError> {
        let relay = Arc::new(OutboxRelay::new(store.clone(), parts.log.clone()));
        // What a crash left in the outbox reaches the log before the jobs catch up with it.
        relay
            .settle()
            .await
            .map_err(AppError::start("the outbox relay"))?;
        let starting = tokio::task::spawn_blocking(move || Streams::start(&parts));
        let streams = starting.await.map_err(AppError::start("the jobs"))??;
        let (stop, stopped) = watch::channel(false);
        let relaying = tokio::spawn({
            let (relay, stopped) = (relay.clone(), stopped.clone());
            async move { relay.run(until(stopped)).await }
        });
        let purging = tokio::spawn(purge(product.clone(), stopped.clone()));
        let steering = tokio::spawn(steer(product.clone(), steering.clone(), stopped.clone()));
        let processing = tokio::spawn(async move { queue.run(until(stopped)).await });
        Ok(Self {
            relay,
            streams,
            tasks: vec![processing, purging, relaying, steering],
            stop,
        })
    }
}

impl Rest {
    /// Hands on whatever makes checkpoints, for signals.
    pub fn controls(&self) -> Controls {
        self.background.streams.controls().clone()
    }

    /// Stops workers, then the relay (which makes a last pass), then jobs (which commit), then the store.
    pub async fn close(self) {
        let Background {
            relay,
            streams,
            tasks,
            stop,
        } = self.background;
        // No receiver is left only when every task has ended already.
        let _ = stop.send(true);
        for task in tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "a background task ended badly");
            }
        }
        drop(relay);
        if let Err(error) = tokio::task::spawn_blocking(move || streams.close()).await {
            tracing::error!(%error, "jobs could not be joined");
        }
        self.store.close().await;
    }
}

async fn purge(product: Product, mut stopped: watch::Receiver<bool>) {
    loop {
        if let Err(error) = product.sessions_purge().await {
            tracing::warn!(%error, "expired sessions could not be purged");
        }
        tokio::select! {
            () = tokio::time::sleep(PURGE_EVERY) => {}
            _ = stopped.wait_for(|stop| *stop) => return,
        }
    }
}

/// Follows the orders in force; what a change of this process did already comes to the same.
async fn steer(product: Product, steering: SteeringHandle, mut stopped: watch::Receiver<bool>) {
    let mut held = None;
    loop {
        match steering_now(&product).await {
            Ok(now) if held.as_ref() != Some(&now) => {
                steering.set(server::steering(now.0.clone(), &now.1));
                held = Some(now);
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "the orders of operators could not be read"),
        }
        tokio::select! {
            () = tokio::time::sleep(STEER_EVERY) => {}
            _ = stopped.wait_for(|stop| *stop) => return,
        }
    }
}

type Weights = Vec<(String, f64)>;

async fn steering_now(product: &Product) -> Result<(Vec<product::Order>, Weights), product::ProductError> {
    Ok((product.orders().await?, product.value_weights().await?))
}

async fn until(mut stopped: watch::Receiver<bool>) {
    // The sender is gone only when the house closes, which is a stop too.
    let _ = stopped.wait_for(|stop| *stop).await;
}

/// Our clock: milliseconds since the Unix epoch.
pub fn now_ms() -> i64 {
    // A clock before 1970 is a broken machine; zero keeps ids unique all the same.
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_millis() as i64)
}

/// Switches stages as admins had them; one that is gone, or may not be switched any more, was another version's.
fn switch(for_you: &ForYou, components: &[(String, f64)]) {
    for (name, share) in components {
        if let Err(error) = for_you.switch(name, *share as f32) {
            tracing::warn!(stage = name, share, %error, "a switch of the feed is left as the settings have it");
        }
    }
}

async fn media_queue(
    data: &Path,
    config: &Config,
    store: &Metastore,
    blobs: &BlobStore,
    clock: &Clock,
    ids: &Arc<IdGenerator>,
) -> Result<MediaQueue, AppError> {
    let sandbox = Sandbox::detect()
        .await
        .map_err(AppError::start("the media sandbox"))?;
    let encoder = config
        .content
        .encoder
        .open()
        .map_err(AppError::start("the content encoder"))?;
    let processor = Processor::new(sandbox, media_limits(config));
    let processor = match encoder {
        Some(encoder) => processor.with_encoder(encoder),
        None => processor,
    };
    Ok(MediaQueue::new(QueueParts {
        store: store.clone(),
        blobs: blobs.clone(),
        processor,
        clock: clock.clone(),
        ids: ids.clone(),
        work_dir: data.join("work"),
        limits: QueueLimits::default(),
    }))
}

fn store_config(config: &Config) -> StoreConfig {
    StoreConfig {
        inbox_fan_out_max: config.feed.inbox_fan_out_max,
        ..StoreConfig::default()
    }
}

fn uploads(
    config: &Config,
    (store, blobs, signer): (&Metastore, &BlobStore, &UrlSigner),
    clock: &Clock,
    ids: &Arc<IdGenerator>,
) -> Uploads {
    Uploads::new(UploadsParts {
        store: store.clone(),
        blobs: blobs.clone(),
        signer: signer.clone(),
        clock: clock.clone(),
        ids: ids.clone(),
        limits: upload_limits(config),
    })
}

fn learner(config: &Config, time: &Time) -> Option<LearnerParts> {
    config.learner.enabled.then(|| LearnerParts {
        live: trainer::Live::new(),
        control: trainer::TrainerControl::new(),
        silence_ms_max: silence_ms_max(config, time),
    })
}

/// A learner's silence is measured by the clock, and it speaks by the machine's.
fn silence_ms_max(config: &Config, time: &Time) -> i64 {
    let silence_ms_max = config
        .learner
        .silence_ms_max
        .saturating_mul(u64::from(time.haste.max(1)));
    silence_ms_max.try_into().unwrap_or(i64::MAX)
}

fn media_limits(config: &Config) -> MediaLimits {
    MediaLimits {
        duration_ms_min: config.upload.duration_ms_min,
        duration_ms_max: config.upload.duration_ms_max,
        file_bytes_max: config.upload.file_bytes_max,
        ..MediaLimits::default()
    }
}

fn upload_limits(config: &Config) -> UploadLimits {
    UploadLimits {
        media: media_limits(config),
        part_bytes: config.upload.part_bytes,
        ..UploadLimits::default()
    }
}

/// Bounds of a request, from the settings.
pub fn shell(config: &Config) -> Shell {
    Shell {
        body_bytes_max: config.server.body_bytes_max,
        request_ms_max: config.server.request_ms_max,
        part_bytes_max: config.upload.part_bytes as usize,
        part_ms_max: config.server.part_ms_max,
        drain_ms_max: config.server.drain_ms_max,
    }
}

fn client_config(config: &Config, product: &ProductLimits) -> api::ClientConfig {
    let upload = UploadLimits::default();
    api::ClientConfig {
        limits: api::Limits {
            video_duration_ms_min: config.upload.duration_ms_min as i64,
            video_duration_ms_max: config.upload.duration_ms_max as i64,
            file_size_bytes_max: config.upload.file_bytes_max,
            caption_chars_max: upload.caption_chars_max as u32,
            hashtags_max: upload.hashtags_max as u32,
            comment_chars_max: product.comment_chars_max as u32,
            part_size_bytes: config.upload.part_bytes,
        },
        accepted_mime_types: media::MIME_TYPES.iter().map(|&mime| mime.to_owned()).collect(),
    }
}
