//! From scenario.toml to the plan.

mod load;
mod log;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::error::{ResolveError, ScenarioError};
use super::file::{Disturbance, Transaction, setting_text};
use super::plan::{
    DisturbancePlan, InvariantPlan, Limits, MigrationPlan, PhasesPlan, Plan, Role, ShadowPlan,
    SourceFile, TablePlan, TrafficPlan, TransactionMode, TransactionPlan, Trials, scaled,
};
use super::reading::ScenarioFile;
use super::release::ReleasePlan;
use super::statements::ProductionStatements;
use super::variables::definitions;
use crate::pgbench::Script;
use crate::sql::{MigrationScript, check_transactions, split};
use crate::synth::{EVERY_TABLE, Statistics, TableSpec, TableStatistics};
use crate::units::Span;

/// Files' texts by the path that the scenario gives them.
type Sources = BTreeMap<PathBuf, String>;

impl ScenarioFile {
    /// The plan, made of the texts of [`Self::files`] in `sources`. `migration` is rehearsed instead of
    /// the scenario's own; its text is in `sources` too. The shadow gets `rows_scale` times the rows.
    ///
    /// # Errors
    ///
    /// A text that is not in `sources`, a script or migration with a fault in it, a statement that
    /// cannot run in the transaction it would have, no migration or no traffic at all.
    pub fn resolve(
        &self,
        sources: &Sources,
        migration: Option<&str>,
        rows_scale: f64,
    ) -> Result<Plan, ResolveError> {
        let fill = self.resolve_fill(sources, rows_scale)?;
        Ok(Plan {
            traffic: self.traffic(sources)?,
            migration: self.migration(sources, migration)?,
            ..fill
        })
    }

    /// The plan of a load: of a rehearsal without its migration, which need not be there. Made of the
    /// texts of [`Self::load_files`].
    ///
    /// # Errors
    ///
    /// As of [`Self::resolve`], but for the migration.
    pub fn resolve_load(&self, sources: &Sources, rows_scale: f64) -> Result<Plan, ResolveError> {
        Ok(Plan {
            traffic: self.traffic(sources)?,
            ..self.resolve_fill(sources, rows_scale)?
        })
    }

    /// The plan of a fill alone, made of the texts of [`Self::schema_files`]: its traffic has no
    /// transactions and its migration no statements, whatever the scenario says of them.
    ///
    /// # Errors
    ///
    /// A text that is not in `sources`, a scale that is no number above 0.
    pub fn resolve_fill(&self, sources: &Sources, rows_scale: f64) -> Result<Plan, ResolveError> {
        let contents = &self.contents;
        let statistics = self.statistics(sources)?;
        Ok(Plan {
            name: contents.name.clone(),
            title: contents
                .title
                .clone()
                .unwrap_or_else(|| contents.name.clone()),
            seed: contents.seed.unwrap_or_default(),
            shadow: self.shadow(),
            schema: self.schema(sources)?,
            tables: self.tables(rows_scale, &statistics)?,
            statistics,
            traffic: TrafficPlan::default(),
            application: self.application(),
            release: self.release(),
            migration: self.migration_of(&[], Vec::new()),
            phases: self.phases(),
            limits: self.limits(),
            invariants: self.invariants(),
            expect: contents.expect.clone(),
            disturbances: self.disturbances(),
            trials: Trials::default(),
        })
    }

    fn source<'a>(&self, sources: &'a Sources, file: &str) -> Result<&'a str, ScenarioError> {
        sources
            .get(Path::new(file))
            .map(String::as_str)
            .ok_or_else(|| self.missing(Path::new(file), "its text was not given"))
    }

    fn shadow(&self) -> ShadowPlan {
        let settings = self.contents.shadow.settings.iter();
        ShadowPlan {
            settings: settings
                .filter_map(|(name, value)| Some((name.clone(), setting_text(value)?)))
                .collect(),
        }
    }

    fn schema(&self, sources: &Sources) -> Result<Vec<SourceFile>, ScenarioError> {
        let schema = &self.contents.schema;
        let given = schema.file.iter().chain(schema.files.iter().flatten());
        let files = given.chain(&self.listed);
        files
            .map(|file| {
                Ok(SourceFile {
                    name: file.clone(),
                    text: self.source(sources, file)?.to_owned(),
                })
            })
            .collect()
    }

    fn statistics(&self, sources: &Sources) -> Result<Statistics, ScenarioError> {
        let Some(file) = &self.contents.schema.statistics else {
            return Ok(Statistics::default());
        };
        Statistics::parse(self.source(sources, file)?).map_err(|error| {
            let message = format!("{file}: {error}");
            self.document.error_at(&["schema", "statistics"], message)
        })
    }

    fn tables(
        &self,
        rows_scale: f64,
        statistics: &Statistics,
    ) -> Result<BTreeMap<String, TablePlan>, ScenarioError> {
        if !(rows_scale.is_finite() && rows_scale > 0.0) {
            return Err(ScenarioError::without_place(
                "the scale of rows must be a number above 0",
            ));
        }
        let tables = self.contents.tables.iter().map(|(name, table)| {
            let captured = statistics.table(name);
            let fill = TableSpec {
                rows: scaled(table.rows, rows_scale),
                columns: table.columns.clone(),
                statistics: captured.map_or_else(BTreeMap::new, |known| known.columns.clone()),
                unnamed: match name == EVERY_TABLE {
                    true => statistics.tables.clone(),
                    false => BTreeMap::new(),
                },
            };
            let captured_rows = captured.and_then(TableStatistics::known_rows);
            let production_rows = table.production_rows.or(captured_rows);
            let plan = TablePlan {
                production_rows: production_rows.unwrap_or(table.rows),
                fill,
            };
            (name.clone(), plan)
        });
        Ok(tables.collect())
    }

    fn traffic(&self, sources: &Sources) -> Result<TrafficPlan, ResolveError> {
        let Some(traffic) = &self.contents.traffic else {
            let message = "a rehearsal needs [traffic]: a `rate` or `clients`, and at least one [[traffic.transactions]]";
            return Err(self.document.error_at(&["traffic"], message).into());
        };
        if let Some(log) = &traffic.log {
            return self.replay(traffic, (log, self.source(sources, log)?));
        }
        let transactions = traffic.transactions.iter().enumerate();
        Ok(TrafficPlan {
            load: self.load(sources, traffic)?,
            protocol: traffic.protocol,
            transactions: transactions
                .map(|(index, transaction)| self.transaction(sources, index, transaction))
                .collect::<Result<_, _>>()?,
            statements: self.production_statements(sources)?,
            definitions: definitions(traffic, &self.document)?,
        })
    }

    fn production_statements(
        &self,
        sources: &Sources,
    ) -> Result<Option<ProductionStatements>, ScenarioError> {
        let traffic = self.contents.traffic.as_ref();
        let Some(file) = traffic.and_then(|traffic| traffic.statements.as_deref()) else {
            return Ok(None);
        };
        let read = ProductionStatements::parse(file, self.source(sources, file)?);
        read.map(Some).map_err(|error| {
            let message = format!("{file}: {error}");
            self.document.error_at(&["traffic", "statements"], message)
        })
    }

    fn transaction(
        &self,
        sources: &Sources,
        index: usize,
        transaction: &Transaction,
    ) -> Result<TransactionPlan, ResolveError> {
        let inline = transaction.sql.as_deref().unwrap_or_default();
        let script = match &transaction.script {
            Some(file) => Script::parse(file, self.source(sources, file)?)?,
            None => Script::parse(&transaction.name, inline).map_err(|error| {
                let key = ["traffic", "transactions", &index.to_string(), "sql"];
                let message = format!("in its line {}: {}", error.line, error.message);
                self.document.error_at(&key, message)
            })?,
        };
        Ok(TransactionPlan {
            name: transaction.name.clone(),
            weight: transaction.weight.unwrap_or(1),
            file: transaction.script.clone(),
            role: transaction.role,
            replaces: self.replaced(transaction),
            script,
        })
    }

    /// The next release comes where the scenario says when, or what only that one sends.
    fn release(&self) -> Option<ReleasePlan> {
        let mut transactions = self.contents.transactions().iter();
        let sends = transactions.any(|transaction| transaction.role == Role::Next);
        let release = self.contents.release.clone();
        (sends || release.is_some()).then(|| release.unwrap_or_default().plan())
    }

    /// The transaction that this one replaces. The checks have seen that there is one where it is named.
    fn replaced(&self, transaction: &Transaction) -> Option<usize> {
        let replaced = transaction.replaces.as_ref()?;
        let mut all = self.contents.transactions().iter();
        all.position(|other| other.name == *replaced)
    }

    fn migration(
        &self,
        sources: &Sources,
        instead: Option<&str>,
    ) -> Result<MigrationPlan, ResolveError> {
        let given = &self.contents.migration;
        let own = given.file.iter().chain(given.files.iter().flatten());
        let files: Vec<&str> = match instead {
            Some(file) => vec![file],
            None => own.map(String::as_str).collect(),
        };
        if files.is_empty() {
            return Err(self
                .document
                .error_at(&["migration"], "no migration is named: give a `file`")
                .into());
        }
        let scripts = files.iter();
        let scripts = scripts
            .map(|file| self.migration_script(sources, file))
            .collect::<Result<_, _>>()?;
        Ok(MigrationPlan {
            down: self.down(sources)?,
            ..self.migration_of(&files, scripts)
        })
    }

    fn migration_of(&self, files: &[&str], scripts: Vec<MigrationScript>) -> MigrationPlan {
        let given = &self.contents.migration;
        MigrationPlan {
            file: files.join(", "),
            scripts,
            transaction: given.transaction,
            lock_timeout: or(given.lock_timeout, Duration::ZERO),
            attempts: given.attempts.unwrap_or(1),
            backoff: or(given.backoff, Duration::from_secs(1)),
            down: None,
        }
    }

    /// The way back.
    fn down(&self, sources: &Sources) -> Result<Option<MigrationScript>, ResolveError> {
        let down = self.contents.migration.down.as_deref();
        down.map(|file| self.migration_script(sources, file))
            .transpose()
    }

    /// What production does meanwhile; where the scenario does not say, the usual.
    fn disturbances(&self) -> Vec<DisturbancePlan> {
        match &self.contents.disturbances {
            Some(given) => given.iter().map(Disturbance::plan).collect(),
            None => vec![DisturbancePlan::usual()],
        }
    }

    fn migration_script(
        &self,
        sources: &Sources,
        file: &str,
    ) -> Result<MigrationScript, ResolveError> {
        let script = split(file, self.source(sources, file)?)?;
        let one_transaction = self.contents.migration.transaction == TransactionMode::File;
        check_transactions(&script, one_transaction)?;
        if script.statements.is_empty() {
            let message = format!("{file} holds no statement: there is nothing to rehearse");
            return Err(self.document.error_at(&["migration"], message).into());
        }
        Ok(script)
    }

    fn phases(&self) -> PhasesPlan {
        let given = &self.contents.phases;
        let default = PhasesPlan::default();
        PhasesPlan {
            warmup: or(given.warmup, default.warmup),
            baseline: or(given.baseline, default.baseline),
            recovery: or(given.recovery, default.recovery),
        }
    }

    fn limits(&self) -> Limits {
        let given = &self.contents.limits;
        let default = Limits::default();
        Limits {
            lock_wait: or(given.lock_wait, default.lock_wait),
            p99_ratio: given.p99_ratio.unwrap_or(default.p99_ratio),
            p99_floor: or(given.p99_floor, default.p99_floor),
            error_rate: given.error_rate.unwrap_or(default.error_rate),
            unavailable: or(given.unavailable, default.unavailable),
            migration_time: or(given.migration_time, default.migration_time),
            forecast: given.forecast.unwrap_or(default.forecast),
        }
    }

    fn invariants(&self) -> Vec<InvariantPlan> {
        let invariants = self.contents.invariants.iter();
        invariants
            .map(|invariant| InvariantPlan {
                name: invariant.name.clone(),
                sql: invariant.sql.clone(),
                expect: invariant.expect,
            })
            .collect()
    }
}

fn or(given: Option<Span>, default: Duration) -> Duration {
    given.map_or(default, |span| span.0)
}
