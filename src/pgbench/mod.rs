//! The pgbench script language, as PostgreSQL 18 documents it, with two commands of our own.
//!
//! [`Script::parse`] reads a script, [`Script::bind`] resolves its variables and keys to slots, and a
//! [`Run`] steps through it once. Expressions give what pgbench gives, bit for bit where they are
//! deterministic; a run's random numbers come from its own seed, by pgbench's own generator.
//!
//! ```
//! # use pgrehearse::pgbench::{KeyId, Keys, ResultSet, Run, Script, Step};
//! # struct None;
//! # impl Keys for None {
//! #     fn resolve(&mut self, _: &str, _: &str, _: Option<&str>) -> Result<KeyId, String> { Err(String::new()) }
//! #     fn pick(&self, _: KeyId, _: u64) -> String { String::new() }
//! #     fn fresh(&self, _: KeyId, _: u64) -> String { String::new() }
//! #     fn rows(&self) -> Vec<(String, u64)> { Vec::new() }
//! # }
//! # let mut keys = None;
//! let script = Script::parse("next.sql", "SELECT max(id) AS last FROM t \\gset\n\\set next :last + 1\nSELECT :next")?;
//! let mut run = Run::new(script.bind(&mut keys)?.into(), 42, 0);
//! assert!(matches!(run.step(&keys)?, Step::Sql { statement: 0, .. }));
//! let columns = vec!["last".to_owned()];
//! let rows = vec![vec![Some("41".to_owned())]];
//! run.store(0, &[ResultSet { columns, rows }])?;
//! let parameters = vec![Some("42".to_owned())];
//! assert_eq!(run.step(&keys)?, Step::Sql { statement: 1, parameters });
//! # Ok::<(), pgrehearse::pgbench::ScriptError>(())
//! ```
//!
//! Where this differs from pgbench, on purpose:
//!
//! - A run shares no variables with other runs unless it is their client's [next](Run::next), so a variable
//!   that nothing has set is an error; one that nothing can set is an error before anything runs. The text
//!   `:name` is never sent in its place.
//! - A NULL is sent as NULL. pgbench sends that of an expression as the text `NULL`, and that of a column
//!   as an empty one.
//! - Variables within quotes are text, unless values are [put into the text](Definitions::substituted)
//!   of statements, as in the simple protocol. There they are what pgbench makes of them, but do not end the
//!   quotes. In its other protocols pgbench counts them as parameters, and the server refuses the statement.
//! - `\:` is a colon of SQL, as in the slice `a[1\:n]`, also before a name. Comments hold no variables.
//! - `:{?name}` is whether the variable is set, in SQL and in expressions.
//! - `debug` gives its argument and prints nothing. Where C leaves a result open, as that of `abs` of the
//!   smallest bigint, there is an error. Hexadecimal texts are no numbers.
//! - A command about pipelines that cannot go well is an error before anything runs.
//!
//! Beyond pgbench: `\pick VAR table.column [distribution]` takes the value of an existing row and
//! `\fresh VAR table.column` a value that no row has, both without reading the database; `A,B table.x,y`
//! names several columns of one row. `:rows_<table>` is predefined. Never: `\shell` and `\setshell`.

mod arithmetic;
mod binder;
mod builtin;
mod capture;
mod definitions;
mod expression;
mod function;
mod hashing;
mod keys;
mod lexer;
mod meta;
mod operator;
mod parser;
mod pipeline;
mod program;
mod random;
mod routine;
mod run;
mod scanner;
mod script;
mod source;
mod sql;
mod state;
mod suggestion;
#[cfg(test)]
mod trial;
mod value;

pub use builtin::{ArgumentError, BUILTINS, Builtin, WeightedName};
pub use capture::{Capture, CaptureKind, ResultSet};
pub use definitions::{DefinitionError, Definitions};
pub use keys::{KeyId, Keys};
pub use pipeline::Pipeline;
pub use program::{Program, Variable};
pub use run::{Run, Step};
pub use script::Script;
pub use source::ScriptError;
pub use sql::Sql;
