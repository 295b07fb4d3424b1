//! HTTP/1.1 with keep-alive: a client that posts a body, or gets a page, again and again.

use super::{Answer, Client, Template};

/// One client's request, numbered from `next` on.
pub(crate) struct HttpClient {
    template: Template,
    next: u64,
    /// Numbers that one request takes.
    step: u64,
}

/// Makes a client's request.
pub(crate) struct HttpRequest<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    /// Whole lines.
    pub(crate) headers: &'a str,
    pub(crate) body: &'a Template,
}

impl HttpClient {
    pub(crate) fn new(request: &HttpRequest<'_>) -> Self {
        let HttpRequest {
            method,
            path,
            headers,
            body,
        } = request;
        let length = body.len();
        let mut template = Template::default();
        template.text(&format!(
            "{method} {path} HTTP/1.1\r\nhost: riffle\r\ncontent-type: application/json\r\n{headers}content-length: {length}\r\n\r\n"
        ));
        template.append(body);
        Self {
            template,
            next: 1,
            step: body.holes.len() as u64,
        }
    }
}

impl Client for HttpClient {
    fn request(&mut self) -> &[u8] {
        self.next += self.step;
        self.template.fill(self.next - self.step)
    }

    fn answer(&mut self, bytes: &[u8]) -> Answer {
        let Some(end) = find(bytes, b"\r\n\r\n") else {
            return Answer::Partial;
        };
        let head = &bytes[..end];
        if bytes.len() < end + 4 + content_length(head) {
            return Answer::Partial;
        }
        let again_later = find(head, b"\r\nretry-after: ").is_some();
        match head.get(9..12) {
            Some(b"429") => self.shed(),
            Some(b"503") if again_later => self.shed(),
            Some([b'2', ..]) => Answer::Taken,
            Some([b'4', ..]) => Answer::Wrong("a client's error"),
            _ => Answer::Wrong("a server's error"),
        }
    }
}

impl HttpClient {
    /// The same numbers once more: nothing of them was taken.
    fn shed(&mut self) -> Answer {
        self.next -= self.step;
        Answer::Shed
    }
}

/// The length an answer's head names; 0 without one.
fn content_length(head: &[u8]) -> usize {
    const NAME: &[u8] = b"content-length: ";
    let digits = find(head, NAME).map_or(&[][..], |at| &head[at + NAME.len()..]);
    digits
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .fold(0, |length, digit| length * 10 + usize::from(digit - b'0'))
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_ends_where_its_length_says() {
        let check = |bytes: &str, expect: Answer| {
            let mut client = HttpClient::new(&HttpRequest {
                method: "GET",
                path: "/",
                headers: "",
                body: &Template::default(),
            });
            assert_eq!(client.answer(bytes.as_bytes()), expect, "{bytes:?}");
        };
        check("HTTP/1.1 202 Accepted\r\n", Answer::Partial);
        check(
            "HTTP/1.1 202 Accepted\r\ncontent-length: 2\r\n\r\n{",
            Answer::Partial,
        );
        check(
            "HTTP/1.1 202 Accepted\r\ncontent-length: 2\r\nx: y\r\n\r\n{}",
            Answer::Taken,
        );
        check("HTTP/1.1 202 Accepted\r\n\r\n", Answer::Taken);
        check(
            "HTTP/1.1 429 Too Many Requests\r\ncontent-length: 0\r\n\r\n",
            Answer::Shed,
        );
        check(
            "HTTP/1.1 400 Bad Request\r\n\r\n",
            Answer::Wrong("a client's error"),
        );
        check(
            "HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\n\r\n",
            Answer::Shed,
        );
        check(
            "HTTP/1.1 503 Service Unavailable\r\n\r\n",
            Answer::Wrong("a server's error"),
        );
    }
}
