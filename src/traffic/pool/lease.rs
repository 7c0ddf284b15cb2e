//! A connection on loan.

use std::rc::Rc;

use super::{Connection, Pool, Stage};
use crate::traffic::registry::Doing;
use crate::traffic::session::Session;

/// A connection on loan to one request.
pub(in crate::traffic) struct Lease {
    pool: Rc<Pool>,
    connection: Option<Connection>,
}

impl Lease {
    pub(super) fn new(pool: &Rc<Pool>, connection: Connection) -> Self {
        Self {
            pool: Rc::clone(pool),
            connection: Some(connection),
        }
    }

    /// The connection; none only after it was given back.
    pub(in crate::traffic) fn session(&mut self) -> Option<&mut Session> {
        self.connection
            .as_mut()
            .map(|connection| &mut connection.session)
    }

    /// Gives back a connection that is usable.
    pub(in crate::traffic) fn give_back(mut self) {
        if let Some(connection) = self.connection.take() {
            connection.session.enter(Doing::Idle);
            // Whether the server has closed it meanwhile, whoever takes it next looks.
            match connection.session.is_spent() {
                true => self.pool.lose_closed(connection),
                false => self.pool.add(connection),
            }
        }
    }

    /// Throws away a connection that is not, for this error.
    pub(in crate::traffic) fn discard(mut self, error: &str) {
        if let Some(connection) = self.connection.take() {
            self.pool.lose(connection, error);
        }
    }
}

impl Drop for Lease {
    /// A request that was cut off leaves its connection in the middle of something.
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else {
            return;
        };
        match self.pool.stage.get() {
            Stage::Ended => self.pool.site.leave_behind(connection.session.sever()),
            _ => self.pool.cut_off.borrow_mut().push(connection),
        }
    }
}
