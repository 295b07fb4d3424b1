//! Windows by bins: sums of fixed stretches of event time, of which the newest are kept.
//!
//! A tumbling window is one bin; a sliding window is the newest few. A correction of a bin that is still kept lands in its place.

/// Sums of `A` by bins of `width_ms`, oldest first, never an empty one in between that was not touched.
///
/// Which bins are kept depends only on the newest one ever touched, so the order of additions does not matter:
/// an addition to a bin that has left, or that a newer one has pushed out, changes nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bins<A> {
    /// (bin number, sum), ascending.
    bins: Vec<(i64, A)>,
}

impl<A: Default> Bins<A> {
    /// From stored (bin number, sum) pairs; None unless ascending.
    pub fn from_parts(bins: Vec<(i64, A)>) -> Option<Self> {
        bins.windows(2)
            .all(|pair| pair[0].0 < pair[1].0)
            .then_some(Self { bins })
    }

    /// (bin number, sum), ascending. A bin covers `number * width_ms` up to, exclusively, the next.
    pub fn parts(&self) -> &[(i64, A)] {
        &self.bins
    }

    /// The number of the bin that covers `at_ms`.
    pub fn number(at_ms: i64, width_ms: i64) -> i64 {
        at_ms.div_euclid(width_ms.max(1))
    }

    /// The sum of bin `number`, to add to; keeps the newest `count_max` bin numbers and forgets older bins. None when `number`
    /// is older than what is kept.
    pub fn entry(&mut self, number: i64, count_max: usize) -> Option<&mut A> {
        // The newest bin is the one that is nearly always meant.
        if self.bins.last().is_some_and(|(newest, _)| *newest == number) {
            return self.bins.last_mut().map(|(_, sum)| sum);
        }
        let newest = self.bins.last().map_or(number, |(newest, _)| *newest).max(number);
        let oldest_kept = newest.saturating_sub(count_max as i64 - 1);
        if number < oldest_kept {
            return None;
        }
        self.forget_before(oldest_kept);
        let at = match self.bins.binary_search_by_key(&number, |(number, _)| *number) {
            Ok(at) => at,
            Err(at) => {
                self.bins.insert(at, (number, A::default()));
                at
            }
        };
        Some(&mut self.bins[at].1)
    }

    /// Drops bins before `number`.
    pub fn forget_before(&mut self, number: i64) {
        let kept_from = self.bins.partition_point(|(bin, _)| *bin < number);
        self.bins.drain(..kept_from);
    }

    /// The bins from number `first` to `last`, both included.
    pub fn range(&self, first: i64, last: i64) -> impl Iterator<Item = (i64, &A)> {
        let from = self.bins.partition_point(|(bin, _)| *bin < first);
        self.bins[from..]
            .iter()
            .take_while(move |(bin, _)| *bin <= last)
            .map(|(bin, sum)| (*bin, sum))
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.bins.is_empty()
    }

    /// Bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        self.bins.capacity() * size_of::<(i64, A)>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn added(numbers: &[i64], count_max: usize) -> Vec<(i64, u64)> {
        let mut bins: Bins<u64> = Bins::default();
        for &number in numbers {
            if let Some(sum) = bins.entry(number, count_max) {
                *sum += 1;
            }
        }
        bins.parts().to_vec()
    }

    #[test]
    fn additions_commute() {
        let check = |numbers: &[i64], expect: &[(i64, u64)]| {
            let (forward, mut turned) = (added(numbers, 3), numbers.to_vec());
            turned.reverse();
            assert_eq!(forward, expect, "{numbers:?}");
            let kept = |bins: Vec<(i64, u64)>| {
                bins.into_iter()
                    .filter(|(bin, _)| *bin > expect[expect.len() - 1].0 - 3)
            };
            assert!(kept(added(&turned, 3)).eq(expect.iter().copied()), "{turned:?}");
        };
        check(&[1, 1, 2, 3], &[(1, 2), (2, 1), (3, 1)]);
        check(&[1, 5, 1], &[(5, 1)]);
        check(&[-2, -1, -1], &[(-2, 1), (-1, 2)]);
        check(&[4, 2, 3, 2, 9, 7], &[(7, 1), (9, 1)]);
    }

    #[test]
    fn a_bin_covers_its_stretch_also_before_the_epoch() {
        let check = |at_ms: i64, expect: i64| assert_eq!(Bins::<u64>::number(at_ms, 300_000), expect);
        check(0, 0);
        check(299_999, 0);
        check(300_000, 1);
        check(-1, -1);
    }

    #[test]
    fn a_range_is_what_lies_in_it() {
        let mut bins: Bins<u64> = Bins::default();
        for number in [1, 3, 4] {
            *bins.entry(number, 10).expect("is kept") += number as u64;
        }
        let sum = |first, last| bins.range(first, last).map(|(_, sum)| *sum).sum::<u64>();
        assert_eq!((sum(1, 4), sum(2, 3), sum(5, 9), sum(0, 1)), (8, 3, 0, 1));
        assert!(Bins::from_parts(vec![(2, 0_u64), (2, 0)]).is_none());
    }
}
