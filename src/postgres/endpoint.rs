//! Where a server is, who connects, and how the way there is secured.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use tokio_postgres::config::{Host, SslMode as Encryption};
use tokio_postgres::error::SqlState;
use tokio_postgres::tls::NoTls;
use tokio_postgres::{CancelToken, Config, Error};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::connect::{Session, open};
use super::conninfo::{self, ConninfoError};
use super::defaults::{complete, escape, shown, tls_options};
use super::tls::{self, SslMode, TlsError};

/// How long a server may take to answer where the address does not say.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// An address to connect to. Neither `Display` nor `Debug` shows the password.
#[derive(Clone)]
pub struct Endpoint {
    config: Config,
    tls: Option<Arc<ClientConfig>>,
    mode: SslMode,
    shown: String,
}

/// Why an address cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    /// The address itself.
    #[error(transparent)]
    Conninfo(#[from] ConninfoError),
    /// What it says of TLS.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

impl Endpoint {
    /// Reads an address: a `postgres://` URL or `key=value` words, over libpq's variables of the
    /// environment and the files of the user's home (`.pgpass`, `.postgresql`).
    ///
    /// # Errors
    /// What is wrong, without the values: one may be a password.
    pub fn read(
        address: &str,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, EndpointError> {
        let mut parameters = conninfo::read(address, environment)?;
        complete(&mut parameters, environment);
        let tls = tls_options(&parameters, environment)?;
        let client = tls::client_config(&tls)?;
        let shown = shown(&parameters);
        parameters.retain(|keyword, _| conninfo::reaches_the_driver(keyword));
        let mut config: Config = conninfo::write(&parameters)
            .parse()
            .map_err(|error: Error| {
                // "invalid connection string: " and what it is about.
                let said = super::connect::describe(&error);
                let reason = said
                    .split_once(": ")
                    .map_or(said.as_str(), |(_, reason)| reason);
                ConninfoError::Unusable(reason.to_owned())
            })?;
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        Ok(Self {
            config,
            tls: client,
            mode: tls.mode,
            shown,
        })
    }

    /// The database that the address names; none if it names none.
    pub fn database(&self) -> Option<&str> {
        self.config.get_dbname()
    }

    /// How TLS is spoken; none where it never is.
    pub fn tls(&self) -> Option<&Arc<ClientConfig>> {
        self.tls.as_ref()
    }

    /// Whether sessions are encrypted, and whom they trust.
    pub fn mode(&self) -> SslMode {
        self.mode
    }

    /// The same server and user with another database.
    pub fn with_database(&self, database: &str) -> Self {
        let mut config = self.config.clone();
        config.dbname(database);
        let (server, query) = self.shown.split_once('?').unwrap_or((&self.shown, ""));
        let server = server.rsplit_once('/').map_or(server, |(server, _)| server);
        let mark = if query.is_empty() { "" } else { "?" };
        Self {
            config,
            shown: format!("{server}/{}{mark}{query}", escape(database)),
            ..self.clone()
        }
    }

    /// The same database, whose sessions begin with this setting.
    pub fn with_setting(&self, name: &str, value: &str) -> Self {
        let mut config = self.config.clone();
        let setting = format!("-c {name}={value}");
        config.options(match config.get_options() {
            Some(options) => format!("{options} {setting}"),
            None => setting,
        });
        Self {
            config,
            ..self.clone()
        }
    }

    /// The server, the database and the user as the driver has them.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Connects, by TLS as `sslmode` says.
    ///
    /// # Errors
    /// What the network or the server says.
    pub async fn connect(&self, application_name: &str) -> Result<Session, Error> {
        let mut config = self.config.clone();
        config.application_name(application_name);
        let [first, second] = self.attempts();
        match self.attempt(&mut config, first).await {
            Err(error) if second.is_some_and(|_| may_be_the_encryption(&error)) => {
                let Some(second) = second else {
                    return Err(error);
                };
                // Where both fail, the first way is the one that was meant.
                self.attempt(&mut config, Some(second))
                    .await
                    .map_err(|_| error)
            }
            other => other,
        }
    }

    /// Ends the statement that a session is at, by a connection secured as the session's.
    ///
    /// # Errors
    /// What the network says; the server answers nothing.
    pub async fn cancel(&self, token: &CancelToken) -> Result<(), Error> {
        match &self.tls {
            Some(tls) if !self.by_socket() => token.cancel_query(driver(tls)).await,
            _ => token.cancel_query(NoTls).await,
        }
    }

    /// The ways to encrypt, in the order in which they are tried.
    fn attempts(&self) -> [Option<Encryption>; 2] {
        let plain = Some(Encryption::Disable);
        let encrypted = Some(Encryption::Require);
        match self.mode {
            _ if self.by_socket() => [plain, None],
            SslMode::Disable => [plain, None],
            SslMode::Allow => [plain, encrypted],
            SslMode::Prefer => [Some(Encryption::Prefer), plain],
            SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => [encrypted, None],
        }
    }

    async fn attempt(
        &self,
        config: &mut Config,
        encryption: Option<Encryption>,
    ) -> Result<Session, Error> {
        config.ssl_mode(encryption.unwrap_or(Encryption::Disable));
        match &self.tls {
            Some(tls) => open(config, driver(tls)).await,
            None => open(config, NoTls).await,
        }
    }

    /// A Unix socket is not encrypted, as with libpq.
    fn by_socket(&self) -> bool {
        let mut hosts = self.config.get_hosts().iter();
        hosts.all(|host| matches!(host, Host::Unix(_)))
    }
}

/// A server that is reached by a configuration alone, without TLS: the tool's own, by its socket.
impl From<&Config> for Endpoint {
    fn from(config: &Config) -> Self {
        Self {
            config: config.clone(),
            tls: None,
            mode: SslMode::Disable,
            shown: String::from("postgres:///"),
        }
    }
}

impl From<Config> for Endpoint {
    fn from(config: Config) -> Self {
        Self::from(&config)
    }
}

impl From<&Endpoint> for Endpoint {
    fn from(endpoint: &Endpoint) -> Self {
        endpoint.clone()
    }
}

/// As a URL without the password.
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({})", self.shown)
    }
}

/// TLS for the driver.
fn driver(tls: &Arc<ClientConfig>) -> MakeRustlsConnect {
    MakeRustlsConnect::new(ClientConfig::clone(tls))
}

/// Whether the other way to encrypt could help: the handshake failed, or `pg_hba.conf` refuses.
fn may_be_the_encryption(error: &Error) -> bool {
    match error.code() {
        Some(code) => *code == SqlState::INVALID_AUTHORIZATION_SPECIFICATION,
        None => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(address: &str) -> Endpoint {
        Endpoint::read(address, &|_| None).unwrap()
    }

    #[test]
    fn the_password_is_never_shown() {
        let endpoint = read("postgres://ann:secret@db.example.org/shop?sslmode=require");
        let url = "postgres://ann@db.example.org/shop?sslmode=require";
        assert_eq!(endpoint.to_string(), url);
        assert!(!format!("{endpoint:?}").contains("secret"));
        assert_eq!(endpoint.config.get_password(), Some(b"secret".as_slice()));
        let other = endpoint.with_database("a b");
        assert_eq!(
            other.to_string(),
            "postgres://ann@db.example.org/a%20b?sslmode=require"
        );
        assert_eq!(other.database(), Some("a b"));
    }

    #[test]
    fn a_shown_socket_can_be_connected_to_again() {
        let endpoint = read("host=/tmp/a user=ann port=6000 dbname=x");
        assert_eq!(endpoint.to_string(), "postgres://ann@%2Ftmp%2Fa:6000/x");
        assert_eq!(read(&endpoint.to_string()).config, endpoint.config);
        assert!(endpoint.by_socket());
    }

    #[test]
    fn an_unknown_sslmode_is_told_the_known_ones() {
        let error = Endpoint::read("sslmode=always", &|_| None).unwrap_err();
        assert!(error.to_string().contains("verify-full"), "{error}");
    }

    #[test]
    fn verifying_needs_something_to_verify_by() {
        for (address, says) in [
            ("host=h sslmode=verify-ca", "sslrootcert"),
            ("host=h sslmode=require sslrootcert=system", "verify-full"),
            (
                "host=h sslmode=verify-full sslrootcert=/no/where",
                "/no/where",
            ),
        ] {
            let error = Endpoint::read(address, &|_| None).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
