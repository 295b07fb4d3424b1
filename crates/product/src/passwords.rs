//! Hashing and checking passwords: argon2id, off the async threads, a few at a time. It does not know accounts.

use std::sync::Arc;

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use tokio::sync::Semaphore;

use crate::Result;
use crate::error::ProductError;
use crate::limits::ProductLimits;

/// A well-formed hash that no password has: checked for unknown usernames, so that both answers take the same time.
/// Its cost is the cost in use: 19 MiB, 2 passes, 1 lane, the minimum OWASP names.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$cmlmZmxlLW5vYm9keS1oYXM$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Why hashing failed; never a wrong password.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    #[error("the hash function failed: {0}")]
    Hash(String),
    #[error("the hashing thread was lost")]
    Thread(#[from] tokio::task::JoinError),
}

/// The hashers: at most a few run, at most some wait.
pub(crate) struct Passwords {
    running: Arc<Semaphore>,
    /// One permit for each that runs or waits.
    admitted: Semaphore,
}

impl Passwords {
    pub(crate) fn new(limits: &ProductLimits) -> Self {
        Self {
            running: Arc::new(Semaphore::new(limits.hashes_running_max)),
            admitted: Semaphore::new(limits.hashes_running_max + limits.hashes_waiting_max),
        }
    }

    /// The PHC string of a new password, with a fresh salt.
    pub(crate) async fn hash(&self, password: &str) -> Result<String> {
        let password = password.to_owned();
        let hashed = self
            .run(move || Argon2::default().hash_password(password.as_bytes()))
            .await?;
        Ok(hashed
            .map_err(|error| PasswordError::Hash(error.to_string()))?
            .to_string())
    }

    /// Whether `password` has the hash `stored`. `None` (no such account) costs the same and is false.
    pub(crate) async fn verify(&self, password: &str, stored: Option<String>) -> Result<bool> {
        let password = password.to_owned();
        let known = stored.is_some();
        let stored = stored.unwrap_or_else(|| NOBODY.to_owned());
        let matches = self
            .run(move || {
                Argon2::default()
                    .verify_password(password.as_bytes(), stored.as_str())
                    .is_ok()
            })
            .await?;
        Ok(known && matches)
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let Ok(_admitted) = self.admitted.try_acquire() else {
            metrics::counter!("riffle_product_hashes_refused_total").increment(1);
            return Err(ProductError::busy());
        };
        let waiting = Waiting::begin();
        // The permit moves into the thread: a caller who leaves does not make room for a third hasher.
        let turn = Arc::clone(&self.running)
            .acquire_owned()
            .await
            .map_err(|_| ProductError::busy())?;
        drop(waiting);
        let task = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work()
        });
        Ok(task.await.map_err(PasswordError::Thread)?)
    }
}

/// One who waits for a hasher, counted for as long as that lasts, also when the caller leaves.
struct Waiting(metrics::Gauge);

impl Waiting {
    fn begin() -> Self {
        let waiting = metrics::gauge!("riffle_product_hashes_waiting");
        waiting.increment(1.0);
        Self(waiting)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}
