//! The catalog as data: what a database's tables, columns and constraints are.

pub mod inventory;
mod partitioning;
mod types;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

pub use partitioning::{Partition, PartitionBound, PartitionEdge, PartitionStrategy, Partitioning};
pub use types::{DataType, TypeKind};

/// A relation's name, schema-qualified and unquoted, as reports print it (`public.measurements`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RelationName {
    /// The schema (namespace).
    pub schema: String,
    /// The relation's own name.
    pub name: String,
}

impl fmt::Display for RelationName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.schema, self.name)
    }
}

impl RelationName {
    /// The one of these that is meant by `name` or `schema.name`: an unqualified name is looked for in
    /// `public` first, then anywhere if only one schema has it. Names may hold dots.
    pub fn find<T>(
        name: &str,
        all: impl Iterator<Item = T> + Clone,
        name_of: impl Fn(&T) -> &Self,
    ) -> Option<T> {
        let own = |one: &T| name_of(one).name == name;
        let public = |one: &T| own(one) && name_of(one).schema == "public";
        let qualified = |one: &T| name_of(one).to_string() == name;
        let mut named = all.clone().filter(own);
        let only = named.next().filter(|_| named.next().is_none());
        all.clone()
            .find(public)
            .or_else(|| all.clone().find(qualified))
            .or(only)
    }

    /// The key that names it under `[tables]` in a scenario: `measurements` in schema `public`, else
    /// `"audit.log"`.
    pub fn scenario_key(&self) -> String {
        let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        match self.schema.as_str() {
            "public" if self.name.chars().all(bare) => self.name.clone(),
            "public" => format!("\"{}\"", self.name),
            schema => format!("\"{schema}.{}\"", self.name),
        }
    }
}

/// The user tables of a database with all that decides what rows they can hold.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Schema {
    /// Ordinary and partitioned tables, by schema and name.
    pub tables: Vec<Table>,
    /// Relations that could be taken for one of these.
    #[serde(default)]
    pub others: Vec<OtherRelation>,
}

/// A relation with rows that is not filled by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtherRelation {
    /// Its name.
    pub name: RelationName,
    /// What it is: `a partition of public.orders`, `a view`.
    pub kind: String,
}

/// One table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// `pg_class.oid`.
    pub oid: u32,
    /// Its name.
    pub name: RelationName,
    /// Columns in attribute order, dropped ones left out.
    pub columns: Vec<Column>,
    /// PRIMARY KEY, UNIQUE constraints and unique indexes on plain columns; the primary key first.
    pub unique_keys: Vec<UniqueKey>,
    /// Foreign keys of this table.
    pub foreign_keys: Vec<ForeignKey>,
    /// CHECK constraints.
    pub checks: Vec<Check>,
    /// Exclusion constraints.
    #[serde(default)]
    pub exclusions: Vec<Exclusion>,
    /// How its rows are spread over partitions, of a partitioned table. Unique keys, foreign keys and
    /// exclusion constraints of a partition alone are kept as those of the whole table.
    #[serde(default)]
    pub partitioning: Option<Partitioning>,
}

/// One column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type.
    pub data_type: DataType,
    /// NOT NULL (or part of the primary key).
    pub not_null: bool,
    /// The default's text by `pg_get_expr`, none for generated columns.
    pub default: Option<String>,
    /// GENERATED … STORED or VIRTUAL: never written.
    pub generated: bool,
    /// An identity column, or one whose default draws from a sequence (`serial`).
    pub sequence: bool,
}

/// Columns whose values together are unique.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UniqueKey {
    /// The index's name.
    pub name: String,
    /// Whether this is the primary key.
    pub primary: bool,
    /// Column names in index order.
    pub columns: Vec<String>,
    /// Whether it is partial (`WHERE`).
    pub partial: bool,
    /// Expressions among its columns, by `pg_get_indexdef`: their columns are not in `columns`.
    #[serde(default)]
    pub expressions: Vec<String>,
    /// The condition of a partial one, by `pg_get_expr`.
    #[serde(default)]
    pub predicate: Option<String>,
    /// Whether a NULL is equal to another one (`NULLS NOT DISTINCT`, from PostgreSQL 15 on).
    #[serde(default)]
    pub nulls_not_distinct: bool,
}

impl UniqueKey {
    /// Whether a column is in it, or in the text of one of its expressions.
    pub fn mentions(&self, column: &str) -> bool {
        let own = self.columns.iter().any(|own| own == column);
        own || self.expressions.iter().any(|text| text.contains(column))
    }
}

/// An exclusion constraint: no two rows for which all operators hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exclusion {
    /// The constraint's name.
    pub name: String,
    /// Column, or expression by `pg_get_indexdef`, with the operator's name (`=`, `&&`).
    pub elements: Vec<(String, String)>,
    /// Whether it is partial (`WHERE`).
    pub partial: bool,
    /// The condition of a partial one, by `pg_get_expr`.
    #[serde(default)]
    pub predicate: Option<String>,
}

/// A foreign key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ForeignKey {
    /// The constraint's name.
    pub name: String,
    /// Referencing columns.
    pub columns: Vec<String>,
    /// The referenced table.
    pub references: RelationName,
    /// Referenced columns, in the order of `columns`.
    pub referenced_columns: Vec<String>,
    /// Whether it is validated.
    pub validated: bool,
}

/// A CHECK constraint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// The constraint's name.
    pub name: String,
    /// The expression by `pg_get_expr`, in parentheses as PostgreSQL prints it.
    pub expression: String,
    /// The columns it speaks of (`pg_constraint.conkey`).
    pub columns: Vec<String>,
}

impl Schema {
    /// The table that a scenario means by `name` or `schema.name`; see [`RelationName::find`].
    pub fn table(&self, name: &str) -> Option<&Table> {
        RelationName::find(name, self.tables.iter(), |table| &table.name)
    }

    /// What a scenario means by a name that is no table's.
    pub fn other(&self, name: &str) -> Option<&OtherRelation> {
        RelationName::find(name, self.others.iter(), |other| &other.name)
    }

    /// Tables by name.
    pub fn by_name(&self) -> BTreeMap<&RelationName, &Table> {
        self.tables
            .iter()
            .map(|table| (&table.name, table))
            .collect()
    }
}

impl Table {
    /// The oids of the relations that hold its rows: its own or, where it is partitioned, those of all
    /// partitions that are not partitioned themselves.
    pub fn storage(&self) -> Vec<u32> {
        match &self.partitioning {
            None => vec![self.oid],
            Some(partitioning) => partitioning.leaves().iter().map(|leaf| leaf.oid).collect(),
        }
    }

    /// The column of this name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }
}
