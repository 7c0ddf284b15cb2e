//! Where connections go to, and with which settings.

use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use tokio_postgres::Config;
use tokio_postgres::config::SslNegotiation;

use super::stream::{Address, Encryption};
use crate::postgres::endpoint::Endpoint;
use crate::postgres::tls::SslMode;

/// How long a connection may take to open where the address does not say: pgjdbc's `connectTimeout`.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// What all connections of an application have in common. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Target(Arc<Settings>);

struct Settings {
    config: Config,
    tls: Option<Arc<ClientConfig>>,
    mode: SslMode,
}

/// Without the password.
impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.config.get_hosts())
    }
}

impl Target {
    /// The server that an address leads to. Sessions call themselves `application_name`.
    pub fn new(endpoint: &Endpoint, application_name: &str) -> Self {
        let mut config = endpoint.config().clone();
        config.application_name(application_name);
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        Self(Arc::new(Settings {
            config,
            tls: endpoint.tls().cloned(),
            mode: endpoint.mode(),
        }))
    }

    pub(super) fn config(&self) -> &Config {
        &self.0.config
    }

    pub(super) fn tls(&self) -> Option<&Arc<ClientConfig>> {
        self.0.tls.as_ref()
    }

    /// Whether the second of two ways to a server is tried after the first: those of `sslmode`.
    pub(super) fn ways(&self, address: &Address) -> (Encryption, Option<Encryption>) {
        let always = match self.0.config.get_ssl_negotiation() {
            SslNegotiation::Direct => Encryption::Direct,
            _ => Encryption::Always,
        };
        match (address, self.0.mode) {
            (Address::Unix(_), _) | (_, SslMode::Disable) => (Encryption::Never, None),
            (_, SslMode::Allow) => (Encryption::Never, Some(always)),
            (_, SslMode::Prefer) => (Encryption::Offered, Some(Encryption::Never)),
            (_, SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull) => (always, None),
        }
    }
}
