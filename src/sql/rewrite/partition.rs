//! Partitions: a CHECK that proves what a partition holds is validated first, so that attaching it
//! reads no rows under a strong lock.

use squawk_syntax::ast::{self, PartitionType};
use squawk_syntax::quote::quote_ident;

use crate::schema::{PartitionBound, PartitionStrategy, RelationName};

use super::super::words::flat;
use super::constraint::in_two_steps;
use super::ground::Known;
use super::step::{Step, Turned};
use super::target::Target;

const ATTACH: &str = "attaching-partition";

pub(super) fn attach(
    target: &Target<'_>,
    attach: &ast::AttachPartition,
    known: &mut Known<'_>,
) -> Turned {
    let Some((child, bound)) = attach.table_name_ref().zip(attach.partition_type()) else {
        return Turned::Kept;
    };
    let child = Target::named(&flat(&child), known);
    if known.is_new(&child.written) || known.is_checked(&child.name) {
        return Turned::Kept;
    }
    let key = match key_column(target, known) {
        Ok(key) => key,
        Err(why) => return Turned::Stuck(why),
    };
    let condition = match condition(&key, &bound) {
        Ok(condition) => condition,
        Err(why) => return Turned::stuck(why),
    };
    let mut steps = Vec::new();
    let columns: [String; 0] = [];
    let name = known
        .names
        .constraint(child.place(), &columns, "partition_check");
    let body = format!("CHECK ({condition})");
    steps.extend(in_two_steps(&child, ATTACH, (&name, &body)));
    let mut helpers = vec![(child.clone(), name)];
    if let Some(default) = default_partition(target) {
        let written = quoted(&default);
        let default = Target::named(&written, known);
        let name = known.names.constraint(
            (&default.schema, &default.name),
            &columns,
            "partition_check",
        );
        let body = format!("CHECK (NOT ({condition}))");
        steps.extend(in_two_steps(&default, ATTACH, (&name, &body)));
        helpers.push((default, name));
    }
    steps.push(Step::brief(
        ATTACH,
        target.does(&flat(attach)),
        "the CHECK proves that the rows fit: none is read",
    ));
    for (table, name) in helpers {
        let drop = table.does(&format!("DROP CONSTRAINT {}", quote_ident(&name)));
        steps.push(Step::brief(ATTACH, drop, "the bounds say it now"));
    }
    Turned::Steps(steps)
}

fn quoted(name: &RelationName) -> String {
    format!("{}.{}", quote_ident(&name.schema), quote_ident(&name.name))
}

/// The one column of a table's partition key.
fn key_column(target: &Target<'_>, known: &Known<'_>) -> Result<String, String> {
    if !known.has_schema() {
        return Ok("…".to_owned());
    }
    let Some(partitioning) = target.table.and_then(|table| table.partitioning.as_ref()) else {
        return Err(format!(
            "{} is no partitioned table of the schema as it was before",
            target.name
        ));
    };
    match (partitioning.strategy, partitioning.key.as_slice()) {
        (PartitionStrategy::Hash, _) => {
            Err("no CHECK can prove the rows of a hash partition".to_owned())
        }
        (_, [Some(column)]) => Ok(quote_ident(column)),
        _ => Err(
            "the partition key is not one plain column: write the CHECK that \
             pg_get_partition_constraintdef shows of a partition that is attached already"
                .to_owned(),
        ),
    }
}

fn condition(key: &str, bound: &PartitionType) -> Result<String, &'static str> {
    match bound {
        PartitionType::PartitionForValuesFrom(range) => {
            let side = |text: Option<String>| text.unwrap_or_default();
            let from = inner(&side(range.from().map(|values| flat(&values))));
            let to = inner(&side(range.to().map(|values| flat(&values))));
            let mut all = vec![format!("{key} IS NOT NULL")];
            if !from.eq_ignore_ascii_case("minvalue") {
                all.push(format!("{key} >= {from}"));
            }
            if !to.eq_ignore_ascii_case("maxvalue") {
                all.push(format!("{key} < {to}"));
            }
            Ok(all.join(" AND "))
        }
        PartitionType::PartitionForValuesIn(list) => {
            let values: Vec<String> = list.exprs().map(|value| flat(&value)).collect();
            match values
                .iter()
                .any(|value| value.eq_ignore_ascii_case("null"))
            {
                true => Err("a list with NULL in it: write the CHECK by hand"),
                false => Ok(format!(
                    "{key} IS NOT NULL AND {key} IN ({})",
                    values.join(", ")
                )),
            }
        }
        PartitionType::PartitionForValuesWith(_) => {
            Err("no CHECK can prove the rows of a hash partition")
        }
        PartitionType::PartitionDefault(_) => Err(
            "a default partition takes what no other does: write a CHECK that excludes the bounds of all others",
        ),
    }
}

/// What is between the parentheses.
fn inner(text: &str) -> String {
    let text = text.trim();
    let text = text.strip_prefix('(').unwrap_or(text);
    text.strip_suffix(')').unwrap_or(text).trim().to_owned()
}

fn default_partition(target: &Target<'_>) -> Option<RelationName> {
    let partitioning = target.table?.partitioning.as_ref()?;
    let default = partitioning
        .partitions
        .iter()
        .find(|partition| partition.bound == PartitionBound::Default)?;
    Some(default.name.clone())
}

pub(super) fn detach(
    target: &Target<'_>,
    detach: &ast::DetachPartition,
    known: &Known<'_>,
) -> Turned {
    if detach.detach_partition_option().is_some() {
        return Turned::Kept;
    }
    if known.major() < 14 {
        return Turned::Stuck(format!(
            "PostgreSQL {} has no DETACH PARTITION CONCURRENTLY (from 14 on): detach it with a short lock_timeout",
            known.major()
        ));
    }
    if default_partition(target).is_some() {
        return Turned::stuck(
            "a partition cannot be detached CONCURRENTLY where there is a default one: use a short lock_timeout",
        );
    }
    let sql = format!("{} CONCURRENTLY", target.does(&flat(detach)));
    Turned::Steps(vec![Step::long(
        "require-concurrent-partition-detach",
        sql,
        "waits for those who use the partition, and nobody waits for it (from PostgreSQL 14 on); leaves a CHECK of its \
         bounds on it",
    )])
}
