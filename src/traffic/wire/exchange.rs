//! A connection's exchanges with the server: sending, reading to the end, and noticing the end.

use std::io;
use std::mem;

use postgres_protocol::message::backend::{
    ERROR_RESPONSE_TAG, NOTICE_RESPONSE_TAG, NOTIFICATION_RESPONSE_TAG, PARAMETER_STATUS_TAG,
};
use postgres_protocol::message::frontend;

use super::answers::{End, Expected, Next};
use super::connection::Connection;
use super::error::{Error, Lost, ServerError, malformed};
use super::inbox::Rows;

/// What the server is told instead of the data of a `COPY`; its error repeats it.
const NO_DATA: &str = "a script has no data to copy";

impl Connection {
    /// Whether the connection is of no more use: the server has ended it, or a statement was cut off in
    /// the middle. The system is not asked unless its event queue has told of something.
    pub fn is_closed(&mut self) -> bool {
        if self.is_spent() {
            return true;
        }
        loop {
            if let Err(error) = self.overhear() {
                self.lose(None, &error.to_string());
            }
            if self.lost.is_some() {
                return true;
            }
            match self.link.fill_now() {
                None => return false,
                Some(Ok(())) => {}
                Some(Err(error)) => {
                    self.bury(&error);
                }
            }
        }
    }

    /// The same as far as is known without looking.
    pub fn is_spent(&self) -> bool {
        self.lost.is_some() || self.pipeline || self.answers.pending()
    }

    /// Reads what the server says unasked: notices, notifications, changed settings, and why it ends
    /// the session.
    fn overhear(&mut self) -> io::Result<()> {
        while let Some(tag) = self.link.inbox.advance(Rows::Skipped)? {
            match tag {
                NOTICE_RESPONSE_TAG | NOTIFICATION_RESPONSE_TAG | PARAMETER_STATUS_TAG => {}
                ERROR_RESPONSE_TAG => {
                    let error = ServerError::parse(self.link.inbox.body());
                    self.lose(Some(Box::new(error)), "the server ended it");
                    return Ok(());
                }
                _ => return Err(malformed("a message that answers nothing")),
            }
        }
        Ok(())
    }

    /// Hands what was written down to the system, and takes in the answers that are there.
    pub(super) async fn send(&mut self) -> Result<(), Error> {
        self.sent = self.answers.count();
        if let Err(error) = self.link.flush().await {
            return Err(self.bury(&error));
        }
        if self.pipeline {
            if self.digest()? == Next::RefuseCopy {
                self.refuse_copy().await?;
            }
            self.sent = self.answers.count();
        }
        Ok(())
    }

    /// Reads until nothing more is to come.
    pub(super) async fn settle(&mut self) -> Result<(), Error> {
        loop {
            if self.digest()? == Next::RefuseCopy {
                self.refuse_copy().await?;
            } else if !self.answers.pending() {
                return self.outcome();
            } else if let Err(error) = self.link.fill().await {
                return Err(self.bury(&error));
            }
        }
    }

    /// Takes the messages that have come.
    fn digest(&mut self) -> Result<Next, Error> {
        while self.answers.pending() {
            let tag = match self.link.inbox.advance(self.answers.rows()) {
                Ok(Some(tag)) => tag,
                Ok(None) => break,
                Err(error) => return Err(self.misunderstood(&error)),
            };
            match self.answers.take(tag, self.link.inbox.body()) {
                Ok(Next::GoOn) => {}
                Ok(Next::RefuseCopy) => return Ok(Next::RefuseCopy),
                Err(End::Fatal(error)) => {
                    return Err(self.lose(Some(error), "the server ended it"));
                }
                Err(End::Malformed(error)) => return Err(self.misunderstood(&error)),
            }
        }
        Ok(Next::GoOn)
    }

    /// Fails a `COPY … FROM STDIN`. The server ignores the Sync that has followed the statement while it
    /// waits for data, so another must follow; what else a pipeline has sent by then, it takes for data
    /// and fails on.
    async fn refuse_copy(&mut self) -> Result<(), Error> {
        let simple = matches!(self.answers.first(), Some(Expected::Text { .. }));
        let alone = self.answers.count() == 2;
        if self.pipeline && !alone {
            self.lose(None, "a pipeline came upon COPY … FROM STDIN");
            return Err(Error::CopyIn);
        }
        let out = &mut self.link.outbox;
        if let Err(error) = frontend::copy_fail(NO_DATA, out) {
            return Err(self.misunderstood(&error));
        }
        if !simple {
            frontend::sync(out);
        }
        self.copy_refused = true;
        match self.link.flush().await {
            Ok(()) => Ok(()),
            Err(error) => Err(self.bury(&error)),
        }
    }

    /// What became of the exchange.
    fn outcome(&mut self) -> Result<(), Error> {
        let failure = self.answers.failure.take();
        if mem::take(&mut self.copy_refused) {
            // Where something else ended the COPY before the refusal came, the second Sync is answered
            // as well, and nobody knows which answer is whose.
            if !failure.is_some_and(|error| error.message.contains(NO_DATA)) {
                self.lose(None, "a COPY ended before it was refused");
            }
            return Err(Error::CopyIn);
        }
        match failure {
            None => Ok(()),
            Some(error) => Err(Error::Server(error)),
        }
    }

    /// The stream has ended. The server may have said why.
    fn bury(&mut self, error: &io::Error) -> Error {
        let words = self.last_words();
        self.lose(words, &error.to_string())
    }

    fn last_words(&mut self) -> Option<Box<ServerError>> {
        loop {
            while let Ok(Some(tag)) = self.link.inbox.advance(Rows::Skipped) {
                if tag == ERROR_RESPONSE_TAG {
                    let error = ServerError::parse(self.link.inbox.body());
                    if error.fatal {
                        return Some(Box::new(error));
                    }
                }
            }
            match self.link.fill_now() {
                Some(Ok(())) => {}
                Some(Err(_)) | None => return None,
            }
        }
    }

    fn misunderstood(&mut self, error: &io::Error) -> Error {
        let what = error.to_string();
        self.lose(None, &what);
        Error::Protocol(what)
    }

    /// The connection is of no more use.
    pub(super) fn lose(&mut self, error: Option<Box<ServerError>>, reason: &str) -> Error {
        let reason = reason.to_owned();
        let lost = Lost { error, reason };
        self.lost = Some(lost.clone());
        Error::Lost(lost)
    }
}

impl Drop for Connection {
    /// Says good-bye as far as that needs no waiting.
    fn drop(&mut self) {
        if self.lost.is_none() && !self.answers.pending() {
            self.link.outbox.clear();
            frontend::terminate(&mut self.link.outbox);
            self.link.flush_now();
        }
    }
}
