//! One session's connection, and how its statements are sent.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use super::super::ledger::{Connected, Ledger};
use super::super::registry::{Doing, Registry};
use super::super::session::{Failure, Session};
use super::super::wire::{Canceller, ConnectError, Statement, Target};
use crate::sql::LoggedStatement;

/// An open connection.
pub(super) struct Connection {
    session: Session,
    /// The numbers of the prepared statements that it keeps, by their text.
    kept: BTreeMap<Arc<str>, usize>,
    /// Counts it.
    _connected: Connected,
}

impl Connection {
    pub(super) async fn open(
        target: &Target,
        registry: &Arc<Registry>,
        ledger: &Rc<Ledger>,
    ) -> Result<Self, ConnectError> {
        Ok(Self {
            session: Session::open(target, registry.seat()).await?,
            kept: BTreeMap::new(),
            _connected: ledger.connected(),
        })
    }

    pub(super) fn is_closed(&self) -> bool {
        self.session.is_closed()
    }

    pub(super) fn canceller(&self) -> Canceller {
        self.session.canceller()
    }

    /// Tells the registry what the session does.
    pub(super) fn enter(&self, doing: Doing) {
        self.session.enter(doing);
    }

    /// Sends a statement as the log says that it came, and reads its result to the end.
    pub(super) async fn send(&mut self, statement: &LoggedStatement) -> Result<(), Failure> {
        let sent = match &statement.parameters {
            None => self.session.query(&statement.text).await,
            Some(parameters) => {
                let key = statement.kept.then(|| (0, self.number(&statement.text)));
                let statement = Statement {
                    text: &statement.text,
                    parameters,
                    key,
                    keep: false,
                };
                self.session.send(&statement).await
            }
        };
        if sent.is_ok() && forgets(&statement.text) {
            self.session.forget_prepared();
        }
        sent
    }

    fn number(&mut self, text: &Arc<str>) -> usize {
        let next = self.kept.len();
        *self.kept.entry(Arc::clone(text)).or_insert(next)
    }

    /// Ends a transaction block that an error left open. False if the connection is of no more use.
    pub(super) async fn roll_back(&mut self) -> bool {
        self.session.roll_back().await
    }

    /// Forgets all state of the session: settings, prepared statements, temporary tables, locks. False if
    /// the connection is of no more use.
    pub(super) async fn discard(&mut self) -> bool {
        if !self.session.roll_back().await || self.session.query("DISCARD ALL").await.is_err() {
            return false;
        }
        self.session.forget_prepared();
        true
    }

    pub(super) async fn close(self) {
        self.session.close().await;
    }
}

/// Whether the server forgets all prepared statements by this text, as poolers have it do.
fn forgets(text: &str) -> bool {
    let mut words = text
        .split([' ', '\n', '\t', ';'])
        .filter(|word| !word.is_empty());
    let (first, second) = (words.next(), words.next());
    let is = |word: Option<&str>, wanted: &str| {
        word.is_some_and(|word| word.eq_ignore_ascii_case(wanted))
    };
    (is(first, "discard") || is(first, "deallocate")) && is(second, "all")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_forgets_prepared_statements_is_known() {
        assert!(forgets("DISCARD ALL"));
        assert!(forgets("deallocate  all;"));
        for text in ["DISCARD PLANS", "DEALLOCATE q", "SELECT 1", ""] {
            assert!(!forgets(text), "{text}");
        }
    }
}
