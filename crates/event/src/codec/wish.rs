//! What a viewer asks of the feed.

use types::{Category, SoundId, UserId, ViewerId};

use super::bytes::{Reader, Writer};
use super::{DecodeError, KIND_WISH, WISH_TEXTS_MAX};
use crate::wish::{FeedMode, Leaning, Subject, Wish, WishKind};

const LEANINGS: [Leaning; 3] = [Leaning::Less, Leaning::Neutral, Leaning::More];
const MODES: [FeedMode; 3] = [FeedMode::Personal, FeedMode::Frozen, FeedMode::NonPersonal];

pub(super) fn write_wish(out: &mut Writer<'_>, wish: &Wish) {
    out.u8(KIND_WISH);
    out.u64(wish.viewer.raw());
    out.i64(wish.at_ms);
    match &wish.kind {
        WishKind::Lean { of, to } => {
            out.u8(1);
            write_subject(out, of);
            out.coded(&LEANINGS, to);
        }
        WishKind::Mute { creator, muted } => {
            out.u8(2);
            out.u64(creator.raw());
            out.u8(u8::from(*muted));
        }
        WishKind::MutedWords(words) => {
            out.u8(3);
            write_texts(out, words);
        }
        WishKind::Interests { hashtags, categories } => {
            out.u8(4);
            write_texts(out, hashtags);
            let categories = &categories[..categories.len().min(WISH_TEXTS_MAX)];
            out.u8(categories.len() as u8);
            categories.iter().for_each(|category| out.u8(category.number()));
        }
        WishKind::Mode(mode) => {
            out.u8(5);
            out.coded(&MODES, mode);
        }
        WishKind::Reset => out.u8(6),
    }
}

fn write_subject(out: &mut Writer<'_>, subject: &Subject) {
    match subject {
        Subject::Hashtag(hashtag) => {
            out.u8(1);
            out.text(hashtag);
        }
        Subject::Creator(creator) => {
            out.u8(2);
            out.u64(creator.raw());
        }
        Subject::Sound(sound) => {
            out.u8(3);
            out.u64(sound.raw());
        }
    }
}

fn write_texts(out: &mut Writer<'_>, texts: &[String]) {
    let texts = &texts[..texts.len().min(WISH_TEXTS_MAX)];
    out.u8(texts.len() as u8);
    texts.iter().for_each(|text| out.text(text));
}

fn read_subject(input: &mut Reader<'_>) -> Result<Subject, DecodeError> {
    Ok(match input.u8()? {
        1 => Subject::Hashtag(input.text()?),
        2 => Subject::Creator(UserId::from_raw(input.u64()?)),
        3 => Subject::Sound(SoundId::from_raw(input.u64()?)),
        _ => return Err(DecodeError::Range("subject")),
    })
}

fn read_texts(input: &mut Reader<'_>) -> Result<Vec<String>, DecodeError> {
    let count = input.u8()? as usize;
    input.list((count, WISH_TEXTS_MAX), "texts", Reader::text)
}

fn read_category(input: &mut Reader<'_>) -> Result<Category, DecodeError> {
    Category::from_number(input.u8()?).ok_or(DecodeError::Range("category"))
}

pub(super) fn read_wish(input: &mut Reader<'_>) -> Result<Wish, DecodeError> {
    Ok(Wish {
        viewer: ViewerId::from_raw(input.u64()?),
        at_ms: input.i64()?,
        kind: match input.u8()? {
            1 => WishKind::Lean {
                of: read_subject(input)?,
                to: input.coded(&LEANINGS, "leaning")?,
            },
            2 => WishKind::Mute {
                creator: UserId::from_raw(input.u64()?),
                muted: input.u8()? != 0,
            },
            3 => WishKind::MutedWords(read_texts(input)?),
            4 => WishKind::Interests {
                hashtags: read_texts(input)?,
                categories: {
                    let count = input.u8()? as usize;
                    input.list((count, WISH_TEXTS_MAX), "categories", read_category)?
                },
            },
            5 => WishKind::Mode(input.coded(&MODES, "mode")?),
            6 => WishKind::Reset,
            _ => return Err(DecodeError::Range("wish")),
        },
    })
}
