//! Statements with the place where they begin.

use std::ops::Range;

use super::SqlStatement;

/// Cuts statements out of a text at offsets that never go back, so that a file's lines are counted in
/// one pass.
#[derive(Debug)]
pub(super) struct StatementReader<'a> {
    text: &'a str,
    offset: usize,
    line: usize,
    line_start: usize,
}

impl<'a> StatementReader<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text,
            offset: 0,
            line: 1,
            line_start: 0,
        }
    }

    /// The statement in these bytes, which do not begin before the last one's.
    pub(super) fn read(&mut self, bytes: Range<usize>) -> SqlStatement {
        let passed = self.text.get(self.offset..bytes.start).unwrap_or_default();
        if let Some(newline) = passed.rfind('\n') {
            self.line += passed.bytes().filter(|&byte| byte == b'\n').count();
            self.line_start = self.offset + newline + 1;
        }
        self.offset = bytes.start;
        let before = self.text.get(self.line_start..bytes.start);
        SqlStatement {
            text: self.text.get(bytes.clone()).unwrap_or_default().to_owned(),
            line: self.line,
            column: before.unwrap_or_default().chars().count() + 1,
            offset: bytes.start,
        }
    }
}
