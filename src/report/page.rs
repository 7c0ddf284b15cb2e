//! Text for a terminal: colours only when asked for, lines that stay within the width.

use std::io::{self, Write};

use anstyle::{AnsiColor, Color};

use crate::scenario::plan::Outcome;

/// How a terminal is written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Columns of the terminal; wider ones than [`Style::WIDEST`] are not used.
    pub width: usize,
    /// Whether colours and weights are wanted.
    pub colour: bool,
}

impl Style {
    /// Lines longer than this are hard to read.
    pub const WIDEST: usize = 100;
    /// Below this, lines are let run over: nothing useful fits.
    pub const NARROWEST: usize = 40;

    pub(super) fn columns(self) -> usize {
        self.width.clamp(Self::NARROWEST, Self::WIDEST)
    }
}

pub(super) const PLAIN: anstyle::Style = anstyle::Style::new();
pub(super) const BOLD: anstyle::Style = anstyle::Style::new().bold();
pub(super) const DIM: anstyle::Style = anstyle::Style::new().dimmed();
pub(super) const RED: anstyle::Style = coloured(AnsiColor::Red);
pub(super) const YELLOW: anstyle::Style = coloured(AnsiColor::Yellow);
pub(super) const GREEN: anstyle::Style = coloured(AnsiColor::Green);
pub(super) const CYAN: anstyle::Style = coloured(AnsiColor::Cyan);

const fn coloured(colour: AnsiColor) -> anstyle::Style {
    anstyle::Style::new().fg_color(Some(Color::Ansi(colour)))
}

/// An outcome's colour.
pub(super) fn shade(outcome: Outcome) -> anstyle::Style {
    match outcome {
        Outcome::Safe => GREEN,
        Outcome::Unsafe => RED,
        Outcome::Inconclusive => YELLOW,
    }
}

/// An outcome in lower case, as report.json has it.
pub(super) fn name(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Safe => "safe",
        Outcome::Unsafe => "unsafe",
        Outcome::Inconclusive => "inconclusive",
    }
}

/// Where a report is written, line by line.
pub(super) struct Page<'a> {
    out: &'a mut dyn Write,
    style: Style,
}

impl<'a> Page<'a> {
    pub(super) fn new(out: &'a mut dyn Write, style: Style) -> Self {
        Self { out, style }
    }

    pub(super) fn columns(&self) -> usize {
        self.style.columns()
    }

    /// Text with its colour, if colours are wanted.
    pub(super) fn paint(&self, style: anstyle::Style, text: &str) -> String {
        match self.style.colour && !style.is_plain() && !text.is_empty() {
            true => format!("{}{text}{}", style.render(), style.render_reset()),
            false => text.to_owned(),
        }
    }

    /// One line as it is, without blanks at its end.
    pub(super) fn line(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "{}", text.trim_end())
    }

    /// An empty line and a section's title, with a remark beside it.
    pub(super) fn heading(&mut self, title: &str, remark: &str) -> io::Result<()> {
        let remark = match remark.is_empty() {
            true => String::new(),
            false => format!("  {}", self.paint(DIM, remark)),
        };
        let title = self.paint(BOLD, title);
        self.line("")?;
        self.line(&format!("{title}{remark}"))
    }

    /// A sentence in as many lines as it needs, the later ones under the first one's text.
    pub(super) fn item(
        &mut self,
        (mark, style): (&str, anstyle::Style),
        text: &str,
    ) -> io::Result<()> {
        let indent = mark.chars().count();
        let mut before = self.paint(style, mark);
        for line in wrap(text, self.columns().saturating_sub(indent)) {
            self.line(&format!("{before}{line}"))?;
            before = " ".repeat(indent);
        }
        Ok(())
    }
}

/// Breaks text at blanks into lines of at most `width` characters; a longer word has its own line.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words(text) {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(&word);
            }
            _ => lines.push(word),
        }
    }
    lines
}

/// The words of a text, a number and its unit being one.
fn words(text: &str) -> Vec<String> {
    const UNITS: [&str; 7] = ["µs", "ms", "s", "min", "h", "%", "×"];
    let mut words: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let bare = word.trim_end_matches([',', ';', '.', ')']);
        match words.last_mut() {
            Some(number)
                if UNITS.contains(&bare) && number.ends_with(|c: char| c.is_ascii_digit()) =>
            {
                number.push(' ');
                number.push_str(word);
            }
            _ => words.push(word.to_owned()),
        }
    }
    words
}

/// Text cut to `width` characters, with an ellipsis where something is missing; blank space of any
/// kind becomes one blank.
pub(super) fn cut(text: &str, width: usize) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.chars().count() <= width {
        return text;
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_number_stays_with_its_unit() {
        assert_eq!(
            wrap("waited for 4.21 s; then", 13),
            ["waited for", "4.21 s; then"]
        );
        assert_eq!(cut("ALTER TABLE\n    measurements", 16), "ALTER TABLE mea…");
    }

    proptest! {
        #[test]
        fn lines_stay_within_the_width_and_lose_no_word(text in "([a-zé×]{1,9} ){0,20}", width in 20usize..60) {
            let lines = wrap(&text, width);
            for line in &lines {
                prop_assert!(line.chars().count() <= width, "{line}");
            }
            let all: Vec<&str> = lines.iter().flat_map(|line| line.split_whitespace()).collect();
            prop_assert_eq!(all, text.split_whitespace().collect::<Vec<_>>());
        }

        #[test]
        fn cutting_keeps_to_the_width(text in "\\PC{0,40}", width in 1usize..30) {
            prop_assert!(cut(&text, width).chars().count() <= width);
        }
    }
}
