//! One session of the log at work.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::UnboundedReceiver;

use super::super::ledger::{Ledger, Ticket};
use super::super::registry::{Doing, Registry};
use super::super::wire::{Canceller, ConnectError, Target};
use super::connection::Connection;
use crate::observe::{Fate, Said};
use crate::sql::{LoggedTraffic, LoggedTransaction, Pause};

/// What a session is told to do.
pub(super) enum Job {
    /// Connect, or forget what it did before.
    Begin,
    /// Send the transaction of this number.
    Send(usize, Ticket),
    /// Disconnect.
    End,
}

/// What a session needs.
pub(super) struct Player {
    pub(super) traffic: Arc<LoggedTraffic>,
    /// Index into its sessions.
    pub(super) session: usize,
    pub(super) target: Target,
    pub(super) registry: Arc<Registry>,
    pub(super) ledger: Rc<Ledger>,
    pub(super) connection: Option<Connection>,
    /// How to end the statement that it is in, for whoever cuts it off.
    pub(super) under_way: Rc<RefCell<Option<Canceller>>>,
}

impl Player {
    /// Does its jobs one after the other, until there can be no more.
    pub(super) async fn play(mut self, mut jobs: UnboundedReceiver<Job>) {
        // It was opened ahead, if the log begins in the midst of the session.
        let mut fresh = self.connection.is_some();
        while let Some(job) = jobs.recv().await {
            match job {
                Job::Begin if fresh => {}
                Job::Begin => self.begin().await,
                Job::Send(number, ticket) => self.perform(number, ticket).await,
                Job::End => self.end().await,
            }
            fresh = false;
        }
        self.end().await;
    }

    /// Where that fails, the next transaction tries to connect again.
    async fn begin(&mut self) {
        if let Some(connection) = &mut self.connection
            && !connection.discard().await
        {
            self.connection = None;
        }
        let _ = self.connect().await;
    }

    async fn end(&mut self) {
        if let Some(connection) = self.connection.take() {
            connection.close().await;
        }
    }

    /// The connection, opened anew if there is none.
    pub(super) async fn connect(&mut self) -> Result<&mut Connection, ConnectError> {
        let usable = self
            .connection
            .take()
            .filter(|connection| !connection.is_closed());
        let connection = match usable {
            Some(connection) => connection,
            None => Connection::open(&self.target, &self.registry, &self.ledger).await?,
        };
        Ok(self.connection.insert(connection))
    }

    async fn perform(&mut self, number: usize, mut ticket: Ticket) {
        let traffic = Arc::clone(&self.traffic);
        let session = traffic.sessions.get(self.session);
        let transaction = session.and_then(|session| session.transactions.get(number));
        let Some(transaction) = transaction else {
            return;
        };
        let connection = match self.connect().await {
            Ok(connection) => connection,
            Err(error) => {
                let said = Said {
                    place: None,
                    message: error.to_string(),
                };
                return ticket.fail(Fate::Failed(error.kind().to_owned()), said);
            }
        };
        let canceller = connection.canceller();
        self.under_way.replace(Some(canceller));
        let usable = self.send(transaction, ticket).await;
        self.under_way.replace(None);
        if !usable {
            self.connection = None;
        }
    }

    /// Sends a transaction; false if the connection is of no more use.
    async fn send(&mut self, transaction: &LoggedTransaction, mut ticket: Ticket) -> bool {
        let Some(connection) = &mut self.connection else {
            return false;
        };
        connection.enter(Doing::Transaction(transaction.kind));
        let (mut began, mut ended) = (Instant::now(), Instant::now());
        for statement in &transaction.statements {
            match statement.pause {
                Pause::AfterEnd(pause) => wait(&self.ledger, ended, pause).await,
                Pause::AfterStart(pause) => wait(&self.ledger, began, pause).await,
            }
            began = Instant::now();
            let sent = connection.send(statement).await;
            ended = Instant::now();
            let Err(failure) = sent else { continue };
            // Where a statement fails as it did when it was logged, the client expected that and went on.
            if failure.usable && failure.sqlstate.is_some() && failure.sqlstate == statement.error {
                continue;
            }
            ticket.fail(failure.fate, failure.said);
            let usable = failure.usable && connection.roll_back().await;
            connection.enter(Doing::Idle);
            return usable;
        }
        ticket.end(Fate::Completed);
        connection.enter(Doing::Idle);
        true
    }
}

/// Waits until so long after a moment. Many pauses within a transaction are shorter than the
/// millisecond in which the runtime's own clock ticks.
async fn wait(ledger: &Ledger, since: Instant, pause: Duration) {
    if let Some(until) = since.checked_add(pause) {
        ledger.alarm.sleep_until(until).await;
    }
}
