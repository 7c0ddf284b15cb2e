//! Who was hurt by what: each lock of the migration, the queue behind it, and what it cost; deadlocks.

use std::collections::BTreeSet;
use std::io::{self, Write};

use crate::judge::wording::{place, request_seconds, thousands};
use crate::judge::{Blame, blame, cause};
use crate::observe::{Migration, Pass};
use crate::report::hurt::{
    charge, deadlock_sentences, precision, queue, waited_alone, who_waited, without_connection,
};
use crate::units::Span;

use super::{code, list, row, table, text};

pub(super) fn write(pass: &Pass, out: &mut dyn Write) -> io::Result<()> {
    let Some(migration) = pass.migration.as_ref() else {
        return Ok(());
    };
    let blames = blame(pass);
    if !blames.is_empty() {
        table(
            out,
            &[
                "blocked by",
                "lock",
                "held",
                "requests that waited",
                "longest",
                "in all",
                "who waited",
            ],
        )?;
        for blame in &blames {
            row(out, &cells(migration, blame))?;
        }
    }
    list(
        "Who waited behind whom",
        &queues(pass, migration, &blames),
        out,
    )?;
    list("Deadlocks", &deadlock_sentences(pass), out)
}

fn accused(migration: &Migration, statement: Option<usize>) -> String {
    match statement {
        Some(index) => place(migration, index),
        None => "the migration".to_owned(),
    }
}

fn cells(migration: &Migration, blame: &Blame) -> [String; 7] {
    [
        text(&accused(migration, blame.statement)),
        code(&blame.lock),
        blame
            .held
            .map_or("–".to_owned(), |held| Span(held).to_string()),
        thousands(blame.waits),
        Span(blame.longest).to_string(),
        request_seconds(blame.total.as_secs_f64()),
        text(&who_waited(blame)),
    ]
}

/// What the statements waited for themselves, and who waited behind whom.
fn queues(pass: &Pass, migration: &Migration, blames: &[Blame]) -> Vec<String> {
    let mut sentences = Vec::new();
    for blame in blames {
        if blame.cause.is_some() {
            let accused = accused(migration, blame.statement);
            sentences.push(format!("{accused} {}", charge(migration, blame)));
        }
        sentences.extend(queue(blame));
    }
    let told: BTreeSet<usize> = blames.iter().filter_map(|blame| blame.statement).collect();
    for (index, cause) in cause::lonely(pass, |index| told.contains(&index)) {
        sentences.push(format!(
            "{} {}",
            place(migration, index),
            waited_alone(&cause)
        ));
    }
    sentences.extend(without_connection(pass).filter(|_| !blames.is_empty()));
    if !sentences.is_empty() {
        sentences.extend(precision(pass));
    }
    sentences
}
