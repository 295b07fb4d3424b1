//! How a video sounds: its spectrum on the mel scale, its pitches, its beat, and how much of it is silence.

use super::fft::{BINS, Fft, WINDOW};
use super::project::{Seed, block, part as project, shares};
use super::samples::SOUND_RATE_HZ;

/// Width of the sound part.
pub(super) const SOUND_WIDTH: usize = 20;

/// Bands of equal width on the mel scale.
pub(super) const MELS: usize = 32;
const LOWEST_HZ: f32 = 60.0;
const HIGHEST_HZ: f32 = 5_000.0;
/// Samples from window to window.
const HOP: usize = WINDOW / 2;
const PITCHES: usize = 12;
/// Octaves below and above hold noise and overtones.
const PITCH_HZ: std::ops::Range<f32> = 110.0..1_760.0;
const CONCERT_A_HZ: f32 = 440.0;
/// What is quieter counts as this loud, in decibels.
const FLOOR_DB: f32 = -70.0;
/// A clip that never gets louder is silent.
const SILENT_DB: f32 = -55.0;
/// Beats are looked for between these many windows apart: 0.23 to 1.49 s.
const BEAT: std::ops::Range<usize> = 5..33;

/// The spectrum over time.
pub(super) struct Heard {
    /// Decibels of each band in each window.
    pub(super) mels: Vec<[f32; MELS]>,
    pitches: [f32; PITCHES],
}

/// None for what is too short or silent.
pub(super) fn hear(sound: &[i16]) -> Option<Heard> {
    let (mut fft, mels_of, pitch_of) = (Fft::new(), mel_bins(), pitch_bins());
    let mut heard = Heard {
        mels: Vec::with_capacity(sound.len() / HOP + 1),
        pitches: [0.0; PITCHES],
    };
    let (mut window, mut power) = ([0.0; WINDOW], [0.0; BINS]);
    let mut loudest = FLOOR_DB;
    for start in (0..(sound.len() + 1).saturating_sub(WINDOW)).step_by(HOP) {
        for (sample, &value) in window.iter_mut().zip(&sound[start..]) {
            *sample = f32::from(value) / 32_768.0;
        }
        fft.power(&window, &mut power);
        let mels = mels_of.each_ref().map(|bins| {
            let sum: f32 = bins.iter().map(|&(bin, weight)| power[bin] * weight).sum();
            (10.0 * sum.max(1e-12).log10()).max(FLOOR_DB)
        });
        for &(bin, pitch) in &pitch_of {
            heard.pitches[pitch] += power[bin].sqrt();
        }
        loudest = mels.iter().copied().fold(loudest, f32::max);
        heard.mels.push(mels);
    }
    (loudest > SILENT_DB).then_some(heard)
}

/// The sound part.
pub(super) fn part(heard: &Heard) -> [f32; SOUND_WIDTH] {
    project(Seed::Sound, &features(heard)).unwrap_or([0.0; SOUND_WIDTH])
}

fn features(heard: &Heard) -> Vec<f32> {
    let count = heard.mels.len().max(1) as f32;
    let mut mean = [0.0f32; MELS];
    heard
        .mels
        .iter()
        .for_each(|mels| add(&mut mean, mels, 1.0 / count));
    let mut spread = [0.0f32; MELS];
    for mels in &heard.mels {
        let squares: [f32; MELS] = std::array::from_fn(|band| (mels[band] - mean[band]).powi(2));
        add(&mut spread, &squares, 1.0 / count);
    }
    let onsets = onsets(heard);
    let level = mean.iter().sum::<f32>() / MELS as f32;
    // Most sound falls by some 25 dB from the lowest to the highest band.
    let shape: [f32; MELS] =
        std::array::from_fn(|band| (mean[band] - level) / 10.0 - 1.25 + 2.5 * band as f32 / 31.0);
    let liveliness = spread.map(|squares| (squares.sqrt() - 9.0) / 6.0);
    let quiet = heard
        .mels
        .iter()
        .filter(|mels| mels.iter().all(|&band| band < SILENT_DB))
        .count();
    let onset = onsets.iter().sum::<f32>() / count;
    let scalars = [
        (level + 45.0) / 10.0,
        (onset - 1.5) / 1.0,
        (quiet as f32 / count - 0.1) * 3.0,
    ];
    let mut out = Vec::with_capacity(112);
    block(&mut out, &shape, 2.0, 1.2);
    block(&mut out, &liveliness, 2.0, 0.7);
    block(&mut out, &shares(&heard.pitches), 0.1, 0.8);
    block(&mut out, &beat(&onsets), 1.0, 0.6);
    block(&mut out, &scalars.map(|value| value.clamp(-2.0, 2.0)), 1.0, 0.5);
    out
}

/// How much louder each window is than the one before, over all bands.
fn onsets(heard: &Heard) -> Vec<f32> {
    let rise = |pair: &[[f32; MELS]]| {
        let bands = pair[0].iter().zip(&pair[1]);
        bands.map(|(before, now)| (now - before).max(0.0)).sum::<f32>() / MELS as f32
    };
    heard.mels.windows(2).map(rise).collect()
}

/// How alike the onsets are to themselves at each distance, −1 to 1.
fn beat(onsets: &[f32]) -> Vec<f32> {
    let mean = onsets.iter().sum::<f32>() / onsets.len().max(1) as f32;
    let centred: Vec<f32> = onsets.iter().map(|onset| onset - mean).collect();
    let whole: f32 = centred.iter().map(|value| value * value).sum::<f32>().max(1e-3);
    BEAT.map(|apart| {
        let later = centred.get(apart..).unwrap_or_default();
        centred.iter().zip(later).map(|(a, b)| a * b).sum::<f32>() / whole
    })
    .collect()
}

fn add(sums: &mut [f32; MELS], values: &[f32; MELS], weight: f32) {
    sums.iter_mut()
        .zip(values)
        .for_each(|(sum, value)| *sum += value * weight);
}

/// Triangles of equal width in mels, (bin, weight) each.
fn mel_bins() -> [Vec<(usize, f32)>; MELS] {
    let mel = |hz: f32| 2_595.0 * (1.0 + hz / 700.0).log10();
    let (low, high) = (mel(LOWEST_HZ), mel(HIGHEST_HZ));
    let width = (high - low) / (MELS + 1) as f32;
    std::array::from_fn(|band| {
        let centre = low + width * (band + 1) as f32;
        let weigh = |bin: usize| (bin, 1.0 - (mel(hz_of(bin)) - centre).abs() / width);
        let mut bins: Vec<_> = (1..BINS).map(weigh).filter(|&(_, weight)| weight > 0.0).collect();
        if bins.is_empty() {
            // The lowest bands are narrower than a bin.
            let nearest = (1..BINS).min_by(|&a, &b| {
                let off = |bin| (mel(hz_of(bin)) - centre).abs();
                off(a).total_cmp(&off(b))
            });
            bins.extend(nearest.map(|bin| (bin, 1.0)));
        }
        bins
    })
}

/// Bins that belong to a pitch, whatever its octave.
fn pitch_bins() -> Vec<(usize, usize)> {
    let pitch = |bin: usize| {
        let semitones = 12.0 * (hz_of(bin) / CONCERT_A_HZ).log2();
        (
            bin,
            (semitones.round() as i32).rem_euclid(PITCHES as i32) as usize,
        )
    };
    (1..BINS)
        .filter(|&bin| PITCH_HZ.contains(&hz_of(bin)))
        .map(pitch)
        .collect()
}

fn hz_of(bin: usize) -> f32 {
    (bin * SOUND_RATE_HZ) as f32 / WINDOW as f32
}

#[cfg(test)]
mod tests {
    use super::super::project::dot;
    use super::*;

    fn tone(hz: f32, beats: usize) -> Vec<i16> {
        let sample = |at: usize| {
            let on = beats == 0 || (at * beats / SOUND_RATE_HZ).is_multiple_of(2);
            let wave = (std::f32::consts::TAU * hz * at as f32 / SOUND_RATE_HZ as f32).sin();
            (wave * 9_000.0 * f32::from(u8::from(on))) as i16
        };
        (0..SOUND_RATE_HZ * 4).map(sample).collect()
    }

    #[test]
    fn alike_sounds_are_near_and_silence_is_none() {
        let of = |sound: &[i16]| hear(sound).map(|heard| part(&heard));
        let low = of(&tone(200.0, 4)).expect("a sound");
        let near = of(&tone(205.0, 4)).expect("a sound");
        let far = of(&tone(2_000.0, 0)).expect("a sound");
        assert!(
            dot(&low, &near) > dot(&low, &far) + 0.2,
            "{} {}",
            dot(&low, &near),
            dot(&low, &far)
        );
        assert!(of(&[0; 20_000]).is_none());
        assert!(of(&[9_000; 100]).is_none(), "shorter than a window");
    }
}
