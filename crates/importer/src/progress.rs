//! Shows how far an import is: a bar on a terminal, plain lines elsewhere. It decides nothing.

use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressStyle};

/// What the bar counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Bytes,
    Clips,
}

impl Unit {
    fn template(self) -> &'static str {
        match self {
            Self::Bytes => "{bar:30} {bytes}/{total_bytes} {bytes_per_sec}  {msg}",
            Self::Clips => "{bar:30} {pos}/{len} clips  {msg}",
        }
    }
}

/// See the file's header.
#[derive(Debug)]
pub(crate) struct Progress {
    unit: Unit,
    /// `None` when nobody watches a terminal.
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Progress over `total` in all.
    pub(crate) fn new(total: u64, unit: Unit) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template(unit.template());
            ProgressBar::new(total).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        Self { unit, bar }
    }

    /// What happens now; on a terminal it stands beside the bar.
    pub(crate) fn now(&self, message: String) {
        if let Some(bar) = &self.bar {
            bar.set_message(message);
        }
    }

    /// Something that stays on the screen.
    pub(crate) fn line(&self, message: &str) {
        match &self.bar {
            Some(bar) => bar.println(message),
            None => println!("{message}"),
        }
    }

    /// Bytes that need no more sending.
    pub(crate) fn bytes_add(&self, bytes: u64) {
        self.add(Unit::Bytes, bytes);
    }

    /// One more clip is uploaded.
    pub(crate) fn clip_add(&self) {
        self.add(Unit::Clips, 1);
    }

    fn add(&self, unit: Unit, count: u64) {
        if let Some(bar) = self.bar.as_ref().filter(|_| self.unit == unit) {
            bar.inc(count);
        }
    }

    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
