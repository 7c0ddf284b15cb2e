//! From a schema and a scenario to the plan of every column.

mod cased;
mod circled;
mod scene;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::schema::{RelationName, Schema, Table};

use super::choice::random;
use super::column::ColumnPlan;
use super::error::{Problem, SynthError};
use super::keys::implied::implies;
use super::keys::kinship::Kinship;
use super::keys::linked::{is_within, linked_column, unfollowed};
use super::keys::links::is_overridden;
use super::keys::links::{AllLinks, Link};
use super::own::{Made, Place, own_column};
use super::partition::{Known, Layout};
use super::plan::{FillPlan, TablePlan};
use super::survey::{Surveyed, Surveys, survey};
use super::world::World;
use super::{GivenRows, TableSpec};
use cased::Variant;
use circled::{Circles, build};

/// Plans columns, each after those that it references.
struct Builder<'g> {
    world: &'g World<'g>,
    all: &'g AllLinks<'g>,
    kinship: &'g Kinship<'g>,
    ground: &'g Surveys<'g>,
    circles: Circles,
    built: BTreeMap<(RelationName, String), Option<Arc<ColumnPlan>>>,
    /// Plans of columns in single cases of their rows.
    variants: BTreeMap<(RelationName, String, usize), Variant>,
    /// Columns whose parents are being planned.
    open: BTreeSet<(RelationName, String)>,
    layouts: BTreeMap<RelationName, Option<Arc<Layout>>>,
    notes: Vec<String>,
}

impl FillPlan {
    /// Plans the rows of the tables that `tables` names, by `name` or `schema.name`.
    ///
    /// Columns get values by their type, foreign keys, unique keys and CHECKs, and by what the
    /// scenario says of them; [`EVERY_TABLE`](super::EVERY_TABLE) stands for those that it does not
    /// name. Nullable columns are NULL in a tenth of the rows unless they have a
    /// default, are part of a key or of the scenario.
    ///
    /// # Errors
    /// What the schema lacks, what contradicts itself, and what cannot be generated, by table and
    /// column.
    pub fn new(
        schema: &Schema,
        tables: &BTreeMap<String, TableSpec>,
        seed: u64,
    ) -> Result<Self, SynthError> {
        Self::beside(schema, tables, &[], seed)
    }

    /// As [`new`](Self::new), beside rows that the schema's files brought: those of
    /// [`wanted_rows`](super::wanted_rows). Foreign keys of filled tables point at them.
    ///
    /// # Errors
    /// As [`new`](Self::new); a table that shall be filled and has rows.
    pub fn beside(
        schema: &Schema,
        tables: &BTreeMap<String, TableSpec>,
        given: &[GivenRows],
        seed: u64,
    ) -> Result<Self, SynthError> {
        let mut world = World::new(schema, tables, given, random::key(seed, "fill"))?;
        loop {
            let mut made = build(&world, given, Circles::Hold);
            if let Err(error) = &made {
                // Each turn takes rows from a table, so there is an end.
                if world.shrink(error) {
                    continue;
                }
                if error.is_of_circle()
                    && let Ok(plan) = build(&world, given, Circles::Break)
                {
                    made = Ok(plan);
                }
            }
            let mut plan = made?;
            plan.notes.extend(world.notes());
            return Ok(plan);
        }
    }
}

/// The plan of all tables, and those whose rows may break a unique key.
struct Planned {
    plan: FillPlan,
    doubted: BTreeSet<RelationName>,
}

/// Plans all tables whose links are known.
fn plan(
    world: &World<'_>,
    all: &AllLinks<'_>,
    (given, circles): (&[GivenRows], Circles),
) -> Result<Planned, SynthError> {
    let mut kinship = Kinship::new(world, all);
    let mut surveyed = survey(world, &kinship, all);
    if matches!(surveyed, Err(SynthError::SharedColumn { .. })) {
        kinship = Kinship::new(world, all).modest();
        surveyed = survey(world, &kinship, all);
    }
    let ground = surveyed?;
    let mut builder = Builder {
        world,
        all,
        kinship: &kinship,
        ground: &ground,
        circles,
        built: BTreeMap::new(),
        variants: BTreeMap::new(),
        open: BTreeSet::new(),
        layouts: BTreeMap::new(),
        notes: world.unfollowed(),
    };
    let mut plans = Vec::new();
    // What is made up has no schema.
    let filled = world
        .named()
        .filter(|(table, _)| world.given(&table.name).is_none() && !table.name.schema.is_empty());
    for (table, rows) in filled {
        plans.push(TablePlan {
            name: table.name.clone(),
            rows,
            columns: builder.columns(table)?,
        });
    }
    let mut kept = Vec::new();
    for rows in given {
        let mut columns = Vec::new();
        for column in rows.columns.keys() {
            columns.extend(builder.column(&rows.name, column)?);
        }
        kept.push(rows.table(columns));
        builder.notes.extend(rows.note());
    }
    let doubted = ground.values().filter(|planned| planned.unique.doubted);
    Ok(Planned {
        doubted: doubted.map(|planned| planned.table.name.clone()).collect(),
        plan: FillPlan {
            tables: plans,
            given: kept,
            trusted_keys: trusted_keys(world),
            notes: builder.notes,
        },
    })
}

/// The validated foreign keys of filled tables that the scenario's own values decide.
fn trusted_keys(world: &World<'_>) -> Vec<(RelationName, String)> {
    let filled = world.named().filter(|(_, rows)| *rows > 0);
    let keys = filled.flat_map(|(table, _)| {
        let keys = table.foreign_keys.iter();
        keys.filter(move |key| key.validated && is_overridden(world, table, key))
            .map(|key| (table.name.clone(), key.name.clone()))
    });
    keys.collect()
}

impl<'g> Builder<'g> {
    /// The written columns of a table, none of a table without rows.
    fn columns(&mut self, table: &Table) -> Result<Vec<Arc<ColumnPlan>>, SynthError> {
        let ground = self.ground;
        let Some(planned) = ground.get(&table.name) else {
            return Ok(Vec::new());
        };
        self.notes.extend(planned.cases.notes.iter().cloned());
        self.notes.extend(planned.unique.notes.iter().cloned());
        let mut columns = Vec::new();
        for column in &table.columns {
            columns.extend(self.column(&table.name, &column.name)?);
        }
        for &index in &planned.links.implied {
            if let Some(link) = planned.links.all.get(index) {
                self.check_implied(planned, link)?;
            }
        }
        Ok(columns)
    }

    /// The plan of a column of a table with rows; none where the database makes its values.
    fn column(
        &mut self,
        table: &RelationName,
        name: &str,
    ) -> Result<Option<Arc<ColumnPlan>>, SynthError> {
        let key = (table.clone(), name.to_owned());
        if let Some(plan) = self.built.get(&key) {
            return Ok(plan.clone());
        }
        if !self.open.insert(key.clone()) {
            return Err(SynthError::Circle(format!("{table}.{name}")));
        }
        let made = self.new_column(table, name);
        self.open.remove(&key);
        let (plan, note) = made?;
        self.notes.extend(note);
        let plan = plan.map(Arc::new);
        self.built.insert(key, plan.clone());
        Ok(plan)
    }

    fn new_column(&mut self, table: &RelationName, name: &str) -> Result<Made, SynthError> {
        if let Some(given) = self.world.given(table) {
            return Ok((given.column(name), None));
        }
        let ground = self.ground;
        let found = ground
            .get(table)
            .and_then(|planned| Some((planned, planned.table.column(name)?)));
        let Some((planned, column)) = found.filter(|(_, column)| !column.generated) else {
            return Ok((None, None));
        };
        let layout = self.layout(planned)?;
        let place = Place {
            world: self.world,
            table: planned.table,
            column,
            links: &planned.links,
            kinship: self.kinship,
            unique: &planned.unique,
            layout: layout.as_deref(),
            within: None,
        };
        if let Some(reason) = planned.links.null.get(name) {
            return Ok(place.null(reason));
        }
        if let Some(group) = planned.cases.group(name) {
            return self.cased_column(place, &planned.links, group);
        }
        match planned.links.deciding(name) {
            Some(link) => self.new_linked_column(place, link),
            None => own_column(place),
        }
    }

    /// How a table's rows are spread over its partitions.
    fn layout(&mut self, planned: &Surveyed<'_>) -> Result<Option<Arc<Layout>>, SynthError> {
        let name = &planned.table.name;
        if let Some(known) = self.layouts.get(name) {
            return Ok(known.clone());
        }
        let known = Known {
            world: self.world,
            table: planned.table,
            links: &planned.links,
            unique: &planned.unique,
        };
        let mut parents = |link: &Link, column: &str| self.column(&link.parent, column);
        let layout = Layout::of_table(known, &mut parents)?.map(Arc::new);
        self.layouts.insert(name.clone(), layout.clone());
        Ok(layout)
    }

    fn new_linked_column(&mut self, place: Place<'_>, link: &Link) -> Result<Made, SynthError> {
        let referenced = link.referenced(&place.column.name);
        match self.column(&link.parent, referenced) {
            Ok(Some(parent)) => {
                let note = unfollowed(place, link);
                Ok((Some(linked_column(place, link, parent)?), note))
            }
            Ok(None) => {
                let parent = format!("{}.{referenced}", link.parent);
                Err(place.fail(Problem::UnwrittenParent(parent)))
            }
            Err(SynthError::Circle(_))
                if self.circles == Circles::Break
                    && self.world.is_nullable(place.table, &place.column.name) =>
            {
                Ok(place.null("its foreign keys go round in a circle"))
            }
            Err(error) => Err(error),
        }
    }

    /// A link whose columns others decide must hold because of these.
    fn check_implied(&mut self, planned: &Surveyed<'_>, link: &Link) -> Result<(), SynthError> {
        let Surveyed { table, links, .. } = planned;
        let mut decided = links.of.values().filter_map(|index| links.all.get(*index));
        if decided.any(|other| implies(self.all, other, link)) {
            return Ok(());
        }
        for (column, referenced) in link.columns.iter().zip(&link.parent_columns) {
            let own = self.column(&table.name, column)?;
            let parent = self.column(&link.parent, referenced)?;
            // Columns that each have values of the parent need not have those of one row.
            let holds = link.columns.len() == 1
                && own
                    .zip(parent)
                    .is_some_and(|(own, parent)| is_within(&own, &parent));
            if !holds {
                return Err(SynthError::SharedColumn {
                    table: table.name.to_string(),
                    constraint: link.name.clone(),
                    column: column.clone(),
                });
            }
        }
        Ok(())
    }
}
