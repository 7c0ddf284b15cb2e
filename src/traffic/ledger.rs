//! One worker's books: every request that came due gets a ticket, and every ticket gets an end.

use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::alarm::Alarm;
use super::arrivals::Arrival;
use super::gauges::Gauges;
use super::timeline::Timeline;
use crate::observe::{Due, Ended, Fate, FleetEvent, FleetEventKind, PhaseName, Recording, Said};

/// One worker's recording, clock, alarm and gauges.
#[derive(Debug)]
pub(super) struct Ledger {
    recording: RefCell<Recording>,
    /// None until the traffic starts.
    timeline: OnceCell<Arc<Timeline>>,
    pub(super) alarm: Alarm,
    pub(super) gauges: Arc<Gauges>,
}

impl Ledger {
    pub(super) fn new(transactions: usize, alarm: Alarm, gauges: Arc<Gauges>) -> Rc<Self> {
        Rc::new(Self {
            recording: RefCell::new(Recording::new(transactions)),
            timeline: OnceCell::new(),
            alarm,
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
            retries: 0,
            completed: false,
            ledger: Rc::clone(self),
        }
    }

    /// Counts a connection until the result is dropped.
    pub(super) fn connected(self: &Rc<Self>) -> Connected {
        self.gauges.connections.rise();
        self.recording.borrow_mut().connected(self.now());
        Connected(Rc::clone(self))
    }

    /// Records what happened to an instance, now. Before the traffic starts nothing happens.
    pub(super) fn happened(&self, instance: u32, kind: FleetEventKind) {
        if let Some(timeline) = self.timeline.get() {
            let at = timeline.now();
            let event = FleetEvent { at, instance, kind };
            self.recording.borrow_mut().happened(event);
        }
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

/// A connection that is open and counted so.
#[derive(Debug)]
pub(super) struct Connected(Rc<Ledger>);

impl Drop for Connected {
    fn drop(&mut self) {
        let Self(ledger) = self;
        ledger.gauges.connections.fall();
        ledger.recording.borrow_mut().disconnected(ledger.now());
    }
}

/// A request that came due. Dropped without an end, it is unfinished.
#[derive(Debug)]
pub(super) struct Ticket {
    due: Option<Due>,
    lag: Cell<Option<Duration>>,
    retries: u32,
    completed: bool,
    ledger: Rc<Ledger>,
}

impl Ticket {
    /// The application has the request now: what was late until here is the generator's own lag.
    pub(super) fn handed_over(&self) {
        let at = self.due.as_ref().map_or(Duration::ZERO, Due::at);
        self.lag.set(Some(self.ledger.now().saturating_sub(at)));
    }

    /// The moment so long after the request came due; none where no clock can tell it.
    pub(super) fn deadline(&self, timeout: Duration) -> Option<Instant> {
        let timeline = self.ledger.timeline.get()?;
        let due = self.due.as_ref()?.at();
        timeline.instant(due).checked_add(timeout)
    }

    /// The request is tried once more.
    pub(super) fn retried(&mut self) {
        self.retries += 1;
    }

    /// The request ends now. What it is said to end with later changes nothing.
    pub(super) fn end(&mut self, fate: Fate) {
        self.record(fate);
    }

    /// The request ends now with what something was said of.
    pub(super) fn fail(&mut self, fate: Fate, said: Said) {
        if let (Some(due), Fate::Failed(error) | Fate::TimedOut(error)) = (&self.due, &fate) {
            let at = self.ledger.now();
            let mut recording = self.ledger.recording.borrow_mut();
            recording.said(due, error, (at, said));
        }
        self.end(fate);
    }

    /// The server ended what it was doing to break a deadlock; it may be tried again.
    pub(super) fn deadlocked(&self, message: &str) {
        if let Some(due) = &self.due {
            let at = self.ledger.now();
            let mut recording = self.ledger.recording.borrow_mut();
            recording.deadlocked(due, (at, message));
        }
    }

    /// Whether it has ended, and well.
    pub(super) fn is_completed(&self) -> bool {
        self.completed
    }

    fn record(&mut self, fate: Fate) {
        let Some(due) = self.due.take() else { return };
        self.completed = fate == Fate::Completed;
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
        recording.ended(
            due,
            Ended {
                lag,
                at,
                fate,
                retries: self.retries,
            },
        );
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.record(Fate::Unfinished);
    }
}
