//! What its creator says of a video: hashtags, words and parts of words, each a fixed random direction, summed by weight.
//!
//! Captions that share hashtags or words point the same way; parts of words make "dance" and "dancing" neighbours. No language is
//! known and none is favoured, but for a short list of words that say nothing.

use types::Category;

use super::project::{next, unit};

/// Width of the words part.
pub(super) const WORDS_WIDTH: usize = 56;

/// Characters of a caption that are read; the product allows fewer.
const CAPTION_CHARS_MAX: usize = 5_000;
/// Words and hashtags that count.
const TOKENS_MAX: usize = 200;
const HASHTAG_WEIGHT: f32 = 2.5;
const CATEGORY_WEIGHT: f32 = 1.5;
/// All parts of a word together, of the word's own weight.
const PARTS_WEIGHT: f32 = 0.5;
/// Letters of a part.
const PART: usize = 4;

/// Words that say nothing of a topic, in the languages that most captions are in.
const EMPTY_WORDS: [&str; 64] = [
    "the", "and", "for", "you", "with", "this", "that", "from", "are", "was", "but", "not", "all", "your",
    "have", "just", "our", "out", "what", "when", "how", "who", "her", "his", "its", "she", "they", "here",
    "there", "will", "can", "get", "got", "now", "one", "new", "los", "las", "que", "con", "por", "para",
    "una", "del", "les", "des", "une", "est", "pour", "avec", "der", "die", "das", "und", "ist", "ein",
    "eine", "mit", "den", "fyp", "foryou", "viral", "video", "riffle",
];

/// The words of a video.
#[derive(Debug, Clone, Copy, Default)]
pub struct Words<'a> {
    pub caption: &'a str,
    /// Lower case, without `#`.
    pub hashtags: &'a [String],
    pub category: Option<Category>,
}

impl Words<'_> {
    /// The words part, with length 1; none where nothing is said.
    pub(super) fn part(&self) -> Option<[f32; WORDS_WIDTH]> {
        let mut sum = [0.0; WORDS_WIDTH];
        let mut seen = Vec::new();
        for hashtag in self.hashtags.iter().take(TOKENS_MAX) {
            add_word(&mut sum, &mut seen, &hashtag.to_lowercase(), HASHTAG_WEIGHT);
        }
        let caption: String = self
            .caption
            .chars()
            .take(CAPTION_CHARS_MAX)
            .collect::<String>()
            .to_lowercase();
        let words = caption
            .split(|letter: char| !letter.is_alphanumeric())
            .filter(|word| !word.is_empty());
        for word in words.take(TOKENS_MAX) {
            add_word(&mut sum, &mut seen, word, 1.0);
        }
        if let Some(category) = self.category {
            add(&mut sum, hash("category", category.as_str()), CATEGORY_WEIGHT);
        }
        unit(&mut sum).then_some(sum)
    }
}

/// A word counts once, at its first and highest weight.
fn add_word(sum: &mut [f32; WORDS_WIDTH], seen: &mut Vec<u64>, word: &str, weight: f32) {
    let (whole, rarity) = (hash("word", word), rarity(word));
    if rarity == 0.0 || seen.contains(&whole) {
        return;
    }
    seen.push(whole);
    let weight = weight * rarity;
    add(sum, whole, weight);
    let letters: Vec<char> = std::iter::once('^').chain(word.chars()).chain(['$']).collect();
    let parts = letters.windows(PART);
    let each = weight * PARTS_WEIGHT / (parts.len().max(1) as f32).sqrt();
    for part in parts {
        add(sum, hash("part", &part.iter().collect::<String>()), each);
    }
}

/// Longer words are rarer, and say more.
fn rarity(word: &str) -> f32 {
    match word.chars().count() {
        _ if EMPTY_WORDS.contains(&word) => 0.0,
        // A letter of an alphabet says nothing; a sign of a script with thousands is a word.
        1 if word.is_ascii() => 0.0,
        2 if word.is_ascii() => 0.2,
        length => (0.5 + 0.12 * length as f32).min(1.4),
    }
}

/// Adds a direction drawn by `seed`: each component up or down.
fn add(sum: &mut [f32; WORDS_WIDTH], seed: u64, weight: f32) {
    let mut state = seed;
    let signs = next(&mut state);
    for (at, slot) in sum.iter_mut().enumerate() {
        *slot += if signs >> at & 1 == 1 { weight } else { -weight };
    }
}

/// FNV-1a, 64 bit.
fn hash(kind: &str, text: &str) -> u64 {
    let bytes = kind.bytes().chain([0]).chain(text.bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::super::project::dot;
    use super::*;

    /// (caption, hashtags) of two videos a topic.
    const TOPICS: [[(&str, &str); 2]; 6] = [
        [
            ("Dancing in the rain tonight", "dance choreography"),
            ("New dance steps, easy to learn", "dance tutorial"),
        ],
        [
            ("How to bake sourdough bread", "baking recipe"),
            ("My grandmother's bread recipe", "recipe kitchen"),
        ],
        [
            ("Surfing big waves in Nazaré", "surf ocean"),
            ("Sunset waves and a board", "ocean surfing"),
        ],
        [
            ("Kitten sees snow for the first time", "cat kitten"),
            ("Two cats, one box", "cat funny"),
        ],
        [
            ("Goal of the year, what a strike", "football goal"),
            ("Training with the football team", "football training"),
        ],
        [
            ("Repairing a 1980 synthesizer", "electronics synth"),
            ("Synth jam at midnight", "synth music"),
        ],
    ];

    fn part((caption, hashtags): (&str, &str)) -> [f32; WORDS_WIDTH] {
        let hashtags: Vec<String> = hashtags.split(' ').map(str::to_owned).collect();
        let words = Words {
            caption,
            hashtags: &hashtags,
            category: None,
        };
        words.part().expect("something is said")
    }

    #[test]
    fn captions_of_one_topic_are_nearest() {
        let parts: Vec<_> = TOPICS.iter().flatten().map(|&said| part(said)).collect();
        let (mut right, mut lead) = (0, 0.0);
        for (number, own) in parts.iter().enumerate() {
            let others = (0..parts.len()).filter(|&other| other != number);
            let nearest = others.max_by(|&a, &b| dot(own, &parts[a]).total_cmp(&dot(own, &parts[b])));
            right += usize::from(nearest == Some(number ^ 1));
            let (same, others): (Vec<_>, Vec<_>) = (0..parts.len())
                .filter(|&other| other != number)
                .partition(|&other| other == number ^ 1);
            let mean = |them: &[usize]| {
                them.iter().map(|&other| dot(own, &parts[other])).sum::<f32>() / them.len() as f32
            };
            lead += (mean(&same) - mean(&others)) / parts.len() as f32;
        }
        // Chance alone makes the nearest right once in eleven times.
        assert!(
            right >= 10,
            "the nearest caption is of the same topic {right} times of 12"
        );
        assert!(lead > 0.3, "{lead}");
    }

    #[test]
    fn saying_nothing_is_no_direction() {
        let of = |caption| {
            Words {
                caption,
                ..Words::default()
            }
            .part()
        };
        assert_eq!(of(""), None);
        assert_eq!(of("the and #fyp !!"), None);
        assert_ne!(of("猫"), None);
    }
}
