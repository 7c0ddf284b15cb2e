//! Several rehearsals of one command: the files of each in a folder of its own, then one table.

use std::collections::HashSet;

use anstream::eprintln;

use super::output::OutputFolder;
use super::scenario_files::Loaded;
use super::{Failure, code_of, exit};
use crate::report::Report;
use crate::report::comparison::{self, Rehearsed};
use crate::scenario::plan::Outcome;

/// What has been rehearsed so far, and the worst of the exit codes.
pub(super) struct SideBySide<'a> {
    out: Option<&'a OutputFolder>,
    folders: HashSet<String>,
    rows: Vec<Rehearsed>,
    worst: u8,
}

impl<'a> SideBySide<'a> {
    /// None yet; their folders will be inside `out`.
    pub(super) fn new(out: Option<&'a OutputFolder>) -> Self {
        Self {
            out,
            folders: HashSet::new(),
            rows: Vec::new(),
            worst: exit::SAFE,
        }
    }

    /// Takes what became of one, and hands its report and its folder, of this name inside `--out`, to `deliver`.
    /// What went wrong is said at once and is no reason to lose the others.
    pub(super) fn take(
        &mut self,
        loaded: &Loaded,
        expected: Option<Outcome>,
        folder: &str,
        rehearsed: Result<Report, Failure>,
        deliver: impl FnOnce(&Report, Option<&OutputFolder>) -> Result<(), Failure>,
    ) {
        let failed = match rehearsed {
            Ok(report) => {
                let row = Rehearsed::of(&report, expected);
                self.worsen(code(&report, &row));
                self.rows.push(row);
                let inside = self.folder(folder);
                let delivered = deliver(&report, inside.as_ref().ok().and_then(Option::as_ref));
                inside.err().or(delivered.err())
            }
            Err(failure) => {
                let row = Rehearsed::could_not_run(&loaded.plan, expected, &failure);
                self.rows.push(row);
                Some(failure)
            }
        };
        if let Some(failure) = failed {
            // After an interrupt, the table says it of each that is left.
            if !matches!(failure, Failure::Interrupted) {
                eprintln!("{failure}");
            }
            self.worsen(failure.exit_code());
        }
    }

    /// Writes the table into `--out`, where there is one, prints it and says the worst exit code. A file that cannot
    /// be written is told only after the table has been shown.
    pub(super) fn finish(
        &self,
        print: impl FnOnce(&[Rehearsed]) -> anyhow::Result<()>,
    ) -> Result<u8, Failure> {
        let saved = self.out.map_or(Ok(()), |out| {
            out.write_file("comparison.json", |file| {
                comparison::write_json(&self.rows, file)
            })
        });
        print(&self.rows).map_err(Failure::could_not_run)?;
        saved.map_err(Failure::could_not_run)?;
        Ok(self.worst)
    }

    /// A folder that no other of these rehearsals writes to: numbered where another has the name.
    fn folder(&mut self, name: &str) -> Result<Option<OutputFolder>, Failure> {
        let mut own = name.to_owned();
        let mut number = 1_u32;
        while !self.folders.insert(own.clone()) {
            number += 1;
            own = format!("{name}-{number}");
        }
        self.out.map(|out| out.inside(&own)).transpose()
    }

    fn worsen(&mut self, code: u8) {
        if rank(code) > rank(self.worst) {
            self.worst = code;
        }
    }
}

/// The exit code of one: where an outcome was expected, whether it is that one.
fn code(report: &Report, row: &Rehearsed) -> u8 {
    match row.expected {
        _ if report.interrupted => exit::INTERRUPTED,
        Some(_) if row.is_as_expected() => exit::SAFE,
        Some(_) => exit::UNSAFE,
        None => code_of(report),
    }
}

/// Interrupted over unsafe over what could not run over inconclusive over safe.
fn rank(code: u8) -> u8 {
    match code {
        exit::SAFE => 0,
        exit::INCONCLUSIVE => 1,
        exit::UNSAFE => 3,
        exit::INTERRUPTED => 4,
        _ => 2,
    }
}

/// A folder's name for a scenario or a migration: its name or path without what a folder cannot be named.
pub(super) fn folder_name(name: &str) -> String {
    let allowed = |c: char| c.is_alphanumeric() || "._-".contains(c);
    let name: String = name
        .chars()
        .map(|c| if allowed(c) { c } else { '_' })
        .collect();
    let trimmed = name.trim_start_matches(['.', '_']);
    match trimmed.strip_suffix(".sql").unwrap_or(trimmed) {
        "" => "unnamed".to_owned(),
        name => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_get_folders_of_their_own() {
        assert_eq!(folder_name("migration.sql"), "migration");
        assert_eq!(folder_name("../../real/85/01_add.sql"), "real_85_01_add");
        assert_eq!(folder_name("../.."), "unnamed");
        let folder = tempfile::tempdir().unwrap();
        let out = OutputFolder::create(folder.path()).unwrap();
        let mut table = SideBySide::new(Some(&out));
        for name in ["a/x", "a/x", "a/y"] {
            table.folder(name).unwrap();
        }
        let made = ["a/x", "a/x-2", "a/y"].map(|name| folder.path().join(name).is_dir());
        assert_eq!(made, [true; 3]);
    }

    #[test]
    fn the_worst_of_several_codes_is_kept() {
        let worst = |codes: &[u8]| {
            let mut table = SideBySide::new(None);
            codes.iter().for_each(|code| table.worsen(*code));
            table.worst
        };
        let failed = exit::COULD_NOT_RUN;
        assert_eq!(worst(&[]), exit::SAFE);
        assert_eq!(
            worst(&[exit::UNSAFE, exit::INCONCLUSIVE, failed]),
            exit::UNSAFE
        );
        assert_eq!(worst(&[exit::INCONCLUSIVE, failed, exit::SAFE]), failed);
        assert_eq!(worst(&[exit::UNSAFE, exit::INTERRUPTED]), exit::INTERRUPTED);
    }
}
