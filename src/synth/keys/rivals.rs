//! Foreign keys to one parent whose rows must differ: `CHECK (follower_id <> followed_id)`.

use std::collections::BTreeMap;

use crate::schema::Table;
use crate::sql::{Comparison, Formula, Relation, understand_condition};

use super::links::Links;

/// By link, an earlier one that it must not have the parent of. Links that agree with others by an
/// order of rows have none.
pub(crate) fn rivals(table: &Table, links: &Links) -> BTreeMap<usize, usize> {
    let mut found = BTreeMap::new();
    for check in &table.checks {
        let parts = match understand_condition(&check.expression) {
            Formula::All(parts) => parts,
            other => vec![other],
        };
        for part in parts {
            if let Formula::Columns(relation) = part
                && let Some((one, other)) = pair(&relation, table, links)
                && !found.contains_key(&one)
                && !found.contains_key(&other)
            {
                found.insert(one.max(other), one.min(other));
            }
        }
    }
    found
}

/// The links of two columns that must differ, of one parent that has at least two rows.
fn pair(relation: &Relation, table: &Table, links: &Links) -> Option<(usize, usize)> {
    if relation.comparison != Comparison::Unequal || relation.offset.is_some() {
        return None;
    }
    let free = |column: &String| {
        let index = *links.of.get(column)?;
        let link = links.all.get(index)?;
        let alone = link.columns.len() == 1 && link.twin.is_none() && link.parent != table.name;
        let by_itself = !links.relations.contains_key(&index) && link.parent_rows > 1;
        (alone && by_itself).then_some((index, link))
    };
    let ((one, first), (other, second)) = (free(&relation.left)?, free(&relation.right)?);
    let same = first.parent == second.parent && first.parent_columns == second.parent_columns;
    (same && one != other).then_some((one, other))
}
