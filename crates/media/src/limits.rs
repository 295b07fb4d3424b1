//! Every bound of the media plane: what an upload may be, and what a child process may use.
//!
//! Numbers only; the checks live beside what they check.

/// What an upload may be. The defaults are what the product promises before an upload starts.
#[derive(Debug, Clone, PartialEq)]
pub struct MediaLimits {
    /// Shortest video, by decoded time.
    pub duration_ms_min: u64,
    /// Longest video, by packet times, never by a header.
    pub duration_ms_max: u64,
    /// Largest source file.
    pub file_bytes_max: u64,
    /// Most pixels in a frame: 8K in either orientation.
    pub pixels_max: u64,
    /// Longest side of a frame.
    pub side_pixels_max: u32,
    /// Shortest side of a frame.
    pub side_pixels_min: u32,
    /// Frame rate of every rendition; faster sources are thinned.
    pub fps_max: u32,
    /// Most streams in a file.
    pub streams_max: u32,
    /// Longest clip that also gets a progressive MP4.
    pub mp4_duration_ms_max: u64,
}

impl Default for MediaLimits {
    fn default() -> Self {
        Self {
            duration_ms_min: 1_000,
            duration_ms_max: 600_000,
            file_bytes_max: 500_000_000,
            pixels_max: 8192 * 4320,
            side_pixels_max: 8192,
            side_pixels_min: 64,
            fps_max: 60,
            streams_max: 32,
            mp4_duration_ms_max: 30_000,
        }
    }
}

/// What one sandboxed child may use; enforced by the kernel, except wall time and output, which we watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobLimits {
    /// Wall time, after which the sandbox is killed.
    pub wall_ms_max: u64,
    /// CPU seconds over all threads.
    pub cpu_s_max: u64,
    /// Address space.
    pub memory_bytes_max: u64,
    /// Largest file it may write.
    pub file_bytes_max: u64,
    /// Processes and threads.
    pub processes_max: u32,
    /// Bytes it may print.
    pub stdout_bytes_max: u64,
    /// Scheduling niceness, 0 to 19.
    pub nice: u8,
}

const MIB: u64 = 1024 * 1024;
const GIB: u64 = 1024 * MIB;

impl JobLimits {
    /// For looking at a file: no encoding, no files written.
    pub fn probe() -> Self {
        Self {
            wall_ms_max: 30_000,
            cpu_s_max: 30,
            memory_bytes_max: 3 * GIB,
            file_bytes_max: MIB,
            processes_max: 128,
            stdout_bytes_max: 16 * MIB,
            nice: 0,
        }
    }

    /// For the first rendition of a video this long; somebody waits for it.
    pub fn first(duration_ms: u64) -> Self {
        Self {
            wall_ms_max: 60_000 + 6 * duration_ms,
            cpu_s_max: 120 + 12 * duration_ms / 1000,
            memory_bytes_max: 8 * GIB,
            file_bytes_max: GIB,
            processes_max: 256,
            stdout_bytes_max: 16 * MIB,
            nice: 0,
        }
    }

    /// For the rest of the ladder of a video this long; it yields to whatever else the machine does.
    pub fn ladder(duration_ms: u64) -> Self {
        Self {
            wall_ms_max: 120_000 + 30 * duration_ms,
            cpu_s_max: 240 + 60 * duration_ms / 1000,
            file_bytes_max: 2 * GIB,
            nice: 10,
            ..Self::first(duration_ms)
        }
    }
}
