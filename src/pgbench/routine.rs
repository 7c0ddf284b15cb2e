//! Bodies of routines that are written in SQL itself: `BEGIN ATOMIC … END`.

/// Follows the words of a command, so that semicolons in the body of a `CREATE FUNCTION` do not end it.
///
/// It is psql's and pgbench's own rule (`psqlscan.l`): a command that begins with `CREATE [OR REPLACE]
/// FUNCTION` or `PROCEDURE` has a body between `BEGIN` and `END`; a `CASE` in it has an `END` of its own.
#[derive(Debug, Default)]
pub(super) struct Routine {
    head: Head,
    /// `BEGIN`s and `CASE`s without their `END` yet.
    depth: usize,
}

/// How much of `CREATE [OR REPLACE] FUNCTION` has been read.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Head {
    #[default]
    Nothing,
    Create,
    Or,
    Replace,
    Routine,
    /// Another command.
    Other,
}

impl Routine {
    /// Takes the next word of the command that stands outside parentheses.
    pub(super) fn word(&mut self, word: &str) {
        let is = |keyword: &str| word.eq_ignore_ascii_case(keyword);
        match self.head {
            Head::Other => {}
            Head::Routine if is("begin") || (self.depth > 0 && is("case")) => self.depth += 1,
            Head::Routine if is("end") => self.depth = self.depth.saturating_sub(1),
            Head::Routine => {}
            Head::Nothing if is("create") => self.head = Head::Create,
            Head::Create if is("or") => self.head = Head::Or,
            Head::Or if is("replace") => self.head = Head::Replace,
            Head::Create | Head::Replace if is("function") || is("procedure") => {
                self.head = Head::Routine;
            }
            _ => self.head = Head::Other,
        }
    }

    /// Whether the last word stands within a body.
    pub(super) fn in_body(&self) -> bool {
        self.depth > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_lasts_from_begin_to_its_end() {
        for (text, inside) in [
            ("create function f returns int begin atomic select 1", true),
            ("CREATE OR REPLACE PROCEDURE p BEGIN ATOMIC", true),
            (
                "create function f begin atomic select case when a then b end",
                true,
            ),
            ("create function f begin atomic select 1 end", false),
            ("create or function f begin", false),
            ("create table function begin", false),
            ("begin", false),
        ] {
            let mut routine = Routine::default();
            text.split(' ').for_each(|word| routine.word(word));
            assert_eq!(routine.in_body(), inside, "{text}");
        }
    }
}
