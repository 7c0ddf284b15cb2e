//! The formats for people, of the same reports.

use super::{Report, Style, fixtures, markdown, terminal};

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
    insta::assert_snapshot!("terminal_safe", terminal(&fixtures::safe_report(), WIDE));
    let inconclusive = fixtures::inconclusive_report();
    insta::assert_snapshot!("terminal_inconclusive", terminal(&inconclusive, WIDE));
    insta::assert_snapshot!("terminal_check", terminal(&fixtures::check_report(), WIDE));
    insta::assert_snapshot!("terminal_full", terminal(&fixtures::full_report(), WIDE));
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
        for report in [fixtures::unsafe_report(), fixtures::full_report()] {
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
    insta::assert_snapshot!("markdown_safe", markdown(&fixtures::safe_report()));
    insta::assert_snapshot!(
        "markdown_inconclusive",
        markdown(&fixtures::inconclusive_report())
    );
    insta::assert_snapshot!("markdown_check", markdown(&fixtures::check_report()));
}
