//! How one server is reached.

use super::error::ConnectError;
use super::stream::{Address, Encryption, Stream, Tls};
use super::target::Target;

/// How one server is reached.
#[derive(Debug, Clone)]
pub(super) struct Route {
    pub(super) address: Address,
    /// The name that its certificate must be made out to.
    pub(super) name: String,
    pub(super) encryption: Encryption,
}

impl Route {
    /// A stream to the server, without a word of the session yet.
    pub(super) async fn open(&self, target: &Target) -> Result<Stream, ConnectError> {
        let stream = Stream::connect(&self.address, target.config()).await?;
        let tls = target.tls().map(|config| Tls {
            config,
            name: &self.name,
        });
        stream.secure(self.encryption, tls).await
    }
}
