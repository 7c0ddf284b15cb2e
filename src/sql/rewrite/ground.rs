//! What a rewriting must know of the database.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::schema::{RelationName, Schema, Table};

use super::super::words::parts;
use super::naming::Names;

/// What a rewriting must know of the database that the migration is for.
#[derive(Debug, Clone, Default)]
pub struct Ground {
    /// Its tables.
    pub schema: Schema,
    /// PostgreSQL's major version.
    pub major: u32,
    /// How long a statement may wait for a lock behind which others wait.
    pub lock_timeout: Duration,
    /// Every relation, indexes included: their names are taken.
    pub relations: BTreeSet<RelationName>,
    /// Every constraint by its table's schema: their names are taken.
    pub constraints: BTreeSet<RelationName>,
    /// Materialized views that can be refreshed concurrently: filled, with a plain unique index.
    pub refreshable: BTreeSet<RelationName>,
    /// Indexes of partitioned tables.
    pub partitioned_indexes: BTreeSet<RelationName>,
}

/// The newest version whose ways are assumed where none is known.
const NEWEST: u32 = 18;

/// What is known where a statement stands.
#[derive(Debug)]
pub(super) struct Known<'a> {
    ground: Option<&'a Ground>,
    /// Names that are taken.
    pub(super) names: Names,
    /// Tables that the script created, as it names them.
    created: BTreeSet<String>,
    /// Columns that a CHECK of the script or the schema proves to hold no null: table, column.
    proven: BTreeSet<(String, String)>,
    /// Columns that the script adds: table, column.
    added: BTreeSet<(String, String)>,
    /// Tables that the script adds a CHECK to.
    checked: BTreeSet<String>,
    /// Tables that the script drops a key of.
    keyless: BTreeSet<String>,
}

impl<'a> Known<'a> {
    pub(super) fn of(ground: &'a Ground) -> Self {
        Self {
            ground: Some(ground),
            names: Names::new(ground.relations.clone(), ground.constraints.clone()),
            created: BTreeSet::new(),
            proven: BTreeSet::new(),
            added: BTreeSet::new(),
            checked: BTreeSet::new(),
            keyless: BTreeSet::new(),
        }
    }

    /// Of the statement alone.
    pub(super) fn nothing() -> Self {
        Self {
            ground: None,
            names: Names::default(),
            created: BTreeSet::new(),
            proven: BTreeSet::new(),
            added: BTreeSet::new(),
            checked: BTreeSet::new(),
            keyless: BTreeSet::new(),
        }
    }

    /// Whether there is a schema to ask.
    pub(super) fn has_schema(&self) -> bool {
        self.ground.is_some()
    }

    pub(super) fn major(&self) -> u32 {
        self.ground.map_or(NEWEST, |ground| ground.major)
    }

    /// The table that is meant by a name as a statement writes it.
    pub(super) fn table(&self, written: &str) -> Option<&'a Table> {
        let ground = self.ground?;
        let names = parts(written);
        let tables = ground.schema.tables.iter();
        match names.as_slice() {
            [name] => RelationName::find(name, tables, |table| &table.name),
            [schema, name] => tables
                .into_iter()
                .find(|table| table.name.schema == *schema && table.name.name == *name),
            _ => None,
        }
    }

    /// Whether an index is one of a partitioned table.
    pub(super) fn is_partitioned_index(&self, written: &str) -> bool {
        self.ground
            .is_some_and(|ground| is_among(&ground.partitioned_indexes, written))
    }

    /// Whether a materialized view can be refreshed concurrently; none where there is nobody to ask.
    pub(super) fn is_refreshable(&self, written: &str) -> Option<bool> {
        Some(is_among(&self.ground?.refreshable, written))
    }

    pub(super) fn create(&mut self, table: String) {
        self.created.insert(table);
    }

    /// Whether the script itself made the table: it is empty, or nobody's yet.
    pub(super) fn is_new(&self, table: &str) -> bool {
        self.created.contains(table)
    }

    /// The script adds a column to a table.
    pub(super) fn add_column(&mut self, table: &str, column: String) {
        self.added.insert((table.to_owned(), column));
    }

    pub(super) fn is_added(&self, table: &str, column: &str) -> bool {
        let place = (table.to_owned(), column.to_owned());
        self.added.contains(&place)
    }

    /// The script adds a CHECK to a table.
    pub(super) fn check(&mut self, table: &str) {
        self.checked.insert(table.to_owned());
    }

    /// Whether it does: before a partition is attached, that is how it is proven.
    pub(super) fn is_checked(&self, table: &str) -> bool {
        self.checked.contains(table)
    }

    /// The script drops a key of a table.
    pub(super) fn drop_key(&mut self, table: &str) {
        self.keyless.insert(table.to_owned());
    }

    /// Whether it does: a key that is added later may take its place.
    pub(super) fn has_dropped_key(&self, table: &str) -> bool {
        self.keyless.contains(table)
    }

    /// A CHECK proves that the column holds no null.
    pub(super) fn prove(&mut self, table: &str, column: &str) {
        self.proven.insert((table.to_owned(), column.to_owned()));
    }

    pub(super) fn is_proven(&self, table: &str, column: &str) -> bool {
        let place = (table.to_owned(), column.to_owned());
        self.proven.contains(&place)
    }
}

fn is_among(names: &BTreeSet<RelationName>, written: &str) -> bool {
    match parts(written).as_slice() {
        [name] => names.iter().any(|known| known.name == *name),
        [schema, name] => names
            .iter()
            .any(|known| known.schema == *schema && known.name == *name),
        _ => false,
    }
}
