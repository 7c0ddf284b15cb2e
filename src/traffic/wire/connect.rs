//! The way to a server: hosts, addresses and ways to encrypt, one after the other.

use std::io;
use std::time::Duration;

use rand::seq::SliceRandom as _;
use tokio_postgres::config::{Host, LoadBalanceHosts, TargetSessionAttrs};

use super::cancel::Canceller;
use super::connection::Connection;
use super::error::ConnectError;
use super::link::Link;
use super::route::Route;
use super::startup::start;
use super::stream::{Address, Encryption};
use super::target::Target;

/// The port of servers that do not say another.
const PORT: u16 = 5432;

impl Connection {
    /// Connects to the first server of the target that will have it, within `connect_timeout` each.
    ///
    /// # Errors
    /// What the last server of the list said.
    pub async fn open(target: &Target) -> Result<Self, ConnectError> {
        let mut last = None;
        for (host, name, port) in hosts(target) {
            let addresses = match addresses(&host, port, target).await {
                Ok(addresses) => addresses,
                Err(error) => {
                    last = Some(error);
                    continue;
                }
            };
            for address in addresses {
                match reach(target, address, &name).await {
                    Ok(connection) => return Ok(connection),
                    Err(error) => last = Some(error),
                }
            }
        }
        Err(last.unwrap_or_else(|| unreachable_host("the address", "it names no host")))
    }
}

/// Connects to one address, encrypted as `sslmode` says.
async fn reach(target: &Target, address: Address, name: &str) -> Result<Connection, ConnectError> {
    let (first, second) = target.ways(&address);
    let mut route = Route {
        address,
        name: name.to_owned(),
        encryption: first,
    };
    let error = match attempt(target, &route).await {
        Ok(connection) => return Ok(connection),
        Err(error) => error,
    };
    let Some(second) = second.filter(|_| may_be_the_encryption(&error)) else {
        return Err(error);
    };
    route.encryption = second;
    // Where both fail for it, the first way is the one that was meant; else it is not the encryption any more.
    let again = attempt(target, &route).await;
    again.map_err(|other| match may_be_the_encryption(&other) {
        true => error,
        false => other,
    })
}

/// Whether the other way to encrypt could help: the handshake failed, or `pg_hba.conf` refuses.
fn may_be_the_encryption(error: &ConnectError) -> bool {
    match error {
        ConnectError::Server(error) => error.sqlstate == "28000",
        ConnectError::Tls(_) | ConnectError::Startup(_) => true,
        ConnectError::Unreachable { .. }
        | ConnectError::Authentication(_)
        | ConnectError::Unwanted(_) => false,
    }
}

async fn attempt(target: &Target, route: &Route) -> Result<Connection, ConnectError> {
    let limit = target.config().get_connect_timeout().copied();
    let begun = begin(target, route);
    match limit.filter(|limit| !limit.is_zero()) {
        None => begun.await,
        Some(limit) => tokio::time::timeout(limit, begun)
            .await
            .unwrap_or_else(|_| Err(too_late(route, limit))),
    }
}

async fn begin(target: &Target, route: &Route) -> Result<Connection, ConnectError> {
    let stream = route.open(target).await?;
    let encrypted = stream.is_encrypted();
    let mut link = Link::new(stream);
    let backend = start(&mut link, target.config()).await?;
    let mut route = route.clone();
    if !encrypted {
        route.encryption = Encryption::Never;
    }
    let canceller = Canceller {
        target: target.clone(),
        route,
        backend,
    };
    let mut connection = Connection::new(link, canceller);
    welcome(&mut connection, target).await?;
    Ok(connection)
}

/// Whether the server is of the kind that `target_session_attrs` wants.
async fn welcome(connection: &mut Connection, target: &Target) -> Result<(), ConnectError> {
    let (unwanted, why) = match target.config().get_target_session_attrs() {
        TargetSessionAttrs::ReadWrite => ("on", "takes no writes"),
        TargetSessionAttrs::ReadOnly => ("off", "takes writes"),
        _ => return Ok(()),
    };
    let asked = connection.query("SHOW transaction_read_only", true).await;
    asked.map_err(|error| ConnectError::Startup(io::Error::other(error)))?;
    let rows = connection.results().iter().flat_map(|result| &result.rows);
    match rows.flatten().flatten().any(|value| value == unwanted) {
        true => Err(ConnectError::Unwanted(why)),
        false => Ok(()),
    }
}

/// The hosts in the order in which they are tried: where to connect to, the name to verify, the port.
fn hosts(target: &Target) -> Vec<(Host, String, u16)> {
    let config = target.config();
    let (names, numbers) = (config.get_hosts(), config.get_hostaddrs());
    let ports = config.get_ports();
    let host = |at: usize| {
        let number = numbers.get(at).map(ToString::to_string);
        let name = match names.get(at) {
            Some(Host::Tcp(name)) => name.clone(),
            _ => number.clone().unwrap_or_default(),
        };
        let host = match number {
            Some(number) => Host::Tcp(number),
            None => names.get(at)?.clone(),
        };
        let port = ports.get(at).or_else(|| ports.first());
        Some((host, name, port.copied().unwrap_or(PORT)))
    };
    let count = names.len().max(numbers.len());
    let mut hosts: Vec<_> = (0..count).filter_map(host).collect();
    if target.config().get_load_balance_hosts() == LoadBalanceHosts::Random {
        hosts.shuffle(&mut rand::rng());
    }
    hosts
}

/// The addresses of one host.
async fn addresses(host: &Host, port: u16, target: &Target) -> Result<Vec<Address>, ConnectError> {
    let name = match host {
        Host::Unix(folder) => {
            return Ok(vec![Address::Unix(folder.join(format!(".s.PGSQL.{port}")))]);
        }
        Host::Tcp(name) => name,
    };
    let found = tokio::net::lookup_host((name.as_str(), port)).await;
    let mut addresses: Vec<_> = found
        .map_err(|reason| ConnectError::Unreachable {
            address: name.clone(),
            reason,
        })?
        .map(Address::Tcp)
        .collect();
    if target.config().get_load_balance_hosts() == LoadBalanceHosts::Random {
        addresses.shuffle(&mut rand::rng());
    }
    match addresses.is_empty() {
        true => Err(unreachable_host(name, "it has no address")),
        false => Ok(addresses),
    }
}

fn unreachable_host(address: &str, why: &str) -> ConnectError {
    ConnectError::Unreachable {
        address: address.to_owned(),
        reason: io::Error::new(io::ErrorKind::NotFound, why),
    }
}

fn too_late(route: &Route, limit: Duration) -> ConnectError {
    let why = format!("no session within {limit:?} (connect_timeout)");
    ConnectError::Unreachable {
        address: route.address.to_string(),
        reason: io::Error::new(io::ErrorKind::TimedOut, why),
    }
}
