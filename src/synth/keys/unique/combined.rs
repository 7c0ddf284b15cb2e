//! Keys whose columns are unique together: each is a digit of the row's number in a mixed radix.

use crate::schema::UniqueKey;
use crate::synth::choice::draw::Digit;
use crate::synth::choice::permutation::Permutation;
use crate::synth::error::SynthError;
use crate::synth::keys::links::Link;

use super::Planner;

/// A part of a unique key that takes one of `radix` values.
struct Unit {
    /// The column, or the first column of the link.
    name: String,
    radix: u64,
    nullable: bool,
    /// Whether it is the row's own number already, modulo `radix`.
    twin: bool,
}

impl Planner<'_> {
    /// A number beside foreign keys counts within them, as line numbers do; else it is the row's.
    pub(super) fn number_within(
        &mut self,
        key: &UniqueKey,
        number: String,
    ) -> Result<(), SynthError> {
        let others: Vec<String> = key
            .columns
            .iter()
            .filter(|column| **column != number)
            .cloned()
            .collect();
        let plain = others.iter().all(|column| {
            self.links.of.contains_key(column)
                && self.world.spec(self.table, column).distribution.is_none()
        });
        let units = if plain && !others.is_empty() {
            self.units(key, &others)?
        } else {
            None
        };
        match units {
            None => {
                self.result.unique.insert(number);
            }
            Some(units) => {
                let block = self.set_digits(key, &units, u64::MAX);
                self.result.digits.insert(
                    number,
                    Digit {
                        radix: None,
                        ..block
                    },
                );
            }
        }
        Ok(())
    }

    /// A key of foreign keys and lists only: each row has its own combination.
    pub(super) fn combine(&mut self, key: &UniqueKey) -> Result<(), SynthError> {
        let Some(units) = self.units(key, &key.columns)? else {
            self.doubt(key);
            return Ok(());
        };
        if let [unit] = units.as_slice() {
            let own = self.links.deciding(&unit.name);
            if own.is_some_and(|link| link.parent == self.table.name && unit.nullable) {
                self.result.chains.insert(unit.name.clone());
                return Ok(());
            }
            if own.is_none() && !(key.partial && unit.radix < self.rows) {
                self.result.unique.insert(unit.name.clone());
                return Ok(());
            }
        }
        let product = product(&units);
        let nullable = units.iter().any(|unit| unit.nullable);
        if product < self.rows && !nullable {
            if key.partial {
                if self.table.partitioning.is_none() && self.switch(key, product)? {
                    self.set_digits(key, &units, u64::MAX);
                    return Ok(());
                }
                self.doubt_partial(key);
                return Ok(());
            }
            return Err(SynthError::TooFewCombinations {
                table: self.table.name.to_string(),
                key: key.name.clone(),
                combinations: product,
                rows: self.rows,
            });
        }
        self.set_digits(key, &units, product);
        Ok(())
    }

    /// The parts of a key, none where one of them is decided already or its values are not counted.
    fn units(&self, key: &UniqueKey, columns: &[String]) -> Result<Option<Vec<Unit>>, SynthError> {
        let mut units: Vec<Unit> = Vec::new();
        for name in columns {
            let nullable = !key.nulls_not_distinct && self.world.is_nullable(self.table, name);
            let (name, radix) = match self.links.deciding(name) {
                Some(link) if self.is_whole(link, columns) => {
                    let index = self.links.of.get(name);
                    let leading = index.and_then(|index| self.links.leading(*index));
                    (leading.unwrap_or(name).clone(), self.links.room(name))
                }
                Some(link) => match self.different_rows(link, columns) {
                    Some(rows) => (link.columns.first().unwrap_or(name).clone(), rows),
                    None => return Ok(None),
                },
                None => {
                    let Some(column) = self.table.column(name) else {
                        return Ok(None);
                    };
                    (name.clone(), (self.capacity)(column)?)
                }
            };
            let twin = self.links.deciding(&name).and_then(|link| link.twin);
            let nullable = twin.map_or(nullable, |twin| twin.limit <= twin.rows);
            let known = units.iter_mut().find(|unit| unit.twin && twin.is_some());
            if let Some(unit) = known {
                // Rows that are the same modulo one number are so modulo its divisors alone.
                if unit.radix != radix {
                    return Ok(None);
                }
                unit.nullable |= nullable;
                continue;
            }
            if self.result.is_decided(&name) {
                return Ok(None);
            }
            match units.iter_mut().find(|unit| unit.name == name) {
                Some(unit) => unit.nullable |= nullable,
                None => units.push(Unit {
                    name,
                    radix,
                    nullable,
                    twin: twin.is_some(),
                }),
            }
        }
        // What is the row's number modulo something comes before the digits of the rest.
        units.sort_by_key(|unit| !unit.twin);
        Ok(Some(units))
    }

    /// How many rows of a link's parent differ in these columns, of a link that decides all of its own
    /// columns and may choose any row.
    fn different_rows(&self, link: &Link, columns: &[String]) -> Option<u64> {
        let index = self.links.of.get(link.columns.first()?)?;
        let mut own = link.columns.iter();
        let decides = own.all(|column| self.links.of.get(column) == Some(index));
        let is_free = !self.links.relations.contains_key(index)
            && !self.links.rivals.contains_key(index)
            && link.parent != self.table.name;
        if !decides || !is_free {
            return None;
        }
        let within = link.columns.iter().filter(|name| columns.contains(name));
        (self.different)(link, &within.cloned().collect::<Vec<_>>())
    }

    /// Whether the link's columns among these tell the parent's rows apart.
    pub(super) fn is_whole(&self, link: &Link, columns: &[String]) -> bool {
        let within: Vec<&String> = link
            .columns
            .iter()
            .zip(&link.parent_columns)
            .filter(|(column, _)| columns.contains(column))
            .map(|(_, referenced)| referenced)
            .collect();
        let parent = self
            .world
            .schema
            .tables
            .iter()
            .find(|table| table.name == link.parent);
        parent.is_some_and(|parent| {
            parent.unique_keys.iter().any(|key| {
                let plain = !key.partial && key.expressions.is_empty();
                plain && key.columns.iter().all(|column| within.contains(&column))
            })
        })
    }

    /// Makes units digits of the row's number, and returns one for the number of their block.
    fn set_digits(&mut self, key: &UniqueKey, units: &[Unit], limit: u64) -> Digit {
        let product = product(units);
        let block = Digit {
            shuffle: match units.iter().any(|unit| unit.twin) {
                true => Permutation::identity(product),
                false => Permutation::new(self.world.key(self.table, &key.name), product),
            },
            block: product,
            divisor: 1,
            radix: None,
            limit,
        };
        let mut divisor = 1u64;
        for unit in units {
            let digit = Digit {
                divisor,
                radix: Some(unit.radix),
                // One NULL is enough for a key to hold.
                limit: if unit.nullable { limit } else { u64::MAX },
                ..block.clone()
            };
            divisor = divisor.saturating_mul(unit.radix);
            if self
                .world
                .spec(self.table, &unit.name)
                .distribution
                .is_some()
            {
                self.result.notes.push(format!(
                    "{}.{}: its distribution is not used, for unique key {} decides its values",
                    self.table.name, unit.name, key.name
                ));
            }
            if !unit.twin {
                self.result.digits.insert(unit.name.clone(), digit);
            }
        }
        block
    }
}

fn product(units: &[Unit]) -> u64 {
    units
        .iter()
        .fold(1, |product: u64, unit| product.saturating_mul(unit.radix))
}
