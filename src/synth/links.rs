//! The foreign keys of a table, and of a scenario's `references`, and which column each decides.

use std::collections::BTreeMap;

use crate::schema::{RelationName, Table};

use super::error::{Problem, SynthError};
use super::world::World;

/// Columns that take their values from one row of a parent.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Link {
    /// The constraint, or the column of a `references`.
    pub(crate) name: String,
    pub(crate) columns: Vec<String>,
    pub(crate) parent: RelationName,
    pub(crate) parent_columns: Vec<String>,
    /// Rows of the parent.
    pub(crate) parent_rows: u64,
    /// Whether keys may point nowhere.
    pub(crate) allows_orphans: bool,
}

/// What decides each linked column of a table.
#[derive(Debug, Default)]
pub(crate) struct Links {
    pub(crate) all: Vec<Link>,
    /// By column, the link that decides it.
    pub(crate) of: BTreeMap<String, usize>,
    /// Columns that are NULL, for no row of a parent could be named.
    pub(crate) null: Vec<String>,
    /// Links all of whose columns others decide: they must hold all the same.
    pub(crate) implied: Vec<usize>,
    pub(crate) notes: Vec<String>,
}

impl Links {
    /// The links of a table with rows.
    pub(crate) fn of_table(world: &World<'_>, table: &Table) -> Result<Self, SynthError> {
        let mut links = Self {
            all: from_schema(world, table),
            ..Self::default()
        };
        links.all.extend(from_scenario(world, table)?);
        // The widest first, for it decides most; then the smallest parent, all of whose keys other
        // parents may have too.
        links
            .all
            .sort_by_key(|link| (std::cmp::Reverse(link.columns.len()), link.parent_rows));
        for index in 0..links.all.len() {
            links.assign(world, table, index)?;
        }
        Ok(links)
    }

    /// The link that decides a column.
    pub(crate) fn deciding(&self, column: &str) -> Option<&Link> {
        self.of.get(column).and_then(|&index| self.all.get(index))
    }

    fn assign(&mut self, world: &World<'_>, table: &Table, index: usize) -> Result<(), SynthError> {
        let Some(link) = self.all.get(index).cloned() else {
            return Ok(());
        };
        let (taken, open): (Vec<_>, Vec<_>) = link
            .columns
            .iter()
            .cloned()
            .partition(|column| self.of.contains_key(column) || self.null.contains(column));
        if taken.iter().any(|column| self.null.contains(column)) {
            // One NULL is enough for a foreign key to hold.
            return Ok(());
        }
        if open.is_empty() {
            self.implied.push(index);
            return Ok(());
        }
        if link.parent_rows > 0 && taken.is_empty() {
            self.of
                .extend(open.into_iter().map(|column| (column, index)));
            return Ok(());
        }
        let nullable: Vec<String> = open
            .iter()
            .filter(|column| world.is_nullable(table, column))
            .cloned()
            .collect();
        if nullable.is_empty() {
            return Err(match taken.into_iter().next() {
                None => SynthError::EmptyParent {
                    table: table.name.to_string(),
                    constraint: link.name,
                    parent: link.parent.to_string(),
                },
                Some(column) => SynthError::SharedColumn {
                    table: table.name.to_string(),
                    constraint: link.name,
                    column,
                },
            });
        }
        for column in &nullable {
            self.notes.push(format!(
                "{}.{column} is NULL in every row: no row of {} could be chosen for it",
                table.name, link.parent
            ));
        }
        self.null.extend(nullable);
        Ok(())
    }
}

fn from_schema(world: &World<'_>, table: &Table) -> Vec<Link> {
    table
        .foreign_keys
        .iter()
        .filter(|key| {
            !key.columns
                .iter()
                .any(|column| world.is_overridden(table, column))
        })
        .map(|key| Link {
            name: key.name.clone(),
            columns: key.columns.clone(),
            parent: key.references.clone(),
            parent_columns: key.referenced_columns.clone(),
            parent_rows: world.rows(&key.references),
            allows_orphans: !key.validated,
        })
        .collect()
}

fn from_scenario(world: &World<'_>, table: &Table) -> Result<Vec<Link>, SynthError> {
    let mut links = Vec::new();
    for column in &table.columns {
        let Some(target) = &world.spec(table, &column.name).references else {
            continue;
        };
        let fail = |problem| world.fail(table, column, problem);
        let single = |key: &&crate::schema::ForeignKey| key.columns.contains(&column.name);
        let (parent_name, parent_column) = target
            .rsplit_once('.')
            .ok_or_else(|| fail(Problem::NotAColumn(target.clone())))?;
        let inner = |error| fail(Problem::References(Box::new(error)));
        let parent = world.find_table(parent_name).map_err(inner)?;
        let referenced = world.find_column(parent, parent_column).map_err(inner)?;
        if let Some(key) = table.foreign_keys.iter().find(single) {
            if key.references == parent.name && key.referenced_columns.contains(&referenced.name) {
                continue;
            }
            return Err(fail(Problem::AlreadyReferences(key.name.clone())));
        }
        if !same_family(&column.data_type.kind, &referenced.data_type.kind) {
            return Err(fail(Problem::OtherType(referenced.data_type.name.clone())));
        }
        if world.is_overridden(table, &column.name) {
            return Err(fail(Problem::Both(
                "references",
                "values, range or pattern",
            )));
        }
        links.push(Link {
            name: column.name.clone(),
            columns: vec![column.name.clone()],
            parent: parent.name.clone(),
            parent_columns: vec![referenced.name.clone()],
            parent_rows: world.rows(&parent.name),
            allows_orphans: true,
        });
    }
    Ok(links)
}

/// Whether values of one type can be written into a column of the other.
fn same_family(a: &crate::schema::TypeKind, b: &crate::schema::TypeKind) -> bool {
    use crate::schema::TypeKind;
    fn family(kind: &TypeKind) -> String {
        match kind {
            TypeKind::Base { name, .. } => match name.as_str() {
                "int2" | "int4" | "int8" | "numeric" => "number".to_owned(),
                "text" | "varchar" | "bpchar" => "text".to_owned(),
                other => other.to_owned(),
            },
            TypeKind::Domain { base, .. } => family(base),
            other => format!("{other:?}"),
        }
    }
    family(a) == family(b)
}
