//! Checks of a scenario that types cannot make.

mod load;
mod release;
mod replay;

use std::collections::BTreeSet;

use super::disturbance::DisturbanceKind;
use super::document::Document;
use super::error::ScenarioError;
use super::file::{Contents, Table, Traffic, Transaction, setting_text};
use crate::synth::{ColumnSpec, EVERY_TABLE};
use crate::units::Span;

mod application;

/// What reports call the sessions that are not the traffic's, or are between two transactions. A
/// transaction of such a name would have its waits taken for theirs.
const SESSIONS: [&str; 5] = ["migration", "disturbance", "other", "idle", "health-check"];

/// Refuses the first value that makes no sense.
pub(super) fn check(document: &Document, contents: &Contents) -> Result<(), ScenarioError> {
    let checks = Checks { document };
    checks.name(contents)?;
    checks.settings(contents)?;
    checks.sources(contents)?;
    for (name, table) in &contents.tables {
        checks.table(name, table)?;
    }
    if let Some(traffic) = &contents.traffic {
        checks.traffic(traffic)?;
        checks.replay(traffic, &contents.application)?;
        checks.release(traffic, contents.release.is_some())?;
    }
    checks.application(&contents.application)?;
    checks.migration(contents)?;
    checks.limits(contents)?;
    checks.disturbances(contents)?;
    checks.names_once(
        "invariants",
        contents.invariants.iter().map(|invariant| &invariant.name),
    )
}

#[derive(Debug)]
struct Checks<'a> {
    document: &'a Document,
}

type Checked = Result<(), ScenarioError>;

impl Checks<'_> {
    /// Fails at a key unless a condition holds.
    fn require(&self, holds: bool, key: &[&str], message: &str) -> Checked {
        if holds {
            Ok(())
        } else {
            Err(self.document.error_at(key, message))
        }
    }

    fn at_least_one(&self, key: &[&str], number: Option<u64>) -> Checked {
        let name = key.last().copied().unwrap_or_default();
        let message = format!("`{name}` must be at least 1");
        self.require(number != Some(0), key, &message)
    }

    fn name(&self, contents: &Contents) -> Checked {
        self.require(
            !contents.name.trim().is_empty(),
            &["name"],
            "a scenario needs a name",
        )
    }

    fn settings(&self, contents: &Contents) -> Checked {
        let mut settings = contents.shadow.settings.iter();
        settings.try_for_each(|(name, value)| {
            self.require(
                setting_text(value).is_some(),
                &["shadow", "settings", name],
                "a setting is a string, a number, true or false",
            )
        })
    }

    fn sources(&self, contents: &Contents) -> Checked {
        let schema = &contents.schema;
        let given = [
            schema.file.is_some(),
            schema.files.is_some(),
            schema.list.is_some(),
            schema.source.is_some(),
        ];
        self.exactly_one(&given, &["schema"], "`file`, `files`, `list` or `source`")?;
        let has_files = schema.files.as_ref().is_none_or(|files| !files.is_empty());
        self.require(has_files, &["schema", "files"], "no file is named")
    }

    fn exactly_one(&self, given: &[bool], key: &[&str], names: &str) -> Checked {
        let message = match given.iter().filter(|given| **given).count() {
            1 => return Ok(()),
            0 => format!("one of {names} is needed here"),
            _ => format!("only one of {names} may be given"),
        };
        Err(self.document.error_at(key, message))
    }

    fn table(&self, name: &str, table: &Table) -> Checked {
        self.require(
            name != EVERY_TABLE || table.columns.is_empty(),
            &["tables", name, "columns"],
            "columns are those of one table: name it under [tables]",
        )?;
        table
            .columns
            .iter()
            .try_for_each(|(column, spec)| self.column(&["tables", name, "columns", column], spec))
    }

    fn column(&self, at: &[&str], spec: &ColumnSpec) -> Checked {
        let key = |last| [at, &[last]].concat();
        for (name, fraction) in [
            ("null_fraction", spec.null_fraction),
            ("orphan_fraction", spec.orphan_fraction),
        ] {
            self.fraction(&key(name), fraction)?;
        }
        let values = spec.values.as_ref().map(Vec::len);
        self.require(
            values != Some(0),
            &key("values"),
            "there is no value to choose from",
        )?;
        if let Some(weights) = &spec.weights {
            let message = match values {
                Some(values) if values == weights.len() => None,
                Some(values) => {
                    let weights = weights.len();
                    Some(format!(
                        "each value needs its weight: there are {values} of `values`, and {weights} of `weights`"
                    ))
                }
                None => Some("weights need `values` to choose from".to_owned()),
            };
            if let Some(message) = message {
                return Err(self.document.error_at(&key("weights"), message));
            }
            let usable = weights
                .iter()
                .all(|weight| weight.is_finite() && *weight >= 0.0)
                && weights.iter().sum::<f64>() > 0.0;
            let message = "weights must not be negative, and one must be above 0";
            self.require(usable, &key("weights"), message)?;
        }
        let correlation = spec
            .correlation
            .is_none_or(|value| (-1.0..=1.0).contains(&value));
        let message = "a correlation must be from -1 to 1";
        self.require(correlation, &key("correlation"), message)?;
        let bounds = spec.histogram.as_ref().map_or(2, Vec::len);
        let message = "a histogram needs two bounds at least";
        self.require(bounds >= 2, &key("histogram"), message)?;
        self.at_least_one(&key("distinct"), spec.distinct)?;
        self.at_least_one(&key("width"), spec.width.map(u64::from))
    }

    fn fraction(&self, key: &[&str], fraction: Option<f64>) -> Checked {
        let holds = fraction.is_none_or(|fraction| (0.0..=1.0).contains(&fraction));
        self.require(holds, key, "a fraction must be from 0 to 1")
    }

    fn traffic(&self, traffic: &Traffic) -> Checked {
        self.load(traffic)?;
        self.require(
            traffic.log.is_some()
                || traffic.statements.is_some()
                || !traffic.transactions.is_empty(),
            &["traffic"],
            "at least one [[traffic.transactions]] is needed, or `statements`",
        )?;
        for (index, transaction) in traffic.transactions.iter().enumerate() {
            let index = index.to_string();
            self.transaction(&["traffic", "transactions", &index], transaction)?;
        }
        self.names_once(
            "traffic.transactions",
            traffic
                .transactions
                .iter()
                .map(|transaction| &transaction.name),
        )
    }

    fn transaction(&self, at: &[&str], transaction: &Transaction) -> Checked {
        let given = [transaction.script.is_some(), transaction.sql.is_some()];
        self.exactly_one(&given, at, "`script` or `sql`")?;
        self.require(
            !SESSIONS.contains(&transaction.name.as_str()),
            &[at, &["name"]].concat(),
            "reports call sessions of another kind so: choose another name",
        )?;
        self.at_least_one(
            &[at, &["weight"]].concat(),
            transaction.weight.map(u64::from),
        )
    }

    /// Elements of an array of tables are named, and no two alike.
    fn names_once<'a>(&self, array: &str, names: impl Iterator<Item = &'a String>) -> Checked {
        let mut seen = BTreeSet::new();
        for (index, name) in names.enumerate() {
            let index = index.to_string();
            let mut key: Vec<&str> = array.split('.').collect();
            key.extend([index.as_str(), "name"]);
            self.require(!name.trim().is_empty(), &key, "a name is needed")?;
            if !seen.insert(name) {
                let message = format!("`{name}` is the name of an earlier one already");
                return Err(self.document.error_at(&key, message));
            }
        }
        Ok(())
    }

    fn migration(&self, contents: &Contents) -> Checked {
        let migration = &contents.migration;
        let given = [
            migration.file.is_some(),
            migration.files.is_some(),
            migration.command.is_some(),
        ];
        // None is fine: `--migration` may name one.
        if given.contains(&true) {
            self.exactly_one(&given, &["migration"], "`file`, `files` or `command`")?;
        }
        let has_files = migration
            .files
            .as_ref()
            .is_none_or(|files| !files.is_empty());
        self.require(has_files, &["migration", "files"], "no file is named")?;
        self.at_least_one(
            &["migration", "attempts"],
            migration.attempts.map(u64::from),
        )?;
        self.require(
            contents.phases.baseline != Some(Span::default()),
            &["phases", "baseline"],
            "the baseline must be longer than 0: the verdict compares with it",
        )?;
        self.require(
            !contents.expect.contains_key(""),
            &["expect", ""],
            "an outcome is expected of a migration's file",
        )
    }

    fn disturbances(&self, contents: &Contents) -> Checked {
        for (index, disturbance) in contents.disturbances.iter().flatten().enumerate() {
            let index = index.to_string();
            let key = |name| ["disturbances", index.as_str(), name];
            self.require(
                disturbance.duration != Some(Span::default()),
                &key("duration"),
                "a disturbance must last longer than 0",
            )?;
            let vacuum = disturbance.kind == DisturbanceKind::AntiWraparoundVacuum;
            self.require(
                !vacuum || disturbance.table.is_some(),
                &key("kind"),
                "a vacuum is of one table: name it with `table`",
            )?;
        }
        Ok(())
    }

    fn limits(&self, contents: &Contents) -> Checked {
        let ratio = contents.limits.p99_ratio;
        self.require(
            ratio.is_none_or(|ratio| ratio.is_finite() && ratio > 0.0),
            &["limits", "p99_ratio"],
            "a ratio must be above 0",
        )?;
        self.fraction(&["limits", "error_rate"], contents.limits.error_rate)
    }
}
