//! The room's rules, entered through its public door over a real store and a real log in a temporary folder.

mod accounts;
mod admins;
mod comments;
mod engagement;
mod follows;
mod relay;
mod videos;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use metastore::{Metastore, VideoNew, VideoPublish, VideoSubmit};
use product::{Product, ProductError, ProductLimits, ProductParts, Registration, Session};
use tempfile::TempDir;
use types::{IdGenerator, UserId, VideoId};

/// 2026-11-21T00:00:00Z.
const START_MS: i64 = 1_795_219_200_000;

/// A room with a clock that tests move.
struct Fixture {
    room: Product,
    store: Metastore,
    clock: Arc<AtomicI64>,
    folder: TempDir,
}

impl Fixture {
    async fn open() -> Self {
        Self::with_limits(ProductLimits::default()).await
    }

    async fn with_limits(limits: ProductLimits) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let address = format!("sqlite://{}", folder.path().join("riffle.db").display());
        let store = Metastore::open(&address).await.expect("a fresh store opens");
        let clock = Arc::new(AtomicI64::new(START_MS));
        let now = Arc::clone(&clock);
        let room = Product::new(ProductParts {
            store: store.clone(),
            clock: Arc::new(move || now.load(Ordering::Relaxed)),
            ids: Arc::new(IdGenerator::new(1)),
            token_key: [7; 32],
            limits,
        });
        Self {
            room,
            store,
            clock,
            folder,
        }
    }

    fn pass_ms(&self, ms: i64) {
        self.clock.fetch_add(ms, Ordering::Relaxed);
    }

    async fn register(&self, username: &str) -> Result<Session, ProductError> {
        self.room.account_register(registration(username)).await
    }

    /// A new account.
    async fn person(&self, username: &str) -> UserId {
        self.register(username).await.expect("a fresh name").user
    }

    /// A video in state `processing`, or published.
    async fn video(&self, id: u64, creator: UserId, published: bool) -> VideoId {
        let id = VideoId::from_raw(id);
        let mut tx = self.store.write("test_video").await.expect("the writer is free");
        let new = VideoNew {
            id,
            creator,
            duration_ms: 9_000,
            source_bytes: 5,
            created_at_ms: START_MS,
        };
        tx.video_create(&new).await.expect("a new video");
        let submit = VideoSubmit {
            caption: "waves",
            hashtags: &["ocean".to_owned()],
            ..VideoSubmit::default()
        };
        tx.video_submit(id, &submit).await.expect("a step");
        if published {
            let publish = VideoPublish {
                published_at_ms: START_MS + id.as_i64(),
                duration_ms: 9_000,
                width: 540,
                height: 960,
                manifest_json: "{}".to_owned(),
                progress: 0.5,
            };
            tx.video_publish(id, creator, &publish).await.expect("a step");
        }
        tx.commit().await.expect("a commit");
        id
    }
}

fn registration(username: &str) -> Registration {
    Registration {
        username: username.to_owned(),
        password: "correct horse".to_owned(),
        birth_date: "2000-01-01".to_owned(),
        display_name: None,
    }
}

/// The code of the answer: `ok` or the error's.
fn code<T>(answer: &Result<T, ProductError>) -> &'static str {
    answer.as_ref().map_or_else(ProductError::code, |_| "ok")
}
