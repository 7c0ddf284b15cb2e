//! A plan with a share of its rows, as a forecast measures it.

use std::collections::BTreeSet;

use super::Plan;
use super::plan::{TablePlan, scaled};
use crate::schema::{RelationName, Schema, Table};
use crate::synth::EVERY_TABLE;
use crate::units::Rows;

impl Plan {
    /// The same plan with so many times the rows in the shadow; production's stay. Tables that larger ones refer to have
    /// production's rows throughout, as far as that is no more than the shadow's largest table has: what a row costs to
    /// be looked up depends on whether the processor's cache holds all that it may be.
    pub fn at_share(&self, share: f64, schema: &Schema) -> Self {
        let whole = self.looked_up(schema);
        let mut plan = self.clone();
        for (name, table) in &mut plan.tables {
            let is_whole = schema
                .table(name)
                .is_some_and(|table| whole.contains(&table.name));
            table.fill.rows = match is_whole {
                true => table.production_rows.0.max(table.fill.rows.min(1)),
                false => scaled(Rows(table.fill.rows), share),
            };
        }
        plan
    }

    /// The tables that are referred to by one that is larger in production, and refer to none that is scaled: all their
    /// keys find a row, however few rows the others have.
    fn looked_up<'s>(&self, schema: &'s Schema) -> BTreeSet<&'s RelationName> {
        let planned = self.tables.iter();
        let planned: Vec<(&'s Table, &TablePlan)> = planned
            .filter_map(|(name, plan)| Some((schema.table(name)?, plan)))
            .collect();
        let most = planned.iter().map(|(_, plan)| plan.fill.rows).max();
        let references: Vec<Vec<&'s RelationName>> = planned
            .iter()
            .map(|(table, plan)| references(table, plan, schema))
            .collect();
        let by_larger = |name: &RelationName, rows: Rows| {
            let mut referring = planned.iter().zip(&references);
            referring.any(|((_, plan), to)| plan.production_rows > rows && to.contains(&name))
        };
        // What no one asks to be filled is as the schema's files have left it.
        let is_filled = |name: &RelationName| {
            self.tables.contains_key(EVERY_TABLE)
                || planned.iter().any(|(table, _)| table.name == *name)
        };
        let mut found = BTreeSet::new();
        loop {
            let before = found.len();
            for ((table, plan), to) in planned.iter().zip(&references) {
                let bearable = Some(plan.production_rows.0) <= most;
                let stays = |other: &&RelationName| found.contains(other) || !is_filled(other);
                let whole = to.iter().all(stays);
                if bearable && whole && by_larger(&table.name, plan.production_rows) {
                    found.insert(&table.name);
                }
            }
            if found.len() == before {
                return found;
            }
        }
    }
}

/// The other tables that a table's foreign keys refer to, those that only the scenario knows of included.
fn references<'s>(table: &'s Table, plan: &TablePlan, schema: &'s Schema) -> Vec<&'s RelationName> {
    let keys = table.foreign_keys.iter().map(|key| &key.references);
    let told = plan.fill.columns.values().filter_map(|column| {
        let (name, _) = column.references.as_deref()?.rsplit_once('.')?;
        Some(&schema.table(name)?.name)
    });
    let all = keys.chain(told);
    all.filter(|name| **name != table.name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::ForeignKey;
    use crate::synth::{ColumnSpec, TableSpec};

    fn name(name: &str) -> RelationName {
        RelationName {
            schema: "public".to_owned(),
            name: name.to_owned(),
        }
    }

    fn table(own: &str, to: &[&str]) -> Table {
        let key = |to: &&str| ForeignKey {
            name: format!("{own}_{to}_fkey"),
            columns: vec![format!("{to}_id")],
            references: name(to),
            referenced_columns: vec!["id".to_owned()],
            validated: true,
        };
        Table {
            oid: 0,
            name: name(own),
            columns: Vec::new(),
            unique_keys: Vec::new(),
            foreign_keys: to.iter().map(key).collect(),
            checks: Vec::new(),
            exclusions: Vec::new(),
            partitioning: None,
        }
    }

    /// Tables with their rows in the shadow and in production, and those that they refer to.
    fn rows_at_a_quarter(tables: &[(&str, u64, u64, &[&str])]) -> Vec<u64> {
        let schema = Schema {
            tables: tables.iter().map(|(own, .., to)| table(own, to)).collect(),
            others: Vec::new(),
        };
        let mut plan = Plan::default();
        for (own, rows, production, _) in tables {
            let fill = TableSpec {
                rows: *rows,
                ..TableSpec::default()
            };
            let table = TablePlan {
                production_rows: Rows(*production),
                fill,
            };
            plan.tables.insert((*own).to_owned(), table);
        }
        // What only the scenario knows of counts as well.
        let drafts = plan.tables.get_mut("drafts");
        if let Some(drafts) = drafts {
            let column = ColumnSpec {
                references: Some("authors.id".to_owned()),
                ..ColumnSpec::default()
            };
            drafts.fill.columns.insert("author".to_owned(), column);
        }
        let plan = plan.at_share(0.25, &schema);
        let rows = |(own, ..): &(&str, u64, u64, &[&str])| plan.tables[*own].fill.rows;
        tables.iter().map(rows).collect()
    }

    #[test]
    fn what_larger_tables_refer_to_is_all_there() {
        let rows = rows_at_a_quarter(&[
            ("countries", 100, 200, &[]),
            ("customers", 40_000, 400_000, &["countries"]),
            ("orders", 400_000, 4_000_000, &["customers", "orders"]),
        ]);
        assert_eq!(rows, [200, 400_000, 100_000]);
        assert_eq!(
            rows_at_a_quarter(&[("authors", 8, 80, &[]), ("drafts", 800, 8_000, &[])]),
            [80, 200]
        );
    }

    #[test]
    fn what_the_schemas_files_have_filled_stays_as_it_is() {
        let tables: &[(&str, u64, u64, &[&str])] = &[
            ("customers", 4_000, 40_000, &["countries"]),
            ("orders", 400_000, 4_000_000, &["customers"]),
        ];
        assert_eq!(rows_at_a_quarter(tables), [40_000, 100_000]);
    }

    #[test]
    fn others_are_scaled_alike() {
        // The products are more than the shadow can hold, the reviews are not referred to, and the returns refer to
        // orders of which only some are there.
        let rows = rows_at_a_quarter(&[
            ("products", 4_000, 9_000_000, &[]),
            ("orders", 400_000, 40_000_000, &["products", "returns"]),
            ("reviews", 400, 800, &["orders"]),
            ("returns", 400, 800, &["orders"]),
        ]);
        assert_eq!(rows, [1_000, 100_000, 100, 100]);
    }
}
