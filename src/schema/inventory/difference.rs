//! What is different between two inventories, as lines that read like a diff.

use std::collections::BTreeSet;
use std::fmt;

use super::{Inventory, Object, ObjectId, ObjectKind};

/// Longer texts are told by the place where they differ.
const SHORT: usize = 64;

/// How much is shown before the place where two long texts differ.
const LEAD: usize = 16;

/// Something that one inventory has and the other has not, or otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The object.
    pub object: ObjectId,
    /// What became of it.
    pub change: Change,
}

/// What became of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It is there now, and is this.
    Added(String),
    /// It is gone, and was this.
    Removed(String),
    /// It is another now: `integer → bigint`.
    Changed(String),
    /// It is another now, and whoever knows it as it was finds all of it: an enum with more values, a newer extension,
    /// columns in another order.
    Grown(String),
}

impl Difference {
    /// Whether somebody who relies on how it was before misses something.
    pub fn is_missed(&self) -> bool {
        matches!(self.change, Change::Removed(_) | Change::Changed(_))
    }
}

impl fmt::Display for Difference {
    /// A line: `+ column public.orders.note text`, `~ constraint public.a.b: NOT VALID → valid`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let object = &self.object;
        match &self.change {
            Change::Added(what) => write!(f, "+ {object}{}", spaced(what)),
            Change::Removed(what) => write!(f, "- {object}{}", spaced(what)),
            Change::Changed(what) | Change::Grown(what) => write!(f, "~ {object}: {what}"),
        }
    }
}

fn spaced(text: &str) -> String {
    match text {
        "" => String::new(),
        text => format!(" {text}"),
    }
}

/// What `after` has other than `before`, by kind and name. Of a table that comes or goes as a whole the
/// columns stand in its own line.
pub fn difference(before: &Inventory, after: &Inventory) -> Vec<Difference> {
    let mut found: Vec<Difference> = Vec::new();
    let added = whole(after, before).map(|(id, what)| (id, Change::Added(what)));
    let removed = whole(before, after).map(|(id, what)| (id, Change::Removed(what)));
    let changed = before.objects().filter_map(|(id, then)| {
        let now = after.objects.get(id)?;
        let mut told = changes(then, now);
        let is_all_there =
            told.is_empty() || id.kind == ObjectKind::Extension || has_more_values(then, now);
        told.extend(reordered(id, before, after));
        let change = match is_all_there {
            true => Change::Grown,
            false => Change::Changed,
        };
        (!told.is_empty()).then(|| (id, change(told.join("; "))))
    });
    for (id, change) in removed.chain(added).chain(changed) {
        found.push(Difference {
            object: id.clone(),
            change,
        });
    }
    // What went stands before what came in its place.
    let place = |change: &Change| match change {
        Change::Removed(_) => 0,
        Change::Added(_) => 1,
        Change::Changed(_) | Change::Grown(_) => 2,
    };
    found.sort_by(|a, b| (&a.object, place(&a.change)).cmp(&(&b.object, place(&b.change))));
    found
}

/// The objects that `own` has and `other` has not, without the parts of those among them.
fn whole<'a>(
    own: &'a Inventory,
    other: &'a Inventory,
) -> impl Iterator<Item = (&'a ObjectId, String)> {
    let only = move |id: &ObjectId| !other.objects.contains_key(id);
    let relations: BTreeSet<&str> = own
        .objects()
        .filter(|(id, _)| only(id) && !id.kind.is_part())
        .map(|(id, _)| id.name.as_str())
        .collect();
    own.objects()
        .filter(move |(id, _)| only(id))
        .filter(move |(id, object)| {
            let parent = object.parent.as_deref();
            !(id.kind.is_part() && parent.is_some_and(|parent| relations.contains(parent)))
        })
        .map(move |(id, object)| (id, with_columns(own, id, object)))
}

/// An object as it is told as a whole: `(id bigint NOT NULL, note text)`.
fn with_columns(inventory: &Inventory, id: &ObjectId, object: &Object) -> String {
    let described = clipped(&object.described());
    if id.kind != ObjectKind::Table {
        return described;
    }
    let columns: Vec<String> = columns(inventory, &id.name)
        .into_iter()
        .map(|(name, column)| format!("{name} {}", column.described()))
        .collect();
    let columns = format!("({})", columns.join(", "));
    match described.as_str() {
        "" => columns,
        described => format!("{columns} {described}"),
    }
}

/// A relation's columns in order, by their own names.
fn columns<'a>(inventory: &'a Inventory, relation: &str) -> Vec<(&'a str, &'a Object)> {
    let mut columns: Vec<(&str, &Object)> = inventory
        .objects()
        .filter(|(id, object)| {
            id.kind == ObjectKind::Column && object.parent.as_deref() == Some(relation)
        })
        .filter_map(|(id, object)| {
            let own = id.name.strip_prefix(relation)?.strip_prefix('.')?;
            Some((own, object))
        })
        .collect();
    columns.sort_by_key(|(_, column)| column.position);
    columns
}

/// What facets say now instead of what they said: `integer → bigint`.
fn changes(then: &Object, now: &Object) -> Vec<String> {
    let mut told = Vec::new();
    for facet in &then.facets {
        match now.facet(&facet.name) {
            Some(new) if new.value != facet.value => told.push(replaced(&facet.value, &new.value)),
            Some(_) => {}
            None => told.push(format!("no longer {}", clipped(&facet.value))),
        }
    }
    let new = now.facets.iter();
    let new = new.filter(|facet| then.facet(&facet.name).is_none());
    told.extend(new.map(|facet| format!("now {}", clipped(&facet.value))));
    told
}

/// That columns that both have stand in another order: a dropped column that comes back is the last.
fn reordered(id: &ObjectId, before: &Inventory, after: &Inventory) -> Option<String> {
    if id.kind != ObjectKind::Table {
        return None;
    }
    let order = |own: &Inventory, other: &Inventory| -> Vec<String> {
        let others = columns(other, &id.name);
        let in_both = |name: &str| others.iter().any(|(other, _)| *other == name);
        let own = columns(own, &id.name).into_iter();
        own.filter(|(name, _)| in_both(name))
            .map(|(name, _)| name.to_owned())
            .collect()
    };
    let (then, now) = (order(before, after), order(after, before));
    (then != now).then(|| {
        let moved = replaced(&then.join(", "), &now.join(", "));
        format!("columns in another order: {moved}")
    })
}

/// Whether an enum differs in nothing but values that came: `ALTER TYPE … ADD VALUE` cannot be taken back.
fn has_more_values(then: &Object, now: &Object) -> bool {
    let facets = then.facets.iter();
    let changed: Vec<(&str, &str)> = facets
        .filter_map(|facet| Some((facet.value.as_str(), now.facet(&facet.name)?.value.as_str())))
        .filter(|(then, now)| then != now)
        .collect();
    let [(then, now)] = changed.as_slice() else {
        return false;
    };
    let labels = |definition: &str| -> Option<Vec<String>> {
        Some(quoted(definition.strip_prefix("enum (")?))
    };
    let (Some(then), Some(now)) = (labels(then), labels(now)) else {
        return false;
    };
    let mut now = now.iter();
    then.iter().all(|label| now.any(|other| other == label))
}

/// The quoted strings of a list, a quote within doubled: `'a', 'it''s'`.
fn quoted(list: &str) -> Vec<String> {
    let doubled = list.replace("''", "\u{0}");
    let parts = doubled.split('\'').skip(1).step_by(2);
    parts.map(str::to_owned).collect()
}

/// `then → now`, of long texts only from where they differ.
fn replaced(then: &str, now: &str) -> String {
    let (then, now) = (one_line(then), one_line(now));
    if then.chars().count() <= SHORT && now.chars().count() <= SHORT {
        return format!("{} → {}", or_nothing(&then), or_nothing(&now));
    }
    let same = then.chars().zip(now.chars());
    let same = same.take_while(|(then, now)| then == now).count();
    let from = |text: &str| match same > LEAD {
        true => clipped(&format!(
            "…{}",
            text.chars().skip(same - LEAD).collect::<String>()
        )),
        false => clipped(text),
    };
    format!("{} → {}", from(&then), from(&now))
}

fn or_nothing(text: &str) -> &str {
    match text {
        "" => "nothing",
        text => text,
    }
}

/// A text on one line, cut where it is long.
fn clipped(text: &str) -> String {
    let text = one_line(text);
    match text.char_indices().nth(4 * SHORT) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::super::tests::inventory;
    use super::*;

    use ObjectKind::{Column, Constraint, Extension, Function, Grant, Index, Table, Type};

    fn lines(
        before: &[(ObjectKind, &str, &[&str])],
        after: &[(ObjectKind, &str, &[&str])],
    ) -> String {
        let found = difference(&inventory(before), &inventory(after));
        let lines: Vec<String> = found.iter().map(Difference::to_string).collect();
        lines.join("\n")
    }

    #[test]
    fn what_is_equal_is_not_told() {
        let objects: &[(ObjectKind, &str, &[&str])] = &[
            (Table, "public.t", &["(owner=postgres)"]),
            (Column, "public.t.a", &["type=integer"]),
        ];
        assert_eq!(lines(objects, objects), "");
        assert_eq!(lines(&[], &[]), "");
    }

    #[test]
    fn objects_come_go_and_change() {
        let before: &[(ObjectKind, &str, &[&str])] = &[
            (Table, "public.a", &["(owner=x)"]),
            (Column, "public.a.id", &["type=integer", "(null=NULL)"]),
            (Column, "public.a.old", &["type=text"]),
            (
                Constraint,
                "public.a.b",
                &["def=CHECK (id > 0)", "valid=NOT VALID"],
            ),
            (Index, "public.a_i", &["def=btree (old)"]),
            (Type, "public.status", &["def=enum ('a')"]),
        ];
        let after: &[(ObjectKind, &str, &[&str])] = &[
            (Table, "public.a", &["(owner=y)"]),
            (Column, "public.a.id", &["type=bigint", "null=NOT NULL"]),
            (Column, "public.a.note", &["type=text", "(null=NULL)"]),
            (
                Constraint,
                "public.a.b",
                &["def=CHECK (id > 0)", "(valid=valid)"],
            ),
            (
                Index,
                "public.a_i",
                &["def=btree (old)", "where=WHERE old > 5"],
            ),
            (Type, "public.status", &["def=enum ('a', 'b')"]),
        ];
        insta::assert_snapshot!(lines(before, after), @r"
        ~ type public.status: enum ('a') → enum ('a', 'b')
        ~ table public.a: x → y
        ~ column public.a.id: integer → bigint; NULL → NOT NULL
        + column public.a.note text
        - column public.a.old text
        ~ constraint public.a.b: NOT VALID → valid
        ~ index public.a_i: now WHERE old > 5
        ");
    }

    #[test]
    fn a_table_that_comes_or_goes_is_one_line_with_its_columns() {
        let table: &[(ObjectKind, &str, &[&str])] = &[
            (Table, "public.t", &["(owner=x)"]),
            (Column, "public.t.z", &["type=bigint", "null=NOT NULL"]),
            (Column, "public.t.a", &["type=text"]),
            (Grant, "public.t.app", &["rights=SELECT"]),
            (Constraint, "public.t.pk", &["def=PRIMARY KEY (z)"]),
        ];
        insta::assert_snapshot!(lines(&[], table), @r"
        + table public.t (z bigint NOT NULL, a text)
        + constraint public.t.pk PRIMARY KEY (z)
        ");
        assert!(lines(table, &[]).starts_with("- table public.t (z bigint"));
    }

    #[test]
    fn a_column_that_comes_back_is_last_and_that_is_told() {
        let of = |names: [&'static str; 3]| {
            let mut objects: Vec<(ObjectKind, &str, &[&str])> = vec![(Table, "s.t", &[])];
            objects.extend(names.map(|name| (Column, name, &["type=text"][..])));
            objects
        };
        let before = of(["s.t.a", "s.t.b", "s.t.c"]);
        let after = of(["s.t.a", "s.t.c", "s.t.b"]);
        let expected = "~ table s.t: columns in another order: a, b, c → a, c, b";
        assert_eq!(lines(&before, &after), expected);
        let moved = difference(&inventory(&before), &inventory(&after));
        assert!(moved.iter().all(|one| !one.is_missed()));
        // A column that only comes moves nothing.
        assert_eq!(lines(&before[..3], &before), "+ column s.t.c text");
    }

    #[test]
    fn who_relies_on_how_it_was_misses_what_went_and_what_is_another() {
        let missed = |kind, then: &[&str], now: &[&str]| {
            let found = difference(
                &inventory(&[(kind, "public.o", then)]),
                &inventory(&[(kind, "public.o", now)]),
            );
            found.iter().map(Difference::is_missed).collect::<Vec<_>>()
        };
        let values = |values: &'static str| [values];
        let few = values("def=enum ('a', 'it''s, (b)')");
        assert_eq!(
            missed(Type, &few, &values("def=enum ('a', 'new', 'it''s, (b)')")),
            [false]
        );
        assert_eq!(missed(Type, &few, &values("def=enum ('a', 'c')")), [true]);
        assert_eq!(
            missed(Type, &few, &values("def=enum ('it''s, (b)', 'a')")),
            [true]
        );
        assert_eq!(
            missed(Type, &["def=domain over text"], &["def=domain over bytea"]),
            [true]
        );
        assert_eq!(
            missed(Extension, &["def=VERSION 1.0"], &["def=VERSION 1.1"]),
            [false]
        );
        assert_eq!(
            missed(Index, &["def=btree (a)"], &["def=btree (b)"]),
            [true]
        );
        let some: &[(ObjectKind, &str, &[&str])] = &[(Index, "public.i", &["def=btree (a)"])];
        let found = |before, after| difference(&inventory(before), &inventory(after));
        assert!(found(some, &[])[0].is_missed());
        assert!(!found(&[], some)[0].is_missed());
    }

    #[test]
    fn long_texts_are_told_from_where_they_differ() {
        let body = "SELECT ".to_owned() + &"a, ".repeat(40);
        let then = format!("def={body}x FROM t");
        let now = format!("def={body}y FROM t");
        let line = lines(
            &[(Function, "public.f", &[&then])],
            &[(Function, "public.f", &[&now])],
        );
        assert!(
            line.contains("a, x FROM t → …") && line.ends_with("a, y FROM t"),
            "{line}"
        );
        assert!(line.len() < 120, "{line}");
    }
}
