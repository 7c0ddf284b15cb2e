//! What state an instance's connections are in, and the events that tell when it changes.

use std::cell::Cell;
use std::rc::Rc;

use super::ledger::Ledger;
use crate::observe::FleetEventKind;

/// The state of one pool. Each change is told once, not each request that suffers from it.
#[derive(Debug)]
pub(super) struct Condition {
    instance: u32,
    ledger: Rc<Ledger>,
    /// Connections that the pool should have.
    size: u32,
    open: Cell<u32>,
    /// A request gave up waiting for a connection, and none that came later has got one since.
    exhausted: Cell<bool>,
    /// How many gave up so far.
    given_up: Cell<u64>,
    /// The server closed a connection, and they have not all been open since.
    lost: Cell<bool>,
    /// A connection could not be opened, and none has been since.
    refused: Cell<bool>,
    /// Whether it is to be told when all connections are open.
    incomplete: Cell<bool>,
}

impl Condition {
    /// A pool without connections yet; `again` if its instance was up before.
    pub(super) fn new(ledger: &Rc<Ledger>, instance: u32, size: u32, again: bool) -> Self {
        Self {
            instance,
            ledger: Rc::clone(ledger),
            size,
            open: Cell::new(0),
            exhausted: Cell::new(false),
            given_up: Cell::new(0),
            lost: Cell::new(false),
            refused: Cell::new(false),
            incomplete: Cell::new(again),
        }
    }

    /// One more connection is open.
    pub(super) fn opened(&self) {
        self.open.set(self.open.get() + 1);
        self.refused.set(false);
        if self.open.get() == self.size {
            self.lost.set(false);
            if self.incomplete.take() {
                self.tell(FleetEventKind::Reconnected);
            }
        }
    }

    /// Connections that are open.
    pub(super) fn open(&self) -> u32 {
        self.open.get()
    }

    /// One connection less is open, by the pool's own doing.
    pub(super) fn closed(&self) {
        self.open.set(self.open.get().saturating_sub(1));
    }

    /// The server closed a connection.
    pub(super) fn lost(&self, error: &str) {
        self.closed();
        self.incomplete.set(true);
        if !self.lost.replace(true) {
            let error = error.to_owned();
            self.tell(FleetEventKind::ConnectionLost { error });
        }
    }

    /// A connection could not be opened.
    pub(super) fn refused(&self, error: String) {
        self.incomplete.set(true);
        if !self.refused.replace(true) {
            self.tell(FleetEventKind::ConnectFailed { error });
        }
    }

    /// Somebody gave up waiting for a connection, of `waiting` who did. Where none is open, it is not
    /// the pool that is exhausted.
    pub(super) fn gave_up(&self, waiting: u32) {
        self.given_up.set(self.given_up.get().wrapping_add(1));
        if self.open.get() > 0 && !self.exhausted.replace(true) {
            self.tell(FleetEventKind::PoolExhausted {
                waiting: u64::from(waiting),
            });
        }
    }

    /// How many gave up so far, for whoever comes now.
    pub(super) fn given_up(&self) -> u64 {
        self.given_up.get()
    }

    /// Somebody got a connection who came when so many had given up. In a pool that has too much to do
    /// some give up while others are served: it has recovered when one is served who saw nobody give up.
    pub(super) fn served(&self, given_up: u64) {
        if given_up == self.given_up.get() && self.exhausted.take() {
            self.tell(FleetEventKind::PoolRecovered);
        }
    }

    /// Records what happened to the instance.
    pub(super) fn tell(&self, kind: FleetEventKind) {
        self.ledger.happened(self.instance, kind);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use proptest::prelude::*;
    use tokio::runtime::Builder;

    use super::*;
    use crate::traffic::alarm::Alarm;
    use crate::traffic::gauges::Gauges;
    use crate::traffic::timeline::Timeline;

    const SIZE: u32 = 3;

    /// What happened to a pool after its first connections were opened.
    fn events(happens: impl FnOnce(&Condition)) -> Vec<FleetEventKind> {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let _entered = runtime.enter();
        let ledger = Ledger::new(0, Alarm::new().unwrap(), Arc::new(Gauges::new()));
        ledger.start(Arc::new(Timeline::new()));
        let condition = Condition::new(&ledger, 4, SIZE, false);
        for _ in 0..SIZE {
            condition.opened();
        }
        happens(&condition);
        let events = ledger.close().events(Duration::ZERO);
        assert!(events.iter().all(|event| event.instance == 4));
        events.into_iter().map(|event| event.kind).collect()
    }

    fn lost() -> FleetEventKind {
        let error = "57P01".to_owned();
        FleetEventKind::ConnectionLost { error }
    }

    #[test]
    fn a_loss_is_over_when_all_connections_are_open() {
        let events = events(|condition| {
            condition.lost("57P01");
            condition.lost("57P01");
            condition.refused("57P03".to_owned());
            condition.refused("57P03".to_owned());
            condition.opened();
            condition.refused("53300".to_owned());
            condition.opened();
        });
        let refused = |error: &str| FleetEventKind::ConnectFailed {
            error: error.to_owned(),
        };
        let reconnected = FleetEventKind::Reconnected;
        assert_eq!(
            events,
            [lost(), refused("57P03"), refused("53300"), reconnected]
        );
    }

    #[test]
    fn what_the_pool_closes_itself_is_no_loss() {
        let events = events(|condition| {
            condition.closed();
            condition.opened();
        });
        assert_eq!(events, []);
    }

    #[test]
    fn a_pool_without_connections_is_not_exhausted() {
        let events = events(|condition| {
            condition.gave_up(2);
            let came = condition.given_up();
            condition.gave_up(1);
            condition.served(came);
            condition.gave_up(1);
            condition.served(condition.given_up());
            condition.served(condition.given_up());
            for _ in 0..SIZE {
                condition.lost("57P01");
            }
            condition.gave_up(5);
        });
        let exhausted = FleetEventKind::PoolExhausted { waiting: 2 };
        assert_eq!(events, [exhausted, FleetEventKind::PoolRecovered, lost()]);
    }

    proptest! {
        #[test]
        fn no_state_is_told_twice(happenings in prop::collection::vec(0..6u8, 0..60)) {
            let events = events(|condition| {
                let mut open = SIZE;
                for happening in happenings {
                    match happening {
                        0 if open > 0 => {
                            open -= 1;
                            condition.lost("57P01");
                        }
                        1 if open > 0 => {
                            open -= 1;
                            condition.closed();
                        }
                        2 if open < SIZE => {
                            open += 1;
                            condition.opened();
                        }
                        3 if open < SIZE => condition.refused("53300".to_owned()),
                        4 => condition.gave_up(1),
                        5 => condition.served(condition.given_up()),
                        _ => {}
                    }
                }
            });
            let pool = |kind: &&FleetEventKind| matches!(
                kind,
                FleetEventKind::PoolExhausted { .. } | FleetEventKind::PoolRecovered
            );
            let told = |about: &dyn Fn(&&FleetEventKind) -> bool| -> Vec<FleetEventKind> {
                events.iter().filter(about).cloned().collect()
            };
            let pool = told(&pool);
            prop_assert!(pool.windows(2).all(|pair| pair[0] != pair[1]), "{pool:?}");
            let connections = told(&|kind| !matches!(
                kind,
                FleetEventKind::PoolExhausted { .. } | FleetEventKind::PoolRecovered
            ));
            let whole = |pair: &[FleetEventKind]| {
                pair.iter().all(|kind| *kind == FleetEventKind::Reconnected)
            };
            prop_assert!(!connections.windows(2).any(whole), "{connections:?}");
            let losses: Vec<_> = connections.iter().filter(|kind| {
                matches!(kind, FleetEventKind::ConnectionLost { .. } | FleetEventKind::Reconnected)
            }).collect();
            let again = losses.windows(2).any(|pair| *pair[0] == lost() && *pair[1] == lost());
            prop_assert!(!again, "{losses:?}");
        }
    }
}
