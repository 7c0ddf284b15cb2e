//! From a schema and a scenario to the plan of every column.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::schema::{Column, RelationName, Table};

use super::TableSpec;
use super::column::{ColumnPlan, Event, Source};
use super::distribution::Distribution;
use super::draw::{Chosen, Draw};
use super::error::{Problem, SynthError};
use super::form::{Ask, Form, form};
use super::limits::Limits;
use super::links::{Link, Links};
use super::plan::{FillPlan, TablePlan};
use super::random;
use super::shape::Shape;
use super::unique::Uniqueness;
use super::world::World;
use crate::schema::Schema;

/// The share of nulls in nullable columns of which nothing else is known.
const USUAL_NULLS: f64 = 0.1;

/// Plans columns, each after those that it references.
pub(crate) struct Builder<'a> {
    world: World<'a>,
    tables: BTreeMap<&'a RelationName, Planned<'a>>,
    built: BTreeMap<(RelationName, String), Option<Arc<ColumnPlan>>>,
    /// Columns whose parents are being planned.
    open: BTreeSet<(RelationName, String)>,
    notes: Vec<String>,
}

/// What is known of a table before its columns are planned.
struct Planned<'a> {
    table: &'a Table,
    rows: u64,
    links: Links,
    unique: Uniqueness,
}

/// A column being planned.
#[derive(Clone, Copy)]
struct Place<'p, 'a> {
    planned: &'p Planned<'a>,
    column: &'a Column,
}

impl<'a> Builder<'a> {
    pub(crate) fn new(
        schema: &'a Schema,
        tables: &'a BTreeMap<String, TableSpec>,
        seed: u64,
    ) -> Result<Self, SynthError> {
        Ok(Self {
            world: World::new(schema, tables, seed)?,
            tables: BTreeMap::new(),
            built: BTreeMap::new(),
            open: BTreeSet::new(),
            notes: Vec::new(),
        })
    }

    pub(crate) fn build(mut self) -> Result<FillPlan, SynthError> {
        let named: Vec<(&Table, u64)> = self.world.named().collect();
        for &(table, rows) in named.iter().filter(|(_, rows)| *rows > 0) {
            let planned = self.plan_table(table, rows)?;
            self.tables.insert(&table.name, planned);
        }
        let mut tables = Vec::new();
        for (table, rows) in named {
            let mut columns = Vec::new();
            if rows > 0 {
                for column in &table.columns {
                    columns.extend(self.column(&table.name, &column.name)?);
                }
                self.check_implied(table)?;
            }
            tables.push(TablePlan {
                name: table.name.clone(),
                rows,
                columns,
            });
        }
        Ok(FillPlan {
            tables,
            notes: self.notes,
        })
    }

    fn plan_table(&mut self, table: &'a Table, rows: u64) -> Result<Planned<'a>, SynthError> {
        for column in &table.columns {
            self.check_spec(table, column)
                .map_err(|problem| self.world.fail(table, column, problem))?;
        }
        self.note_unknown_checks(table);
        let mut links = Links::of_table(&self.world, table)?;
        let world = &self.world;
        let capacity = |table: &Table, column: &Column| {
            let (limits, kind) = Limits::of(table, &column.name, &column.data_type.kind);
            form(kind, &ask(world, table, column, &limits))
                .map(|form| form.capacity)
                .map_err(|problem| world.fail(table, column, problem))
        };
        let mut unique = Uniqueness::of_table(world, table, &links, &capacity)?;
        self.notes.append(&mut links.notes);
        self.notes.append(&mut unique.notes);
        Ok(Planned {
            table,
            rows,
            links,
            unique,
        })
    }

    fn note_unknown_checks(&mut self, table: &Table) {
        for check in &table.checks {
            let bounds = crate::sql::understand_check(&check.expression);
            let unknown =
                |bound: &crate::sql::Bound| matches!(bound.rule, crate::sql::BoundRule::Unknown(_));
            if bounds.is_empty() || bounds.iter().any(unknown) {
                self.notes.push(format!(
                    "{}: CHECK {} is not understood; rows may break it",
                    table.name, check.name
                ));
            }
        }
    }

    /// What is wrong with the overrides of a column, whatever its type.
    fn check_spec(&self, table: &Table, column: &Column) -> Result<(), Problem> {
        let spec = self.world.spec(table, &column.name);
        if column.generated && *spec != super::ColumnSpec::default() {
            return Err(Problem::Generated);
        }
        for (key, fraction) in [
            ("null_fraction", spec.null_fraction),
            ("orphan_fraction", spec.orphan_fraction),
        ] {
            if let Some(value) = fraction.filter(|value| !(0.0..=1.0).contains(value)) {
                return Err(Problem::Fraction { key, value });
            }
        }
        if spec.null_fraction.is_some_and(|share| share > 0.0)
            && !self.world.is_nullable(table, &column.name)
        {
            return Err(Problem::NotNull);
        }
        if spec.distinct == Some(0) {
            return Err(Problem::Empty("distinct"));
        }
        if let Some(text) = &spec.distribution {
            text.parse::<Distribution>()?;
        }
        Ok(())
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
        let result = self.new_column(table, name);
        self.open.remove(&key);
        let plan = result?.map(Arc::new);
        self.built.insert(key, plan.clone());
        Ok(plan)
    }

    fn new_column(
        &mut self,
        table: &RelationName,
        name: &str,
    ) -> Result<Option<ColumnPlan>, SynthError> {
        // Taken out while its columns are planned, which may ask for those of other tables, and of
        // this one through a self-reference; hence only a moment.
        let Some(planned) = self.tables.get(table) else {
            return Ok(None);
        };
        let Some(column) = planned.table.column(name) else {
            return Ok(None);
        };
        if column.generated {
            return Ok(None);
        }
        if planned.links.null.iter().any(|null| null == name) {
            let place = Place { planned, column };
            return Ok(Some(self.null_column(place)));
        }
        let Some(link) = planned.links.deciding(name).cloned() else {
            let place = Place { planned, column };
            let (plan, note) = self.own_column(place)?;
            self.notes.extend(note);
            return Ok(plan);
        };
        let parent_column = link
            .columns
            .iter()
            .zip(&link.parent_columns)
            .find(|(column, _)| *column == name)
            .map_or("", |(_, referenced)| referenced.as_str());
        let parent = self.column(&link.parent, parent_column);
        let Some(planned) = self.tables.get(table) else {
            return Ok(None);
        };
        let place = Place { planned, column };
        match parent {
            Ok(Some(parent)) => self.linked_column(place, &link, parent).map(Some),
            Ok(None) => Err(self.fail(
                place,
                Problem::References(Box::new(SynthError::NoColumn {
                    table: link.parent.to_string(),
                    column: parent_column.to_owned(),
                    near: None,
                })),
            )),
            Err(SynthError::Circle(_)) if self.world.is_nullable(planned.table, name) => {
                let plan = self.null_column(place);
                self.notes.push(format!(
                    "{table}.{name} is NULL in every row: its foreign keys go round in a circle"
                ));
                Ok(Some(plan))
            }
            Err(error) => Err(error),
        }
    }

    fn fail(&self, place: Place<'_, 'a>, problem: Problem) -> SynthError {
        self.world.fail(place.planned.table, place.column, problem)
    }

    fn null_column(&self, place: Place<'_, 'a>) -> ColumnPlan {
        ColumnPlan {
            name: place.column.name.clone(),
            rows: place.planned.rows,
            nulls: Event::default(),
            orphans: Event::default(),
            draw: Draw::Nothing,
            source: Source::Shape {
                shape: Shape::Choice(Vec::new()),
                capacity: 0,
            },
        }
    }

    /// A column with values of its own, and what to say of it.
    fn own_column(
        &self,
        place: Place<'_, 'a>,
    ) -> Result<(Option<ColumnPlan>, Option<String>), SynthError> {
        let Place { planned, column } = place;
        let (table, name) = (planned.table, &column.name);
        let spec = self.world.spec(table, name);
        if spec.orphan_fraction.is_some() {
            return Err(self.fail(place, Problem::OrphansOfNothing));
        }
        let (limits, kind) = Limits::of(table, name, &column.data_type.kind);
        let mut ask = ask(&self.world, table, column, &limits);
        let unique = planned.unique.unique.contains(name);
        let digit = planned.unique.digits.get(name);
        if unique && (spec.distinct.is_some() || spec.distribution.is_some()) {
            return Err(self.fail(place, Problem::Unique));
        }
        ask.different = match digit {
            _ if unique => Some(planned.rows),
            Some(digit) => Some(Draw::Digit(digit.clone()).domain(planned.rows)),
            None => spec.distinct,
        };
        let made = match form(kind, &ask) {
            Err(Problem::Unsupported) if column.default.is_some() => {
                let note = format!("{}.{name} has its default in every row", table.name);
                return Ok((None, Some(note)));
            }
            Err(Problem::Unsupported) if self.world.is_nullable(table, name) => {
                let note = format!(
                    "{}.{name} is NULL in every row: values of type {} are not generated",
                    table.name, column.data_type.name
                );
                return Ok((Some(self.null_column(place)), Some(note)));
            }
            made => made.map_err(|problem| self.fail(place, problem))?,
        };
        let draw = match digit {
            Some(digit) => Draw::Digit(digit.clone()),
            None => own_draw(&made, &ask, unique).map_err(|problem| self.fail(place, problem))?,
        };
        let plan = ColumnPlan {
            name: name.clone(),
            rows: planned.rows,
            nulls: self.nulls(place, &limits),
            orphans: Event::default(),
            draw,
            source: Source::Shape {
                capacity: made.capacity,
                shape: made.shape,
            },
        };
        Ok((Some(plan), None))
    }

    /// A column whose values are a parent's.
    fn linked_column(
        &self,
        place: Place<'_, 'a>,
        link: &Link,
        parent: Arc<ColumnPlan>,
    ) -> Result<ColumnPlan, SynthError> {
        let Place { planned, column } = place;
        let spec = self.world.spec(planned.table, &column.name);
        let orphans = spec.orphan_fraction.unwrap_or(0.0);
        let fail = |problem| self.fail(place, problem);
        if orphans > 0.0 && !link.allows_orphans {
            return Err(fail(Problem::NoOrphans(link.name.clone())));
        }
        if orphans > 0.0 && parent.root().room() == 0 {
            return Err(fail(Problem::NoRoomForOrphans));
        }
        for (key, given) in [
            ("width", spec.width.is_some()),
            ("weights", spec.weights.is_some()),
        ] {
            if given {
                return Err(fail(Problem::WrongOverride(key)));
            }
        }
        Ok(ColumnPlan {
            name: column.name.clone(),
            rows: planned.rows,
            nulls: self.link_nulls(place, link),
            orphans: Event::new(
                self.world
                    .key(planned.table, &format!("{} orphans", link.name)),
                orphans,
            ),
            draw: self.link_draw(place, link).map_err(fail)?,
            source: Source::Column(parent),
        })
    }

    /// Which row of the parent a row has: the same for all columns of a link.
    fn link_draw(&self, place: Place<'_, 'a>, link: &Link) -> Result<Draw, Problem> {
        let planned = place.planned;
        let first = link.columns.first().unwrap_or(&place.column.name);
        let key = self.world.key(planned.table, &link.name);
        let specs = link
            .columns
            .iter()
            .map(|column| self.world.spec(planned.table, column));
        let given = specs.clone().find_map(|spec| spec.distribution.as_deref());
        let distribution = match given {
            Some(text) => text.parse::<Distribution>()?.of_shares()?,
            None => Distribution::Uniform,
        };
        let first_is_null = self.world.is_nullable(planned.table, &place.column.name);
        if planned.unique.chains.contains(first) {
            return Ok(Draw::Earlier {
                key,
                distribution: Distribution::Sequence,
                first_is_null,
            });
        }
        if let Some(digit) = planned.unique.digits.get(first) {
            return Ok(Draw::Digit(digit.clone()));
        }
        if link.parent == planned.table.name {
            return Ok(Draw::Earlier {
                key,
                distribution,
                first_is_null,
            });
        }
        let distinct = specs.filter_map(|spec| spec.distinct).min();
        let rows = distinct.map_or(link.parent_rows, |most| most.min(link.parent_rows));
        Ok(Draw::Chosen(Chosen::among_rows(key, distribution, rows)))
    }

    fn nulls(&self, place: Place<'_, 'a>, limits: &Limits) -> Event {
        let Place { planned, column } = place;
        let spec = self.world.spec(planned.table, &column.name);
        let in_key = |key: &crate::schema::UniqueKey| key.columns.contains(&column.name);
        let known = column.not_null
            || limits.not_null
            || column.default.is_some()
            || column.sequence
            || *spec != super::ColumnSpec::default()
            || planned.table.unique_keys.iter().any(in_key);
        let usual = if known { 0.0 } else { USUAL_NULLS };
        Event::new(
            self.world
                .key(planned.table, &format!("{} nulls", column.name)),
            spec.null_fraction.unwrap_or(usual),
        )
    }

    /// A link's columns are NULL together, as MATCH FULL wants it.
    fn link_nulls(&self, place: Place<'_, 'a>, link: &Link) -> Event {
        let table = place.planned.table;
        let share = link
            .columns
            .iter()
            .filter_map(|column| self.world.spec(table, column).null_fraction)
            .fold(0.0, f64::max);
        let nullable = self.world.is_nullable(table, &place.column.name);
        Event::new(
            self.world.key(table, &format!("{} nulls", link.name)),
            if nullable { share } else { 0.0 },
        )
    }

    /// Links whose columns others decide must hold because of these.
    fn check_implied(&mut self, table: &'a Table) -> Result<(), SynthError> {
        let Some(planned) = self.tables.get(&table.name) else {
            return Ok(());
        };
        let links: Vec<Link> = planned
            .links
            .implied
            .iter()
            .filter_map(|&index| planned.links.all.get(index).cloned())
            .collect();
        for link in links {
            for (column, referenced) in link.columns.iter().zip(&link.parent_columns) {
                let own = self.column(&table.name, column)?;
                let parent = self.column(&link.parent, referenced)?;
                let holds = matches!((own, parent), (Some(own), Some(parent))
                    if own.comes_from(&parent) || counts_within(own.root(), &parent));
                if !holds {
                    return Err(SynthError::SharedColumn {
                        table: table.name.to_string(),
                        constraint: link.name,
                        column: column.clone(),
                    });
                }
            }
        }
        Ok(())
    }
}

/// Whether all values of one column are among another's because both count from the same number.
fn counts_within(column: &ColumnPlan, other: &ColumnPlan) -> bool {
    let numbers = |column: &ColumnPlan| match (&column.draw, &column.source) {
        (
            Draw::Row,
            Source::Shape {
                shape: Shape::Numbers(numbers),
                ..
            },
        ) => Some(numbers.clone()),
        _ => None,
    };
    let series = numbers(column);
    series.is_some() && series == numbers(other) && column.rows <= other.rows
}

fn ask<'s>(world: &World<'s>, table: &Table, column: &'s Column, limits: &'s Limits) -> Ask<'s> {
    Ask {
        name: &column.name,
        key: world.key(table, &column.name),
        rows: world.rows(&table.name),
        different: None,
        spec: world.spec(table, &column.name),
        limits,
        default: column.default.as_deref(),
    }
}

fn own_draw(form: &Form, ask: &Ask<'_>, unique: bool) -> Result<Draw, Problem> {
    if unique {
        return Ok(match &form.draw {
            rising @ Draw::Rising { .. } => rising.clone(),
            _ => Draw::Row,
        });
    }
    if let Some(distinct) = ask.spec.distinct {
        let distribution = ask.distribution()?.of_shares()?;
        let key = random::key(ask.key, "distinct");
        return Ok(Draw::Chosen(Chosen::among_rows(
            key,
            distribution,
            distinct,
        )));
    }
    if ask.spec.distribution.is_some() && !matches!(form.draw, Draw::Chosen(_)) {
        return Err(Problem::NothingToDistribute);
    }
    Ok(form.draw.clone())
}
