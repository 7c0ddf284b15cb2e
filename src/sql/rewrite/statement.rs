//! One statement and what becomes of it.

use squawk_syntax::ast::Stmt;

use super::super::subject::subject;
use super::alter_table::{self, Piece, Turning};
use super::ground::Known;
use super::step::Turned;
use super::{batches, index};

/// What becomes of a statement; no pieces where it stays as it is.
pub(super) fn turn(statement: &Stmt, known: &mut Known<'_>) -> Turning {
    if subject(statement).is_some_and(|table| known.is_new(&table)) {
        return Turning::default();
    }
    let turned = match statement {
        Stmt::AlterTable(alter) => {
            let mut turning = alter_table::turn(alter, known);
            if turning.steps().next().is_none() {
                turning.pieces.clear();
            }
            return turning;
        }
        Stmt::CreateIndex(create) => index::create(create, known),
        Stmt::DropIndex(drop) => index::drop(drop, known),
        Stmt::Reindex(reindex) => index::reindex(reindex, known),
        Stmt::Refresh(refresh) => index::refresh(refresh, known),
        Stmt::Update(update) => batches::update(update, known),
        Stmt::Delete(delete) => batches::delete(delete, known),
        Stmt::Cluster(_) => Turned::stuck(
            "CLUSTER writes the whole table anew and has no online form: use pg_repack",
        ),
        _ => Turned::Kept,
    };
    match turned {
        Turned::Kept => Turning::default(),
        Turned::Stuck(why) => Turning {
            pieces: Vec::new(),
            stuck: vec![why],
        },
        Turned::Steps(steps) => Turning {
            pieces: steps.into_iter().map(Piece::Step).collect(),
            stuck: Vec::new(),
        },
    }
}
