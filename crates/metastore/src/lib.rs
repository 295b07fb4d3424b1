//! The SQL port: accounts, videos, follows, engagement, uploads, media queue, outbox.
//!
//! Rows in, rows out, one file per noun, methods named `noun_verb`. It keeps counts next to what they count and
//! nothing more: who may do what is decided in the rooms above, bytes of the outbox are opaque, views are counted
//! elsewhere. The embedded backend is SQLite in WAL mode with one writer and four readers; every statement is one
//! SQL text that PostgreSQL takes as well.
//!
//! # Back of the envelope (embedded, one disk)
//! | what | figure |
//! |---|---|
//! | disk, a video with manifest and counts | about 4 KB, most of it the manifest; 1 M videos: 4 GB |
//! | disk, a video's content vector, fingerprint and keys | 0.4 KB, and 1.5 KB for one that is no copy |
//! | disk, a like (row and two indexes) | about 90 B; 100 M likes: 9 GB |
//! | disk, WAL | folded back every 1 000 pages of 4 KB: about 4 MB |
//! | memory | 5 connections × 8 MB of page cache, at most 64 MB of mapped file, 64 MB of cards (about 14 000 of them) |
//! | CPU, one read by key | 20 to 60 µs; a page of 20 cards from rows about 1 ms, from memory about 10 µs |
//! | CPU and disk, one change | 5 small statements and one fsync (0.2 to 5 ms): 200 to 2 000 changes a second |
//! | network | none |
//!
//! # Reading and writing
//! Reads are methods of [`Metastore`]. A change is a [`Write`]: begin with [`Metastore::write`], call its methods,
//! [`Write::commit`]; one that is dropped is rolled back. There is one writer, so a transaction must never be held across
//! anything slow.

mod accounts;
mod blocks;
mod card_cache;
mod comments;
mod engagement;
mod error;
mod follows;
mod media_jobs;
mod operators;
mod outbox;
mod refresh_tokens;
mod roles;
mod row;
mod store;
mod uploads;
mod video_cards;
mod video_content;
mod video_pages;
mod videos;

pub use accounts::{Account, AccountNew, UserCounts};
pub use comments::{Comment, CommentNew, CommentPlace};
pub use engagement::Mark;
pub use error::{Fault, MetastoreError};
pub use follows::FollowEntry;
pub use media_jobs::{MediaJob, MediaJobFailure, MediaJobKind, MediaJobNew};
pub use operators::{OperatorChange, Order, OrderKind, OrderNew};
pub use outbox::{OutboxNew, OutboxRow, OutboxWaiting};
pub use refresh_tokens::{RefreshToken, TOKEN_HASH_BYTES, TokenHash};
pub use roles::{Role, RoleChange, RoleChangeKind, RoleHolder};
pub use store::{LIST_MAX, Metastore, Write};
pub use uploads::{Upload, UploadNew, UploadPart};
pub use video_cards::{CardFace, VideoCard};
pub use video_content::{VideoContent, VideoPrint};
pub use video_pages::Shelf;
pub use videos::{
    Rejection, Video, VideoCounts, VideoFacets, VideoFlags, VideoNew, VideoPublish, VideoStatus, VideoSubmit,
};

/// Every SQL text of this crate with its name, for the test that prepares them all.
#[doc(hidden)]
pub fn statements() -> Vec<(&'static str, &'static str)> {
    let nouns: [&[store::Statement]; 15] = [
        accounts::STATEMENTS,
        blocks::STATEMENTS,
        comments::STATEMENTS,
        engagement::STATEMENTS,
        follows::STATEMENTS,
        media_jobs::STATEMENTS,
        operators::STATEMENTS,
        outbox::STATEMENTS,
        refresh_tokens::STATEMENTS,
        roles::STATEMENTS,
        uploads::STATEMENTS,
        video_cards::STATEMENTS,
        video_content::STATEMENTS,
        video_pages::STATEMENTS,
        videos::STATEMENTS,
    ];
    nouns
        .concat()
        .iter()
        .map(|statement| (statement.name, statement.text))
        .collect()
}
