//! The table that an `ALTER TABLE` changes.

use squawk_syntax::ast;

use crate::schema::Table;

use super::super::words::{flat, own_name, parts};
use super::ground::Known;

/// The table that an `ALTER TABLE` changes.
#[derive(Debug, Clone)]
pub(super) struct Target<'a> {
    /// `ALTER TABLE IF EXISTS ONLY app.t`.
    pub(super) alter: String,
    /// `app.t`, as it is written.
    pub(super) written: String,
    /// Its own name, as the catalog has it.
    pub(super) name: String,
    /// Its schema, as the catalog has it.
    pub(super) schema: String,
    /// What is known of it.
    pub(super) table: Option<&'a Table>,
}

impl<'a> Target<'a> {
    pub(super) fn of(alter: &ast::AlterTable, known: &Known<'a>) -> Option<Self> {
        let relation = alter.table_relation_name()?;
        let written = flat(&relation.table_name_ref()?);
        let if_exists = match alter.if_exists() {
            Some(_) => "IF EXISTS ",
            None => "",
        };
        let relation = flat(&relation);
        Some(Self {
            alter: format!("ALTER TABLE {if_exists}{relation}"),
            ..Self::named(&written, known)
        })
    }

    /// A table by its name as it is written.
    pub(super) fn named(written: &str, known: &Known<'a>) -> Self {
        let table = known.table(written);
        let names = parts(written);
        let schema = match (table, names.as_slice()) {
            (Some(table), _) => table.name.schema.clone(),
            (None, [schema, _]) => schema.clone(),
            (None, _) => "public".to_owned(),
        };
        Self {
            alter: format!("ALTER TABLE {written}"),
            written: written.to_owned(),
            name: own_name(written),
            schema,
            table,
        }
    }

    pub(super) fn place(&self) -> (&str, &str) {
        (&self.schema, &self.name)
    }

    pub(super) fn is_partitioned(&self) -> bool {
        self.table.is_some_and(|table| table.partitioning.is_some())
    }

    /// The columns of its primary key, as the catalog has them.
    pub(super) fn primary_key(&self) -> Option<&'a [String]> {
        let keys = &self.table?.unique_keys;
        let primary = keys.iter().find(|key| key.primary)?;
        Some(&primary.columns)
    }

    /// Another table of the same scope would have: `ALTER TABLE …` of it.
    pub(super) fn does(&self, action: &str) -> String {
        format!("{} {action}", self.alter)
    }
}
