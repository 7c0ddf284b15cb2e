//! The migration's safe form.

use std::io;

use crate::report::page::{CYAN, DIM, Page};
use crate::report::{Report, TriedRewrite};

pub(super) fn write(page: &mut Page<'_>, report: &Report) -> io::Result<()> {
    let Some(TriedRewrite { rewrite, file }) = &report.rewrite else {
        return Ok(());
    };
    page.heading("Safe form", "as far as it can be written mechanically")?;
    match file {
        _ if rewrite.is_empty() => page.item(
            ("  · ", DIM),
            "Nothing could be rewritten mechanically: the migration was rehearsed alone.",
        )?,
        Some(file) => page.item(("  → ", CYAN), file)?,
        None => {
            for line in rewrite.sql.lines() {
                page.line(&format!("  {line}"))?;
            }
        }
    }
    for skipped in &rewrite.skipped {
        let text = format!(
            "{}:{} stays as it is: {}",
            skipped.file, skipped.line, skipped.why
        );
        page.item(("  · ", DIM), &text)?;
    }
    Ok(())
}
