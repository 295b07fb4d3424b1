//! What became of each file, for people and for the exit code.

use std::fmt;
use std::path::PathBuf;

/// The end of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Plays.
    Published,
    /// Was imported by an earlier run.
    Skipped,
    /// Refused by the server, with its words.
    Rejected { reason: String },
    /// The server gave up on it, or did not finish in time.
    Failed { reason: String },
}

/// One line a file, in the order they ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    pub files: Vec<(PathBuf, Outcome)>,
}

impl Summary {
    fn count(&self, matches: impl Fn(&Outcome) -> bool) -> usize {
        self.files.iter().filter(|(_, outcome)| matches(outcome)).count()
    }

    /// 0 when every file plays, 1 otherwise.
    pub fn exit_code(&self) -> u8 {
        let bad = self.count(|outcome| matches!(outcome, Outcome::Rejected { .. } | Outcome::Failed { .. }));
        u8::from(bad > 0)
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (path, outcome) in &self.files {
            match outcome {
                Outcome::Rejected { reason } => writeln!(f, "rejected  {}: {reason}", path.display())?,
                Outcome::Failed { reason } => writeln!(f, "failed    {}: {reason}", path.display())?,
                Outcome::Published | Outcome::Skipped => {}
            }
        }
        let published = self.count(|outcome| *outcome == Outcome::Published);
        let skipped = self.count(|outcome| *outcome == Outcome::Skipped);
        let rejected = self.count(|outcome| matches!(outcome, Outcome::Rejected { .. }));
        let failed = self.count(|outcome| matches!(outcome, Outcome::Failed { .. }));
        write!(
            f,
            "{published} published, {skipped} imported before, {rejected} rejected, {failed} failed"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_names_what_went_wrong() {
        let rejected = Outcome::Rejected {
            reason: "no picture".to_owned(),
        };
        let rows = [
            (vec![], 0, "0 published, 0 imported before, 0 rejected, 0 failed"),
            (
                vec![Outcome::Published, Outcome::Skipped],
                0,
                "1 published, 1 imported before, 0 rejected, 0 failed",
            ),
            (
                vec![rejected],
                1,
                "rejected  a.mp4: no picture\n0 published, 0 imported before, 1 rejected, 0 failed",
            ),
        ];
        for (outcomes, exit_code, text) in rows {
            let files = outcomes
                .into_iter()
                .map(|outcome| (PathBuf::from("a.mp4"), outcome))
                .collect();
            let summary = Summary { files };
            assert_eq!(
                (summary.exit_code(), summary.to_string().as_str()),
                (exit_code, text)
            );
        }
    }
}
