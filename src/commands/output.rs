//! Where reports go: a folder of files, and the terminal.

use std::fs::{self, File};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use terminal_size::Width;

use super::{Failure, Shared};
use crate::report::{Report, Style, json, markdown, terminal};

/// A folder that reports are written into, found writable before anything is measured.
#[derive(Debug)]
pub(super) struct OutputFolder(PathBuf);

impl OutputFolder {
    /// Makes the folder and tries it, so that a rehearsal of an hour does not end in an error here.
    pub(super) fn create(folder: &Path) -> Result<Self, Failure> {
        let explain = || {
            format!(
                "cannot write reports into {}: give --out a folder that can be written",
                folder.display()
            )
        };
        fs::create_dir_all(folder)
            .with_context(explain)
            .map_err(Failure::could_not_run)?;
        let probe = folder.join(".pgrehearse-probe");
        let tried = fs::write(
            &probe,
            b"written and removed to see that reports will fit\n",
        );
        // Removed also where writing it failed half way (a full disk leaves it empty).
        let removed = fs::remove_file(&probe);
        tried
            .and(removed)
            .with_context(explain)
            .map_err(Failure::could_not_run)?;
        Ok(Self(folder.to_owned()))
    }

    /// A folder inside this one.
    pub(super) fn inside(&self, name: &str) -> Result<Self, Failure> {
        Self::create(&self.0.join(name))
    }

    /// Writes every format of a report and names the files; a file of an earlier run is replaced only
    /// once the new one is whole.
    pub(super) fn write(&self, report: &Report) -> anyhow::Result<Vec<String>> {
        self.write_file("report.json", |out| json::write(report, out))?;
        self.write_file("report.md", |out| markdown::write(report, out))?;
        let named = |name| self.0.join(name).display().to_string();
        Ok(["report.json", "report.md"].map(named).to_vec())
    }

    /// Writes a file for the user to keep, and says where. One of this name that is there with another text may
    /// be the user's own: the new one then gets a number.
    pub(super) fn write_new(&self, name: &Path, text: &str) -> anyhow::Result<String> {
        let stem = name.file_stem().unwrap_or_default().to_string_lossy();
        let extension = name.extension().unwrap_or_default().to_string_lossy();
        let mut number = 1_u32;
        loop {
            let name = match number {
                1 => format!("{stem}.{extension}"),
                number => format!("{stem}-{number}.{extension}"),
            };
            let path = self.0.join(&name);
            let written =
                File::create_new(&path).and_then(|mut file| file.write_all(text.as_bytes()));
            match written {
                Ok(()) => return Ok(path.display().to_string()),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    if fs::read_to_string(&path).is_ok_and(|there| there == text) {
                        return Ok(path.display().to_string());
                    }
                }
                Err(error) => {
                    return Err(error).with_context(|| format!("cannot write {}", path.display()));
                }
            }
            number += 1;
        }
    }

    /// Writes one file by way of a temporary one.
    pub(super) fn write_file(
        &self,
        name: &str,
        fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> anyhow::Result<()> {
        let path = self.0.join(name);
        let partial = self.0.join(format!(".{name}.partial"));
        let written = (|| {
            let mut out = BufWriter::new(File::create(&partial)?);
            fill(&mut out)?;
            out.into_inner()
                .map_err(io::IntoInnerError::into_error)?
                .sync_all()?;
            fs::rename(&partial, &path)
        })();
        if written.is_err() {
            let _ = fs::remove_file(&partial);
        }
        written.with_context(|| format!("cannot write {}", path.display()))
    }
}

/// The folder that `--out` asks for.
pub(super) fn folder(shared: &Shared) -> Result<Option<OutputFolder>, Failure> {
    shared.out.as_deref().map(OutputFolder::create).transpose()
}

/// Writes a report's files and prints it. A file that cannot be written is told only after the
/// verdict has been shown.
pub(super) fn deliver(
    report: &Report,
    out: Option<&OutputFolder>,
    shared: &Shared,
) -> Result<(), Failure> {
    let written = out.map_or(Ok(Vec::new()), |out| out.write(report));
    let files = written.as_deref().unwrap_or_default();
    print(report, shared, files).map_err(Failure::could_not_run)?;
    written.map(|_| ()).map_err(Failure::could_not_run)
}

/// Prints a report on stdout, as JSON or for people, with the names of the files it was written to.
fn print(report: &Report, shared: &Shared, files: &[String]) -> anyhow::Result<()> {
    let mut out = stdout();
    let printed = match shared.json {
        true => json::write(report, &mut out),
        false => terminal::write(report, &mut out, style(), files),
    };
    ignore_broken_pipe(printed.and_then(|()| out.flush()))
}

/// Prints by `write` on stdout.
pub(super) fn print_with(
    write: impl FnOnce(&mut dyn Write, Style) -> io::Result<()>,
) -> anyhow::Result<()> {
    let mut out = stdout();
    ignore_broken_pipe(write(&mut out, style()).and_then(|()| out.flush()))
}

fn stdout() -> BufWriter<anstream::AutoStream<io::Stdout>> {
    BufWriter::new(anstream::AutoStream::auto(io::stdout()))
}

fn style() -> Style {
    let size = terminal_size::terminal_size_of(io::stdout());
    Style {
        width: size.map_or(Style::WIDEST, |(Width(columns), _)| usize::from(columns)),
        colour: io::stdout().is_terminal(),
    }
}

/// A reader that has seen enough (`| head`) is no failure.
fn ignore_broken_pipe(result: io::Result<()>) -> anyhow::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.context("cannot print the report"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_for_the_user_are_never_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let out = OutputFolder::create(folder.path()).unwrap();
        let write = |text| out.write_new(Path::new("rewrite.sql"), text).unwrap();
        let (first, again, other) = (write("a"), write("a"), write("b"));
        assert!(
            first == again && first.ends_with("rewrite.sql"),
            "{first} {again}"
        );
        assert!(other.ends_with("rewrite-2.sql"), "{other}");
        assert_eq!(fs::read_to_string(first).unwrap(), "a");
        assert_eq!(fs::read_to_string(other).unwrap(), "b");
    }
}
