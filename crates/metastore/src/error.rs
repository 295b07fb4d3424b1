//! What can go wrong in the store, whose fault it is, and whether trying again helps.

/// Who has to act on an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The caller asked for something that cannot be; asking again gives the same answer.
    Caller,
    /// The store has more work than it can do; the same request may pass a little later.
    Busy,
    /// The disk, the schema or this program is wrong; someone has to look.
    Store,
}

/// Why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum MetastoreError {
    /// A row that the change depends on is not there.
    #[error("{0} does not exist")]
    NotFound(&'static str),
    /// The change would break a rule of uniqueness.
    #[error("{0} is taken")]
    Conflict(&'static str),
    /// No connection, or no write lock, within the store's bound.
    #[error("the store is too busy for {operation}")]
    Busy {
        operation: &'static str,
        #[source]
        source: sqlx::Error,
    },
    /// The statement failed: disk full, damaged file, a programming error.
    #[error("cannot run {operation}")]
    Io {
        operation: &'static str,
        #[source]
        source: sqlx::Error,
    },
    #[error("`{0}` is not a metastore address; expected sqlite://PATH")]
    Address(String),
    #[error("cannot bring the schema up to date")]
    Migrate(#[from] sqlx::migrate::MigrateError),
}

impl MetastoreError {
    /// Whose fault it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::NotFound(_) | Self::Conflict(_) => Fault::Caller,
            Self::Busy { .. } => Fault::Busy,
            Self::Io { .. } | Self::Address(_) | Self::Migrate(_) => Fault::Store,
        }
    }

    /// Whether the same call may pass later with nothing changed.
    pub fn is_retryable(&self) -> bool {
        self.fault() == Fault::Busy
    }

    /// The one way of an engine's failure into ours, and so the place to count them.
    pub(crate) fn from_sqlx(operation: &'static str, source: sqlx::Error) -> Self {
        let busy = is_busy(&source);
        let fault = if busy { "busy" } else { "store" };
        metrics::counter!("riffle_metastore_failures_total", "fault" => fault).increment(1);
        if busy {
            Self::Busy { operation, source }
        } else {
            Self::Io { operation, source }
        }
    }
}

/// SQLite's primary result code is in the low byte: 5 is BUSY, 6 is LOCKED.
fn is_busy(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::PoolTimedOut => true,
        sqlx::Error::Database(database) => database
            .code()
            .and_then(|code| code.parse::<u32>().ok())
            .is_some_and(|code| matches!(code & 0xff, 5 | 6)),
        _ => false,
    }
}

/// Whether a statement failed because a row with that key was there already.
pub(crate) fn is_unique_violation(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .is_some_and(|database| database.is_unique_violation())
}
