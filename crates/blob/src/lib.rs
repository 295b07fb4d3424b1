//! Object storage: uploads, segments, playlists and pictures by key, in a folder today, with signed, expiring URLs.
//!
//! Knows keys and bytes only. It does not know what a video is, does not speak HTTP, and reads no clock: whoever
//! signs or verifies a URL passes the time in.
//!
//! Back of the envelope, for 10 000 uploads a day of 20 MB each:
//!
//! | resource | use |
//! |---|---|
//! | disk | 200 GB a day of sources plus about as much again of renditions |
//! | memory | 256 KiB for each stream in flight |
//! | CPU | SHA-256 of every stored byte, about 1 GB/s a core: 0.02 s an upload |
//! | writes | one file sync and one folder sync a blob; a folder of segments shares its folder sync |

mod error;
mod folder;
mod key;
mod reader;
mod sign;
mod store;

pub use error::BlobError;
pub use key::{BlobKey, KeyError};
pub use reader::BlobReader;
pub use sign::{SecretTooShort, SignatureError, UploadGrant, UrlSigner};
pub use store::{BlobEntry, BlobMeta, BlobPart, BlobStore, Listing, PutReceipt};
