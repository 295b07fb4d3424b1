//! Rules about one file: its header, its size, the size of its functions, words that do not belong.
//!
//! The exception list, not this file, decides what is tolerated.

use super::Finding;
use super::text::{TextFile, blank_rust, is_word};

const FILE_LINES_MAX: usize = 600;
const FUNCTION_LINES_MAX: usize = 70;

/// Code that never belongs: the words, the rule, what to do instead.
const CODE_FORBIDDEN: [(&str, &str, &str); 6] = [
    ("#[allow(", "bare-allow", "use #[expect(lint, reason = \"…\")]"),
    ("#![allow(", "bare-allow", "use #[expect(lint, reason = \"…\")]"),
    ("todo!(", "unfinished", "finish it or leave it out"),
    ("unimplemented!(", "unfinished", "finish it or leave it out"),
    ("#[ignore", "ignored-test", "a test runs or is deleted"),
    ("dbg!(", "unfinished", "use tracing"),
];

/// Text that names a particular machine; the words are split so that this file does not hold them.
const TEXT_FORBIDDEN: [(&str, &str); 4] = [
    (concat!("/wo", "rk/"), "an absolute path of one machine"),
    (concat!("/ro", "ot/"), "an absolute path of one machine"),
    (concat!("/ho", "me/"), "an absolute path of one machine"),
    (concat!("../", "shared"), "a folder outside the project"),
];

/// All findings in one file.
pub(super) fn check(file: &TextFile) -> Vec<Finding> {
    let mut findings = words(file);
    match file.extension() {
        "rs" => findings.extend(rust(file)),
        "ts" | "tsx" => {
            findings.extend(header(file, "//"));
            findings.extend(length(file));
        }
        "mjs" | "css" => findings.extend(length(file)),
        _ => {}
    }
    findings
}

fn rust(file: &TextFile) -> Vec<Finding> {
    let code = blank_rust(&file.text);
    let mut findings: Vec<Finding> = header(file, "//!").into_iter().chain(length(file)).collect();
    findings.extend(forbidden_code(file, &code));
    findings.extend(sleeps_in_tests(file, &code));
    findings.extend(
        functions(&code)
            .into_iter()
            .filter(|f| f.lines > FUNCTION_LINES_MAX)
            .map(|f| {
                let message = format!(
                    "function {} has {} lines, at most {FUNCTION_LINES_MAX}",
                    f.name, f.lines
                );
                finding(file, f.line, "function-lines", message)
            }),
    );
    findings
}

fn finding(file: &TextFile, line: usize, rule: &'static str, message: String) -> Finding {
    Finding {
        path: file.path.clone(),
        line,
        rule,
        message,
    }
}

fn header(file: &TextFile, opening: &str) -> Option<Finding> {
    let message = format!("a file opens with `{opening} what it is, and what it does not do`");
    (!file.text.starts_with(opening)).then(|| finding(file, 1, "header", message))
}

fn length(file: &TextFile) -> Option<Finding> {
    let lines = file.text.lines().count();
    let message = format!("{lines} lines, at most {FILE_LINES_MAX}");
    (lines > FILE_LINES_MAX).then(|| finding(file, 0, "file-lines", message))
}

fn forbidden_code(file: &TextFile, code: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in code.lines().enumerate() {
        for (words, rule, instead) in CODE_FORBIDDEN {
            if line.contains(words) {
                findings.push(finding(file, number + 1, rule, format!("`{words}`: {instead}")));
            }
        }
    }
    findings
}

/// A fixed sleep makes a test slow on a good day and false on a bad one.
fn sleeps_in_tests(file: &TextFile, code: &str) -> Vec<Finding> {
    let all_tests = file.path.contains("/tests/") || file.path.ends_with("/tests.rs");
    let mut in_tests = all_tests;
    let mut findings = Vec::new();
    for (number, line) in code.lines().enumerate() {
        in_tests |= line.trim_start().starts_with("#[cfg(test)]");
        if in_tests && line.contains("thread::sleep") {
            let message = "wait for a condition with a deadline, not for a time".to_owned();
            findings.push(finding(file, number + 1, "sleep-in-test", message));
        }
    }
    findings
}

fn words(file: &TextFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in file.text.lines().enumerate() {
        for (words, what) in TEXT_FORBIDDEN {
            if names_a_place(line, words) {
                findings.push(finding(file, number + 1, "place", format!("`{words}` is {what}")));
            }
        }
    }
    findings
}

/// Whether `words` stands in the line at the start of a path rather than inside one (`docs/home/…` is fine).
fn names_a_place(line: &str, words: &str) -> bool {
    line.match_indices(words).any(|(at, _)| {
        let before = line[..at].bytes().next_back();
        before.is_none_or(|byte| !is_word(byte) && !matches!(byte, b'.' | b'}' | b'~' | b'$' | b'-'))
    })
}

#[derive(Debug, PartialEq, Eq)]
struct Function {
    name: String,
    /// Where `fn` stands, counted from 1.
    line: usize,
    /// From `fn` to the closing brace, both included.
    lines: usize,
}

/// Every function with a body in blanked Rust code.
fn functions(code: &str) -> Vec<Function> {
    let bytes = code.as_bytes();
    code.match_indices("fn ")
        .filter(|(at, _)| *at == 0 || !is_word(bytes[at - 1]))
        .filter_map(|(at, _)| function_at(code, at))
        .collect()
}

fn function_at(code: &str, at: usize) -> Option<Function> {
    let name: String = code[at + 3..]
        .trim_start()
        .bytes()
        .take_while(|&b| is_word(b))
        .map(char::from)
        .collect();
    if name.is_empty() {
        return None; // `fn (u8) -> u8`, a type
    }
    let body = at + body_start(&code.as_bytes()[at..])?;
    let end = body + closing_brace(&code.as_bytes()[body..])?;
    let line = code[..at].matches('\n').count() + 1;
    Some(Function {
        name,
        line,
        lines: code[at..end].matches('\n').count() + 1,
    })
}

/// Offset of the `{` that opens the body; `None` for a declaration that ends with `;`.
fn body_start(rest: &[u8]) -> Option<usize> {
    let mut depth = 0_i32;
    for (at, byte) in rest.iter().enumerate() {
        match byte {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth -= 1,
            b'{' if depth == 0 => return Some(at),
            b';' if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

fn closing_brace(rest: &[u8]) -> Option<usize> {
    let mut depth = 0_i32;
    for (at, byte) in rest.iter().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            _ => continue,
        }
        if depth == 0 {
            return Some(at);
        }
    }
    None
}

#[cfg(test)]
#[path = "source_tests.rs"]
mod tests;
