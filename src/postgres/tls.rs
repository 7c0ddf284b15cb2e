//! TLS as libpq's `sslmode` means it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};

/// `sslmode`: whether a session is encrypted, and whom it trusts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SslMode {
    /// Never.
    Disable,
    /// Where the server asks for it.
    Allow,
    /// Where the server has it: libpq's default.
    Prefer,
    /// Always, with whoever answers; where there is a root certificate, as [`SslMode::VerifyCa`].
    Require,
    /// With a server whose certificate is signed by a root that is trusted.
    VerifyCa,
    /// And made out to the name that was connected to.
    VerifyFull,
}

impl SslMode {
    /// The mode of this name.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "disable" => Self::Disable,
            "allow" => Self::Allow,
            "prefer" => Self::Prefer,
            "require" => Self::Require,
            "verify-ca" => Self::VerifyCa,
            "verify-full" => Self::VerifyFull,
            _ => return None,
        })
    }
}

/// What an address says of TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsOptions {
    /// `sslmode`.
    pub mode: SslMode,
    /// `sslrootcert`: a file of certificates to trust, or `system`.
    pub roots: Option<PathBuf>,
    /// `sslcert` and `sslkey`: who this client is.
    pub identity: Option<(PathBuf, PathBuf)>,
    /// `sslnegotiation=direct`: TLS from the first byte, which has a protocol name of its own.
    pub direct: bool,
}

/// Why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file of the address.
    #[error("{path}, which {keyword} names, cannot be read: {message}")]
    File {
        /// The file.
        path: PathBuf,
        /// The keyword that names it.
        keyword: &'static str,
        /// Why.
        message: String,
    },
    /// No root to verify by.
    #[error(
        "sslmode=verify-ca needs sslrootcert, a file with the certificate of the authority that signed the server's"
    )]
    NoRoots,
    /// All authorities of the world sign for anybody.
    #[error(
        "sslrootcert=system trusts every public authority, so the server's name must be verified: use sslmode=verify-full"
    )]
    SystemNeedsName,
    /// The certificates do not fit together.
    #[error("TLS cannot be set up: {0}")]
    Setup(String),
}

/// How TLS is spoken with an address; none where its mode is `disable`.
///
/// # Errors
/// Files that cannot be read, and modes that would trust anybody.
pub fn client_config(options: &TlsOptions) -> Result<Option<Arc<ClientConfig>>, TlsError> {
    if options.mode == SslMode::Disable {
        return Ok(None);
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let setup = |error: Error| TlsError::Setup(error.to_string());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(setup)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Verifier::new(options, provider)?));
    let mut config = match &options.identity {
        None => builder.with_no_client_auth(),
        Some((certificates, key)) => builder
            .with_client_auth_cert(
                read_certificates(certificates, "sslcert")?,
                PrivateKeyDer::from_pem_file(key).map_err(unreadable(key, "sslkey"))?,
            )
            .map_err(setup)?,
    };
    if options.direct {
        config.alpn_protocols = vec![b"postgresql".to_vec()];
    }
    Ok(Some(Arc::new(config)))
}

fn unreadable<E: std::fmt::Display>(
    path: &Path,
    keyword: &'static str,
) -> impl FnOnce(E) -> TlsError {
    let path = path.to_owned();
    move |error| TlsError::File {
        path,
        keyword,
        message: error.to_string(),
    }
}

fn read_certificates(
    path: &Path,
    keyword: &'static str,
) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let certificates = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(unreadable(path, keyword))?;
    match certificates.is_empty() {
        true => Err(unreadable(path, keyword)("it holds no certificate")),
        false => Ok(certificates),
    }
}

/// Whom a session trusts.
#[derive(Debug)]
struct Verifier {
    provider: Arc<CryptoProvider>,
    /// None: anybody.
    trust: Option<Trust>,
}

#[derive(Debug)]
struct Trust {
    chain: Arc<WebPkiServerVerifier>,
    roots: Vec<CertificateDer<'static>>,
    by_name: bool,
}

impl Verifier {
    fn new(options: &TlsOptions, provider: Arc<CryptoProvider>) -> Result<Self, TlsError> {
        let roots = match (&options.roots, options.mode) {
            // The system's authorities sign for anybody: a name must be verified with them.
            (Some(path), mode) if path.as_os_str() == "system" => match mode {
                SslMode::VerifyFull => Some(system_roots()?),
                _ => return Err(TlsError::SystemNeedsName),
            },
            (_, SslMode::Disable | SslMode::Allow | SslMode::Prefer) => None,
            (Some(path), _) => Some(read_certificates(path, "sslrootcert")?),
            (None, SslMode::Require) => None,
            (None, SslMode::VerifyCa) => return Err(TlsError::NoRoots),
            (None, SslMode::VerifyFull) => Some(system_roots()?),
        };
        let by_name = options.mode == SslMode::VerifyFull;
        let trust = roots.map(|roots| Trust::new(roots, by_name, &provider));
        Ok(Self {
            provider,
            trust: trust.transpose()?,
        })
    }
}

fn system_roots() -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found = rustls_native_certs::load_native_certs();
    match (found.certs.is_empty(), found.errors.first()) {
        (false, _) => Ok(found.certs),
        (true, error) => Err(TlsError::Setup(format!(
            "the system has no certificates to trust ({}): give sslrootcert",
            error.map_or_else(|| "none found".to_owned(), ToString::to_string)
        ))),
    }
}

impl Trust {
    fn new(
        roots: Vec<CertificateDer<'static>>,
        by_name: bool,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self, TlsError> {
        let mut store = RootCertStore::empty();
        // One bad certificate of hundreds is no reason to trust none of the others.
        store.add_parsable_certificates(roots.iter().cloned());
        let chain =
            WebPkiServerVerifier::builder_with_provider(Arc::new(store), Arc::clone(provider))
                .build()
                .map_err(|error| TlsError::Setup(error.to_string()))?;
        Ok(Self {
            chain,
            roots,
            by_name,
        })
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(trust) = &self.trust else {
            return Ok(ServerCertVerified::assertion());
        };
        // A self-signed certificate that is itself given as the root: the usual set-up by hand, which
        // a chain of authorities has no place for.
        if trust.roots.iter().any(|root| root == end_entity) {
            if trust.by_name {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
            }
            return Ok(ServerCertVerified::assertion());
        }
        let verified = trust.chain.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        );
        match verified {
            // The name is looked at last, when the chain has been found good.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !trust.by_name => Ok(ServerCertVerified::assertion()),
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
