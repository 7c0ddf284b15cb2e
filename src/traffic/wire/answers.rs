//! What the server still owes, and what it has said: the protocol without the network.

use std::collections::VecDeque;
use std::io;

use postgres_protocol::message::backend as tags;

use super::error::{ServerError, malformed};
use super::inbox::Rows;
use super::prepared::{Key, Prepared};
use super::results::{columns, row};
use crate::pgbench::ResultSet;

/// The transaction that the session is in, as the server says after each exchange.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Status {
    /// None.
    #[default]
    Idle,
    /// A transaction block.
    InBlock,
    /// A transaction block in which a statement has failed: only its end is accepted.
    Failed,
}

/// An answer that is still to come. Those of one exchange end with a [`Expected::Ready`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    /// To a statement of the extended protocol.
    Statement {
        /// What it is prepared under, and the number of its name.
        prepared: Option<(Key, u32)>,
        /// Whether its rows are kept.
        keep: bool,
    },
    /// To a text of the simple protocol, which may hold several statements.
    Text {
        /// Whether their rows are kept.
        keep: bool,
    },
    /// The end of an exchange: the server is ready for the next.
    Ready,
}

/// What the client does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// It goes on to the next message.
    GoOn,
    /// It must tell the server that there is no data for its `COPY`.
    RefuseCopy,
}

/// Why no more answers can be read.
#[derive(Debug)]
pub(super) enum End {
    /// The server ends the session.
    Fatal(Box<ServerError>),
    /// It says what is not understood.
    Malformed(io::Error),
}

impl From<io::Error> for End {
    fn from(error: io::Error) -> Self {
        Self::Malformed(error)
    }
}

/// The answers of one connection.
#[derive(Debug, Default)]
pub(super) struct Answers {
    expected: VecDeque<Expected>,
    /// Exchanges begun so far.
    exchange: u64,
    pub(super) status: Status,
    pub(super) prepared: Prepared,
    /// The first error since it was last taken.
    pub(super) failure: Option<Box<ServerError>>,
    pub(super) results: Vec<ResultSet>,
    /// Whether the last result is still being read.
    in_result: bool,
}

impl Answers {
    /// Whether anything is still to come.
    pub(super) fn pending(&self) -> bool {
        !self.expected.is_empty()
    }

    /// The number of the exchange that the next statement belongs to.
    pub(super) fn exchange(&self) -> u64 {
        self.exchange
    }

    /// The answer that comes next.
    pub(super) fn first(&self) -> Option<Expected> {
        self.expected.front().copied()
    }

    /// How many answers are still to come, ends of exchanges included.
    pub(super) fn count(&self) -> usize {
        self.expected.len()
    }

    /// Something was sent that is answered.
    pub(super) fn expect(&mut self, expected: Expected) {
        self.expected.push_back(expected);
        if expected == Expected::Ready {
            self.exchange += 1;
        }
    }

    /// What is expected beyond this many was never sent.
    pub(super) fn unsend(&mut self, kept: usize) {
        while self.expected.len() > kept {
            if let Some(unsent) = self.expected.pop_back() {
                self.not_prepared(unsent);
            }
        }
    }

    /// Whether the rows that come next are wanted.
    pub(super) fn rows(&self) -> Rows {
        match self.keeps() {
            true => Rows::Kept,
            false => Rows::Skipped,
        }
    }

    fn keeps(&self) -> bool {
        match self.expected.front() {
            Some(Expected::Statement { keep, .. } | Expected::Text { keep }) => *keep,
            Some(Expected::Ready) | None => false,
        }
    }

    /// Takes the next message.
    pub(super) fn take(&mut self, tag: u8, body: &[u8]) -> Result<Next, End> {
        match tag {
            tags::DATA_ROW_TAG => {
                if let Some(result) = self.results.last_mut() {
                    result.rows.push(row(body)?);
                }
            }
            tags::COMMAND_COMPLETE_TAG | tags::EMPTY_QUERY_RESPONSE_TAG => self.completed(),
            tags::READY_FOR_QUERY_TAG => self.ready(body)?,
            tags::PARSE_COMPLETE_TAG => {
                if let Some(Expected::Statement { prepared, .. }) = self.expected.front()
                    && let Some((key, number)) = *prepared
                {
                    self.prepared.confirm(key, number);
                }
            }
            tags::ROW_DESCRIPTION_TAG if self.keeps() => {
                self.results.push(ResultSet {
                    columns: columns(body)?,
                    rows: Vec::new(),
                });
                self.in_result = true;
            }
            tags::ERROR_RESPONSE_TAG => self.failed(body)?,
            tags::COPY_IN_RESPONSE_TAG => return Ok(Next::RefuseCopy),
            tags::BIND_COMPLETE_TAG
            | tags::CLOSE_COMPLETE_TAG
            | tags::NO_DATA_TAG
            | tags::ROW_DESCRIPTION_TAG
            | tags::COPY_OUT_RESPONSE_TAG
            | tags::COPY_DONE_TAG
            | tags::NOTICE_RESPONSE_TAG
            | tags::NOTIFICATION_RESPONSE_TAG
            | tags::PARAMETER_STATUS_TAG => {}
            other => {
                let what = format!("an unexpected message `{}`", other.escape_ascii());
                return Err(End::Malformed(malformed(what)));
            }
        }
        Ok(Next::GoOn)
    }

    fn completed(&mut self) {
        if self.keeps() && !self.in_result {
            self.results.push(ResultSet::default());
        }
        self.in_result = false;
        if let Some(Expected::Statement { .. }) = self.expected.front() {
            self.expected.pop_front();
        }
    }

    /// After an error the server skips everything up to the end of the exchange.
    fn failed(&mut self, body: &[u8]) -> Result<(), End> {
        let error = Box::new(ServerError::parse(body));
        if error.fatal {
            return Err(End::Fatal(error));
        }
        // The plan is stale (`cached plan must not change result type`), or the name is unknown,
        // after `DISCARD ALL` say. Drivers prepare such a statement anew for the next time.
        if matches!(error.sqlstate.as_str(), "0A000" | "26000")
            && let Some(Expected::Statement { prepared, .. }) = self.expected.front()
            && let Some((key, number)) = *prepared
        {
            self.prepared.forget(key, number);
        }
        self.in_result = false;
        while let Some(skipped) = self.expected.pop_front_if(|e| *e != Expected::Ready) {
            self.not_prepared(skipped);
        }
        self.failure.get_or_insert(error);
        Ok(())
    }

    /// A statement that has come to nothing: if it was to be prepared, it was not.
    fn not_prepared(&mut self, expected: Expected) {
        if let Expected::Statement {
            prepared: Some((key, number)),
            ..
        } = expected
        {
            self.prepared.forget_unconfirmed(key, number);
        }
    }

    fn ready(&mut self, body: &[u8]) -> Result<(), End> {
        self.status = match body {
            b"I" => Status::Idle,
            b"T" => Status::InBlock,
            b"E" => Status::Failed,
            _ => return Err(malformed("an unknown transaction status").into()),
        };
        // A statement that was only prepared, and a text, end with their exchange.
        while let Some(expected) = self.expected.pop_front() {
            if expected == Expected::Ready {
                return Ok(());
            }
        }
        Err(malformed("the server is ready, unasked").into())
    }
}
