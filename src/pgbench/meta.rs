//! Backslash commands.

use super::capture::{Capture, CaptureKind};
use super::parser::{NamedExpression, expression};
use super::pipeline::Pipeline;
use super::source::{Cursor, Place, ScriptError, Source, is_name};
use super::suggestion::did_you_mean;

/// A backslash command as a script writes it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Meta {
    Set(String, NamedExpression),
    Sleep(Sleep),
    Capture(Capture),
    Pipeline(Pipeline),
    Pick(Vec<String>, KeyName),
    Fresh(Vec<String>, KeyName),
    If(NamedExpression),
    Elif(NamedExpression),
    Else,
    Endif,
}

/// The argument of `\sleep`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sleep {
    pub(super) amount: Amount,
    pub(super) unit: SleepUnit,
}

/// How many units to sleep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Amount {
    Literal(i64),
    Variable(String, Place),
}

/// The unit of `\sleep`, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SleepUnit {
    pub(super) microseconds: u64,
}

/// The columns of one row that `\pick` and `\fresh` draw from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KeyName {
    pub(super) table: String,
    /// As many as there are variables.
    pub(super) columns: Vec<String>,
    pub(super) distribution: Option<String>,
    pub(super) place: Place,
}

/// Commands that a script can use, for suggestions.
const KNOWN: [&str; 13] = [
    "set",
    "sleep",
    "if",
    "elif",
    "else",
    "endif",
    "gset",
    "aset",
    "startpipeline",
    "syncpipeline",
    "endpipeline",
    "pick",
    "fresh",
];

/// Parses the command whose backslash, at `backslash`, has just been taken; none for a lone backslash.
pub(super) fn command<'a>(
    source: &Source<'a>,
    cursor: &mut Cursor<'a>,
    backslash: usize,
) -> Result<Option<Meta>, ScriptError> {
    let Some((_, name)) = cursor.word() else {
        return Ok(None);
    };
    let mut line = Line {
        source,
        cursor,
        backslash,
    };
    let meta = match name.to_ascii_lowercase().as_str() {
        "set" => Meta::Set(line.variable()?, expression(source, line.cursor)?),
        "if" => return Ok(Some(Meta::If(expression(source, line.cursor)?))),
        "elif" => return Ok(Some(Meta::Elif(expression(source, line.cursor)?))),
        "sleep" => Meta::Sleep(line.sleep()?),
        "pick" => {
            let variables = line.variables()?;
            let key = line.key(&variables, true)?;
            Meta::Pick(variables, key)
        }
        "fresh" => {
            let variables = line.variables()?;
            let key = line.key(&variables, false)?;
            Meta::Fresh(variables, key)
        }
        "else" => Meta::Else,
        "endif" => Meta::Endif,
        "gset" => Meta::Capture(line.capture(CaptureKind::Gset)?),
        "aset" => Meta::Capture(line.capture(CaptureKind::Aset)?),
        "startpipeline" => Meta::Pipeline(Pipeline::Start),
        "syncpipeline" => Meta::Pipeline(Pipeline::Sync),
        "endpipeline" => Meta::Pipeline(Pipeline::End),
        "shell" | "setshell" => {
            return Err(line.wrong(format!(
                "\\{name} runs a shell command, which pgrehearse never does: compute the value by \\set, or define it before the run"
            )));
        }
        _ => {
            let hint = did_you_mean(name, "\\", KNOWN);
            return Err(line.wrong(format!("unknown command `\\{name}`{hint}")));
        }
    };
    // An expression has taken the whole line already.
    if !matches!(meta, Meta::Set(..)) {
        line.end()?;
    }
    Ok(Some(meta))
}

/// The rest of a command's line.
struct Line<'a, 'c> {
    source: &'c Source<'a>,
    cursor: &'c mut Cursor<'a>,
    backslash: usize,
}

impl<'a> Line<'a, '_> {
    fn wrong(&self, message: impl Into<String>) -> ScriptError {
        self.source.error(self.backslash, message)
    }

    fn word(&mut self, wanted: &str) -> Result<(usize, &'a str), ScriptError> {
        let end = self.cursor.offset();
        let missing = || self.source.error(end, format!("{wanted} is missing"));
        self.cursor.word().ok_or_else(missing)
    }

    fn end(&mut self) -> Result<(), ScriptError> {
        match self.cursor.word() {
            Some((offset, word)) => {
                let message =
                    format!("unexpected argument `{word}`: the command is complete before it");
                Err(self.source.error(offset, message))
            }
            None => Ok(()),
        }
    }

    fn variable(&mut self) -> Result<String, ScriptError> {
        let (offset, name) = self.word("the name of the variable")?;
        self.named(offset, name)
    }

    /// `a` or `a,b`.
    fn variables(&mut self) -> Result<Vec<String>, ScriptError> {
        let (offset, names) = self.word("the name of the variable")?;
        let mut at = offset;
        let mut variables = Vec::new();
        for name in names.split(',') {
            let variable = self.named(at, name)?;
            if variables.contains(&variable) {
                let message = format!("`{name}` is set twice: give each column its own variable");
                return Err(self.source.error(at, message));
            }
            variables.push(variable);
            at += name.len() + 1;
        }
        Ok(variables)
    }

    /// The prefix of the variables' names, if there is one.
    fn capture(&mut self, kind: CaptureKind) -> Result<Capture, ScriptError> {
        let prefix = match self.cursor.word() {
            Some((offset, prefix)) => self.named(offset, prefix)?,
            None => String::new(),
        };
        let place = self.source.place(self.backslash);
        Ok(Capture::new(kind, &prefix, place))
    }

    fn named(&self, offset: usize, name: &str) -> Result<String, ScriptError> {
        if is_name(name) {
            Ok(name.to_owned())
        } else {
            let message = format!(
                "invalid variable name `{name}`: write letters, digits and underscores, without a colon and no digit first"
            );
            Err(self.source.error(offset, message))
        }
    }

    /// `N`, `N unit`, `Nunit`, `:variable` or `:variable unit`.
    fn sleep(&mut self) -> Result<Sleep, ScriptError> {
        let (offset, word) = self.word("the time to sleep")?;
        let (amount, attached) = if let Some(name) = word.strip_prefix(':') {
            let place = self.source.place(offset);
            (Amount::Variable(name.to_owned(), place), "")
        } else {
            let unsigned = word.strip_prefix(['-', '+']).unwrap_or(word);
            let unit = unsigned.trim_start_matches(|c: char| c.is_ascii_digit());
            let number = word.strip_suffix(unit).unwrap_or(word);
            let amount = number.parse().map_err(|_| {
                let message = format!("`{word}` is not a time to sleep: it must be an integer");
                self.source.error(offset, message)
            })?;
            (Amount::Literal(amount), unit)
        };
        let (offset, unit) = if attached.is_empty() {
            self.cursor.word().unwrap_or((offset, "s"))
        } else {
            (offset + word.len() - attached.len(), attached)
        };
        let unit = SleepUnit::named(unit).ok_or_else(|| {
            let message = format!("unknown unit of time `{unit}`: it must be us, ms or s");
            self.source.error(offset, message)
        })?;
        Ok(Sleep { amount, unit })
    }

    /// `table.column`, or `table.a,b` for as many variables, and, where a distribution can follow, all
    /// the rest of the line as one.
    fn key(&mut self, variables: &[String], distributed: bool) -> Result<KeyName, ScriptError> {
        let (offset, word) = self.word("table.column")?;
        // A table's name may hold dots, and hardly a comma.
        let (table, columns) = word
            .rsplit_once('.')
            .filter(|(table, columns)| !table.is_empty() && !columns.split(',').any(str::is_empty))
            .ok_or_else(|| {
                let message = format!("`{word}` is not a column: write table.column");
                self.source.error(offset, message)
            })?;
        let columns: Vec<String> = columns.split(',').map(str::to_owned).collect();
        if columns.len() != variables.len() {
            let message = format!(
                "{} for {}: write as many columns as variables, as in `a,b table.x,y`",
                counted(columns.len(), "column"),
                counted(variables.len(), "variable")
            );
            return Err(self.source.error(offset, message));
        }
        let mut distribution = Vec::new();
        while distributed && let Some((_, word)) = self.cursor.word() {
            distribution.push(word);
        }
        Ok(KeyName {
            table: table.to_owned(),
            columns,
            distribution: (!distribution.is_empty()).then(|| distribution.join(" ")),
            place: self.source.place(offset),
        })
    }
}

/// `1 column`, `2 columns`.
fn counted(count: usize, noun: &str) -> String {
    match count {
        1 => format!("1 {noun}"),
        _ => format!("{count} {noun}s"),
    }
}

impl SleepUnit {
    fn named(name: &str) -> Option<Self> {
        let microseconds = match name.to_ascii_lowercase().as_str() {
            "us" => 1,
            "ms" => 1_000,
            "s" => 1_000_000,
            _ => return None,
        };
        Some(Self { microseconds })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Option<Meta>, ScriptError> {
        let source = Source::new("s", text);
        let mut cursor = source.cursor();
        assert!(cursor.eat("\\"));
        command(&source, &mut cursor, 0)
    }

    #[test]
    fn sleeps_have_an_amount_and_a_unit() {
        let place = Place { line: 1, column: 8 };
        let variable = Amount::Variable("t".to_owned(), place);
        for (text, amount, microseconds) in [
            ("\\sleep 2", Amount::Literal(2), 1_000_000),
            ("\\sleep 10 ms", Amount::Literal(10), 1_000),
            ("\\sleep 10ms", Amount::Literal(10), 1_000),
            ("\\SLEEP 5 US", Amount::Literal(5), 1),
            ("\\sleep -1 s", Amount::Literal(-1), 1_000_000),
            ("\\sleep :t \\\n ms", variable, 1_000),
        ] {
            let unit = SleepUnit { microseconds };
            let sleep = Meta::Sleep(Sleep { amount, unit });
            assert_eq!(parse(text), Ok(Some(sleep)), "{text}");
        }
    }

    #[test]
    fn keys_have_a_table_a_column_and_perhaps_a_distribution() {
        let place = Place {
            line: 1,
            column: 10,
        };
        let key = |table: &str, distribution: Option<&str>| KeyName {
            table: table.to_owned(),
            columns: vec!["id".to_owned()],
            distribution: distribution.map(str::to_owned),
            place,
        };
        for (text, table, distribution) in [
            ("\\pick id users.id", "users", None),
            (
                "\\pick id app.users.id zipf(1.1)",
                "app.users",
                Some("zipf(1.1)"),
            ),
            (
                "\\pick id users.id normal(1, 2)",
                "users",
                Some("normal(1, 2)"),
            ),
        ] {
            let pick = Meta::Pick(vec!["id".to_owned()], key(table, distribution));
            assert_eq!(parse(text), Ok(Some(pick)), "{text}");
        }
        let columns = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let fresh = Meta::Fresh(
            columns(&["tenant", "id"]),
            KeyName {
                table: "app.orders".to_owned(),
                columns: columns(&["tenant_id", "id"]),
                distribution: None,
                place: Place {
                    line: 1,
                    column: 18,
                },
            },
        );
        let text = "\\fresh tenant,id app.orders.tenant_id,id";
        assert_eq!(parse(text), Ok(Some(fresh)));
    }

    #[test]
    fn errors_point_at_the_word() {
        for (text, column, message) in [
            ("\\set", 5, "the name of the variable is missing"),
            ("\\set x", 7, "the line ends where a value is expected"),
            (
                "\\set 1x 2",
                6,
                "invalid variable name `1x`: write letters, digits and underscores, without a colon and no digit first",
            ),
            ("\\sleep", 7, "the time to sleep is missing"),
            (
                "\\sleep soon",
                8,
                "`soon` is not a time to sleep: it must be an integer",
            ),
            (
                "\\sleep 1.5",
                9,
                "unknown unit of time `.5`: it must be us, ms or s",
            ),
            (
                "\\sleep 1 min",
                10,
                "unknown unit of time `min`: it must be us, ms or s",
            ),
            (
                "\\sleep 1 s x",
                12,
                "unexpected argument `x`: the command is complete before it",
            ),
            (
                "\\sleep 1ms s",
                12,
                "unexpected argument `s`: the command is complete before it",
            ),
            (
                "\\else 1",
                7,
                "unexpected argument `1`: the command is complete before it",
            ),
            (
                "\\pick id users",
                10,
                "`users` is not a column: write table.column",
            ),
            (
                "\\pick a,b users.id zipf(1)",
                11,
                "1 column for 2 variables: write as many columns as variables, as in `a,b table.x,y`",
            ),
            (
                "\\pick a users.id,name",
                9,
                "2 columns for 1 variable: write as many columns as variables, as in `a,b table.x,y`",
            ),
            (
                "\\pick a,a users.id,name",
                9,
                "`a` is set twice: give each column its own variable",
            ),
            (
                "\\pick a, users.id,name",
                9,
                "invalid variable name ``: write letters, digits and underscores, without a colon and no digit first",
            ),
            (
                "\\pick a,b users.id,",
                11,
                "`users.id,` is not a column: write table.column",
            ),
            (
                "\\fresh id users.id zipf(1)",
                20,
                "unexpected argument `zipf(1)`: the command is complete before it",
            ),
            (
                "\\ste x 1",
                1,
                "unknown command `\\ste`; did you mean `\\set`?",
            ),
            (
                "\\gset a b",
                9,
                "unexpected argument `b`: the command is complete before it",
            ),
            (
                "\\aset 1a",
                7,
                "invalid variable name `1a`: write letters, digits and underscores, without a colon and no digit first",
            ),
            (
                "\\startpipeline 1",
                16,
                "unexpected argument `1`: the command is complete before it",
            ),
            (
                "\\startpipelin",
                1,
                "unknown command `\\startpipelin`; did you mean `\\startpipeline`?",
            ),
            (
                "\\shell rm",
                1,
                "\\shell runs a shell command, which pgrehearse never does: compute the value by \\set, or define it before the run",
            ),
            (
                "\\setshell x ls",
                1,
                "\\setshell runs a shell command, which pgrehearse never does: compute the value by \\set, or define it before the run",
            ),
        ] {
            let error = parse(text).unwrap_err();
            assert_eq!(
                (error.column, error.message.as_str()),
                (column, message),
                "{text}"
            );
        }
        assert_eq!(parse("\\"), Ok(None));
    }
}
