//! A stream with what goes out and what came in.

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt as _, AsyncWrite as _};

use super::inbox::{Inbox, Rows};
use super::stream::Stream;

/// A buffer that has grown beyond this, for a giant statement, is given back when it is empty.
const KEPT: usize = 64 * 1024;

/// A stream and its buffers.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) stream: Stream,
    pub(super) inbox: Inbox,
    /// Whole messages that are still to be sent.
    pub(super) outbox: BytesMut,
}

impl Link {
    pub(super) fn new(stream: Stream) -> Self {
        Self {
            stream,
            inbox: Inbox::default(),
            outbox: BytesMut::new(),
        }
    }

    /// Waits for more bytes.
    pub(super) async fn fill(&mut self) -> io::Result<()> {
        let Self { stream, inbox, .. } = self;
        came(stream.read_buf(inbox.room()).await?)
    }

    fn poll_fill(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { stream, inbox, .. } = self;
        pin!(stream.read_buf(inbox.room()))
            .poll(context)
            .map(|read| came(read?))
    }

    /// Takes in what is there, without waiting: the result of one read, none if nothing has come. The
    /// system is not even asked unless its event queue said that something has.
    pub(super) fn fill_now(&mut self) -> Option<io::Result<()>> {
        match self.poll_fill(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(filled) => Some(filled),
            Poll::Pending => None,
        }
    }

    /// The letter of the next message, once it has come as a whole.
    pub(super) async fn next(&mut self) -> io::Result<u8> {
        loop {
            if let Some(tag) = self.inbox.advance(Rows::Kept)? {
                return Ok(tag);
            }
            self.fill().await?;
        }
    }

    /// Sends all that is to be sent. A server that does not read on before its answers are taken is
    /// served: they are read meanwhile.
    pub(super) async fn flush(&mut self) -> io::Result<()> {
        poll_fn(|context| self.poll_flush(context)).await
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.outbox.is_empty() {
            match Pin::new(&mut self.stream).poll_write(context, &self.outbox) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(sent)) if sent == self.outbox.len() => self.outbox.clear(),
                Poll::Ready(Ok(sent)) => self.outbox.advance(sent),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => match self.poll_fill(context) {
                    Poll::Ready(Ok(())) => {}
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                    Poll::Pending => return Poll::Pending,
                },
            }
        }
        if self.outbox.capacity() > KEPT {
            self.outbox = BytesMut::new();
        }
        Pin::new(&mut self.stream).poll_flush(context)
    }

    /// Sends what the system takes at once.
    pub(super) fn flush_now(&mut self) {
        let mut context = Context::from_waker(Waker::noop());
        // Who calls this does not depend on it.
        let _ = self.poll_flush(&mut context);
    }
}

/// No bytes are the end of the stream.
fn came(bytes: usize) -> io::Result<()> {
    match bytes {
        0 => {
            let reason = "the server closed the connection";
            Err(io::Error::new(io::ErrorKind::UnexpectedEof, reason))
        }
        _ => Ok(()),
    }
}
