//! Asking the server to cancel what a session runs.

use std::io;
use std::time::Duration;

use bytes::BytesMut;
use postgres_protocol::message::frontend;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::route::Route;
use super::startup::Backend;
use super::target::Target;

/// How long a server may take to accept a cancel request.
const LIMIT: Duration = Duration::from_secs(2);

/// What can ask the server to cancel what a session runs, also when its connection is gone.
#[derive(Debug, Clone)]
pub struct Canceller {
    pub(super) target: Target,
    pub(super) route: Route,
    pub(super) backend: Backend,
}

impl Canceller {
    /// Sends a cancel request on a connection of its own, secured as the session's, and waits until the
    /// server has taken it. The server answers nothing: the session itself shows whether anything came
    /// of it. One that does not take it within two seconds is not waited for.
    ///
    /// # Errors
    /// What the system says.
    pub async fn cancel(&self) -> io::Result<()> {
        let asked = tokio::time::timeout(LIMIT, self.ask()).await;
        asked.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }

    async fn ask(&self) -> io::Result<()> {
        let stream = self.route.open(&self.target).await;
        let mut stream = stream.map_err(io::Error::other)?;
        let Backend { process, secret } = self.backend;
        let mut request = BytesMut::new();
        frontend::cancel_request(process, secret, &mut request);
        stream.write_all(&request).await?;
        stream.flush().await?;
        // The server closes the connection once it has sent the signal; how it closes it does not matter.
        let _ = stream.read(&mut [0]).await;
        Ok(())
    }
}
