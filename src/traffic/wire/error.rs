//! What the server says against a statement, and what can happen to a connection.

use std::fmt;
use std::io;

/// An error as the server reports it, in English where the server's messages are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerError {
    /// Whether the server ends the session with it (`FATAL`, `PANIC`).
    pub fatal: bool,
    /// The SQLSTATE: five characters.
    pub sqlstate: String,
    /// The message.
    pub message: String,
    /// More about it.
    pub detail: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
}

impl ServerError {
    /// Reads the body of an ErrorResponse or NoticeResponse: fields, each a letter and its text.
    pub(super) fn parse(body: &[u8]) -> Self {
        let mut error = Self::default();
        let mut told = false;
        for field in body.split(|byte| *byte == 0) {
            let Some((kind, text)) = field.split_first() else {
                break;
            };
            let text = String::from_utf8_lossy(text).into_owned();
            match kind {
                // `V` is the severity that no locale translates; servers before 9.6 do not send it.
                b'V' => {
                    told = true;
                    error.fatal = is_fatal(&text);
                }
                b'S' if !told => error.fatal = is_fatal(&text),
                b'C' => error.sqlstate = text,
                b'M' => error.message = text,
                b'D' => error.detail = Some(text),
                b'H' => error.hint = Some(text),
                _ => {}
            }
        }
        error
    }
}

fn is_fatal(severity: &str) -> bool {
    matches!(severity, "FATAL" | "PANIC")
}

impl ServerError {
    /// The detail and the hint, as they follow the message.
    fn more(&self) -> String {
        let more = self.detail.iter().chain(&self.hint);
        more.map(|sentence| format!(". {sentence}")).collect()
    }
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let more = self.more();
        write!(f, "{} (SQLSTATE {}){more}", self.message, self.sqlstate)
    }
}

impl std::error::Error for ServerError {}

/// How a connection ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// The server's last words; none if it went without any.
    pub error: Option<Box<ServerError>>,
    /// What the system said of the connection.
    pub reason: String,
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.error {
            Some(error) => error.fmt(f),
            None => f.write_str(&self.reason),
        }
    }
}

/// Why a statement did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server refuses it; the connection goes on.
    #[error(transparent)]
    Server(Box<ServerError>),
    /// The connection has ended.
    #[error("the connection was lost: {0}")]
    Lost(Lost),
    /// The server answers what this client does not understand; the connection is given up.
    #[error("the server broke the protocol: {0}")]
    Protocol(String),
    /// The statement was never sent; the connection goes on.
    #[error("the statement cannot be sent: {0}")]
    Unsendable(&'static str),
    /// The statement is a `COPY … FROM STDIN`, for which a script has no data.
    #[error("COPY … FROM STDIN needs data, which a script cannot give: use INSERT")]
    CopyIn,
}

impl Error {
    /// The server's own error, if there is one.
    pub fn server(&self) -> Option<&ServerError> {
        match self {
            Self::Server(error) => Some(error),
            Self::Lost(lost) => lost.error.as_deref(),
            Self::Protocol(_) | Self::Unsendable(_) | Self::CopyIn => None,
        }
    }

    /// What the server said, without its code, else what happened.
    pub fn told(&self) -> String {
        match self.server() {
            Some(error) => format!("{}{}", error.message, error.more()),
            None => self.to_string(),
        }
    }

    /// The SQLSTATE, if the server gave one.
    pub fn sqlstate(&self) -> Option<&str> {
        self.server().map(|error| error.sqlstate.as_str())
    }
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Nobody answers there.
    #[error("{address}: {reason}")]
    Unreachable {
        /// Where: a socket's path, or a host and port.
        address: String,
        /// What the system says.
        reason: io::Error,
    },
    /// The server refuses: a password, `too many clients`, `the database system is starting up`, ….
    #[error(transparent)]
    Server(Box<ServerError>),
    /// There is no encrypted way to it, or none to a server that is trusted.
    #[error("TLS: {0}")]
    Tls(String),
    /// The server asks for what this client cannot give.
    #[error("{0}")]
    Authentication(String),
    /// It answered, and then went away or said what cannot be understood.
    #[error("the server did not complete the start of the session: {0}")]
    Startup(#[source] io::Error),
    /// No server of the list is of the kind that `target_session_attrs` asks for.
    #[error("the server {0}, which target_session_attrs does not want")]
    Unwanted(&'static str),
}

impl ConnectError {
    /// The SQLSTATE, where the server gave one: 53300 for too many clients, 57P03 while it starts.
    pub fn sqlstate(&self) -> Option<&str> {
        match self {
            Self::Server(error) => Some(&error.sqlstate),
            _ => None,
        }
    }

    /// What reports count it as: its SQLSTATE, or that no server could be had.
    pub fn kind(&self) -> &str {
        self.sqlstate().unwrap_or("connection_refused")
    }
}

/// An error about bytes that do not follow the protocol.
pub(super) fn malformed(what: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_severity_is_read_where_no_locale_translates_it() {
        let body = b"SFATALE\0VFATAL\0C57P01\0Mbye\0Dbecause\0Hwait\0\0";
        let error = ServerError::parse(body);
        assert!(error.fatal);
        assert_eq!(error.to_string(), "bye (SQLSTATE 57P01). because. wait");
        assert!(!ServerError::parse(b"SFEHLER\0VERROR\0C23505\0\0").fatal);
        assert!(ServerError::parse(b"SPANIC\0C58030\0\0").fatal);
        assert_eq!(ServerError::parse(b""), ServerError::default());
    }
}
