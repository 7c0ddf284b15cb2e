//! Which code runs on which schema, and so in which order the release and the migration may come.

use serde::{Deserialize, Serialize};

use super::BrokenStatement;

/// The old or the new one, of code and of schemas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Age {
    /// Before the release, before the migration.
    Old,
    /// After it.
    New,
}

/// What of a release's code does not run on a schema.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compatibility {
    /// The running release, or the next one.
    pub code: Age,
    /// The schema before the migration, or after it.
    pub schema: Age,
    /// The statements that do not run.
    pub broken: Vec<BrokenStatement>,
}

impl Age {
    /// `old`, `new`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Old => "old",
            Self::New => "new",
        }
    }
}

/// Which order of release and migration loses no request to a statement that does not run; none where the
/// next release's code is not known, or the migration was not applied.
pub fn release_order(cells: &[Compatibility]) -> Option<&'static str> {
    let runs = |code, schema| {
        let cell = cells
            .iter()
            .find(|cell| (cell.code, cell.schema) == (code, schema))?;
        Some(cell.broken.is_empty())
    };
    let old_on_new = runs(Age::Old, Age::New)?;
    let (new_on_old, new_on_new) = (runs(Age::New, Age::Old)?, runs(Age::New, Age::New)?);
    Some(match (old_on_new, new_on_old, new_on_new) {
        (_, _, false) => {
            "no order is possible: the next release does not run on the schema that it is made for"
        }
        (true, true, true) => {
            "any order is possible: the release first, the migration first, or instance by instance meanwhile"
        }
        (true, false, true) => {
            "the migration must come first: the running release bears the new schema, the next one needs it"
        }
        (false, true, true) => {
            "the next release must come first, on all instances: it bears the old schema, and the running \
             one does not bear the new"
        }
        (false, false, true) => {
            "no order is possible without errors: split the migration, so that one part brings what the next \
             release needs, and another, after it, takes away what the running one needs"
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::plan::Role;

    fn cells(broken: [usize; 3]) -> Vec<Compatibility> {
        let places = [
            (Age::Old, Age::New),
            (Age::New, Age::Old),
            (Age::New, Age::New),
        ];
        let cells = places.into_iter().zip(broken);
        cells
            .map(|((code, schema), count)| Compatibility {
                code,
                schema,
                broken: vec![
                    BrokenStatement {
                        transaction: "open-chart".to_owned(),
                        role: Role::Current,
                        file: None,
                        line: 1,
                        sql: "SELECT 1".to_owned(),
                        sqlstate: None,
                        message: "gone".to_owned(),
                    };
                    count
                ],
            })
            .collect()
    }

    #[test]
    fn the_order_follows_from_what_breaks() {
        for (broken, said) in [
            ([0, 0, 0], "any order"),
            ([0, 3, 0], "the migration must come first"),
            ([2, 0, 0], "the next release must come first"),
            ([1, 1, 0], "split the migration"),
            ([0, 0, 1], "does not run on the schema that it is made for"),
        ] {
            let order = release_order(&cells(broken)).unwrap();
            assert!(order.contains(said), "{broken:?}: {order}");
        }
    }

    #[test]
    fn without_the_next_release_there_is_no_order_to_tell() {
        assert_eq!(release_order(&cells([0, 0, 0])[..1]), None);
        assert_eq!(release_order(&[]), None);
    }
}
