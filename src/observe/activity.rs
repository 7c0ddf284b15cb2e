//! What sessions were busy with or waited for, sampled: locks, buffers, files, the client, or nothing,
//! which is to compute or to wait for a processor.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{PhaseName, Second};

/// The type of a session that waits for nothing: it computes, or waits for a processor. The server has
/// no name for that.
pub const CPU: &str = "CPU";

/// The type of waits for what [`super::Locks`] tells more of.
pub const LOCK: &str = "Lock";

/// What one session did at the moment of a sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doing {
    /// Its backend's process id; of a parallel worker, its leader's.
    pub pid: i32,
    /// Whether it ran a statement.
    pub active: bool,
    /// `pg_stat_activity.wait_event_type`, [`CPU`] if it waited for nothing.
    pub wait_event_type: String,
    /// `pg_stat_activity.wait_event`.
    pub wait_event: Option<String>,
    /// The application that it belongs to, or which of the server's processes it is.
    pub name: Option<String>,
}

/// Whose session it is that did something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Busy {
    /// The application's.
    Traffic,
    /// The migration's.
    Migration,
}

/// What sessions waited for, phase by phase.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Waiting {
    /// In the baseline.
    pub baseline: Vec<WaitShare>,
    /// While migrating.
    pub migration: Vec<WaitShare>,
    /// In recovery.
    pub recovery: Vec<WaitShare>,
}

impl Waiting {
    /// Kinds of waits kept of a phase, the longest first.
    pub const KEPT: usize = 12;

    /// Whether nobody looked, or nobody did anything.
    pub fn is_empty(&self) -> bool {
        let Self {
            baseline,
            migration,
            recovery,
        } = self;
        baseline.is_empty() && migration.is_empty() && recovery.is_empty()
    }
}

/// One thing that active sessions waited for in a phase.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WaitShare {
    /// Whose sessions.
    pub who: Busy,
    /// `pg_stat_activity.wait_event_type`; `CPU`: none, so that it computed or waited for a processor.
    pub wait_event_type: String,
    /// `pg_stat_activity.wait_event`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_event: Option<String>,
    /// The share of the samples of active sessions of that kind that were of this wait.
    pub share_of_samples: f64,
    /// Sessions that waited so at one moment, on average.
    pub sessions: f64,
}

/// What slowed the requests of a second down of which most waited for no lock.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SlowedBy {
    /// As in [`WaitShare::wait_event_type`].
    pub wait_event_type: String,
    /// As in [`WaitShare::wait_event`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_event: Option<String>,
    /// As in [`WaitShare::share_of_samples`], of the traffic's sessions in that second.
    pub share_of_samples: f64,
}

/// A type and an event.
type Event = (String, Option<String>);

/// How often each was seen.
#[derive(Debug, Clone, Default, PartialEq)]
struct Tally {
    samples: u64,
    seen: BTreeMap<(Busy, Event), u64>,
}

/// Folds samples into what sessions waited for.
#[derive(Debug, Default, PartialEq)]
pub struct ActivityTracker {
    phases: BTreeMap<Phase, Tally>,
    /// The most frequent of the traffic in each second since the timeline's origin.
    seconds: Vec<(Duration, SlowedBy)>,
    /// The second that is not over.
    current: (Duration, Tally),
}

/// A phase, in the order of time.
type Phase = u8;

fn place(phase: PhaseName) -> Phase {
    match phase {
        PhaseName::Warmup => 0,
        PhaseName::Baseline => 1,
        PhaseName::Migration => 2,
        PhaseName::Recovery => 3,
    }
}

impl ActivityTracker {
    /// Takes in a sample of `at` on the timeline: those of the traffic and of the migration.
    pub fn observe(
        &mut self,
        (at, phase): (Duration, PhaseName),
        doings: impl Iterator<Item = (Busy, Doing)>,
    ) {
        let second = Duration::from_secs(at.as_secs());
        if self.current.0 != second {
            self.end_second();
            self.current.0 = second;
        }
        let whole = self.phases.entry(place(phase)).or_default();
        let (_, tally) = &mut self.current;
        whole.samples += 1;
        tally.samples += 1;
        for (busy, doing) in doings.filter(|(_, doing)| doing.active) {
            let key = (busy, (doing.wait_event_type, doing.wait_event));
            *tally.seen.entry(key.clone()).or_default() += 1;
            *whole.seen.entry(key).or_default() += 1;
        }
    }

    fn end_second(&mut self) {
        let (second, tally) = std::mem::take(&mut self.current);
        let of_traffic = tally.shares(Busy::Traffic);
        if let Some(most) = of_traffic.into_iter().next() {
            let slowed_by = SlowedBy {
                wait_event_type: most.wait_event_type,
                wait_event: most.wait_event,
                share_of_samples: most.share_of_samples,
            };
            self.seconds.push((second, slowed_by));
        }
    }

    /// All that was seen.
    pub fn finish(mut self) -> Activity {
        self.end_second();
        let of = |phase| {
            let Some(tally) = self.phases.get(&place(phase)) else {
                return Vec::new();
            };
            let mut shares = tally.shares(Busy::Traffic);
            shares.truncate(Waiting::KEPT);
            shares.extend(
                tally
                    .shares(Busy::Migration)
                    .into_iter()
                    .take(Waiting::KEPT),
            );
            shares
        };
        Activity {
            waiting: Waiting {
                baseline: of(PhaseName::Baseline),
                migration: of(PhaseName::Migration),
                recovery: of(PhaseName::Recovery),
            },
            seconds: self.seconds,
        }
    }
}

impl Tally {
    /// What those of a kind waited for, the most frequent first.
    fn shares(&self, who: Busy) -> Vec<WaitShare> {
        let own = || self.seen.iter().filter(|((busy, _), _)| *busy == who);
        let all: u64 = own().map(|(_, count)| count).sum();
        let mut shares: Vec<WaitShare> = own()
            .map(|((_, (wait_event_type, wait_event)), count)| WaitShare {
                who,
                wait_event_type: wait_event_type.clone(),
                wait_event: wait_event.clone(),
                share_of_samples: rounded(*count as f64 / all.max(1) as f64),
                sessions: rounded(*count as f64 / self.samples.max(1) as f64),
            })
            .collect();
        shares.sort_by(|a, b| b.sessions.total_cmp(&a.sessions));
        shares
    }
}

/// More digits than these are not known.
fn rounded(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}

/// What sessions did in a pass.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Activity {
    /// Phase by phase.
    pub waiting: Waiting,
    /// What the traffic's sessions did most in each second in which they did anything.
    seconds: Vec<(Duration, SlowedBy)>,
}

/// A second's most frequent wait must be so much of it to have slowed it down.
const TELLING: f64 = 0.3;

impl Activity {
    /// Names what slowed the requests of the degraded seconds, those with a p99 above `limit` from
    /// `from` on, unless most of them waited for locks.
    pub fn explain(
        &self,
        series: &mut [Second],
        (zero, from): (Duration, Duration),
        limit: Duration,
    ) {
        for second in series {
            // The series' times are rounded to the millisecond, and its seconds are whole ones.
            let at = Duration::from_secs_f64((second.t + zero.as_secs_f64()).round().max(0.0));
            let slow = second.p99.is_some_and(|p99| p99 > limit.as_secs_f64());
            let meets = at + Duration::from_secs(1) > from;
            if !slow || !meets {
                continue;
            }
            let told = self.seconds.iter().find(|(second, _)| *second == at);
            second.slowed_by = told
                .map(|(_, slowed_by)| slowed_by)
                .filter(|slowed_by| slowed_by.wait_event_type != LOCK)
                .filter(|slowed_by| slowed_by.share_of_samples >= TELLING)
                .cloned();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doing(wait: (&str, Option<&str>), active: bool) -> Doing {
        Doing {
            pid: 1,
            active,
            wait_event_type: wait.0.to_owned(),
            wait_event: wait.1.map(str::to_owned),
            name: None,
        }
    }

    const READ: (&str, Option<&str>) = ("IO", Some("DataFileRead"));

    fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn tracked() -> Activity {
        let mut tracker = ActivityTracker::default();
        for sample in 0..20 {
            let at = millis(sample * 100);
            let phase = match sample < 10 {
                true => PhaseName::Baseline,
                false => PhaseName::Migration,
            };
            let reads = if sample < 10 { 0 } else { 3 };
            let traffic = (0..4).map(|session| {
                let wait = if session < reads { READ } else { (CPU, None) };
                (Busy::Traffic, doing(wait, true))
            });
            let idle = (Busy::Traffic, doing(("Client", Some("ClientRead")), false));
            let migration = (Busy::Migration, doing(("IO", Some("DataFileWrite")), true));
            tracker.observe((at, phase), traffic.chain([idle, migration]));
        }
        tracker.finish()
    }

    #[test]
    fn shares_are_of_active_sessions_of_each_kind_and_phase() {
        let waiting = tracked().waiting;
        let told = |shares: &[WaitShare]| -> Vec<(Busy, String, f64, f64)> {
            let told = shares.iter().map(|share| {
                let wait = share.wait_event_type.clone();
                (share.who, wait, share.share_of_samples, share.sessions)
            });
            told.collect()
        };
        assert_eq!(
            told(&waiting.baseline),
            [
                (Busy::Traffic, CPU.to_owned(), 1.0, 4.0),
                (Busy::Migration, "IO".to_owned(), 1.0, 1.0),
            ]
        );
        assert_eq!(
            told(&waiting.migration)[..2],
            [
                (Busy::Traffic, "IO".to_owned(), 0.75, 3.0),
                (Busy::Traffic, CPU.to_owned(), 0.25, 1.0),
            ]
        );
        assert!(waiting.recovery.is_empty() && !waiting.is_empty());
    }

    #[test]
    fn a_slow_second_is_named_unless_locks_slowed_it() {
        let second = |t: f64, p99: f64| Second {
            t,
            p99: Some(p99),
            ..Second::default()
        };
        let named = |mut series: Vec<Second>| -> Vec<Option<String>> {
            tracked().explain(&mut series, (millis(0), millis(1_000)), millis(100));
            let names = series
                .into_iter()
                .map(|second| second.slowed_by?.wait_event);
            names.collect()
        };
        let read = Some("DataFileRead".to_owned());
        assert_eq!(
            named(vec![second(0.0, 9.0), second(1.0, 9.0)]),
            [None, read]
        );
        assert_eq!(named(vec![second(1.0, 0.05)]), [None]);
        let mut tracker = ActivityTracker::default();
        let waits = [(LOCK, Some("relation")), (LOCK, Some("relation")), READ];
        let sessions = waits.map(|wait| (Busy::Traffic, doing(wait, true)));
        tracker.observe((millis(0), PhaseName::Migration), sessions.into_iter());
        let mut series = vec![second(0.0, 9.0)];
        tracker
            .finish()
            .explain(&mut series, (millis(0), millis(0)), millis(100));
        assert_eq!(series[0].slowed_by, None);
    }
}
