//! Who was hurt by what: each lock of the migration, the queue behind it, and what it cost; deadlocks.

use std::io::{self, Write};

use crate::judge::Blame;
use crate::judge::wording::{place, request_seconds, thousands};
use crate::observe::{Migration, Pass};
use crate::report::hurt::{Hurt, charge, hurt, queue, waited_alone, who_waited};
use crate::units::Span;

use super::{code, list, row, table, text};

pub(super) fn write(pass: &Pass, out: &mut dyn Write) -> io::Result<()> {
    let Some(hurt) = hurt(pass) else {
        return Ok(());
    };
    if !hurt.blames.is_empty() {
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
        for blame in &hurt.blames {
            row(out, &cells(hurt.migration, blame))?;
        }
    }
    list("Who waited behind whom", &queues(&hurt), out)?;
    list("Deadlocks", &hurt.deadlocks, out)
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
fn queues(hurt: &Hurt<'_>) -> Vec<String> {
    let mut sentences = Vec::new();
    for blame in &hurt.blames {
        if blame.cause.is_some() {
            let accused = accused(hurt.migration, blame.statement);
            sentences.push(format!("{accused} {}", charge(hurt.migration, blame)));
        }
        sentences.extend(queue(blame));
    }
    for (index, cause) in &hurt.lonely {
        let accused = place(hurt.migration, *index);
        sentences.push(format!("{accused} {}", waited_alone(cause)));
    }
    sentences.extend(hurt.remarks.iter().cloned());
    sentences
}
