//! The foreign keys of a table, and of a scenario's `references`, and which column each decides.

use std::collections::BTreeMap;

use crate::schema::{ForeignKey, RelationName, Table, TypeKind};

use super::relation::Relation;
use crate::synth::error::{Problem, SynthError};
use crate::synth::world::World;

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
    /// Of tables in a circle: rows have the parent's row of the same number.
    pub(crate) twin: Option<Twin>,
}

/// How the rows of two tables in a circle belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Twin {
    /// The rows of the parent that are used, the first ones. Further rows have them again.
    pub(crate) rows: u64,
    /// The rows that have a parent, the first ones. The others are NULL.
    pub(crate) limit: u64,
}

/// The links of every table with rows.
pub(crate) type AllLinks<'a> = BTreeMap<&'a RelationName, (&'a Table, Vec<Link>)>;

/// What decides each linked column of a table.
#[derive(Debug, Default)]
pub(crate) struct Links {
    pub(crate) all: Vec<Link>,
    /// By column, the link that decides it.
    pub(crate) of: BTreeMap<String, usize>,
    /// Columns that are NULL, for no row of a parent can be chosen, and why.
    pub(crate) null: BTreeMap<String, String>,
    /// Links all of whose columns others decide: they must hold all the same.
    pub(crate) implied: Vec<usize>,
    /// Of a table whose rows have an order: how the links that decide columns find parents.
    pub(crate) relations: BTreeMap<usize, Relation>,
    /// By link, one of the same parent whose row it must not have.
    pub(crate) rivals: BTreeMap<usize, usize>,
    /// Of such a table: the positions of the table above that rows belong to, the first ones.
    pub(crate) positions: u64,
}

impl Links {
    /// The links of a table with rows, in the order in which they are assigned: the widest first, for
    /// it decides most; then the smallest parent, all of whose keys other parents may have too.
    pub(crate) fn collect(world: &World<'_>, table: &Table) -> Result<Vec<Link>, SynthError> {
        let mut all = from_schema(world, table);
        all.extend(from_scenario(world, table)?);
        all.sort_by_key(|link| (std::cmp::Reverse(link.columns.len()), link.parent_rows));
        Ok(all)
    }

    /// Assigns the links of a table whose foreign keys agree by themselves.
    pub(crate) fn of_table(
        world: &World<'_>,
        table: &Table,
        all: Vec<Link>,
    ) -> Result<Self, SynthError> {
        let mut links = Self {
            all,
            ..Self::default()
        };
        for index in 0..links.all.len() {
            links.assign(world, table, index)?;
        }
        Ok(links)
    }

    /// The link that decides a column.
    pub(crate) fn deciding(&self, column: &str) -> Option<&Link> {
        self.of.get(column).and_then(|&index| self.all.get(index))
    }

    /// The first column that a link decides, by which its choice is known.
    pub(crate) fn leading(&self, index: usize) -> Option<&String> {
        let mut columns = self.all.get(index)?.columns.iter();
        columns.find(|column| self.of.get(*column) == Some(&index))
    }

    /// How many rows of its parent a column's link may choose from.
    pub(crate) fn room(&self, column: &str) -> u64 {
        let relation = self.of.get(column).and_then(|i| self.relations.get(i));
        let twin = self.deciding(column).and_then(|link| link.twin);
        match (relation, twin) {
            (_, Some(twin)) => twin.rows,
            (Some(Relation::Free { rows }), _) => *rows,
            _ => {
                let rows = self.deciding(column).map_or(0, |link| link.parent_rows);
                rows - u64::from(self.rival(column).is_some())
            }
        }
    }

    /// The link whose parent a column's link must not have.
    pub(crate) fn rival(&self, column: &str) -> Option<&Link> {
        let index = self.rivals.get(self.of.get(column)?)?;
        self.all.get(*index)
    }

    fn assign(&mut self, world: &World<'_>, table: &Table, index: usize) -> Result<(), SynthError> {
        let Some(link) = self.all.get(index).cloned() else {
            return Ok(());
        };
        if link
            .columns
            .iter()
            .any(|column| self.null.contains_key(column))
        {
            // One NULL is enough for a foreign key to hold.
            return Ok(());
        }
        let taken = |column: &&String| self.of.contains_key(*column);
        let own = link.of_itself(table);
        if link.columns.iter().all(|column| taken(&column)) {
            self.implied.push(index);
            return Ok(());
        }
        let shared = link.columns.iter().find(taken).cloned();
        if link.parent_rows > 0 && shared.is_none() && own.is_empty() {
            let columns = link.columns.into_iter();
            self.of.extend(columns.map(|column| (column, index)));
            return Ok(());
        }
        let shared = shared.or_else(|| own.first().map(|column| (*column).clone()));
        self.leave_null(world, table, &link, shared)
    }
}

impl Link {
    /// The parent's column that a column takes its values from.
    pub(crate) fn referenced(&self, column: &str) -> &str {
        let mut pairs = self.columns.iter().zip(&self.parent_columns);
        pairs
            .find(|(own, _)| *own == column)
            .map_or("", |(_, referenced)| referenced)
    }

    /// Columns that reference themselves, as the tenant's in `(tenant, parent) → (tenant, id)`.
    pub(crate) fn of_itself(&self, table: &Table) -> Vec<&String> {
        let pairs = self.columns.iter().zip(&self.parent_columns);
        let same = pairs.filter(|(column, referenced)| column == referenced);
        match self.parent == table.name {
            true => same.map(|(column, _)| column).collect(),
            false => Vec::new(),
        }
    }

    /// The error of a link without any nullable column that cannot hold.
    pub(crate) fn unsatisfied(&self, table: &Table, shared: Option<&String>) -> SynthError {
        match shared {
            Some(column) if self.parent_rows > 0 => SynthError::SharedColumn {
                table: table.name.to_string(),
                constraint: self.name.clone(),
                column: column.clone(),
            },
            _ => SynthError::EmptyParent {
                table: table.name.to_string(),
                constraint: self.name.clone(),
                parent: self.parent.scenario_key(),
            },
        }
    }
}

/// Whether the scenario gives a column of the key its values.
pub(crate) fn is_overridden(world: &World<'_>, table: &Table, key: &ForeignKey) -> bool {
    let mut columns = key.columns.iter();
    columns.any(|column| world.is_overridden(table, column))
}

fn from_schema(world: &World<'_>, table: &Table) -> Vec<Link> {
    table
        .foreign_keys
        .iter()
        .filter(|key| !is_overridden(world, table, key))
        .map(|key| Link {
            name: key.name.clone(),
            columns: key.columns.clone(),
            parent: key.references.clone(),
            parent_columns: key.referenced_columns.clone(),
            parent_rows: world.rows(&key.references),
            allows_orphans: !key.validated,
            twin: None,
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
        let single = |key: &&ForeignKey| key.columns.contains(&column.name);
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
            twin: None,
        });
    }
    Ok(links)
}

/// Whether values of one type can be written into a column of the other.
fn same_family(a: &TypeKind, b: &TypeKind) -> bool {
    fn family(kind: &TypeKind) -> &str {
        match kind {
            TypeKind::Base { name, .. } => match name.as_str() {
                "int2" | "int4" | "int8" | "numeric" => "number",
                "varchar" | "bpchar" => "text",
                other => other,
            },
            TypeKind::Other { name } => name,
            _ => "",
        }
    }
    let (a, b) = (a.below_domains(), b.below_domains());
    a == b || (!family(a).is_empty() && family(a) == family(b))
}
