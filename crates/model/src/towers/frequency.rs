//! How often an id comes, from the distance between its sightings (Yi et al. 2019, "Sampling-bias-corrected neural modeling").
//!
//! Cells are shared by hash: a collision makes an id look commoner, never rarer.

use crate::rng;
use crate::snapshot::{Decoder, Encoder, RestoreError};

/// Share of the newest distance in the running one.
const SHARE: f32 = 0.05;

/// Running distances in a fixed number of cells.
#[derive(Debug, Clone)]
pub(super) struct Frequency {
    /// Sighting number of the last one, 0 for none.
    last: Vec<f32>,
    distance: Vec<f32>,
    sightings: u64,
}

impl Frequency {
    pub fn new(cells: usize) -> Self {
        Self {
            last: vec![0.0; cells],
            distance: vec![0.0; cells],
            sightings: 0,
        }
    }

    fn cell(&self, id: u64) -> usize {
        rng::mix(id) as usize & (self.last.len() - 1)
    }

    /// Share of the stream that an id is thought to have; a new one is taken for rare.
    pub fn share(&self, id: u64) -> f32 {
        let cell = self.cell(id);
        if self.last[cell] == 0.0 {
            return 1.0 / (self.sightings + 1) as f32;
        }
        1.0 / self.distance[cell].max(1.0)
    }

    /// Notes a sighting; answers the share as it was thought before.
    pub fn see(&mut self, id: u64) -> f32 {
        let share = self.share(id);
        self.sightings += 1;
        let cell = self.cell(id);
        // f32 counts to 2²⁴ exactly; beyond that distances get coarse, so the count starts anew long before.
        let now = (self.sightings % WRAP) as f32 + 1.0;
        let last = self.last[cell];
        if last == 0.0 {
            self.distance[cell] = self.sightings as f32;
        } else {
            let passed = if now > last {
                now - last
            } else {
                now + WRAP as f32 - last
            };
            self.distance[cell] += SHARE * (passed - self.distance[cell]);
        }
        self.last[cell] = now;
        share
    }

    pub fn write(&self, out: &mut Encoder) {
        out.u64(self.sightings).f32s(&self.last).f32s(&self.distance);
    }

    pub fn read_back(&mut self, from: &mut Decoder<'_>) -> Result<(), RestoreError> {
        self.sightings = from.u64()?;
        from.fill(&mut self.last)?;
        from.fill(&mut self.distance)
    }
}

const WRAP: u64 = 1 << 23;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_follow_the_stream() {
        let mut frequency = Frequency::new(1 << 12);
        for i in 0..20_000_u64 {
            let common = i % 4 == 0;
            frequency.see(if common { 1 } else { 100 + rng::bits(1, 1, i) % 300 });
        }
        let common = frequency.share(1);
        assert!((common - 0.25).abs() < 0.02, "{common}");
        let rare = (100..400).map(|id| frequency.share(id)).sum::<f32>() / 300.0;
        assert!((rare - 0.75 / 300.0).abs() < 0.002, "{rare}");
        assert!(frequency.share(9_999_999) < 0.02);
    }
}
