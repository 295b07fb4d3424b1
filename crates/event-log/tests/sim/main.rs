//! The log on a simulated disk, thousands of lives, each decided by its seed: nothing here depends on threads
//! or on time.
//!
//! The rule: what was acknowledged from disk is there exactly once and in order; what was acknowledged from
//! memory may be missing, only at the end; nothing is there that was not appended; what a reader holds stays;
//! and where a disk loses what it had made durable, the log says which records these were.

mod corners;
mod damage;
mod ledger;
mod life;

/// `SEED=7 cargo test -p event-log --test sim` lives one life alone, `SEEDS=100000` many more than usual.
fn seeds(count: u64) -> std::ops::Range<u64> {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse().ok());
    match (number("SEED"), number("SEEDS")) {
        (Some(seed), _) => seed..seed + 1,
        (None, many) => 0..many.unwrap_or(count),
    }
}

/// Runs `life` for each seed; a panic is told with its seed.
fn for_each_seed(count: u64, mut life: impl FnMut(u64)) {
    for seed in seeds(count) {
        let lived = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| life(seed)));
        if let Err(panic) = lived {
            eprintln!("the seed was {seed}");
            std::panic::resume_unwind(panic);
        }
    }
}

/// Whether all seeds run, so that a test may ask whether they met what they are meant to meet.
fn all_seeds() -> bool {
    std::env::var_os("SEED").is_none()
}
