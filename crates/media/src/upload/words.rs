//! Captions, hashtags and categories: cleaned, bounded, normalised. Their meaning is not judged here.

use types::Category;

use super::UploadLimits;
use super::error::UploadError;

/// A caption without control characters but for line ends, of at most `chars_max` characters.
pub(super) fn caption(text: &str, chars_max: usize) -> Result<String, UploadError> {
    let kept: String = text
        .chars()
        .filter(|&c| c == '\n' || !(c.is_control() || is_direction_override(c)))
        .collect();
    let cleaned = kept.trim();
    if cleaned.chars().count() > chars_max {
        let message = format!("A caption has at most {chars_max} characters.");
        return Err(UploadError::Invalid {
            field: "caption",
            message,
        });
    }
    Ok(cleaned.to_owned())
}

/// The hashtags given and those in the caption: lower-case, without `#`, each once, in that order.
pub(super) fn hashtags(
    given: &[String],
    caption: &str,
    limits: &UploadLimits,
) -> Result<Vec<String>, UploadError> {
    let invalid = |message| UploadError::Invalid {
        field: "hashtags",
        message,
    };
    let mut tags: Vec<String> = Vec::new();
    for tag in given.iter().map(|tag| tag.trim().trim_start_matches('#')) {
        if tag.is_empty() || !tag.chars().all(is_tag_char) || tag.chars().count() > limits.hashtag_chars_max {
            let most = limits.hashtag_chars_max;
            return Err(invalid(format!(
                "A hashtag has 1 to {most} letters, digits and underscores."
            )));
        }
        push_new(&mut tags, tag);
    }
    // What someone merely writes is never an error: a tag that is too long is just a word.
    for tag in in_caption(caption).filter(|tag| tag.chars().count() <= limits.hashtag_chars_max) {
        push_new(&mut tags, tag);
    }
    if tags.len() > limits.hashtags_max {
        return Err(invalid(format!(
            "A video has at most {} hashtags.",
            limits.hashtags_max
        )));
    }
    Ok(tags)
}

/// The category of a word; saying none is fine, saying a foreign one is not.
pub(super) fn category(word: Option<&str>) -> Result<Option<Category>, UploadError> {
    let parsed = word.map(|word| word.parse::<Category>()).transpose();
    parsed.map_err(|error| UploadError::Invalid {
        field: "category",
        message: format!("Choose another category: {error}."),
    })
}

/// Every `#word` that does not stick to a word before it.
fn in_caption(caption: &str) -> impl Iterator<Item = &str> {
    let starts = caption.match_indices('#').map(|(at, _)| at);
    starts.filter_map(|at| {
        let sticks = caption[..at]
            .chars()
            .next_back()
            .is_some_and(|c| is_tag_char(c) || c == '#' || c == '&');
        let word = &caption[at + 1..];
        let end = word.find(|c| !is_tag_char(c)).unwrap_or(word.len());
        (!sticks && end > 0).then_some(&word[..end])
    })
}

fn push_new(tags: &mut Vec<String>, tag: &str) {
    let folded = tag.to_lowercase();
    if !tags.contains(&folded) {
        tags.push(folded);
    }
}

fn is_tag_char(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn is_direction_override(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captions() {
        let check = |text: &str, expect: Option<&str>| {
            assert_eq!(caption(text, 8).ok().as_deref(), expect, "{text:?}");
        };
        check(" hi \n", Some("hi"));
        check("a\nb", Some("a\nb"));
        check("a\u{0}\u{202e}b", Some("ab"));
        check("", Some(""));
        check("12345678", Some("12345678"));
        check("123456789", None);
    }

    #[test]
    fn categories() {
        let check = |word: Option<&str>, expect: Option<Option<Category>>| {
            assert_eq!(category(word).ok(), expect, "{word:?}");
        };
        check(None, Some(None));
        check(Some("dance"), Some(Some(Category::Dance)));
        check(Some("Dance"), None);
        check(Some(""), None);
    }

    #[test]
    fn tags() {
        let limits = UploadLimits {
            hashtags_max: 3,
            hashtag_chars_max: 6,
            ..UploadLimits::default()
        };
        let check = |given: &[&str], text: &str, expect: Option<&[&str]>| {
            let given: Vec<String> = given.iter().map(|tag| (*tag).to_owned()).collect();
            let found = hashtags(&given, text, &limits).ok();
            assert_eq!(
                found
                    .as_ref()
                    .map(|tags| tags.iter().map(String::as_str).collect()),
                expect.map(<[_]>::to_vec),
                "{given:?} {text:?}"
            );
        };
        check(&[], "", Some(&[]));
        check(&["Ocean", "#ocean", " sea_1 "], "", Some(&["ocean", "sea_1"]));
        check(&["été", "море"], "", Some(&["été", "море"]));
        check(
            &["a"],
            "so #Blue, #blue! x#no ##two &#39; #",
            Some(&["a", "blue"]),
        );
        check(&[], "#toolong7 #short", Some(&["short"]));
        check(&["toolong"], "", None);
        check(&["a b"], "", None);
        check(&["a-b"], "", None);
        check(&["#"], "", None);
        check(&["a", "b", "c", "d"], "", None);
        check(&["a", "b"], "#c #d", None);
    }
}
