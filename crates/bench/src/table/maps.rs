//! The neighbours: a sharded concurrent map of vectors, and a plain map of vectors behind one lock, both with a fast hash. A vector holds the
//! values and the optimiser's number. The plain map is locked once a batch.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};

use dashmap::DashMap;
use foldhash::fast::FixedState;
use parking_lot::RwLock;

use super::pattern::Random;
use super::process::resident_bytes;
use super::reading::{BATCH, Rate, timed};
use super::{ROWS, WIDTH, WRITTEN_AT_ONCE};
use crate::figures::Figures;

type Plain = RwLock<HashMap<u64, Vec<f32>, FixedState>>;

fn vector(id: u64) -> Vec<f32> {
    vec![id as f32; WIDTH + 1]
}

pub(super) fn run(figures: &mut Figures) {
    let before = resident_bytes();
    let sharded: DashMap<u64, Vec<f32>, FixedState> = DashMap::with_hasher(FixedState::default());
    for id in 0..ROWS {
        sharded.insert(id, vector(id));
    }
    figures.add(
        "table.dashmap.bytes_per_row",
        (resident_bytes() - before) / ROWS as f64,
    );
    let write = |random: &mut Random| {
        for _ in 0..WRITTEN_AT_ONCE {
            if let Some(mut row) = sharded.get_mut(&random.below(ROWS)) {
                step(&mut row);
            }
        }
    };
    let read = |keys: &[u64; BATCH], out: &mut [f32]| {
        for (id, out) in keys.iter().zip(out.chunks_exact_mut(WIDTH)) {
            if let Some(row) = sharded.get(id) {
                out.copy_from_slice(&row[..WIDTH]);
            }
        }
    };
    let rate = beside(write, read);
    figures.add("table.dashmap.reads_per_s_core", rate.rows_per_cpu_s());
    drop(sharded);
    let before = resident_bytes();
    let plain = Plain::default();
    plain.write().extend((0..ROWS).map(|id| (id, vector(id))));
    figures.add(
        "table.hashmap.bytes_per_row",
        (resident_bytes() - before) / ROWS as f64,
    );
    let write = |random: &mut Random| {
        let mut rows = plain.write();
        for _ in 0..WRITTEN_AT_ONCE {
            if let Some(row) = rows.get_mut(&random.below(ROWS)) {
                step(row);
            }
        }
    };
    let read = |keys: &[u64; BATCH], out: &mut [f32]| {
        let rows = plain.read();
        for (id, out) in keys.iter().zip(out.chunks_exact_mut(WIDTH)) {
            if let Some(row) = rows.get(id) {
                out.copy_from_slice(&row[..WIDTH]);
            }
        }
    };
    let rate = beside(write, read);
    figures.add("table.hashmap.reads_per_s_core", rate.rows_per_cpu_s());
    figures.add("table.hashmap.reads_per_s_wall", rate.rows as f64 / rate.wall_s);
}

/// Row-wise Adagrad with one and the same gradient, in single precision.
fn step(row: &mut [f32]) {
    let (values, accumulator) = row.split_at_mut(WIDTH);
    accumulator[0] += 1e-6;
    let step = 0.05 / (accumulator[0] + 1e-8).sqrt() * 1e-3;
    for value in values {
        *value -= step;
    }
}

/// Reads for a while beside a thread that writes.
fn beside(write: impl Fn(&mut Random) + Sync, read: impl Fn(&[u64; BATCH], &mut [f32])) -> Rate {
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut random = Random::new(7);
            while !stop.load(Ordering::Relaxed) {
                write(&mut random);
            }
        });
        let (mut random, mut out) = (Random::new(3), vec![0.0; BATCH * WIDTH]);
        let rate = timed(|| {
            let keys: [u64; BATCH] = std::array::from_fn(|_| random.below(ROWS));
            read(&keys, &mut out);
            std::hint::black_box(&out);
        });
        stop.store(true, Ordering::Relaxed);
        rate
    })
}
