//! What a video is about, from one closed list. Creators choose it; nothing here guesses.

use std::fmt;
use std::str::FromStr;

/// A category of short video. Numbers are stored in logs and never reused; names are the words on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Category {
    /// Sketches, pranks, stand-up, lip sync for laughs.
    Comedy = 1,
    /// Choreographies and dance challenges.
    Dance = 2,
    /// Singing, instruments, production, concerts.
    Music = 3,
    /// Cooking, eating, restaurants.
    Food = 4,
    /// Make-up, hair, skin care.
    Beauty = 5,
    /// Clothes, outfits, second hand.
    Fashion = 6,
    /// Sports, training, health.
    Sports = 7,
    /// Video games and their players.
    Gaming = 8,
    /// Pets and wildlife.
    Animals = 9,
    /// Places and the way there.
    Travel = 10,
    /// Lessons, languages, books, how things work.
    Education = 11,
    /// Science, technology, engineering.
    Science = 12,
    /// Drawing, film, photography, crafts.
    Art = 13,
    /// Building, gardening, decorating, repairing.
    Home = 14,
    /// Days, families, friends.
    Life = 15,
    /// Current affairs and society.
    News = 16,
}

/// Why a text is not a category.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a category is one of comedy, dance, music, food, beauty, fashion, sports, gaming, animals, travel, education, \
     science, art, home, life, news"
)]
pub struct CategoryError;

impl Category {
    /// All of them, by number.
    pub const ALL: [Self; 16] = [
        Self::Comedy,
        Self::Dance,
        Self::Music,
        Self::Food,
        Self::Beauty,
        Self::Fashion,
        Self::Sports,
        Self::Gaming,
        Self::Animals,
        Self::Travel,
        Self::Education,
        Self::Science,
        Self::Art,
        Self::Home,
        Self::Life,
        Self::News,
    ];

    /// The number in the log, from 1.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The category of a number; none for a number that is not in use.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number).checked_sub(1)?).copied()
    }

    /// The word on the wire and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Comedy => "comedy",
            Self::Dance => "dance",
            Self::Music => "music",
            Self::Food => "food",
            Self::Beauty => "beauty",
            Self::Fashion => "fashion",
            Self::Sports => "sports",
            Self::Gaming => "gaming",
            Self::Animals => "animals",
            Self::Travel => "travel",
            Self::Education => "education",
            Self::Science => "science",
            Self::Art => "art",
            Self::Home => "home",
            Self::Life => "life",
            Self::News => "news",
        }
    }
}

impl FromStr for Category {
    type Err = CategoryError;

    fn from_str(text: &str) -> Result<Self, CategoryError> {
        let named = |category: &Self| category.as_str() == text;
        Self::ALL.into_iter().find(named).ok_or(CategoryError)
    }
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_lead_back() {
        for (place, category) in Category::ALL.into_iter().enumerate() {
            assert_eq!(usize::from(category.number()), place + 1, "{category}");
            assert_eq!(Category::from_number(category.number()), Some(category));
            assert_eq!(category.to_string().parse(), Ok(category));
            assert!(
                CategoryError.to_string().contains(category.as_str()),
                "the error lists {category}"
            );
        }
        for foreign in ["", "Comedy", "sport", "comedy "] {
            assert_eq!(foreign.parse::<Category>(), Err(CategoryError), "{foreign:?}");
        }
        assert_eq!(Category::from_number(0), None);
        assert_eq!(Category::from_number(17), None);
    }
}
