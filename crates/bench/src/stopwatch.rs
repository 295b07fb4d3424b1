//! Wall seconds, and the processor seconds of this whole process, ended threads included.

use std::time::Instant;

/// Ticks a second in `/proc`, the same on every Linux that programs see.
const TICKS_PER_S: f64 = 100.0;

/// What passed since a start.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Used {
    pub(crate) wall_s: f64,
    pub(crate) cpu_s: f64,
}

/// See the module.
pub(crate) struct Stopwatch {
    started: Instant,
    cpu_s: f64,
}

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self {
            started: Instant::now(),
            cpu_s: cpu_s(),
        }
    }

    pub(crate) fn used(&self) -> Used {
        Used {
            wall_s: self.started.elapsed().as_secs_f64(),
            cpu_s: cpu_s() - self.cpu_s,
        }
    }
}

/// User and system time of the process; the fields stand behind the program's name, which ends at the last parenthesis.
fn cpu_s() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks = fields
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<u64>().ok());
    ticks.sum::<u64>() as f64 / TICKS_PER_S
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_takes_processor_time() {
        let (stopwatch, mut sum) = (Stopwatch::start(), 0_u64);
        while stopwatch.used().cpu_s == 0.0 {
            sum = sum.wrapping_add(std::hint::black_box(1));
        }
        assert!(stopwatch.used().wall_s > 0.0 && sum > 0);
    }
}
