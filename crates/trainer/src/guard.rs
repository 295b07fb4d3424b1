//! The brake: when answers have been much worse than usual for a minute, nothing more is published until they are well again.
//!
//! The loss of the answers given before learning is averaged over slices of event time and compared with its own running mean and
//! spread. Learning goes on meanwhile; what readers get is the last version from before. A change of the world that stays becomes
//! the new usual after half an hour, so nobody has to release the brake by hand. Losses that are no numbers stop at once.

use model::snapshot::{Decoder, Encoder, RestoreError};

/// When the brake is pulled.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GuardConfig {
    /// Standard deviations above the mean that are too many.
    pub sigmas: f64,
    /// Event time for which that must last, seconds.
    pub seconds: u32,
    /// Losses that a slice needs at least; it lasts a second at least.
    pub slice_losses_min: u32,
    /// Slices that the mean is learned from before anything is judged.
    pub slices_min: u32,
    /// Event time in which the mean forgets half, seconds.
    pub half_life_s: u32,
    /// Event time after which what was too much becomes usual, seconds.
    pub usual_after_s: u32,
}

impl Default for GuardConfig {
    fn default() -> Self {
        Self {
            sigmas: 3.0,
            seconds: 60,
            slice_losses_min: 64,
            slices_min: 30,
            half_life_s: 600,
            usual_after_s: 1_800,
        }
    }
}

/// The least spread that is believed, as a share of the mean.
const SPREAD_MIN: f64 = 0.01;

#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Slice {
    begun_s: u32,
    losses: u32,
    sum: f64,
}

/// See the module.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Guard {
    config: GuardConfig,
    slice: Slice,
    /// Slices judged, at most `slices_min`.
    slices: u32,
    mean: f64,
    variance: f64,
    last_s: u32,
    /// Since when slices are too bad, without one that is well between.
    bad_since_s: Option<u32>,
    holds: bool,
    /// Times it was pulled.
    pulls: u64,
}

impl Guard {
    pub(crate) fn new(config: GuardConfig) -> Self {
        Self {
            config,
            slice: Slice::default(),
            slices: 0,
            mean: 0.0,
            variance: 0.0,
            last_s: 0,
            bad_since_s: None,
            holds: false,
            pulls: 0,
        }
    }

    /// Whether publishing must wait.
    pub(crate) fn holds(&self) -> bool {
        self.holds
    }

    /// Times it was pulled.
    pub(crate) fn pulls(&self) -> u64 {
        self.pulls
    }

    /// Notes the loss of one example, in event time that may go back a little.
    pub(crate) fn note(&mut self, at_s: u32, loss: f64) {
        if !loss.is_finite() {
            self.pull();
            self.bad_since_s.get_or_insert(at_s);
            return;
        }
        let slice = &mut self.slice;
        if slice.losses == 0 {
            slice.begun_s = at_s;
        }
        slice.losses += 1;
        slice.sum += loss;
        if slice.losses >= self.config.slice_losses_min && at_s > slice.begun_s {
            let Slice { losses, sum, .. } = std::mem::take(slice);
            self.judge(at_s, sum / f64::from(losses));
        }
    }

    fn judge(&mut self, at_s: u32, loss: f64) {
        let passed_s = at_s.saturating_sub(self.last_s).max(1);
        self.last_s = self.last_s.max(at_s);
        if self.slices < self.config.slices_min {
            self.slices += 1;
            self.learn(loss, 1.0 / f64::from(self.slices));
            return;
        }
        let spread = self.variance.sqrt().max(SPREAD_MIN * self.mean.abs());
        let too_much = self.mean + self.config.sigmas * spread;
        let well = self.mean + self.config.sigmas * spread * 2.0 / 3.0;
        if loss > too_much {
            self.bad_since_s.get_or_insert(at_s);
        } else if loss <= well {
            self.bad_since_s = None;
        }
        let bad_s = self.bad_since_s.map(|since_s| at_s.saturating_sub(since_s));
        match bad_s {
            None => {
                self.holds = false;
                let forgotten = 0.5_f64.powf(f64::from(passed_s) / f64::from(self.config.half_life_s.max(1)));
                self.learn(loss, (1.0 - forgotten).max(1.0 / 4096.0));
            }
            Some(bad_s) if bad_s >= self.config.usual_after_s => {
                self.bad_since_s = None;
                self.holds = false;
                self.slices = 0;
            }
            Some(bad_s) if bad_s >= self.config.seconds => self.pull(),
            Some(_) => {}
        }
    }

    fn pull(&mut self) {
        self.pulls += u64::from(!self.holds);
        self.holds = true;
    }

    fn learn(&mut self, loss: f64, share: f64) {
        let off = loss - self.mean;
        self.mean += share * off;
        self.variance = (1.0 - share) * (self.variance + share * off * off);
    }

    pub(crate) fn write(&self, out: &mut Encoder) {
        out.u32(self.slice.begun_s)
            .u32(self.slice.losses)
            .u64(self.slice.sum.to_bits());
        out.u32(self.slices)
            .u64(self.mean.to_bits())
            .u64(self.variance.to_bits());
        out.u32(self.last_s).u8(u8::from(self.bad_since_s.is_some()));
        out.u32(self.bad_since_s.unwrap_or(0))
            .u8(u8::from(self.holds))
            .u64(self.pulls);
    }

    pub(crate) fn read_back(&mut self, from: &mut Decoder<'_>) -> Result<(), RestoreError> {
        self.slice = Slice {
            begun_s: from.u32()?,
            losses: from.u32()?,
            sum: f64::from_bits(from.u64()?),
        };
        self.slices = from.u32()?;
        self.mean = f64::from_bits(from.u64()?);
        self.variance = f64::from_bits(from.u64()?);
        self.last_s = from.u32()?;
        let is_bad = from.u8()? != 0;
        let since_s = from.u32()?;
        self.bad_since_s = is_bad.then_some(since_s);
        self.holds = from.u8()? != 0;
        self.pulls = from.u64()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use model::rng;

    use super::*;

    /// Feeds 100 losses a second around `mean` from `from_s` on; the seconds in which it held.
    fn feed(guard: &mut Guard, from_s: u32, seconds: u32, mean: f64) -> Vec<u32> {
        let mut held = Vec::new();
        for at_s in from_s..from_s + seconds {
            for i in 0..100 {
                let noise = f64::from(rng::symmetric(1, u64::from(at_s), i));
                guard.note(at_s, mean * (1.0 + 0.5 * noise));
            }
            if guard.holds() {
                held.push(at_s);
            }
        }
        held
    }

    #[test]
    fn it_holds_after_a_bad_minute_and_lets_go_by_itself() {
        let mut guard = Guard::new(GuardConfig::default());
        assert!(feed(&mut guard, 1_000, 600, 0.5).is_empty());
        assert!(
            feed(&mut guard, 1_600, 30, 0.8).is_empty(),
            "half a minute is not enough"
        );
        assert!(feed(&mut guard, 1_630, 300, 0.5).is_empty());
        let held = feed(&mut guard, 1_930, 200, 0.8);
        let begun_s = held.first().copied().expect("it holds");
        assert!((1_985..2_000).contains(&begun_s), "{begun_s}");
        assert_eq!(guard.pulls(), 1);
        let held = feed(&mut guard, 2_130, 100, 0.5);
        assert!(held.len() < 5, "{held:?}");
        assert_eq!(guard.pulls(), 1);
    }

    #[test]
    fn a_change_that_stays_becomes_usual() {
        let mut guard = Guard::new(GuardConfig::default());
        feed(&mut guard, 0, 600, 0.5);
        let held = feed(&mut guard, 600, 3_600, 0.9);
        let (first, last) = (held[0], *held.last().expect("it held"));
        assert!((1_700..1_800).contains(&(last - first)), "{first} to {last}");
        assert!(feed(&mut guard, 4_200, 600, 0.9).is_empty());
    }

    #[test]
    fn no_number_stops_at_once_and_the_state_comes_back() {
        let mut guard = Guard::new(GuardConfig::default());
        feed(&mut guard, 0, 100, 0.5);
        guard.note(100, f64::INFINITY);
        assert!(guard.holds());
        feed(&mut guard, 100, 1, 0.5);
        let mut out = Encoder::default();
        guard.write(&mut out);
        let mut back = Guard::new(GuardConfig::default());
        back.read_back(&mut Decoder::new(&out.end())).expect("reads");
        assert_eq!(back, guard);
    }
}
