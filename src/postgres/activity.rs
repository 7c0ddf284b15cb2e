//! `pg_stat_activity` as the lock sampler reads it: what sessions wait for that is no lock of ours.

use tokio_postgres::{Client, Error, Statement};

use crate::observe::activity::{CPU, Doing};

/// What the sessions of this database do, but for the idle ones. A parallel worker works for its
/// leader, which has been told since 13. A backend that waits for nothing computes, or waits for a
/// processor.
const ACTIVITY: &str = "
SELECT coalesce({leader_pid}, a.pid) AS pid,
       a.state = 'active' AS active,
       coalesce(a.wait_event_type, $1) AS wait_event_type,
       a.wait_event,
       CASE WHEN a.backend_type = 'client backend' THEN nullif(a.application_name, '')
            ELSE a.backend_type END AS name
FROM pg_catalog.pg_stat_activity a
WHERE a.datid = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
  AND a.state IS DISTINCT FROM 'idle'
  AND a.pid <> pg_catalog.pg_backend_pid()";

/// The query for what sessions do, prepared.
#[derive(Debug)]
pub struct ActivityQuery(Statement);

impl ActivityQuery {
    /// Prepares it. `server_version_num` decides whether parallel workers name their leader (13).
    pub async fn prepare(client: &Client, server_version_num: i32) -> Result<Self, Error> {
        let text = match server_version_num {
            ..130_000 => ACTIVITY.replace("{leader_pid}", "NULL::int4"),
            _ => ACTIVITY.replace("{leader_pid}", "a.leader_pid"),
        };
        Ok(Self(client.prepare(&text).await?))
    }

    /// Reads what the sessions do at this moment.
    pub async fn read(&self, client: &Client) -> Result<Vec<Doing>, Error> {
        let rows = client.query(&self.0, &[&CPU]).await?;
        rows.iter()
            .map(|row| {
                Ok(Doing {
                    pid: row.try_get("pid")?,
                    active: row.try_get::<_, Option<bool>>("active")?.unwrap_or(false),
                    wait_event_type: row.try_get("wait_event_type")?,
                    wait_event: row.try_get("wait_event")?,
                    name: row.try_get("name")?,
                })
            })
            .collect()
    }
}
