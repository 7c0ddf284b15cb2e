//! Reads a scenario and the files that it names.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::{Failure, Shared};
use crate::scenario::{self, Plan};

/// A scenario's plan and where it came from.
#[derive(Debug)]
pub(super) struct Loaded {
    /// The plan.
    pub plan: Plan,
    /// scenario.toml.
    pub file: PathBuf,
}

/// Reads a scenario, with another migration than its own if one is given: a path from the current
/// directory, or as the scenario names it.
pub(super) fn load(
    scenario: &Path,
    migration: Option<&Path>,
    shared: &Shared,
) -> Result<Loaded, Failure> {
    let file = if scenario.is_dir() {
        scenario.join("scenario.toml")
    } else {
        scenario.to_owned()
    };
    let folder = file.parent().unwrap_or(Path::new(".")).to_owned();
    let text = std::fs::read_to_string(&file)
        .with_context(|| {
            format!(
                "cannot read the scenario {}: give a folder that holds scenario.toml, or the file",
                file.display()
            )
        })
        .map_err(Failure::usage)?;
    let parsed = scenario::parse(&file.display().to_string(), &text, &shared.overrides)
        .map_err(Failure::usage)?;
    let mut sources = BTreeMap::new();
    for path in parsed.files() {
        let text = std::fs::read_to_string(folder.join(&path))
            .map_err(|error| Failure::usage(parsed.missing(&path, &error.to_string())))?;
        sources.insert(path, text);
    }
    let migration = match migration {
        Some(path) => Some(
            read_migration(path, &folder, &mut sources)?
                .display()
                .to_string(),
        ),
        None => None,
    };
    let plan = parsed
        .resolve(&sources, migration.as_deref(), shared.rows_scale)
        .map_err(Failure::usage)?;
    Ok(Loaded { plan, file })
}

fn read_migration(
    path: &Path,
    folder: &Path,
    sources: &mut BTreeMap<PathBuf, String>,
) -> Result<PathBuf, Failure> {
    let from_scenario = folder.join(path);
    let (found, name) = if path.is_file() {
        (path.to_owned(), name_within(path, folder))
    } else {
        (from_scenario, path.to_owned())
    };
    let text = std::fs::read_to_string(&found)
        .with_context(|| format!("cannot read the migration {}", path.display()))
        .map_err(Failure::usage)?;
    sources.insert(name.clone(), text);
    Ok(name)
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
