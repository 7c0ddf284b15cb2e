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
    /// The files that `schema.list` names, once its text is known.
    pub(super) listed: Vec<String>,
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
    let file = ScenarioFile {
        document,
        contents,
        listed: Vec::new(),
    };
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

    /// The file that lists the schema's files. Its text must be [included](Self::include) before
    /// [`files`](Self::files) can name these.
    pub fn list(&self) -> Option<&Path> {
        self.contents.schema.list.as_deref().map(Path::new)
    }

    /// Takes the schema's files from a list's text: one path a line, relative to the list. Empty lines
    /// and those that begin with `#` are passed over.
    ///
    /// # Errors
    ///
    /// A list that names no file.
    pub fn include(&mut self, list: &str) -> Result<(), ScenarioError> {
        let folder = self.list().and_then(Path::parent).unwrap_or(Path::new(""));
        let lines = list.lines().map(str::trim);
        let paths = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
        let listed: Vec<String> = paths
            .map(|path| folder.join(path).to_string_lossy().into_owned())
            .collect();
        if listed.is_empty() {
            let message = "the list names no file: write one path a line, relative to the list";
            return Err(self.document.error_at(&["schema", "list"], message));
        }
        self.listed = listed;
        Ok(())
    }

    /// The files that it names, each once, relative to its own folder: schema, migration, statistics,
    /// the rate's curve, scripts.
    pub fn files(&self) -> Vec<PathBuf> {
        paths(self.references())
    }

    /// Those of [`files`](Self::files) that a fill needs: the schema's.
    pub fn schema_files(&self) -> Vec<PathBuf> {
        let mut references = self.references();
        references.retain(|reference| reference.key.first().is_some_and(|key| key == "schema"));
        paths(references)
    }

    /// Those of [`files`](Self::files) that traffic alone needs: all but the migration's.
    pub fn load_files(&self) -> Vec<PathBuf> {
        let mut references = self.references();
        references.retain(|reference| reference.key.first().is_some_and(|key| key != "migration"));
        paths(references)
    }

    /// The error for a file that could not be read, shown where the scenario names it; `reason` is the
    /// system's word on it.
    pub fn missing(&self, path: &Path, reason: &str) -> ScenarioError {
        let message = format!("cannot read {}: {reason}", path.display());
        let named = self
            .references()
            .into_iter()
            .chain(self.list_reference())
            .find(|reference| Path::new(reference.file) == path);
        let help = match self.listed.iter().any(|listed| Path::new(listed) == path) {
            true => "paths in the list are relative to the list",
            false => "paths are relative to the scenario's folder",
        };
        match named {
            Some(reference) => self
                .document
                .error_with_help(&reference.key(), message, help),
            None => ScenarioError::without_place(message),
        }
    }

    fn list_reference(&self) -> Option<Reference<'_>> {
        self.contents.schema.list.as_deref().map(Reference::by_list)
    }

    fn references(&self) -> Vec<Reference<'_>> {
        let Contents {
            schema, migration, ..
        } = &self.contents;
        let listed = self.listed.iter().map(|file| Reference::by_list(file));
        let mut references: Vec<Reference<'_>> = listed.collect();
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
        references.extend(migration.down.as_deref().map(|file| Reference {
            key: ["migration", "down"].map(str::to_owned).to_vec(),
            file,
        }));
        references.extend(schema.statistics.as_deref().map(|file| Reference {
            key: ["schema", "statistics"].map(str::to_owned).to_vec(),
            file,
        }));
        let traffic = self.contents.traffic.as_ref();
        let curve = traffic.and_then(|traffic| traffic.curve.as_ref());
        references.extend(curve.map(|curve| Reference {
            key: ["traffic", "curve", "file"].map(str::to_owned).to_vec(),
            file: &curve.file,
        }));
        if let Some(traffic) = traffic {
            let files = [("log", &traffic.log), ("statements", &traffic.statements)];
            references.extend(files.into_iter().filter_map(|(name, file)| {
                Some(Reference {
                    key: ["traffic", name].map(str::to_owned).to_vec(),
                    file: file.as_deref()?,
                })
            }));
        }
        let scripts = self.contents.transactions().iter().enumerate();
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
        let list = self.list_reference();
        let with_variable = self
            .references()
            .into_iter()
            .chain(list)
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

/// The files of references, each once.
fn paths(references: Vec<Reference<'_>>) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = Vec::new();
    for reference in references {
        let file = PathBuf::from(reference.file);
        if !files.contains(&file) {
            files.push(file);
        }
    }
    files
}

impl<'a> Reference<'a> {
    /// The list of the schema's files, or one that is in it.
    fn by_list(file: &'a str) -> Self {
        Self {
            key: vec!["schema".to_owned(), "list".to_owned()],
            file,
        }
    }

    fn key(&self) -> Vec<&str> {
        self.key.iter().map(String::as_str).collect()
    }
}
