//! A migration file as statements.

use super::scanner::{Scanned, Scanner};
use super::statement::StatementReader;
use super::{MigrationScript, SqlError};

/// Splits the text of a migration into its statements.
///
/// # Errors
///
/// An open string, comment, dollar quote or parenthesis; a psql command (`\i`, `\c`, …); a `COPY … FROM
/// stdin`, whose data only psql can send. Whether the SQL itself is right is the server's to say.
pub fn split(file: &str, text: &str) -> Result<MigrationScript, SqlError> {
    let mut scanner = Scanner::new(text);
    let mut statements = Vec::new();
    let mut reader = StatementReader::new(text);
    let fault = |offset, message: String| SqlError::at(file, text, offset, message);
    while let Some(scanned) = scanner
        .next()
        .map_err(|found| fault(found.at, found.message.to_owned()))?
    {
        match scanned {
            Scanned::Backslash { at, .. } => {
                return Err(fault(at, psql_command_message(text, at)));
            }
            Scanned::Statement {
                start,
                copies_from_stdin: true,
                ..
            } => {
                return Err(fault(
                    start,
                    "COPY … FROM stdin reads its data from psql, which does not run here: \
                     write INSERT statements"
                        .to_owned(),
                ));
            }
            Scanned::Statement { start, end, .. } => statements.push(reader.read(start..end)),
        }
    }
    Ok(MigrationScript {
        file: file.to_owned(),
        statements,
    })
}

fn psql_command_message(text: &str, at: usize) -> String {
    let command: String = text
        .get(at..)
        .unwrap_or_default()
        .chars()
        .take_while(|c| !c.is_whitespace())
        .take(30)
        .collect();
    format!("`{command}` is a psql command, which the server does not know: write it as SQL")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::SqlStatement;
    use super::super::scanner::{is_significant, tokens};
    use super::*;

    fn texts(sql: &str) -> Vec<String> {
        split("m.sql", sql)
            .unwrap()
            .statements
            .into_iter()
            .map(|statement| statement.text)
            .collect()
    }

    fn error(sql: &str) -> String {
        split("m.sql", sql).unwrap_err().to_string()
    }

    #[test]
    fn statements_know_where_they_begin() {
        let script = split(
            "m.sql",
            "-- why\nSELECT 1 ; /* a /* nested */ one */\n\n  DROP TABLE t -- gone\n;;\n",
        )
        .unwrap();
        assert_eq!(
            script.statements,
            [
                SqlStatement {
                    text: "SELECT 1".to_owned(),
                    line: 2,
                    column: 1,
                    offset: 7
                },
                SqlStatement {
                    text: "DROP TABLE t".to_owned(),
                    line: 4,
                    column: 3,
                    offset: 46
                },
            ]
        );
    }

    #[test]
    fn the_last_statement_needs_no_semicolon() {
        assert_eq!(texts("SELECT 1;\r\nSELECT 2"), ["SELECT 1", "SELECT 2"]);
        assert!(texts(" -- nothing\n;; /* at all */").is_empty());
    }

    #[test]
    fn semicolons_inside_do_not_split() {
        for sql in [
            "SELECT ';', E'it\\'s;', U&'\\0041;', $$a;b$$, $tag$ $$ ; $tag$, \";\"",
            "DO $$ BEGIN PERFORM 1; COMMIT; END $$",
            "CREATE RULE r AS ON DELETE TO t DO ALSO (DELETE FROM a; DELETE FROM b)",
            "CREATE FUNCTION f(a int) RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE WHEN a > 1 THEN 2 END; END",
            "create or replace procedure p() language sql begin /* x */ atomic insert into t values (1); end",
            "SELECT 'a'\n  'b;c'",
        ] {
            assert_eq!(texts(sql), [sql], "{sql}");
            assert_eq!(texts(&format!("{sql};\nSELECT 2")), [sql, "SELECT 2"]);
        }
    }

    #[test]
    fn words_of_bodies_split_where_there_is_no_body() {
        assert_eq!(
            texts("BEGIN; SELECT CASE WHEN true THEN 1 END; END; SELECT begin FROM atomic;").len(),
            4
        );
        assert_eq!(
            texts("CREATE FUNCTION f() RETURNS int LANGUAGE sql RETURN 1; SELECT 2;").len(),
            2
        );
        assert_eq!(
            texts("CREATE TRIGGER t BEFORE INSERT ON a EXECUTE FUNCTION f(); SELECT 2;").len(),
            2
        );
    }

    #[test]
    fn what_never_ends_is_named_where_it_begins() {
        insta::assert_snapshot!(error("SELECT 1;\n  SELECT 'a"), @"m.sql:2:10: this string never ends: close it with `'`");
        insta::assert_snapshot!(error("SELECT E'a\\'"), @"m.sql:1:8: this string never ends: close it with `'`");
        insta::assert_snapshot!(error("/* /* */"), @"m.sql:1:1: this comment never ends: close it with `*/`");
        insta::assert_snapshot!(error("DO $body$ BEGIN END $$;"), @"m.sql:1:4: this dollar-quoted text never ends: close it with the same tag");
        insta::assert_snapshot!(error("SELECT \"a"), @r#"m.sql:1:8: this quoted name never ends: close it with `"`"#);
        insta::assert_snapshot!(error("SELECT (1;\nSELECT 2;"), @"m.sql:1:8: this parenthesis is never closed");
        insta::assert_snapshot!(error("CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1;"), @"m.sql:1:39: this BEGIN ATOMIC has no END");
    }

    #[test]
    fn what_only_psql_can_do_is_refused() {
        insta::assert_snapshot!(error("SELECT 1;\n\\i other.sql\n"), @r"m.sql:2:1: `\i` is a psql command, which the server does not know: write it as SQL");
        insta::assert_snapshot!(error("SELECT 1 \\gexec"), @r"m.sql:1:10: `\gexec` is a psql command, which the server does not know: write it as SQL");
        insta::assert_snapshot!(error("COPY t (a) FROM stdin;\n1\n\\.\n"), @"m.sql:1:1: COPY … FROM stdin reads its data from psql, which does not run here: write INSERT statements");
    }

    /// Pieces of SQL that open, close and separate.
    fn soup() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            Just(";".to_owned()),
            Just("'a;b' ".to_owned()),
            Just("$$;$$ ".to_owned()),
            Just("-- c;\n".to_owned()),
            Just("/* ; */".to_owned()),
            Just("( a ; b )".to_owned()),
            Just("CREATE FUNCTION f() BEGIN ATOMIC SELECT 1; END ".to_owned()),
            Just(" \n\t".to_owned()),
            "[a-zA-Z_]{1,8} ",
            "[0-9]{1,3} ",
            "[-+*/<>=,.]",
        ];
        proptest::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
    }

    fn significant(sql: &str) -> String {
        tokens(sql)
            .filter(|&(kind, _)| is_significant(kind))
            .map(|(_, text)| text)
            .collect()
    }

    proptest! {
        #[test]
        fn splitting_never_panics(text in any::<String>(), soup in "[a-z'\"$();\\\\/* \n-]{0,60}") {
            let _ = split("m.sql", &text);
            let _ = split("m.sql", &soup);
        }

        #[test]
        fn splitting_loses_only_blanks_comments_and_semicolons(sql in soup()) {
            if let Ok(script) = split("m.sql", &sql) {
                let kept: String = script.statements.iter().map(|s| significant(&s.text)).collect();
                prop_assert_eq!(kept.replace(';', ""), significant(&sql).replace(';', ""));
            }
        }

        #[test]
        fn a_statement_splits_into_itself(sql in soup()) {
            if let Ok(script) = split("m.sql", &sql) {
                for statement in script.statements {
                    prop_assert_eq!(&sql[statement.offset..][..statement.text.len()], &statement.text);
                    prop_assert_eq!(texts(&statement.text), [statement.text]);
                }
            }
        }
    }
}
