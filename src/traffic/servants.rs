//! The tasks that serve the requests of an open loop. One that has served a request serves another: to
//! start a task for each costs as much as the rest of a small request.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use tokio::task::JoinSet;

use super::arrivals::Arrival;
use super::ledger::Ticket;
use super::memory::Memory;
use super::pool::Pool;
use super::request::serve;

/// Servants that are kept without work. A stall leaves thousands; those beyond end.
const KEPT: usize = 256;

/// A request to serve.
pub(super) struct Job {
    /// Of the instance that sends it; none if none is up.
    pub(super) pool: Option<Rc<Pool>>,
    pub(super) arrival: Arrival,
    pub(super) ticket: Ticket,
}

/// The servants of one worker.
#[derive(Default)]
pub(super) struct Servants(Rc<Staff>);

#[derive(Default)]
struct Staff {
    /// Those without work; whoever served last comes first.
    idle: RefCell<Vec<Rc<Seat>>>,
    /// Whether there will be no more work.
    closed: Cell<bool>,
}

/// Where a servant finds its next request.
#[derive(Default)]
struct Seat {
    job: Cell<Option<Job>>,
    servant: Cell<Option<Waker>>,
}

impl Servants {
    /// Gives the request to a servant that has none, or else to a new one among `tasks`.
    pub(super) fn serve(&self, job: Job, tasks: &mut JoinSet<()>) {
        let Self(staff) = self;
        let idle = staff.idle.borrow_mut().pop();
        let seat = idle.as_ref().map_or_else(Rc::default, Rc::clone);
        seat.give(job);
        if idle.is_none() {
            tasks.spawn_local(work(Rc::clone(staff), seat));
        }
    }

    /// There is no more work: each servant ends once it has none.
    pub(super) fn dismiss(&self) {
        let Self(staff) = self;
        staff.closed.set(true);
        for seat in staff.idle.take() {
            seat.wake();
        }
    }
}

/// A servant's life.
async fn work(staff: Rc<Staff>, seat: Rc<Seat>) {
    while let Some(job) = poll_fn(|context| seat.poll(&staff, context)).await {
        let Job {
            pool,
            arrival,
            ticket,
        } = job;
        // A request of an open loop comes from nobody who remembers another.
        let mut memory = Memory::default();
        serve(pool, (arrival, ticket), &mut memory).await;
        if !staff.keep(&seat) {
            return;
        }
    }
}

impl Staff {
    /// Takes a seat among those without work; false if its servant is not needed any more.
    fn keep(&self, seat: &Rc<Seat>) -> bool {
        let mut idle = self.idle.borrow_mut();
        let needed = !self.closed.get() && idle.len() < KEPT;
        if needed {
            idle.push(Rc::clone(seat));
        }
        needed
    }
}

impl Seat {
    fn give(&self, job: Job) {
        self.job.set(Some(job));
        self.wake();
    }

    fn wake(&self) {
        if let Some(servant) = self.servant.take() {
            servant.wake();
        }
    }

    /// The next request; none if there will be none.
    fn poll(&self, staff: &Staff, context: &Context<'_>) -> Poll<Option<Job>> {
        match self.job.take() {
            Some(job) => Poll::Ready(Some(job)),
            None if staff.closed.get() => Poll::Ready(None),
            None => {
                self.servant.set(Some(context.waker().clone()));
                Poll::Pending
            }
        }
    }
}
