//! One worker's books: every request that came due gets a ticket, and every ticket gets an end.

use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::arrivals::Arrival;
use super::gauges::Gauges;
use super::timeline::Timeline;
use crate::observe::{Due, Ended, Fate, PhaseName, Recording};

/// One worker's recording, clock and gauges.
#[derive(Debug)]
pub(super) struct Ledger {
    recording: RefCell<Recording>,
    /// None until the traffic starts.
    timeline: OnceCell<Arc<Timeline>>,
    pub(super) gauges: Arc<Gauges>,
}

impl Ledger {
    pub(super) fn new(transactions: usize, gauges: Arc<Gauges>) -> Rc<Self> {
        Rc::new(Self {
            recording: RefCell::new(Recording::new(transactions)),
            timeline: OnceCell::new(),
            gauges,
        })
    }

    /// The traffic starts.
    pub(super) fn start(&self, timeline: Arc<Timeline>) {
        // It starts once; a second timeline would be the first again.
        let _ = self.timeline.set(timeline);
    }

    /// Since the timeline's origin; 0 before the traffic started.
    fn now(&self) -> Duration {
        self.timeline
            .get()
            .map_or(Duration::ZERO, |timeline| timeline.now())
    }

    /// Counts a request that comes due at `at`.
    pub(super) fn open(self: &Rc<Self>, arrival: &Arrival, at: Duration) -> Ticket {
        let phase = match self.timeline.get() {
            Some(timeline) => timeline.phase_at(at),
            None => PhaseName::Warmup,
        };
        self.gauges.in_flight.rise();
        let mut recording = self.recording.borrow_mut();
        Ticket {
            due: Some(recording.scheduled(arrival.transaction, phase, at)),
            lag: Cell::new(None),
            ledger: Rc::clone(self),
        }
    }

    pub(super) fn connected(&self) {
        self.gauges.connections.rise();
        self.recording.borrow_mut().connected(self.now());
    }

    pub(super) fn disconnected(&self) {
        self.gauges.connections.fall();
        self.recording.borrow_mut().disconnected(self.now());
    }

    /// Whether the migration began between these two moments. What it does to a request that was under
    /// way then must not be taken for what the baseline is like.
    fn meets_migration(&self, due: Duration, end: Duration) -> bool {
        let timeline = self.timeline.get();
        timeline
            .and_then(|timeline| timeline.start_of(PhaseName::Migration))
            .is_some_and(|began| due < began && began <= end)
    }

    /// Takes the recording out; what is recorded later is lost.
    pub(super) fn close(&self) -> Recording {
        self.recording.replace(Recording::new(0))
    }
}

/// A request that came due. Dropped without an end, it is unfinished.
#[derive(Debug)]
pub(super) struct Ticket {
    due: Option<Due>,
    lag: Cell<Option<Duration>>,
    ledger: Rc<Ledger>,
}

impl Ticket {
    /// The application has the request now: what was late until here is the generator's own lag.
    pub(super) fn handed_over(&self) {
        let at = self.due.as_ref().map_or(Duration::ZERO, Due::at);
        self.lag.set(Some(self.ledger.now().saturating_sub(at)));
    }

    /// The request ends now.
    pub(super) fn end(mut self, fate: Fate) {
        self.record(fate);
    }

    fn record(&mut self, fate: Fate) {
        let Some(due) = self.due.take() else { return };
        let at = self.ledger.now();
        let latency = at.saturating_sub(due.at());
        let gauges = &self.ledger.gauges;
        gauges.in_flight.fall();
        if fate != Fate::Unfinished {
            gauges.ended(latency, fate == Fate::Completed);
        }
        // A request that was never handed over was late all its life.
        let lag = self.lag.get().unwrap_or(latency);
        let mut recording = self.ledger.recording.borrow_mut();
        let due = match self.ledger.meets_migration(due.at(), at) {
            true => recording.moved(due, PhaseName::Migration),
            false => due,
        };
        recording.ended(due, Ended { lag, at, fate });
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.record(Fate::Unfinished);
    }
}
