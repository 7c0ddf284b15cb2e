//! The traffic's own client of the PostgreSQL protocol.
//!
//! A [`Connection`] belongs to the task that uses it: a statement is one write, its answer is read
//! by the same task until the server is ready again, and nothing else runs for it. General drivers
//! have a task and channels between the statement and the socket, which cost more than the rest of
//! a small transaction.
//!
//! Values go out and come back as text, whatever their types. Rows that nobody wants are skipped by
//! their length. Whoever drops a future of a connection leaves it in the middle of an exchange: it
//! is of no more use then, and [`Connection::is_closed`] says so.

mod answers;
mod authentication;
mod cancel;
mod connect;
mod connection;
mod error;
mod exchange;
mod inbox;
mod link;
mod messages;
mod pipeline;
mod prepared;
mod results;
mod route;
mod startup;
mod stream;
mod target;

pub use answers::Status;
pub use cancel::Canceller;
pub use connection::Connection;
pub use error::{ConnectError, Error, Lost, ServerError};
pub use messages::Statement;
pub use prepared::Key;
pub use target::Target;
