//! The way of an upload, from the session to the published files, over a real store, real blobs and the real tools.

mod queue;
mod sessions;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use blob::{BlobKey, BlobStore, UrlSigner};
use media::{
    MediaLimits, MediaQueue, Processor, QueueLimits, QueueParts, Sandbox, Submission, UploadError,
    UploadLimits, UploadRequest, UploadSession, Uploads, UploadsParts,
};
use metastore::{AccountNew, Metastore, Video};
use tempfile::TempDir;
use types::{IdGenerator, Region, SoundId, UserId, Username, VideoId};

/// 2026-11-21T00:00:00Z.
const START_MS: i64 = 1_795_219_200_000;
const MINA: UserId = UserId::from_raw(1);
const NOOR: UserId = UserId::from_raw(2);

struct Fixture {
    uploads: Uploads,
    store: Metastore,
    blobs: BlobStore,
    clock: Arc<AtomicI64>,
    folder: TempDir,
}

impl Fixture {
    /// Two people and no videos; parts of `part_bytes`.
    async fn open(part_bytes: u64) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let address = format!("sqlite://{}", folder.path().join("riffle.db").display());
        let store = Metastore::open(&address).await.expect("a fresh store opens");
        let blobs = BlobStore::folder(folder.path().join("blobs")).expect("a fresh folder");
        let clock = Arc::new(AtomicI64::new(START_MS));
        let now = Arc::clone(&clock);
        let uploads = Uploads::new(UploadsParts {
            store: store.clone(),
            blobs: blobs.clone(),
            signer: UrlSigner::new(&[7; 32]).expect("a long key"),
            clock: Arc::new(move || now.load(Ordering::Relaxed)),
            ids: Arc::new(IdGenerator::new(1)),
            limits: UploadLimits {
                part_bytes,
                sessions_max: 3,
                ..UploadLimits::default()
            },
        });
        let fixture = Self {
            uploads,
            store,
            blobs,
            clock,
            folder,
        };
        fixture.people().await;
        fixture
    }

    async fn people(&self) {
        let mut tx = self.store.write("people").await.expect("the writer is free");
        for (id, name) in [(MINA, "mina"), (NOOR, "noor")] {
            let new = AccountNew {
                id,
                username: &Username::parse(name).expect("a valid name"),
                display_name: name,
                password_hash: "$hash",
                birth_date: "2000-01-01",
                created_at_ms: START_MS,
            };
            tx.account_create(&new).await.expect("a new account");
        }
        tx.commit().await.expect("a commit");
    }

    fn pass_ms(&self, ms: i64) {
        self.clock.fetch_add(ms, Ordering::Relaxed);
    }

    async fn session(&self, file_bytes: usize) -> UploadSession {
        self.uploads
            .session_create(MINA, request(file_bytes as u64))
            .await
            .expect("a session")
    }

    async fn put(&self, session: &UploadSession, number: usize, bytes: &[u8]) -> Result<String, UploadError> {
        self.uploads.part_put(&session.parts[number - 1].url, bytes).await
    }

    /// Uploads and submits `bytes` as MINA.
    async fn submitted(&self, bytes: &[u8]) -> VideoId {
        let session = self.session(bytes.len()).await;
        for (at, chunk) in bytes.chunks(session.part_bytes as usize).enumerate() {
            self.put(&session, at + 1, chunk).await.expect("a part");
        }
        let submission = Submission {
            caption: "waves #Ocean".to_owned(),
            category: Some("travel".to_owned()),
            sound: Some(SoundId::from_raw(5)),
            region: Region::from_bytes(*b"BR"),
            ..Submission::default()
        };
        self.uploads
            .submit(MINA, session.video, &submission)
            .await
            .expect("a submission");
        session.video
    }

    /// The workers, with the real tools.
    async fn queue(&self) -> MediaQueue {
        let sandbox = Sandbox::detect()
            .await
            .expect("ffmpeg and bubblewrap are installed");
        let now = Arc::clone(&self.clock);
        MediaQueue::new(QueueParts {
            store: self.store.clone(),
            blobs: self.blobs.clone(),
            processor: Processor::new(sandbox, MediaLimits::default()),
            clock: Arc::new(move || now.load(Ordering::Relaxed)),
            ids: Arc::new(IdGenerator::new(2)),
            work_dir: self.folder.path().join("work"),
            limits: QueueLimits::default(),
        })
    }

    async fn video(&self, id: VideoId) -> Video {
        self.store
            .video_get(id)
            .await
            .expect("a read")
            .expect("the video")
    }

    async fn files(&self, prefix: &str) -> Vec<String> {
        let prefix = BlobKey::parse(prefix).expect("a valid prefix");
        let listing = self.blobs.list_prefix(&prefix, 1_000).await.expect("a listing");
        listing
            .entries
            .iter()
            .map(|entry| entry.key.to_string())
            .collect()
    }
}

fn request(file_bytes: u64) -> UploadRequest {
    UploadRequest {
        duration_s: Some(20.0),
        file_bytes,
        mime: "video/mp4".to_owned(),
    }
}

/// The code of the answer: `ok` or the error's.
fn code<T>(answer: &Result<T, UploadError>) -> &'static str {
    answer.as_ref().map_or_else(UploadError::code, |_| "ok")
}
