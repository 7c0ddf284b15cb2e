//! The pgbench script language, as PostgreSQL 18 documents it, with two commands of our own.
//!
//! [`Script::parse`] reads a script, [`Script::bind`] resolves its variables and keys to slots, and a
//! [`Run`] steps through it once. Expressions give what pgbench gives, bit for bit where they are
//! deterministic; a run's random numbers come from its own seed.
//!
//! A variable that no command has set yet is an error, also where pgbench would still know it from the
//! client's transaction before: a run shares nothing with other runs. `debug` gives its argument and prints
//! nothing. Where C leaves a result open, as that of `abs` of the smallest bigint, there is an error.
//!
//! Beyond pgbench: `\pick VAR table.column [distribution]` takes the value of an existing row and
//! `\fresh VAR table.column` a value that no row has, both without reading the database; `A,B table.x,y`
//! names several columns of one row. `:rows_<table>` is predefined. Not yet: `\gset`, `\aset` and pipelines. Never: `\shell` and `\setshell`.

mod arithmetic;
mod expression;
mod function;
mod hashing;
mod keys;
mod lexer;
mod meta;
mod operator;
mod parser;
mod program;
mod random;
mod run;
mod script;
mod source;
mod sql;
mod suggestion;
mod value;

pub use keys::{KeyId, Keys};
pub use program::Program;
pub use run::{Run, Step};
pub use script::Script;
pub use source::ScriptError;
pub use sql::Sql;
