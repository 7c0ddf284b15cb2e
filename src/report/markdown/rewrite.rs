//! The migration's safe form.

use std::io::{self, Write};

use crate::report::{Report, TriedRewrite};

use super::{list, text};

pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let Some(TriedRewrite { rewrite, .. }) = &report.rewrite else {
        return Ok(());
    };
    if rewrite.is_empty() {
        writeln!(
            out,
            "\n**Safe form**\n\n{}",
            text("Nothing could be rewritten mechanically: the migration was rehearsed alone.")
        )?;
    } else {
        // A fence that the text cannot end.
        writeln!(
            out,
            "\n<details><summary>Safe form</summary>\n\n~~~~~sql\n{}~~~~~\n\n</details>",
            rewrite.sql
        )?;
    }
    let skipped: Vec<String> = rewrite
        .skipped
        .iter()
        .map(|skipped| format!("{}:{}: {}", skipped.file, skipped.line, skipped.why))
        .collect();
    list("Not rewritten", &skipped, out)
}
