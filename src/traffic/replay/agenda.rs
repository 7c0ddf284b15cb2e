//! What the sessions of one worker do, in the order in which it comes due.

use std::time::Duration;

use crate::sql::LoggedSession;

/// Something that a session does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Deed {
    /// It connects; in a later round one that is connected still forgets its state.
    Begin,
    /// It sends the transaction of this number.
    Send(usize),
    /// It disconnects.
    End,
}

/// A deed that comes due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    /// The session, as the worker counts its own from 0.
    pub(super) session: usize,
    pub(super) deed: Deed,
    /// Since the timeline's origin.
    pub(super) due: Duration,
}

/// The deeds of a log, again and again.
#[derive(Debug)]
pub(super) struct Agenda {
    /// In order: when, since the log's beginning, who and what.
    deeds: Vec<(Duration, usize, Deed)>,
    length: Duration,
    next: usize,
    /// When this round began, since the timeline's origin.
    round: Duration,
    repeat: bool,
}

impl Agenda {
    /// The deeds of some sessions of a log that is so long, once or for ever.
    pub(super) fn new<'a>(
        sessions: impl Iterator<Item = &'a LoggedSession>,
        (length, repeat): (Duration, bool),
        start: Duration,
    ) -> Self {
        let mut deeds = Vec::new();
        for (own, session) in sessions.enumerate() {
            let first = session.transactions.first().map(|first| first.at);
            let begin = first.map_or(session.start, |first| first.min(session.start));
            deeds.push((begin, own, Deed::Begin));
            let sends = session.transactions.iter().enumerate();
            deeds.extend(sends.map(|(index, sent)| (sent.at, own, Deed::Send(index))));
            deeds.extend(session.end.map(|end| (end.min(length), own, Deed::End)));
        }
        // Stable: what a session does at one moment stays in its order.
        deeds.sort_by_key(|&(at, ..)| at);
        Self {
            deeds,
            length,
            next: 0,
            round: start,
            repeat,
        }
    }

    /// When the next deed is due; none if there are no more.
    pub(super) fn next_due(&self) -> Option<Duration> {
        let (at, ..) = self.deeds.get(self.next)?;
        Some(self.round + *at)
    }

    /// Takes the next deed if it is due at `moment`.
    pub(super) fn take_due(&mut self, moment: Duration) -> Option<Entry> {
        let due = self.next_due().filter(|due| *due <= moment)?;
        let &(_, session, deed) = self.deeds.get(self.next)?;
        self.next += 1;
        if self.repeat && self.next == self.deeds.len() {
            self.next = 0;
            self.round += self.length;
        }
        Some(Entry { session, deed, due })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::LoggedTransaction;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn session(start: u64, end: Option<u64>, sends: &[u64]) -> LoggedSession {
        let transaction = |&at: &u64| LoggedTransaction {
            at: seconds(at),
            kind: 0,
            statements: Vec::new(),
        };
        LoggedSession {
            start: seconds(start),
            end: end.map(seconds),
            transactions: sends.iter().map(transaction).collect(),
        }
    }

    #[test]
    fn a_log_is_repeated_in_its_order() {
        let sessions = [session(0, None, &[0, 2, 2]), session(2, Some(9), &[1, 3])];
        let mut agenda = Agenda::new(sessions.iter(), (seconds(4), true), seconds(10));
        assert_eq!(agenda.next_due(), Some(seconds(10)));
        assert_eq!(agenda.take_due(seconds(9)), None);
        let mut taken = Vec::new();
        while let Some(Entry { session, deed, due }) = agenda.take_due(seconds(15)) {
            taken.push((due.as_secs(), session, deed));
        }
        use Deed::{Begin, End, Send};
        assert_eq!(
            taken,
            [
                (10, 0, Begin),
                (10, 0, Send(0)),
                // Its first transaction was before the second in which the log says that it began.
                (11, 1, Begin),
                (11, 1, Send(0)),
                (12, 0, Send(1)),
                (12, 0, Send(2)),
                (13, 1, Send(1)),
                (14, 1, End),
                (14, 0, Begin),
                (14, 0, Send(0)),
                (15, 1, Begin),
                (15, 1, Send(0)),
            ]
        );
        assert_eq!(agenda.next_due(), Some(seconds(16)));
    }

    #[test]
    fn a_log_may_be_sent_once() {
        let sessions = [session(0, None, &[0, 1])];
        let mut agenda = Agenda::new(sessions.iter(), (seconds(4), false), seconds(10));
        let mut taken = 0;
        while agenda.take_due(seconds(100)).is_some() {
            taken += 1;
        }
        assert_eq!((taken, agenda.next_due()), (3, None));
    }

    #[test]
    fn without_sessions_nothing_is_ever_due() {
        let mut agenda = Agenda::new([].iter(), (seconds(1), true), seconds(0));
        assert_eq!(agenda.next_due(), None);
        assert_eq!(agenda.take_due(seconds(100)), None);
    }
}
