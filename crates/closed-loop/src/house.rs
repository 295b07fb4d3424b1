//! The whole product in this process, on a loopback port, under the world's clock: the binary's own wiring, with a folder of its own that
//! goes when it ends. It is spoken to by HTTP alone; besides that the loop may wait until the house has taken in what it was told.

use std::time::{Duration, Instant};

use app::config::Config;
use app::wire::{House as Rooms, Rest, Time, shell};
use metastore::Metastore;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use product::Admins;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::clock::WorldClock;
use crate::error::LoopError;
use crate::wire::{Api, Flow, From};

/// The account that looks after the house.
const ADMIN: &str = "house_admin";
/// How long the jobs may take to catch up, by the machine's clock.
const CATCH_UP_MAX: Duration = Duration::from_secs(120);
const LOOK_EVERY: Duration = Duration::from_millis(2);
/// Looks without anything left to do before the house counts as settled: a job that has not looked yet says nothing of its lag.
const QUIET_LOOKS: u32 = 2;

/// See the file's header.
pub struct House {
    pub api: Api,
    runtime: Runtime,
    rows: Metastore,
    clock: WorldClock,
    admin: String,
    stop: Option<oneshot::Sender<()>>,
    serving: Option<JoinHandle<std::io::Result<()>>>,
    rest: Option<Rest>,
    metrics: PrometheusHandle,
    /// Times that was waited for the jobs, and how long together.
    pub waited: (u64, Duration),
    _folder: tempfile::TempDir,
}

/// Differences to the product's defaults: no limits on how fast one address asks, for all people share one, and no lake, which nothing here
/// reads.
const SETTINGS: [(&str, &str); 6] = [
    ("RIFFLE_LIMITS__ADDRESS_PER_S", "0"),
    ("RIFFLE_LIMITS__VIEWER_PER_S", "0"),
    ("RIFFLE_LIMITS__AUTH_PER_S", "0"),
    ("RIFFLE_LIMITS__UPLOAD_PER_S", "0"),
    ("RIFFLE_LAKE__ENABLED", "false"),
    ("RIFFLE_TELEMETRY__LOG", "warn"),
];

impl House {
    /// Opens a house whose clock shows `clock`, going about `haste` times as fast as the machine's. `seed` is that of its exploration.
    ///
    /// # Errors
    /// When something of it does not open.
    pub fn open(clock: &WorldClock, haste: u32, seed: u64) -> Result<Self, LoopError> {
        let folder = tempfile::tempdir().map_err(LoopError::io("making the house's folder"))?;
        let settings = SETTINGS.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let seed = ("RIFFLE_FEED__SEED".to_owned(), seed.to_string());
        let config = Config::load(None, settings.into_iter().chain([seed]))?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        let runtime = runtime.map_err(LoopError::io("starting the runtime"))?;
        let metrics = metrics();
        let time = Time {
            clock: clock.of_house(),
            haste,
        };
        let opening = async {
            let listener = TcpListener::bind("127.0.0.1:0").await;
            let listener = listener.map_err(LoopError::io("listening"))?;
            let address = listener.local_addr().map_err(LoopError::io("listening"))?;
            let rooms = Rooms::open(folder.path(), &config, metrics.clone(), time).await?;
            let rows = rooms.metastore();
            let (router, rest) = rooms.door(&config)?;
            rest.readiness.set(true);
            Ok::<_, LoopError>((listener, address, rows, router, rest))
        };
        let (listener, address, rows, router, rest) = runtime.block_on(opening)?;
        let (stop, stopped) = oneshot::channel();
        let bounds = shell(&config);
        let serving = runtime.spawn(async move {
            let stopped = async {
                // A house that is dropped without a word stops too.
                let _ = stopped.await;
            };
            server::serve(listener, router, &bounds, stopped).await
        });
        let mut house = Self {
            api: Api::new(address),
            runtime,
            rows,
            clock: clock.clone(),
            admin: String::new(),
            stop: Some(stop),
            serving: Some(serving),
            rest: Some(rest),
            metrics,
            waited: (0, Duration::ZERO),
            _folder: folder,
        };
        house.admin_make()?;
        Ok(house)
    }

    fn admin_make(&mut self) -> Result<(), LoopError> {
        self.admin = self.api.register(ADMIN)?.access_token;
        let admins = Admins::new(self.rows.clone(), self.clock.of_house());
        self.runtime.block_on(admins.grant(ADMIN, "closed-loop"))?;
        Ok(())
    }

    /// The rows, for videos that no upload brings.
    pub fn rows(&self) -> Metastore {
        self.rows.clone()
    }

    /// Runs something of the house's own until it is done.
    pub fn block_on<F: Future>(&self, work: F) -> F::Output {
        self.runtime.block_on(work)
    }

    /// How the house stands, by the admins' page.
    ///
    /// # Errors
    /// See [`Api::ask`].
    pub fn flow(&mut self) -> Result<Flow, LoopError> {
        self.metrics.run_upkeep();
        let ask = |token: &str| {
            let from = From {
                token: Some(token),
                ..From::default()
            };
            self.api.ask(("GET", "/admin/flow"), from, None)
        };
        match ask(&self.admin) {
            // Tokens live for minutes of the world's clock.
            Err(LoopError::Refused { status: 401, .. }) => {
                self.admin = self.api.renew(ADMIN, None)?.access_token;
                ask(&self.admin)
            }
            flow => flow,
        }
    }

    /// Waits until every job has taken in what the log holds.
    ///
    /// # Errors
    /// When it takes too long.
    pub fn settle(&mut self) -> Result<(), LoopError> {
        let began = Instant::now();
        let mut quiet = 0;
        while quiet < QUIET_LOOKS {
            quiet = if self.flow()?.behind() == 0 { quiet + 1 } else { 0 };
            if began.elapsed() > CATCH_UP_MAX {
                return Err(LoopError::Behind(CATCH_UP_MAX.as_secs()));
            }
            std::thread::sleep(LOOK_EVERY);
        }
        self.waited.0 += 1;
        self.waited.1 += began.elapsed();
        Ok(())
    }

    /// Stops serving, then the jobs, which make durable what they did.
    ///
    /// # Errors
    /// When serving had failed.
    pub fn close(mut self) -> Result<(), LoopError> {
        self.shut()
    }

    fn shut(&mut self) -> Result<(), LoopError> {
        drop(self.stop.take());
        let (serving, rest) = (self.serving.take(), self.rest.take());
        self.runtime.block_on(async {
            let served = match serving {
                Some(serving) => serving.await.map_err(|_| LoopError::Worker)?,
                None => Ok(()),
            };
            if let Some(rest) = rest {
                rest.close().await;
            }
            served.map_err(LoopError::io("serving"))
        })
    }
}

/// A life that ends early ends in order too: the jobs need the runtime until they have ended.
impl Drop for House {
    fn drop(&mut self) {
        if let Err(error) = self.shut() {
            eprintln!("the house did not end in order: {error}");
        }
    }
}

/// The process has one recorder; the houses it opens one after the other share it.
fn metrics() -> PrometheusHandle {
    static HANDLE: std::sync::OnceLock<PrometheusHandle> = std::sync::OnceLock::new();
    let made = HANDLE.get_or_init(|| {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        // Somebody else's recorder takes the figures then, and the page shows none; settling would never end and says so.
        let _ = metrics_set(recorder);
        handle
    });
    made.clone()
}

fn metrics_set(recorder: metrics_exporter_prometheus::PrometheusRecorder) -> bool {
    metrics::set_global_recorder(recorder).is_ok()
}
