//! What a filter takes out of a batch, each with its reason. It counts; it does not move candidates.

/// Reasons of one filter at most; what comes beyond counts under the last of them.
pub const REASONS_MAX: usize = 16;

const KEPT: u8 = 0;

/// One verdict a candidate. A reason is a short word of few values.
#[derive(Debug, Default)]
pub struct Removals {
    /// 0: stays; else one more than the place of the reason.
    verdicts: Vec<u8>,
    reasons: Vec<(&'static str, usize)>,
}

impl Removals {
    /// For `len` candidates, none of them removed.
    pub(crate) fn begin(&mut self, len: usize) {
        self.verdicts.clear();
        self.verdicts.resize(len, KEPT);
        self.reasons.clear();
    }

    /// Takes out the candidate at `place`; the first reason stands. A place that does not exist is ignored.
    pub fn remove(&mut self, place: usize, reason: &'static str) {
        let Some(verdict) = self.verdicts.get_mut(place).filter(|verdict| **verdict == KEPT) else {
            return;
        };
        let known = self.reasons.iter().position(|(known, _)| *known == reason);
        let at = known.unwrap_or_else(|| {
            if self.reasons.len() < REASONS_MAX {
                self.reasons.push((reason, 0));
            }
            self.reasons.len() - 1
        });
        self.reasons[at].1 += 1;
        *verdict = at as u8 + 1;
    }

    /// Whether the candidate at `place` stays so far.
    pub fn is_kept(&self, place: usize) -> bool {
        self.verdicts.get(place) == Some(&KEPT)
    }

    /// How many go.
    pub fn count(&self) -> usize {
        self.reasons.iter().map(|(_, count)| count).sum()
    }

    /// Reasons and how many each took.
    pub(crate) fn reasons(&self) -> &[(&'static str, usize)] {
        &self.reasons
    }

    pub(crate) fn reason_at(&self, place: usize) -> Option<&'static str> {
        let verdict = usize::from(*self.verdicts.get(place)?);
        self.reasons
            .get(verdict.checked_sub(1)?)
            .map(|(reason, _)| *reason)
    }
}
