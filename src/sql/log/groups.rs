//! The transactions of a session: `BEGIN` to `COMMIT`, the statements of one implicit transaction, or one
//! statement.

use super::statement_text::{Block, StatementText};
use super::transcript::Utterance;

/// One transaction.
#[derive(Debug, Default)]
pub(super) struct Group<'a> {
    pub(super) statements: Vec<Said<'a>>,
    pub(super) frame: Frame,
}

impl Group<'_> {
    /// Whether it is more than a beginning and an end.
    pub(super) fn does_something(&self) -> bool {
        let mut blocks = self.statements.iter().map(|said| said.text.block);
        blocks.any(|block| block == Block::Keeps)
    }
}

/// A statement with what its text says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Said<'a> {
    pub(super) utterance: &'a Utterance,
    pub(super) text: &'a StatementText,
}

/// What must be sent around the statements to make one transaction of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Frame {
    /// Nothing: they are one by themselves.
    #[default]
    Own,
    /// `BEGIN` and `COMMIT`: they were one message or pipeline.
    Block,
    /// `ROLLBACK`: their end is not in the log, so the connection's end was theirs or the log's was.
    Unfinished,
}

/// Puts statements of one session together.
#[derive(Debug, Default)]
pub(super) struct Grouper<'a> {
    done: Vec<Group<'a>>,
    open: Option<Group<'a>>,
    /// Whether the open group began with `BEGIN`.
    explicit: bool,
}

impl<'a> Grouper<'a> {
    pub(super) fn push(&mut self, said: Said<'a>) {
        if self.explicit {
            self.add(said);
            if said.text.block == Block::Ends {
                self.close(Frame::Own);
            }
            return;
        }
        match said.text.block {
            Block::Begins => {
                self.close_implicit();
                self.add(said);
                self.explicit = true;
            }
            // What it ends began before the log did.
            Block::Ends => self.close_implicit(),
            Block::Keeps => {
                if !self.continues(said.utterance) {
                    self.close_implicit();
                }
                self.add(said);
            }
        }
    }

    pub(super) fn finish(mut self) -> Vec<Group<'a>> {
        match self.explicit {
            true => self.close(Frame::Unfinished),
            false => self.close_implicit(),
        }
        self.done
    }

    fn add(&mut self, said: Said<'a>) {
        self.open.get_or_insert_default().statements.push(said);
    }

    /// Whether a statement is of the same implicit transaction as the one before.
    fn continues(&self, utterance: &Utterance) -> bool {
        let last = self.open.as_ref().and_then(|open| open.statements.last());
        utterance.transaction != 0
            && last.is_some_and(|last| last.utterance.transaction == utterance.transaction)
    }

    fn close_implicit(&mut self) {
        let several = self
            .open
            .as_ref()
            .is_some_and(|open| open.statements.len() > 1);
        self.close(match several {
            true => Frame::Block,
            false => Frame::Own,
        });
    }

    fn close(&mut self, frame: Frame) {
        self.explicit = false;
        self.done
            .extend(self.open.take().map(|group| Group { frame, ..group }));
    }
}
