//! Messages out of a stream of bytes.

use std::io;
use std::mem;

use bytes::{Buf, BytesMut};
use postgres_protocol::message::backend::{COPY_DATA_TAG, DATA_ROW_TAG, Header};

/// Bytes that are asked for at a time at least: libpq's buffer has as many.
const CHUNK: usize = 16 * 1024;

/// A buffer that has grown beyond this, for a giant row, is given back when it is empty.
const KEPT: usize = 8 * CHUNK;

/// A message's letter and length.
const HEADER: usize = 5;

/// What becomes of the rows that come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rows {
    /// They are messages as all others.
    Kept,
    /// They are passed over as they come, however large.
    Skipped,
}

/// Bytes that have come and were not read yet. `COPY` data is always passed over.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    /// Begins with the current message.
    bytes: BytesMut,
    /// Length of the current message with its header; 0 if there is none.
    current: usize,
    /// Bytes that are still to be passed over.
    skip: usize,
    /// Bytes that the next message lacks, as far as is known.
    missing: usize,
}

impl Inbox {
    /// Goes on to the next message and gives its letter; none if it has not come as a whole.
    ///
    /// # Errors
    /// Bytes that are no message.
    pub(super) fn advance(&mut self, rows: Rows) -> io::Result<Option<u8>> {
        self.bytes.advance(mem::take(&mut self.current));
        loop {
            if self.skip > 0 {
                let skipped = self.skip.min(self.bytes.len());
                self.bytes.advance(skipped);
                self.skip -= skipped;
            }
            let Some(header) = Header::parse(&self.bytes)? else {
                self.missing = HEADER;
                return Ok(None);
            };
            let length = usize::try_from(header.len()).unwrap_or(0) + 1;
            if passed_over(header.tag(), rows) {
                self.skip = length;
                continue;
            }
            if self.bytes.len() < length {
                self.missing = length - self.bytes.len();
                return Ok(None);
            }
            self.current = length;
            return Ok(Some(header.tag()));
        }
    }

    /// The current message without its header.
    pub(super) fn body(&self) -> &[u8] {
        self.bytes.get(HEADER..self.current).unwrap_or_default()
    }

    /// Forgets whatever has come.
    pub(super) fn discard(&mut self) {
        self.bytes.clear();
        self.current = 0;
    }

    /// Where the bytes that come next are to be put.
    pub(super) fn room(&mut self) -> &mut BytesMut {
        let wanted = match self.skip {
            0 => self.missing.max(CHUNK / 2),
            _ => CHUNK / 2,
        };
        if self.bytes.is_empty() {
            self.bytes.reserve(CHUNK);
            if self.bytes.capacity() > KEPT && wanted <= CHUNK {
                self.bytes = BytesMut::with_capacity(CHUNK);
            }
        }
        self.bytes.reserve(wanted);
        &mut self.bytes
    }
}

fn passed_over(tag: u8, rows: Rows) -> bool {
    match tag {
        DATA_ROW_TAG => rows == Rows::Skipped,
        COPY_DATA_TAG => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Message = (u8, Vec<u8>);

    fn encoded(messages: &[Message]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (tag, body) in messages {
            bytes.push(*tag);
            bytes.extend((body.len() as u32 + 4).to_be_bytes());
            bytes.extend(body);
        }
        bytes
    }

    /// What is read of bytes that come in these pieces.
    fn read(pieces: &[&[u8]], rows: Rows) -> Vec<Message> {
        let mut inbox = Inbox::default();
        let mut messages = Vec::new();
        for piece in pieces {
            inbox.room().extend_from_slice(piece);
            while let Some(tag) = inbox.advance(rows).unwrap() {
                messages.push((tag, inbox.body().to_vec()));
            }
        }
        assert!(inbox.bytes.is_empty());
        messages
    }

    fn messages() -> impl Strategy<Value = Vec<Message>> {
        let tag = prop::sample::select(b"DCZdNTE2".to_vec());
        let body = prop::collection::vec(any::<u8>(), 0..40);
        prop::collection::vec((tag, body), 0..8)
    }

    fn delivered(messages: &[Message], rows: Rows) -> Vec<Message> {
        let wanted = |(tag, _): &&Message| !passed_over(*tag, rows);
        messages.iter().filter(wanted).cloned().collect()
    }

    proptest! {
        #[test]
        fn a_message_may_be_split_at_any_byte(messages in messages()) {
            let bytes = encoded(&messages);
            for rows in [Rows::Kept, Rows::Skipped] {
                for at in 0..=bytes.len() {
                    let (first, second) = bytes.split_at(at);
                    prop_assert_eq!(read(&[first, second], rows), delivered(&messages, rows));
                }
                let single: Vec<&[u8]> = bytes.chunks(1).collect();
                prop_assert_eq!(read(&single, rows), delivered(&messages, rows));
            }
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut inbox = Inbox::default();
            inbox.room().extend_from_slice(&bytes);
            while let Ok(Some(_)) = inbox.advance(Rows::Kept) {
                prop_assert!(inbox.body().len() < bytes.len());
            }
        }
    }

    #[test]
    fn skipped_rows_need_no_room() {
        let giant = 1 << 28;
        let mut inbox = Inbox::default();
        inbox.room().extend_from_slice(b"D");
        inbox
            .room()
            .extend_from_slice(&(giant as u32 + 4).to_be_bytes());
        let mut came = 0;
        while came < giant {
            assert_eq!(inbox.advance(Rows::Skipped).unwrap(), None);
            let room = inbox.room();
            let piece = (room.capacity() - room.len()).min(giant - came);
            room.resize(room.len() + piece, 0);
            came += piece;
            assert!(room.capacity() <= 2 * CHUNK);
        }
        inbox.room().extend_from_slice(b"Z\0\0\0\x05I");
        assert_eq!(inbox.advance(Rows::Skipped).unwrap(), Some(b'Z'));
        assert_eq!(inbox.body(), b"I");
    }

    #[test]
    fn a_giant_message_gives_its_room_back() {
        let mut inbox = Inbox::default();
        let giant = encoded(&[(b'D', vec![7; 1 << 20])]);
        inbox.room().extend_from_slice(&giant);
        assert_eq!(inbox.advance(Rows::Kept).unwrap(), Some(b'D'));
        assert_eq!(inbox.advance(Rows::Kept).unwrap(), None);
        assert!(inbox.room().capacity() <= 2 * CHUNK);
    }
}
