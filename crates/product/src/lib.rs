//! Accounts, profiles, videos, follows, likes, comments: the rules of the house.
//!
//! One file per noun. Every change is one transaction of the metastore that also holds the facts it publishes; the relay
//! carries them to the event log. This room speaks no HTTP, makes no video files and ranks nothing.
//!
//! # Back of the envelope
//! | what | figure |
//! |---|---|
//! | CPU, register or login | one argon2id of 19 MiB and 2 passes: 25 to 50 ms; two at once: about 50 a second on two cores |
//! | CPU, verify an access token | one HMAC-SHA-256: 2 to 5 µs, no store |
//! | CPU, a like | 6 statements, one fsync: see the metastore |
//! | memory | 2 × 19 MiB while hashing; otherwise nothing that grows |
//! | disk | in the metastore; an outbox row lives about a second and has 60 B |
//! | network | none of its own |

mod accounts;
mod admins;
mod birth_date;
mod blocks;
mod comments;
mod engagement;
mod error;
mod facts;
mod flags;
mod follows;
mod limits;
mod operators;
mod outbox_relay;
mod pages;
mod passwords;
mod profiles;
mod text;
mod tokens;
mod videos;

use std::sync::Arc;

use metastore::Metastore;
use types::{IdGenerator, TimestampMs};

pub use accounts::Registration;
pub use admins::Admins;
pub use birth_date::CivilDate;
pub use blocks::BLOCKED_MAX;
pub use engagement::{Engagement, EngagementState};
pub use error::{Fault, ProductError};
pub use facts::Actor;
pub use flags::FlagsAsked;
pub use follows::FollowState;
pub use limits::ProductLimits;
pub use metastore::{
    CardFace, Comment, OperatorChange, Order, OrderKind, Rejection, Role, RoleChange, RoleChangeKind,
    RoleHolder, UserCounts, Video, VideoCard, VideoCounts, VideoFlags, VideoStatus,
};
pub use operators::{FACTOR_MAX, FACTOR_MIN, ORDER_MS_MAX, ORDERS_MAX, OrderAsked, WEIGHT_MAX};
pub use outbox_relay::{OutboxRelay, RelayError};
pub use pages::{PageRequest, Paged};
pub use profiles::{Profile, ProfileChange};
pub use tokens::{Access, Session, TOKEN_KEY_BYTES};
pub use videos::Onlooker;

/// Where "now" comes from, in milliseconds since the epoch.
pub type Clock = Arc<dyn Fn() -> TimestampMs + Send + Sync>;

/// Shorthand of this room.
type Result<T> = std::result::Result<T, ProductError>;

/// What the room is built from.
pub struct ProductParts {
    pub store: Metastore,
    pub clock: Clock,
    /// Shared with every other room of this node, so that no id is minted twice.
    pub ids: Arc<IdGenerator>,
    /// Signs access tokens; a new key ends all of them.
    pub token_key: [u8; TOKEN_KEY_BYTES],
    pub limits: ProductLimits,
}

/// The room. A clone is a handle to the same room.
#[derive(Clone)]
pub struct Product {
    inner: Arc<Inner>,
}

struct Inner {
    store: Metastore,
    clock: Clock,
    ids: Arc<IdGenerator>,
    limits: ProductLimits,
    access: tokens::AccessTokens,
    passwords: passwords::Passwords,
}

impl Product {
    pub fn new(parts: ProductParts) -> Self {
        let access = tokens::AccessTokens::new(&parts.token_key, parts.limits.access_token_s);
        let passwords = passwords::Passwords::new(&parts.limits);
        let ProductParts {
            store,
            clock,
            ids,
            limits,
            ..
        } = parts;
        Self {
            inner: Arc::new(Inner {
                store,
                clock,
                ids,
                limits,
                access,
                passwords,
            }),
        }
    }

    /// The limits in force, so that the door can tell them before anyone runs into one.
    pub fn limits(&self) -> &ProductLimits {
        &self.inner.limits
    }

    /// Who looks after the house.
    pub fn admins(&self) -> Admins {
        Admins::new(self.inner.store.clone(), self.inner.clock.clone())
    }

    fn store(&self) -> &Metastore {
        &self.inner.store
    }

    fn now_ms(&self) -> TimestampMs {
        (self.inner.clock)()
    }

    fn id_next(&self, now_ms: TimestampMs) -> u64 {
        self.inner.ids.next(now_ms)
    }
}
