//! The Redis protocol: one client that adds entries to a stream, some at once in a pipeline.

use super::{Answer, Client, Template};

/// Sends the same pipeline of `XADD` again and again.
pub(crate) struct RespClient {
    template: Template,
    next: u64,
    pipeline: u64,
}

impl RespClient {
    /// Each request adds `pipeline` entries, each with an `event` in it.
    pub(crate) fn new(event: &Template, pipeline: u64) -> Self {
        let mut template = Template::default();
        for _ in 0..pipeline {
            let head = "*5\r\n$4\r\nXADD\r\n$6\r\nevents\r\n$1\r\n*\r\n$1\r\ne\r\n$";
            template
                .text(&format!("{head}{}\r\n", event.len()))
                .append(event)
                .text("\r\n");
        }
        Self {
            template,
            next: 1,
            pipeline,
        }
    }
}

impl Client for RespClient {
    fn request(&mut self) -> &[u8] {
        self.next += self.pipeline;
        self.template.fill(self.next - self.pipeline)
    }

    /// Each entry is answered by its id, `$15\r\n1700000000000-0\r\n`: two lines.
    fn answer(&mut self, bytes: &[u8]) -> Answer {
        if bytes.first() != Some(&b'$') {
            return Answer::Wrong("an error of Redis");
        }
        let lines = bytes.iter().filter(|&&byte| byte == b'\n').count() as u64;
        if lines < self.pipeline * 2 {
            Answer::Partial
        } else {
            Answer::Taken
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipeline_is_answered_entry_by_entry() {
        let mut event = Template::default();
        event.text("e").hole();
        let mut client = RespClient::new(&event, 2);
        let sent = String::from_utf8_lossy(client.request()).into_owned();
        assert_eq!(sent.matches("XADD").count(), 2, "{sent}");
        assert!(sent.ends_with("$10\r\ne        2\r\n"), "{sent}");
        let mut check =
            |bytes: &str, expect: Answer| assert_eq!(client.answer(bytes.as_bytes()), expect, "{bytes:?}");
        check("$3\r\n1-0\r\n", Answer::Partial);
        check("$3\r\n1-0\r\n$3\r\n1-1\r\n", Answer::Taken);
        check("-ERR no\r\n", Answer::Wrong("an error of Redis"));
    }
}
