//! The PostgreSQL protocol, version 3: one client that inserts one row a transaction through a prepared statement.
//! It trusts the server and reads only the types of messages.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use super::{Answer, Client, Template};
use crate::BenchError;

const PROTOCOL: i32 = 196_608;
/// A Bind of one parameter, beside the parameter.
const BIND_BYTES: usize = 12;
/// Type and length.
const HEAD_BYTES: usize = 5;

/// Inserts an event a request.
pub(crate) struct PostgresClient {
    template: Template,
    next: u64,
}

impl PostgresClient {
    pub(crate) fn new(event: &Template) -> Self {
        // Bind: portal "", statement "", no formats, one parameter, no result formats; then Execute and Sync.
        let mut template = Template::default();
        template
            .bytes
            .extend(message(b'B', BIND_BYTES + event.len(), &[]));
        template.bytes.extend([0, 0, 0, 0, 0, 1]);
        template.bytes.extend((event.len() as i32).to_be_bytes());
        template.append(event);
        template.bytes.extend([0, 0]);
        template.bytes.extend(message(b'E', 5, &[0, 0, 0, 0, 0]));
        template.bytes.extend(message(b'S', 0, &[]));
        Self { template, next: 1 }
    }

    /// Runs one statement over a connection of its own.
    pub(crate) fn run(stream: &mut TcpStream, statement: &str) -> Result<(), BenchError> {
        start_up(stream)?;
        let text = [statement.as_bytes(), &[0]].concat();
        exchange(stream, &message(b'Q', text.len(), &text))
    }
}

impl Client for PostgresClient {
    fn greet(&mut self, stream: &mut TcpStream) -> Result<(), BenchError> {
        start_up(stream)?;
        // Parse: statement "", its text, no parameter types.
        let text = b"\0INSERT INTO event (body) VALUES ($1)\0\0\0";
        let parse = [message(b'P', text.len(), text), message(b'S', 0, &[])].concat();
        exchange(stream, &parse)
    }

    fn request(&mut self) -> &[u8] {
        self.next += 1;
        self.template.fill(self.next - 1)
    }

    fn answer(&mut self, bytes: &[u8]) -> Answer {
        read(bytes)
    }
}

/// A message of `length` bytes, of which `body` are the first.
fn message(kind: u8, length: usize, body: &[u8]) -> Vec<u8> {
    let length = (length as i32 + 4).to_be_bytes();
    [&[kind][..], &length, body].concat()
}

fn start_up(stream: &mut TcpStream) -> Result<(), BenchError> {
    let parameters = b"user\0postgres\0database\0postgres\0\0";
    let length = (parameters.len() as i32 + 8).to_be_bytes();
    exchange(
        stream,
        &[&length[..], &PROTOCOL.to_be_bytes(), parameters].concat(),
    )
}

/// Sends, and waits until the server is ready for the next query.
fn exchange(stream: &mut TcpStream, request: &[u8]) -> Result<(), BenchError> {
    let failed = || BenchError::io("speaking to PostgreSQL");
    stream.write_all(request).map_err(failed())?;
    let (mut heard, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let count = stream.read(&mut buffer).map_err(failed())?;
        heard.extend_from_slice(&buffer[..count]);
        match read(&heard) {
            Answer::Partial if count > 0 => {}
            Answer::Taken => return Ok(()),
            _ => {
                return Err(BenchError::Peer(
                    "PostgreSQL",
                    String::from_utf8_lossy(&heard).into_owned(),
                ));
            }
        }
    }
}

/// Goes from message to message up to `ReadyForQuery`.
fn read(bytes: &[u8]) -> Answer {
    let mut rest = bytes;
    while let Some((&[kind, a, b, c, d], _)) = rest.split_first_chunk::<HEAD_BYTES>() {
        let whole = 1 + u32::from_be_bytes([a, b, c, d]) as usize;
        match kind {
            b'E' => return Answer::Wrong("an error of PostgreSQL"),
            b'Z' if rest.len() >= whole => return Answer::Taken,
            _ => rest = rest.get(whole..).unwrap_or_default(),
        }
    }
    Answer::Partial
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_passed_until_the_server_is_ready() {
        let check = |bytes: &[u8], expect: Answer| assert_eq!(read(bytes), expect, "{bytes:?}");
        let done = message(b'C', 4, b"abc\0");
        check(&done, Answer::Partial);
        check(&done[..6], Answer::Partial);
        check(&[done.clone(), message(b'Z', 1, b"I")].concat(), Answer::Taken);
        check(&message(b'E', 1, b"\0"), Answer::Wrong("an error of PostgreSQL"));
    }

    #[test]
    fn a_bind_names_its_own_length() {
        let mut event = Template::default();
        event.text("body");
        let mut client = PostgresClient::new(&event);
        let sent = client.request().to_vec();
        let length = u32::from_be_bytes([sent[1], sent[2], sent[3], sent[4]]) as usize;
        assert_eq!((sent[0], sent[1 + length]), (b'B', b'E'));
    }
}
