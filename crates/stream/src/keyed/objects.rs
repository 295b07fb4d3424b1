//! The object storage that checkpoints need: four calls, one of them conditional.
//!
//! A folder and a map stand behind it here; grown backends live elsewhere.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

/// Object storage as the saver and the tools see it. Keys are relative paths with `/`.
pub trait Objects: Send + Sync + 'static {
    /// Stores `bytes` unless there is something under `key` already; false when there is. Durable on return.
    ///
    /// # Errors
    /// Any failure of the storage; whether the object was stored is then unknown.
    fn put_if_absent(&self, key: &str, bytes: &[u8]) -> io::Result<bool>;

    /// The object, if there is one.
    ///
    /// # Errors
    /// Any failure of the storage.
    fn get(&self, key: &str) -> io::Result<Option<Vec<u8>>>;

    /// The keys that begin with `prefix`, which ends in `/`, in order.
    ///
    /// # Errors
    /// Any failure of the storage.
    fn list(&self, prefix: &str) -> io::Result<Vec<String>>;

    /// Removes the object, if there is one.
    ///
    /// # Errors
    /// Any failure of the storage.
    fn delete(&self, key: &str) -> io::Result<()>;
}

/// Objects as files below a folder.
#[derive(Debug)]
pub struct FolderObjects {
    root: PathBuf,
    temporary: AtomicU64,
}

impl FolderObjects {
    /// The folder is made when the first object comes.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            temporary: AtomicU64::new(0),
        }
    }

    fn write_whole(&self, file: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut written = File::create(file)?;
        written.write_all(bytes)?;
        written.sync_all()
    }

    fn walk(&self, dir: &Path, found: &mut Vec<String>) -> io::Result<()> {
        let entries = match fs::read_dir(dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            entries => entries?,
        };
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                self.walk(&path, found)?;
            } else if let Ok(relative) = path.strip_prefix(&self.root)
                && path.extension().is_none_or(|extension| extension != "tmp")
            {
                found.push(relative.to_string_lossy().into_owned());
            }
        }
        Ok(())
    }
}

impl Objects for FolderObjects {
    fn put_if_absent(&self, key: &str, bytes: &[u8]) -> io::Result<bool> {
        let path = self.root.join(key);
        let dir = path
            .parent()
            .ok_or_else(|| io::Error::other("an object needs a key"))?;
        fs::create_dir_all(dir)?;
        let number = self.temporary.fetch_add(1, Ordering::Relaxed);
        let temporary = dir.join(format!("{}-{number}.tmp", std::process::id()));
        self.write_whole(&temporary, bytes)?;
        // A hard link appears whole or not at all, and only where nothing is.
        let linked = fs::hard_link(&temporary, &path);
        fs::remove_file(&temporary)?;
        match linked {
            Ok(()) => File::open(dir)?.sync_all().map(|()| true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn get(&self, key: &str) -> io::Result<Option<Vec<u8>>> {
        match fs::read(self.root.join(key)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn list(&self, prefix: &str) -> io::Result<Vec<String>> {
        let mut found = Vec::new();
        self.walk(&self.root.join(prefix), &mut found)?;
        found.sort_unstable();
        Ok(found)
    }

    fn delete(&self, key: &str) -> io::Result<()> {
        match fs::remove_file(self.root.join(key)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }
}

/// Objects in memory, for tests and benchmarks: they outlive an engine, not the process.
#[derive(Debug, Default)]
pub struct MemoryObjects(Mutex<BTreeMap<String, Vec<u8>>>);

impl Objects for MemoryObjects {
    fn put_if_absent(&self, key: &str, bytes: &[u8]) -> io::Result<bool> {
        let mut all = self.0.lock();
        if all.contains_key(key) {
            return Ok(false);
        }
        all.insert(key.to_owned(), bytes.to_vec());
        Ok(true)
    }

    fn get(&self, key: &str) -> io::Result<Option<Vec<u8>>> {
        Ok(self.0.lock().get(key).cloned())
    }

    fn list(&self, prefix: &str) -> io::Result<Vec<String>> {
        let all = self.0.lock();
        let from = all.range(prefix.to_owned()..);
        Ok(from
            .map(|(key, _)| key.clone())
            .take_while(|key| key.starts_with(prefix))
            .collect())
    }

    fn delete(&self, key: &str) -> io::Result<()> {
        self.0.lock().remove(key);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_backends_behave_alike() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let backends: [&dyn Objects; 2] = [
            &FolderObjects::new(folder.path().join("objects")),
            &MemoryObjects::default(),
        ];
        for objects in backends {
            assert_eq!(objects.list("jobs/a/").expect("lists"), Vec::<String>::new());
            assert!(objects.put_if_absent("jobs/a/2", b"two").expect("puts"));
            assert!(objects.put_if_absent("jobs/a/1", b"one").expect("puts"));
            assert!(!objects.put_if_absent("jobs/a/1", b"other").expect("refuses"));
            assert!(objects.put_if_absent("jobs/ab", b"").expect("puts"));
            assert_eq!(objects.list("jobs/a/").expect("lists"), ["jobs/a/1", "jobs/a/2"]);
            assert_eq!(
                objects.get("jobs/a/1").expect("gets").as_deref(),
                Some(&b"one"[..])
            );
            objects.delete("jobs/a/1").expect("deletes");
            objects.delete("jobs/a/1").expect("deletes what is not there");
            assert_eq!(objects.get("jobs/a/1").expect("gets"), None);
        }
    }
}
