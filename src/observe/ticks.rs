//! Availability of one kind of transaction, in ticks of 10 ms: three bits a tick, 135 kB an hour.

use std::time::Duration;

/// The length of a tick, and so the precision of [`Ticks::longest_outage`].
pub(super) const TICK: Duration = Duration::from_millis(10);

/// In which ticks requests were left waiting, and in which one succeeded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Ticks {
    waiting: Bits,
    succeeded: Bits,
    lost: Bits,
    /// The longest from due to success.
    slowest: Duration,
    /// The longest from due to an end without success.
    slowest_lost: Duration,
}

impl Ticks {
    /// Notes a request that came due, and its end.
    pub(super) fn ended(&mut self, (due, end): (Duration, Duration), succeeded: bool) {
        let took = end.saturating_sub(due);
        let (due, end) = (tick_of(due), tick_of(end));
        if succeeded {
            self.slowest = self.slowest.max(took);
            self.succeeded.set(end);
        } else {
            self.slowest_lost = self.slowest_lost.max(took);
            self.lost.set(due);
        }
        if !succeeded || end != due {
            self.waiting.set(due);
        }
    }

    /// Adds what another counted.
    pub(super) fn merge(&mut self, other: &Self) {
        let Self {
            waiting,
            succeeded,
            lost,
            slowest,
            slowest_lost,
        } = other;
        self.waiting.merge(waiting);
        self.succeeded.merge(succeeded);
        self.lost.merge(lost);
        self.slowest = self.slowest.max(*slowest);
        self.slowest_lost = self.slowest_lost.max(*slowest_lost);
    }

    /// Bytes that the ticks take.
    pub(super) fn heap_bytes(&self) -> usize {
        let bits = [&self.waiting, &self.succeeded, &self.lost];
        bits.map(|Bits(words)| words.capacity())
            .iter()
            .sum::<usize>()
            * size_of::<u64>()
    }

    /// The longest stretch within `[from, to)` without a success although one was due. A stretch
    /// starts in the first tick in which a request came due that did not succeed within that tick,
    /// and lasts to the tick of the next success, or to `to`. It is off by less than two ticks.
    ///
    /// Where all requests of a stretch but those of one tick succeeded in the end, it is no longer than these and the
    /// slowest of the others took: between two requests of a rare kind nobody knows how things stood.
    pub(super) fn longest_outage(&self, from: Duration, to: Duration) -> Duration {
        let mut longest = Duration::ZERO;
        let mut since: Option<(Duration, u32)> = None;
        let known_of_one = self.slowest_lost + self.slowest;
        let mut close = |since: &mut Option<(Duration, u32)>, end: Duration| {
            if let Some((start, lost)) = since.take() {
                let stretch = end.min(to).saturating_sub(start.max(from));
                longest = longest.max(match lost {
                    1 => stretch.min(known_of_one),
                    _ => stretch,
                });
            }
        };
        // Beyond `to`, too: what comes there tells how many were lost.
        for tick in 0..self.waiting.len().max(self.succeeded.len()) {
            let start = TICK * u32::try_from(tick).unwrap_or(u32::MAX);
            if self.succeeded.get(tick) {
                close(&mut since, start);
            }
            if self.waiting.get(tick) {
                let (_, lost) = since.get_or_insert((start, 0));
                *lost += u32::from(self.lost.get(tick));
            }
        }
        close(&mut since, to);
        longest
    }
}

fn tick_of(at: Duration) -> usize {
    usize::try_from(at.as_nanos() / TICK.as_nanos()).unwrap_or(usize::MAX)
}

/// A growing set of small numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Bits(Vec<u64>);

impl Bits {
    /// More ticks than this (a month) are not kept: a wrong clock must not eat the memory.
    const LIMIT: usize = 31 * 24 * 3_600 * 100;

    fn set(&mut self, index: usize) {
        let Self(words) = self;
        if index >= Self::LIMIT {
            return;
        }
        let word = index / 64;
        if words.len() <= word {
            words.resize(word + 1, 0);
        }
        if let Some(word) = words.get_mut(word) {
            *word |= 1 << (index % 64);
        }
    }

    fn get(&self, index: usize) -> bool {
        let Self(words) = self;
        words
            .get(index / 64)
            .is_some_and(|word| word & (1 << (index % 64)) != 0)
    }

    fn len(&self) -> usize {
        self.0.len() * 64
    }

    fn merge(&mut self, other: &Self) {
        let Self(words) = other;
        if self.0.len() < words.len() {
            self.0.resize(words.len(), 0);
        }
        for (own, word) in self.0.iter_mut().zip(words) {
            *own |= word;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn ticks(requests: &[(u64, Option<u64>)]) -> Ticks {
        let mut ticks = Ticks::default();
        for &(due, success) in requests {
            let end = success.unwrap_or(due + 2);
            ticks.ended((ms(due), ms(end)), success.is_some());
        }
        ticks
    }

    #[test]
    fn requests_answered_at_once_leave_no_outage() {
        let busy = ticks(&[(0, Some(1)), (100, Some(101)), (5_000, Some(5_002))]);
        assert_eq!(busy.longest_outage(ms(0), ms(6_000)), ms(0));
    }

    #[test]
    fn an_outage_lasts_from_the_first_due_to_the_next_success() {
        let stalled = ticks(&[
            (0, Some(1)),
            (1_000, Some(3_000)),
            (1_500, Some(3_000)),
            (3_010, Some(3_011)),
        ]);
        assert_eq!(stalled.longest_outage(ms(0), ms(6_000)), ms(2_000));
    }

    #[test]
    fn a_success_in_the_tick_in_which_the_outage_begins_does_not_hide_it() {
        let stalled = ticks(&[(1_000, Some(1_001)), (1_005, Some(4_000))]);
        assert_eq!(stalled.longest_outage(ms(0), ms(6_000)), ms(3_000));
    }

    #[test]
    fn failures_are_an_outage_and_the_window_clips_it() {
        let failing = ticks(&[(100, Some(101)), (1_000, None), (2_000, None)]);
        assert_eq!(failing.longest_outage(ms(0), ms(6_000)), ms(5_000));
        assert_eq!(failing.longest_outage(ms(1_500), ms(1_900)), ms(400));
        assert_eq!(failing.longest_outage(ms(0), ms(500)), ms(0));
    }

    #[test]
    fn one_lost_request_of_a_rare_kind_is_no_outage_up_to_the_next() {
        let rare = [(0, Some(1)), (5_000, None), (10_000, Some(10_020))];
        assert_eq!(ticks(&rare).longest_outage(ms(0), ms(12_000)), ms(22));
        let twice = [(5_000, None), (10_000, None), (15_000, Some(15_001))];
        assert_eq!(ticks(&twice).longest_outage(ms(0), ms(20_000)), ms(10_000));
        let queue = [(1_000, None), (1_500, Some(4_000)), (2_000, Some(4_000))];
        assert_eq!(ticks(&queue).longest_outage(ms(0), ms(5_000)), ms(2_502));
    }

    #[test]
    fn nothing_due_is_no_outage() {
        assert_eq!(Ticks::default().longest_outage(ms(0), ms(60_000)), ms(0));
    }
}
