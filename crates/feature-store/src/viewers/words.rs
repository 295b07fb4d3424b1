//! Words in captions: folded so that case and punctuation do not matter, and a filter that finds muted ones.
//!
//! A muted word matches whole words, a muted phrase whole words in a row; in scripts that are written without spaces it matches
//! anywhere. Marks that stand alone in the text (combining accents) are letters of their own here: text is compared as it was typed.

use std::collections::HashSet;
use std::sync::Arc;

/// Words of `text` in one case, one space before, between and behind them; nothing when there are none.
///
/// Upper case and back is what comes near full case folding (Unicode, 3.13) with the standard library alone: `ß` meets `SS`, `ς` meets `Σ`.
pub fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    let words = text.split(|c: char| !(c.is_alphanumeric() || is_mark(c)));
    for word in words.filter(|word| !word.is_empty()) {
        if out.is_empty() {
            out.push(' ');
        }
        let upper = word.chars().flat_map(char::to_uppercase);
        out.extend(
            upper
                .flat_map(char::to_lowercase)
                .map(|c| if c == 'ς' { 'σ' } else { c }),
        );
        out.push(' ');
    }
    out
}

/// Combining marks of the common scripts: they belong to the letter before them.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{93a}'..='\u{94d}' | '\u{e31}'..='\u{e4e}' | '\u{64b}'..='\u{65f}')
}

/// Han, Kana, Thai, Lao, Khmer and Myanmar are written without spaces between words.
fn has_no_spaces(c: char) -> bool {
    matches!(c, '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{3040}'..='\u{30ff}'
        | '\u{3400}'..='\u{9fff}' | '\u{20000}'..='\u{3ffff}')
}

/// Finds muted words in folded text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WordFilter {
    /// Single words, without spaces around.
    words: HashSet<Box<str>>,
    /// Phrases, with spaces around; parts of words, without.
    parts: Vec<Box<str>>,
}

impl WordFilter {
    /// A filter for words as people type them, `#` and case included or not.
    pub fn new(muted: &[Arc<str>]) -> Self {
        let mut filter = Self::default();
        for folded in muted.iter().map(|word| fold(word)) {
            let word = folded.trim();
            if word.is_empty() {
                continue;
            }
            if word.chars().any(has_no_spaces) {
                filter.parts.push(word.into());
            } else if word.contains(' ') {
                filter.parts.push(folded.into());
            } else {
                filter.words.insert(word.into());
            }
        }
        filter
    }

    pub fn is_empty(&self) -> bool {
        self.words.is_empty() && self.parts.is_empty()
    }

    /// Whether `folded` holds a muted word.
    pub fn finds(&self, folded: &str) -> bool {
        folded.split(' ').any(|word| self.words.contains(word))
            || self.parts.iter().any(|part| folded.contains(&**part))
    }
}
