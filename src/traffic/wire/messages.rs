//! What is sent to the server.

use std::fmt::Write as _;
use std::io;

use bytes::{BufMut, BytesMut};
use postgres_protocol::IsNull;
use postgres_protocol::message::frontend::{self, BindError};

use super::error::malformed;
use super::prepared::Key;

/// A statement with parameters, as the extended protocol sends it.
#[derive(Debug, Clone, Copy)]
pub struct Statement<'a> {
    /// The text, with `$1`, `$2`, …
    pub text: &'a str,
    /// Their values as text, none for NULL.
    pub parameters: &'a [Option<String>],
    /// What it stays prepared under; none: it is parsed anew each time, as the unnamed statement.
    pub key: Option<Key>,
    /// Whether its rows are kept, for [`Connection::results`](super::Connection::results).
    pub keep: bool,
}

/// A prepared statement's name: empty for the unnamed one, else made of its number.
#[derive(Debug, Default)]
pub(super) struct Name(String);

impl Name {
    /// The name of this number, in the place of the one before.
    pub(super) fn set(&mut self, number: Option<u32>) -> &str {
        self.0.clear();
        if let Some(number) = number {
            // Writing to a string does not fail.
            let _ = write!(self.0, "s{number}");
        }
        &self.0
    }
}

/// Parse, with the types of all parameters left to the server.
pub(super) fn parse(name: &str, text: &str, out: &mut BytesMut) -> io::Result<()> {
    frontend::parse(name, text, [], out)
}

/// Bind of the unnamed portal, with all values and results as text.
pub(super) fn bind(
    name: &str,
    parameters: &[Option<String>],
    out: &mut BytesMut,
) -> io::Result<()> {
    let put = |value: &Option<String>, out: &mut BytesMut| {
        Ok(match value {
            Some(text) => {
                out.put_slice(text.as_bytes());
                IsNull::No
            }
            None => IsNull::Yes,
        })
    };
    frontend::bind("", name, [], parameters, put, [], out).map_err(|error| match error {
        BindError::Serialization(error) => error,
        BindError::Conversion(error) => malformed(error.to_string()),
    })
}

/// Describe of the unnamed portal: the columns' names come before the rows.
pub(super) fn describe(out: &mut BytesMut) -> io::Result<()> {
    frontend::describe(b'P', "", out)
}

/// Execute of the unnamed portal, to its end.
pub(super) fn execute(out: &mut BytesMut) -> io::Result<()> {
    frontend::execute("", 0, out)
}

/// Close of a prepared statement; it need not exist.
pub(super) fn close(name: &str, out: &mut BytesMut) -> io::Result<()> {
    frontend::close(b'S', name, out)
}
