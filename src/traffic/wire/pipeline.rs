//! Pipelines: statements that are sent without waiting for the answers to those before them.

use postgres_protocol::message::frontend;

use super::answers::Expected;
use super::connection::Connection;
use super::error::Error;

impl Connection {
    /// From here on statements are sent without waiting for their answers.
    ///
    /// # Errors
    /// The end of the connection.
    pub fn start_pipeline(&mut self) -> Result<(), Error> {
        self.begin()?;
        self.pipeline = true;
        Ok(())
    }

    /// What was sent before in the pipeline is done by itself; what comes after is not skipped for its
    /// errors.
    ///
    /// # Errors
    /// The end of the connection.
    pub async fn synchronise_pipeline(&mut self) -> Result<(), Error> {
        frontend::sync(&mut self.link.outbox);
        self.answers.expect(Expected::Ready);
        self.send().await
    }

    /// Ends the pipeline and reads all its answers.
    ///
    /// # Errors
    /// The first error of any of its statements, or the end of the connection.
    pub async fn end_pipeline(&mut self) -> Result<(), Error> {
        let ended = self.synchronise().await;
        self.pipeline = false;
        ended
    }

    /// Gives up a pipeline whose statements were not sent yet. Once some were sent, the connection is of
    /// no more use: to synchronise would commit what they did.
    pub fn give_up_pipeline(&mut self) {
        if self.pipeline && self.sent == 0 {
            self.pipeline = false;
            self.link.outbox.clear();
            self.answers.unsend(0);
        }
    }
}
