//! Encoders that are not ours: an operator's own program, in the place of the built-in picture features.
//!
//! The program never sees an upload, only frames that the sandbox decoded. It is started once a video, with an empty environment but
//! `PATH`:
//!
//! | | |
//! |---|---|
//! | standard input | one line, `riffle-content 1 FRAMES 224 224 rgb24`, then so many frames of 150 528 bytes |
//! | standard output | one JSON list of numbers, of the same length for every video, 4 096 at most |
//! | exit status | 0; anything else, silence, or 20 s without an end counts as a failure |
//!
//! A failure is counted, and the built-in features take the place of its answer, under their own version: the two lie in two spaces.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;

use super::project::INPUT_WIDTH_MAX;
use super::samples::LARGE_SIDE;

const ANSWER_MS_MAX: u64 = 20_000;
const ANSWER_BYTES_MAX: u64 = 256 * 1024;
const FRAME_BYTES: usize = LARGE_SIDE * LARGE_SIDE * 3;
/// Versions of encoders that are not ours start here.
const FOREIGN_VERSION_MIN: u8 = 128;

/// Turns frames into an embedding of a fixed width of its own choice.
pub trait ContentEncoder: Send + Sync + std::fmt::Debug {
    /// For logs and metrics.
    fn name(&self) -> &'static str;

    /// 128 to 255; another one for another model.
    fn version(&self) -> u8;

    /// `frames` are RGB of 224 × 224, one after another, at least one.
    fn encode<'a>(
        &'a self,
        frames: &'a [u8],
    ) -> Pin<Box<dyn Future<Output = Result<Vec<f32>, EncoderError>> + Send + 'a>>;
}

/// Why an encoder gave no embedding.
#[derive(Debug, thiserror::Error)]
pub enum EncoderError {
    #[error("could not {action} the content encoder")]
    Io {
        action: &'static str,
        #[source]
        source: std::io::Error,
    },
    #[error("the content encoder gave no answer within {ANSWER_MS_MAX} ms")]
    TimedOut,
    #[error("the content encoder ended with {0}")]
    Status(std::process::ExitStatus),
    #[error(
        "the content encoder's answer is not a list of 1 to {INPUT_WIDTH_MAX} finite numbers that are not all 0"
    )]
    Answer,
}

impl EncoderError {
    /// A short word for a metric label.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Io { .. } => "io",
            Self::TimedOut => "timed_out",
            Self::Status(_) => "status",
            Self::Answer => "answer",
        }
    }
}

/// Which encoder the settings name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EncoderSetting {
    Builtin,
    Command(PathBuf),
}

/// Why a setting names no encoder.
#[derive(Debug, thiserror::Error)]
pub enum EncoderSettingError {
    #[error("\"{0}\" names no content encoder: write \"builtin\" or \"command:PATH\"")]
    Unknown(String),
    #[error("the content encoder {path} cannot be read: check the path after \"command:\"")]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
}

impl std::fmt::Display for EncoderSetting {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Builtin => out.write_str("builtin"),
            Self::Command(path) => write!(out, "command:{}", path.display()),
        }
    }
}

impl EncoderSetting {
    /// The encoder that is asked before the built-in one; none if that is the only one.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn open(&self) -> Result<Option<Arc<dyn ContentEncoder>>, EncoderSettingError> {
        match self {
            Self::Builtin => Ok(None),
            Self::Command(path) => Ok(Some(Arc::new(CommandEncoder::open(path)?))),
        }
    }
}

impl std::str::FromStr for EncoderSetting {
    type Err = EncoderSettingError;

    fn from_str(text: &str) -> Result<Self, EncoderSettingError> {
        match text.strip_prefix("command:") {
            Some(path) if !path.is_empty() => Ok(Self::Command(path.into())),
            None if text == "builtin" => Ok(Self::Builtin),
            _ => Err(EncoderSettingError::Unknown(text.to_owned())),
        }
    }
}

/// A program that is started for each video; see the file's header.
#[derive(Debug)]
pub struct CommandEncoder {
    program: PathBuf,
    version: u8,
}

impl CommandEncoder {
    /// The version is folded from the program's bytes, so that another program is another space. One that loads a model from
    /// elsewhere should carry the model's name or checksum in a comment.
    ///
    /// # Errors
    /// The program cannot be read.
    pub fn open(program: &Path) -> Result<Self, EncoderSettingError> {
        let bytes = std::fs::read(program).map_err(|source| EncoderSettingError::Read {
            path: program.to_owned(),
            source,
        })?;
        let fold = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325, fold);
        Ok(Self {
            program: program.to_owned(),
            version: FOREIGN_VERSION_MIN | (hash ^ hash >> 32) as u8,
        })
    }

    async fn ask(&self, frames: &[u8]) -> Result<Vec<f32>, EncoderError> {
        let mut child = Command::new(&self.program)
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(io("start"))?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let header = format!(
            "riffle-content 1 {} {LARGE_SIDE} {LARGE_SIDE} rgb24\n",
            frames.len() / FRAME_BYTES
        );
        let tell = async {
            // A program that answers before it has read everything closes the pipe; its answer and status say enough.
            if let Some(mut stdin) = stdin
                && stdin.write_all(header.as_bytes()).await.is_ok()
            {
                let _ = stdin.write_all(frames).await;
            }
        };
        let hear = async {
            let mut said = Vec::new();
            if let Some(stdout) = stdout {
                stdout
                    .take(ANSWER_BYTES_MAX)
                    .read_to_end(&mut said)
                    .await
                    .map_err(io("read from"))?;
            }
            Ok(said)
        };
        let ((), said) = tokio::join!(tell, hear);
        let said = said?;
        let status = child.wait().await.map_err(io("wait for"))?;
        match status.success() {
            true => numbers(&said).ok_or(EncoderError::Answer),
            false => Err(EncoderError::Status(status)),
        }
    }
}

impl ContentEncoder for CommandEncoder {
    fn name(&self) -> &'static str {
        "command"
    }

    fn version(&self) -> u8 {
        self.version
    }

    fn encode<'a>(
        &'a self,
        frames: &'a [u8],
    ) -> Pin<Box<dyn Future<Output = Result<Vec<f32>, EncoderError>> + Send + 'a>> {
        Box::pin(async move {
            let patience = Duration::from_millis(ANSWER_MS_MAX);
            let answer = tokio::time::timeout(patience, self.ask(frames)).await;
            answer.map_err(|_elapsed| EncoderError::TimedOut)?
        })
    }
}

fn numbers(said: &[u8]) -> Option<Vec<f32>> {
    let numbers: Vec<f32> = serde_json::from_slice(said).ok()?;
    let fits =
        (1..=INPUT_WIDTH_MAX).contains(&numbers.len()) && numbers.iter().all(|number| number.is_finite());
    (fits && numbers.iter().any(|&number| number != 0.0)).then_some(numbers)
}

fn io(action: &'static str) -> impl FnOnce(std::io::Error) -> EncoderError {
    move |source| EncoderError::Io { action, source }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    async fn answer_of(script: &str) -> Result<Vec<f32>, EncoderError> {
        let folder = tempfile::tempdir().expect("a folder");
        let program = folder.path().join("encoder");
        std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).expect("written");
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("made to run");
        let encoder = CommandEncoder::open(&program).expect("it can be read");
        assert!(encoder.version() >= FOREIGN_VERSION_MIN);
        encoder.encode(&vec![7; FRAME_BYTES * 2]).await
    }

    #[tokio::test]
    async fn a_program_gets_a_header_and_frames_and_answers_with_numbers() {
        let counted = "read -r name one frames rest; bytes=$(wc -c); echo \"[$frames, $bytes, 0.5]\"";
        assert_eq!(
            answer_of(counted).await.expect("an answer"),
            [2.0, (FRAME_BYTES * 2) as f32, 0.5]
        );
        assert_eq!(
            answer_of("echo '[1,2]'").await.expect("an answer"),
            [1.0, 2.0],
            "it need not read"
        );
    }

    #[tokio::test]
    async fn what_is_no_answer_says_why() {
        for (script, reason) in [
            ("cat >/dev/null; exit 3", "status"),
            ("cat >/dev/null; echo hello", "answer"),
            ("cat >/dev/null; echo '[0, 0]'", "answer"),
            ("cat >/dev/null; echo '[1e99]'", "answer"),
            ("cat >/dev/null", "answer"),
        ] {
            let error = answer_of(script).await.expect_err(script);
            assert_eq!(error.reason(), reason, "{script}");
        }
    }

    #[test]
    fn a_setting_names_an_encoder_or_says_what_to_write() {
        let parse = |text: &str| text.parse::<EncoderSetting>();
        assert_eq!(parse("builtin").expect("known"), EncoderSetting::Builtin);
        assert_eq!(
            parse("command:/opt/x").expect("known"),
            EncoderSetting::Command("/opt/x".into())
        );
        for text in ["", "command:", "clip", "builtin "] {
            let error = parse(text).expect_err(text).to_string();
            assert!(error.contains("command:PATH"), "{error}");
        }
    }
}
