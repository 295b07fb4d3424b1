//! From an uploaded file to a published video, in two steps: something that plays, soon; then the rest of the ladder.
//!
//! Each step is a function from files to files and a manifest. Nothing is remembered between them and no queue, store or
//! event is known here: a caller that dies repeats the step. Tools write into a work folder below `out_dir` that is gone
//! when a step returns; the other files of `out_dir` are complete when it returns `Ok`, and to be thrown away if not.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use std::sync::Arc;
use std::time::Instant;

use crate::assemble::{MP4_FILE, package_first, package_ladder};
use crate::content::{BUILTIN_VERSION, ContentEncoder, Looks, SamplePlan, Samples};
use crate::encode::{Encode, decode_args, encoded_file, remux_args};
use crate::error::{MediaError, ProcessError};
use crate::ladder::{self, Rung};
use crate::limits::{JobLimits, MediaLimits};
use crate::manifest::{AUDIO_FOLDER, MediaManifest};
use crate::package;
use crate::pictures::PicturePlan;
use crate::probe::{Probe, probe, verdict};
use crate::sandbox::{Job, Sandbox, SandboxError, Tool};

/// Progress of a step, 0 to 1.
pub type Progress<'a> = &'a mut (dyn FnMut(f32) + Send);

/// Highest rung that becomes the progressive MP4, by its short side.
const MP4_SHORT_SIDE_MAX: u32 = 720;
const THREADS_MAX: usize = 8;

/// What [`Processor::publish_first`] made: enough to publish, and what [`Processor::complete_ladder`] needs to go on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FirstPlayable {
    /// What the source is.
    pub probe: Probe,
    /// What is published.
    pub manifest: MediaManifest,
    /// What was seen and heard; not for the ladder, which has no use for it.
    #[serde(skip)]
    pub looks: Option<Looks>,
}

/// Runs both steps. Holds the sandbox and the limits, no state.
#[derive(Debug, Clone)]
pub struct Processor {
    sandbox: Sandbox,
    limits: MediaLimits,
    threads: usize,
    /// None for the built-in one.
    encoder: Option<Arc<dyn ContentEncoder>>,
}

/// One encoder run: what goes in, what comes out, what it may use.
struct Run<'a> {
    source: &'a Path,
    work: &'a Path,
    args: Vec<String>,
    limits: JobLimits,
    duration_ms: u64,
}

impl Processor {
    /// A processor over a sandbox that was proved to isolate.
    pub fn new(sandbox: Sandbox, limits: MediaLimits) -> Self {
        let threads = std::thread::available_parallelism()
            .map_or(2, usize::from)
            .min(THREADS_MAX);
        Self {
            sandbox,
            limits,
            threads,
            encoder: None,
        }
    }

    /// With an encoder of the operator's in the place of the built-in picture features.
    pub fn with_encoder(self, encoder: Arc<dyn ContentEncoder>) -> Self {
        Self {
            encoder: Some(encoder),
            ..self
        }
    }

    /// Version of the content vectors it makes, when its encoder does not fail.
    pub fn content_version(&self) -> u8 {
        self.encoder
            .as_ref()
            .map_or(BUILTIN_VERSION, |encoder| encoder.version())
    }

    /// Looks at an upload without decoding it to its end.
    ///
    /// # Errors
    /// As [`crate::probe`].
    pub async fn probe(&self, source: &Path) -> Result<Probe, ProcessError> {
        probe(&self.sandbox, &self.limits, source).await
    }

    /// Validates an upload, decodes all of it, and leaves in `out_dir` one rendition of at most 480p, the sound, the
    /// poster, the thumbnails and the playlists over them.
    ///
    /// # Errors
    /// [`ProcessError::Rejected`] says what is wrong with the file; [`ProcessError::Failed`] may be tried again.
    pub async fn publish_first(
        &self,
        source: &Path,
        out_dir: &Path,
        progress: Progress<'_>,
    ) -> Result<FirstPlayable, ProcessError> {
        let probe = self.probe(source).await?;
        let rungs = all_rungs(&probe);
        let rung = &rungs[ladder::first(&rungs)..][..1];
        let plan = PicturePlan::new(&rung[0], frame_count(&probe));
        let samples = self.sample_plan(&probe);
        let work = work_folder(out_dir)?;
        let encode = Encode {
            pictures: Some(&plan),
            samples: Some(&samples),
            with_sound: true,
            ..self.encode(&probe, rung, "veryfast")
        };
        let limits = JobLimits::first(probe.duration_ms);
        let (args, duration_ms) = (encode.args(), probe.duration_ms);
        let run = Run {
            source,
            work: work.path(),
            args,
            limits,
            duration_ms,
        };
        if let Err(error) = self.run(run, progress).await {
            return Err(self.confirmed(error, &probe, source).await?);
        }

        let (rung, out_dir) = (rung[0].clone(), out_dir.to_owned());
        let taken = blocking(move || -> Result<_, ProcessError> {
            let manifest = package_first(&probe, &rung, &plan, work.path(), &out_dir)?;
            let taken = samples.collect(work.path(), probe.duration_ms);
            Ok((
                FirstPlayable {
                    probe,
                    manifest,
                    looks: None,
                },
                taken,
            ))
        });
        let (first, taken) = taken.await?;
        let looks = match taken {
            Ok(taken) => Some(self.look(taken).await),
            Err(error) => {
                tracing::warn!(error = %error, "a video is published without a content vector");
                metrics::counter!("riffle_media_content_failures_total", "reason" => "samples").increment(1);
                None
            }
        };
        Ok(FirstPlayable { looks, ..first })
    }

    /// Makes the other renditions in one decode, and for short clips a progressive MP4, and leaves them in `out_dir` with
    /// playlists over everything. `published` is the folder that holds what the first step made.
    ///
    /// # Errors
    /// As [`Processor::publish_first`].
    pub async fn complete_ladder(
        &self,
        source: &Path,
        first: &FirstPlayable,
        published: &Path,
        out_dir: &Path,
        progress: Progress<'_>,
    ) -> Result<MediaManifest, ProcessError> {
        let FirstPlayable { probe, manifest, .. } = first.clone();
        let mut rungs = all_rungs(&probe);
        rungs.retain(|rung| manifest.renditions.iter().all(|made| made.name != rung.name));
        let work = work_folder(out_dir)?;
        if !rungs.is_empty() {
            let args = self.encode(&probe, &rungs, "veryfast").args();
            let (limits, duration_ms) = (JobLimits::ladder(probe.duration_ms), probe.duration_ms);
            self.run(
                Run {
                    source,
                    work: work.path(),
                    args,
                    limits,
                    duration_ms,
                },
                progress,
            )
            .await?;
        }
        let mp4 = self.make_mp4(&manifest, &rungs, published, work.path()).await?;
        let out_dir = out_dir.to_owned();
        blocking(move || package_ladder(manifest, &probe, &rungs, mp4, work.path(), &out_dir)).await
    }

    fn encode<'a>(&'a self, probe: &'a Probe, rungs: &'a [Rung], preset: &'static str) -> Encode<'a> {
        let (limits, threads) = (&self.limits, self.threads);
        Encode {
            probe,
            limits,
            rungs,
            preset,
            threads,
            pictures: None,
            samples: None,
            with_sound: false,
        }
    }

    /// What is seen and heard in a source, by a decode of its own: for videos that were published without.
    ///
    /// # Errors
    /// As [`Processor::publish_first`].
    pub async fn describe(&self, source: &Path, work_dir: &Path) -> Result<Looks, ProcessError> {
        let probe = self.probe(source).await?;
        let rungs = all_rungs(&probe);
        let plan = self.sample_plan(&probe);
        let work = work_folder(work_dir)?;
        let encode = Encode {
            with_sound: true,
            ..self.encode(&probe, &rungs[ladder::first(&rungs)..][..1], "veryfast")
        };
        let run = Run {
            source,
            work: work.path(),
            args: encode.sample_args(&plan),
            limits: JobLimits::ladder(probe.duration_ms),
            duration_ms: probe.duration_ms,
        };
        self.run(run, &mut |_| {}).await?;
        let duration_ms = probe.duration_ms;
        let samples = blocking(move || plan.collect(work.path(), duration_ms)).await?;
        Ok(self.look(samples).await)
    }

    fn sample_plan(&self, probe: &Probe) -> SamplePlan {
        SamplePlan::new(
            frame_count(probe),
            probe.picture.frame_rate.fps(),
            self.encoder.is_some(),
        )
    }

    /// The built-in features, and the other encoder's in their place if there is one and it answers.
    async fn look(&self, samples: Samples) -> Looks {
        let began = Instant::now();
        let (mut looks, samples) = blocking(move || (Looks::of(&samples), samples)).await;
        if let Some(encoder) = self.encoder.as_ref().filter(|_| !samples.large.is_empty()) {
            match encoder.encode(&samples.large).await {
                Ok(embedding) => looks.picture_from(encoder.version(), &embedding),
                Err(error) => {
                    tracing::warn!(encoder = encoder.name(), error = %error, "the built-in content encoder steps in");
                    metrics::counter!("riffle_media_content_failures_total", "reason" => error.reason())
                        .increment(1);
                }
            }
        }
        metrics::histogram!("riffle_media_content_seconds").record(began.elapsed().as_secs_f64());
        looks
    }

    async fn run(&self, run: Run<'_>, progress: Progress<'_>) -> Result<(), ProcessError> {
        let Run {
            source,
            work,
            args,
            limits,
            duration_ms,
        } = run;
        let job = Job {
            tool: Tool::Ffmpeg,
            args,
            input: Some(source),
            output: Some(work),
            limits,
        };
        let finished = self
            .sandbox
            .run(&job, &mut |line| {
                if let Some(done_us) = line
                    .strip_prefix("out_time_us=")
                    .and_then(|text| text.parse::<f32>().ok())
                {
                    progress((done_us / 1000.0 / duration_ms.max(1) as f32).clamp(0.0, 1.0));
                }
            })
            .await?;
        if finished.status.success() {
            return Ok(());
        }
        tracing::info!(status = %finished.status, stderr = %finished.stderr_tail, "the encoder gave up on a file");
        tracing::info!(status = %finished.status, stderr = %finished.stderr_tail, "the encoder gave up on a file");
        Err(verdict(&finished, Tool::Ffmpeg))
    }

    /// What to make of a failed first run. Filters and encoders are ours, so a file is only rejected when it also fails to
    /// decode without them.
    async fn confirmed(
        &self,
        error: ProcessError,
        probe: &Probe,
        source: &Path,
    ) -> Result<ProcessError, SandboxError> {
        if !matches!(error, ProcessError::Rejected(_)) {
            return Ok(error);
        }
        let (args, limits) = (
            decode_args(probe, &self.limits),
            JobLimits::first(probe.duration_ms),
        );
        let job = Job {
            tool: Tool::Ffmpeg,
            args,
            input: Some(source),
            output: None,
            limits,
        };
        let finished = self.sandbox.run(&job, &mut |_| {}).await?;
        if !finished.status.success() {
            return Ok(error);
        }
        metrics::counter!("riffle_media_encoder_faults_total").increment(1);
        Ok(MediaError::Tool {
            tool: "ffmpeg",
            status: "a failure to encode what it can decode".to_owned(),
            stderr: error.to_string(),
        }
        .into())
    }

    /// Leaves the progressive MP4 in `work`, if the clip is short enough for one.
    async fn make_mp4(
        &self,
        first: &MediaManifest,
        rungs: &[Rung],
        published: &Path,
        work: &Path,
    ) -> Result<bool, ProcessError> {
        if first.duration_ms > self.limits.mp4_duration_ms_max {
            return Ok(false);
        }
        let small = |rung: &&Rung| rung.width.min(rung.height) <= MP4_SHORT_SIDE_MAX;
        let made = first
            .renditions
            .iter()
            .max_by_key(|rendition| rendition.short_side());
        let video = match (rungs.iter().rfind(small), made) {
            (Some(rung), Some(made)) if rung.width * rung.height > made.width * made.height => {
                rung.name.clone()
            }
            (_, Some(made)) => {
                package::join(
                    published,
                    &made.name,
                    made.segments.count(),
                    &work.join(encoded_file(&made.name)),
                )?;
                made.name.clone()
            }
            (_, None) => return Ok(false),
        };
        if let Some(audio) = &first.audio {
            package::join(
                published,
                AUDIO_FOLDER,
                audio.segments.count(),
                &work.join(encoded_file(AUDIO_FOLDER)),
            )?;
        }
        let sound = first.audio.as_ref().map(|_| encoded_file(AUDIO_FOLDER));
        let args = remux_args(&encoded_file(&video), sound.as_deref(), MP4_FILE);
        let limits = JobLimits::ladder(first.duration_ms);
        let job = Job {
            tool: Tool::Ffmpeg,
            args,
            input: None,
            output: Some(work),
            limits,
        };
        let finished = self.sandbox.run(&job, &mut |_| {}).await?;
        if !finished.status.success() {
            let (tool, status, stderr) = ("ffmpeg", finished.status.to_string(), finished.stderr_tail);
            return Err(MediaError::Tool { tool, status, stderr }.into());
        }
        Ok(true)
    }
}

fn frame_count(probe: &Probe) -> u64 {
    (probe.duration_ms as f64 / 1000.0 * probe.picture.frame_rate.fps()).round() as u64
}

fn all_rungs(probe: &Probe) -> Vec<Rung> {
    let picture = &probe.picture;
    ladder::rungs(picture.width, picture.height, picture.frame_rate.fps())
}

fn work_folder(out_dir: &Path) -> Result<tempfile::TempDir, MediaError> {
    std::fs::create_dir_all(out_dir).map_err(MediaError::io("make the folder", out_dir))?;
    let out_dir: PathBuf = out_dir.canonicalize().map_err(MediaError::io("find", out_dir))?;
    tempfile::Builder::new()
        .prefix(".work-")
        .tempdir_in(&out_dir)
        .map_err(MediaError::io("make a work folder in", &out_dir))
}

/// Runs file work on the blocking pool; a panic in it goes on in the caller.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // Only a runtime that shuts down cancels this, and then nobody polls the future again.
            Err(_) => std::future::pending().await,
        },
    }
}
