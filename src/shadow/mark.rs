//! The mark of a database that may be written to and thrown away.

use tokio_postgres::Client;

use super::guard::{GuardError, refuse_sessions, refuse_system_database};
use crate::postgres::endpoint::Endpoint;
use crate::postgres::identity::{self, Identity};

/// How the mark begins; a person who lists the databases reads it.
const WORDS: &str = "pgrehearse: a disposable shadow, all in it may be lost";

/// The mark of the database with this identity: a line of the comment on the database, which names the
/// database that it was given to.
///
/// The comment is kept in `pg_shdescription`, which is no part of the database itself: a plain
/// `pg_dump` does not carry it, and neither does `CREATE DATABASE … TEMPLATE`. `pg_dump --create` and
/// `pg_dumpall` do, and so does a copy of the whole cluster; a mark that came in this way to another
/// database would be a licence to destroy it. Therefore the line has the cluster's system identifier,
/// the database's oid and its name, and one that does not fit counts for nothing: the mark ends with a
/// restore elsewhere or `pg_upgrade` (another identifier), with a restore beside (another oid), and
/// with a swap by renaming (another name). Whoever overwrites the comment takes the mark away, which
/// is the safe side. A setting of the database (`ALTER DATABASE … SET`) would do as well, but only a
/// superuser may invent one, and managed servers have none; a table inside would be dumped with the
/// rest. What no mark can tell is a physical copy of a marked database from the original: it is as
/// disposable as that one was when it was copied.
fn line(identity: &Identity) -> String {
    let Identity {
        system_identifier,
        oid,
        database,
        ..
    } = identity;
    format!("{WORDS} [{system_identifier}/{oid}/{database}]")
}

/// Whether a database carries its own mark.
pub(super) fn is_marked(identity: &Identity) -> bool {
    let mark = line(identity);
    let comment = identity.comment.as_deref().unwrap_or_default();
    comment.lines().any(|line| line == mark)
}

/// The comment with the mark: people's own lines stay, marks of other databases go.
fn marked(identity: &Identity) -> String {
    let comment = identity.comment.as_deref().unwrap_or_default();
    let kept = comment.lines().filter(|line| !line.starts_with(WORDS));
    let lines: Vec<String> = kept.map(str::to_owned).chain([line(identity)]).collect();
    lines.join("\n")
}

/// Gives the session's database its mark.
pub(super) async fn give(client: &Client, identity: &Identity) -> Result<(), GuardError> {
    let given = identity::comment(client, &identity.database, &marked(identity)).await;
    given.map_err(|error| GuardError::of_rights(error, identity, "mark"))
}

/// Marks the database that an address leads to as one that may be destroyed. `confirmed` is its name
/// as the user typed it a second time.
///
/// # Errors
/// The name is another's; it is a database of the system or a template; others are connected; the
/// server does not allow it.
pub async fn mark(endpoint: &Endpoint, confirmed: &str) -> Result<Identity, GuardError> {
    let connected = endpoint.connect("pgrehearse mark").await;
    let session = connected.map_err(|source| GuardError::Connect {
        endpoint: endpoint.to_string(),
        source,
    })?;
    let identity = identity::read(&session.client).await?;
    if identity.database != confirmed {
        return Err(GuardError::NotConfirmed {
            confirmed: confirmed.to_owned(),
            database: identity.database,
        });
    }
    refuse_system_database(&identity)?;
    refuse_sessions(&session.client, &identity).await?;
    give(&session.client, &identity).await?;
    // What ends the connection now is of no consequence.
    let _ = session.close().await;
    Ok(identity)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(comment: Option<&str>) -> Identity {
        Identity {
            system_identifier: 7_312_345_678_901_234_567,
            oid: 16_384,
            database: "shop".into(),
            template: false,
            user: "ann".into(),
            version: "18.4".into(),
            comment: comment.map(str::to_owned),
        }
    }

    #[test]
    fn a_mark_is_recognized_and_leaves_the_comment_beside_it() {
        let bare = identity(None);
        assert!(!is_marked(&bare));
        assert!(is_marked(&identity(Some(&marked(&bare)))));
        let commented = identity(Some("our shop\nask Ann"));
        let comment = marked(&commented);
        assert!(comment.starts_with("our shop\nask Ann\npgrehearse: "));
        assert!(is_marked(&identity(Some(&comment))));
        assert_eq!(marked(&identity(Some(&comment))), comment);
    }

    #[test]
    fn a_mark_of_another_database_counts_for_nothing() {
        let mark = marked(&identity(None));
        let carried = identity(Some(&mark));
        let others = [
            Identity {
                system_identifier: 1,
                ..carried.clone()
            },
            Identity {
                oid: 16_385,
                ..carried.clone()
            },
            Identity {
                database: "production".into(),
                ..carried
            },
        ];
        for other in others {
            assert!(!is_marked(&other), "{other:?}");
            assert_eq!(marked(&other).lines().count(), 1);
        }
    }
}
