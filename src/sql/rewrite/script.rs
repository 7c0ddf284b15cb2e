//! A whole migration: its transactions are taken apart where a safe form needs it, and what stays of
//! one stays together.

use std::fmt::Write as _;
use std::time::Duration;

use squawk_syntax::ast::Stmt;

use super::super::locking::{TIMEOUT_RULE, is_no_timeout, lock_timeout_of, locks};
use super::super::subject::made;
use super::super::words::flat_text;
use super::super::{MigrationScript, SqlStatement, WORKING_UNDER_LOCK, syntax};
use super::alter_table::{Piece, Turning};
use super::ground::{Ground, Known};
use super::settings::{Settings, resets_all};
use super::step::{Pace, Step};
use super::transactions::{BEGIN, COMMIT, Unit, chained, units};
use super::{Rewrite, Rewritten, Skipped};
use super::{replaced, statement};

/// Rewrites a migration. `one_transaction`: each of its files is one.
pub fn rewrite(scripts: &[MigrationScript], one_transaction: bool, ground: &Ground) -> Rewrite {
    if let Some(skipped) = scripts.iter().find_map(chained) {
        return Rewrite {
            skipped: vec![skipped],
            ..Rewrite::default()
        };
    }
    let mut writer = Writer::new(ground);
    for script in scripts {
        for mut unit in units(script, one_transaction) {
            if unit.whole.is_none() && replaced::across(&unit.statements, &writer.known) {
                unit.whole = Some("a key that takes the place of another");
            }
            writer.unit(script, &unit);
        }
    }
    writer.finish(scripts)
}

struct Writer<'a> {
    known: Known<'a>,
    /// How long to wait for a strong lock, as a setting's value.
    timeout: String,
    /// Whether the migration has a lock_timeout of its own.
    own_timeout: bool,
    /// The lock_timeout as the text so far leaves it.
    now: Option<String>,
    body: String,
    rewritten: Vec<Rewritten>,
    skipped: Vec<Skipped>,
    settings: Settings,
    /// What waits to be written as one transaction.
    group: Vec<(usize, String, bool)>,
}

const OFF: &str = "'0'";

impl<'a> Writer<'a> {
    fn new(ground: &'a Ground) -> Self {
        Self {
            known: Known::of(ground),
            timeout: in_milliseconds(ground.lock_timeout),
            own_timeout: false,
            now: None,
            body: String::new(),
            rewritten: Vec::new(),
            skipped: Vec::new(),
            settings: Settings::default(),
            group: Vec::new(),
        }
    }

    fn unit(&mut self, script: &MigrationScript, unit: &Unit<'_>) {
        for statement in &unit.statements {
            self.statement(script, statement, unit);
        }
        let line = unit.statements.last().map_or(0, |statement| statement.line);
        let undone = self.settings.undo();
        self.group
            .extend(undone.into_iter().map(|sql| (line, sql, false)));
        match unit.whole {
            Some(_) => self.flush(unit.ends),
            None => self.flush((BEGIN, COMMIT)),
        }
    }

    fn statement(&mut self, script: &MigrationScript, statement: &SqlStatement, unit: &Unit<'_>) {
        let text = flat_text(&statement.text);
        if statement.kind().is_setting() {
            let apart = unit.transaction && unit.whole.is_none();
            self.setting(statement, &text, apart);
            return;
        }
        let tree = syntax::parse(&statement.text).and_then(|parse| parse.tree().stmts().next());
        let Some(tree) = tree else {
            self.keep(statement, false);
            return;
        };
        let new = made(&tree);
        let turning = statement::turn(&tree, &mut self.known);
        if let Some(table) = new {
            self.known.create(table);
        }
        let skipped = |why: &String| Skipped {
            file: script.file.clone(),
            line: statement.line,
            why: why.clone(),
        };
        self.skipped.extend(turning.stuck.iter().map(skipped));
        let locks = locks(&tree) && !self.is_new(&tree);
        if turning.pieces.is_empty() {
            self.keep(statement, locks);
            if locks {
                self.note(script, statement, vec![TIMEOUT_RULE.to_owned()]);
            }
            return;
        }
        if let Some(what) = unit.whole {
            let why = format!("its transaction has {what} and cannot be taken apart");
            self.skipped.push(skipped(&why));
            self.keep(statement, locks);
            return;
        }
        self.pieces(statement, &turning, locks);
        let alone = unit.statements.len() == 1 || !unit.transaction;
        let mut rules: Vec<String> = Vec::new();
        for step in turning.steps() {
            let same = step.rule == WORKING_UNDER_LOCK && alone && turning.pieces.len() == 1;
            if !same && !rules.iter().any(|rule| rule == step.rule) {
                rules.push(step.rule.to_owned());
            }
        }
        if !rules.is_empty() {
            self.note(script, statement, rules);
        }
    }

    fn is_new(&self, tree: &Stmt) -> bool {
        super::super::subject::subject(tree).is_some_and(|table| self.known.is_new(&table))
    }

    fn note(&mut self, script: &MigrationScript, statement: &SqlStatement, rules: Vec<String>) {
        self.rewritten.push(Rewritten {
            file: script.file.clone(),
            line: statement.line,
            rules,
        });
    }

    /// The migration's own lock_timeout is taken over where it is needed.
    fn setting(&mut self, statement: &SqlStatement, text: &str, apart: bool) {
        if let Some(value) = lock_timeout_of(statement).filter(|_| !resets_all(text)) {
            if !is_no_timeout(&value) {
                self.timeout = value;
                self.own_timeout = true;
            }
            return;
        }
        match self.settings.note(text, apart) {
            Some(sql) => self.group.push((statement.line, sql, false)),
            None => self.keep(statement, false),
        }
    }

    fn keep(&mut self, statement: &SqlStatement, locks: bool) {
        self.group
            .push((statement.line, statement.text.clone(), locks));
    }

    fn pieces(&mut self, statement: &SqlStatement, turning: &Turning, locks: bool) {
        let mut told = false;
        for piece in &turning.pieces {
            match piece {
                Piece::Kept(sql) => self.group.push((statement.line, sql.clone(), locks)),
                Piece::Step(step) => {
                    self.flush((BEGIN, COMMIT));
                    if !std::mem::replace(&mut told, true) {
                        let _ = writeln!(
                            self.body,
                            "\n-- line {}: {}",
                            statement.line,
                            heading(statement)
                        );
                    }
                    self.step(step);
                }
            }
        }
    }

    fn step(&mut self, step: &Step) {
        let timeout = match step.pace {
            Pace::Brief | Pace::Batches => self.timeout.clone(),
            Pace::Long => OFF.to_owned(),
        };
        self.wait_at_most(&timeout);
        let _ = writeln!(self.body, "-- {}", step.why);
        let _ = writeln!(self.body, "{};", step.sql);
    }

    /// Writes what is kept of one transaction.
    fn flush(&mut self, (begin, commit): (&str, &str)) {
        let group = std::mem::take(&mut self.group);
        let Some((line, ..)) = group.first() else {
            return;
        };
        let _ = writeln!(self.body, "\n-- line {line}");
        let timeout = match group.iter().any(|(_, _, locks)| *locks) {
            true => self.timeout.clone(),
            false => OFF.to_owned(),
        };
        self.wait_at_most(&timeout);
        let block = group.len() > 1 || (begin, commit) != (BEGIN, COMMIT);
        if block {
            let _ = writeln!(self.body, "{begin};");
        }
        for (_, sql, _) in &group {
            let _ = writeln!(self.body, "{sql};");
            if resets_all(sql) {
                let _ = writeln!(self.body, "SET lock_timeout = {timeout};");
            }
        }
        if block {
            let _ = writeln!(self.body, "{commit};");
        }
    }

    fn wait_at_most(&mut self, timeout: &str) {
        let now = self.now.as_deref().unwrap_or(OFF);
        if now != timeout {
            let _ = writeln!(self.body, "SET lock_timeout = {timeout};");
            self.now = Some(timeout.to_owned());
        }
    }

    fn finish(mut self, scripts: &[MigrationScript]) -> Rewrite {
        // A migration that has a lock_timeout gains nothing by another one.
        if self.own_timeout {
            self.rewritten.retain(|one| one.rules != [TIMEOUT_RULE]);
        }
        if self.rewritten.is_empty() {
            return Rewrite {
                sql: String::new(),
                rewritten: Vec::new(),
                skipped: self.skipped,
            };
        }
        let files: Vec<&str> = scripts.iter().map(|script| script.file.as_str()).collect();
        let mut sql = format!(
            "-- The safe form of {}, as far as it can be written mechanically.\n\
             -- Run it statement by statement (autocommit, `transaction = \"statement\"`), not as one transaction: it\n\
             -- is no longer all or nothing. Where a lock_timeout strikes, run the same statement again.\n",
            files.join(", ")
        );
        for skipped in &self.skipped {
            let _ = writeln!(
                sql,
                "-- Left as it is, line {}: {}.",
                skipped.line,
                one_line(&skipped.why)
            );
        }
        sql.push_str(&self.body);
        Rewrite {
            sql,
            rewritten: self.rewritten,
            skipped: self.skipped,
        }
    }
}

/// What a statement is, in the comment above its safe form.
fn heading(statement: &SqlStatement) -> String {
    const LONGEST: usize = 90;
    let text = one_line(&flat_text(&statement.text));
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

/// A comment ends where its line does: so a string's line breaks become spaces.
fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

fn in_milliseconds(time: Duration) -> String {
    match time.as_millis() {
        whole if whole % 1000 == 0 => format!("'{}s'", whole / 1000),
        milliseconds => format!("'{milliseconds}ms'"),
    }
}
