//! PostgreSQL with its default durability (fsync and synchronous commit on) and one table.
//!
//! It refuses to run as root; as root it is started as the user `postgres` that its package makes, on a folder which that
//! user can reach.

use std::net::SocketAddr;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Process, free_address};
use crate::BenchError;
use crate::wire::PostgresClient;

/// Where Debian keeps the programs, one folder for each major version.
const PACKAGES: &str = "/usr/lib/postgresql";
/// Reachable by every user and on the disk, not in memory.
const FOLDERS: &str = "/var/tmp";

/// A running PostgreSQL; dropping it stops it and removes its folder.
pub(crate) struct Postgres {
    pub(crate) address: SocketAddr,
    _process: Process,
    _folder: tempfile::TempDir,
}

impl Postgres {
    pub(crate) fn start() -> Result<Self, BenchError> {
        let failed = || BenchError::io("starting PostgreSQL");
        let programs = programs()?;
        let folder = tempfile::tempdir_in(FOLDERS).map_err(failed())?;
        let user = user(folder.path())?;
        if let Some((uid, gid)) = user {
            chown(folder.path(), Some(uid), Some(gid)).map_err(failed())?;
        }
        let as_user = |program: &str| {
            let mut command = Command::new(programs.join(program));
            command
                .current_dir(FOLDERS)
                .arg("-D")
                .arg(folder.path().join("data"));
            if let Some((uid, gid)) = user {
                command.uid(uid).gid(gid);
            }
            command
        };
        let made = as_user("initdb")
            .args(["-U", "postgres", "-A", "trust"])
            .output()
            .map_err(failed())?;
        if !made.status.success() {
            let said = String::from_utf8_lossy(&made.stderr).into_owned();
            return Err(BenchError::Peer("initdb", said));
        }
        let address = free_address()?;
        let mut command = as_user("postgres");
        command
            .args(["-p", &address.port().to_string()])
            .args([
                "-c",
                "listen_addresses=127.0.0.1",
                "-c",
                "unix_socket_directories=",
            ])
            .args([
                "-c",
                "max_connections=300",
                "-c",
                "fsync=on",
                "-c",
                "synchronous_commit=on",
            ])
            .args(["-c", "log_min_messages=fatal"]);
        let mut process = Process::start(&mut command, "starting PostgreSQL")?;
        process.wait_ready(address, "starting PostgreSQL", |stream| {
            PostgresClient::run(stream, "CREATE TABLE event (body text NOT NULL)")
        })?;
        Ok(Self {
            address,
            _process: process,
            _folder: folder,
        })
    }
}

/// The programs of the newest installed version.
fn programs() -> Result<PathBuf, BenchError> {
    let versions = std::fs::read_dir(PACKAGES).map_err(BenchError::io("looking for PostgreSQL"))?;
    let newest = versions
        .filter_map(Result::ok)
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .max();
    let newest = newest.ok_or_else(|| BenchError::Peer("PostgreSQL", format!("{PACKAGES} is empty")))?;
    Ok(Path::new(PACKAGES).join(newest.to_string()).join("bin"))
}

/// Whom to run as: nobody else when the folder, which is ours, is not root's.
fn user(folder: &Path) -> Result<Option<(u32, u32)>, BenchError> {
    let failed = || BenchError::io("looking for the user postgres");
    if folder.metadata().map_err(failed())?.uid() != 0 {
        return Ok(None);
    }
    let passwd = std::fs::read_to_string("/etc/passwd").map_err(failed())?;
    let ids = passwd.lines().find_map(|line| {
        let mut fields = line.strip_prefix("postgres:")?.split(':').skip(1);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    });
    ids.map(Some)
        .ok_or_else(|| BenchError::Peer("PostgreSQL", "there is no user postgres to run it as".to_owned()))
}
