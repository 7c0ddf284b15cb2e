//! INSERTs that leave a column without the value that it must have. They prepare, and fail when they are
//! sent: `ALTER TABLE … ADD COLUMN … NOT NULL` without a default breaks every INSERT of the running release.

use std::collections::BTreeMap;

use tokio_postgres::Config;

use super::TrafficError;
use super::mix::Mix;
use crate::postgres::connect::connect;
use crate::postgres::required::{RequiredColumn, required_columns};
use crate::sql::{Insertion, TableUse};

/// By the place of a command in its mix, the columns that it leaves without a value.
pub(super) type Unfilled = BTreeMap<(usize, usize), Vec<RequiredColumn>>;

/// Finds them on the schema as it is now.
///
/// # Errors
/// The server cannot be reached.
pub(super) async fn unfilled(
    mix: &Mix,
    config: &Config,
    application: &str,
) -> Result<Unfilled, TrafficError> {
    let session = connect(config, application).await?;
    let mut required: BTreeMap<TableUse, Vec<RequiredColumn>> = BTreeMap::new();
    let mut found = Unfilled::new();
    for command in mix.commands() {
        for insertion in Insertion::read(&command.sql.text) {
            let table = &insertion.table;
            if !required.contains_key(table) {
                let name = (table.schema.as_deref(), table.name.as_str());
                let columns = required_columns(&session.client, name).await?;
                required.insert(table.clone(), columns);
            }
            let columns = required.get(table).into_iter().flatten();
            let left = columns.filter(|column| !insertion.gives(&column.name, column.place));
            let left: Vec<RequiredColumn> = left.cloned().collect();
            if !left.is_empty() {
                found.entry(command.place).or_default().extend(left);
            }
        }
    }
    Ok(found)
}

/// The first column that a command leaves without a value on one schema and not on the `other`, where that is
/// given: what the running release leaves so on both is filled by something that is not seen here.
pub(super) fn first_unfilled<'a>(
    one: &'a Unfilled,
    other: Option<&Unfilled>,
    place: (usize, usize),
) -> Option<&'a RequiredColumn> {
    let same = |column: &RequiredColumn| {
        let others = other.and_then(|other| other.get(&place));
        others
            .into_iter()
            .flatten()
            .any(|known| (&known.relation, &known.name) == (&column.relation, &column.name))
    };
    one.get(&place)?.iter().find(|column| !same(column))
}
