//! How a video looks: where it is bright and coloured, of which colours, with which edges and textures, and what moves.
//!
//! Every feature is pooled over all sampled frames, so that cuts, order and length matter little. Each block is centred on what
//! is usual, since features that are all positive would make any two videos alike.

use std::sync::LazyLock;

use super::project::{Seed, block, part as project, shares};
use super::samples::{Frame, PLANE, SIDE, Samples};

/// Width of the picture part.
pub(super) const PICTURE_WIDTH: usize = 52;

/// Cells a side of the layouts.
const CELLS: usize = 4;
const CELL_COUNT: usize = CELLS * CELLS;
/// Brightness levels of the histogram.
const LEVELS: usize = 8;
/// Hues of the histogram, each pale and strong; and grey.
const HUES: usize = 8;
const COLOURS: usize = 2 * HUES + 1;
/// Below this a colour is grey, above the second it is strong (distance from grey, of 128).
const CHROMA: [f32; 2] = [8.0, 32.0];
const DIRECTIONS: usize = 8;
/// Sides of the quarters whose edges are counted.
const QUARTERS: usize = 2;
/// Frequencies of a texture, from coarse to fine.
const BANDS: usize = 8;
const BLOCK: usize = 8;
/// A difference below this is noise of the encoder.
const EDGE_MIN: i32 = 6;

/// Sums over frames.
#[derive(Default)]
struct Sums {
    frames: f32,
    layout: [[f32; CELL_COUNT]; 3],
    levels: [f32; LEVELS],
    colours: [f32; COLOURS],
    edges: [f32; QUARTERS * QUARTERS * DIRECTIONS],
    texture: [f32; BANDS],
    contrast: f32,
    saturation: f32,
    motion: [f32; CELL_COUNT],
    /// Change of layout from moment to moment.
    cuts: f32,
}

/// The picture part; none where no frame was sampled.
pub(super) fn part(samples: &Samples) -> Option<[f32; PICTURE_WIDTH]> {
    let mut sums = Sums::default();
    let mut before: Option<[f32; CELL_COUNT]> = None;
    for (first, second) in samples.moments() {
        sums.frames += 1.0;
        let layout = add_layout(&mut sums, first);
        if let Some(before) = before.replace(layout) {
            let change: f32 = before.iter().zip(layout).map(|(a, b)| (a - b).abs()).sum();
            sums.cuts += change / CELL_COUNT as f32;
        }
        add_colours(&mut sums, first);
        add_edges(&mut sums, first);
        add_texture(&mut sums, first);
        add_motion(&mut sums, first, second);
    }
    (sums.frames > 0.0).then(|| project(Seed::Picture, &features(&sums)))?
}

/// Blocks side by side. `usual` lengths and centres are what ordinary clips have; weights say how much each tells.
fn features(sums: &Sums) -> Vec<f32> {
    let per_frame = |sum: &f32| sum / sums.frames;
    let [bright, blue, red] = sums
        .layout
        .each_ref()
        .map(|plane| plane.map(|sum| per_frame(&sum) / 128.0));
    let mean = bright.iter().sum::<f32>() / CELL_COUNT as f32;
    let motion: f32 = sums.motion.iter().map(per_frame).sum::<f32>() / CELL_COUNT as f32;
    let texture = sums.texture.map(|sum| (1.0 + per_frame(&sum)).ln());
    let texture_mean = texture.iter().sum::<f32>() / BANDS as f32;
    let sloping = |(band, value): (usize, &f32)| value - texture_mean - 0.45 * (3.5 - band as f32);
    let colours = sums.colours.map(f32::sqrt);
    let colour_sum = sums.colours.iter().sum::<f32>().max(1.0).sqrt();
    let usual = |colour: usize| if colour == 0 { 0.65 } else { 0.14 };
    let scalars = [
        (mean - 0.8) * 1.5,
        (per_frame(&sums.contrast) - 45.0) / 30.0,
        (per_frame(&sums.saturation) - 16.0) / 14.0,
        ((1.0 + motion).ln() - 1.2) / 0.8,
        ((1.0 + per_frame(&sums.cuts)).ln() - 1.8) / 0.9,
        (texture_mean - 2.0) / 1.2,
    ];
    let mut out = Vec::with_capacity(160);
    block(&mut out, &bright.map(|value| value - mean), 0.4, 1.0);
    block(&mut out, &[blue, red].concat(), 0.25, 1.2);
    block(&mut out, &shares(&sums.levels), 0.3, 0.5);
    let colours: Vec<f32> = (0..COLOURS)
        .map(|at| colours[at] / colour_sum - usual(at))
        .collect();
    block(&mut out, &colours, 0.2, 1.1);
    block(&mut out, &shares(&sums.edges), 0.15, 0.8);
    let texture: Vec<f32> = texture.iter().enumerate().map(sloping).collect();
    block(&mut out, &texture, 0.5, 0.6);
    block(&mut out, &scalars.map(|value| value.clamp(-2.0, 2.0)), 0.8, 0.8);
    block(
        &mut out,
        &shares(&sums.motion),
        0.4,
        0.4 * (motion / (motion + 1.0)),
    );
    out
}

fn add_layout(sums: &mut Sums, frame: Frame<'_>) -> [f32; CELL_COUNT] {
    let mut bright = [0.0; CELL_COUNT];
    for (number, sum) in sums.layout.iter_mut().enumerate() {
        let middle = if number == 0 { 0.0 } else { 128.0 };
        let means = cells(frame.plane(number)).map(|mean| mean - middle);
        sum.iter_mut().zip(means).for_each(|(sum, mean)| *sum += mean);
        if number == 0 {
            bright = means;
        }
    }
    bright
}

/// Mean of each cell of a plane.
fn cells(plane: &[u8]) -> [f32; CELL_COUNT] {
    let side = SIDE / CELLS;
    let mut sums = [0u32; CELL_COUNT];
    for (at, &value) in plane.iter().enumerate() {
        sums[at / SIDE / side * CELLS + at % SIDE / side] += u32::from(value);
    }
    sums.map(|sum| sum as f32 / (side * side) as f32)
}

fn add_colours(sums: &mut Sums, frame: Frame<'_>) {
    let [bright, blue, red] = [0, 1, 2].map(|number| frame.plane(number));
    let (mut sum, mut squares, mut chroma_sum) = (0.0f32, 0.0f32, 0.0f32);
    for at in 0..PLANE {
        let level = f32::from(bright[at]);
        sums.levels[(bright[at] >> 5) as usize] += 1.0;
        sum += level;
        squares += level * level;
        let (x, y) = (f32::from(blue[at]) - 128.0, f32::from(red[at]) - 128.0);
        let chroma = (x * x + y * y).sqrt();
        chroma_sum += chroma;
        sums.colours[colour(x, y, chroma)] += 1.0;
    }
    let count = PLANE as f32;
    let mean = sum / count;
    sums.contrast += (squares / count - mean * mean).max(0.0).sqrt();
    sums.saturation += chroma_sum / count;
}

/// 0 is grey, then the pale hues, then the strong ones.
fn colour(x: f32, y: f32, chroma: f32) -> usize {
    match chroma {
        _ if chroma < CHROMA[0] => 0,
        _ if chroma < CHROMA[1] => 1 + eighth(x, y),
        _ => 1 + HUES + eighth(x, y),
    }
}

/// Which eighth of a turn a direction is in; by comparisons, which all machines make alike.
fn eighth(x: f32, y: f32) -> usize {
    let steep = usize::from(y.abs() > x.abs());
    match (x >= 0.0, y >= 0.0) {
        (true, true) => steep,
        (false, true) => 3 - steep,
        (false, false) => 4 + steep,
        (true, false) => 7 - steep,
    }
}

/// Directions of brightness gradients, by strength, in each quarter.
fn add_edges(sums: &mut Sums, frame: Frame<'_>) {
    let plane = frame.plane(0);
    for row in 1..SIDE - 1 {
        for column in 1..SIDE - 1 {
            let at = row * SIDE + column;
            let across = i32::from(plane[at + 1]) - i32::from(plane[at - 1]);
            let down = i32::from(plane[at + SIDE]) - i32::from(plane[at - SIDE]);
            let strength = across.abs() + down.abs();
            if strength < EDGE_MIN {
                continue;
            }
            // An edge has no front: opposite directions are one, so half a turn is cut into eight.
            let (x, y) = (across * across - down * down, 2 * across * down);
            let quarter = row * QUARTERS / SIDE * QUARTERS + column * QUARTERS / SIDE;
            sums.edges[quarter * DIRECTIONS + eighth(x as f32, y as f32)] += strength as f32;
        }
    }
}

/// Strength of each spatial frequency in blocks of 8 × 8 (a cosine transform).
fn add_texture(sums: &mut Sums, frame: Frame<'_>) {
    static COSINES: LazyLock<[[f32; BLOCK]; BLOCK]> = LazyLock::new(|| {
        let cosine = |wave: usize, at: usize| {
            let angle = std::f64::consts::PI * wave as f64 * (at as f64 + 0.5) / BLOCK as f64;
            (angle.cos() * if wave == 0 { 0.5f64.sqrt() } else { 1.0 } / 2.0) as f32
        };
        std::array::from_fn(|wave| std::array::from_fn(|at| cosine(wave, at)))
    });
    let (plane, cosines) = (frame.plane(0), &*COSINES);
    let per_block = ((SIDE / BLOCK) * (SIDE / BLOCK)) as f32;
    for corner in
        (0..SIDE / BLOCK).flat_map(|row| (0..SIDE / BLOCK).map(move |column| (row * SIDE + column) * BLOCK))
    {
        let mut rows = [[0.0f32; BLOCK]; BLOCK];
        for (line, row) in rows.iter_mut().enumerate() {
            let pixels = &plane[corner + line * SIDE..][..BLOCK];
            for (wave, out) in row.iter_mut().enumerate() {
                *out = pixels
                    .iter()
                    .zip(cosines[wave])
                    .map(|(&pixel, cosine)| f32::from(pixel) * cosine)
                    .sum();
            }
        }
        for (down, cosine) in cosines.iter().enumerate() {
            for across in usize::from(down == 0)..BLOCK {
                let column = rows.iter().map(|row| row[across]);
                let value: f32 = column.zip(cosine).map(|(value, cosine)| value * cosine).sum();
                let band = (down.max(across) + down.min(across) / 2).min(BANDS) - 1;
                sums.texture[band] += value.abs() / per_block;
            }
        }
    }
}

fn add_motion(sums: &mut Sums, first: Frame<'_>, second: Frame<'_>) {
    let mut change = [0u8; PLANE];
    for (out, (&a, &b)) in change.iter_mut().zip(first.plane(0).iter().zip(second.plane(0))) {
        *out = a.abs_diff(b);
    }
    sums.motion
        .iter_mut()
        .zip(cells(&change))
        .for_each(|(sum, mean)| *sum += mean);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directions_go_round_in_eighths() {
        let round = [
            (3.0, 1.0),
            (1.0, 3.0),
            (-1.0, 3.0),
            (-3.0, 1.0),
            (-3.0, -1.0),
            (-1.0, -3.0),
            (1.0, -3.0),
            (3.0, -1.0),
        ];
        for (expect, (x, y)) in round.into_iter().enumerate() {
            assert_eq!(eighth(x, y), expect, "{x} {y}");
        }
    }
}
