//! The examples once more as plain arrays of little-endian numbers, for the twin: whatever can be prepared before its clock starts, is.
//!
//! `meta.json` holds the shapes; `dense` f32 rows × values, already standardised; `pooled` i32 rows × pooled slots × [`POOLED`] places of embedding rows,
//! 0 for none; `attended` i32 rows × attending slots × [`feature`]'s reach, 0 for none; `targets` f32 rows × outputs, NaN for unknown.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::Path;

use feature::Row;
use foldhash::fast::FixedState;
use model::{Config, HeadKind, Pool, Schema};
use serde_json::json;

use super::input::Recorded;

/// Ids of a pooled slot in a row at most.
const POOLED: usize = 3;
/// Ids of an attending slot in a row at most.
const ATTENDED: usize = feature::RECENT_MAX;

/// Places of embedding rows by key; 0 is none.
type Places = HashMap<(u16, u64), i32, FixedState>;

/// Writes the first `count` examples into `folder`.
pub(super) fn write(
    folder: &Path,
    schema: &Schema,
    config: &Config,
    batch: usize,
    recorded: &Recorded,
    count: usize,
) -> io::Result<()> {
    let slots = |attending: bool| -> Vec<(u16, u16)> {
        let of = |pool: Pool, slot: u16| match pool {
            Pool::Mean => slot,
            Pool::Attend { target } => target,
        };
        let wanted = schema.slots.iter();
        let wanted = wanted.filter(|spec| (spec.pool != Pool::Mean) == attending);
        wanted.map(|spec| (spec.slot, of(spec.pool, spec.slot))).collect()
    };
    let (pooled, attending) = (slots(false), slots(true));
    let mut places = Places::default();
    let rows = &recorded.rows[..count];
    ids(&folder.join("pooled"), rows, &pooled, POOLED, &mut places)?;
    ids(&folder.join("attended"), rows, &attending, ATTENDED, &mut places)?;
    dense(&folder.join("dense"), rows)?;
    let mut targets = Vec::new();
    for i in 0..count {
        outputs(schema, recorded, i, &mut targets);
    }
    floats(&folder.join("targets"), &targets)?;
    let place = |target: u16| pooled.iter().position(|(slot, _)| *slot == target).unwrap_or(0);
    let meta = json!({
        "rows": count,
        "batch": batch,
        "embeddings": places.len() + 1,
        "width": schema.slots.first().map_or(8, |spec| spec.class.width()),
        "dense": schema.dense.len(),
        "pooled": [pooled.len(), POOLED],
        "attended": [attending.len(), ATTENDED],
        "queries": attending.iter().map(|(_, target)| place(*target)).collect::<Vec<_>>(),
        "outputs": schema.outputs(),
        "long_view": schema.head("long_view"),
        "hidden": config.hidden,
        "pairs": config.pair_width > 0,
        "dense_batch": config.dense_batch,
        "rate": config.adam.rate,
        "row_rate": config.embedding.rate,
    });
    fs::write(folder.join("meta.json"), meta.to_string())
}

/// Places of the ids of `slots`, at most `width` of each.
fn ids(path: &Path, rows: &[Row], slots: &[(u16, u16)], width: usize, places: &mut Places) -> io::Result<()> {
    let mut out = vec![0_i32; rows.len() * slots.len() * width];
    for (row, out) in rows.iter().zip(out.chunks_mut(slots.len() * width)) {
        for ((slot, of), out) in slots.iter().zip(out.chunks_mut(width)) {
            let own = row.ids.iter().filter(|(other, _)| other == slot);
            for ((_, id), out) in own.zip(out) {
                let next = places.len() as i32 + 1;
                *out = *places.entry((*of, *id)).or_insert(next);
            }
        }
    }
    let bytes: Vec<u8> = out.iter().flat_map(|place| place.to_le_bytes()).collect();
    fs::write(path, bytes)
}

/// Values less their mean, over their deviation, within ±4.
fn dense(path: &Path, rows: &[Row]) -> io::Result<()> {
    let width = rows.first().map_or(0, |row| row.dense.len());
    let count = rows.len().max(1) as f64;
    let mut scales = Vec::with_capacity(width);
    for column in 0..width {
        let values = || rows.iter().map(|row| f64::from(row.dense[column]));
        let mean = values().sum::<f64>() / count;
        let variance = values().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
        scales.push((mean, if variance > 1e-6 { variance.sqrt() } else { 1.0 }));
    }
    let mut out = Vec::with_capacity(rows.len() * width);
    for row in rows {
        let values = row.dense.iter().zip(&scales);
        out.extend(
            values.map(|(value, (mean, scale))| ((f64::from(*value) - mean) / scale).clamp(-4.0, 4.0) as f32),
        );
    }
    floats(path, &out)
}

/// One target a logit. Watch time is cut into equal parts of twice the length here; the number of questions is what matters.
fn outputs(schema: &Schema, recorded: &Recorded, i: usize, out: &mut Vec<f32>) {
    let example = recorded.example(i);
    for (head, spec) in schema.heads.iter().enumerate() {
        match spec.kind {
            HeadKind::Binary => out.push(example.targets[head]),
            HeadKind::Watch { buckets } => {
                let share = example
                    .watch
                    .map_or(0.0, |watch| watch.watched_s / (2.0 * watch.duration_s));
                let ended = ((share * f32::from(buckets)) as usize).min(usize::from(buckets) - 1);
                out.extend((0..usize::from(buckets)).map(|bucket| match bucket.cmp(&ended) {
                    std::cmp::Ordering::Less => 0.0,
                    std::cmp::Ordering::Equal => 1.0,
                    std::cmp::Ordering::Greater => f32::NAN,
                }));
            }
        }
    }
}

fn floats(path: &Path, values: &[f32]) -> io::Result<()> {
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    fs::write(path, bytes)
}
