//! Why a fill failed, and what the scenario can say so that it does not.

use tokio_postgres::error::{DbError, SqlState};

use crate::postgres::connect::describe;
use crate::schema::{RelationName, Schema, Table};

/// Why a fill failed.
#[derive(Debug, thiserror::Error)]
pub enum FillError {
    /// No connection.
    #[error("connecting to fill the shadow: {}", describe(.0))]
    Connect(#[source] tokio_postgres::Error),
    /// A failure that leaves more undone than rows.
    #[error("{error}\n  the database is unfinished: {state}")]
    Unfinished {
        /// What failed.
        error: Box<FillError>,
        /// In which state the database is.
        state: String,
    },
    /// A failure before the fill changed anything.
    #[error("{error}\n  the tables are as they were: rows are tried before the fill")]
    Untouched {
        /// What failed.
        error: Box<FillError>,
    },
    /// Rows that the database does not accept.
    #[error("{doing}: {message}{}; {help}", place(context))]
    Rejected {
        /// What was being done, with the table's name.
        doing: String,
        /// The constraint that the rows break, if one.
        constraint: Option<String>,
        /// The server's message.
        message: String,
        /// Where, as the server says it.
        context: Option<String>,
        /// What to do.
        help: String,
    },
    /// A `sql` of the scenario that the server does not evaluate.
    #[error("{column}: {message}; {help}")]
    Expression {
        /// The column, with its table.
        column: String,
        /// What the server says.
        message: String,
        /// The expression, and where to correct it.
        help: String,
    },
    /// Anything else that the server or the connection says.
    #[error("{doing}: {}", describe(source))]
    Server {
        /// What was being done.
        doing: String,
        /// What was said.
        source: tokio_postgres::Error,
    },
    /// A thread or its event loop could not be started.
    #[error("starting a worker of the fill: {0}")]
    Worker(#[from] std::io::Error),
    /// A worker ended without a result.
    #[error("a worker of the fill died: this is a defect of the tool")]
    Died,
    /// It was told to stop.
    #[error("the fill was stopped")]
    Stopped,
}

fn place(context: &Option<String>) -> String {
    match context {
        Some(context) => format!(" ({context})"),
        None => String::new(),
    }
}

impl FillError {
    /// The same with the state that it leaves, if there is something to say of it.
    pub(super) fn with_state(self, state: Option<String>) -> Self {
        match (self, state) {
            (Self::Stopped, _) => Self::Stopped,
            (error, None) => error,
            (error, Some(state)) => Self::Unfinished {
                error: Box::new(error),
                state,
            },
        }
    }

    /// The same of a fill that has changed nothing yet.
    pub(super) fn before_any_change(self) -> Self {
        match self {
            Self::Stopped => Self::Stopped,
            error => Self::Untouched {
                error: Box::new(error),
            },
        }
    }

    /// What a server's error means for the scenario.
    pub(super) fn explain(schema: &Schema, doing: &str, source: tokio_postgres::Error) -> Self {
        Self::of_rows(schema, None, doing, source)
    }

    /// The same of an error that rows of `table` cause, where that is known.
    pub(super) fn of_rows(
        schema: &Schema,
        table: Option<&RelationName>,
        doing: &str,
        source: tokio_postgres::Error,
    ) -> Self {
        let doing = doing.to_owned();
        let Some(error) = source.as_db_error() else {
            return Self::Server { doing, source };
        };
        let table = table.and_then(|name| schema.tables.iter().find(|table| table.name == *name));
        let Some(help) = help(schema, table, error) else {
            return Self::Server { doing, source };
        };
        Self::Rejected {
            doing,
            constraint: error.constraint().map(str::to_owned),
            message: match error.detail() {
                Some(detail) => format!("{}: {detail}", error.message()),
                None => error.message().to_owned(),
            },
            context: error.where_().map(str::to_owned),
            help,
        }
    }
}

/// What the scenario can say against an error of the data; none for other errors.
fn help(schema: &Schema, table: Option<&Table>, error: &DbError) -> Option<String> {
    let named = schema.tables.iter().find(|table| {
        error.schema() == Some(&table.name.schema) && error.table() == Some(&table.name.name)
    });
    // Of rows that are tried the server names the double.
    let table = named.or(table);
    let code = error.code();
    let columns = match (error.column(), table) {
        (Some(column), _) => vec![column.to_owned()],
        (None, Some(table)) => blamed(table, error),
        (None, None) => Vec::new(),
    };
    let rule = table.and_then(|table| expression(table, &columns, error));
    let rule = rule.unwrap_or_default();
    let table = table.map(|table| table.name.scenario_key());
    let section = match (table, columns.as_slice()) {
        (Some(table), [column]) => format!("under [tables.{table}.columns.{column}]"),
        (Some(table), _) => format!("for {} under [tables.{table}.columns]", list(&columns)),
        (None, _) => "for the column under [tables]".to_owned(),
    };
    if *code == SqlState::UNIQUE_VIOLATION {
        return Some(format!(
            "give values that do not repeat, `pattern`, `values` or `sql`, {section}"
        ));
    }
    if *code == SqlState::FOREIGN_KEY_VIOLATION {
        return Some(format!(
            "leave the values to the foreign key, or give ones that the referenced table has, {section}"
        ));
    }
    if *code == SqlState::CHECK_VIOLATION || *code == SqlState::EXCLUSION_VIOLATION {
        return Some(format!(
            "{rule}say what holds with `values`, `range`, `pattern` or `sql` {section}"
        ));
    }
    if *code == SqlState::NOT_NULL_VIOLATION {
        return Some(format!("give it `values`, a `pattern` or `sql` {section}"));
    }
    // Class 22 is data exceptions: a value that the type does not take.
    code.code()
        .starts_with("22")
        .then(|| format!("say what the type takes with `values`, `pattern` or `sql` {section}"))
}

/// The columns of a table that an error is about.
fn blamed(table: &Table, error: &DbError) -> Vec<String> {
    let constrained = constrained(table, error.constraint().unwrap_or_default());
    if !constrained.is_empty() {
        return constrained;
    }
    // As in "COPY t, line 3, column price: ...".
    let context = error
        .where_()
        .and_then(|context| context.split_once(", column "));
    let written = context.and_then(|(_, rest)| rest.split_once(": "));
    if let Some(column) = written.and_then(|(name, _)| table.column(name)) {
        return vec![column.name.clone()];
    }
    let Some(domain) = error.datatype() else {
        return Vec::new();
    };
    let has_it = |name: &str| {
        let own = name.trim_end_matches("[]").rsplit('.').next();
        own.is_some_and(|own| own.trim_matches('"') == domain)
    };
    let columns = table
        .columns
        .iter()
        .filter(|column| has_it(&column.data_type.name));
    columns.map(|column| column.name.clone()).collect()
}

/// What the CHECK that an error names says, of a table or of a domain.
fn expression(table: &Table, columns: &[String], error: &DbError) -> Option<String> {
    let name = error.constraint()?;
    if let Some(check) = table.checks.iter().find(|check| check.name == name) {
        return Some(format!("CHECK {name} is {}: ", check.expression));
    }
    let column = table.column(columns.first()?)?;
    let checks = column.data_type.kind.domain_checks();
    let domain = error.datatype()?;
    (!checks.is_empty()).then(|| format!("domain {domain} has CHECK {}: ", checks.join(", CHECK ")))
}

fn constrained(table: &Table, constraint: &str) -> Vec<String> {
    let checks = table
        .checks
        .iter()
        .map(|check| (&check.name, &check.columns));
    let keys = table
        .unique_keys
        .iter()
        .map(|key| (&key.name, &key.columns));
    let foreign = table
        .foreign_keys
        .iter()
        .map(|key| (&key.name, &key.columns));
    checks
        .chain(keys)
        .chain(foreign)
        .find(|(name, _)| *name == constraint)
        .map(|(_, columns)| columns.clone())
        .unwrap_or_default()
}

fn list(columns: &[String]) -> String {
    match columns {
        [] => "its columns".to_owned(),
        some => some.join(", "),
    }
}
