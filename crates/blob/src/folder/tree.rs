//! Whole trees of the folder backend: list them in key order, remove them at once, plan to store one.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::store::{BlobEntry, Listing};
use crate::{BlobError, BlobKey};

/// Blobs below `prefix` in key order, at most `entries_max`.
pub(super) fn list(root: &Path, prefix: &BlobKey, entries_max: usize) -> io::Result<Listing> {
    let mut listing = Listing::default();
    walk(root, prefix, entries_max, &mut listing)?;
    Ok(listing)
}

fn walk(root: &Path, folder: &BlobKey, entries_max: usize, listing: &mut Listing) -> io::Result<()> {
    let read = match fs::read_dir(root.join(folder.as_str())) {
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            return Ok(());
        }
        other => other?,
    };
    // A name that makes no key was not put here by us; it is not ours to list.
    let mut children = Vec::new();
    for entry in read {
        let entry = entry?;
        if let Some(key) = entry.file_name().to_str().and_then(|name| folder.join(name).ok()) {
            children.push((key, entry.metadata()?));
        }
    }
    // Key order compares whole paths, so a folder sorts as its name with the slash that follows it.
    children
        .sort_by_cached_key(|(key, metadata)| format!("{key}{}", if metadata.is_dir() { "/" } else { "" }));
    for (key, metadata) in children {
        if listing.truncated {
            return Ok(());
        }
        if metadata.is_dir() {
            walk(root, &key, entries_max, listing)?;
        } else if listing.entries.len() == entries_max {
            listing.truncated = true;
        } else {
            listing.entries.push(BlobEntry {
                key,
                size_bytes: metadata.len(),
            });
        }
    }
    Ok(())
}

/// Renames the folder away, so that it vanishes at once, then removes it.
pub(super) fn remove(root: &Path, prefix: &BlobKey, temporary: &Path) -> io::Result<bool> {
    let grave = tempfile::Builder::new()
        .prefix("deleted-")
        .tempdir_in(temporary)?;
    match fs::rename(root.join(prefix.as_str()), grave.path().join("all")) {
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            return Ok(false);
        }
        other => other?,
    }
    super::sync_parent(root, prefix)?;
    grave.close()?;
    Ok(true)
}

/// Which file below `local` goes to which key; refuses before anything moves.
pub(super) fn plan(
    prefix: &BlobKey,
    local: &Path,
    files_max: usize,
) -> Result<Vec<(PathBuf, BlobKey)>, BlobError> {
    let mut files = Vec::new();
    let mut folders = vec![(local.to_owned(), prefix.clone())];
    while let Some((folder, key)) = folders.pop() {
        let failed = |source| super::io_error("read the folder", folder.display(), source);
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let below = key.join(&entry.file_name().to_string_lossy())?;
            if entry.file_type().map_err(failed)?.is_dir() {
                folders.push((entry.path(), below));
            } else {
                files.push((entry.path(), below));
            }
            if files.len() + folders.len() > files_max {
                return Err(BlobError::TooManyFiles {
                    folder: local.display().to_string(),
                    files_max,
                });
            }
        }
    }
    files.sort();
    Ok(files)
}
