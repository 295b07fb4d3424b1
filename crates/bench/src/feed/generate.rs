//! Makes the corpus's data folder, once: rows by SQL, facts by the product's own codec into its own log, derived state by the product itself.
//!
//! 1. The real binary starts on an empty folder, publishes one clip and stops: schema, keys and a real manifest.
//! 2. Accounts, follows and videos become rows, all with that manifest; hashtags for the search stay out.
//! 3. Publications, follows and watches become records of the log, in the order of time, each viewer's in one sitting.
//! 4. The real binary starts again, catches up and stops. What is then in the folder is kept in the user's cache, outside the checkout.
//!
//! A million videos and a million viewers: 6.5 M records, some gigabytes of disk, minutes; the figures say how long it took.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use event::{Action, ActionKind, Event, SessionKey, Signal, SignalKind, VideoChange};
use event_log::conformance::settle;
use event_log::{Append, EventLog as _, SegmentLog, SegmentLogConfig, Topic, TopicPartition};
use serde_json::json;
use sqlx::{Connection as _, Executor as _, Row as _, SqliteConnection};
use testkit::{Clip, Random, Server};
use types::ViewerId;

use super::world::{PUBLISHED_MS, WATCHED_MS, World};
use crate::BenchError;
use crate::ingest::caught_up;

/// Counts as long as what is written stays the same.
const FORMAT: u32 = 2;
const BATCH: usize = 8_192;
const ROWS_PER_STATEMENT: u64 = 20_000;
/// How long the first start may take, which folds in everything.
pub(super) const READY_MS_MAX: u64 = 20 * 60_000;
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// A corpus in the cache.
const COMPLETE: &str = "complete";

/// A corpus that lies ready.
pub(super) struct Corpus {
    pub(super) folder: PathBuf,
    pub(super) world: World,
    /// None when it was there already.
    pub(super) made: Option<Made>,
}

/// What making it took.
pub(super) struct Made {
    pub(super) records: u64,
    pub(super) rows_s: f64,
    pub(super) log_s: f64,
    /// From the start of the process to ready, all records folded in.
    pub(super) first_start_s: f64,
    pub(super) all_s: f64,
}

fn failed(what: &'static str) -> impl FnOnce(sqlx::Error) -> BenchError {
    move |error| BenchError::Peer(what, error.to_string())
}

/// Where the user's caches are.
pub(super) fn cache() -> PathBuf {
    let home = || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cache");
    let cache = std::env::var_os("XDG_CACHE_HOME").map_or_else(home, PathBuf::from);
    cache.join("riffle").join("bench-feed")
}

impl Corpus {
    /// Finds it in the cache, or makes it.
    pub(super) fn ready(binary: &Path, videos: u64, viewers: u64) -> Result<Self, BenchError> {
        let folder = cache().join(format!("v{FORMAT}-{videos}x{viewers}"));
        let complete = folder.join(COMPLETE);
        if let Ok(text) = std::fs::read_to_string(&complete)
            && let Ok(made_ms) = text.trim().parse()
        {
            let world = World::new(videos, viewers, made_ms);
            return Ok(Self {
                folder,
                world,
                made: None,
            });
        }
        let made_ms = crate::ingest::now_ms() as i64;
        let world = World::new(videos, viewers, made_ms);
        if folder.exists() {
            std::fs::remove_dir_all(&folder).map_err(BenchError::io("removing half a corpus"))?;
        }
        std::fs::create_dir_all(&folder).map_err(BenchError::io("making the corpus's folder"))?;
        let made = make(binary, &folder, &world)?;
        std::fs::write(&complete, made_ms.to_string()).map_err(BenchError::io("closing the corpus"))?;
        Ok(Self {
            folder,
            world,
            made: Some(made),
        })
    }

    /// A copy to run a server on; blocks are shared where the file system can.
    pub(super) fn copy(&self) -> Result<tempfile::TempDir, BenchError> {
        let failed = || BenchError::io("copying the corpus");
        let folder = tempfile::Builder::new()
            .prefix("riffle-feed-")
            .tempdir()
            .map_err(failed())?;
        let mut command = Command::new("cp");
        command
            .args(["-r", "--reflink=auto"])
            .arg(self.folder.join("data"));
        let status = command.arg(folder.path()).status().map_err(failed())?;
        match status.success() {
            true => Ok(folder),
            false => Err(BenchError::Peer(
                "cp",
                "the corpus could not be copied".to_owned(),
            )),
        }
    }
}

fn make(binary: &Path, folder: &Path, world: &World) -> Result<Made, BenchError> {
    let began = Instant::now();
    let first = begun_house(binary, folder)?;
    let data = folder.join("data");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(BenchError::io("starting a runtime"))?;
    let clock = Instant::now();
    let file = data.join("riffle.db");
    let outbox = runtime.block_on(write_rows(&file, &first, world))?;
    let rows_s = clock.elapsed().as_secs_f64();
    let clock = Instant::now();
    let records = write_log(&data.join("log"), world, outbox)?;
    let log_s = clock.elapsed().as_secs_f64();
    let (mut server, ready) = Server::start_on(binary, folder, crate::UNLIMITED, READY_MS_MAX);
    settled(&server)?;
    // Checkpoints and the lake are complete once it has stopped.
    let _ended = server.stop();
    Ok(Made {
        records,
        rows_s,
        log_s,
        first_start_s: ready.as_secs_f64(),
        all_s: began.elapsed().as_secs_f64(),
    })
}

/// Waits until nobody is behind, twice in a row: a job that has not looked yet says nothing of its lag.
fn settled(server: &Server) -> Result<(), BenchError> {
    let began = Instant::now();
    loop {
        std::thread::sleep(LOOK_EVERY);
        caught_up(server, Duration::from_millis(READY_MS_MAX))?;
        std::thread::sleep(LOOK_EVERY);
        let again = Instant::now();
        caught_up(server, Duration::from_millis(READY_MS_MAX))?;
        if again.elapsed() < LOOK_EVERY || began.elapsed() > Duration::from_millis(READY_MS_MAX) {
            return Ok(());
        }
    }
}

/// Starts the house for the first time and publishes one clip; its id.
fn begun_house(binary: &Path, folder: &Path) -> Result<String, BenchError> {
    let (mut server, _) = Server::start_on(binary, folder, crate::UNLIMITED, testkit::READY_MS_MAX);
    let creator = server.person("first_creator");
    let clip = Clip {
        seconds: 6,
        ..Clip::small(1)
    };
    let video = creator.publish(&clip.bytes(), "the first", &["first"]);
    let id = video["id"].as_str().unwrap_or_default().to_owned();
    creator.wait_complete(&id);
    let _ended = server.stop();
    Ok(id)
}

/// Everybody's rows, with the manifest of the clip that is there; the last id of the outbox that the log may use.
async fn write_rows(file: &Path, first: &str, world: &World) -> Result<u64, BenchError> {
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(file)
        .foreign_keys(false)
        .pragma("synchronous", "OFF")
        .pragma("cache_size", "-200000");
    let mut db = SqliteConnection::connect_with(&options)
        .await
        .map_err(failed("opening the rows"))?;
    let id: types::VideoId = first
        .parse()
        .map_err(|_| BenchError::Peer("the server", format!("`{first}` is no id")))?;
    let row = sqlx::query("SELECT manifest FROM videos WHERE id = $1").bind(id.as_i64());
    let row = row
        .fetch_one(&mut db)
        .await
        .map_err(failed("reading the manifest"))?;
    let manifest: String = row.try_get(0).map_err(failed("reading the manifest"))?;
    for statement in [ACCOUNTS, COUNTS_OF_USERS, FOLLOWS] {
        fill(&mut db, statement, world.viewers, None, |viewer| {
            person(world, statement, viewer)
        })
        .await?;
    }
    fill(&mut db, VIDEOS, world.videos, Some(&manifest), |video| {
        video_row(world, video)
    })
    .await?;
    let counts = "INSERT OR IGNORE INTO video_counts (video_id) SELECT id FROM videos";
    db.execute(counts).await.map_err(failed("writing counts"))?;
    let outbox = world.videos + 4 * world.viewers + 1_000_000;
    let moved = sqlx::query("UPDATE sequences SET value = $1 WHERE name = 'outbox'").bind(outbox as i64 + 1);
    moved
        .execute(&mut db)
        .await
        .map_err(failed("moving the outbox on"))?;
    db.close().await.map_err(failed("closing the rows"))?;
    Ok(outbox)
}

const ACCOUNTS: &str = "INSERT INTO accounts (id, username, display_name, bio, password_hash, birth_date, created_at_ms) \
    SELECT value ->> 0, value ->> 1, value ->> 1, '', '', '1990-01-01', value ->> 2 FROM json_each($1)";
const COUNTS_OF_USERS: &str = "INSERT INTO user_counts (user_id) SELECT value ->> 0 FROM json_each($1)";
const FOLLOWS: &str = "INSERT INTO follows (follower_id, followee_id, created_at_ms) \
    SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each($1)";
const VIDEOS: &str = "INSERT INTO videos (id, creator_id, status, progress, caption, hashtags, duration_ms, width, height, \
    source_bytes, created_at_ms, published_at_ms, manifest, sound_id, region) \
    SELECT value ->> 0, value ->> 1, 'published', 1.0, value ->> 2, value ->> 3, value ->> 4, 480, 854, 1000000, \
    value ->> 5, value ->> 5, $2, value ->> 6, value ->> 7 FROM json_each($1)";

fn person(world: &World, statement: &str, viewer: u64) -> Vec<serde_json::Value> {
    if !World::has_account(viewer) {
        return Vec::new();
    }
    let (id, at_ms) = (world.viewer_id(viewer).as_i64(), world.made_ms - PUBLISHED_MS);
    match statement {
        FOLLOWS => {
            let followed = world.follows(viewer);
            followed
                .iter()
                .map(|creator| json!([id, creator.as_i64(), at_ms]))
                .collect()
        }
        _ => vec![json!([id, format!("person_{viewer}"), at_ms])],
    }
}

fn video_row(world: &World, video: u64) -> Vec<serde_json::Value> {
    let tags = world.hashtags(video);
    vec![json!([
        world.video_id(video).as_i64(),
        world.creator_id(world.creator_of(video)).as_i64(),
        world.caption(video),
        serde_json::Value::from(tags).to_string(),
        World::duration_ms(video),
        world.published_ms(video),
        world.sound_of(video).map(|sound| sound.as_i64()),
        world.region_of(video),
    ])]
}

async fn fill(
    db: &mut SqliteConnection,
    statement: &'static str,
    count: u64,
    extra: Option<&str>,
    rows: impl Fn(u64) -> Vec<serde_json::Value>,
) -> Result<(), BenchError> {
    for from in (0..count).step_by(ROWS_PER_STATEMENT as usize) {
        let some: Vec<_> = (from..count.min(from + ROWS_PER_STATEMENT))
            .flat_map(&rows)
            .collect();
        let mut query = sqlx::query(statement).bind(serde_json::Value::from(some).to_string());
        if let Some(extra) = extra {
            query = query.bind(extra.to_owned());
        }
        query.execute(&mut *db).await.map_err(failed("writing rows"))?;
    }
    Ok(())
}

/// Appends records in groups and waits for each group.
struct Writer {
    log: SegmentLog,
    batch: Vec<Append>,
    records: u64,
}

impl Writer {
    fn put(&mut self, key: u64, at_ms: i64, event: &Event) -> Result<(), BenchError> {
        let to = TopicPartition {
            topic: Topic(event.topic()),
            partition: event::partition_of(ViewerId::from_raw(key), self.log.partitions()),
        };
        self.batch.push(Append {
            to,
            at_ms,
            payload: event.encode().into(),
        });
        self.records += 1;
        if self.batch.len() >= BATCH {
            self.flush()
        } else {
            Ok(())
        }
    }

    fn flush(&mut self) -> Result<(), BenchError> {
        let batch = std::mem::take(&mut self.batch);
        let refused = |error: event_log::AppendError| BenchError::Peer("the log", error.to_string());
        settle(self.log.append(batch).map_err(refused)?).map_err(refused)?;
        Ok(())
    }
}

/// Records of everything, in the order of time; how many.
fn write_log(folder: &Path, world: &World, outbox_max: u64) -> Result<u64, BenchError> {
    // A slow disk is waited for.
    let config = SegmentLogConfig {
        wait_ms_max: None,
        stall_ms_max: u64::MAX,
        ..SegmentLogConfig::default()
    };
    let log = SegmentLog::open(folder, config);
    let mut writer = Writer {
        log: log.map_err(|error| BenchError::Peer("the log", error.to_string()))?,
        batch: Vec::with_capacity(BATCH),
        records: 0,
    };
    let mut outbox_id = outbox_max - world.videos - 4 * world.viewers;
    for video in 0..world.videos {
        outbox_id += 1;
        let creator = world.creator_id(world.creator_of(video));
        let published = VideoChange::Published {
            outbox_id,
            video: world.video_id(video),
            creator,
            published_ms: world.published_ms(video),
            duration_ms: World::duration_ms(video),
            hashtags: world.hashtags(video),
            sound: world.sound_of(video),
            category: None,
            region: world.region_of(video).parse().ok(),
            content: world.content(video).map(Arc::new),
            original: None,
            caption: world.caption(video),
        };
        writer.put(creator.raw(), world.published_ms(video), &Event::Video(published))?;
    }
    sittings(world, &mut writer, outbox_id)?;
    writer.flush()?;
    Ok(writer.records)
}

/// Viewer after viewer, in an order that has nothing to do with how active they are: what they follow, then what they watched.
fn sittings(world: &World, writer: &mut Writer, mut outbox_id: u64) -> Result<(), BenchError> {
    let watches: u64 = (0..world.viewers).map(|rank| world.watches(rank)).sum();
    let stride = coprime(world.viewers);
    let (mut watched, mut random) = (0u64, Random::new(0x5177));
    for turn in 0..world.viewers {
        let viewer = (u128::from(turn) * u128::from(stride) % u128::from(world.viewers)) as u64;
        let id = world.viewer_id(viewer);
        let at_ms = |watched: u64| {
            world.made_ms - WATCHED_MS
                + (u128::from(watched) * WATCHED_MS as u128 / u128::from(watches)) as i64
        };
        let followed = if World::has_account(viewer) {
            world.follows(viewer)
        } else {
            Vec::new()
        };
        for target in followed {
            outbox_id += 1;
            let follow = Action {
                outbox_id,
                actor: types::UserId::from_raw(id.raw()),
                at_ms: at_ms(watched),
                kind: ActionKind::Follow,
                video: None,
                target: Some(target),
                region: None,
            };
            writer.put(id.raw(), at_ms(watched), &Event::Action(follow))?;
        }
        for sequence in 1..=world.watches(viewer) {
            let video = world.meets(viewer, &mut random);
            let how = world.watch(viewer, video, &mut random);
            let signal = Signal {
                viewer: id,
                session: SessionKey(id.raw()),
                sequence,
                at_ms: at_ms(watched),
                received_ms: at_ms(watched),
                video: Some(world.video_id(video)),
                impression: None,
                region: None,
                kind: SignalKind::Watch {
                    watch_ms: how.watch_ms,
                    ended: how.ended,
                    loops: 0,
                },
            };
            writer.put(id.raw(), at_ms(watched), &Event::Signal(signal))?;
            watched += 1;
        }
    }
    Ok(())
}

/// A stride that visits all of `0..count`.
fn coprime(count: u64) -> u64 {
    let gcd = |mut a: u64, mut b: u64| {
        while b > 0 {
            (a, b) = (b, a % b);
        }
        a
    };
    (count * 618 / 1_000 + 1..)
        .find(|&stride| gcd(stride, count) == 1)
        .unwrap_or(1)
}

/// How long a copy or a start took, for the figures.
pub(super) fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let began = Instant::now();
    let done = work();
    (done, began.elapsed())
}
