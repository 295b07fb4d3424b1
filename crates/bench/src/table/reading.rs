//! The reader's side: random keys in batches, for a rate or for a check of every value.

use std::time::{Duration, Instant};

use model::table::{Key, Reader};

use super::WIDTH;
use super::pattern::{self, Random, Seen};
use super::process::thread_cpu_s;

/// Keys of one call: the distinct ids of a few dozen candidates.
pub(super) const BATCH: usize = 1024;
/// How long a rate is measured.
pub(super) const SPAN: Duration = Duration::from_secs(4);
/// Rows that writer and reader meet at all the time.
const HOT: u64 = 1 << 12;

/// Rows read in a time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rate {
    pub(super) rows: u64,
    pub(super) wall_s: f64,
    pub(super) cpu_s: f64,
}

impl Rate {
    pub(super) fn rows_per_cpu_s(&self) -> f64 {
        self.rows as f64 / self.cpu_s
    }
}

/// Runs `batch`, which reads [`BATCH`] rows, for [`SPAN`].
pub(super) fn timed(mut batch: impl FnMut()) -> Rate {
    let (begun, cpu_s, mut rows) = (Instant::now(), thread_cpu_s(), 0);
    while begun.elapsed() < SPAN {
        for _ in 0..16 {
            batch();
        }
        rows += 16 * BATCH as u64;
    }
    Rate {
        rows,
        wall_s: begun.elapsed().as_secs_f64(),
        cpu_s: thread_cpu_s() - cpu_s,
    }
}

/// Batched reads of evenly drawn keys, drawing included.
pub(super) fn rate(reader: &Reader, rows: u64) -> Rate {
    let (mut random, mut out) = (Random::new(3), vec![0.0; BATCH * WIDTH]);
    timed(|| {
        let keys: [Key; BATCH] = std::array::from_fn(|_| Key::new(0, random.below(rows)));
        reader.read(&keys, WIDTH, &mut out);
        std::hint::black_box(&out);
    })
}

/// What a check saw.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Checked {
    pub(super) rows: u64,
    pub(super) absent: u64,
    pub(super) torn: u64,
    pub(super) retries: u64,
}

/// Half of the keys are of the few rows that writer and reader meet at, half from all over the table.
pub(super) fn pick(random: &mut Random, rows: u64) -> u64 {
    let drawn = random.next();
    let range = if drawn & 1 == 0 { HOT } else { rows };
    ((u128::from(drawn) * u128::from(range)) >> 64) as u64
}

/// Reads and looks at every value of `reads` rows.
pub(super) fn check(reader: &Reader, reads: u64, rows: u64) -> Checked {
    let (mut random, mut out) = (Random::new(5), vec![0.0; BATCH * WIDTH]);
    let (mut checked, before) = (Checked::default(), reader.counts());
    while checked.rows < reads {
        let ids: [u64; BATCH] = std::array::from_fn(|_| pick(&mut random, rows));
        reader.read(&ids.map(|id| Key::new(0, id)), WIDTH, &mut out);
        for (id, row) in ids.iter().zip(out.as_chunks::<WIDTH>().0) {
            match pattern::check(*id, row) {
                Seen::Whole => {}
                Seen::Absent => checked.absent += 1,
                Seen::Torn => checked.torn += 1,
            }
        }
        checked.rows += BATCH as u64;
    }
    checked.retries = reader.counts().retries - before.retries;
    checked
}
