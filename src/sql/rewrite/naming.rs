//! Names that PostgreSQL would give, so that a rewritten migration ends with the same ones.

use std::collections::BTreeSet;

use crate::schema::RelationName;

/// `NAMEDATALEN - 1`: the longest name, in bytes.
const LONGEST: usize = 63;

/// Names that are taken, of relations and of constraints.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    relations: BTreeSet<RelationName>,
    constraints: BTreeSet<RelationName>,
}

impl Names {
    pub(super) fn new(
        relations: BTreeSet<RelationName>,
        constraints: BTreeSet<RelationName>,
    ) -> Self {
        Self {
            relations,
            constraints,
        }
    }

    /// A name for a constraint (`ChooseConstraintName` in `pg_constraint.c`), taken from now on.
    pub(super) fn constraint(
        &mut self,
        (schema, table): (&str, &str),
        columns: &[String],
        label: &str,
    ) -> String {
        self.choose((schema, table), columns, (label, false))
    }

    /// A name for an index that is a constraint's (`ChooseRelationName` in `indexcmds.c`), taken from now on.
    pub(super) fn index(
        &mut self,
        (schema, table): (&str, &str),
        columns: &[String],
        label: &str,
    ) -> String {
        self.choose((schema, table), columns, (label, true))
    }

    /// A name that the migration gives itself is taken from now on.
    pub(super) fn take(&mut self, schema: &str, name: &str) {
        let name = RelationName {
            schema: schema.to_owned(),
            name: name.to_owned(),
        };
        self.relations.insert(name.clone());
        self.constraints.insert(name);
    }

    /// A constraint that the migration drops leaves its name free, and its index, if it has one, too.
    pub(super) fn release(&mut self, schema: &str, name: &str) {
        let name = RelationName {
            schema: schema.to_owned(),
            name: name.to_owned(),
        };
        self.relations.remove(&name);
        self.constraints.remove(&name);
    }

    fn choose(
        &mut self,
        (schema, table): (&str, &str),
        columns: &[String],
        (label, relation): (&str, bool),
    ) -> String {
        let columns = columns.join("_");
        let mut pass = 0_u32;
        loop {
            let numbered = match pass {
                0 => label.to_owned(),
                pass => format!("{label}{pass}"),
            };
            let name = object_name(table, &columns, &numbered);
            let full = RelationName {
                schema: schema.to_owned(),
                name: name.clone(),
            };
            let taken =
                self.constraints.contains(&full) || (relation && self.relations.contains(&full));
            if !taken {
                self.take(schema, &name);
                return name;
            }
            pass += 1;
        }
    }
}

/// `makeObjectName` in `indexcmds.c`: the longer of the first two is cut until all fits.
pub(super) fn object_name(first: &str, second: &str, label: &str) -> String {
    let joints = 1 + usize::from(!second.is_empty());
    let room = LONGEST.saturating_sub(label.len() + joints);
    let (mut one, mut two) = (first.len(), second.len());
    while one + two > room {
        if one > two {
            one -= 1;
        } else {
            two -= 1;
        }
    }
    let (first, second) = (cut(first, one), cut(second, two));
    match second {
        "" => format!("{first}_{label}"),
        second => format!("{first}_{second}_{label}"),
    }
}

/// The first so many bytes, without half a character.
fn cut(text: &str, mut bytes: usize) -> &str {
    while !text.is_char_boundary(bytes) {
        bytes -= 1;
    }
    text.get(..bytes).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_as_postgresql_makes_them() {
        assert_eq!(object_name("orders", "", "pkey"), "orders_pkey");
        assert_eq!(object_name("orders", "a_b", "key"), "orders_a_b_key");
        let long = object_name(&"t".repeat(40), &"ä".repeat(20), "fkey");
        assert!(long.len() <= LONGEST && long.ends_with("_fkey"), "{long}");
    }

    #[test]
    fn names_that_are_taken_get_a_number() {
        let mut names = Names::default();
        let columns = ["b".to_owned()];
        let mut next = || names.constraint(("public", "a"), &columns, "check");
        assert_eq!(next(), "a_b_check");
        assert_eq!(next(), "a_b_check1");
        assert_eq!(next(), "a_b_check2");
    }
}
