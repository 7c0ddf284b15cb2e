//! Which statements a connection has prepared, and under which names.

use std::collections::BTreeMap;

/// What a statement is known by: its transaction and its place therein.
pub type Key = (usize, usize);

/// The server's names of prepared statements: numbers, none of which is used twice.
#[derive(Debug, Default)]
pub(super) struct Prepared {
    /// Few enough that to compare is less work than to hash.
    entries: BTreeMap<Key, Entry>,
    last: u32,
    /// Names that the server may still know and nobody uses any more.
    stale: Vec<u32>,
}

#[derive(Debug)]
struct Entry {
    number: u32,
    /// The exchange whose answers will show whether the server has it; none once it has. Until then
    /// only what is sent in the same exchange may rely on it: after an error the server skips the rest
    /// of an exchange.
    exchange: Option<u64>,
}

impl Prepared {
    /// The number of a statement that can be relied on in this exchange.
    pub(super) fn find(&self, key: Key, exchange: u64) -> Option<u32> {
        let entry = self.entries.get(&key)?;
        let sure = entry.exchange.is_none_or(|since| since == exchange);
        sure.then_some(entry.number)
    }

    /// A number for a statement that is prepared in this exchange.
    pub(super) fn add(&mut self, key: Key, exchange: u64) -> u32 {
        self.last = self.last.wrapping_add(1);
        let entry = Entry {
            number: self.last,
            exchange: Some(exchange),
        };
        if let Some(replaced) = self.entries.insert(key, entry) {
            self.stale.push(replaced.number);
        }
        self.last
    }

    /// The server has prepared it.
    pub(super) fn confirm(&mut self, key: Key, number: u32) {
        if let Some(entry) = self.entries.get_mut(&key)
            && entry.number == number
        {
            entry.exchange = None;
        }
    }

    /// The statement is to be prepared anew next time, unless it has been already.
    pub(super) fn forget(&mut self, key: Key, number: u32) {
        if self.entries.get(&key).is_some_and(|e| e.number == number) {
            self.entries.remove(&key);
            self.stale.push(number);
        }
    }

    /// The same for a statement that the server has been asked to prepare, if it has not.
    pub(super) fn forget_unconfirmed(&mut self, key: Key, number: u32) {
        if self.entries.get(&key).is_some_and(|e| e.exchange.is_some()) {
            self.forget(key, number);
        }
    }

    /// The server has none any more.
    pub(super) fn clear(&mut self) {
        self.entries.clear();
        self.stale.clear();
    }

    /// Numbers whose statements are to be closed.
    pub(super) fn take_stale(&mut self) -> std::vec::Drain<'_, u32> {
        self.stale.drain(..)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Key = (3, 1);

    #[test]
    fn what_is_not_confirmed_counts_in_its_own_exchange_only() {
        let mut prepared = Prepared::default();
        assert_eq!(prepared.find(KEY, 0), None);
        let first = prepared.add(KEY, 0);
        assert_eq!(prepared.find(KEY, 0), Some(first));
        assert_eq!(prepared.find(KEY, 1), None);
        let second = prepared.add(KEY, 1);
        assert_ne!(first, second);
        // The answer to the first comes late: the second is not there for that.
        prepared.confirm(KEY, first);
        assert_eq!(prepared.find(KEY, 2), None);
        prepared.confirm(KEY, second);
        assert_eq!(prepared.find(KEY, 2), Some(second));
        assert_eq!(prepared.take_stale().collect::<Vec<_>>(), [first]);
    }

    #[test]
    fn what_is_forgotten_is_closed_and_numbered_anew() {
        let mut prepared = Prepared::default();
        let first = prepared.add(KEY, 0);
        prepared.confirm(KEY, first);
        prepared.forget(KEY, first + 1);
        assert_eq!(prepared.find(KEY, 9), Some(first));
        prepared.forget(KEY, first);
        assert_eq!(prepared.find(KEY, 9), None);
        assert_eq!(prepared.take_stale().collect::<Vec<_>>(), [first]);
        assert_ne!(prepared.add(KEY, 9), first);
    }
}
