//! Shows how far an import is: a bar on a terminal, plain lines elsewhere. It decides nothing.

use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressStyle};

const BAR: &str = "{bar:30} {bytes}/{total_bytes} {bytes_per_sec}  {msg}";

/// See the file's header.
#[derive(Debug)]
pub(crate) struct Progress {
    /// `None` when nobody watches a terminal.
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Progress over `bytes` in all.
    pub(crate) fn new(bytes: u64) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template(BAR).unwrap_or_else(|_| ProgressStyle::default_bar());
            ProgressBar::new(bytes).with_style(style)
        });
        Self { bar }
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

    pub(crate) fn bytes_add(&self, bytes: u64) {
        if let Some(bar) = &self.bar {
            bar.inc(bytes);
        }
    }

    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
