//! The kinds of transactions of a pass in which the next release comes, as a table that several formats
//! print: which of them went, and which came.

use crate::judge::wording::percent;
use crate::observe::{Accounting, Pass, TransactionPhase};
use crate::units::Span;

/// One kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KindRow {
    /// Its name, with `(next)` where only the next release sends it.
    pub(super) name: String,
    /// Requests due in each phase, and their p99; none where none ended.
    pub(super) phases: Vec<(u64, Option<Span>)>,
    /// The share that was lost, of all phases; none where none was due.
    pub(super) lost: Option<String>,
}

/// The kinds of a pass in the scenario's order; none where no release comes that brings any.
pub(super) fn kinds_of(pass: &Pass) -> Vec<KindRow> {
    let names = pass.phases.first().filter(|_| !pass.next.is_empty());
    let names = names.into_iter().flat_map(|phase| &phase.transactions);
    names.map(|kind| row(pass, &kind.name)).collect()
}

fn row(pass: &Pass, name: &str) -> KindRow {
    let mut all = Accounting::default();
    let phases = pass.phases.iter().map(|phase| {
        let kind = phase.transactions.iter().find(|kind| kind.name == name);
        kind.map_or((0, None), |kind| {
            all.merge(&kind.accounting);
            (kind.accounting.scheduled, p99(kind))
        })
    });
    KindRow {
        phases: phases.collect(),
        name: match pass.next.iter().any(|next| next.name == name) {
            true => format!("{name} (next)"),
            false => name.to_owned(),
        },
        lost: all.error_rate().map(percent),
    }
}

fn p99(kind: &TransactionPhase) -> Option<Span> {
    let latency = kind.latency?;
    Some(Span::from_seconds(latency.p99))
}
