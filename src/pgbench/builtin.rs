//! pgbench's built-in scripts, and how its command line names scripts and weighs them.

use super::script::Script;

/// A script that pgbench brings along, for the tables of `pgbench -i`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Builtin {
    /// As `-b` names it.
    pub name: &'static str,
    /// pgbench's own words for it.
    pub description: &'static str,
    /// The script; `pgbench --show-script` prints the same.
    pub text: &'static str,
}

/// All of them. `:scale` is the number of branches.
pub const BUILTINS: [Builtin; 3] = [
    Builtin {
        name: "tpcb-like",
        description: "TPC-B (sort of)",
        text: include_str!("builtin/tpcb-like.sql"),
    },
    Builtin {
        name: "simple-update",
        description: "simple update",
        text: include_str!("builtin/simple-update.sql"),
    },
    Builtin {
        name: "select-only",
        description: "select only",
        text: include_str!("builtin/select-only.sql"),
    },
];

/// Why an argument names no script.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArgumentError {
    /// No name begins so.
    #[error("there is no built-in script `{name}`: there are {}", names(&BUILTINS))]
    Unknown {
        /// The name as given.
        name: String,
    },
    /// Several names begin so.
    #[error("`{name}` may be {}: write more of the name", names(candidates))]
    Ambiguous {
        /// The name as given.
        name: String,
        /// Which scripts it may be.
        candidates: Vec<Builtin>,
    },
    /// The weight is no number, or too large.
    #[error(
        "`{weight}` is not a weight: after the last @ of `{argument}` there must be a whole number up to {}",
        i32::MAX
    )]
    Weight {
        /// The whole argument.
        argument: String,
        /// What stands after its last `@`.
        weight: String,
    },
}

fn names(builtins: &[Builtin]) -> String {
    let names: Vec<_> = builtins.iter().map(|builtin| builtin.name).collect();
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => names.concat(),
    }
}

/// A script as an argument of `pgbench -b` or `-f` names it: `name`, or `name@weight`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WeightedName<'a> {
    /// The file, or the built-in script.
    pub name: &'a str,
    /// Its share, relative to the others'; 1 where none is given. 0 is for a script that is not run.
    pub weight: u32,
}

impl<'a> WeightedName<'a> {
    /// Reads an argument.
    ///
    /// # Errors
    ///
    /// What stands after the last `@` is no whole number, or above what pgbench takes.
    pub fn parse(argument: &'a str) -> Result<Self, ArgumentError> {
        let Some((name, weight)) = argument.rsplit_once('@') else {
            let weight = 1;
            return Ok(Self {
                name: argument,
                weight,
            });
        };
        match weight.parse::<i32>().map(u32::try_from) {
            Ok(Ok(weight)) => Ok(Self { name, weight }),
            _ => Err(ArgumentError::Weight {
                argument: argument.to_owned(),
                weight: weight.to_owned(),
            }),
        }
    }
}

impl Builtin {
    /// The one that is named so, or the only one whose name begins so.
    ///
    /// # Errors
    ///
    /// No name begins so, or several do.
    pub fn find(name: &str) -> Result<Self, ArgumentError> {
        let candidates: Vec<_> = BUILTINS
            .into_iter()
            .filter(|builtin| builtin.name.starts_with(name))
            .collect();
        let name = name.to_owned();
        match candidates.as_slice() {
            [one] => Ok(*one),
            [] => Err(ArgumentError::Unknown { name }),
            _ => Err(ArgumentError::Ambiguous { name, candidates }),
        }
    }
}

impl Script {
    /// The built-in script of this name, or of a name that only one begins with.
    ///
    /// # Errors
    ///
    /// As [`Builtin::find`].
    pub fn builtin(name: &str) -> Result<Self, ArgumentError> {
        let builtin = Builtin::find(name)?;
        // A test parses each of them.
        Ok(Script::parse(builtin.name, builtin.text).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_builtin_parses() {
        for builtin in BUILTINS {
            let parsed = Script::parse(builtin.name, builtin.text).unwrap();
            let found = Script::builtin(builtin.name).unwrap();
            assert_eq!(found.commands, parsed.commands, "{}", builtin.name);
        }
    }

    #[test]
    fn a_name_may_be_cut_short_but_not_too_short() {
        let name = |text: &str| Builtin::find(text).map(|builtin| builtin.name);
        assert_eq!(name("t"), Ok("tpcb-like"));
        assert_eq!(name("si"), Ok("simple-update"));
        assert_eq!(name("select-only"), Ok("select-only"));
        let error = |text: &str| Builtin::find(text).unwrap_err().to_string();
        assert_eq!(
            error("s"),
            "`s` may be simple-update and select-only: write more of the name"
        );
        assert_eq!(
            error("tpcc"),
            "there is no built-in script `tpcc`: there are tpcb-like, simple-update and select-only"
        );
    }

    #[test]
    fn a_weight_follows_the_last_at() {
        for (argument, name, weight) in [
            ("a.sql", "a.sql", 1),
            ("a.sql@0", "a.sql", 0),
            ("dir@2/a.sql@15", "dir@2/a.sql", 15),
            ("se@2147483647", "se", 2_147_483_647),
            ("a@+3", "a", 3),
        ] {
            assert_eq!(
                WeightedName::parse(argument),
                Ok(WeightedName { name, weight })
            );
        }
        for argument in ["a@", "a@x", "a@-1", "a@2147483648", "a@1.5", "a@1 "] {
            assert!(WeightedName::parse(argument).is_err(), "{argument}");
        }
        assert_eq!(
            WeightedName::parse("a@x").unwrap_err().to_string(),
            "`x` is not a weight: after the last @ of `a@x` there must be a whole number up to 2147483647"
        );
    }
}
