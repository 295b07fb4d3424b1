//! The list of tolerated findings; it may only shrink.
//!
//! Each line of `tidy-exceptions.txt` is `rule path count reason…`. A line that is no longer needed, or whose count
//! is too high, is itself a finding, and the number of lines is pinned here.

use std::collections::BTreeMap;
use std::path::Path;

use super::{Finding, TidyError, read};

const LIST: &str = "crates/xtask/tidy-exceptions.txt";
/// How many lines the list has. Lower it with the list; never raise it.
const LINES: usize = 0;

/// Removes the tolerated findings and adds one for each line that should shrink.
pub(super) fn apply(root: &Path, findings: Vec<Finding>) -> Result<Vec<Finding>, TidyError> {
    Ok(weigh(&read(&root.join(LIST))?, LINES, findings))
}

fn weigh(list: &str, lines_expected: usize, findings: Vec<Finding>) -> Vec<Finding> {
    let mut found: BTreeMap<(String, String), Vec<Finding>> = BTreeMap::new();
    for finding in findings {
        found
            .entry((finding.rule.to_owned(), finding.path.clone()))
            .or_default()
            .push(finding);
    }
    let mut left = Vec::new();
    let mut lines = 0;
    for (number, line) in list
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.starts_with('#') && !line.is_empty())
    {
        lines += 1;
        let Some((rule, path, count)) = parse(line) else {
            left.push(about_list(
                number + 1,
                "a line is `rule path count reason`".to_owned(),
            ));
            continue;
        };
        let here = found.remove(&(rule, path)).unwrap_or_default();
        if here.len() < count {
            left.push(about_list(
                number + 1,
                format!("only {} are left: lower the count to that", here.len()),
            ));
        } else if here.len() > count {
            left.extend(here);
        }
    }
    if lines != lines_expected {
        left.push(about_list(
            0,
            format!("{lines} lines, pinned at {lines_expected}: the list may only shrink"),
        ));
    }
    left.extend(found.into_values().flatten());
    left
}

/// Rule, path and count of a line that also gives a reason.
fn parse(line: &str) -> Option<(String, String, usize)> {
    let mut words = line.split_whitespace();
    let (rule, path, count) = (words.next()?, words.next()?, words.next()?.parse().ok()?);
    words.next()?;
    Some((rule.to_owned(), path.to_owned(), count))
}

fn about_list(line: usize, message: String) -> Finding {
    Finding {
        path: LIST.to_owned(),
        line,
        rule: "exceptions",
        message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn long(path: &str, times: usize) -> Vec<Finding> {
        (1..=times)
            .map(|line| Finding {
                path: path.to_owned(),
                line,
                rule: "function-lines",
                message: String::new(),
            })
            .collect()
    }

    #[test]
    fn a_list_tolerates_exactly_what_it_says() {
        let rows = [
            ("", 0, long("a.rs", 0), 0),
            ("", 0, long("a.rs", 1), 1),
            ("function-lines a.rs 1 a table\n", 1, long("a.rs", 1), 0),
            (
                "# a comment\n\nfunction-lines a.rs 1 a table\n",
                1,
                long("a.rs", 1),
                0,
            ),
            ("function-lines a.rs 1 a table\n", 1, long("a.rs", 2), 2),
            ("function-lines a.rs 2 a table\n", 1, long("a.rs", 1), 1),
            ("function-lines a.rs 1 a table\n", 1, long("b.rs", 1), 2),
            ("function-lines a.rs 1 a table\n", 0, long("a.rs", 1), 1),
            ("function-lines a.rs 1\n", 1, long("a.rs", 0), 1),
        ];
        for (list, lines, findings, expect) in rows {
            let left = weigh(list, lines, findings);
            assert_eq!(left.len(), expect, "{list}: {left:?}");
        }
    }
}
