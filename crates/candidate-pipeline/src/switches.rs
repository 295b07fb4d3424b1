//! Which stages run for whom: a share of people for each named stage, changeable while requests run. Who belongs to a share follows
//! from the stage's name and the person alone, so it stays the same over requests and restarts, and shares of two stages are independent.
//! And which stages are broken on purpose ([`Fault`]), for tests of what a request is without them.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::RwLock;
use types::Fault;

use crate::stage::StageError;

/// Why a switch cannot be set.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SwitchError {
    #[error("there is no component `{name}`; there are: {known}")]
    Unknown { name: String, known: String },
    #[error("`{0}` protects people and cannot be switched off")]
    Fixed(&'static str),
    #[error("the share of `{name}` is {share}, it must be between 0 (off) and 1 (on for everybody)")]
    Share { name: String, share: f32 },
    #[error("`{0}` does not wait for anything, so it cannot hang; break it with error or panic")]
    NeverWaits(&'static str),
}

/// How one stage stands.
#[derive(Debug, Clone, Copy)]
struct Standing {
    share: f32,
    fault: Option<Fault>,
}

const WHOLE: Standing = Standing {
    share: 1.0,
    fault: None,
};

type Standings = BTreeMap<&'static str, Standing>;

/// By stage; a stage that is not named is whole and runs for everybody.
#[derive(Debug, Default)]
pub struct Switches(RwLock<Arc<Standings>>);

/// The switches as they stood when a request began.
#[derive(Clone)]
pub(crate) struct Positions(Arc<Standings>);

impl Switches {
    pub(crate) fn set(&self, stage: &'static str, share: f32) {
        self.change(stage, |standing| standing.share = share);
    }

    pub(crate) fn set_fault(&self, stage: &'static str, fault: Option<Fault>) {
        self.change(stage, |standing| standing.fault = fault);
    }

    fn change(&self, stage: &'static str, change: impl FnOnce(&mut Standing)) {
        let mut standings = self.0.write();
        change(Arc::make_mut(&mut standings).entry(stage).or_insert(WHOLE));
    }

    pub(crate) fn share(&self, stage: &str) -> f32 {
        self.positions().of(stage).share
    }

    pub(crate) fn fault(&self, stage: &str) -> Option<Fault> {
        self.positions().of(stage).fault
    }

    pub(crate) fn positions(&self) -> Positions {
        Positions(self.0.read().clone())
    }
}

impl Positions {
    fn of(&self, stage: &str) -> Standing {
        self.0.get(stage).copied().unwrap_or(WHOLE)
    }

    pub(crate) fn is_on(&self, stage: &str, unit: u64) -> bool {
        let share = self.of(stage).share;
        share >= 1.0 || place(stage, unit) < f64::from(share)
    }

    /// Fails, or panics, where the stage is broken on purpose. A stage that waits for nothing cannot hang.
    pub(crate) fn strike(&self, stage: &str) -> Result<(), StageError> {
        match self.of(stage).fault {
            None | Some(Fault::Hang) => Ok(()),
            Some(Fault::Error) => Err(StageError("broken on purpose".into())),
            Some(Fault::Panic) => panic!("`{stage}` is broken on purpose"),
        }
    }

    /// The same for a stage that may wait: it may also never come back.
    pub(crate) async fn strike_waiting(&self, stage: &str) -> Result<(), StageError> {
        match self.of(stage).fault {
            Some(Fault::Hang) => std::future::pending().await,
            _ => self.strike(stage),
        }
    }
}

/// Where a person stands for a stage, even in [0, 1): FNV-1a over the name, then the finishing steps of splitmix64.
fn place(stage: &str, unit: u64) -> f64 {
    let fold = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    let mut x = stage.bytes().fold(0xcbf2_9ce4_8422_2325, fold) ^ unit;
    x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^= x >> 31;
    (x >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST_OF_B: [u64; 9] = [0, 1, 6, 7, 8, 9, 11, 14, 15];

    #[test]
    fn a_share_is_of_its_size_sticky_and_independent_of_other_stages() {
        let switches = Switches::default();
        switches.set("a", 0.3);
        switches.set("b", 0.5);
        switches.set("off", 0.0);
        let now = switches.positions();
        let on = |stage: &str| (0..20_000).filter(|&unit| now.is_on(stage, unit)).count();
        assert_eq!((on("off"), on("unnamed")), (0, 20_000));
        assert!((5_700..6_300).contains(&on("a")), "{}", on("a"));
        let both = (0..20_000).filter(|&unit| now.is_on("a", unit) && now.is_on("b", unit));
        assert!((2_700..3_300).contains(&both.count()));
        // Written down once: an assignment must not change with a version of the program.
        let first: Vec<u64> = (0..16).filter(|&unit| now.is_on("b", unit)).collect();
        assert_eq!(first, FIRST_OF_B);
    }
}
