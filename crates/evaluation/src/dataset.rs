//! Reader of recorded feeds: what was shown to whom, what became of it, and what is known of videos and people.
//!
//! A folder holds four compressed tables: `interactions` (timed), `history` (ordered, without times), `items` and `users`. Several
//! folders are read as one: interactions are merged by `(time_ms, user, video)`, histories follow each other in the order given, and of
//! an item or a user that is in more than one folder the first counts. Nothing is assumed about how much there is; a malformed
//! file is a [`DatasetError`] that names the file and the line. The reader knows no protocol.

mod tsv;

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};

use types::{DurationMs, TimestampMs};

use tsv::{Row, Table};

pub use tsv::{COLUMNS_MAX, LINE_BYTES_MAX, ROWS_MAX};

/// Most tags read of one item; further ones are left out.
pub const TAGS_MAX: usize = 16;

/// Why a folder could not be read. All of these are the data's fault; asking again does not help.
#[derive(Debug, thiserror::Error)]
pub enum DatasetError {
    #[error("no data folder was given")]
    NoFolder,
    #[error("cannot open {path}")]
    Open { path: PathBuf, source: io::Error },
    #[error("cannot read {path}, line {line}")]
    Read {
        path: PathBuf,
        line: u64,
        source: io::Error,
    },
    #[error("{path} has no header line")]
    NoHeader { path: PathBuf },
    #[error("{path} has no column {column}")]
    NoColumn { path: PathBuf, column: &'static str },
    #[error("{path}, line {line}: {found} fields, expected {expected}")]
    Shape {
        path: PathBuf,
        line: u64,
        found: usize,
        expected: usize,
    },
    #[error("{path}, line {line}: {column} cannot be {value:?}")]
    Field {
        path: PathBuf,
        line: u64,
        column: String,
        value: String,
    },
    #[error("{path} holds {what} than is accepted")]
    TooLarge { path: PathBuf, what: &'static str },
    #[error("{path} holds no rows")]
    NoRows { path: PathBuf },
}

/// One video on one screen, and what became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interaction {
    pub time_ms: TimestampMs,
    pub user: u64,
    pub video: u64,
    /// Which page of the client it was shown on.
    pub tab: u32,
    /// 0 when unknown.
    pub duration_ms: DurationMs,
    /// May exceed the duration: loops.
    pub play_time_ms: DurationMs,
    pub outcome: Outcome,
}

/// What the viewer did, as far as the log says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outcome {
    pub click: bool,
    /// Watched to the end, or for 18 s when longer.
    pub long_view: bool,
    pub like: bool,
    pub follow: bool,
    pub comment: bool,
    pub forward: bool,
    pub hate: bool,
    pub profile_enter: bool,
}

/// One exposure before the timed log: its time is not known, only its place among the user's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HistoryEvent {
    pub user: u64,
    /// 0 is the user's oldest.
    pub position: u32,
    pub video: u64,
    pub long_view: bool,
    pub like: bool,
}

/// What is known of a video before anybody sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    pub video: u64,
    pub author: u64,
    /// FNV-1a of the type's name; equal names are equal numbers.
    pub video_type: u64,
    /// Days since 1970-01-01; None when unknown.
    pub upload_day: Option<i32>,
    pub upload_type: u64,
    /// 0 when unknown.
    pub duration_ms: DurationMs,
    pub width: u32,
    pub height: u32,
    /// 0 when none.
    pub music: u64,
    pub music_type: u32,
    /// A tag that is not a number is named by the FNV-1a of its text.
    pub tags: Vec<u64>,
}

/// Columns of the users' table that are read; one that is missing reads as empty.
pub const USER_TRAITS: [&str; 8] = [
    "user_active_degree",
    "is_lowactive_period",
    "is_live_streamer",
    "is_video_author",
    "follow_user_num_range",
    "fans_user_num_range",
    "friend_user_num_range",
    "register_days_range",
];

/// What is known of a person: one number for each of [`USER_TRAITS`]. Equal numbers are equal values of the same column, 0 is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserProfile {
    pub user: u64,
    pub traits: [u64; USER_TRAITS.len()],
}

/// All that the folders hold.
#[derive(Debug, Clone, Default)]
pub struct Dataset {
    /// By `(time_ms, user, video)`.
    pub interactions: Vec<Interaction>,
    /// In file order, folder after folder.
    pub history: Vec<HistoryEvent>,
    /// By video, ascending.
    pub items: Vec<Item>,
    pub users: HashMap<u64, UserProfile>,
}

impl Dataset {
    /// Reads and merges the folders.
    pub fn read(folders: &[PathBuf]) -> Result<Self, DatasetError> {
        if folders.is_empty() {
            return Err(DatasetError::NoFolder);
        }
        let mut all = Self::default();
        let mut seen = HashSet::new();
        for folder in folders {
            read_interactions(&folder.join("interactions.tsv.gz"), &mut all.interactions)?;
            read_history(&folder.join("history.tsv.gz"), &mut all.history)?;
            let items = read_items(&folder.join("items.tsv.gz"))?;
            all.items
                .extend(items.into_iter().filter(|item| seen.insert(item.video)));
            for user in read_users(&folder.join("users.tsv.gz"))? {
                all.users.entry(user.user).or_insert(user);
            }
        }
        all.interactions
            .sort_by_key(|row| (row.time_ms, row.user, row.video));
        all.items.sort_by_key(|item| item.video);
        Ok(all)
    }

    /// The item of a video; None when the catalogue does not have it.
    pub fn item(&self, video: u64) -> Option<&Item> {
        let at = self.items.binary_search_by_key(&video, |item| item.video).ok()?;
        self.items.get(at)
    }
}

/// Reads a list of user ids: one a line, first column, with or without a header, compressed when named `.gz`.
pub fn read_user_list(path: &Path) -> Result<HashSet<u64>, DatasetError> {
    use std::io::Read;
    let opened = std::fs::File::open(path).map_err(|source| DatasetError::Open {
        path: path.to_owned(),
        source,
    })?;
    let mut text = String::new();
    let compressed = path.extension().is_some_and(|ending| ending == "gz");
    let read = match compressed {
        true => flate2::read::MultiGzDecoder::new(opened)
            .take(USER_LIST_BYTES_MAX)
            .read_to_string(&mut text),
        false => opened.take(USER_LIST_BYTES_MAX).read_to_string(&mut text),
    };
    read.map_err(|source| DatasetError::Read {
        path: path.to_owned(),
        line: 0,
        source,
    })?;
    let mut users = HashSet::new();
    for (number, line) in text.lines().enumerate() {
        let first = line.split('\t').next().unwrap_or_default().trim();
        match first.parse() {
            Ok(user) => {
                users.insert(user);
            }
            Err(_) if number == 0 || first.is_empty() => {}
            Err(_) => {
                return Err(DatasetError::Field {
                    path: path.to_owned(),
                    line: number as u64 + 1,
                    column: "user_id".to_owned(),
                    value: first.chars().take(40).collect(),
                });
            }
        }
    }
    Ok(users)
}

/// Most bytes read of a list of users.
const USER_LIST_BYTES_MAX: u64 = 1 << 30;

fn read_interactions(path: &Path, into: &mut Vec<Interaction>) -> Result<(), DatasetError> {
    let mut table = Table::open(path)?;
    let before = into.len();
    let [time, user, video, tab] = columns(&table, ["time_ms", "user_id", "video_id", "tab"])?;
    let [duration, played] = columns(&table, ["duration_ms", "play_time_ms"])?;
    let [click, long_view, like, follow] =
        columns(&table, ["is_click", "long_view", "is_like", "is_follow"])?;
    let [comment, forward, hate, profile] = columns(
        &table,
        ["is_comment", "is_forward", "is_hate", "is_profile_enter"],
    )?;
    while let Some(row) = table.next_row()? {
        into.push(Interaction {
            time_ms: row.number(time)?,
            user: row.number(user)?,
            video: row.number(video)?,
            tab: row.number_or(tab, 0)?,
            duration_ms: milliseconds(&row, duration)?,
            play_time_ms: milliseconds(&row, played)?,
            outcome: Outcome {
                click: row.flag(click)?,
                long_view: row.flag(long_view)?,
                like: row.flag(like)?,
                follow: row.flag(follow)?,
                comment: row.flag(comment)?,
                forward: row.flag(forward)?,
                hate: row.flag(hate)?,
                profile_enter: row.flag(profile)?,
            },
        });
    }
    match into.len() == before {
        true => Err(DatasetError::NoRows {
            path: path.to_owned(),
        }),
        false => Ok(()),
    }
}

fn read_history(path: &Path, into: &mut Vec<HistoryEvent>) -> Result<(), DatasetError> {
    let mut table = Table::open(path)?;
    let [user, position, video] = columns(&table, ["user_id", "pos", "video_id"])?;
    let [long_view, like] = columns(&table, ["long_view", "is_like"])?;
    while let Some(row) = table.next_row()? {
        into.push(HistoryEvent {
            user: row.number(user)?,
            position: row.number(position)?,
            video: row.number(video)?,
            long_view: row.flag(long_view)?,
            like: row.flag(like)?,
        });
    }
    Ok(())
}

fn read_items(path: &Path) -> Result<Vec<Item>, DatasetError> {
    let mut table = Table::open(path)?;
    let [video, author, video_type, day] =
        columns(&table, ["video_id", "author_id", "video_type", "upload_dt"])?;
    let [upload_type, duration] = columns(&table, ["upload_type", "duration_ms"])?;
    let [width, height] = columns(&table, ["width", "height"])?;
    let [music, music_type, tags] = columns(&table, ["music_id", "music_type", "tags"])?;
    let mut items = Vec::new();
    while let Some(row) = table.next_row()? {
        let upload_day = match row.text(day) {
            "" => None,
            text => Some(days_of(text).ok_or_else(|| row.bad(day))?),
        };
        let mut item_tags = Vec::new();
        for tag in row
            .text(tags)
            .split(',')
            .filter(|tag| !tag.is_empty())
            .take(TAGS_MAX)
        {
            item_tags.push(tag.parse().unwrap_or_else(|_| fold(tag)));
        }
        items.push(Item {
            video: row.number(video)?,
            author: row.number_or(author, 0)?,
            video_type: fold(row.text(video_type)),
            upload_day,
            upload_type: fold(row.text(upload_type)),
            duration_ms: milliseconds(&row, duration)?,
            width: row.number_or(width, 0)?,
            height: row.number_or(height, 0)?,
            music: row.number_or(music, 0)?,
            music_type: row.number_or(music_type, 0)?,
            tags: item_tags,
        });
    }
    match items.is_empty() {
        true => Err(DatasetError::NoRows {
            path: path.to_owned(),
        }),
        false => Ok(items),
    }
}

fn read_users(path: &Path) -> Result<Vec<UserProfile>, DatasetError> {
    let mut table = Table::open(path)?;
    let user = table.column("user_id")?;
    let place = |name: &str| table.header().iter().position(|column| column == name);
    let traits = USER_TRAITS.map(place);
    let mut users = Vec::new();
    while let Some(row) = table.next_row()? {
        users.push(UserProfile {
            user: row.number(user)?,
            traits: traits.map(|column| column.map_or(0, |column| fold(row.text(column)))),
        });
    }
    Ok(users)
}

fn columns<const N: usize>(table: &Table, names: [&'static str; N]) -> Result<[usize; N], DatasetError> {
    let mut found = [0; N];
    for (at, name) in found.iter_mut().zip(names) {
        *at = table.column(name)?;
    }
    Ok(found)
}

/// A length of time; empty is 0, a negative one is an error. Fractions are cut off.
fn milliseconds(row: &Row<'_>, column: usize) -> Result<DurationMs, DatasetError> {
    let text = row.text(column);
    let whole = text.split_once('.').map_or(text, |(whole, _)| whole);
    match whole {
        "" => Ok(0),
        _ => whole
            .parse()
            .ok()
            .filter(|ms| *ms >= 0)
            .ok_or_else(|| row.bad(column)),
    }
}

/// FNV-1a, 64 bit, cut to the 54 bits that an id may have. Empty text is 0.
fn fold(text: &str) -> u64 {
    if text.is_empty() {
        return 0;
    }
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    text.bytes().fold(0xcbf2_9ce4_8422_2325, step) >> 10
}

/// Days since 1970-01-01 of a `YYYY-MM-DD` date (proleptic Gregorian, after Howard Hinnant's `days_from_civil`).
fn days_of(text: &str) -> Option<i32> {
    let mut parts = text.get(..10)?.split('-');
    let year: i32 = parts.next()?.parse().ok()?;
    let month: i32 = parts
        .next()?
        .parse()
        .ok()
        .filter(|month| (1..=12).contains(month))?;
    let day: i32 = parts.next()?.parse().ok().filter(|day| (1..=31).contains(day))?;
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year - era * 400;
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

#[cfg(test)]
mod tests;
