//! Redis with an append-only file that is synced before every answer; or as its package has it, for a peer that uses it as a cache.

use std::net::SocketAddr;
use std::process::Command;

use super::{Process, free_address};
use crate::BenchError;

/// A running Redis; dropping it stops it and removes its folder.
pub(crate) struct Redis {
    pub(crate) address: SocketAddr,
    _process: Process,
    _folder: tempfile::TempDir,
}

impl Redis {
    pub(crate) fn start() -> Result<Self, BenchError> {
        Self::start_with(&[
            "--save",
            "",
            "--appendonly",
            "yes",
            "--appendfsync",
            "always",
            // Rewriting the file would be measured too.
            "--auto-aof-rewrite-percentage",
            "0",
        ])
    }

    pub(crate) fn start_as_packaged() -> Result<Self, BenchError> {
        Self::start_with(&[])
    }

    fn start_with(settings: &[&str]) -> Result<Self, BenchError> {
        let folder = tempfile::tempdir().map_err(BenchError::io("making a folder for Redis"))?;
        let address = free_address()?;
        let mut command = Command::new("redis-server");
        command
            .args([
                "--bind",
                "127.0.0.1",
                "--port",
                &address.port().to_string(),
                "--dir",
            ])
            .arg(folder.path())
            .args(settings);
        let mut process = Process::start(&mut command, "starting Redis")?;
        process.wait_ready(address, "starting Redis", |_| Ok(()))?;
        Ok(Self {
            address,
            _process: process,
            _folder: folder,
        })
    }
}
