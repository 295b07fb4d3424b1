//! The power spectrum of one window of sound: a radix-2 transform of fixed size (Cooley and Tukey, 1965).

/// Samples of a window, a power of two.
pub(super) const WINDOW: usize = 1024;
/// Frequencies of a spectrum, from 0 to half the rate.
pub(super) const BINS: usize = WINDOW / 2 + 1;

/// The tables of the transform and room to work in.
pub(super) struct Fft {
    /// Hann.
    window: Vec<f32>,
    /// Cosine and sine of the k-th of [`WINDOW`] parts of a turn.
    turns: Vec<(f32, f32)>,
    work: Vec<(f32, f32)>,
}

impl Fft {
    pub(super) fn new() -> Self {
        let angle = |at: usize| std::f64::consts::TAU * at as f64 / WINDOW as f64;
        Self {
            window: (0..WINDOW)
                .map(|at| (0.5 - 0.5 * angle(at).cos()) as f32)
                .collect(),
            turns: (0..WINDOW / 2)
                .map(|at| (angle(at).cos() as f32, -angle(at).sin() as f32))
                .collect(),
            work: vec![(0.0, 0.0); WINDOW],
        }
    }

    /// The power of each frequency in [`WINDOW`] samples; a sine at full scale (1.0) has about a quarter in its bin.
    pub(super) fn power(&mut self, samples: &[f32], out: &mut [f32; BINS]) {
        for (at, (sample, window)) in samples.iter().zip(&self.window).enumerate() {
            let place = at.reverse_bits() >> (usize::BITS - WINDOW.trailing_zeros());
            self.work[place] = (sample * window, 0.0);
        }
        let mut half = 1;
        while half < WINDOW {
            let stride = WINDOW / 2 / half;
            for group in self.work.chunks_exact_mut(half * 2) {
                let (low, high) = group.split_at_mut(half);
                for (at, (a, b)) in low.iter_mut().zip(high).enumerate() {
                    let (cos, sin) = self.turns[at * stride];
                    let turned = (b.0 * cos - b.1 * sin, b.0 * sin + b.1 * cos);
                    *b = (a.0 - turned.0, a.1 - turned.1);
                    *a = (a.0 + turned.0, a.1 + turned.1);
                }
            }
            half *= 2;
        }
        let scale = 4.0 / (WINDOW * WINDOW) as f32;
        for (power, (re, im)) in out.iter_mut().zip(&self.work) {
            *power = (re * re + im * im) * scale;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_stands_in_its_bin() {
        let mut fft = Fft::new();
        for bin in [3usize, 40, 200, 500] {
            let tone = |at: usize| (std::f64::consts::TAU * (bin * at) as f64 / WINDOW as f64).sin() as f32;
            let samples: Vec<f32> = (0..WINDOW).map(tone).collect();
            let mut power = [0.0; BINS];
            fft.power(&samples, &mut power);
            assert!((power[bin] - 0.25).abs() < 0.001, "{bin}: {}", power[bin]);
            let elsewhere: f32 = power
                .iter()
                .enumerate()
                .filter(|(at, _)| at.abs_diff(bin) > 1)
                .map(|(_, power)| power)
                .sum();
            assert!(elsewhere < 1e-6, "{bin}: {elsewhere}");
        }
    }
}
