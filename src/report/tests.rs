//! The formats for people, of the same reports.

use super::{Report, Style, TriedRewrite, fixtures, markdown, terminal};
use crate::sql::{Rewrite, Rewritten, Skipped};

fn terminal(report: &Report, style: Style) -> String {
    let mut out = Vec::new();
    let files = ["out/report.json".to_owned(), "out/report.md".to_owned()];
    terminal::write(report, &mut out, style, &files).unwrap();
    String::from_utf8(out).unwrap()
}

const WIDE: Style = Style {
    width: 100,
    colour: false,
};

#[test]
fn the_terminal_reads_well() {
    insta::assert_snapshot!(
        "terminal_unsafe",
        terminal(&fixtures::unsafe_report(), WIDE)
    );
    insta::assert_snapshot!(
        "terminal_restarted",
        terminal(&fixtures::restarted_report(), WIDE)
    );
    insta::assert_snapshot!("terminal_safe", terminal(&fixtures::safe_report(), WIDE));
    let inconclusive = fixtures::inconclusive_report();
    insta::assert_snapshot!("terminal_inconclusive", terminal(&inconclusive, WIDE));
    insta::assert_snapshot!("terminal_check", terminal(&fixtures::check_report(), WIDE));
    insta::assert_snapshot!(
        "terminal_released",
        terminal(&fixtures::released_report(), WIDE)
    );
    insta::assert_snapshot!("terminal_full", terminal(&fixtures::full_report(), WIDE));
}

#[test]
fn the_safe_form_is_shown_with_what_stays() {
    let mut report = fixtures::unsafe_report();
    report.rewrite = Some(TriedRewrite {
        rewrite: Rewrite {
            sql: "-- The safe form of migration.sql.\nSET lock_timeout = '1s';\n".to_owned(),
            rewritten: vec![Rewritten {
                file: "migration.sql".to_owned(),
                line: 1,
                rules: vec!["adding-foreign-key".to_owned()],
            }],
            skipped: vec![Skipped {
                file: "migration.sql".to_owned(),
                line: 2,
                why: "a new type rewrites the table".to_owned(),
            }],
        },
        file: None,
    });
    let part = |text: &str, from: &str| text.get(text.find(from).unwrap()..).unwrap().to_owned();
    let shown = part(&terminal(&report, WIDE), "Safe form");
    assert!(shown.contains("  SET lock_timeout = '1s';\n"), "{shown}");
    assert!(
        shown.contains("migration.sql:2 stays as it is: a new type"),
        "{shown}"
    );
    let mut out = Vec::new();
    markdown::write(&report, &mut out).unwrap();
    let markdown = String::from_utf8(out).unwrap();
    assert!(
        markdown.contains("~~~~~sql\n-- The safe form of"),
        "{markdown}"
    );
    let tried = report.rewrite.as_mut().unwrap();
    tried.file = Some("out/rewrite.sql".to_owned());
    let shown = part(&terminal(&report, WIDE), "Safe form");
    assert!(shown.contains("→ out/rewrite.sql") && !shown.contains("lock_timeout"));
    report.rewrite = Some(TriedRewrite::default());
    assert!(terminal(&report, WIDE).contains("Nothing could be rewritten"));
}

#[test]
fn colours_change_nothing_but_colours() {
    for report in [
        fixtures::unsafe_report(),
        fixtures::safe_report(),
        fixtures::full_report(),
    ] {
        let plain = terminal(&report, WIDE);
        assert!(!plain.contains('\u{1b}'));
        let coloured = terminal(
            &report,
            Style {
                colour: true,
                ..WIDE
            },
        );
        assert!(coloured.contains('\u{1b}'));
        let stripped = anstream::adapter::strip_str(&coloured).to_string();
        let ends = |text: &str| -> Vec<String> {
            text.lines()
                .map(|line| line.trim_end().to_owned())
                .collect()
        };
        assert_eq!(ends(&stripped), ends(&plain));
    }
}

#[test]
fn lines_stay_within_the_terminal() {
    for width in [80, 100, 200] {
        let style = Style {
            width,
            colour: false,
        };
        for report in [
            fixtures::unsafe_report(),
            fixtures::restarted_report(),
            fixtures::full_report(),
        ] {
            for line in terminal(&report, style).lines() {
                let length = line.chars().count();
                assert!(length <= width.min(Style::WIDEST), "{length}: {line}");
            }
        }
    }
}

fn markdown(report: &Report) -> String {
    let mut out = Vec::new();
    markdown::write(report, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn markdown_reads_well() {
    insta::assert_snapshot!("markdown_unsafe", markdown(&fixtures::unsafe_report()));
    insta::assert_snapshot!(
        "markdown_restarted",
        markdown(&fixtures::restarted_report())
    );
    insta::assert_snapshot!("markdown_released", markdown(&fixtures::released_report()));
    insta::assert_snapshot!("markdown_safe", markdown(&fixtures::safe_report()));
    insta::assert_snapshot!(
        "markdown_inconclusive",
        markdown(&fixtures::inconclusive_report())
    );
    insta::assert_snapshot!("markdown_check", markdown(&fixtures::check_report()));
}

#[test]
fn a_load_reads_well_and_has_no_verdict() {
    let report = fixtures::load_report();
    insta::assert_snapshot!("terminal_load", terminal(&report, WIDE));
    insta::assert_snapshot!("markdown_load", markdown(&report));
    let mut text = Vec::new();
    super::json::write(&report, &mut text).unwrap();
    let value: serde_json::Value = serde_json::from_slice(&text).unwrap();
    let verdict = value.pointer("/verdict").unwrap();
    assert_eq!(verdict.get("outcome"), Some(&serde_json::Value::Null));
    assert!(verdict.to_string().contains("not judged"), "{verdict}");
    assert!(super::json::read(&mut text.as_slice()).unwrap() == report);
}
