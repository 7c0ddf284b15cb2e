//! scenario.toml with what the command line sets over it, and the place in them of every key.

use std::ops::Range;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer};

use super::error::{Fault, ScenarioError};
use super::overrides::Override;

/// The sources of a scenario. Each is placed behind the one before it, so that one offset says both
/// which source and where in it.
#[derive(Debug, Clone)]
pub(super) struct Document {
    sources: Vec<Source>,
}

/// scenario.toml or one override.
#[derive(Debug, Clone)]
struct Source {
    /// What errors call it.
    origin: String,
    /// Where it begins; the text has as many blanks before it.
    start: usize,
    text: String,
}

impl Source {
    fn end(&self) -> usize {
        self.text.len()
    }

    fn table(&self) -> Result<DeTable<'_>, toml::de::Error> {
        DeTable::parse(&self.text).map(Spanned::into_inner)
    }
}

impl Document {
    pub(super) fn new(name: &str, text: &str, overrides: &[Override]) -> Self {
        let mut sources = vec![Source {
            origin: name.to_owned(),
            start: 0,
            text: text.to_owned(),
        }];
        for item in overrides {
            let start = sources.last().map_or(0, Source::end) + 1;
            sources.push(Source {
                origin: format!("--set {}", item.key),
                start,
                text: " ".repeat(start) + &item.line(),
            });
        }
        Self { sources }
    }

    /// Reads all of it as a value of a type.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<T, ScenarioError> {
        let table = self.table()?;
        T::deserialize(Deserializer::from(Spanned::new(0..0, table)))
            .map_err(|error| self.toml_error(&error))
    }

    fn table(&self) -> Result<DeTable<'_>, ScenarioError> {
        let tables = self.sources.iter().map(Source::table);
        let tables: Vec<DeTable<'_>> = tables
            .collect::<Result<_, _>>()
            .map_err(|error| self.toml_error(&error))?;
        let mut tables = tables.into_iter();
        let mut merged = tables.next().unwrap_or_default();
        for table in tables.clone() {
            displace(&mut merged, &table);
        }
        for table in tables {
            merge(&mut merged, table).map_err(|fault| self.error(fault))?;
        }
        Ok(merged)
    }

    /// The error of a key, or of the nearest table around it that is written.
    pub(super) fn error_at(&self, key: &[&str], message: impl Into<String>) -> ScenarioError {
        self.error(Fault {
            span: self.locate(key),
            ..Fault::new(message)
        })
    }

    /// The error of a key with what to do.
    pub(super) fn error_with_help(
        &self,
        key: &[&str],
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> ScenarioError {
        self.error(Fault {
            span: self.locate(key),
            help: Some(help.into()),
            ..Fault::new(message)
        })
    }

    /// Where the value of a key stands, and for a table its name.
    fn locate(&self, key: &[&str]) -> Option<Range<usize>> {
        let table = self.table().ok()?;
        let mut found = None;
        let mut values = Some(Level::Table(&table));
        for part in key {
            let Some((span, value)) = values.and_then(|level| level.get(part)) else {
                break;
            };
            values = Level::of(value.get_ref());
            found = match value.get_ref() {
                DeValue::Table(_) => Some(span),
                _ => Some(value.span()),
            };
        }
        found
    }

    fn toml_error(&self, error: &toml::de::Error) -> ScenarioError {
        self.error(Fault::from_toml(error))
    }

    fn error(&self, fault: Fault) -> ScenarioError {
        let at = fault.span.as_ref().map_or(0, |span| span.start);
        let source = self.sources.iter().rev().find(|source| source.start <= at);
        match source {
            Some(source) => {
                let span = fault.span.clone().map(|span| {
                    span.start.saturating_sub(source.start)..span.end.saturating_sub(source.start)
                });
                let text = source.text.get(source.start..).unwrap_or_default();
                ScenarioError::render(&source.origin, text, Fault { span, ..fault })
            }
            None => ScenarioError::render("", "", fault),
        }
    }
}

/// A table or an array on the way to a key.
#[derive(Debug, Clone, Copy)]
enum Level<'a> {
    Table(&'a DeTable<'a>),
    Array(&'a [Spanned<DeValue<'a>>]),
}

impl<'a> Level<'a> {
    fn of(value: &'a DeValue<'a>) -> Option<Self> {
        match value {
            DeValue::Table(table) => Some(Self::Table(table)),
            DeValue::Array(array) => Some(Self::Array(array)),
            _ => None,
        }
    }

    /// What stands under a key or an index, with the span of the key.
    fn get(self, part: &str) -> Option<(Range<usize>, &'a Spanned<DeValue<'a>>)> {
        match self {
            Self::Table(table) => table
                .iter()
                .find(|(key, _)| key.get_ref() == part)
                .map(|(key, value)| (key.span(), value)),
            Self::Array(array) => {
                let value = array.get(part.parse::<usize>().ok()?)?;
                Some((value.span(), value))
            }
        }
    }
}

/// The two ways in which `[traffic]` says when requests are made; the keys before the number are those that
/// choose it.
const WAYS: [(usize, &[&str]); 2] = [
    (1, &["clients", "think_time", "think"]),
    (2, &["rate", "curve", "arrivals", "ramp", "bursts"]),
];

/// Removes the file's way where a key of the command line chooses the other one: it wins over the file.
fn displace(file: &mut DeTable<'_>, over: &DeTable<'_>) {
    let Some(over) = traffic(over) else { return };
    let chosen = |(choosing, keys): (usize, &[&str])| {
        keys.iter()
            .take(choosing)
            .any(|key| over.get(*key).is_some())
    };
    let [clients, rate] = WAYS.map(chosen);
    let [of_clients, of_rate] = WAYS.map(|(_, keys)| keys);
    let gone = match (clients, rate) {
        (true, false) => of_rate,
        (false, true) => of_clients,
        (true, true) | (false, false) => return,
    };
    if let Some(DeValue::Table(traffic)) = file.get_mut("traffic").map(Spanned::get_mut) {
        for key in gone {
            traffic.remove(*key);
        }
    }
}

fn traffic<'a>(table: &'a DeTable<'_>) -> Option<&'a DeTable<'a>> {
    match table.get("traffic")?.get_ref() {
        DeValue::Table(traffic) => Some(traffic),
        _ => None,
    }
}

/// Puts a table over another, key by key; a table of numbers over an array is one of its elements.
fn merge<'a>(base: &mut DeTable<'a>, over: DeTable<'a>) -> Result<(), Fault> {
    for (key, value) in over {
        let span = value.span();
        match (base.get_mut(&key).map(Spanned::get_mut), value.into_inner()) {
            (Some(DeValue::Table(below)), DeValue::Table(above)) => merge(below, above)?,
            (Some(DeValue::Array(below)), DeValue::Table(above)) => {
                for (index, value) in above {
                    merge_element(below, &index, value)?;
                }
            }
            (_, value) => {
                // The key too, so that errors point at the one that counts.
                base.remove(&key);
                base.insert(key, Spanned::new(span, value));
            }
        }
    }
    Ok(())
}

fn merge_element<'a>(
    array: &mut [Spanned<DeValue<'a>>],
    index: &Spanned<std::borrow::Cow<'a, str>>,
    value: Spanned<DeValue<'a>>,
) -> Result<(), Fault> {
    let length = array.len();
    let place = index.get_ref().parse::<usize>().ok();
    let Some(element) = place.and_then(|place| array.get_mut(place)) else {
        return Err(Fault {
            span: Some(index.span()),
            ..Fault::new(format!(
                "`{}` is not an element: there are {length}, counted from 0",
                index.get_ref()
            ))
        });
    };
    match (element.get_mut(), value.get_ref()) {
        (DeValue::Table(below), DeValue::Table(above)) => merge(below, above.clone()),
        _ => {
            *element = value;
            Ok(())
        }
    }
}
