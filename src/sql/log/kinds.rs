//! Kinds of transactions: those whose statements differ in their values alone.

use std::collections::{BTreeMap, BTreeSet};

use super::LoggedKind;
use super::groups::Group;
use super::statement_text::Block;

/// Kinds that a report shows one by one. What a person can read, and rarer kinds have too few
/// transactions for percentiles.
const SHOWN: usize = 50;

/// What the kinds beyond that are together.
const OTHER: &str = "other";

/// Statements that a name lists.
const NAMED: usize = 3;

/// Counts transactions by kind.
#[derive(Debug, Default)]
pub(super) struct Kinds {
    /// Their numbers by their statements' normal forms.
    numbers: BTreeMap<String, usize>,
    kinds: Vec<LoggedKind>,
}

impl Kinds {
    /// The number of a group's kind.
    pub(super) fn number(&mut self, group: &Group<'_>) -> usize {
        let (form, name) = form_and_name(group);
        let next = self.kinds.len();
        let number = *self.numbers.entry(form).or_insert(next);
        if number == next {
            self.kinds.push(LoggedKind {
                name,
                transactions: 0,
            });
        }
        if let Some(kind) = self.kinds.get_mut(number) {
            kind.transactions += 1;
        }
        number
    }

    /// The kinds to show, the most frequent first, and for each number the place of its kind among them.
    pub(super) fn finish(self) -> (Vec<LoggedKind>, Vec<usize>) {
        let mut order: Vec<(usize, LoggedKind)> = self.kinds.into_iter().enumerate().collect();
        order.sort_by_key(|(number, kind)| (std::cmp::Reverse(kind.transactions), *number));
        let shown = match order.len() > SHOWN {
            true => SHOWN - 1,
            false => order.len(),
        };
        let mut places = vec![0; order.len()];
        let mut kinds: Vec<LoggedKind> = Vec::new();
        for (rank, (number, kind)) in order.into_iter().enumerate() {
            let place = rank.min(shown);
            if let Some(slot) = places.get_mut(number) {
                *slot = place;
            }
            match kinds.get_mut(place) {
                Some(other) => other.transactions += kind.transactions,
                None if rank < shown => kinds.push(kind),
                None => kinds.push(LoggedKind {
                    name: OTHER.to_owned(),
                    ..kind
                }),
            }
        }
        tell_apart(&mut kinds);
        (kinds, places)
    }
}

/// The normal forms of a group's statements and their names. A statement repeated in a loop counts once,
/// so that the number of turns makes no kind.
fn form_and_name(group: &Group<'_>) -> (String, String) {
    let mut forms: Vec<&str> = Vec::new();
    let mut names: Vec<&str> = Vec::new();
    for said in &group.statements {
        let normal = &said.text.normal;
        if said.text.block != Block::Keeps {
            continue;
        }
        if forms.last() != Some(&normal.text.as_str()) {
            forms.push(&normal.text);
        }
        if !normal.name.is_empty() && !names.contains(&normal.name.as_str()) {
            names.push(&normal.name);
        }
    }
    let more = if names.len() > NAMED { ", …" } else { "" };
    names.truncate(NAMED);
    let name = match names.as_slice() {
        [] => "transaction control".to_owned(),
        names => names.join(", ") + more,
    };
    (forms.join("; "), name)
}

/// Numbers kinds of the same name: `update accounts`, `update accounts #2`.
fn tell_apart(kinds: &mut [LoggedKind]) {
    let mut taken = BTreeSet::new();
    for kind in kinds {
        let mut name = kind.name.clone();
        let mut number = 1;
        while !taken.insert(name.clone()) {
            number += 1;
            name = format!("{} #{number}", kind.name);
        }
        kind.name = name;
    }
}
