//! The tables and their columns, one line a column: this is the place to add one.
//!
//! A column that is added here appears in the table with its next commit; rows from before it are null there. A column
//! is never renamed, retyped or removed: old files keep what they say.

use event::{Action, ActionKind, ServedItem, Signal, SignalKind, VideoChange, topic};
use event_log::Topic;
use parquet::file::properties::WriterProperties;
use types::{Category, DurationMs, ImpressionId, SoundId, TimestampMs, UserId, VideoId, ViewerId};

use crate::column::{Cell, Column};
use crate::data_file;

/// A table of the lake; also the name of its folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Table {
    /// Viewing signals: one row a signal.
    Views,
    /// Explicit actions: one row an action.
    Actions,
    /// Heartbeats and context: one row a signal.
    Context,
    /// What the feed served: one row an item.
    Served,
    /// What became of videos: one row a change.
    Videos,
    /// Records of any topic that could not be read, as they are.
    Poisoned,
}

impl Table {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Views,
        Self::Actions,
        Self::Context,
        Self::Served,
        Self::Videos,
        Self::Poisoned,
    ];

    /// The table's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Views => "views",
            Self::Actions => "actions",
            Self::Context => "context",
            Self::Served => "served",
            Self::Videos => "videos",
            Self::Poisoned => "poisoned",
        }
    }

    /// The table of a topic's records, if the topic is known.
    pub const fn of_topic(topic: Topic) -> Option<Self> {
        match topic.0 {
            topic::VIEWS => Some(Self::Views),
            topic::ACTIONS => Some(Self::Actions),
            topic::CONTEXT => Some(Self::Context),
            topic::SERVED => Some(Self::Served),
            topic::VIDEOS => Some(Self::Videos),
            _ => None,
        }
    }
}

impl std::fmt::Display for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// What becomes a row.
pub(crate) trait Fact: Sized + 'static {
    /// The columns of its table, after those that every table has.
    const COLUMNS: &'static [Column<Self>];
}

/// One item of a served slate, with what it shares with the others.
pub(crate) struct ServedRow {
    pub(crate) viewer: ViewerId,
    pub(crate) at_ms: TimestampMs,
    /// Place in the record, from 0.
    pub(crate) index: i32,
    pub(crate) item: ServedItem,
}

/// A record that could not be read.
pub(crate) struct PoisonedRow {
    pub(crate) topic: Topic,
    pub(crate) reason: &'static str,
    pub(crate) payload: bytes::Bytes,
}

macro_rules! columns {
    ($fact:ty { $($name:literal $kind:ident($fill:expr), $comment:literal;)* }) => {
        impl Fact for $fact {
            const COLUMNS: &'static [Column<Self>] = &[$(Column::new($name, $comment, Cell::$kind($fill)),)*];
        }
    };
}

columns! { Signal {
    "viewer_id"     Id(|s| Some(s.viewer.raw())),               "who watched: an account or a guest";
    "session_id"    Key(|s| Some(s.session.0)),                 "one run of the player on one device";
    "sequence"      Long(|s| Some(long(s.sequence))),           "from 1 in a session: a gap is a loss, a repeat is a resend";
    "device_at"     Time(|s| Some(s.at_ms)),                    "the device's clock, as it came";
    "kind"          Word(|s| Some(signal_kind(s.kind))),        "impression, watch, loop, skip, not_interested, heartbeat or context";
    "video_id"      Id(|s| s.video.map(VideoId::raw)),          "the video, if there is one";
    "impression_id" FreshId(|s| s.impression.map(ImpressionId::raw)), "the feed item it belongs to; joins served";
    "watch_ms"      Long(|s| watch_of(s).map(|(watch_ms, ..)| watch_ms)), "of a watch: how long";
    "ended"         Flag(|s| watch_of(s).map(|(_, ended, _)| ended)),     "of a watch: the end was reached at least once";
    "loops"         Long(|s| watch_of(s).map(|(.., loops)| i64::from(loops))), "of a watch: how often it started over";
    "position_ms"   Long(skip_position),                        "of a skip: where the viewer left";
    "region"        Region(|s| s.region),                       "ISO 3166-1 code of where the device seems to be";
}}

columns! { Action {
    "actor_id"      Id(|a| Some(a.actor.raw())),                "the account that acted";
    "outbox_id"     Long(|a| Some(long(a.outbox_id))),          "grows in a partition; a repeat is the same action again";
    "acted_at"      Time(|a| Some(a.at_ms)),                    "when it was committed";
    "kind"          Word(|a| Some(action_kind(a.kind))),        "like, unlike, comment, share, save, unsave, follow, unfollow, not_interested or report";
    "video_id"      Id(|a| a.video.map(VideoId::raw)),          "the video, if there is one";
    "target_id"     Id(|a| a.target.map(UserId::raw)),          "who is followed, or who made the video";
    "region"        Region(|a| a.region),                       "ISO 3166-1 code of where the actor seems to be";
}}

columns! { ServedRow {
    "item"          Int(|r| Some(r.index)),                     "place in the record, from 0; with partition and offset it names the row";
    "viewer_id"     Id(|r| Some(r.viewer.raw())),               "who was served: an account or a guest";
    "served_at"     Time(|r| Some(r.at_ms)),                    "when the page was made";
    "impression_id" FreshId(|r| Some(r.item.impression.raw())), "joins views";
    "video_id"      Id(|r| Some(r.item.video.raw())),           "the video that was shown";
    "position"      Int(|r| Some(i32::from(r.item.position))),  "place in the feed";
    "source"        Word(|r| Some(r.item.source.name())),      "which candidate source found it";
    "score"         Float(|r| Some(r.item.score)),              "the score that placed it";
    "propensity"    Float(|r| Some(r.item.propensity)),         "the probability with which the policy put it there";
    "features"      Features(|r| &r.item.features),             "slot and value, exactly as the scorer saw them";
}}

columns! { VideoChange {
    "kind"          Word(|v| Some(change_kind(v))),             "published or removed";
    "outbox_id"     Long(|v| Some(long(v.outbox_id()))),         "grows in a partition; a repeat is the same change again";
    "changed_at"    Time(|v| Some(changed_ms(v))),              "when it was committed";
    "video_id"      Id(|v| Some(v.video().raw())),            "the video";
    "creator_id"    Id(|v| published(v).map(|p| p.creator.raw())), "of a published video: who made it";
    "duration_ms"   Long(|v| published(v).map(|p| p.duration_ms)), "of a published video: its length";
    "hashtags"      Words(|v| published(v).map(|p| p.hashtags)),   "of a published video: without the sign";
    "sound_id"      Id(|v| published(v)?.sound.map(SoundId::raw)), "of a published video: the sound it uses";
    "category"      Word(|v| published(v)?.category.map(Category::as_str)), "of a published video: what it is about";
    "region"        Region(|v| published(v)?.region),           "of a published video: ISO 3166-1 code of where its creator seemed to be";
}}

columns! { PoisonedRow {
    "topic"         Int(|p| Some(i32::from(p.topic.0))),        "the topic it stands in, by number";
    "reason"        Word(|p| Some(p.reason)),                   "why it could not be read";
    "payload"       Bytes(|p| Some(&p.payload)),                "the record";
}}

/// How the files of a table are laid out.
pub(crate) fn layout(table: Table) -> WriterProperties {
    match table {
        Table::Views | Table::Context => data_file::layout::<Signal>(),
        Table::Actions => data_file::layout::<Action>(),
        Table::Served => data_file::layout::<ServedRow>(),
        Table::Videos => data_file::layout::<VideoChange>(),
        Table::Poisoned => data_file::layout::<PoisonedRow>(),
    }
}

/// Numbers that only grow stay below 2^63; what claims more is shown as the greatest.
fn long(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

const fn signal_kind(kind: SignalKind) -> &'static str {
    match kind {
        SignalKind::Impression => "impression",
        SignalKind::Watch { .. } => "watch",
        SignalKind::Loop => "loop",
        SignalKind::Skip { .. } => "skip",
        SignalKind::Heartbeat => "heartbeat",
        SignalKind::Context => "context",
        SignalKind::NotInterested => "not_interested",
        SignalKind::NotInterestedUndo => "not_interested_undo",
    }
}

const fn watch_of(signal: &Signal) -> Option<(DurationMs, bool, u32)> {
    match signal.kind {
        SignalKind::Watch {
            watch_ms,
            ended,
            loops,
        } => Some((watch_ms, ended, loops)),
        _ => None,
    }
}

const fn skip_position(signal: &Signal) -> Option<DurationMs> {
    match signal.kind {
        SignalKind::Skip { position_ms } => Some(position_ms),
        _ => None,
    }
}

const fn action_kind(kind: ActionKind) -> &'static str {
    match kind {
        ActionKind::Like => "like",
        ActionKind::Unlike => "unlike",
        ActionKind::Comment => "comment",
        ActionKind::Share => "share",
        ActionKind::Save => "save",
        ActionKind::Unsave => "unsave",
        ActionKind::Follow => "follow",
        ActionKind::Unfollow => "unfollow",
        ActionKind::NotInterested => "not_interested",
        ActionKind::Report => "report",
        ActionKind::NotInterestedUndo => "not_interested_undo",
        ActionKind::Block => "block",
        ActionKind::Unblock => "unblock",
        ActionKind::BlockedBy => "blocked_by",
        ActionKind::UnblockedBy => "unblocked_by",
    }
}

const fn change_kind(change: &VideoChange) -> &'static str {
    match change {
        VideoChange::Published { .. } => "published",
        VideoChange::Described { .. } => "described",
        VideoChange::Removed { .. } => "removed",
        VideoChange::Flagged { .. } => "flagged",
    }
}

const fn changed_ms(change: &VideoChange) -> TimestampMs {
    match change {
        VideoChange::Published { published_ms, .. } => *published_ms,
        VideoChange::Described { at_ms, .. }
        | VideoChange::Removed { at_ms, .. }
        | VideoChange::Flagged { at_ms, .. } => *at_ms,
    }
}

/// What only a published video says.
struct Published<'a> {
    creator: UserId,
    duration_ms: DurationMs,
    hashtags: &'a [String],
    sound: Option<SoundId>,
    category: Option<Category>,
    region: Option<types::Region>,
}

fn published(change: &VideoChange) -> Option<Published<'_>> {
    match change {
        VideoChange::Published {
            creator,
            duration_ms,
            hashtags,
            sound,
            category,
            region,
            ..
        } => Some(Published {
            creator: *creator,
            duration_ms: *duration_ms,
            hashtags,
            sound: *sound,
            category: *category,
            region: *region,
        }),
        VideoChange::Described { .. } | VideoChange::Removed { .. } | VideoChange::Flagged { .. } => None,
    }
}
