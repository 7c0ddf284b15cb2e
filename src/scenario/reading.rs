//! A scenario that has been read, and the files that it names.

use std::path::{Path, PathBuf};

use super::checks::check;
use super::document::Document;
use super::error::ScenarioError;
use super::file::Contents;
use super::limitations::refuse_unsupported;
use super::overrides::Override;

/// A scenario that has been read and checked, but for the files that it names.
#[derive(Debug, Clone)]
pub struct ScenarioFile {
    pub(super) document: Document,
    pub(super) contents: Contents,
}

/// Reads and checks a scenario; `name` is what errors call the file.
///
/// # Errors
///
/// What is not TOML, an unknown key, a wrong type or unit, a value that makes no sense, and what this
/// version cannot do, each shown at its line or at the override it came from.
pub fn parse(
    name: &str,
    text: &str,
    overrides: &[Override],
) -> Result<ScenarioFile, ScenarioError> {
    let document = Document::new(name, text, overrides);
    let contents: Contents = document.read()?;
    check(&document, &contents)?;
    refuse_unsupported(&document, &contents)?;
    let file = ScenarioFile { document, contents };
    file.refuse_variables()?;
    Ok(file)
}

/// A file that the scenario names, and the key that does.
#[derive(Debug)]
struct Reference<'a> {
    key: Vec<String>,
    file: &'a str,
}

impl ScenarioFile {
    /// What is written in it.
    pub fn contents(&self) -> &Contents {
        &self.contents
    }

    /// The files that it names, each once, relative to its own folder: schema, statistics, migration, scripts.
    pub fn files(&self) -> Vec<PathBuf> {
        let mut files: Vec<PathBuf> = Vec::new();
        for reference in self.references() {
            let file = PathBuf::from(reference.file);
            if !files.contains(&file) {
                files.push(file);
            }
        }
        files
    }

    /// The error for a file that could not be read, shown where the scenario names it; `reason` is the
    /// system's word on it.
    pub fn missing(&self, path: &Path, reason: &str) -> ScenarioError {
        let message = format!("cannot read {}: {reason}", path.display());
        let named = self
            .references()
            .into_iter()
            .find(|reference| Path::new(reference.file) == path);
        match named {
            Some(reference) => self.document.error_with_help(
                &reference.key(),
                message,
                "paths are relative to the scenario's folder",
            ),
            None => ScenarioError::without_place(message),
        }
    }

    fn references(&self) -> Vec<Reference<'_>> {
        let Contents {
            schema,
            migration,
            traffic,
            ..
        } = &self.contents;
        let mut references = Vec::new();
        for (table, file, files) in [
            ("schema", &schema.file, &schema.files),
            ("migration", &migration.file, &migration.files),
        ] {
            references.extend(file.as_deref().map(|file| Reference {
                key: vec![table.to_owned(), "file".to_owned()],
                file,
            }));
            let files = files.iter().flatten().enumerate();
            references.extend(files.map(|(index, file)| Reference {
                key: vec![table.to_owned(), "files".to_owned(), index.to_string()],
                file,
            }));
        }
        references.extend(schema.statistics.as_deref().map(|file| Reference {
            key: ["schema", "statistics"].map(str::to_owned).to_vec(),
            file,
        }));
        let scripts = traffic.transactions.iter().enumerate();
        references.extend(scripts.filter_map(|(index, transaction)| {
            Some(Reference {
                key: ["traffic", "transactions", &index.to_string(), "script"]
                    .map(str::to_owned)
                    .to_vec(),
                file: transaction.script.as_deref()?,
            })
        }));
        references
    }

    /// Variables are read in `schema.source` alone: everywhere else the same scenario must give the
    /// same rehearsal on every machine.
    fn refuse_variables(&self) -> Result<(), ScenarioError> {
        let with_variable = self
            .references()
            .into_iter()
            .find(|reference| reference.file.contains("${"));
        match with_variable {
            Some(reference) => Err(self.document.error_at(
                &reference.key(),
                "environment variables are read in `schema.source` alone",
            )),
            None => Ok(()),
        }
    }
}

impl Reference<'_> {
    fn key(&self) -> Vec<&str> {
        self.key.iter().map(String::as_str).collect()
    }
}
