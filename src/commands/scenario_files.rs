//! Reads a scenario and the files that it names.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::{Failure, Shared};
use crate::scenario::{self, Plan, ScenarioFile};

/// A scenario's plan and where it came from.
#[derive(Debug)]
pub(super) struct Loaded {
    /// The plan.
    pub plan: Plan,
    /// scenario.toml.
    pub file: PathBuf,
}

/// The migration to rehearse.
#[derive(Debug, Clone, Copy)]
pub(super) enum Choice<'a> {
    /// The scenario's own.
    Own,
    /// A file as the scenario would name it, from its folder.
    Named(&'a str),
    /// A file from the current directory, else from the scenario's folder.
    At(&'a Path),
}

/// Reads a scenario with a migration.
pub(super) fn load(
    scenario: &Path,
    choice: Choice<'_>,
    shared: &Shared,
) -> Result<Loaded, Failure> {
    let (parsed, file) = parsed(scenario, shared)?;
    let folder = folder_of(&file);
    let mut sources = texts(&parsed, parsed.files(), &folder)?;
    let migration = match choice {
        Choice::Own => None,
        Choice::Named(name) => Some((folder.join(name), PathBuf::from(name))),
        Choice::At(path) if path.is_file() => Some((path.to_owned(), name_within(path, &folder))),
        Choice::At(path) => Some((folder.join(path), path.to_owned())),
    };
    if let Some((path, name)) = &migration {
        let advice = match choice {
            Choice::Named(_) => "[expect] names it, from the scenario's folder",
            _ => "a path is taken from here, else from the scenario's folder",
        };
        let text = read(path, "the migration", advice)?;
        sources.insert(name.clone(), text);
    }
    let name = migration.map(|(_, name)| name.display().to_string());
    let plan = parsed
        .resolve(&sources, name.as_deref(), shared.rows_scale)
        .map_err(Failure::usage)?;
    Ok(Loaded { plan, file })
}

/// Reads a scenario for a fill alone: its schema and its tables.
pub(super) fn load_fill(scenario: &Path, shared: &Shared) -> Result<Loaded, Failure> {
    let (parsed, file) = parsed(scenario, shared)?;
    let sources = texts(&parsed, parsed.schema_files(), &folder_of(&file))?;
    let plan = parsed
        .resolve_fill(&sources, shared.rows_scale)
        .map_err(Failure::usage)?;
    Ok(Loaded { plan, file })
}

/// Reads a scenario for its traffic alone: its migration is not looked at.
pub(super) fn load_traffic(scenario: &Path, shared: &Shared) -> Result<Loaded, Failure> {
    let (parsed, file) = parsed(scenario, shared)?;
    let sources = texts(&parsed, parsed.load_files(), &folder_of(&file))?;
    let plan = parsed
        .resolve_load(&sources, shared.rows_scale)
        .map_err(Failure::usage)?;
    Ok(Loaded { plan, file })
}

/// A scenario and its file, whose schema's list, if it has one, is read already.
fn parsed(scenario: &Path, shared: &Shared) -> Result<(ScenarioFile, PathBuf), Failure> {
    let file = match scenario.is_dir() {
        true => scenario.join("scenario.toml"),
        false => scenario.to_owned(),
    };
    let text = read(
        &file,
        "the scenario",
        "give a folder that holds scenario.toml, or the file",
    )?;
    let name = file.display().to_string();
    let mut parsed = scenario::parse(&name, &text, &shared.overrides).map_err(Failure::usage)?;
    if let Some(list) = parsed.list().map(Path::to_owned) {
        let text = source(&parsed, &list, &folder_of(&file))?;
        parsed.include(&text).map_err(Failure::usage)?;
    }
    Ok((parsed, file))
}

fn folder_of(file: &Path) -> PathBuf {
    file.parent().unwrap_or(Path::new(".")).to_owned()
}

/// The texts of files that the scenario names from its folder.
fn texts(
    parsed: &ScenarioFile,
    files: Vec<PathBuf>,
    folder: &Path,
) -> Result<BTreeMap<PathBuf, String>, Failure> {
    let texts = files.into_iter().map(|path| {
        let text = source(parsed, &path, folder)?;
        Ok((path, text))
    });
    texts.collect()
}

fn source(parsed: &ScenarioFile, path: &Path, folder: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(folder.join(path))
        .map_err(|error| Failure::usage(parsed.missing(path, &error.to_string())))
}

fn read(path: &Path, what: &str, advice: &str) -> Result<String, Failure> {
    std::fs::read_to_string(path)
        .with_context(|| format!("cannot read {what} {} ({advice})", path.display()))
        .map_err(Failure::usage)
}

/// The path as the scenario would name it, where it is in the scenario's folder.
fn name_within(path: &Path, folder: &Path) -> PathBuf {
    let inside = || {
        let path = path.canonicalize().ok()?;
        let folder = folder.canonicalize().ok()?;
        path.strip_prefix(folder).ok().map(Path::to_owned)
    };
    inside().unwrap_or_else(|| path.to_owned())
}
