//! The catalog as an inventory: every object of a user's by kind and name, with what it is as texts that
//! people can read. Two inventories can be compared whatever their oids and files are.

mod difference;

use std::collections::BTreeMap;
use std::fmt;

use sha2::{Digest, Sha256};

pub use difference::{Change, Difference, difference};

/// The kinds of objects, in the order in which they are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectKind {
    /// A namespace.
    Schema,
    /// An installed extension; what belongs to it is not listed by itself.
    Extension,
    /// An enum, domain, composite, range or multirange type.
    Type,
    /// A sequence.
    Sequence,
    /// An ordinary, partitioned or foreign table.
    Table,
    /// A column of a table, view or materialized view.
    Column,
    /// A view.
    View,
    /// A materialized view.
    MaterializedView,
    /// A constraint of a table or a domain, with the index that serves it.
    Constraint,
    /// An index that serves no constraint.
    Index,
    /// Extended statistics.
    Statistics,
    /// A trigger on a table or view.
    Trigger,
    /// A rewrite rule.
    Rule,
    /// A row-level security policy.
    Policy,
    /// A function, procedure, aggregate or window function.
    Function,
    /// A database-wide trigger on DDL.
    EventTrigger,
    /// A publication of logical replication.
    Publication,
    /// What a role other than the owner may do with an object.
    Grant,
}

impl ObjectKind {
    const ALL: [Self; 18] = [
        Self::Schema,
        Self::Extension,
        Self::Type,
        Self::Sequence,
        Self::Table,
        Self::Column,
        Self::View,
        Self::MaterializedView,
        Self::Constraint,
        Self::Index,
        Self::Statistics,
        Self::Trigger,
        Self::Rule,
        Self::Policy,
        Self::Function,
        Self::EventTrigger,
        Self::Publication,
        Self::Grant,
    ];

    /// As differences print it, and as the catalog's queries name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Schema => "schema",
            Self::Extension => "extension",
            Self::Type => "type",
            Self::Sequence => "sequence",
            Self::Table => "table",
            Self::Column => "column",
            Self::View => "view",
            Self::MaterializedView => "materialized view",
            Self::Constraint => "constraint",
            Self::Index => "index",
            Self::Statistics => "statistics",
            Self::Trigger => "trigger",
            Self::Rule => "rule",
            Self::Policy => "policy",
            Self::Function => "function",
            Self::EventTrigger => "event trigger",
            Self::Publication => "publication",
            Self::Grant => "grant",
        }
    }

    /// The kind of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether it is told with the relation that it belongs to, where that one comes or goes as a whole.
    fn is_part(self) -> bool {
        matches!(self, Self::Column | Self::Sequence | Self::Grant)
    }
}

/// Which object: its kind, and its name, schema-qualified and unquoted (`public.orders.note` is a column).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId {
    /// Its kind.
    pub kind: ObjectKind,
    /// Its name; of a function with its argument types.
    pub name: String,
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.name(), self.name)
    }
}

/// One thing that can be said of an object, as `nullability`: `NOT NULL`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facet {
    /// What it is about. An object has one facet of a name.
    pub name: String,
    /// What holds, in words that need no name beside them.
    pub value: String,
    /// Whether it is what one would assume, so that it goes without saying of an object that is new.
    pub usual: bool,
}

/// An object as the catalog has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Object {
    /// The relation that it belongs to, schema-qualified: of columns, constraints, indexes, triggers, the
    /// sequences that a column owns, grants.
    pub parent: Option<String>,
    /// Its place among its like: of a column among the live columns, from 1.
    pub position: Option<i32>,
    /// What it is, in the order in which it is told.
    pub facets: Vec<Facet>,
}

impl Object {
    /// What is to be said of it, without what goes without saying: `text NOT NULL`.
    pub fn described(&self) -> String {
        let told = self.facets.iter().filter(|facet| !facet.usual);
        let told: Vec<&str> = told.map(|facet| facet.value.as_str()).collect();
        told.join(" ")
    }

    fn facet(&self, name: &str) -> Option<&Facet> {
        self.facets.iter().find(|facet| facet.name == name)
    }
}

/// All objects of a database that are its users' own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inventory {
    objects: BTreeMap<ObjectId, Object>,
}

impl Inventory {
    /// Says one more thing of an object; a name said twice keeps the first. Facets are told in the order of
    /// their coming.
    pub fn say(&mut self, id: ObjectId, facet: Facet) {
        let object = self.objects.entry(id).or_default();
        if object.facet(&facet.name).is_none() {
            object.facets.push(facet);
        }
    }

    /// The object, made if it is not there yet.
    pub fn object(&mut self, id: ObjectId) -> &mut Object {
        self.objects.entry(id).or_default()
    }

    /// Whether it has the object.
    pub fn has(&self, id: &ObjectId) -> bool {
        self.objects.contains_key(id)
    }

    /// All objects, by kind and name.
    pub fn objects(&self) -> impl Iterator<Item = (&ObjectId, &Object)> {
        self.objects.iter()
    }

    /// A digest of all that it says: equal where the schemas are.
    pub fn fingerprint(&self) -> String {
        let mut digest = Sha256::new();
        let mut add = |part: &str| {
            // With its length, so that no two lists of parts run together into the same bytes.
            digest.update((part.len() as u64).to_le_bytes());
            digest.update(part.as_bytes());
        };
        for (id, object) in &self.objects {
            add(id.kind.name());
            add(&id.name);
            add(&object
                .position
                .map_or(String::new(), |place| place.to_string()));
            for facet in &object.facets {
                add(&facet.name);
                add(&facet.value);
            }
        }
        let digest = digest.finalize();
        digest.iter().take(16).map(|b| format!("{b:02x}")).collect()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// An inventory of objects as `kind`, `name`, `facets` (`name=value`, usual ones in parentheses).
    pub(super) fn inventory(objects: &[(ObjectKind, &str, &[&str])]) -> Inventory {
        let mut inventory = Inventory::default();
        for (place, &(kind, name, facets)) in objects.iter().enumerate() {
            let id = ObjectId {
                kind,
                name: name.to_owned(),
            };
            let object = inventory.object(id.clone());
            let relation = name.rsplit_once('.').map(|(relation, _)| relation);
            if kind != ObjectKind::Table {
                object.parent = relation.map(str::to_owned);
            }
            if kind == ObjectKind::Column {
                object.position = Some(i32::try_from(place).unwrap());
            }
            for facet in facets {
                let plain = facet
                    .strip_prefix('(')
                    .and_then(|rest| rest.strip_suffix(')'));
                let usual = plain.is_some();
                let (name, value) = plain.unwrap_or(facet).split_once('=').unwrap();
                let facet = Facet {
                    name: name.to_owned(),
                    value: value.to_owned(),
                    usual,
                };
                inventory.say(id.clone(), facet);
            }
        }
        inventory
    }

    #[test]
    fn every_kind_is_found_by_its_name() {
        for kind in ObjectKind::ALL {
            assert_eq!(ObjectKind::named(kind.name()), Some(kind));
        }
        assert_eq!(ObjectKind::named("operator"), None);
    }

    #[test]
    fn the_fingerprint_knows_everything_that_is_said() {
        use ObjectKind::{Column, Table};
        let of = |objects: &[(ObjectKind, &str, &[&str])]| inventory(objects).fingerprint();
        let usual = of(&[(Table, "a.b", &["owner=x"])]);
        assert_eq!(usual, of(&[(Table, "a.b", &["owner=x"])]));
        assert_eq!(usual.len(), 32);
        for other in [
            of(&[]),
            of(&[(Table, "a.c", &["owner=x"])]),
            of(&[(Column, "a.b", &["owner=x"])]),
            of(&[(Table, "a.b", &["owner=y"])]),
            of(&[(Table, "a.b", &["ownerx="])]),
            of(&[(Table, "a.b", &["owner=x", "kind=z"])]),
        ] {
            assert_ne!(usual, other);
        }
    }

    #[test]
    fn the_order_of_columns_counts() {
        use ObjectKind::Column;
        let one = inventory(&[(Column, "s.t.a", &["type=int"]), (Column, "s.t.b", &[])]);
        let other = inventory(&[(Column, "s.t.b", &[]), (Column, "s.t.a", &["type=int"])]);
        assert_ne!(one.fingerprint(), other.fingerprint());
    }
}
