//! `riffle demo`: makes the demo clips, uploads them as their creators, and lets the creators meet.
//!
//! What the clips show is decided in `media`; this file only runs ffmpeg and uploads. It can be run again: a clip whose
//! marker stands in the data folder is not made twice.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use media::demo::{DemoClip, clips};

use crate::files::VideoFile;
use crate::import::{Creator, Run};
use crate::progress::{Progress, Unit};
use crate::{ImportError, Outcome, Summary, society};

/// Clips made at the same time, and the most that wait to be uploaded.
const MADE_AT_ONCE: usize = 2;
/// The end of what ffmpeg said when it failed.
const REASON_CHARS_MAX: usize = 300;

/// Where the demo content goes.
#[derive(Debug, Clone)]
pub struct DemoOptions {
    /// `http://host:port`.
    pub server: String,
    /// Where secrets, journals and markers live; the data folder of the server.
    pub data: PathBuf,
}

/// Fills a server with demo content.
pub fn demo(options: &DemoOptions) -> Result<Summary, ImportError> {
    let folder = options.data.join("demo");
    fs::create_dir_all(&folder).map_err(ImportError::file(&folder))?;
    let missing: Vec<&DemoClip> = clips()
        .iter()
        .filter(|clip| !marker(&folder, clip.name).exists())
        .collect();
    let progress = Rc::new(Progress::new(missing.len() as u64, Unit::Clips));
    let mut runs = runs(options, &progress)?;
    let (next, (sender, receiver)) = (AtomicUsize::new(0), sync_channel(MADE_AT_ONCE));
    let uploaded = std::thread::scope(|scope| {
        for _ in 0..MADE_AT_ONCE {
            let (next, missing, folder, sender) = (&next, &missing, &folder, sender.clone());
            scope.spawn(move || make_clips(next, missing, folder, &sender));
        }
        drop(sender);
        // The receiver goes with the call: an error here makes the threads' next send fail, and they end.
        upload_clips(receiver, &mut runs, &progress)
    });
    uploaded?;
    progress.now("waiting for processing".to_owned());
    let summary = finish(runs, &folder)?;
    if summary.exit_code() == 0 {
        society::meet(options, &folder, &creators())?;
    }
    progress.finish();
    Ok(summary)
}

/// A clip is done when this file exists.
fn marker(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.done"))
}

/// Usernames of all demo creators, each once.
fn creators() -> Vec<&'static str> {
    let mut names: Vec<&str> = clips().iter().map(|clip| clip.creator).collect();
    names.sort_unstable();
    names.dedup();
    names
}

type Runs = BTreeMap<&'static str, Run>;

fn runs(options: &DemoOptions, progress: &Rc<Progress>) -> Result<Runs, ImportError> {
    let run = |name| {
        let creator = Creator::sign_in(&options.server, &options.data, name, &display_name(name))?;
        Ok((name, Run::new(creator, progress.clone())))
    };
    creators().into_iter().map(run).collect()
}

/// `ada_waves` → `Ada Waves`.
pub(crate) fn display_name(username: &str) -> String {
    let words = username.split('_').filter(|word| !word.is_empty());
    let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
    words.map(capital).collect::<Vec<_>>().join(" ")
}

type Made<'a> = Result<(&'a DemoClip, PathBuf), ImportError>;

fn make_clips<'a>(next: &AtomicUsize, missing: &[&'a DemoClip], folder: &Path, made: &SyncSender<Made<'a>>) {
    while let Some(clip) = missing.get(next.fetch_add(1, Ordering::Relaxed)) {
        if made
            .send(make_clip(clip, folder).map(|path| (*clip, path)))
            .is_err()
        {
            return; // uploading stopped, with its own reason
        }
    }
}

/// Writes beside the final name and renames, so that a file with the final name is complete.
fn make_clip(clip: &DemoClip, folder: &Path) -> Result<PathBuf, ImportError> {
    let path = folder.join(format!("{}.mp4", clip.name));
    if path.exists() {
        return Ok(path);
    }
    let failed = |reason| ImportError::Demo {
        clip: clip.name.to_owned(),
        reason,
    };
    let unfinished = folder.join(format!("{}.part", clip.name));
    let mut command = Command::new("ffmpeg");
    command.args(clip.ffmpeg_args(&unfinished)).stdin(Stdio::null());
    let output = command
        .output()
        .map_err(|error| failed(format!("{error}; is ffmpeg installed?")))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let skipped = said.chars().count().saturating_sub(REASON_CHARS_MAX);
        return Err(failed(said.chars().skip(skipped).collect()));
    }
    fs::rename(&unfinished, &path).map_err(ImportError::file(&path))?;
    Ok(path)
}

fn upload_clips(made: Receiver<Made<'_>>, runs: &mut Runs, progress: &Progress) -> Result<(), ImportError> {
    for clip in made {
        let (clip, path) = clip?;
        progress.now(format!("{} by {}", clip.topic, clip.creator));
        let hashtags = clip.hashtags.iter().map(|&tag| tag.to_owned()).collect();
        let file = VideoFile {
            path,
            caption: clip.caption.to_owned(),
            hashtags,
        };
        if let Some(run) = runs.get_mut(clip.creator) {
            run.file(&file)?;
        }
        progress.clip_add();
    }
    Ok(())
}

/// Waits for every creator's videos; a published clip gets its marker and gives its disk space back.
fn finish(runs: Runs, folder: &Path) -> Result<Summary, ImportError> {
    let mut all = Summary::default();
    for run in runs.into_values() {
        all.files.extend(run.finish()?.files);
    }
    for (path, outcome) in &all.files {
        if matches!(outcome, Outcome::Published | Outcome::Skipped) {
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            let marker = marker(folder, &name);
            fs::write(&marker, "").map_err(ImportError::file(&marker))?;
            fs::remove_file(path).map_err(ImportError::file(path))?;
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_names() {
        let check = |username: &str, expect: &str| assert_eq!(display_name(username), expect);
        check("ada_waves", "Ada Waves");
        check("neon", "Neon");
        check("_x__y_", "X Y");
    }

    #[test]
    fn every_clip_has_a_valid_creator_and_its_own_name() {
        let mut names: Vec<&str> = clips().iter().map(|clip| clip.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), clips().len());
        for name in creators() {
            assert_eq!(
                types::Username::parse(name)
                    .map(|name| name.to_string())
                    .as_deref(),
                Ok(name)
            );
        }
    }
}
