//! One connection and what it is asked to do.

use std::io;

use postgres_protocol::message::frontend;

use super::answers::{Answers, Expected, Status};
use super::cancel::Canceller;
use super::error::{Error, Lost};
use super::link::Link;
use super::messages::{self, Name, Statement};
use super::prepared::Key;
use crate::pgbench::ResultSet;

/// A pipeline's statements are sent when they are so many bytes, as by libpq.
const THRESHOLD: usize = 64 * 1024;

/// An open connection.
#[derive(Debug)]
pub struct Connection {
    pub(super) link: Link,
    pub(super) answers: Answers,
    pub(super) lost: Option<Lost>,
    /// Whether the server has been told that there is no data for a `COPY`.
    pub(super) copy_refused: bool,
    /// Whether statements are sent without waiting for their answers.
    pub(super) pipeline: bool,
    /// Expected answers to what has been handed to the system, all or in part.
    pub(super) sent: usize,
    canceller: Canceller,
    name: Name,
}

impl Connection {
    /// A session whose server is ready.
    pub(super) fn new(link: Link, canceller: Canceller) -> Self {
        Self {
            link,
            answers: Answers::default(),
            lost: None,
            copy_refused: false,
            pipeline: false,
            sent: 0,
            canceller,
            name: Name::default(),
        }
    }

    /// The process id of the server's backend; 0 if the server does not tell.
    pub fn process_id(&self) -> i32 {
        self.canceller.backend.process
    }

    /// The transaction that the session was in after the last exchange.
    pub fn status(&self) -> Status {
        self.answers.status
    }

    /// How the connection ended; none while it has not.
    pub fn lost(&self) -> Option<&Lost> {
        self.lost.as_ref()
    }

    /// What the last statement returned, if its rows were to be kept.
    pub fn results(&self) -> &[ResultSet] {
        &self.answers.results
    }

    /// Sends a text by the simple protocol, and reads its answers to the end.
    ///
    /// # Errors
    /// What the server says against it, or the end of the connection.
    pub async fn query(&mut self, text: &str, keep: bool) -> Result<(), Error> {
        if self.pipeline {
            let what = "a pipeline cannot be used with the simple protocol";
            return Err(Error::Unsendable(what));
        }
        self.begin()?;
        let before = self.link.outbox.len();
        let written = frontend::query(text, &mut self.link.outbox);
        self.answers.expect(Expected::Text { keep });
        self.written(written, before)?;
        self.answers.expect(Expected::Ready);
        self.exchange().await
    }

    /// Sends a statement by the extended protocol. Outside of a pipeline its answer is read to the end;
    /// within, it is only written down, and sent when there is much to send.
    ///
    /// # Errors
    /// What the server says against it, or the end of the connection.
    pub async fn execute(&mut self, statement: &Statement<'_>) -> Result<(), Error> {
        if !self.pipeline {
            self.begin()?;
        }
        self.write(statement)?;
        match self.pipeline {
            false => self.synchronise().await,
            true if self.link.outbox.len() < THRESHOLD => Ok(()),
            true => self.send().await,
        }
    }

    /// Prepares a statement under a key, if it is not yet.
    ///
    /// # Errors
    /// What the server says against it, or the end of the connection.
    pub async fn prepare(&mut self, key: Key, text: &str) -> Result<(), Error> {
        self.begin()?;
        let exchange = self.answers.exchange();
        if self.answers.prepared.find(key, exchange).is_some() {
            return Ok(());
        }
        let number = self.answers.prepared.add(key, exchange);
        let before = self.link.outbox.len();
        let written = self.write_parse(Some(number), text);
        self.answered((key, number), (written, before)).await
    }

    /// The server has forgotten all prepared statements: `DEALLOCATE ALL` or `DISCARD ALL` told it to.
    pub fn forget_prepared(&mut self) {
        self.answers.prepared.clear();
    }

    /// Has the server plan a prepared statement with these parameters, and does not execute it. Nothing
    /// happens where none is prepared under the key.
    ///
    /// # Errors
    /// What the server says against it, or the end of the connection.
    pub async fn plan(&mut self, key: Key, parameters: &[Option<String>]) -> Result<(), Error> {
        self.begin()?;
        let Some(number) = self.answers.prepared.find(key, self.answers.exchange()) else {
            return Ok(());
        };
        let before = self.link.outbox.len();
        let name = self.name.set(Some(number));
        let written = messages::bind(name, parameters, &mut self.link.outbox);
        self.answered((key, number), (written, before)).await
    }

    /// What can ask the server to cancel what the session runs.
    pub fn canceller(&self) -> &Canceller {
        &self.canceller
    }

    /// Cuts the connection as the end of its process does: the server is told nothing, and finds out when
    /// it next reads or writes.
    pub fn sever(mut self) -> Canceller {
        self.lose(None, "it was cut");
        self.canceller.clone()
    }

    /// Says good-bye and waits until the server has ended the session: its locks are gone then.
    pub async fn close(mut self) {
        // In the middle of a message there is no place for another.
        if self.lost.is_none() && (!self.answers.pending() || self.link.outbox.is_empty()) {
            frontend::terminate(&mut self.link.outbox);
            self.lose(None, "it was closed");
            if self.link.flush().await.is_ok() {
                while self.link.fill().await.is_ok() {
                    self.link.inbox.discard();
                }
            }
        }
    }

    /// Makes ready for a statement.
    pub(super) fn begin(&mut self) -> Result<(), Error> {
        if let Some(lost) = &self.lost {
            return Err(Error::Lost(lost.clone()));
        }
        if self.answers.pending() {
            let what = "a statement before was cut off, and its answer not read";
            return Err(Error::Protocol(what.to_owned()));
        }
        self.answers.results.clear();
        Ok(())
    }

    /// Writes a statement down: its preparation where it needs one, its parameters, its execution.
    fn write(&mut self, statement: &Statement<'_>) -> Result<(), Error> {
        let exchange = self.answers.exchange();
        let prepared = &mut self.answers.prepared;
        let found = statement.key.and_then(|key| prepared.find(key, exchange));
        let number = match (statement.key, found) {
            (Some(key), None) => Some(prepared.add(key, exchange)),
            _ => found,
        };
        let before = self.link.outbox.len();
        let written = match found {
            Some(_) => Ok(()),
            None => self.write_parse(number, statement.text),
        };
        let written = written.and_then(|()| self.write_execute(number, statement));
        self.answers.expect(Expected::Statement {
            prepared: statement.key.zip(number),
            keep: statement.keep,
        });
        self.written(written, before)
    }

    fn write_parse(&mut self, number: Option<u32>, text: &str) -> io::Result<()> {
        let Self {
            link,
            answers,
            name,
            ..
        } = self;
        for stale in answers.prepared.take_stale() {
            messages::close(name.set(Some(stale)), &mut link.outbox)?;
        }
        messages::parse(name.set(number), text, &mut link.outbox)
    }

    fn write_execute(&mut self, number: Option<u32>, statement: &Statement<'_>) -> io::Result<()> {
        let out = &mut self.link.outbox;
        messages::bind(self.name.set(number), statement.parameters, out)?;
        if statement.keep {
            messages::describe(out)?;
        }
        messages::execute(out)
    }

    /// Sends what was written of a prepared statement alone, and reads the answer.
    async fn answered(
        &mut self,
        prepared: (Key, u32),
        (written, before): (io::Result<()>, usize),
    ) -> Result<(), Error> {
        self.answers.expect(Expected::Statement {
            prepared: Some(prepared),
            keep: false,
        });
        self.written(written, before)?;
        self.synchronise().await
    }

    /// Takes back what could not be written to its end, with the answer that it would have had.
    fn written(&mut self, written: io::Result<()>, before: usize) -> Result<(), Error> {
        if written.is_err() {
            self.link.outbox.truncate(before);
            self.answers.unsend(self.answers.count().saturating_sub(1));
            let what = "it holds a zero byte, or more than the protocol has room for";
            return Err(Error::Unsendable(what));
        }
        Ok(())
    }

    pub(super) async fn synchronise(&mut self) -> Result<(), Error> {
        frontend::sync(&mut self.link.outbox);
        self.answers.expect(Expected::Ready);
        self.exchange().await
    }

    /// Sends what was written down, and reads all answers.
    async fn exchange(&mut self) -> Result<(), Error> {
        self.send().await?;
        let settled = self.settle().await;
        self.sent = 0;
        settled
    }
}
