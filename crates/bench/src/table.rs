//! The embedding table alone: memory of a row, batched reads beside a live writer, and whether any of them was torn; with two maps of the
//! kind that is usually taken for this beside it, on the same keys, in the same run.
//!
//! Memory is the growth of the process's resident set while the rows are put in. A rate divides the rows read by the processor seconds of the
//! reader's own thread, so that a neighbour on the other core takes only memory bandwidth from it. The rows check themselves: all
//! values are a function of the key and of one number that the write chose.

mod maps;
mod pattern;
pub(crate) mod process;
mod reading;

use std::sync::atomic::{AtomicBool, Ordering};

use model::table::{Key, Reader, RowClass, SlotRule, Table, TableConfig, Writer};

use crate::figures::Figures;
use crate::{BenchError, Setup};
pub(crate) use pattern::Random;
use process::{huge_bytes, resident_bytes};
use reading::{Checked, Rate};

/// Rows of the table: 1.3 GB with their index.
pub(crate) const ROWS: u64 = 16 << 20;
/// Reads that are checked in a full run; another number of them may be asked for in the environment.
const CHECKED: u64 = 1_000_000_000;
const CHECKED_VARIABLE: &str = "RIFFLE_TABLE_READS";
/// Rows of one batch of writes, as of one micro-batch of the learner.
const WRITTEN_AT_ONCE: usize = 256;
const WIDTH: usize = 24;

pub(crate) fn run(setup: &Setup, figures: &mut Figures) -> Result<(), BenchError> {
    let wanted = |point: &str| setup.only.as_deref().is_none_or(|only| only == point);
    if wanted("table") {
        table(figures)?;
    }
    if wanted("small_pages") {
        small_pages(figures)?;
    }
    if wanted("peers") {
        maps::run(figures);
    }
    Ok(())
}

/// A table in which every row of one slot is there, laid out for them, and the bytes that each takes.
pub(crate) fn filled(slot: u16) -> Result<(Writer, Reader, f64), BenchError> {
    let before = resident_bytes();
    let config = TableConfig {
        rows_max: [0, ROWS as u32 + u32::from(slot) + 1, 0],
        rows_expected: ROWS as usize,
        ..TableConfig::new(vec![SlotRule::fixed(RowClass::D24); usize::from(slot) + 1])
    };
    let made = Table::create(config);
    let (mut writer, reader) = made.map_err(|error| BenchError::Peer("making a table", error.to_string()))?;
    let mut values = [0.0; WIDTH];
    for id in 0..ROWS {
        pattern::write(id, 0, &mut values);
        writer.insert(Key::new(slot, id), &values, 1);
    }
    let bytes = (resident_bytes() - before) / ROWS as f64;
    Ok((writer, reader, bytes))
}

fn table(figures: &mut Figures) -> Result<(), BenchError> {
    let asked = std::env::var(CHECKED_VARIABLE)
        .ok()
        .and_then(|reads| reads.parse().ok());
    let (mut writer, reader, bytes) = filled(0)?;
    figures.add("table.bytes_per_row", bytes);
    figures.add("table.huge_share", huge_bytes() / (bytes * ROWS as f64));
    let quiet = reading::rate(&reader, ROWS);
    figures.add("table.reads_per_s_core.no_writer", quiet.rows_per_cpu_s());
    let (rate, writes) = beside(&mut writer, learn, || reading::rate(&reader, ROWS));
    figures.add("table.reads_per_s_core", rate.rows_per_cpu_s());
    figures.add("table.reads_per_s_wall", rate.rows as f64 / rate.wall_s);
    figures.add("table.writes_per_s_beside", writes as f64 / rate.wall_s);
    let reads = asked.unwrap_or(CHECKED);
    let (checked, writes) = beside(&mut writer, disturb, || reading::check(&reader, reads, ROWS));
    let Checked {
        rows,
        absent,
        torn,
        retries,
    } = checked;
    figures.add("table.checked_rows", rows as f64);
    figures.add("table.checked_beside_writes", writes as f64);
    figures.add("table.checked_absent", absent as f64);
    figures.add("table.checked_retries", retries as f64);
    figures.add("table.torn_rows", torn as f64);
    Ok(())
}

/// The same where the process takes no huge pages, as on a machine without them.
fn small_pages(figures: &mut Figures) -> Result<(), BenchError> {
    let switch = |off| {
        rustix::thread::disable_transparent_huge_pages(off)
            .map_err(|error| BenchError::io("switching huge pages")(error.into()))
    };
    switch(true)?;
    let made = filled(0);
    switch(false)?;
    let (mut writer, reader, bytes) = made?;
    figures.add("table.small_pages.bytes_per_row", bytes);
    let (rate, _): (Rate, _) = beside(&mut writer, learn, || reading::rate(&reader, ROWS));
    figures.add("table.small_pages.reads_per_s_core", rate.rows_per_cpu_s());
    Ok(())
}

/// Runs `read` while another thread writes batch after batch; also answers how many rows were written.
fn beside<T>(
    writer: &mut Writer,
    write: fn(&mut Writer, &mut Random, u64),
    read: impl FnOnce() -> T,
) -> (T, u64) {
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writing = scope.spawn(|| {
            let (mut random, mut batches) = (Random::new(7), 0);
            while !stop.load(Ordering::Relaxed) {
                batches += 1;
                write(writer, &mut random, batches);
            }
            batches * WRITTEN_AT_ONCE as u64
        });
        let read = read();
        stop.store(true, Ordering::Relaxed);
        (read, writing.join().expect("the writer ends"))
    })
}

/// A step of the optimiser on rows from all over the table. Gradients of zero leave the values as they are, so that they can be checked later;
/// the row is written all the same.
fn learn(writer: &mut Writer, random: &mut Random, batch: u64) {
    static GRADIENTS: [f32; WRITTEN_AT_ONCE * WIDTH] = [0.0; WRITTEN_AT_ONCE * WIDTH];
    let keys = [(); WRITTEN_AT_ONCE].map(|()| Key::new(0, random.below(ROWS)));
    writer.apply(&keys, WIDTH, &GRADIENTS, 1, batch);
}

/// Everything that could let a reader see half a row or another's: rows among the most read are overwritten, taken out, and put in
/// again, so that their memory goes from one key to the next. Time passes, so that it does so at once.
fn disturb(writer: &mut Writer, random: &mut Random, batch: u64) {
    let mut values = [0.0; WIDTH];
    for i in 0..WRITTEN_AT_ONCE as u64 {
        let id = reading::pick(random, ROWS);
        let key = Key::new(0, id);
        if i % 4 == 0 {
            writer.remove(key);
        } else {
            pattern::write(id, batch, &mut values);
            writer.insert(key, &values, batch as u32);
        }
    }
}
