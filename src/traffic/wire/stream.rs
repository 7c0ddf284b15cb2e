//! The socket, plain or encrypted.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::BytesMut;
use postgres_protocol::message::frontend;
use rustix::net::sockopt;
use rustls::ClientConfig;
use rustls::pki_types::{CertificateDer, ServerName};
use sha2::{Digest, Sha256, Sha384, Sha512};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_postgres::Config;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use x509_cert::Certificate;
use x509_cert::der::Decode as _;
use x509_cert::der::oid::db::rfc5912;

use super::error::ConnectError;

/// Where one server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Address {
    Unix(PathBuf),
    Tcp(SocketAddr),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => path.display().fmt(f),
            Self::Tcp(address) => address.fmt(f),
        }
    }
}

/// Whether the way is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encryption {
    Never,
    /// Where the server has it.
    Offered,
    Always,
    /// Always, and from the first byte: the server is not asked.
    Direct,
}

/// A stream of bytes to and from the server.
#[derive(Debug)]
pub(super) enum Stream {
    Unix(UnixStream),
    Tcp(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// How TLS is spoken with one server.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tls<'a> {
    pub(super) config: &'a Arc<ClientConfig>,
    /// The name that its certificate must be made out to, where names are verified.
    pub(super) name: &'a str,
}

impl Stream {
    /// Connects, without a word.
    pub(super) async fn connect(address: &Address, config: &Config) -> Result<Self, ConnectError> {
        let connected = match address {
            Address::Unix(path) => UnixStream::connect(path).await.map(Self::Unix),
            Address::Tcp(to) => match TcpStream::connect(to).await {
                Ok(socket) => configure(&socket, config).map(|()| Self::Tcp(socket)),
                Err(error) => Err(error),
            },
        };
        connected.map_err(|reason| ConnectError::Unreachable {
            address: address.to_string(),
            reason,
        })
    }

    /// Encrypts the stream as far as is asked for. A Unix socket never is, as with libpq.
    pub(super) async fn secure(
        self,
        encryption: Encryption,
        tls: Option<Tls<'_>>,
    ) -> Result<Self, ConnectError> {
        let Self::Tcp(mut socket) = self else {
            return Ok(self);
        };
        let must = matches!(encryption, Encryption::Always | Encryption::Direct);
        let tls = match (encryption, tls) {
            (Encryption::Never, _) => return Ok(Self::Tcp(socket)),
            (_, Some(tls)) => tls,
            (_, None) if must => {
                return Err(ConnectError::Tls(
                    "it is asked for, and not set up".to_owned(),
                ));
            }
            (_, None) => return Ok(Self::Tcp(socket)),
        };
        if encryption != Encryption::Direct && !offers_tls(&mut socket).await? {
            return match must {
                true => Err(ConnectError::Tls("the server does not have it".to_owned())),
                false => Ok(Self::Tcp(socket)),
            };
        }
        let refused = |error: &dyn fmt::Display| ConnectError::Tls(error.to_string());
        let name = ServerName::try_from(tls.name.to_owned()).map_err(|error| refused(&error))?;
        let connector = TlsConnector::from(Arc::clone(tls.config));
        let stream = connector.connect(name, socket).await;
        Ok(Self::Tls(Box::new(
            stream.map_err(|error| refused(&error))?,
        )))
    }

    /// Whether what is sent is encrypted.
    pub(super) fn is_encrypted(&self) -> bool {
        matches!(self, Self::Tls(_))
    }

    /// What binds a password's proof to this very encrypted stream: `tls-server-end-point` of RFC 5929,
    /// the digest of the server's certificate. None where there is no encryption, or none that it
    /// is defined for.
    pub(super) fn end_point(&self) -> Option<Vec<u8>> {
        let Self::Tls(stream) = self else { return None };
        let (_, session) = stream.get_ref();
        digest(session.peer_certificates()?.first()?)
    }
}

/// The digest of a certificate by the hash function of its signature; MD5 and SHA-1 count as SHA-256.
fn digest(certificate: &CertificateDer<'_>) -> Option<Vec<u8>> {
    let algorithm = Certificate::from_der(certificate).ok()?;
    Some(match algorithm.signature_algorithm.oid {
        rfc5912::SHA_1_WITH_RSA_ENCRYPTION
        | rfc5912::SHA_256_WITH_RSA_ENCRYPTION
        | rfc5912::ECDSA_WITH_SHA_256 => Sha256::digest(certificate).to_vec(),
        rfc5912::SHA_384_WITH_RSA_ENCRYPTION | rfc5912::ECDSA_WITH_SHA_384 => {
            Sha384::digest(certificate).to_vec()
        }
        rfc5912::SHA_512_WITH_RSA_ENCRYPTION | rfc5912::ECDSA_WITH_SHA_512 => {
            Sha512::digest(certificate).to_vec()
        }
        _ => return None,
    })
}

/// Asks whether the server has TLS. One byte answers; whatever else is there already would be read as
/// a part of the handshake, which it then fails.
async fn offers_tls(socket: &mut TcpStream) -> Result<bool, ConnectError> {
    let mut request = BytesMut::new();
    frontend::ssl_request(&mut request);
    let asked = async {
        socket.write_all(&request).await?;
        socket.read_u8().await
    };
    match asked.await.map_err(ConnectError::Startup)? {
        b'S' => Ok(true),
        b'N' => Ok(false),
        _ => Err(ConnectError::Tls(
            "the server does not know the question whether it has it".to_owned(),
        )),
    }
}

/// The settings of libpq's TCP sockets.
fn configure(socket: &TcpStream, config: &Config) -> io::Result<()> {
    socket.set_nodelay(true)?;
    if let Some(timeout) = config.get_tcp_user_timeout() {
        let milliseconds = u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX);
        sockopt::set_tcp_user_timeout(socket, milliseconds)?;
    }
    if config.get_keepalives() {
        sockopt::set_socket_keepalive(socket, true)?;
        sockopt::set_tcp_keepidle(socket, config.get_keepalives_idle())?;
        if let Some(interval) = config.get_keepalives_interval() {
            sockopt::set_tcp_keepintvl(socket, interval)?;
        }
        if let Some(retries) = config.get_keepalives_retries() {
            sockopt::set_tcp_keepcnt(socket, retries)?;
        }
    }
    Ok(())
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Unix(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Tcp(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Unix(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tcp(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Unix(stream) => Pin::new(stream).poll_flush(context),
            Self::Tcp(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
