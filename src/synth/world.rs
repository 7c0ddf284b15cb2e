//! The schema and the scenario together, as the parts of the planning look things up in them.

use std::collections::BTreeMap;

use crate::schema::{Column, RelationName, Schema, Table};

use super::choice::random;
use super::error::{Problem, SynthError, nearest};
use super::every::{EVERY_TABLE, Unnamed};
use super::limits::Limits;
use super::{ColumnSpec, ColumnStatistics, GivenRows, TableSpec, TableStatistics};

/// The schema, with what the scenario says of its tables.
#[derive(Debug, Clone)]
pub(crate) struct World<'a> {
    pub(crate) schema: &'a Schema,
    specs: BTreeMap<&'a RelationName, &'a TableSpec>,
    unnamed: Unnamed<'a>,
    /// Statistics of the unnamed tables, and perhaps of others.
    captured: &'a BTreeMap<String, TableStatistics>,
    given: BTreeMap<&'a RelationName, &'a GivenRows>,
    /// Columns that others need values of.
    demand: Demand,
    seed: u64,
}

/// The columns that others need values of, and how many rows of each have one: the first ones.
pub(crate) type Demand = BTreeMap<(RelationName, String), u64>;

/// What holds of columns that the scenario does not mention.
static NOTHING: ColumnSpec = ColumnSpec {
    references: None,
    distribution: None,
    null_fraction: None,
    orphan_fraction: None,
    values: None,
    weights: None,
    range: None,
    pattern: None,
    width: None,
    distinct: None,
    sql: None,
    correlation: None,
    histogram: None,
};

static NOTHING_CAPTURED: BTreeMap<String, TableStatistics> = BTreeMap::new();

impl<'a> World<'a> {
    pub(crate) fn new(
        schema: &'a Schema,
        tables: &'a BTreeMap<String, TableSpec>,
        given: &'a [GivenRows],
        seed: u64,
    ) -> Result<Self, SynthError> {
        let mut world = Self {
            schema,
            specs: BTreeMap::new(),
            unnamed: Unnamed::default(),
            captured: &NOTHING_CAPTURED,
            demand: Demand::new(),
            given: given.iter().map(|rows| (&rows.name, rows)).collect(),
            seed,
        };
        for (name, spec) in tables.iter().filter(|(name, _)| *name != EVERY_TABLE) {
            let table = world.find_table(name)?;
            for column in spec.columns.keys() {
                world.find_column(table, column)?;
            }
            if world.specs.insert(&table.name, spec).is_some() {
                return Err(SynthError::SameTable(table.name.to_string()));
            }
            if let (true, Some(given)) = (spec.rows > 0, world.given(&table.name)) {
                return Err(SynthError::HasRows {
                    table: table.name.scenario_key(),
                    rows: given.count,
                });
            }
        }
        if let Some(spec) = tables.get(EVERY_TABLE) {
            let names = schema.tables.iter().map(|table| &table.name);
            let unnamed = names
                .filter(|name| !world.specs.contains_key(name) && !world.given.contains_key(name));
            world.unnamed = Unnamed::new(spec.rows, unnamed);
            world.captured = &spec.unnamed;
        }
        Ok(world)
    }

    /// The same world with tables that are made up, and their rows.
    pub(crate) fn with_domains<'b>(
        &self,
        schema: &'b Schema,
        rows: &'b [(RelationName, TableSpec)],
    ) -> World<'b>
    where
        'a: 'b,
    {
        let mut world: World<'b> = World {
            schema,
            ..self.clone()
        };
        world
            .specs
            .extend(rows.iter().map(|(name, spec)| (name, spec)));
        world
    }

    /// The same world where it is known which columns others need values of.
    pub(crate) fn demanding(self, demand: Demand) -> Self {
        Self { demand, ..self }
    }

    /// How many rows of a table, the first ones, have a value in a column that others need values of.
    pub(crate) fn with_values(&self, table: &Table, column: &str) -> Option<u64> {
        if self.demand.is_empty() {
            return None;
        }
        let place = (table.name.clone(), column.to_owned());
        self.demand.get(&place).copied()
    }

    /// The tables that the scenario speaks of, with their rows, in the schema's order.
    pub(crate) fn named(&self) -> impl Iterator<Item = (&'a Table, u64)> {
        self.schema.tables.iter().filter_map(|table| {
            let spec = self.specs.get(&table.name).map(|spec| spec.rows);
            Some((table, spec.or_else(|| self.unnamed.rows(&table.name))?))
        })
    }

    /// Gives the table that an error is about as many rows as it can have; whether that is allowed.
    pub(crate) fn shrink(&mut self, error: &SynthError) -> bool {
        self.unnamed.shrink(error)
    }

    /// What a reader of the report should know of the tables' rows.
    pub(crate) fn notes(&self) -> impl Iterator<Item = String> {
        self.unnamed.notes()
    }

    pub(crate) fn find_table(&self, name: &str) -> Result<&'a Table, SynthError> {
        self.schema.table(name).ok_or_else(|| {
            if let Some(other) = self.schema.other(name) {
                return SynthError::NotATable {
                    name: other.name.scenario_key(),
                    kind: other.kind.clone(),
                };
            }
            let full: Vec<String> = self
                .schema
                .tables
                .iter()
                .map(|t| t.name.to_string())
                .collect();
            let short = self
                .schema
                .tables
                .iter()
                .map(|table| table.name.name.as_str());
            SynthError::NoTable {
                table: name.to_owned(),
                near: match name.contains('.') {
                    true => nearest(name, full.iter().map(String::as_str)),
                    false => nearest(name, short),
                },
            }
        })
    }

    pub(crate) fn find_column(
        &self,
        table: &'a Table,
        name: &str,
    ) -> Result<&'a Column, SynthError> {
        table.column(name).ok_or_else(|| SynthError::NoColumn {
            table: table.name.to_string(),
            column: name.to_owned(),
            near: nearest(
                name,
                table.columns.iter().map(|column| column.name.as_str()),
            ),
        })
    }

    /// Rows that a table gets or has already; 0 if neither.
    pub(crate) fn rows(&self, table: &RelationName) -> u64 {
        match self.given(table) {
            Some(given) => given.known,
            None => match self.specs.get(table) {
                Some(spec) => spec.rows,
                None => self.unnamed.rows(table).unwrap_or_default(),
            },
        }
    }

    /// The rows that a table has before the fill.
    pub(crate) fn given(&self, table: &RelationName) -> Option<&'a GivenRows> {
        self.given.get(table).copied()
    }

    pub(crate) fn spec(&self, table: &Table, column: &str) -> &'a ColumnSpec {
        self.specs
            .get(&table.name)
            .and_then(|spec| spec.columns.get(column))
            .unwrap_or(&NOTHING)
    }

    /// Whether the scenario gives the column's values itself, so that its foreign keys do not.
    pub(crate) fn is_overridden(&self, table: &Table, column: &str) -> bool {
        // Every key by name: one that is added must say here whether it gives values.
        let ColumnSpec {
            values,
            range,
            pattern,
            sql,
            histogram,
            references: _,
            distribution: _,
            null_fraction: _,
            orphan_fraction: _,
            weights: _,
            width: _,
            distinct: _,
            correlation: _,
        } = self.spec(table, column);
        values.is_some()
            || range.is_some()
            || pattern.is_some()
            || sql.is_some()
            || histogram.is_some()
    }

    /// What is known of a column from a captured database.
    pub(crate) fn statistics(&self, table: &Table, column: &str) -> Option<&'a ColumnStatistics> {
        match self.specs.get(&table.name) {
            Some(spec) => spec.statistics.get(column),
            None => self
                .captured
                .get(&table.name.to_string())?
                .columns
                .get(column),
        }
    }

    /// The share of nulls that the scenario gives or, where the column may be NULL, that was captured.
    pub(crate) fn null_fraction(&self, table: &Table, column: &str) -> Option<f64> {
        let captured = self.statistics(table, column);
        let captured = captured.map(|captured| captured.null_fraction);
        let nullable = self.is_nullable(table, column);
        let given = self.spec(table, column).null_fraction;
        given.or(captured.map(|share| if nullable { share } else { 0.0 }))
    }

    /// Columns that only the captured statistics know, and captured nulls that cannot be.
    pub(crate) fn unfollowed(&self) -> Vec<String> {
        let mut notes = Vec::new();
        for (table, _) in self.named() {
            let name = &table.name;
            let own = self.specs.get(name).map(|spec| &spec.statistics);
            let unnamed = || Some(&self.captured.get(&name.to_string())?.columns);
            for (column, captured) in own.or_else(unnamed).into_iter().flatten() {
                let given = self.spec(table, column).null_fraction.is_some();
                if table.column(column).is_none() {
                    notes.push(format!(
                        "the statistics know a column {name}.{column} that the schema has not"
                    ));
                } else if captured.null_fraction > 0.0 && !given && !self.is_nullable(table, column)
                {
                    let strict = table.column(column).is_some_and(|column| column.not_null);
                    let what = if strict {
                        "it"
                    } else {
                        "it, or a column that has its values,"
                    };
                    notes.push(format!(
                        "{name}.{column} does not follow its share of nulls, for {what} is NOT NULL"
                    ));
                }
            }
        }
        notes
    }

    /// Whether a column may be NULL by its table, its domain and its CHECKs, and the columns that take
    /// its values.
    pub(crate) fn is_nullable(&self, table: &Table, column: &str) -> bool {
        table.column(column).is_some_and(|column| {
            let (limits, _) = Limits::of(table, &column.name, &column.data_type.kind);
            let needed = self.with_values(table, &column.name) == Some(self.rows(&table.name));
            !column.not_null && !limits.not_null && !needed
        })
    }

    /// The random key of something in a table.
    pub(crate) fn key(&self, table: &Table, name: &str) -> u64 {
        random::key(random::key(self.seed, &table.name.to_string()), name)
    }

    pub(crate) fn fail(&self, table: &Table, column: &Column, problem: Problem) -> SynthError {
        SynthError::Column {
            table: table.name.to_string(),
            column: column.name.clone(),
            data_type: column.data_type.name.clone(),
            problem,
        }
    }
}
