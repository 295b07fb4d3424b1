//! What people type, made safe to show: no control characters, no tricks with the direction of text, bounded length.
//! It does not judge meaning.

use crate::Result;
use crate::error::ProductError;

/// Cleans `text` and counts its characters: `field` must have between `chars_min` and `chars_max`.
pub(crate) fn bounded(field: &'static str, text: &str, chars_min: usize, chars_max: usize) -> Result<String> {
    let cleaned = clean(text);
    let chars = cleaned.chars().count();
    if (chars_min..=chars_max).contains(&chars) {
        return Ok(cleaned);
    }
    let message = match chars_min {
        0 => format!("{field} has at most {chars_max} characters"),
        _ => format!("{field} has {chars_min} to {chars_max} characters"),
    };
    Err(ProductError::invalid(field, message))
}

/// Line ends and tabs become spaces, other control and direction-override characters go, and so does space around.
fn clean(text: &str) -> String {
    let kept = text.chars().filter_map(|c| match c {
        '\n' | '\r' | '\t' => Some(' '),
        c if c.is_control() || is_direction_override(c) => None,
        c => Some(c),
    });
    kept.collect::<String>().trim().to_owned()
}

/// These reorder the text around them and can make a name read as another.
fn is_direction_override(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        let check = |text: &str, expect: Option<&str>| {
            assert_eq!(bounded("text", text, 1, 5).ok().as_deref(), expect, "{text:?}");
        };
        check("hello", Some("hello"));
        check("  hi  ", Some("hi"));
        check("a\nb", Some("a b"));
        check("a\u{0}\u{7}b", Some("ab"));
        check("\u{202e}abc", Some("abc"));
        check("héllö", Some("héllö"));
        check("привет", None);
        check(" \u{1} ", None);
        check("", None);
    }
}
