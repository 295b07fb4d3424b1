//! What this process holds, and what this thread has used.

/// Resident memory.
pub(crate) fn resident_bytes() -> f64 {
    rollup("Rss:")
}

/// Resident memory in huge pages.
pub(crate) fn huge_bytes() -> f64 {
    rollup("AnonHugePages:")
}

fn rollup(name: &str) -> f64 {
    let text = std::fs::read_to_string("/proc/self/smaps_rollup").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kib.unwrap_or(f64::NAN) * 1024.0
}

/// Processor seconds of the calling thread.
pub(crate) fn thread_cpu_s() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let ns = text
        .split_whitespace()
        .next()
        .and_then(|ns| ns.parse::<f64>().ok());
    ns.unwrap_or(f64::NAN) / 1e9
}
