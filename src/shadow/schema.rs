//! Loading schema files: what `pg_dump` writes as it comes, or plain DDL.

mod error;
mod guest;
mod words;

use std::collections::BTreeSet;
use std::pin::pin;

use bytes::Bytes;
use futures_util::SinkExt;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Error};

pub use error::{SchemaError, StatementFailure};
use error::{excerpt, failure, missing_role};
pub use guest::load_schema_as_guest;
use words::{BLOCK_BEGINS, BLOCK_ENDS, begins_with};

use crate::postgres::endpoint::Endpoint;
use crate::postgres::{database, savepoint};
use crate::scenario::plan::SourceFile;
use crate::sql::{SchemaItem, SqlStatement, parse_schema_file};

/// Bytes of `COPY` data sent in one message.
const COPY_CHUNK: usize = 64 * 1024;

/// What loading did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LoadSummary {
    /// Statements carried out, `COPY` included.
    pub statements: u64,
    /// Rows loaded by `COPY`.
    pub rows: u64,
    /// Roles that the schema speaks of and that were created, without login.
    pub roles: BTreeSet<String>,
    /// Statements that were passed over, and why; one sentence each.
    pub notes: Vec<String>,
    /// Statements on owners and rights that the user may not carry out.
    pub unowned: u64,
}

/// Whose server a schema is loaded on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Host {
    /// The tool's own, which holds nothing else.
    Own,
    /// Somebody else's.
    Other,
}

/// Loads schema files in order, each on a connection of its own, since dumps change `search_path` and
/// other settings of theirs.
///
/// A role that does not exist is created, without login and rights. Settings and roles of PostgreSQL
/// itself that this server lacks (a dump of a newer version), a `CREATE` of the schema `public`,
/// which is there, and what is said of a database of another name are passed over with a note.
///
/// # Errors
/// The first statement that fails, by file and line. What was loaded before it stays.
pub async fn load_schema(
    endpoint: impl Into<Endpoint>,
    files: &[SourceFile],
) -> Result<LoadSummary, SchemaError> {
    let endpoint = endpoint.into();
    let mut summary = load_files(&endpoint, files, Host::Own).await?;
    let session = endpoint.connect("pgrehearse schema").await;
    let session = session.map_err(SchemaError::Session)?;
    // What a dump sets for a person of that name would rule every session of the tool.
    let reset = database::reset_role(&session.client).await;
    if reset.map_err(SchemaError::Session)? {
        let note = "settings of the superuser (ALTER ROLE … SET) were passed over: all of the rehearsal's sessions are its";
        summary.notes.push(note.to_owned());
    }
    session.close().await.map_err(SchemaError::Session)?;
    Ok(summary)
}

async fn load_files(
    endpoint: &Endpoint,
    files: &[SourceFile],
    host: Host,
) -> Result<LoadSummary, SchemaError> {
    let mut summary = LoadSummary::default();
    for file in files {
        let session = endpoint
            .connect("pgrehearse schema")
            .await
            .map_err(SchemaError::Session)?;
        let mut loader = Loader {
            client: &session.client,
            host,
            in_block: false,
            may_not_create_roles: false,
            summary: &mut summary,
        };
        for item in parse_schema_file(&file.name, &file.text)? {
            loader.load(file, &item).await?;
        }
        if loader.in_block {
            let file = file.name.clone();
            return Err(SchemaError::OpenTransaction { file });
        }
        session.close().await.map_err(SchemaError::Session)?;
    }
    Ok(summary)
}

struct Loader<'a> {
    client: &'a Client,
    host: Host,
    /// Inside of the file's own `BEGIN … COMMIT`, where a failed statement spoils all that follow.
    in_block: bool,
    /// Found out by trying.
    may_not_create_roles: bool,
    summary: &'a mut LoadSummary,
}

/// What is done about a refused statement.
enum Remedy {
    /// It needs this role.
    CreateRole(String),
    /// It can be left out, for this reason.
    PassOver(&'static str),
    /// It can be left out as one of many about owners and rights.
    LeaveOwner,
}

impl Loader<'_> {
    /// Carries an item out, after creating the roles it needs.
    async fn load(&mut self, file: &SourceFile, item: &SchemaItem<'_>) -> Result<(), SchemaError> {
        let statement = match item {
            SchemaItem::Statement(statement) | SchemaItem::CopyData { statement, .. } => statement,
        };
        if begins_with(&statement.text, &["CREATE", "DATABASE"]) {
            return Err(SchemaError::CreatesDatabase {
                file: file.name.clone(),
                line: statement.line,
            });
        }
        let shared = guest::shared(&statement.text).filter(|_| self.host == Host::Other);
        if let Some(reason) = shared {
            self.pass_over(file, statement, reason);
            return Ok(());
        }
        loop {
            let Err(error) = self.attempt(item).await else {
                self.summary.statements += 1;
                return Ok(());
            };
            match self.remedy(&error, statement) {
                Some(Remedy::CreateRole(role)) => self.create_role(file, statement, role).await?,
                Some(Remedy::PassOver(reason)) => {
                    self.pass_over(file, statement, reason);
                    return Ok(());
                }
                Some(Remedy::LeaveOwner) => {
                    self.summary.unowned += 1;
                    return Ok(());
                }
                None => return Err(failure(file, statement, error)),
            }
        }
    }

    fn pass_over(&mut self, file: &SourceFile, statement: &SqlStatement, reason: &str) {
        let place = format!("{}:{}", file.name, statement.line);
        let what = excerpt(&statement.text);
        self.summary
            .notes
            .push(format!("{place}: `{what}` was passed over: {reason}"));
    }

    /// Sends an item. After a failure the session is as it was before.
    async fn attempt(&mut self, item: &SchemaItem<'_>) -> Result<(), Error> {
        let client = self.client;
        let (SchemaItem::Statement(statement) | SchemaItem::CopyData { statement, .. }) = item;
        let ends_block = BLOCK_ENDS
            .iter()
            .any(|words| begins_with(&statement.text, words));
        let guarded = self.in_block && !ends_block;
        if guarded {
            savepoint::set(client).await?;
        }
        let result = match item {
            SchemaItem::Statement(statement) => client.batch_execute(&statement.text).await,
            SchemaItem::CopyData { statement, data } => copy(client, statement, data)
                .await
                .map(|rows| self.summary.rows += rows),
        };
        match (guarded, &result) {
            (true, Ok(())) => savepoint::release(client).await?,
            (true, Err(error)) if error.as_db_error().is_some() => {
                savepoint::roll_back(client).await?;
            }
            _ => {}
        }
        if result.is_ok() {
            let begins_block = BLOCK_BEGINS
                .iter()
                .any(|words| begins_with(&statement.text, words));
            self.in_block = begins_block || guarded;
        }
        result
    }

    fn remedy(&self, error: &Error, statement: &SqlStatement) -> Option<Remedy> {
        let error = error.as_db_error()?;
        if self.host == Host::Other && guest::is_of_ownership(&statement.text, error) {
            return Some(Remedy::LeaveOwner);
        }
        if *error.code() == SqlState::INVALID_CATALOG_NAME {
            return Some(Remedy::PassOver(
                "the shadow's database has another name, and keeps its own settings",
            ));
        }
        if let Some(role) = missing_role(error) {
            // Names that begin so are PostgreSQL's own: nobody can create one.
            if role.starts_with("pg_") {
                return Some(Remedy::PassOver(
                    "this version of PostgreSQL has no such role",
                ));
            }
            // One that was created and is missing still would be asked for without end.
            return match (self.summary.roles.contains(role), self.may_not_create_roles) {
                (true, _) => None,
                (false, true) => Some(Remedy::LeaveOwner),
                (false, false) => Some(Remedy::CreateRole(role.to_owned())),
            };
        }
        let unknown_setting = *error.code() == SqlState::UNDEFINED_OBJECT
            && begins_with(&statement.text, &["SET"])
            && error
                .message()
                .starts_with("unrecognized configuration parameter");
        if unknown_setting {
            return Some(Remedy::PassOver(
                "this version of PostgreSQL has no such setting",
            ));
        }
        let there_already = *error.code() == SqlState::DUPLICATE_SCHEMA
            && begins_with(&statement.text, &["CREATE", "SCHEMA"])
            && error.message().contains("\"public\"");
        if there_already {
            return Some(Remedy::PassOver("the schema is there already"));
        }
        let superuser = *error.code() == SqlState::DUPLICATE_OBJECT
            && begins_with(&statement.text, &["CREATE", "ROLE"]);
        superuser.then_some(Remedy::PassOver("the role is there already"))
    }

    /// Creates a role; inside of a block, a failure is undone.
    async fn guarded_create(&self, role: &str) -> Result<(), Error> {
        if !self.in_block {
            return database::create_role(self.client, role).await;
        }
        savepoint::set(self.client).await?;
        let created = database::create_role(self.client, role).await;
        match created {
            Ok(()) => savepoint::release(self.client).await?,
            Err(_) => savepoint::roll_back(self.client).await?,
        }
        created
    }

    async fn create_role(
        &mut self,
        file: &SourceFile,
        statement: &SqlStatement,
        role: String,
    ) -> Result<(), SchemaError> {
        match self.guarded_create(&role).await {
            Err(error)
                if self.host == Host::Other
                    && error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE) =>
            {
                self.may_not_create_roles = true;
                return Ok(());
            }
            other => other.map_err(|error| failure(file, statement, error))?,
        }
        self.summary.roles.insert(role);
        Ok(())
    }
}

async fn copy(client: &Client, statement: &SqlStatement, data: &str) -> Result<u64, Error> {
    let mut sink = pin!(client.copy_in::<_, Bytes>(&statement.text).await?);
    for chunk in data.as_bytes().chunks(COPY_CHUNK) {
        sink.feed(Bytes::copy_from_slice(chunk)).await?;
    }
    sink.finish().await
}
