//! Keys of this installation: made once, kept in the data folder, readable by its owner only.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::error::AppError;

const KEY_BYTES: usize = 32;
const OWNER_ONLY: u32 = 0o600;

pub type Key = [u8; KEY_BYTES];

/// All keys, one for each use, so that none can be played against another.
pub struct Secrets {
    pub tokens: Key,
    pub media_links: Key,
    pub cursors: Key,
    pub guests: Key,
}

impl Secrets {
    /// Reads the keys in `folder`, making what is missing.
    pub fn load(folder: &Path) -> Result<Self, AppError> {
        fs::create_dir_all(folder).map_err(AppError::io("make the folder", folder))?;
        Ok(Self {
            tokens: key(folder, "tokens")?,
            media_links: key(folder, "media-links")?,
            cursors: key(folder, "cursors")?,
            guests: key(folder, "guests")?,
        })
    }
}

fn key(folder: &Path, name: &str) -> Result<Key, AppError> {
    let path = folder.join(format!("{name}.key"));
    if !path.exists() {
        make(folder, &path)?;
    }
    let bytes = fs::read(&path).map_err(AppError::io("read the key", &path))?;
    bytes.try_into().map_err(|_| AppError::Settings {
        what: format!(
            "{} is not a key of {KEY_BYTES} bytes; restore it from a copy",
            path.display()
        ),
    })
}

/// Whole or not at all: written beside, synced, then renamed.
fn make(folder: &Path, path: &Path) -> Result<(), AppError> {
    let mut key = Key::default();
    let random = Path::new("/dev/urandom");
    File::open(random)
        .and_then(|mut source| source.read_exact(&mut key))
        .map_err(AppError::io("read randomness from", random))?;
    let beside = path.with_extension("new");
    let write = || {
        let options = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(OWNER_ONLY)
            .open(&beside);
        let mut file = options?;
        file.write_all(&key)?;
        file.sync_all()?;
        fs::rename(&beside, path)?;
        File::open(folder)?.sync_all()
    };
    write().map_err(AppError::io("write the key", path))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn keys_are_made_once_differ_and_are_private() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (first, again) = (
            Secrets::load(folder.path()).expect("makes"),
            Secrets::load(folder.path()).expect("reads"),
        );
        assert_eq!(first.tokens, again.tokens);
        assert_ne!(first.tokens, first.guests);
        let mode = fs::metadata(folder.path().join("tokens.key"))
            .expect("exists")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, OWNER_ONLY);
    }

    #[test]
    fn a_damaged_key_is_refused_not_replaced() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::write(folder.path().join("tokens.key"), b"short").expect("writes");
        assert!(Secrets::load(folder.path()).is_err());
    }
}
