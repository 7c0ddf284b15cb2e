//! Aligned columns. Widths count characters, which is right for all that reports print.

use std::io;

use super::page::{PLAIN, Page, cut};

/// The side on which a column's texts are flush.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Align {
    Left,
    Right,
}

/// One text and its colour.
#[derive(Debug, Clone)]
pub(super) struct Cell {
    text: String,
    style: anstyle::Style,
}

impl Cell {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            style: PLAIN,
        }
    }

    pub(super) fn painted(text: impl Into<String>, style: anstyle::Style) -> Self {
        Self {
            text: text.into(),
            style,
        }
    }

    fn width(&self) -> usize {
        self.text.chars().count()
    }
}

/// A row of cells, or a line of text between rows.
#[derive(Debug, Clone)]
enum Row {
    Cells(Vec<Cell>),
    Note(String),
}

/// Rows whose cells stand under each other, two blanks apart and two from the left edge.
#[derive(Debug, Clone)]
pub(super) struct Columns {
    aligns: Vec<Align>,
    rows: Vec<Row>,
}

impl Columns {
    const GAP: &'static str = "  ";
    /// The last column is never cut below this.
    const LEAST: usize = 12;

    pub(super) fn new(aligns: &[Align]) -> Self {
        Self {
            aligns: aligns.to_vec(),
            rows: Vec::new(),
        }
    }

    /// Adds a row of as many cells as there are columns; missing ones are empty.
    pub(super) fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(Row::Cells(cells));
    }

    /// Adds a sentence below the last row, under its second column, in as many lines as it needs.
    pub(super) fn note(&mut self, text: impl Into<String>) {
        self.rows.push(Row::Note(text.into()));
    }

    /// How many characters the columns before the last one take, gaps included.
    fn before_last(widths: &[usize]) -> usize {
        let last = widths.last().copied().unwrap_or_default();
        widths.iter().sum::<usize>() + widths.len() * Self::GAP.len() - last
    }

    /// Writes the rows; the last column is cut where the page ends.
    pub(super) fn write(&self, page: &mut Page<'_>) -> io::Result<()> {
        let mut widths = self.widths();
        let before = Self::before_last(&widths);
        let first = widths.first().copied().unwrap_or_default();
        let indent = " ".repeat(first + 2 * Self::GAP.len());
        let room = page.columns().saturating_sub(before).max(Self::LEAST);
        if let Some(last) = widths.last_mut() {
            *last = room.min(*last);
        }
        for row in &self.rows {
            match row {
                Row::Cells(cells) => {
                    let line = self.line(page, cells, &widths);
                    page.line(&line)?;
                }
                Row::Note(text) => page.item((&indent, PLAIN), text)?,
            }
        }
        Ok(())
    }

    fn line(&self, page: &Page<'_>, cells: &[Cell], widths: &[usize]) -> String {
        let mut line = String::new();
        for ((cell, width), align) in cells.iter().zip(widths).zip(&self.aligns) {
            let text = cut(&cell.text, *width);
            let blanks = " ".repeat(width.saturating_sub(text.chars().count()));
            let text = page.paint(cell.style, &text);
            line.push_str(Self::GAP);
            line += &match align {
                Align::Left => text + &blanks,
                Align::Right => blanks + &text,
            };
        }
        line
    }

    fn widths(&self) -> Vec<usize> {
        let mut widths = vec![0; self.aligns.len()];
        for row in &self.rows {
            let Row::Cells(cells) = row else { continue };
            for (width, cell) in widths.iter_mut().zip(cells) {
                *width = cell.width().max(*width);
            }
        }
        widths
    }
}
