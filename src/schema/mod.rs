//! The catalog as data: what a database's tables, columns and constraints are.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

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

/// A column's type, resolved as far as generating values needs it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DataType {
    /// As `format_type` prints it, modifier included: `numeric(10,2)`, `text[]`, `public.mood`.
    pub name: String,
    /// What it is.
    pub kind: TypeKind,
}

/// The kinds of types that values are generated for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TypeKind {
    /// A type of `pg_catalog` by its internal name (`int4`, `timestamptz`, `varchar`), with the
    /// modifier's numbers as written (`varchar(20)` → `[20]`, `numeric(10,2)` → `[10, 2]`).
    Base {
        /// `pg_type.typname`.
        name: String,
        /// Type modifier arguments.
        modifiers: Vec<i32>,
    },
    /// An enum and its labels in order.
    Enum {
        /// `pg_enum.enumlabel` by `enumsortorder`.
        labels: Vec<String>,
    },
    /// An array of another type.
    Array {
        /// The element's type.
        element: Box<TypeKind>,
    },
    /// A domain over another type.
    Domain {
        /// The base type.
        base: Box<TypeKind>,
        /// NOT NULL of the domain.
        not_null: bool,
        /// CHECK expressions over `VALUE`, by `pg_get_expr`.
        checks: Vec<String>,
    },
    /// A range and the type of its bounds.
    Range {
        /// The bounds' type.
        subtype: Box<TypeKind>,
    },
    /// A multirange and the type of its ranges' bounds.
    Multirange {
        /// The bounds' type.
        subtype: Box<TypeKind>,
    },
    /// A composite type and its fields in order.
    Composite {
        /// Name and type of each.
        fields: Vec<(String, TypeKind)>,
    },
    /// Anything else (types of extensions), by its name.
    Other {
        /// `pg_type.typname`.
        name: String,
    },
}

impl TypeKind {
    /// The type below all domains.
    pub fn below_domains(&self) -> &Self {
        let mut kind = self;
        while let Self::Domain { base, .. } = kind {
            kind = base;
        }
        kind
    }

    /// The CHECKs of all its domains.
    pub fn domain_checks(&self) -> Vec<&str> {
        let (mut kind, mut all) = (self, Vec::new());
        while let Self::Domain { base, checks, .. } = kind {
            all.extend(checks.iter().map(String::as_str));
            kind = base;
        }
        all
    }
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

/// How a partitioned table's rows are spread over its partitions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Partitioning {
    /// The strategy.
    pub strategy: PartitionStrategy,
    /// The key's columns; none for an expression.
    pub key: Vec<Option<String>>,
    /// The partitions by name.
    pub partitions: Vec<Partition>,
}

/// PostgreSQL's ways to partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartitionStrategy {
    /// `PARTITION BY RANGE`.
    Range,
    /// `PARTITION BY LIST`.
    List,
    /// `PARTITION BY HASH`.
    Hash,
}

/// One partition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Partition {
    /// `pg_class.oid`.
    pub oid: u32,
    /// Its name.
    pub name: RelationName,
    /// Which rows it takes.
    pub bound: PartitionBound,
    /// How it is partitioned itself.
    pub partitioning: Option<Box<Partitioning>>,
    /// CHECK constraints that it has and its parent has not.
    #[serde(default)]
    pub checks: Vec<Check>,
}

/// Which rows a partition takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartitionBound {
    /// What no other takes.
    Default,
    /// From the first, inclusive, to the second, exclusive, column after column.
    Range {
        /// `FROM`.
        from: Vec<PartitionEdge>,
        /// `TO`.
        to: Vec<PartitionEdge>,
    },
    /// These values; none is NULL.
    List {
        /// `IN`.
        values: Vec<Option<String>>,
    },
    /// Keys whose hash leaves this remainder.
    Hash {
        /// `MODULUS`.
        modulus: u32,
        /// `REMAINDER`.
        remainder: u32,
    },
}

/// One column's end of a range partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartitionEdge {
    /// `MINVALUE`.
    MinValue,
    /// A value's text.
    Value(String),
    /// `MAXVALUE`.
    MaxValue,
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

impl Partitioning {
    /// Partitions at any depth that hold rows themselves, in order.
    pub fn leaves(&self) -> Vec<&Partition> {
        let below = |partition: &'_ Partition| partition.partitioning.is_none();
        let all = self.descendants().into_iter();
        all.filter(|partition| below(partition)).collect()
    }

    /// All partitions at any depth, each before its own.
    pub fn descendants(&self) -> Vec<&Partition> {
        let mut all = Vec::new();
        for partition in &self.partitions {
            all.push(partition);
            if let Some(sub) = &partition.partitioning {
                all.extend(sub.descendants());
            }
        }
        all
    }
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
