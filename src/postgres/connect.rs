//! Sessions: a client together with the task that drives its connection.

use std::error::Error as _;
use std::future::poll_fn;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_postgres::error::DbError;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect, TlsStream};
use tokio_postgres::{AsyncMessage, Client, Config, Connection, Error, NoTls, Socket};

/// A connected session. Its connection is driven by a task of the runtime that it was opened on,
/// and ends when the session is dropped.
#[derive(Debug)]
pub struct Session {
    /// The client to send statements with.
    pub client: Client,
    driver: Driver,
}

/// Notices as the server sent them, in order. Ends with the session.
pub type Notices = mpsc::UnboundedReceiver<DbError>;

/// Opens a session whose `application_name` is as given, so that a person who looks at
/// `pg_stat_activity` knows what each session is for.
pub async fn connect(config: &Config, application_name: &str) -> Result<Session, Error> {
    open(&named(config, application_name), NoTls).await
}

/// As [`connect`], for what must come to its end: the server's timeouts, of `[shadow.settings]` as of a role,
/// do not hold in it.
pub async fn connect_unlimited(config: &Config, application_name: &str) -> Result<Session, Error> {
    let session = connect(config, application_name).await?;
    unlimited(&session.client).await?;
    Ok(session)
}

/// Takes the server's timeouts off a session.
pub async fn unlimited(client: &Client) -> Result<(), Error> {
    client.batch_execute(WITHOUT_TIMEOUTS).await
}

/// Only those that the server's version knows.
const WITHOUT_TIMEOUTS: &str = "
SELECT pg_catalog.set_config(name, '0', false) FROM pg_catalog.pg_settings
WHERE name IN ('statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout',
               'idle_session_timeout', 'transaction_timeout')";

/// As [`connect`], and hands over what the server says beside its answers: `NOTICE`, `WARNING`, and
/// `DEBUG` where `client_min_messages` asks for it.
pub async fn connect_with_notices(
    config: &Config,
    application_name: &str,
) -> Result<(Session, Notices), Error> {
    let config = named(config, application_name);
    let (client, connection) = config.connect(NoTls).await?;
    let (sender, notices) = mpsc::unbounded_channel();
    let driver = Driver::spawn(connection, Some(sender));
    Ok((Session { client, driver }, notices))
}

fn named(config: &Config, application_name: &str) -> Config {
    let mut config = config.clone();
    config.application_name(application_name);
    config
}

/// Opens a session by this TLS.
pub(super) async fn open<T>(config: &Config, tls: T) -> Result<Session, Error>
where
    T: MakeTlsConnect<Socket>,
    T::Stream: Send + 'static,
    T::TlsConnect: Send,
    <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
{
    let (client, connection) = config.connect(tls).await?;
    Ok(Session {
        client,
        driver: Driver::spawn(connection, None),
    })
}

/// What went wrong, for people. The driver's own text stops at "db error" or "error connecting to
/// server", and leaves what the server or the system said to its source.
pub fn describe(error: &Error) -> String {
    match (error.as_db_error(), error.source()) {
        (None, Some(source)) if source.to_string() == "password missing" => {
            "the server asks for a password: set PGPASSWORD, or write it to ~/.pgpass".to_owned()
        }
        (Some(refusal), _) => refusal.to_string(),
        (None, Some(source)) => format!("{error}: {source}"),
        (None, None) => error.to_string(),
    }
}

impl Session {
    /// Says goodbye and waits until the connection has ended. The server may hold the session's
    /// process for a moment longer.
    ///
    /// # Errors
    /// What ended the connection, where it was not this call.
    pub async fn close(self) -> Result<(), Error> {
        let Self { client, mut driver } = self;
        drop(client);
        match (&mut driver.0).await {
            Ok(ended) => ended,
            // Only this type aborts the task, when it is dropped; nothing in the task panics.
            Err(_) => Ok(()),
        }
    }
}

/// The task that carries a connection's messages; aborted when dropped.
#[derive(Debug)]
struct Driver(JoinHandle<Result<(), Error>>);

impl Driver {
    fn spawn<S>(
        connection: Connection<Socket, S>,
        notices: Option<mpsc::UnboundedSender<DbError>>,
    ) -> Self
    where
        S: TlsStream + Unpin + Send + 'static,
    {
        Self(tokio::spawn(drive(connection, notices)))
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn drive<S>(
    mut connection: Connection<Socket, S>,
    notices: Option<mpsc::UnboundedSender<DbError>>,
) -> Result<(), Error>
where
    S: TlsStream + Unpin,
{
    while let Some(message) = poll_fn(|context| connection.poll_message(context)).await {
        if let (AsyncMessage::Notice(notice), Some(notices)) = (message?, &notices) {
            // A receiver that is gone has stopped caring; the session goes on.
            let _ = notices.send(notice);
        }
    }
    Ok(())
}
