//! How much louder or softer the sound must become, measured over the whole track (EBU R 128).
//!
//! One measured gain for the whole clip, with a limiter after it, keeps the dynamics that the creator made; a gain that
//! follows the sound would pump, and would raise the hiss of a quiet room without bound.

use crate::sandbox::INPUT;

/// Integrated loudness that every video is brought to.
const TARGET_LUFS: f64 = -14.0;
const GAIN_DB_MAX: f64 = 12.0;
const GAIN_DB_MIN: f64 = -24.0;
/// What the meter says of silence, and below: left alone.
const SILENCE_LUFS: f64 = -60.0;

pub(super) fn args(input_options: Vec<String>, index: u32, duration_ms_max: u64) -> Vec<String> {
    let mut args: Vec<String> = ["-nostdin", "-hide_banner", "-nostats", "-v", "info"]
        .map(str::to_owned)
        .into();
    args.extend(input_options);
    let (span, map) = (format!("{}ms", duration_ms_max + 1000), format!("0:{index}"));
    let rest = [
        "-vn",
        "-t",
        &span,
        "-i",
        INPUT,
        "-map",
        &map,
        "-af",
        "ebur128=framelog=verbose",
        "-f",
        "null",
        "-",
    ];
    args.extend(rest.map(str::to_owned));
    args
}

/// Reads the integrated loudness from the end of the meter's report; none when there is no report.
pub(crate) fn gain_db(report: &str) -> Option<f64> {
    let (_, summary) = report.rsplit_once("Integrated loudness:")?;
    let lufs: f64 = summary.split_whitespace().nth(1)?.parse().ok()?;
    if lufs <= SILENCE_LUFS {
        return Some(0.0);
    }
    Some((TARGET_LUFS - lufs).clamp(GAIN_DB_MIN, GAIN_DB_MAX))
}
