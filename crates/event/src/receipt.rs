//! Why an impression was shown, as the feed knew it when it laid the page. Plain values; the words are written at the door.

use crate::record::Source;

/// One impression's receipt.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Receipt {
    /// All sources that found the video, the first finder first.
    pub found_by: Vec<Source>,
    /// What spoke for it and against it, strongest first.
    pub spoke: Vec<Spoke>,
    /// The score before anything was learned, 0 to 1.
    pub light: f32,
    /// How much the learned value counted in the score, 0 to 1.
    pub learned_share: f32,
    /// What its first hour multiplied the score by; 1 is nothing.
    pub fresh_boost: f32,
    /// What following its creator multiplied the score by; 1 is nothing.
    pub followed_boost: f32,
    /// The rule of the page that gave it its place, if one did.
    pub placed_by: Option<PlacedBy>,
}

/// A leaning that moved the score.
#[derive(Debug, Clone, PartialEq)]
pub struct Spoke {
    pub said: Said,
    /// Above 0 for it, below 0 against it: the leaning's strength as it was then.
    pub weight: f32,
}

/// What spoke.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// The viewer's watching leans to the hashtag, or away from it.
    Hashtag(String),
    /// The viewer's watching leans to the creator, or away.
    Creator,
    /// The viewer follows the creator.
    Following,
    /// Many watched it lately.
    Popular,
    /// It is new.
    Fresh,
    /// It is of the viewer's region.
    Region,
    /// The viewer chose the hashtag or the category as an interest.
    Chosen(String),
    /// The viewer asked for more like this.
    More,
    /// The viewer asked for less like this.
    Less,
}

/// A quota of the page, and its price: how much value the page gave up for the last place it took.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PlacedBy {
    Exploring { price: f32 },
    Regional { price: f32 },
}
