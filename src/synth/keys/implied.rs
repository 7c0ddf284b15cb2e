//! What the links of a schema mean for each other: which share a column, which follow from others,
//! which go round.

use std::collections::BTreeSet;

use crate::schema::Table;

use super::links::{AllLinks, Link};

/// Columns that several links of a table share, none of them by way of another, or that a link to the
/// table itself keeps, each with one of these links.
pub(crate) fn shared_columns<'l>(
    all: &AllLinks<'_>,
    table: &Table,
    links: &'l [Link],
) -> Vec<(String, &'l Link)> {
    let mut shared = Vec::new();
    for (index, link) in links.iter().enumerate() {
        let kept = link.of_itself(table).into_iter();
        shared.extend(kept.map(|column| (column.clone(), link)));
        for (_, other) in links
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != index)
        {
            let both = link.columns.iter().filter(|c| other.columns.contains(c));
            if !implies(all, link, other) && !implies(all, other, link) {
                shared.extend(both.map(|column| (column.clone(), link)));
            }
        }
    }
    shared
}

/// Whether the widest links lead from a column back to itself: teams of a tenant have users, and users
/// have teams.
pub(crate) fn goes_round(all: &AllLinks<'_>, table: &Table, column: &str) -> bool {
    let (mut name, mut at) = (&table.name, column);
    let mut shares = false;
    for _ in 0..=all.len() {
        let next = all.get(name).and_then(|(table, links)| {
            let mut links = links.iter();
            links.find(|link| {
                let kept = link.of_itself(table);
                link.columns
                    .iter()
                    .any(|own| own == at && !kept.contains(&own))
            })
        });
        let Some(link) = next else {
            return false;
        };
        shares |= link.columns.len() > 1;
        (name, at) = (&link.parent, link.referenced(at));
        if (name, at) == (&table.name, column) {
            // Keys that are each other are no matter of orders.
            return shares;
        }
    }
    false
}

/// Whether rows that satisfy one link satisfy another, for the parent of the one has, by itself or its
/// own parents, a link to the parent of the other.
pub(crate) fn implies(all: &AllLinks<'_>, link: &Link, other: &Link) -> bool {
    if !other.columns.iter().all(|c| link.columns.contains(c)) {
        return false;
    }
    let columns = other.columns.iter().map(|column| link.referenced(column));
    let mut open = vec![(&link.parent, columns.collect::<Vec<&str>>())];
    let mut seen = BTreeSet::new();
    while let Some((name, columns)) = open.pop() {
        let mut pairs = columns.iter().zip(&other.parent_columns);
        if *name == other.parent && pairs.all(|(own, its)| own == its) {
            return true;
        }
        let links = all.get(name).filter(|_| seen.insert(name));
        for next in links.into_iter().flat_map(|(_, links)| links) {
            if columns
                .iter()
                .all(|own| next.columns.iter().any(|c| c == own))
            {
                let columns = columns.iter().map(|column| next.referenced(column));
                open.push((&next.parent, columns.collect()));
            }
        }
    }
    false
}
