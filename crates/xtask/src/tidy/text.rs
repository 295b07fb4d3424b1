//! Finds the project's text files and blanks comments and literals out of Rust code.
//!
//! A lexer, not a parser: it keeps every line where it was, so that findings can name it.

use std::path::Path;

use super::{TidyError, read};

/// Folders that hold what tools made, not what people wrote.
const FOLDERS_SKIPPED: [&str; 7] = [
    ".git",
    "node_modules",
    "dist",
    "target",
    "data",
    "openapi",
    "fixtures",
];
const EXTENSIONS: [&str; 11] = [
    "rs", "ts", "tsx", "mjs", "css", "html", "md", "toml", "sql", "yaml", "yml",
];
/// Text files without an extension.
const NAMES: [&str; 1] = ["dev"];

/// A text file of the project.
#[derive(Debug, Clone)]
pub(super) struct TextFile {
    /// Path from the root, with forward slashes.
    pub(super) path: String,
    pub(super) text: String,
}

impl TextFile {
    pub(super) fn extension(&self) -> &str {
        self.path.rsplit_once('.').map_or("", |(_, extension)| extension)
    }
}

/// Every text file below `root`, in a stable order.
pub(super) fn files(root: &Path) -> Result<Vec<TextFile>, TidyError> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let unreadable = |source| TidyError::Read {
            path: folder.clone(),
            source,
        };
        for entry in std::fs::read_dir(&folder).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            if path.is_dir() {
                if !FOLDERS_SKIPPED.contains(&name.as_str()) {
                    folders.push(path);
                }
            } else if is_text(&name) {
                let relative = path
                    .strip_prefix(root)
                    .unwrap_or(&path)
                    .to_string_lossy()
                    .replace('\\', "/");
                found.push(TextFile {
                    text: read(&path)?,
                    path: relative,
                });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

fn is_text(name: &str) -> bool {
    NAMES.contains(&name)
        || name
            .rsplit_once('.')
            .is_some_and(|(_, extension)| EXTENSIONS.contains(&extension))
}

/// The same text with comments, strings and characters replaced by spaces; line breaks stay.
pub(super) fn blank_rust(source: &str) -> String {
    let bytes = source.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let end = match token_end(bytes, at) {
            Some(end) => end,
            None => {
                out.push(bytes[at]);
                at += 1;
                continue;
            }
        };
        out.extend(
            bytes[at..end]
                .iter()
                .map(|&byte| if byte == b'\n' { b'\n' } else { b' ' }),
        );
        at = end;
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Where the comment or literal that starts at `at` ends; `None` when code starts there.
fn token_end(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = &bytes[at..];
    let after_word = at > 0 && is_word(bytes[at - 1]);
    match rest {
        [b'/', b'/', ..] => Some(at + rest.iter().position(|&b| b == b'\n').unwrap_or(rest.len())),
        [b'/', b'*', ..] => Some(at + block_comment_length(rest)),
        [b'"', ..] => Some(at + quoted_length(rest)),
        [b'r', b'"' | b'#', ..] if !after_word => raw_length(&rest[1..]).map(|length| at + 1 + length),
        [b'b', b'r', b'"' | b'#', ..] if !after_word => raw_length(&rest[2..]).map(|length| at + 2 + length),
        [b'\'', ..] => character_length(rest).map(|length| at + length),
        _ => None,
    }
}

pub(super) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn block_comment_length(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        match &rest[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn quoted_length(rest: &[u8]) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// Length of `##"…"##`; `None` for a raw identifier such as `r#type`.
fn raw_length(rest: &[u8]) -> Option<usize> {
    let hashes = rest.iter().take_while(|&&b| b == b'#').count();
    if rest.get(hashes) != Some(&b'"') {
        return None;
    }
    let mut closing = vec![b'"'];
    closing.resize(hashes + 1, b'#');
    let body = hashes + 1;
    let found = rest[body..]
        .windows(closing.len())
        .position(|window| window == closing);
    Some(found.map_or(rest.len(), |position| body + position + closing.len()))
}

/// Length of a character literal; `None` for a lifetime.
fn character_length(rest: &[u8]) -> Option<usize> {
    if rest.get(1) == Some(&b'\\') {
        let close = rest.iter().skip(3).position(|&b| b == b'\'')?;
        return Some(close + 4);
    }
    // A character is at most four bytes of UTF-8.
    let close = rest.iter().skip(2).take(4).position(|&b| b == b'\'')?;
    let is_one_character =
        std::str::from_utf8(&rest[1..close + 2]).is_ok_and(|text| text.chars().count() == 1);
    is_one_character.then_some(close + 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(input: &str, expect: &str) {
        assert_eq!(blank_rust(input), expect, "input: {input}");
    }

    #[test]
    fn comments_and_literals_become_spaces() {
        check("a // b\nc", "a     \nc");
        check("a /* b /* c */ d */ e", "a                   e");
        check(r#"f("x\"{", y)"#, "f(      , y)");
        check("r#\"{\"# z", "       z");
        check("br\"{\" z", "      z");
        check("r#type {", "r#type {");
        check("'{' x", "    x");
        check(r"'\'' x", "     x");
        check("fn f<'a>(x: &'a str) {", "fn f<'a>(x: &'a str) {");
        check("\"a\nb\" c", "  \n   c");
    }
}
