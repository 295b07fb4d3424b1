//! The floor of durable intake: the same HTTP stack as the server's, a handler that only appends the body and waits
//! for the group's fdatasync. No authentication, no JSON, no validation, no de-duplication.

use std::fs::File;
use std::net::SocketAddr;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use bytes::Bytes;
use parking_lot::{Condvar, Mutex};
use tokio::sync::watch;

use crate::BenchError;

/// Written with zeros before the measurement, as the log does with its segments, so that a sync moves no metadata.
const FILE_BYTES: u64 = 64 << 20;

#[derive(Default)]
struct Queue {
    bytes: Vec<u8>,
    /// The group that what is queued now will belong to.
    group: u64,
    stopped: bool,
}

struct Commit {
    queue: Mutex<Queue>,
    filled: Condvar,
    /// The last durable group.
    durable: watch::Sender<u64>,
}

/// A running floor server; dropping it stops it.
pub(crate) struct Floor {
    pub(crate) address: SocketAddr,
    commit: Arc<Commit>,
    committer: Option<std::thread::JoinHandle<()>>,
    _runtime: tokio::runtime::Runtime,
    _folder: tempfile::TempDir,
}

impl Floor {
    pub(crate) fn start() -> Result<Self, BenchError> {
        let failed = || BenchError::io("starting the floor server");
        let folder = tempfile::tempdir().map_err(failed())?;
        let file = preallocated(&folder.path().join("floor.log")).map_err(failed())?;
        let (durable, _) = watch::channel(0);
        let queue = Queue {
            group: 1,
            ..Queue::default()
        };
        let commit = Arc::new(Commit {
            queue: Mutex::new(queue),
            filled: Condvar::new(),
            durable,
        });
        let committer = std::thread::spawn({
            let commit = commit.clone();
            move || commit_loop(&commit, &file)
        });
        let runtime = tokio::runtime::Runtime::new().map_err(failed())?;
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
            .map_err(failed())?;
        let address = listener.local_addr().map_err(failed())?;
        let app = Router::new()
            .route("/api/v1/events", post(append))
            .with_state(commit.clone());
        runtime.spawn(async move { axum::serve(listener, app).await });
        Ok(Self {
            address,
            commit,
            committer: Some(committer),
            _runtime: runtime,
            _folder: folder,
        })
    }
}

impl Drop for Floor {
    fn drop(&mut self) {
        self.commit.queue.lock().stopped = true;
        self.commit.filled.notify_one();
        if let Some(committer) = self.committer.take() {
            // A panic there has been printed; the figures show it too.
            let _ = committer.join();
        }
    }
}

fn preallocated(path: &std::path::Path) -> std::io::Result<File> {
    let file = File::create(path)?;
    let zeros = vec![0; 1 << 20];
    for offset in (0..FILE_BYTES).step_by(zeros.len()) {
        file.write_all_at(&zeros, offset)?;
    }
    file.sync_all()?;
    Ok(file)
}

async fn append(State(commit): State<Arc<Commit>>, body: Bytes) -> Result<StatusCode, StatusCode> {
    let mut durable = commit.durable.subscribe();
    let group = {
        let mut queue = commit.queue.lock();
        queue.bytes.extend_from_slice(&body);
        queue.group
    };
    commit.filled.notify_one();
    durable
        .wait_for(|&done| done >= group)
        .await
        .map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    Ok(StatusCode::ACCEPTED)
}

/// Writes everything that arrived while the last sync ran, syncs once, wakes all.
fn commit_loop(commit: &Commit, file: &File) {
    let (mut offset, mut bytes) = (0, Vec::new());
    loop {
        let group = {
            let mut queue = commit.queue.lock();
            while queue.bytes.is_empty() && !queue.stopped {
                commit.filled.wait(&mut queue);
            }
            if queue.stopped {
                return;
            }
            bytes.clear();
            std::mem::swap(&mut bytes, &mut queue.bytes);
            queue.group += 1;
            queue.group - 1
        };
        if offset + bytes.len() as u64 > FILE_BYTES {
            offset = 0;
        }
        file.write_all_at(&bytes, offset)
            .and_then(|()| file.sync_data())
            .expect("the disk takes the floor's bytes");
        offset += bytes.len() as u64;
        commit.durable.send_replace(group);
    }
}
