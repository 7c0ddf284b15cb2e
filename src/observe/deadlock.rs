//! Deadlocks: who was ended, and whom it was entangled with.
//!
//! The server ends one session and tells it the ring of those that waited for each other, by their
//! processes. Whose sessions these were, the lock samples tell: a ring stands for `deadlock_timeout`
//! before the server looks for it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Migration;
use super::lock_sample::LockSample;
use super::locks::{Locks, MIGRATION, OTHER};
use crate::units::seconds;

/// The SQLSTATE of a session that was ended to break a deadlock.
pub const DEADLOCK_DETECTED: &str = "40P01";

/// A deadlock that the server broke.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deadlock {
    /// When, since the baseline began.
    #[serde(with = "seconds")]
    pub at: Duration,
    /// Who was ended: the transaction's name in the scenario, or `migration`.
    pub victim: String,
    /// The migration's statement that took part, from 0; none where it had no part in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement: Option<usize>,
    /// All who waited for each other, the victim first, each for the next one and the last for the
    /// first. Empty where the server did not tell.
    pub partners: Vec<DeadlockPartner>,
}

impl Deadlock {
    /// Whether the migration's session was ended or stood in the way.
    pub fn involves_migration(&self) -> bool {
        self.victim == MIGRATION || self.partners.iter().any(|partner| partner.who == MIGRATION)
    }
}

/// One session of a deadlock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadlockPartner {
    /// The transaction's name in the scenario, `migration`, a disturbance, or `other`.
    pub who: String,
    /// What it waited for, as `pg_locks.locktype`: `relation`, `transactionid`, `tuple`, ….
    pub waits_for: String,
    /// Schema-qualified relation, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relation: Option<String>,
    /// The mode that it asked for, as `pg_locks.mode`.
    pub mode: String,
    /// Its backend's process id.
    pub pid: i32,
}

/// A deadlock as the session that was ended was told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadlockReport {
    /// When, since the timeline's origin.
    pub at: Duration,
    /// Whose session was ended.
    pub victim: String,
    /// The migration's statement that was ended.
    pub statement: Option<usize>,
    /// What the server said, with its detail.
    pub message: String,
}

/// What requests were told that the server ended to break deadlocks.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct DeadlockLog {
    /// The kind of transaction that was ended, when, and what it was told.
    kept: Vec<(usize, Duration, String)>,
    seen: u64,
}

impl DeadlockLog {
    /// Counts one, and keeps what was said as long as there are few.
    pub(super) fn told(&mut self, transaction: usize, at: Duration, message: &str) {
        self.seen += 1;
        if self.kept.len() < Locks::KEPT {
            self.kept.push((transaction, at, message.to_owned()));
        }
    }

    /// Those that were kept, with the transactions' names; and how many there were.
    pub(super) fn reports(&self, names: &[String]) -> (Vec<DeadlockReport>, u64) {
        let reports = self.kept.iter().map(|(kind, at, message)| {
            let name = names.get(*kind);
            DeadlockReport {
                at: *at,
                victim: name.cloned().unwrap_or_default(),
                statement: None,
                message: message.clone(),
            }
        });
        (reports.collect(), self.seen)
    }

    /// Adds another worker's.
    pub(super) fn merge(&mut self, other: &Self) {
        self.kept.extend_from_slice(&other.kept);
        self.seen += other.seen;
    }
}

/// One line of the detail.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Edge {
    pid: i32,
    mode: String,
    locktype: &'static str,
    relation: Option<u32>,
}

/// Reads what the server said: its detail has a line for each session, `Process 1 waits for ShareLock
/// on transaction 7; blocked by process 2.` (`DeadLockReport` and `DescribeLockTag` of PostgreSQL).
/// What is not such a line is passed over.
fn edges(message: &str) -> Vec<Edge> {
    message.lines().filter_map(edge).collect()
}

fn edge(line: &str) -> Option<Edge> {
    let (_, rest) = line.split_once("Process ")?;
    let (pid, rest) = rest.split_once(" waits for ")?;
    let (mode, rest) = rest.split_once(" on ")?;
    let (object, _) = rest.rsplit_once("; blocked by process ")?;
    let relation = object
        .split_once("relation ")
        .and_then(|(_, rest)| rest.split(' ').next()?.parse().ok());
    Some(Edge {
        pid: pid.parse().ok()?,
        mode: mode.to_owned(),
        locktype: locktype(object),
        relation,
    })
}

/// The lock's type by how the server describes it, in the words of `pg_locks`.
fn locktype(object: &str) -> &'static str {
    const DESCRIBED: [(&str, &str); 10] = [
        ("relation ", "relation"),
        ("extension of ", "extend"),
        ("page ", "page"),
        ("tuple ", "tuple"),
        ("transaction ", "transactionid"),
        ("virtual transaction ", "virtualxid"),
        ("speculative token ", "spectoken"),
        ("advisory lock ", "advisory"),
        ("object ", "object"),
        ("user lock ", "userlock"),
    ];
    let found = DESCRIBED
        .iter()
        .find(|(described, _)| object.starts_with(described));
    found.map_or("object", |(_, locktype)| locktype)
}

/// What the samples showed of those who waited for each other.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rings {
    /// The latest of them, in the order of their times.
    seen: Vec<Ring>,
    /// The names of relations that were waited for.
    relations: BTreeMap<u32, String>,
}

#[derive(Debug, Clone, PartialEq)]
struct Ring {
    last: Duration,
    /// The migration's statement at that moment.
    statement: Option<usize>,
    members: BTreeMap<i32, Member>,
}

#[derive(Debug, Clone, PartialEq)]
struct Member {
    who: String,
    relation: Option<String>,
}

impl Rings {
    /// Rings kept: more deadlocks than a report has are counted, not told.
    const KEPT: usize = 4 * Locks::KEPT;

    /// Looks for rings in a sample. Few samples have one: nothing is kept of the others.
    pub(super) fn observe(&mut self, sample: &LockSample) {
        let waiting = || sample.locks.iter().filter(|row| !row.granted);
        let blockers: BTreeMap<i32, &[i32]> =
            waiting().map(|row| (row.pid, &row.blockers[..])).collect();
        let ring = entangled(&blockers);
        if ring.is_empty() {
            return;
        }
        let mut members = BTreeMap::new();
        for row in waiting().filter(|row| ring.contains(&row.pid)) {
            if let Some((oid, name)) = &row.relation {
                self.relations.insert(*oid, name.clone());
            }
            let member = Member {
                who: sample.name(row.pid).to_owned(),
                relation: row.relation.as_ref().map(|(_, name)| name.clone()),
            };
            members.insert(row.pid, member);
        }
        let statement = sample
            .migration
            .filter(|(pid, _)| members.contains_key(pid))
            .map(|(_, statement)| statement);
        let room = self.seen.len() < Self::KEPT;
        let same = |last: &&mut Ring| last.members.keys().eq(members.keys());
        if let Some(last) = self.seen.last_mut().filter(same) {
            last.last = sample.at;
        } else if room {
            self.seen.push(Ring {
                last: sample.at,
                statement,
                members,
            });
        }
    }

    /// The deadlock that a session was told of, with those who took part. Times are since `zero`.
    fn name(&self, report: &DeadlockReport, zero: Duration) -> Deadlock {
        let edges = edges(&report.message);
        // A process id is another session's after a while: the ring is the last one seen before.
        let mut rings = self.seen.iter().rev();
        let ring = rings.find(|ring| {
            ring.last <= report.at
                && edges
                    .iter()
                    .any(|edge| ring.members.contains_key(&edge.pid))
        });
        let partners = edges.iter().enumerate().map(|(place, edge)| {
            let member = ring.and_then(|ring| ring.members.get(&edge.pid));
            let who = match (place, member) {
                (0, _) => report.victim.as_str(),
                (_, Some(member)) => &member.who,
                (_, None) => OTHER,
            };
            let named = edge.relation.map(|oid| match self.relations.get(&oid) {
                Some(name) => name.clone(),
                None => format!("relation {oid}"),
            });
            DeadlockPartner {
                who: who.to_owned(),
                waits_for: edge.locktype.to_owned(),
                relation: member.and_then(|member| member.relation.clone()).or(named),
                mode: edge.mode.clone(),
                pid: edge.pid,
            }
        });
        Deadlock {
            at: report.at.saturating_sub(zero),
            victim: report.victim.clone(),
            statement: report.statement.or_else(|| ring?.statement),
            partners: partners.collect(),
        }
    }

    /// The deadlocks of a pass in the order of time, as many as a report keeps.
    pub fn deadlocks(&self, mut reports: Vec<DeadlockReport>, zero: Duration) -> Vec<Deadlock> {
        reports.sort_by_key(|report| report.at);
        let mut deadlocks: Vec<Deadlock> = reports
            .iter()
            .map(|report| self.name(report, zero))
            .collect();
        // Those of the migration come first where not all can be kept.
        deadlocks.sort_by_key(|deadlock| !deadlock.involves_migration());
        deadlocks.truncate(Locks::KEPT);
        deadlocks.sort_by_key(|deadlock| deadlock.at);
        deadlocks
    }
}

/// What the migration itself was told of a deadlock; its times are on the timeline.
pub fn of_migration(migration: &Migration) -> Option<DeadlockReport> {
    let error = migration.error.as_ref()?;
    let is_deadlock = error.sqlstate.as_deref() == Some(DEADLOCK_DETECTED);
    is_deadlock.then(|| DeadlockReport {
        at: migration.end,
        victim: MIGRATION.to_owned(),
        statement: error.statement,
        message: error.message.clone(),
    })
}

/// The sessions that wait for themselves, through others.
fn entangled(blockers: &BTreeMap<i32, &[i32]>) -> BTreeSet<i32> {
    let mut left: BTreeMap<i32, BTreeSet<i32>> = blockers
        .iter()
        .map(|(pid, before)| (*pid, before.iter().copied().collect()))
        .collect();
    // Who waits for nobody that waits is in no ring; nor is who nobody that waits, waits for.
    loop {
        let waiting: BTreeSet<i32> = left.keys().copied().collect();
        let awaited: BTreeSet<i32> = left.values().flatten().copied().collect();
        let before = left.len();
        left.retain(|pid, before| !before.is_disjoint(&waiting) && awaited.contains(pid));
        if left.len() == before {
            return waiting;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::lock_sample::{LockRow, Owner};

    fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn row(pid: i32, relation: Option<(u32, &str)>, blockers: &[i32]) -> LockRow {
        LockRow {
            pid,
            locktype: "relation".into(),
            relation: relation.map(|(oid, name)| (oid, name.to_owned())),
            mode: "AccessExclusiveLock".into(),
            granted: false,
            waited: None,
            blockers: blockers.to_vec(),
        }
    }

    fn sample(at: u64, locks: Vec<LockRow>) -> LockSample {
        LockSample {
            at: millis(at),
            locks,
            migration: Some((100, 3)),
            owners: BTreeMap::from([(1, Owner::Traffic("pay".into()))]),
            strangers: BTreeMap::new(),
        }
    }

    fn report(at: u64, victim: &str, message: &str) -> DeadlockReport {
        DeadlockReport {
            at: millis(at),
            victim: victim.to_owned(),
            statement: None,
            message: message.to_owned(),
        }
    }

    const DETAIL: &str = "Process 1 waits for RowExclusiveLock on relation 16400 of database 5; blocked by process 100.\n\
                          Process 100 waits for AccessExclusiveLock on relation 16403 of database 5; blocked by process 1.";

    #[test]
    fn the_ring_has_names_and_the_migrations_statement() {
        let mut rings = Rings::default();
        let both = || {
            vec![
                row(1, Some((16400, "public.a")), &[100]),
                row(100, Some((16403, "public.b")), &[1]),
                row(7, Some((16400, "public.a")), &[1]),
            ]
        };
        rings.observe(&sample(100, both()));
        rings.observe(&sample(110, both()));
        // A later one has other members under the same ids.
        rings.observe(&sample(9_000, vec![row(1, None, &[2]), row(2, None, &[1])]));
        let deadlocks = rings.deadlocks(vec![report(1_110, "pay", DETAIL)], millis(100));
        let deadlock = &deadlocks[0];
        assert_eq!(deadlock.at, millis(1_010));
        assert_eq!(
            (deadlock.victim.as_str(), deadlock.statement),
            ("pay", Some(3))
        );
        let partners: Vec<_> = deadlock
            .partners
            .iter()
            .map(|partner| {
                (
                    partner.who.as_str(),
                    partner.mode.as_str(),
                    partner.relation.as_deref(),
                )
            })
            .collect();
        assert_eq!(
            partners,
            [
                ("pay", "RowExclusiveLock", Some("public.a")),
                ("migration", "AccessExclusiveLock", Some("public.b")),
            ]
        );
        assert!(deadlock.involves_migration());
    }

    #[test]
    fn what_no_sample_showed_is_told_as_far_as_the_server_says() {
        let rings = Rings::default();
        let deadlock = rings.name(&report(50, "pay", DETAIL), Duration::ZERO);
        let told: Vec<_> = deadlock
            .partners
            .iter()
            .map(|partner| (partner.who.as_str(), partner.relation.as_deref()))
            .collect();
        assert_eq!(
            told,
            [
                ("pay", Some("relation 16400")),
                ("other", Some("relation 16403"))
            ]
        );
        assert!(!deadlock.involves_migration());
        assert_eq!(
            rings.name(&report(50, "pay", ""), Duration::ZERO).partners,
            []
        );
    }

    #[test]
    fn the_servers_words_for_locks_are_those_of_pg_locks() {
        for (object, locktype, relation) in [
            ("relation 1 of database 2", "relation", Some(1)),
            (
                "tuple (0,4) of relation 16385 of database 5",
                "tuple",
                Some(16385),
            ),
            ("transaction 742", "transactionid", None),
            ("virtual transaction 3/17", "virtualxid", None),
            ("speculative token 1 of transaction 742", "spectoken", None),
            ("extension of relation 9 of database 5", "extend", Some(9)),
            ("advisory lock [5,0,42,1]", "advisory", None),
            ("object 1 of class 2 of database 3", "object", None),
        ] {
            let line = format!("Process 9 waits for ShareLock on {object}; blocked by process 8.");
            let edge = edge(&line).unwrap();
            assert_eq!(
                (edge.locktype, edge.relation),
                (locktype, relation),
                "{object}"
            );
            assert_eq!((edge.pid, edge.mode.as_str()), (9, "ShareLock"));
        }
        assert_eq!(edges("Prozess 9 wartet; und noch etwas\n"), []);
        for message in [
            format!("deadlock detected ({DETAIL})"),
            format!("deadlock detected. {DETAIL}. See server log for query details."),
        ] {
            let pids: Vec<_> = edges(&message).iter().map(|edge| edge.pid).collect();
            assert_eq!(pids, [1, 100], "{message}");
        }
    }

    #[test]
    fn only_those_in_a_ring_are_entangled() {
        let blockers: [(i32, &[i32]); 5] =
            [(1, &[2]), (2, &[3, 9]), (3, &[1]), (4, &[1]), (5, &[9])];
        assert_eq!(
            entangled(&BTreeMap::from(blockers)),
            BTreeSet::from([1, 2, 3])
        );
        assert!(entangled(&BTreeMap::from([(1, &[2][..]), (2, &[3][..])])).is_empty());
    }
}
