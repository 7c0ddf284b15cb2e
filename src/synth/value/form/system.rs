//! Types of PostgreSQL's own bookkeeping, and names of what every server has.

use crate::synth::error::Problem;
use crate::synth::value::decimal::Numbers;
use crate::synth::value::shape::{Shape, SystemValue};

use super::{Ask, Form};

/// The first number of those that name nothing, above what `initdb` gives (`FirstNormalObjectId`).
const NAMELESS: i64 = 100_000;

pub(super) fn form(name: &str, ask: &Ask<'_>) -> Result<Form, Problem> {
    let system = match name {
        "tid" => SystemValue::Place,
        "pg_lsn" => SystemValue::Position,
        "pg_snapshot" | "txid_snapshot" => SystemValue::Snapshot,
        "int2vector" | "oidvector" => SystemValue::Vector,
        _ => return named(name, ask),
    };
    Ok(Form::by_row(Shape::System(system)))
}

/// One of the names; numbers where there must be more of them, which the `reg…` types take too.
fn named(name: &str, ask: &Ask<'_>) -> Result<Form, Problem> {
    let names = names(name).ok_or(Problem::Unsupported)?;
    let count = names.len() as u64;
    if name.starts_with("reg") && ask.different.is_some_and(|needed| needed > count) {
        return Ok(Form {
            capacity: u64::from(u32::MAX) - NAMELESS.unsigned_abs(),
            ..Form::by_row(Shape::Numbers(Numbers {
                low: NAMELESS,
                scale: 0,
            }))
        });
    }
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    Form::chosen(Shape::Choice(names), count, ask)
}

/// What is in every database of PostgreSQL 13 and later.
fn names(name: &str) -> Option<&'static [&'static str]> {
    Some(match name {
        "regclass" => &[
            "pg_class",
            "pg_type",
            "pg_attribute",
            "pg_proc",
            "pg_index",
            "pg_constraint",
        ],
        "regtype" => &[
            "integer",
            "text",
            "uuid",
            "boolean",
            "numeric",
            "timestamp with time zone",
            "integer[]",
        ],
        "regproc" => &[
            "now",
            "version",
            "pg_backend_pid",
            "clock_timestamp",
            "txid_current",
        ],
        "regprocedure" => &[
            "now()",
            "lower(text)",
            "length(text)",
            "abs(integer)",
            "md5(text)",
        ],
        "regoper" => &["||/", "|/", "#-", "*<>", "*>="],
        "regoperator" => &[
            "+(integer,integer)",
            "=(text,text)",
            "<(integer,integer)",
            "||(text,text)",
        ],
        "regrole" => &[
            "pg_monitor",
            "pg_signal_backend",
            "pg_read_all_stats",
            "pg_read_all_settings",
        ],
        "regnamespace" => &["pg_catalog", "information_schema", "pg_toast"],
        "regcollation" => &["\"C\"", "\"POSIX\"", "\"default\""],
        "regconfig" => &["simple", "english", "german", "french"],
        "regdictionary" => &["simple", "english_stem", "german_stem", "french_stem"],
        "regdatabase" => &["template0", "template1"],
        "aclitem" => &[
            "=r/pg_monitor",
            "pg_monitor=r/pg_monitor",
            "=arw/pg_monitor",
        ],
        _ => return None,
    })
}
