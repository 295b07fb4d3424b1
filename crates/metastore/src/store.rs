//! The store itself: opening it, its two pools, and the one way to change it. It knows no noun.

use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::sqlite::{
    Sqlite, SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteRow, SqliteSynchronous,
};
use sqlx::{FromRow, Transaction};
use tokio::sync::watch;

use crate::card_cache::{CardCache, Touch};
use crate::error::MetastoreError;

/// Most rows one list call returns or takes; a longer page is cut, a longer list of ids is asked in parts.
pub const LIST_MAX: u32 = 200;

const READERS_MAX: u32 = 4;
const ACQUIRE_MS_MAX: u64 = 2_000;
const BUSY_MS_MAX: u64 = 2_000;
const CACHE_KIB: i64 = 8 * 1024;
const MMAP_BYTES_MAX: i64 = 64 * 1024 * 1024;
/// Unless told otherwise; see [`Metastore::open_with`].
const CARDS_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// One SQL text with the name it has in errors and metrics.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Statement {
    pub(crate) name: &'static str,
    pub(crate) text: &'static str,
}

impl Statement {
    pub(crate) fn query(self) -> sqlx::query::Query<'static, Sqlite, SqliteArguments> {
        sqlx::query(self.text)
    }

    pub(crate) fn rows<T: for<'r> FromRow<'r, SqliteRow>>(
        self,
    ) -> sqlx::query::QueryAs<'static, Sqlite, T, SqliteArguments> {
        sqlx::query_as(self.text)
    }

    /// For `map_err`: adds what was being done.
    pub(crate) fn failed(self) -> impl FnOnce(sqlx::Error) -> MetastoreError {
        move |source| MetastoreError::from_sqlx(self.name, source)
    }
}

/// Declares the statements of one noun, and the list of them that the preparing test reads.
macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $text:expr;)*) => {
        $($(#[$doc])* const $name: crate::store::Statement =
            crate::store::Statement { name: stringify!($name), text: $text };)*
        pub(crate) const STATEMENTS: &[crate::store::Statement] = &[$($name),*];
    };
}
pub(crate) use statements;

/// The open store. A clone is a handle to the same pools.
#[derive(Debug, Clone)]
pub struct Metastore {
    pub(crate) readers: SqlitePool,
    writer: SqlitePool,
    pub(crate) cards: Arc<CardCache>,
    signals: Arc<Signals>,
}

/// Tells those who wait for rows that a commit has left some. The value says nothing; the change does.
#[derive(Debug, Default)]
struct Signals {
    outbox: watch::Sender<()>,
    media_jobs: watch::Sender<()>,
}

impl Metastore {
    /// [`Metastore::open_with`] 64 MiB of cards in memory.
    pub async fn open(address: &str) -> Result<Self, MetastoreError> {
        Self::open_with(address, CARDS_BYTES_MAX).await
    }

    /// Opens `sqlite://PATH`, creates it when it is not there, and brings its schema up to date.
    ///
    /// A commit is on the disk when it returns (WAL with `synchronous = FULL`). About `cards_bytes_max` bytes of cards are kept in
    /// memory; videos, their counts and profiles may therefore be changed by one open store only.
    pub async fn open_with(address: &str, cards_bytes_max: u64) -> Result<Self, MetastoreError> {
        let path = address
            .strip_prefix("sqlite://")
            .filter(|path| !path.is_empty())
            .ok_or_else(|| MetastoreError::Address(address.to_owned()))?;
        let writer = Self::pool(path, 1, false).await?;
        sqlx::migrate!("../../migrations").run(&writer).await?;
        // Statistics of tables that were small say "read it all" once they are large. Without any, every statement goes by its index.
        let forgotten = sqlx::query("DROP TABLE IF EXISTS sqlite_stat1")
            .execute(&writer)
            .await;
        forgotten.map_err(|source| MetastoreError::from_sqlx("open", source))?;
        let readers = Self::pool(path, READERS_MAX, true).await?;
        Ok(Self {
            readers,
            writer,
            cards: Arc::new(CardCache::new(cards_bytes_max)),
            signals: Arc::default(),
        })
    }

    async fn pool(path: &str, size: u32, read_only: bool) -> Result<SqlitePool, MetastoreError> {
        let options = SqliteConnectOptions::from_str("sqlite://")
            .map_err(|source| MetastoreError::from_sqlx("open", source))?
            .filename(Path::new(path))
            .create_if_missing(!read_only)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_millis(BUSY_MS_MAX))
            .pragma("cache_size", format!("-{CACHE_KIB}"))
            .pragma("mmap_size", MMAP_BYTES_MAX.to_string())
            .pragma("query_only", if read_only { "on" } else { "off" })
            .optimize_on_close(false, None);
        SqlitePoolOptions::new()
            .max_connections(size)
            .min_connections(size)
            .acquire_timeout(Duration::from_millis(ACQUIRE_MS_MAX))
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .connect_with(options)
            .await
            .map_err(|source| MetastoreError::from_sqlx("open", source))
    }

    /// Begins the one change that may run now; waits for its turn at most two seconds.
    ///
    /// `operation` names the change in metrics. Nothing is retried: a busy store is the caller's to report.
    pub async fn write(&self, operation: &'static str) -> Result<Write, MetastoreError> {
        let asked = Instant::now();
        let transaction = self
            .writer
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(|source| MetastoreError::from_sqlx(operation, source))?;
        metrics::histogram!("riffle_metastore_write_wait_seconds").record(asked.elapsed().as_secs_f64());
        Ok(Write {
            transaction,
            operation,
            began: Instant::now(),
            signals: Arc::clone(&self.signals),
            appended: Appended::default(),
            cards: Arc::clone(&self.cards),
            touched: Vec::new(),
        })
    }

    /// Changes whenever a commit of this process has left rows in the outbox.
    pub fn outbox_signal(&self) -> watch::Receiver<()> {
        self.signals.outbox.subscribe()
    }

    /// Changes whenever a commit of this process has queued media jobs.
    pub fn media_jobs_signal(&self) -> watch::Receiver<()> {
        self.signals.media_jobs.subscribe()
    }

    /// Whether the store answers; for readiness.
    pub async fn ping(&self) -> Result<(), MetastoreError> {
        let asked = sqlx::query("SELECT 1").fetch_one(&self.readers).await;
        asked
            .map(drop)
            .map_err(|source| MetastoreError::from_sqlx("ping", source))
    }

    /// Waits for what runs, folds the WAL back and closes the file.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// A change in progress: all of it becomes durable in [`Write::commit`], or none. Dropped, it is rolled back.
#[derive(Debug)]
pub struct Write {
    transaction: Transaction<'static, Sqlite>,
    operation: &'static str,
    began: Instant,
    signals: Arc<Signals>,
    pub(crate) appended: Appended,
    cards: Arc<CardCache>,
    touched: Vec<Touch>,
}

/// Whom to wake once the change is committed.
#[derive(Debug, Default)]
pub(crate) struct Appended {
    pub(crate) outbox: bool,
    pub(crate) media_jobs: bool,
}

impl Write {
    pub(crate) fn connection(&mut self) -> &mut sqlx::SqliteConnection {
        &mut self.transaction
    }

    /// Runs one statement and says how many rows it changed.
    pub(crate) async fn run(
        &mut self,
        statement: Statement,
        query: sqlx::query::Query<'static, Sqlite, SqliteArguments>,
    ) -> Result<u64, MetastoreError> {
        let done = query
            .execute(self.connection())
            .await
            .map_err(statement.failed())?;
        Ok(done.rows_affected())
    }

    /// Cards in memory that this change makes untrue.
    pub(crate) fn touch(&mut self, touch: Touch) {
        if !self.touched.contains(&touch) {
            self.touched.push(touch);
        }
    }

    /// Makes the change durable, and the cards it touched forgotten, then wakes the outbox relay and the media workers if it concerns them.
    ///
    /// Runs to its end even if its caller goes away meanwhile: a commit that nobody waits for is still a commit.
    pub async fn commit(self) -> Result<(), MetastoreError> {
        let operation = self.operation;
        let finished = tokio::spawn(self.finish()).await;
        finished.map_err(|lost| MetastoreError::from_sqlx(operation, sqlx::Error::Io(lost.into())))?
    }

    async fn finish(self) -> Result<(), MetastoreError> {
        let operation = self.operation;
        let changing = self.cards.change(&self.touched);
        let committed = self.transaction.commit().await;
        drop(changing);
        committed.map_err(|source| MetastoreError::from_sqlx(operation, source))?;
        metrics::histogram!("riffle_metastore_write_seconds", "operation" => operation)
            .record(self.began.elapsed().as_secs_f64());
        if self.appended.outbox {
            self.signals.outbox.send_replace(());
        }
        if self.appended.media_jobs {
            self.signals.media_jobs.send_replace(());
        }
        Ok(())
    }
}
