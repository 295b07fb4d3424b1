//! The viewer's say: what they ask of their feed, what they asked so far, and why something was shown to them.
//!
//! A wish is a record of the log, in the partition and topic of the viewer's watches; it is durable, and in the viewer's state, before
//! the answer. Receipts are read back from the served records: the viewer's state knows where the last hundred slates stand, so nothing
//! is kept twice and a restart loses none. CPU: a wish one append and one wait for its commit; a receipt one read of about 12 kB for each
//! slate looked through, newest first.

use std::sync::Arc;
use std::time::Duration;

use event::{
    Event, FeedMode, Leaning, Receipt, Said, ServedItem, ServedSlate, Subject, Wish, WishKind, partition_of,
    topic,
};
use event_log::{Append, AppendError, EventLog, ReadError, Topic, TopicPartition};
use feature_store::{FeatureStore, LEANINGS_MAX, MUTED_MAX, StoreError, Watched, Wishes, job};
use types::{ImpressionId, TimestampMs, UserId, VideoId, ViewerId};

use crate::catch_up::CatchUp;
use crate::for_you::FeedParts;

/// Words a viewer can mute, and interests they can choose.
pub const WORDS_MAX: usize = 100;
/// Characters of one of them.
pub const WORD_CHARS_MAX: usize = 50;
/// Learned interests that are shown.
pub const LEARNED_SHOWN_MAX: usize = 30;

/// How long a receipt may wait for its own page to be noted.
const PATIENCE: Duration = Duration::from_millis(250);
/// Bytes of the log read for one slate: the record is the first one read, whatever its size.
const READ_BYTES: usize = 64 << 10;
const DAY_MS: i64 = 86_400_000;

/// Why a wish was not taken, or a receipt not given.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    #[error("at most {max} {what}; take one back first")]
    TooMany { what: &'static str, max: usize },
    #[error("a word has 1 to {WORD_CHARS_MAX} characters and at least one letter or digit")]
    Word,
    #[error("nobody mutes themselves")]
    Oneself,
    #[error("the log did not take the wish; try again")]
    Log(#[from] AppendError),
    #[error("what was served cannot be read at the moment; try again")]
    Read(#[from] ReadError),
    #[error("viewer state cannot be read at the moment; try again")]
    Store(#[from] StoreError),
}

/// What a viewer asked for, and what was learned of them.
#[derive(Debug, Clone)]
pub struct Interests {
    pub wishes: Arc<Wishes>,
    /// Hashtags and how strongly the viewer leans to them (above 0) or away (below 0), within ±8, strongest first.
    pub learned: Vec<(Arc<str>, f32)>,
    /// Watches that were learned from.
    pub watches: u64,
}

/// Why an impression was shown.
#[derive(Debug, Clone)]
pub struct Why {
    pub served_ms: TimestampMs,
    pub item: ServedItem,
    /// None for what was served before there were receipts.
    pub receipt: Option<Receipt>,
    pub evidence: Vec<Evidence>,
}

/// What the viewer watched that speaks for a hashtag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    pub hashtag: String,
    /// Watched to the end within the day before the page was made.
    pub finished_today: u32,
    /// Watches of the last hundred that had the hashtag, and how many of them were finished.
    pub watched: u32,
    pub finished: u32,
}

/// See the file's header.
pub struct Controls {
    log: Arc<dyn EventLog>,
    store: Arc<FeatureStore>,
    catch_up: CatchUp,
}

impl Controls {
    pub fn new(parts: &FeedParts) -> Self {
        Self {
            log: parts.log.clone(),
            store: parts.store.clone(),
            catch_up: CatchUp {
                log: parts.log.clone(),
                store: parts.store.clone(),
            },
        }
    }

    /// Takes a wish: durable and at work when this returns.
    ///
    /// # Errors
    /// See [`ControlError`]; a wish over a bound changes nothing.
    pub async fn say(
        &self,
        viewer: ViewerId,
        kind: WishKind,
        now_ms: TimestampMs,
    ) -> Result<(), ControlError> {
        self.catch_up.wait(viewer).await;
        self.check(viewer, &kind)?;
        let wish = Event::Wish(Wish {
            viewer,
            at_ms: now_ms,
            kind,
        });
        let append = Append {
            to: self.place(viewer, topic::VIEWS),
            at_ms: now_ms,
            payload: wish.encode().into(),
        };
        self.log.append(vec![append])?.await?;
        self.catch_up.wait(viewer).await;
        Ok(())
    }

    /// What the viewer asked for so far, and what was learned.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub async fn interests(&self, viewer: ViewerId, now_ms: TimestampMs) -> Result<Interests, ControlError> {
        self.catch_up.wait(viewer).await;
        Ok(self.store.viewer_read(viewer, |state| {
            let tastes = state.hashtags.iter();
            let mut learned: Vec<(Arc<str>, f32)> = tastes
                .map(|(hashtag, taste)| (hashtag.clone(), taste.at(now_ms)))
                .collect();
            learned.sort_unstable_by(|a, b| b.1.abs().total_cmp(&a.1.abs()).then_with(|| a.0.cmp(&b.0)));
            learned.truncate(LEARNED_SHOWN_MAX);
            Interests {
                wishes: state.wishes.clone(),
                learned,
                watches: state.watches,
            }
        })?)
    }

    /// Why `impression` was shown to `viewer`; none when it was not among what they were served lately.
    ///
    /// # Errors
    /// When the log or the state cannot be read.
    pub async fn why(&self, viewer: ViewerId, impression: ImpressionId) -> Result<Option<Why>, ControlError> {
        let from = self.place(viewer, topic::SERVED);
        let end = self.log.end(from);
        self.store
            .applied_wait(job::USER_HISTORY, from, end, PATIENCE)
            .await;
        let (offsets, recent) = self.store.viewer_read(viewer, |state| {
            let recent: Vec<Watched> = state.recent.iter().copied().collect();
            (state.slates().collect::<Vec<u64>>(), recent)
        })?;
        for offset in offsets {
            let Some(slate) = self.slate(from, offset)?.filter(|slate| slate.viewer == viewer) else {
                continue;
            };
            if let Some(place) = slate.items.iter().position(|item| item.impression == impression) {
                return Ok(Some(self.explained(slate, place, &recent)));
            }
        }
        Ok(None)
    }

    fn slate(&self, from: TopicPartition, offset: u64) -> Result<Option<ServedSlate>, ControlError> {
        let records = match self.log.read(from, offset, READ_BYTES) {
            // Retention took it.
            Err(ReadError::Lost { .. }) => return Ok(None),
            records => records?,
        };
        let record = records.first().filter(|record| record.offset == offset);
        Ok(record.and_then(|record| match Event::decode(&record.payload) {
            Ok(Event::Served(slate)) => Some(slate),
            _ => None,
        }))
    }

    fn explained(&self, mut slate: ServedSlate, place: usize, recent: &[Watched]) -> Why {
        let receipt = (place < slate.receipts.len()).then(|| slate.receipts.swap_remove(place));
        let named = receipt.iter().flat_map(|receipt| &receipt.spoke);
        let hashtags = named.filter_map(|spoke| match &spoke.said {
            Said::Hashtag(hashtag) | Said::Chosen(hashtag) => Some(hashtag.clone()),
            _ => None,
        });
        let hashtags: Vec<String> = hashtags.collect();
        Why {
            served_ms: slate.at_ms,
            evidence: self.evidence(hashtags, recent, slate.at_ms),
            item: slate.items.swap_remove(place),
            receipt,
        }
    }

    fn evidence(&self, hashtags: Vec<String>, recent: &[Watched], served_ms: TimestampMs) -> Vec<Evidence> {
        let catalog = self.store.catalog();
        let before = recent.iter().filter(|watched| watched.at_ms <= served_ms);
        let known = before.filter_map(|watched| Some((watched, catalog.get(watched.video)?)));
        let known: Vec<_> = known.collect();
        let count = |hashtag: String| {
            let mut evidence = Evidence {
                hashtag,
                finished_today: 0,
                watched: 0,
                finished: 0,
            };
            for (watched, profile) in &known {
                if profile.hashtags.iter().any(|known| **known == *evidence.hashtag) {
                    let today = served_ms - watched.at_ms < DAY_MS;
                    evidence.watched += 1;
                    evidence.finished += u32::from(watched.finished);
                    evidence.finished_today += u32::from(watched.finished && today);
                }
            }
            evidence
        };
        hashtags.into_iter().map(count).collect()
    }

    fn check(&self, viewer: ViewerId, kind: &WishKind) -> Result<(), ControlError> {
        let wishes = self.store.viewer_read(viewer, |state| state.wishes.clone())?;
        match kind {
            WishKind::Lean { of, to } => {
                let held = match of {
                    Subject::Hashtag(hashtag) => {
                        wishes.hashtags.len() - usize::from(wishes.hashtags.contains_key(hashtag.as_str()))
                    }
                    Subject::Creator(creator) => {
                        wishes.creators.len() - usize::from(wishes.creators.contains_key(creator))
                    }
                    Subject::Sound(sound) => {
                        wishes.sounds.len() - usize::from(wishes.sounds.contains_key(sound))
                    }
                };
                if let Subject::Hashtag(hashtag) = of {
                    word(hashtag)?;
                }
                bound(
                    "wishes for less or more",
                    held + usize::from(*to != Leaning::Neutral),
                    LEANINGS_MAX,
                )
            }
            WishKind::Mute { creator, .. } if *creator == UserId::from_raw(viewer.raw()) => {
                Err(ControlError::Oneself)
            }
            WishKind::Mute { creator, muted } => {
                let held = wishes.muted.len() - usize::from(wishes.muted.contains_key(creator));
                bound("muted creators", held + usize::from(*muted), MUTED_MAX)
            }
            WishKind::MutedWords(words) => words_check("muted words", words),
            WishKind::Interests { hashtags, categories } => {
                words_check("interests", hashtags)?;
                bound("categories", categories.len(), WORDS_MAX)
            }
            WishKind::Mode(_) | WishKind::Reset => Ok(()),
        }
    }

    fn place(&self, viewer: ViewerId, topic: u8) -> TopicPartition {
        TopicPartition {
            topic: Topic(topic),
            partition: partition_of(viewer, self.log.partitions()),
        }
    }
}

impl Interests {
    /// How personal the feed is.
    pub fn mode(&self) -> FeedMode {
        self.wishes.mode
    }

    /// When a video's maker was muted.
    pub fn muted(&self) -> impl Iterator<Item = UserId> + '_ {
        self.wishes.muted.keys().copied()
    }
}

impl Why {
    pub fn video(&self) -> VideoId {
        self.item.video
    }
}

fn bound(what: &'static str, count: usize, max: usize) -> Result<(), ControlError> {
    match count <= max {
        true => Ok(()),
        false => Err(ControlError::TooMany { what, max }),
    }
}

fn word(text: &str) -> Result<(), ControlError> {
    let fits = (1..=WORD_CHARS_MAX).contains(&text.chars().count());
    match fits && text.chars().any(char::is_alphanumeric) {
        true => Ok(()),
        false => Err(ControlError::Word),
    }
}

fn words_check(what: &'static str, words: &[String]) -> Result<(), ControlError> {
    bound(what, words.len(), WORDS_MAX)?;
    words.iter().try_for_each(|text| word(text))
}
