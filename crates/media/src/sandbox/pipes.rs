//! Reads what a child prints, within bounds: whole lines of standard output, the end of standard error.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

use super::SandboxError;

const TAIL_BYTES_MAX: usize = 8 * 1024;
const LINE_BYTES_MAX: usize = 16 * 1024;
const BUFFER_BYTES: usize = 16 * 1024;

/// Gives each line to `on_line`; a line past its bound is cut into lines of the bound.
///
/// Fails as soon as the bound is passed, so that the caller kills the child instead of waiting for it.
pub(super) async fn lines(
    source: Option<impl AsyncRead + Unpin>,
    bytes_max: u64,
    on_line: &mut (dyn FnMut(&str) + Send),
) -> Result<(), SandboxError> {
    let Some(mut source) = source else { return Ok(()) };
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut line = Vec::new();
    let mut total = 0u64;
    loop {
        let read = source.read(&mut buffer).await.map_err(super::io("read from"))?;
        if read == 0 {
            break;
        }
        total += read as u64;
        if total > bytes_max {
            return Err(SandboxError::OutputTooLong {
                stdout_bytes_max: bytes_max,
            });
        }
        for &byte in &buffer[..read] {
            if byte == b'\n' || line.len() == LINE_BYTES_MAX {
                on_line(&String::from_utf8_lossy(&line));
                line.clear();
            }
            if byte != b'\n' {
                line.push(byte);
            }
        }
    }
    if !line.is_empty() {
        on_line(&String::from_utf8_lossy(&line));
    }
    Ok(())
}

/// Drains the pipe and keeps its end.
pub(super) async fn tail(source: Option<impl AsyncRead + Unpin>) -> io::Result<String> {
    let Some(mut source) = source else {
        return Ok(String::new());
    };
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut kept: Vec<u8> = Vec::new();
    loop {
        let read = source.read(&mut buffer).await?;
        if read == 0 {
            return Ok(String::from_utf8_lossy(&kept).into_owned());
        }
        kept.extend_from_slice(&buffer[..read]);
        let excess = kept.len().saturating_sub(TAIL_BYTES_MAX);
        kept.drain(..excess);
    }
}
