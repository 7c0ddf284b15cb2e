//! UNIQUE and PRIMARY KEY: the index is built beside the traffic, and the constraint only takes it over.

use squawk_syntax::ast::{self, AstNode, ConstraintOption};
use squawk_syntax::quote::quote_ident;

use super::super::words::{flat, flat_text, name_of};
use super::constraint::named;
use super::ground::Known;
use super::not_null;
use super::replaced::REPLACES;
use super::step::{Step, Turned};
use super::target::Target;

/// What UNIQUE and PRIMARY KEY have in common.
pub(super) struct Key {
    primary: bool,
    clause: Option<ast::ConstraintNameClause>,
    parameters: Option<ast::IndexParameters>,
    options: Vec<ConstraintOption>,
    uses_index: bool,
}

impl Key {
    pub(super) fn unique(key: &ast::UniqueConstraint) -> Self {
        Self {
            primary: false,
            clause: key.constraint_name_clause(),
            parameters: key.index_parameters(),
            options: key.constraint_options().collect(),
            uses_index: key.using_index().is_some(),
        }
    }

    pub(super) fn primary(key: &ast::PrimaryKeyConstraint) -> Self {
        Self {
            primary: true,
            clause: key.constraint_name_clause(),
            parameters: key.index_parameters(),
            options: key.constraint_options().collect(),
            uses_index: key.using_index().is_some(),
        }
    }

    fn rule(&self) -> &'static str {
        match self.primary {
            true => "adding-serial-primary-key-field",
            false => "disallowed-unique-constraint",
        }
    }
}

/// The safe form; `column`: the column that the constraint belongs to, of one that names none.
pub(super) fn key(
    target: &Target<'_>,
    key: &Key,
    column: Option<&str>,
    known: &mut Known<'_>,
) -> Turned {
    if key.uses_index {
        return Turned::Kept;
    }
    if known.has_dropped_key(&target.name) {
        return Turned::stuck(REPLACES);
    }
    if target.is_partitioned() {
        return Turned::stuck(
            "a partitioned table cannot take over an index: CREATE UNIQUE INDEX ON ONLY it, the same \
             CONCURRENTLY on each partition, and ALTER INDEX … ATTACH PARTITION give the same guarantee",
        );
    }
    let parameters = key.parameters.as_ref();
    let list = parameters.and_then(ast::IndexParameters::column_list);
    if list
        .as_ref()
        .is_some_and(|list| list.without_overlaps().is_some())
    {
        return Turned::stuck("a key WITHOUT OVERLAPS has no online form");
    }
    let columns: Vec<String> = match &list {
        Some(list) => list.column_name_refs().map(|name| name_of(&name)).collect(),
        None => column.into_iter().map(str::to_owned).collect(),
    };
    if columns.is_empty() {
        return Turned::Kept;
    }
    let mut steps = Vec::new();
    if key.primary {
        for column in &columns {
            if not_null::is_not_null(target, column) || known.is_proven(&target.name, column) {
                continue;
            }
            match not_null::set_not_null(target, column, known) {
                Turned::Steps(more) => steps.extend(more.into_iter().map(|step| Step {
                    rule: key.rule(),
                    ..step
                })),
                Turned::Stuck(why) => return Turned::Stuck(why),
                Turned::Kept => {}
            }
        }
    }
    // Included columns are in its name, too (`ChooseIndexName`).
    let mut all = columns.clone();
    let include = parameters.and_then(ast::IndexParameters::constraint_include_clause);
    let include = include.and_then(|clause| clause.column_ref_list());
    all.extend(include.iter().flat_map(|list| {
        let names = list.column_name_refs();
        names.map(|name| name_of(&name))
    }));
    let named_by = match key.primary {
        true => (&[][..], "pkey"),
        false => (&all[..], "key"),
    };
    let name = named(key.clause.as_ref(), target, known, |known| {
        known.names.index(target.place(), named_by.0, named_by.1)
    });
    steps.extend(build_and_take_over(target, key, (&name, &columns)));
    Turned::Steps(steps)
}

fn build_and_take_over(
    target: &Target<'_>,
    key: &Key,
    (name, columns): (&str, &[String]),
) -> [Step; 2] {
    let name = quote_ident(name);
    let columns: Vec<String> = columns.iter().map(|column| quote_ident(column)).collect();
    let mut index = format!(
        "CREATE UNIQUE INDEX CONCURRENTLY {name} ON {} ({})",
        target.written,
        columns.join(", ")
    );
    if let Some(parameters) = &key.parameters {
        for part in [
            parameters
                .constraint_include_clause()
                .map(|part| flat(&part)),
            parameters.nulls_distinct_option().map(|part| flat(&part)),
            parameters.with_params().map(|part| flat(&part)),
            parameters.constraint_index_tablespace().map(|part| {
                flat(&part)
                    .split_whitespace()
                    .skip(2)
                    .collect::<Vec<_>>()
                    .join(" ")
            }),
        ]
        .into_iter()
        .flatten()
        {
            index = format!("{index} {part}");
        }
    }
    let kind = match key.primary {
        true => "PRIMARY KEY",
        false => "UNIQUE",
    };
    let mut adopt = target.does(&format!("ADD CONSTRAINT {name} {kind} USING INDEX {name}"));
    for option in &key.options {
        let option = flat_text(&option.syntax().text().to_string());
        adopt = format!("{adopt} {option}");
    }
    [
        Step::long(
            key.rule(),
            index,
            "reads and writes go on while it builds; if it fails (on duplicates, too), it leaves an invalid \
             index, to be removed with DROP INDEX CONCURRENTLY",
        ),
        Step::brief(
            key.rule(),
            adopt,
            "takes over the index: the lock is held for an instant",
        ),
    ]
}
