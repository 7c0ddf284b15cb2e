//! What happened to the instances, in the order of time.

use std::io;

use crate::judge::chain;
use crate::judge::wording::moment;
use crate::observe::Pass;
use crate::report::Report;
use crate::report::page::{PLAIN, Page};

use super::label;

pub(super) fn write(page: &mut Page<'_>, report: &Report, pass: &Pass) -> io::Result<()> {
    let links = chain(pass, report.instances());
    let moments: Vec<String> = links.iter().map(|link| moment(link.at)).collect();
    let Some(width) = moments.iter().map(|moment| moment.chars().count()).max() else {
        return Ok(());
    };
    page.heading("How it went", label(report, pass.name))?;
    for (link, moment) in links.iter().zip(&moments) {
        page.item((&format!("  {moment:>width$}  "), PLAIN), &link.text)?;
    }
    Ok(())
}
