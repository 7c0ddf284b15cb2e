//! Scripts: their commands in order, conditions turned into jumps.

use super::capture::Capture;
use super::meta::{KeyName, Meta, Sleep, command};
use super::parser::NamedExpression;
use super::pipeline::{Mode, Pipeline, STILL_OPEN};
use super::scanner::{Ending, Statement, statement};
use super::source::{Place, ScriptError, Source};
use super::value::Fault;

/// A parsed script.
#[derive(Debug, Clone, Default)]
pub struct Script {
    pub(super) name: String,
    pub(super) commands: Vec<Command>,
}

/// A command of a script; jumps are to the index of a later command.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Command {
    Sql(Statement),
    Set(String, NamedExpression),
    Sleep(Sleep),
    Pipeline(Pipeline, Place),
    Pick(Vec<String>, KeyName),
    Fresh(Vec<String>, KeyName),
    Jump(usize),
    JumpUnless(NamedExpression, usize),
}

impl Command {
    /// What becomes of its rows.
    pub(super) fn capture(&self) -> Option<&Capture> {
        match self {
            Command::Sql(statement) => statement.capture.as_ref(),
            _ => None,
        }
    }
}

impl Script {
    /// Parses a script; `name` is used in errors.
    ///
    /// # Errors
    ///
    /// The first place where the text is no pgbench script, or uses what this program does not support.
    pub fn parse(name: &str, text: &str) -> Result<Self, ScriptError> {
        let source = Source::new(name, text);
        let mut builder = Builder::default();
        let mut cursor = source.cursor();
        loop {
            let (sql, ending) = statement(&source, &mut cursor)?;
            if let Some(sql) = sql {
                builder.commands.push(Command::Sql(sql));
                builder.after_sql = true;
            }
            match ending {
                Ending::Semicolon => {}
                Ending::Backslash(offset) => {
                    if let Some(meta) = command(&source, &mut cursor, offset)? {
                        builder
                            .push(meta, source.place(offset))
                            .map_err(|message| source.error(offset, message))?;
                    }
                }
                Ending::File => break,
            }
        }
        if let Some(open) = builder.open.last() {
            return Err(source.error_at(open.place, "\\if without matching \\endif"));
        }
        if let Mode::Open(place) = builder.mode {
            return Err(source.error_at(place, STILL_OPEN));
        }
        if builder.commands.is_empty() {
            return Err(source.error(0, "the script has no commands"));
        }
        Ok(Self {
            name: name.to_owned(),
            commands: builder.commands,
        })
    }
}

/// An `\if` whose `\endif` is still to come.
#[derive(Debug)]
struct OpenIf {
    place: Place,
    /// The jump past the branch that is being read; none after `\else`.
    skip: Option<usize>,
    /// The jumps from the ends of finished branches to the `\endif`.
    exits: Vec<usize>,
    /// Whether a pipeline is open where the branches begin.
    before: Mode,
    /// The same at the ends of the finished branches.
    after: Option<Mode>,
}

#[derive(Debug, Default)]
struct Builder {
    commands: Vec<Command>,
    open: Vec<OpenIf>,
    /// Whether a pipeline is open here.
    mode: Mode,
    /// Whether the last command was SQL without `\gset`.
    after_sql: bool,
}

impl Builder {
    fn push(&mut self, meta: Meta, place: Place) -> Result<(), String> {
        let after_sql = std::mem::take(&mut self.after_sql);
        match meta {
            Meta::Set(variable, expression) => {
                self.commands.push(Command::Set(variable, expression));
            }
            Meta::Sleep(sleep) => self.commands.push(Command::Sleep(sleep)),
            Meta::Pick(variables, key) => self.commands.push(Command::Pick(variables, key)),
            Meta::Fresh(variables, key) => self.commands.push(Command::Fresh(variables, key)),
            Meta::Capture(capture) => self.capture(capture, after_sql)?,
            Meta::Pipeline(pipeline) => {
                self.mode = self.mode.after(pipeline, place)?;
                self.commands.push(Command::Pipeline(pipeline, place));
            }
            Meta::If(condition) => self.begin_if(condition, place),
            Meta::Elif(condition) => {
                self.end_branch("\\elif without matching \\if", "\\elif after \\else")?;
                let skip = self.branch(condition);
                if let Some(open) = self.open.last_mut() {
                    open.skip = Some(skip);
                }
            }
            Meta::Else => {
                self.end_branch("\\else without matching \\if", "\\else after \\else")?;
            }
            Meta::Endif => self.end_if()?,
        }
        Ok(())
    }

    /// Joins `\gset` or `\aset` to the SQL command before it.
    fn capture(&mut self, capture: Capture, after_sql: bool) -> Result<(), String> {
        let name = capture.kind.name();
        if matches!(self.mode, Mode::Open(_)) {
            return Err(Fault::Capture(name).to_string());
        }
        match self.commands.last_mut() {
            Some(Command::Sql(statement)) if after_sql => {
                statement.capture = Some(capture);
                Ok(())
            }
            _ => Err(format!("\\{name} must follow a SQL command")),
        }
    }

    fn begin_if(&mut self, condition: NamedExpression, place: Place) {
        let open = OpenIf {
            place,
            skip: Some(self.branch(condition)),
            exits: Vec::new(),
            before: self.mode,
            after: None,
        };
        self.open.push(open);
    }

    /// Lands the jumps of an `\if` and its branches here.
    fn end_if(&mut self) -> Result<(), &'static str> {
        let open = self.open.pop().ok_or("\\endif without matching \\if")?;
        // Without \else there is a way past all branches.
        let past = open.skip.map(|_| open.before);
        self.mode = open.after.into_iter().chain(past).fold(self.mode, Mode::or);
        for jump in open.exits.into_iter().chain(open.skip) {
            self.land(jump);
        }
        Ok(())
    }

    /// Adds a jump over a branch, to land later.
    fn branch(&mut self, condition: NamedExpression) -> usize {
        self.commands
            .push(Command::JumpUnless(condition, usize::MAX));
        self.commands.len() - 1
    }

    /// Ends the branch that is being read with a jump to the `\endif`, and lands the jump over it.
    fn end_branch(
        &mut self,
        without_if: &'static str,
        after_else: &'static str,
    ) -> Result<(), &'static str> {
        let exit = self.commands.len();
        let open = self.open.last_mut().ok_or(without_if)?;
        let skip = open.skip.take().ok_or(after_else)?;
        open.exits.push(exit);
        let after = open.after.map_or(self.mode, |after| after.or(self.mode));
        open.after = Some(after);
        self.mode = open.before;
        self.commands.push(Command::Jump(usize::MAX));
        self.land(skip);
        Ok(())
    }

    /// Makes a jump lead to the next command.
    fn land(&mut self, jump: usize) {
        let here = self.commands.len();
        if let Some(Command::Jump(target) | Command::JumpUnless(_, target)) =
            self.commands.get_mut(jump)
        {
            *target = here;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn error(text: &str) -> String {
        Script::parse("t.sql", text).unwrap_err().to_string()
    }

    #[test]
    fn conditions_must_match() {
        for (text, message) in [
            (
                "SELECT 1;\n\\if 1\nSELECT 2;",
                "t.sql:2:1: \\if without matching \\endif",
            ),
            (" \\endif", "t.sql:1:2: \\endif without matching \\if"),
            ("\\else", "t.sql:1:1: \\else without matching \\if"),
            ("\\elif 1", "t.sql:1:1: \\elif without matching \\if"),
            (
                "\\if 1\n\\else\n\\else\n\\endif",
                "t.sql:3:1: \\else after \\else",
            ),
            (
                "\\if 1\n\\else\n\\elif 1\n\\endif",
                "t.sql:3:1: \\elif after \\else",
            ),
        ] {
            assert_eq!(error(text), message, "{text}");
        }
    }

    #[test]
    fn a_script_without_commands_is_an_error() {
        for text in ["", "-- nothing\n", ";;", "\\\n"] {
            assert_eq!(
                error(text),
                "t.sql:1:1: the script has no commands",
                "{text}"
            );
        }
    }

    #[test]
    fn jumps_lead_forward_and_into_the_script() {
        let script = Script::parse(
            "s",
            "\\if 1\nA;\n\\elif 2\nB;\n\\if 3\nC;\n\\endif\n\\else\nD;\n\\endif\nE",
        )
        .unwrap();
        let targets: Vec<_> = script
            .commands
            .iter()
            .enumerate()
            .filter_map(|(at, command)| match command {
                Command::Jump(target) | Command::JumpUnless(_, target) => Some((at, *target)),
                _ => None,
            })
            .collect();
        assert_eq!(targets, [(0, 3), (2, 9), (3, 8), (5, 7), (7, 9)]);
    }

    proptest! {
        #[test]
        fn no_text_makes_parsing_panic(text in "(?s).{0,80}") {
            let _ = Script::parse("s", &text);
        }

        #[test]
        fn no_commands_make_parsing_panic(lines in prop::collection::vec(prop::sample::select(vec![
            "\\set x 1", "\\set x :x + random(1, 2)", "\\if :x", "\\elif 0", "\\else", "\\endif", "SELECT :x;",
            "SELECT '", "\\sleep 1 ms", "\\pick a t.id", "\\fresh b t.id zipf", "\\", "\\\\", "-- c", "/*", "$$",
        ]), 0..16)) {
            let _ = Script::parse("s", &lines.join("\n"));
        }
    }
}
