//! What is dangerous in a statement, by its text. Texts are not proof: the rehearsal measures what
//! really happens, and a hazard says what to write instead.

mod context;
mod more_shapes;
mod parts;
mod rules;
mod shapes;

use std::collections::BTreeSet;

use squawk_linter::{Linter, Rule as LinterRule};
use squawk_syntax::ast::Stmt;
use squawk_syntax::{Parse, SourceFile};

pub use self::context::{Session, WORKING_UNDER_LOCK, script_hazards};
use self::rules::{Rule, rules};
use super::{Hazard, SqlStatement, rewrite, syntax};

/// The dangers that a statement shows by itself, as if its tables were large, busy and already there.
/// None where the statement is not understood.
pub fn hazards(statement: &SqlStatement) -> Vec<Hazard> {
    let Some(parse) = syntax::parse(&statement.text) else {
        return Vec::new();
    };
    let reported = lint(&parse, &statement.text);
    parse
        .tree()
        .stmts()
        .next()
        .map_or_else(Vec::new, |statement| {
            rules()
                .filter(|rule| rule.detect.finds(&statement, &reported))
                .map(|rule| rule.hazard(&statement))
                .collect()
        })
}

/// How a rule finds out.
#[derive(Debug, Clone, Copy)]
enum Detect {
    /// squawk's rule of that name reports it.
    Linter(LinterRule),
    /// The statement has this shape.
    Shape(fn(&Stmt) -> bool),
    /// Both: squawk alone reports too much.
    Both(LinterRule, fn(&Stmt) -> bool),
}

impl Detect {
    fn linter_rule(self) -> Option<LinterRule> {
        match self {
            Self::Linter(rule) | Self::Both(rule, _) => Some(rule),
            Self::Shape(_) => None,
        }
    }

    fn finds(self, statement: &Stmt, reported: &BTreeSet<String>) -> bool {
        match self {
            Self::Linter(rule) => reported.contains(&rule.to_string()),
            Self::Shape(matches) => matches(statement),
            Self::Both(rule, matches) => reported.contains(&rule.to_string()) && matches(statement),
        }
    }
}

impl Rule {
    /// The mechanical safe form where there is one, else the rule's own words.
    fn hazard(&self, statement: &Stmt) -> Hazard {
        let rewrite = rewrite::advice(statement, self.name)
            .unwrap_or_else(|| parts::filled(self.rewrite, self.name, statement));
        Hazard {
            rule: self.name.to_owned(),
            message: self.message.to_owned(),
            rewrite: Some(rewrite),
            lock: Some(self.lock.to_owned()),
            work: Some(self.work),
        }
    }
}

/// The names of the linter's rules, among those in the table, that report the statement.
fn lint(parse: &Parse<SourceFile>, text: &str) -> BTreeSet<String> {
    let wanted = rules().filter_map(|rule| rule.detect.linter_rule());
    Linter::from(wanted)
        .lint(parse, text)
        .into_iter()
        .map(|violation| violation.code.to_string())
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names(sql: &str) -> Vec<String> {
        let script = super::super::split("m.sql", sql).unwrap();
        hazards(&script.statements[0])
            .into_iter()
            .map(|hazard| hazard.rule)
            .collect()
    }

    #[test]
    fn every_rule_has_an_example_that_it_alone_finds() {
        for rule in rules() {
            assert_eq!(names(rule.example), [rule.name], "{}", rule.example);
            assert!(
                syntax::parse(rule.example).unwrap().errors().is_empty(),
                "{}",
                rule.example
            );
        }
    }

    #[test]
    fn rules_are_written_alike() {
        let mut seen = BTreeSet::new();
        for rule in rules() {
            assert!(seen.insert(rule.name), "{} stands twice", rule.name);
            assert!(
                rule.name
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c == '-')
            );
            for text in [rule.message, rule.rewrite] {
                assert!(
                    text.ends_with('.') || text.ends_with(';'),
                    "{}: {text}",
                    rule.name
                );
            }
            if let Some(linter) = rule.detect.linter_rule() {
                assert_eq!(rule.name, linter.to_string());
            }
        }
    }

    #[test]
    fn the_safe_forms_are_not_reported() {
        for sql in [
            "ALTER TABLE a ADD CONSTRAINT f FOREIGN KEY (b) REFERENCES b (id) NOT VALID",
            "ALTER TABLE a VALIDATE CONSTRAINT f",
            "ALTER TABLE a ADD CHECK (b > 0) NOT VALID",
            "ALTER TABLE a ADD COLUMN b int",
            "ALTER TABLE a ADD COLUMN b timestamptz NOT NULL DEFAULT now()",
            "ALTER TABLE a ADD COLUMN b int DEFAULT -1",
            "ALTER TABLE a ADD COLUMN b date DEFAULT CURRENT_DATE",
            "ALTER TABLE a ADD COLUMN b jsonb DEFAULT ('{}')::jsonb",
            "ALTER DOMAIN d ADD CONSTRAINT c CHECK (VALUE > 0) NOT VALID",
            "ALTER TABLE a ADD CONSTRAINT p PRIMARY KEY USING INDEX i",
            "ALTER TABLE a ADD CONSTRAINT u UNIQUE USING INDEX i",
            "CREATE INDEX CONCURRENTLY i ON a (b)",
            "DROP INDEX CONCURRENTLY i",
            "REINDEX TABLE CONCURRENTLY a",
            "REFRESH MATERIALIZED VIEW CONCURRENTLY v",
            "VACUUM (ANALYZE) a",
            "ALTER TABLE a DETACH PARTITION p CONCURRENTLY",
            "UPDATE a SET b = 1 WHERE id BETWEEN 1 AND 1000",
            "DELETE FROM a USING b WHERE a.id = b.id",
            "CREATE TABLE a (id bigint PRIMARY KEY, name text NOT NULL UNIQUE)",
            "LOCK TABLE a IN ACCESS SHARE MODE",
            "SELECT 1",
            "no SQL at all",
        ] {
            assert!(names(sql).is_empty(), "{sql}: {:?}", names(sql));
        }
    }

    #[test]
    fn one_statement_may_have_several() {
        assert_eq!(
            names(
                "ALTER TABLE a ADD COLUMN b uuid DEFAULT gen_random_uuid() REFERENCES c (id), \
                 ALTER COLUMN d SET NOT NULL, DROP COLUMN e"
            ),
            [
                "adding-not-nullable-field",
                "adding-field-with-default",
                "adding-referencing-column",
                "ban-drop-column",
            ]
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(
            soup in "(ALTER TABLE |a |ADD |COLUMN |CONSTRAINT |CHECK |\\(|\\)|, |REFERENCES |DEFAULT |f\\(\\)|SET |NOT |NULL |TYPE |CREATE |INDEX |ON |UPDATE |DELETE FROM |WITH |AS |SELECT |1 |'x'|;|\\$\\$|E'|--|DROP |PARTITION |VACUUM |WHERE |GENERATED |:: ?){0,20}",
            noise in any::<String>(),
        ) {
            for text in [soup, noise] {
                let _ = hazards(&SqlStatement { text, line: 1, column: 1, offset: 0 });
            }
        }
    }
}
