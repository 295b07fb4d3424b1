//! Gorse, all of it in one process, on PostgreSQL for data and Redis for what it has computed: what its documentation recommends.
//!
//! Both stores stand as their packages set them, without the syncs that our other measurements ask of them.

use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::{Postgres, Process, Redis, free_address};
use crate::BenchError;
use crate::wire::PostgresClient;

/// A statement that loads a table may take so long.
const LOAD_MAX: Duration = Duration::from_secs(600);
/// Readable by the user that PostgreSQL runs as.
const FOLDERS: &str = "/var/tmp";

/// A running Gorse; dropping it stops it and its stores, and removes its folder.
pub(crate) struct Gorse {
    pub(crate) address: SocketAddr,
    process: Option<Process>,
    postgres: Postgres,
    redis: Redis,
    folder: tempfile::TempDir,
    program: PathBuf,
}

impl Gorse {
    /// Builds it where it is missing; none when it cannot be had here, which is said.
    pub(crate) fn program(root: &Path) -> Result<Option<PathBuf>, BenchError> {
        let mut script = Command::new(root.join("deploy/gorse-bench/run"));
        let told = script
            .arg("program")
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output();
        let told = told.map_err(BenchError::io("running deploy/gorse-bench"))?;
        let path = String::from_utf8_lossy(&told.stdout).trim().to_owned();
        Ok(told.status.success().then(|| PathBuf::from(path)))
    }

    /// Starts it on empty stores and stops it again: its tables are there then.
    pub(crate) fn prepare(program: PathBuf) -> Result<Self, BenchError> {
        let failed = || BenchError::io("making a folder for Gorse");
        let folder = tempfile::tempdir_in(FOLDERS).map_err(failed())?;
        let open = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(folder.path(), open).map_err(failed())?;
        let mut gorse = Self {
            address: free_address()?,
            process: None,
            postgres: Postgres::start()?,
            redis: Redis::start_as_packaged()?,
            folder,
            program,
        };
        gorse.start()?;
        gorse.process = None;
        Ok(gorse)
    }

    /// Starts it on what its stores hold.
    pub(crate) fn start(&mut self) -> Result<(), BenchError> {
        let what = "starting Gorse";
        self.address = free_address()?;
        let file = self.folder.path().join("config.toml");
        std::fs::write(&file, self.config()?).map_err(BenchError::io(what))?;
        let mut command = Command::new(&self.program);
        command.current_dir(self.folder.path()).arg("-c").arg(&file);
        command
            .arg("--log-path")
            .arg(self.folder.path().join("gorse.log"));
        let mut process = Process::start(&mut command, what)?;
        process.wait_ready(self.address, what, ready)?;
        self.process = Some(process);
        Ok(())
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.as_ref().map_or(0, |process| process.0.id())
    }

    /// Loads `table`, its columns as PostgreSQL's COPY has them, from lines that `write` makes.
    pub(crate) fn load(
        &self,
        table: &str,
        write: impl FnOnce(&mut dyn std::io::Write) -> std::io::Result<()>,
    ) -> Result<(), BenchError> {
        let failed = || BenchError::io("writing Gorse's data");
        let path = self.folder.path().join("table.tsv");
        let mut file = std::io::BufWriter::new(std::fs::File::create(&path).map_err(failed())?);
        write(&mut file).and_then(|()| file.flush()).map_err(failed())?;
        let open = std::fs::Permissions::from_mode(0o644);
        std::fs::set_permissions(&path, open).map_err(failed())?;
        self.run(&format!("COPY {table} FROM '{}'", path.display()))
    }

    pub(crate) fn run(&self, statement: &str) -> Result<(), BenchError> {
        let stream = TcpStream::connect(self.postgres.address);
        let mut stream = stream.map_err(BenchError::io("connecting to PostgreSQL"))?;
        stream
            .set_read_timeout(Some(LOAD_MAX))
            .map_err(BenchError::io("connecting to PostgreSQL"))?;
        PostgresClient::run(&mut stream, statement)
    }

    /// Its defaults but for where things are, both cores for its jobs, and the types of feedback we send.
    fn config(&self) -> Result<String, BenchError> {
        let (http, rpc) = (self.address, free_address()?);
        let (postgres, redis) = (self.postgres.address, self.redis.address);
        Ok(format!(
            "[database]\n\
             cache_store = \"redis://{redis}/0\"\n\
             data_store = \"postgres://postgres@{postgres}/postgres?sslmode=disable\"\n\
             [master]\n\
             host = \"127.0.0.1\"\nport = {}\nhttp_host = \"127.0.0.1\"\nhttp_port = {}\nn_jobs = 2\n\
             [server]\ndefault_n = 20\n\
             [recommend]\ncache_size = 100\n\
             [recommend.data_source]\n\
             positive_feedback_types = [\"like\"]\nread_feedback_types = [\"read\"]\n\
             [recommend.online]\nfallback_recommend = [\"item_based\", \"latest\"]\n",
            rpc.port(),
            http.port()
        ))
    }
}

/// Whether it says that it is ready.
fn ready(stream: &mut TcpStream) -> Result<(), BenchError> {
    let failed = || BenchError::io("asking Gorse");
    let ask = b"GET /api/health/ready HTTP/1.1\r\nhost: gorse\r\nconnection: close\r\n\r\n";
    stream.write_all(ask).map_err(failed())?;
    let mut heard = String::new();
    std::io::Read::read_to_string(stream, &mut heard).map_err(failed())?;
    match heard.starts_with("HTTP/1.1 200") {
        true => Ok(()),
        false => Err(BenchError::Peer("Gorse", heard.chars().take(200).collect())),
    }
}
