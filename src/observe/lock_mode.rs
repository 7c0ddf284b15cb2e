//! Table-level lock modes and which of them conflict.

use std::fmt;
use std::str::FromStr;

/// A table-level lock mode, weakest first, named as `pg_locks.mode` prints it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LockMode {
    /// SELECT.
    AccessShare,
    /// SELECT FOR UPDATE, the referenced table of a foreign key being validated.
    RowShare,
    /// INSERT, UPDATE, DELETE.
    RowExclusive,
    /// VACUUM, CREATE INDEX CONCURRENTLY, VALIDATE CONSTRAINT.
    ShareUpdateExclusive,
    /// CREATE INDEX.
    Share,
    /// ADD FOREIGN KEY, CREATE TRIGGER.
    ShareRowExclusive,
    /// REFRESH MATERIALIZED VIEW CONCURRENTLY.
    Exclusive,
    /// Most of ALTER TABLE, DROP, TRUNCATE.
    AccessExclusive,
}

impl LockMode {
    /// Every mode, weakest first.
    pub const ALL: [Self; 8] = [
        Self::AccessShare,
        Self::RowShare,
        Self::RowExclusive,
        Self::ShareUpdateExclusive,
        Self::Share,
        Self::ShareRowExclusive,
        Self::Exclusive,
        Self::AccessExclusive,
    ];

    /// Whether one transaction must wait for another that holds `other` on the same table
    /// (PostgreSQL documentation, table 13.2).
    pub fn conflicts_with(self, other: Self) -> bool {
        let (weaker, stronger) = if self <= other {
            (self, other)
        } else {
            (other, self)
        };
        match weaker {
            Self::AccessShare => stronger == Self::AccessExclusive,
            Self::RowShare => stronger >= Self::Exclusive,
            Self::RowExclusive => stronger >= Self::Share,
            Self::ShareUpdateExclusive => true,
            Self::Share => stronger != Self::Share,
            Self::ShareRowExclusive | Self::Exclusive | Self::AccessExclusive => true,
        }
    }
}

/// Whether a lock that somebody holds on a table can be why another waits for one of this type and
/// mode on it, all named as `pg_locks` prints them. Rows are locked by those who hold at least
/// `RowShareLock` on their table.
pub fn can_block(held: &str, (locktype, asked): (&str, &str)) -> bool {
    let Ok(held) = held.parse::<LockMode>() else {
        return false;
    };
    match locktype {
        "relation" => asked
            .parse()
            .is_ok_and(|asked: LockMode| asked.conflicts_with(held)),
        "tuple" | "transactionid" | "spectoken" | "extend" | "page" => held >= LockMode::RowShare,
        _ => false,
    }
}

impl fmt::Display for LockMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AccessShare => "AccessShareLock",
            Self::RowShare => "RowShareLock",
            Self::RowExclusive => "RowExclusiveLock",
            Self::ShareUpdateExclusive => "ShareUpdateExclusiveLock",
            Self::Share => "ShareLock",
            Self::ShareRowExclusive => "ShareRowExclusiveLock",
            Self::Exclusive => "ExclusiveLock",
            Self::AccessExclusive => "AccessExclusiveLock",
        })
    }
}

impl FromStr for LockMode {
    type Err = UnknownLockMode;

    fn from_str(text: &str) -> Result<Self, UnknownLockMode> {
        Self::ALL
            .into_iter()
            .find(|mode| mode.to_string() == text)
            .ok_or_else(|| UnknownLockMode(text.to_owned()))
    }
}

/// A mode that is none of a table's (`SIReadLock`).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a table-level lock mode")]
pub struct UnknownLockMode(pub String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_conflict_as_the_documentation_tables_them() {
        // Table 13.2, one row a mode, weakest first; X where the two conflict.
        let table = [
            ".......X", "......XX", "....XXXX", "...XXXXX", "..XX.XXX", "..XXXXXX", ".XXXXXXX",
            "XXXXXXXX",
        ];
        for (row, held) in table.iter().zip(LockMode::ALL) {
            for (cell, asked) in row.chars().zip(LockMode::ALL) {
                assert_eq!(
                    asked.conflicts_with(held),
                    cell == 'X',
                    "{asked} against {held}"
                );
            }
        }
    }

    #[test]
    fn rows_are_locked_by_those_who_may_write_them() {
        for (held, wait, blocks) in [
            ("RowExclusiveLock", ("transactionid", "ShareLock"), true),
            ("AccessShareLock", ("tuple", "ExclusiveLock"), false),
            ("RowExclusiveLock", ("relation", "ShareLock"), true),
            ("RowExclusiveLock", ("relation", "RowExclusiveLock"), false),
            ("SIReadLock", ("relation", "ShareLock"), false),
        ] {
            assert_eq!(can_block(held, wait), blocks, "{held} {wait:?}");
        }
    }

    #[test]
    fn modes_read_back_as_printed() {
        for mode in LockMode::ALL {
            assert_eq!(mode.to_string().parse(), Ok(mode));
        }
        assert!("SIReadLock".parse::<LockMode>().is_err());
    }
}
