//! Reads the catalog's inventory: all objects of users, as PostgreSQL itself writes them.
//!
//! Each query gives rows of the same shape: the object's kind and name, the relation that it belongs to and
//! its place there, and one facet of it. What only newer servers have is read by `to_jsonb`, which gives
//! NULL for a column that a catalog has not.

mod dependents;
mod objects;
mod relations;

use tokio_postgres::{Client, Error, Row};

use crate::schema::inventory::{Facet, Inventory, ObjectId, ObjectKind};

/// In one snapshot and with every name qualified, whatever the database's settings are. A lock that
/// somebody else holds for longer is not waited for.
const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SET LOCAL search_path = '';
SET LOCAL lock_timeout = '10s';
SET LOCAL statement_timeout = 0;
SET LOCAL quote_all_identifiers = off";

/// Reads all of it.
///
/// # Errors
/// What the server says; the session is then still of use.
pub async fn read(client: &Client) -> Result<Inventory, Error> {
    let read = within(client).await;
    // It has changed nothing, so the one end is as good as the other.
    let ended = client.batch_execute("ROLLBACK").await;
    let inventory = read?;
    ended?;
    Ok(inventory)
}

async fn within(client: &Client) -> Result<Inventory, Error> {
    client.batch_execute(BEGIN).await?;
    let mut inventory = Inventory::default();
    for query in [
        objects::OBJECTS,
        objects::TYPES,
        objects::FUNCTIONS,
        objects::GRANTS,
        relations::RELATIONS,
        relations::COLUMNS,
        relations::SEQUENCES,
        dependents::CONSTRAINTS,
        dependents::INDEXES,
        dependents::DEPENDENTS,
    ] {
        for row in client.query_typed(query, &[]).await? {
            note(&row, &mut inventory)?;
        }
    }
    Ok(inventory)
}

/// Enters one facet. What vanished while it was read has no text, and is left out.
fn note(row: &Row, inventory: &mut Inventory) -> Result<(), Error> {
    let name: Option<String> = row.try_get("name")?;
    let value: Option<String> = row.try_get("value")?;
    let kind = ObjectKind::named(row.try_get("kind")?);
    let (Some(kind), Some(name), Some(value)) = (kind, name, value) else {
        return Ok(());
    };
    let id = ObjectId { kind, name };
    let object = inventory.object(id.clone());
    object.parent = row.try_get("parent")?;
    object.position = row.try_get("position")?;
    let facet = Facet {
        name: row.try_get("facet")?,
        value,
        usual: row.try_get("usual")?,
    };
    inventory.say(id, facet);
    Ok(())
}
