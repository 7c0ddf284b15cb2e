//! An end of the migration on purpose, in its midst, and what a second run makes of the rest.

use std::cell::RefCell;
use std::time::Duration;

use tokio_postgres::{CancelToken, Config, NoTls};

use super::roster::Roster;
use crate::observe::{Abort, GrownTable, Pass};
use crate::postgres::backends;
use crate::postgres::connect::connect;
use crate::scenario::plan::{AbortAfter, AbortBy, AbortPlan};
use crate::shadow::{Server, ServerError};
use crate::traffic::Timeline;

/// How often a statement's beginning is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// The order to end a migration, and how it was carried out.
#[derive(Debug)]
pub(super) struct Order {
    plan: AbortPlan,
    /// After a time, where the plan names one or a part of the quiet pass's.
    time: Option<Duration>,
    done: RefCell<Option<Done>>,
    lost: RefCell<Option<ServerError>>,
}

#[derive(Debug, Clone, Copy)]
struct Done {
    asked: Duration,
    statement: Option<usize>,
    ended: Option<Duration>,
    down: Option<Duration>,
}

/// An order that has a server to be carried out on.
#[derive(Clone, Copy)]
pub(super) struct Abortion<'a> {
    order: &'a Order,
    server: &'a Server,
}

impl Order {
    /// `quiet` is the pass in which the migration ran undisturbed; none if its time is not known.
    pub(super) fn new(plan: AbortPlan, quiet: Option<&Pass>) -> Self {
        let migration = quiet.and_then(|pass| pass.migration.as_ref());
        let whole = migration.map_or(Duration::ZERO, |migration| {
            migration.end.saturating_sub(migration.start)
        });
        let time = match plan.after {
            AbortAfter::Time(time) => Some(time),
            AbortAfter::Share(part) => Some(whole.mul_f64(part)),
            AbortAfter::Statement(_) => None,
        };
        Self {
            plan,
            time,
            done: RefCell::new(None),
            lost: RefCell::new(None),
        }
    }

    pub(super) fn against<'a>(&'a self, server: &'a Server) -> Abortion<'a> {
        Abortion {
            order: self,
            server,
        }
    }

    /// Why a server that was killed did not come back: what the traffic then suffered tells of no abort.
    pub(super) fn lost(&self) -> Option<ServerError> {
        self.lost.take()
    }

    /// What came of it in this pass. Times on the timeline become times since the baseline began.
    pub(super) fn told(&self, pass: &Pass, zero: Duration) -> Abort {
        let done = *self.done.borrow();
        let migration = pass.migration.as_ref();
        let asked = done.map(|done| done.asked.saturating_sub(zero));
        let since = |end: Duration| Some(end.saturating_sub(asked?));
        let recovery = pass.impact.recovery_time;
        Abort {
            after: self.plan.after.to_string(),
            by: self.plan.by.to_string(),
            asked,
            statement: done.and_then(|done| done.statement),
            took: done.and_then(|done| Some(done.ended?.saturating_sub(done.asked))),
            server_down: done.and_then(|done| done.down),
            traffic_back: migration
                .and_then(|migration| since(migration.end))
                .and_then(|end| Some(end + recovery?)),
            grown: Vec::new(),
            second_run: None,
        }
    }
}

impl Abortion<'_> {
    /// Returns when the time has come; never, if the migration is over before.
    pub(super) async fn due(&self, timeline: &Timeline, roster: &Roster) {
        let began = timeline.marks().started.unwrap_or_else(|| timeline.now());
        if let Some(time) = self.order.time {
            tokio::time::sleep(began.saturating_add(time).saturating_sub(timeline.now())).await;
        } else if let AbortAfter::Statement(number) = self.order.plan.after {
            let runs = || {
                roster
                    .migration()
                    .is_some_and(|(_, index)| index + 1 >= number)
            };
            while !runs() {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        }
    }

    /// The time has come.
    pub(super) fn begin(&self, timeline: &Timeline, roster: &Roster) {
        *self.order.done.borrow_mut() = Some(Done {
            asked: timeline.now(),
            statement: roster.migration().map(|(_, index)| index),
            ended: None,
            down: None,
        });
    }

    /// Strikes once. A cancel can miss, between two statements: it is asked for again until the migration has
    /// ended. A server that was killed is there again on return.
    pub(super) async fn strike(&self, config: &Config, (pid, cancel): (i32, &CancelToken)) {
        match self.order.plan.by {
            // A request that cannot be delivered means a session that is gone already.
            AbortBy::Cancel => drop(cancel.cancel_query(NoTls).await),
            AbortBy::Terminate => {
                if let Ok(session) = connect(config, "pgrehearse abort").await {
                    let _ = backends::terminate(&session.client, pid).await;
                }
            }
            AbortBy::KillServer => {
                if self.is_struck() {
                    return;
                }
                match self.server.crash().await {
                    Ok(down) => {
                        if let Some(done) = self.order.done.borrow_mut().as_mut() {
                            done.down = Some(down);
                        }
                    }
                    Err(error) => *self.order.lost.borrow_mut() = Some(error),
                }
            }
        }
    }

    /// Whether the server dies with the migration.
    pub(super) fn kills_server(&self) -> bool {
        self.order.plan.by == AbortBy::KillServer
    }

    /// The migration's session has ended.
    pub(super) fn end(&self, timeline: &Timeline) {
        if let Some(done) = self.order.done.borrow_mut().as_mut() {
            done.ended.get_or_insert_with(|| timeline.now());
        }
    }

    /// Whether the server has been killed, whatever became of it.
    fn is_struck(&self) -> bool {
        let is_back = self
            .order
            .done
            .borrow()
            .is_some_and(|done| done.down.is_some());
        is_back || self.order.lost.borrow().is_some()
    }
}

/// The tables that are larger than before by more than traffic makes them.
pub(super) fn grown(before: &[(String, i64)], after: &[(String, i64)]) -> Vec<GrownTable> {
    /// Less is not worth a word.
    const NOTICEABLE: u64 = 1 << 20;
    let size_before = |name: &str| before.iter().find(|(own, _)| own == name);
    after
        .iter()
        .filter_map(|(name, now)| {
            let (_, then) = size_before(name)?;
            let bytes = u64::try_from(now - then).unwrap_or(0);
            let worth_it = bytes >= NOTICEABLE && bytes * 10 > u64::try_from(*then).unwrap_or(0);
            worth_it.then(|| GrownTable {
                relation: name.clone(),
                bytes,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_that_grew_a_lot_are_told() {
        let mega = 1 << 20;
        let sizes = |a, b| vec![("public.a".to_owned(), a), ("public.b".to_owned(), b)];
        let told = grown(&sizes(mega, 90 * mega), &sizes(3 * mega, 92 * mega));
        let expected = [GrownTable {
            relation: "public.a".to_owned(),
            bytes: 2 << 20,
        }];
        assert_eq!(told, expected);
        assert!(grown(&sizes(1, 1), &sizes(9_000, 1)).is_empty());
    }
}
