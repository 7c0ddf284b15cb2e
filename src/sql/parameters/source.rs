//! What stands in a FROM list, and what a statement writes to.

use squawk_syntax::ast::{self, AstNode};
use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::TableUse;

/// What `ON CONFLICT` calls the row that was to be inserted.
pub(super) const EXCLUDED: &str = "excluded";

/// What stands in a FROM list.
pub(super) enum Source {
    /// A table, or the one that a statement writes to.
    Table {
        table: TableUse,
        alias: String,
        mention: usize,
    },
    /// A subquery or a common table expression, with the names that its columns are given.
    Query {
        query: SyntaxNode,
        alias: String,
        names: Vec<String>,
    },
    /// A function or anything else.
    Opaque { alias: String },
}

impl Source {
    pub(super) fn alias(&self) -> &str {
        match self {
            Self::Table { alias, .. } | Self::Query { alias, .. } | Self::Opaque { alias } => alias,
        }
    }
}

/// What a query reads from and writes to; nothing of a node that is no query.
pub(super) fn sources(query: &SyntaxNode) -> Vec<Source> {
    let mut found: Vec<Source> = Vec::new();
    if is_writing(query.kind())
        && let Some((table, mention)) = written(query)
    {
        let alias = alias(query).unwrap_or_else(|| table.name.clone());
        let excluded = Source::Table {
            table: table.clone(),
            alias: EXCLUDED.to_owned(),
            mention,
        };
        found.push(Source::Table {
            table,
            alias,
            mention,
        });
        if query.kind() == SyntaxKind::INSERT {
            found.push(excluded);
        }
    }
    let mut open: Vec<SyntaxNode> = query.children().filter(is_list).collect();
    while let Some(node) = open.pop() {
        match node.kind() {
            SyntaxKind::FROM_CLAUSE
            | SyntaxKind::USING_CLAUSE
            | SyntaxKind::USING_ON_CLAUSE
            | SyntaxKind::JOIN_EXPR
            | SyntaxKind::JOIN
            | SyntaxKind::PAREN_EXPR => {
                let mut items: Vec<SyntaxNode> = node.children().collect();
                items.reverse();
                open.extend(items);
            }
            SyntaxKind::PAREN_FROM_ITEM => match node.children().next() {
                Some(inner) if inner.kind() == SyntaxKind::PAREN_EXPR && !holds_query(&inner) => {
                    open.push(inner);
                }
                Some(inner) => found.push(query_source(&node, inner)),
                None => {}
            },
            SyntaxKind::RELATION_FROM_ITEM => found.extend(relation(&node)),
            SyntaxKind::FUNCTION_FROM_ITEM
            | SyntaxKind::EXPR_FROM_ITEM
            | SyntaxKind::ROWS_FROM_ITEM
            | SyntaxKind::JSON_TABLE_FROM_ITEM => found.push(Source::Opaque {
                alias: alias(&node).unwrap_or_default(),
            }),
            _ => {}
        }
    }
    found
}

fn is_list(node: &SyntaxNode) -> bool {
    matches!(
        node.kind(),
        SyntaxKind::FROM_CLAUSE | SyntaxKind::USING_CLAUSE | SyntaxKind::USING_ON_CLAUSE
    )
}

fn is_writing(kind: SyntaxKind) -> bool {
    matches!(
        kind,
        SyntaxKind::INSERT | SyntaxKind::UPDATE | SyntaxKind::DELETE | SyntaxKind::MERGE
    )
}

fn holds_query(parentheses: &SyntaxNode) -> bool {
    parentheses.children().any(|child| {
        matches!(
            child.kind(),
            SyntaxKind::SELECT
                | SyntaxKind::VALUES
                | SyntaxKind::COMPOUND_SELECT
                | SyntaxKind::PAREN_SELECT
        )
    })
}

fn query_source(item: &SyntaxNode, query: SyntaxNode) -> Source {
    Source::Query {
        query,
        alias: alias(item).unwrap_or_default(),
        names: column_names(item),
    }
}

/// A table or a common table expression in a FROM list.
fn relation(item: &SyntaxNode) -> Option<Source> {
    let table = path(item)?;
    let alias = alias(item).unwrap_or_else(|| table.name.clone());
    if let Some(with) = common_table(item, &table) {
        let query = with.query()?.syntax().clone();
        let names = with
            .column_list()
            .map_or_else(Vec::new, |list| names_in(list.syntax()));
        return Some(Source::Query {
            query,
            alias,
            names,
        });
    }
    let mention = item.text_range().start().into();
    Some(Source::Table {
        table,
        alias,
        mention,
    })
}

/// The common table expression that a name means at a place.
fn common_table(at: &SyntaxNode, table: &TableUse) -> Option<ast::WithTable> {
    if table.schema.is_some() {
        return None;
    }
    at.ancestors()
        .filter_map(|node| node.children().find_map(ast::WithClause::cast))
        .flat_map(|with| with.with_tables())
        .find(|with| {
            with.name()
                .is_some_and(|name| node_name(name.syntax()) == table.name)
        })
}

/// The table that a statement writes to, and its mention.
pub(super) fn written(statement: &SyntaxNode) -> Option<(TableUse, usize)> {
    let mention = usize::from(statement.text_range().start());
    let name = statement.children().find(|child| {
        matches!(
            child.kind(),
            SyntaxKind::RELATION_NAME_REF
                | SyntaxKind::RELATION_NAME
                | SyntaxKind::TABLE_RELATION_NAME
        )
    })?;
    Some((path(&name)?, mention))
}

/// The first name of a relation below a node.
fn path(node: &SyntaxNode) -> Option<TableUse> {
    let path = node.descendants().find_map(ast::PathRef::cast)?;
    Some(TableUse {
        schema: path
            .qualifier()
            .and_then(|schema| Some(schema.segment()?.text())),
        name: path.segment()?.text(),
    })
}

fn alias(item: &SyntaxNode) -> Option<String> {
    let alias = item.children().find(|child| {
        matches!(
            child.kind(),
            SyntaxKind::FROM_ALIAS | SyntaxKind::OPTIONAL_AS_ALIAS | SyntaxKind::REQUIRED_AS_ALIAS
        )
    })?;
    let name = alias
        .children()
        .find(|child| child.kind() == SyntaxKind::TABLE_ALIAS)?;
    Some(node_name(&name))
}

/// `AS v (a, b)`.
fn column_names(item: &SyntaxNode) -> Vec<String> {
    let alias = item.children().find_map(ast::FromAlias::cast);
    let columns = alias.and_then(|alias| alias.columns());
    columns.map_or_else(Vec::new, |columns| names_in(columns.syntax()))
}

fn names_in(list: &SyntaxNode) -> Vec<String> {
    let names = list.descendants().filter_map(ast::ColumnName::cast);
    names.map(|name| name.text()).collect()
}

fn node_name(node: &SyntaxNode) -> String {
    ast::normalize_name_node(node)
}

/// Every table that a statement names, those that it writes to first, each once.
pub(super) fn tables(root: &SyntaxNode) -> Vec<TableUse> {
    let writing = root.descendants().filter(|node| is_writing(node.kind()));
    let mut found: Vec<TableUse> = writing.filter_map(|node| Some(written(&node)?.0)).collect();
    let read = root
        .descendants()
        .filter(|node| node.kind() == SyntaxKind::RELATION_FROM_ITEM);
    found.extend(read.filter_map(|item| {
        let table = path(&item)?;
        common_table(&item, &table).is_none().then_some(table)
    }));
    let mut once: Vec<TableUse> = Vec::new();
    for table in found {
        if !once.contains(&table) {
            once.push(table);
        }
    }
    once
}
