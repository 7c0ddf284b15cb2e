//! The start of a session, up to the first statement.

use std::io;

use postgres_protocol::message::backend::{
    BACKEND_KEY_DATA_TAG, ERROR_RESPONSE_TAG, NOTICE_RESPONSE_TAG, PARAMETER_STATUS_TAG,
    READY_FOR_QUERY_TAG,
};
use postgres_protocol::message::frontend;
use tokio_postgres::Config;

use super::authentication::{authenticate, refusal};
use super::error::{ConnectError, malformed};
use super::link::Link;

/// What a cancel request names a session by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Backend {
    pub(super) process: i32,
    pub(super) secret: i32,
}

/// Introduces the client and waits until the server is ready.
pub(super) async fn start(link: &mut Link, config: &Config) -> Result<Backend, ConnectError> {
    let user = match config.get_user() {
        Some(user) => user.to_owned(),
        None => std::env::var("USER").unwrap_or_else(|_| "postgres".to_owned()),
    };
    introduce(link, config, &user)
        .await
        .map_err(ConnectError::Startup)?;
    authenticate(link, config, &user).await?;
    let mut backend = Backend::default();
    loop {
        match link.next().await.map_err(ConnectError::Startup)? {
            BACKEND_KEY_DATA_TAG => {
                backend = key(link.inbox.body()).map_err(ConnectError::Startup)?;
            }
            PARAMETER_STATUS_TAG | NOTICE_RESPONSE_TAG => {}
            READY_FOR_QUERY_TAG => return Ok(backend),
            ERROR_RESPONSE_TAG => return Err(refusal(link)),
            other => {
                let what = format!("an unexpected message `{}`", other.escape_ascii());
                return Err(ConnectError::Startup(malformed(what)));
            }
        }
    }
}

async fn introduce(link: &mut Link, config: &Config, user: &str) -> io::Result<()> {
    let given = [
        ("database", config.get_dbname()),
        ("options", config.get_options()),
        ("application_name", config.get_application_name()),
    ];
    let given = given
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)));
    let all = [("client_encoding", "UTF8"), ("user", user)]
        .into_iter()
        .chain(given);
    frontend::startup_message(all, &mut link.outbox)?;
    link.flush().await
}

fn key(body: &[u8]) -> io::Result<Backend> {
    let (process, rest) = body.split_first_chunk().ok_or_else(short)?;
    let (secret, _) = rest.split_first_chunk().ok_or_else(short)?;
    Ok(Backend {
        process: i32::from_be_bytes(*process),
        secret: i32::from_be_bytes(*secret),
    })
}

fn short() -> io::Error {
    malformed("the key of a session that ends early")
}
