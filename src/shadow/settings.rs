//! The server's configuration: sized to the machine, durable while measuring, fast while filling.

use std::collections::BTreeMap;
use std::path::Path;

use super::error::ServerError;
use super::machine::{MIB, Machine};
use crate::postgres::{names, persistence};

/// How much a server gives for speed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Nothing survives a crash of the machine and nothing tidies up in between: for loading.
    Filling,
    /// As in production: for measuring.
    Production,
}

/// Settings by which the tool finds and reaches its own server.
const RESERVED: [&str; 12] = [
    "config_file",
    "data_directory",
    "external_pid_file",
    "hba_file",
    "ident_file",
    "include",
    "include_dir",
    "listen_addresses",
    persistence::FILLING,
    "port",
    "unix_socket_directories",
    "unix_socket_permissions",
];

/// The user's settings that are left out while filling: those that `wal_level = minimal` does not go
/// with, and those that would end a long load.
const NOT_WHILE_FILLING: [&str; 8] = [
    "archive_mode",
    "summarize_wal",
    "statement_timeout",
    "lock_timeout",
    "transaction_timeout",
    "idle_session_timeout",
    "idle_in_transaction_session_timeout",
    "default_transaction_read_only",
];

/// Sessions beside the tool's and the application's: a person who looks in with `psql`, and the
/// moment in which a closed session's process still counts.
const SPARE_CONNECTIONS: u32 = 8;

/// PostgreSQL's default of `superuser_reserved_connections`.
const SUPERUSER_RESERVED: u32 = 3;

/// Containers get 64 MB of shared memory, too little for a parallel query. With less than this, files
/// in the data directory take its place.
const LITTLE_SHARED_MEMORY: u64 = 256 * MIB;

/// Settings of the tool's own that are the same everywhere. What is neither here nor sized to the
/// machine stays at PostgreSQL's default, as it does on most servers in production.
const FIXED: [(&str, &str); 13] = [
    // Checkpoints by time, not in the middle of one run and not of the next.
    ("max_wal_size", "4GB"),
    ("min_wal_size", "1GB"),
    ("checkpoint_timeout", "15min"),
    // The server's log then tells of lock waits on its own.
    ("log_lock_waits", "on"),
    ("log_line_prefix", "%m [%p] %a "),
    // Messages are shown to the user as they come.
    ("lc_messages", "C"),
    // Rows and plans must not depend on where the machine stands.
    ("timezone", "UTC"),
    ("log_timezone", "UTC"),
    // PostgreSQL's defaults, written down because the verdict rests on them.
    ("fsync", "on"),
    ("synchronous_commit", "on"),
    ("full_page_writes", "on"),
    ("autovacuum", "on"),
    ("wal_level", "replica"),
];

/// What a configuration is made from.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    /// The machine it is sized to.
    pub(super) machine: Machine,
    /// Sessions of the application and the tool together.
    pub(super) connections: u32,
    /// `[shadow.settings]`, which win over the tool's own.
    pub(super) user: BTreeMap<String, String>,
}

impl Settings {
    /// Refuses names that are none, and those that would hide the server from the tool.
    pub(super) fn check(&self) -> Result<(), ServerError> {
        for name in self.user.keys() {
            let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && name
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '$'));
            if !is_name {
                return Err(ServerError::SettingName { name: name.clone() });
            }
            if RESERVED.contains(&name.to_ascii_lowercase().as_str()) {
                return Err(ServerError::SettingReserved { name: name.clone() });
            }
        }
        Ok(())
    }

    /// The text of `postgresql.conf`, for a server whose socket is in `socket_directory`.
    pub(super) fn file(&self, socket_directory: &Path, durability: Durability) -> String {
        let mut all = self.sized();
        all.extend(owned(BTreeMap::from(FIXED)));
        all.extend([
            ("listen_addresses".to_owned(), String::new()),
            (
                "unix_socket_directories".to_owned(),
                // A list: in double quotes its commas and spaces are the directory's own.
                names::quote(&socket_directory.display().to_string()),
            ),
        ]);
        let user = self
            .user
            .iter()
            .map(|(name, value)| (name.to_ascii_lowercase(), value.clone()));
        all.extend(user);
        if durability == Durability::Filling {
            all.retain(|name, _| !NOT_WHILE_FILLING.contains(&name.as_str()));
            all.extend(self.filling());
        }
        all.iter()
            .map(|(name, value)| format!("{name} = {}\n", quote(value)))
            .collect()
    }

    /// Settings that follow the machine and the traffic.
    fn sized(&self) -> BTreeMap<String, String> {
        let Machine { memory, cpus, .. } = self.machine;
        let mut settings = BTreeMap::from([
            // A quarter of memory, as the manual's "Resource Consumption" advises, with a cap: the
            // tool shares the machine, and the rest of memory caches the files anyway.
            ("shared_buffers", mebibytes((memory / 4).min(4096 * MIB))),
            // What the kernel's cache and shared_buffers hold together; only the planner reads it.
            ("effective_cache_size", mebibytes(memory / 4 * 3)),
            // A sixteenth, as PGTune: index builds are what migrations wait for, and production
            // servers are rarely left at the default of 64 MB.
            (
                "maintenance_work_mem",
                mebibytes((memory / 16).clamp(64 * MIB, 1024 * MIB)),
            ),
            ("max_connections", self.max_connections().to_string()),
            // The default of 8 is also what a small machine needs for its background workers.
            ("max_worker_processes", cpus.max(8).to_string()),
            ("max_parallel_workers", cpus.max(2).to_string()),
        ]);
        let shared_memory = self.machine.shared_memory;
        if shared_memory.is_some_and(|free| free < LITTLE_SHARED_MEMORY) {
            settings.insert("dynamic_shared_memory_type", "mmap".to_owned());
        }
        owned(settings)
    }

    /// Room for all sessions.
    fn max_connections(&self) -> u32 {
        let beside = SUPERUSER_RESERVED + SPARE_CONNECTIONS;
        self.connections.saturating_add(beside)
    }

    /// What changes while filling, whatever the user's settings say: they are for measuring.
    fn filling(&self) -> BTreeMap<String, String> {
        let Machine { memory, cpus, .. } = self.machine;
        // A limit of the user's is for the application's sessions.
        let connections = self.max_connections().to_string();
        // One REINDEX a processor at a time, together a quarter of memory.
        let maintenance = (memory / 4 / cpus.max(1)).clamp(64 * MIB, 2048 * MIB);
        owned(BTreeMap::from([
            ("fsync", "off".to_owned()),
            ("synchronous_commit", "off".to_owned()),
            ("full_page_writes", "off".to_owned()),
            // ANALYZE and VACUUM are run when all rows are there.
            ("autovacuum", "off".to_owned()),
            ("wal_level", "minimal".to_owned()),
            ("max_wal_senders", "0".to_owned()),
            ("maintenance_work_mem", mebibytes(maintenance)),
            ("max_connections", connections),
            (persistence::FILLING, "on".to_owned()),
        ]))
    }
}

fn owned(settings: BTreeMap<&str, impl Into<String>>) -> BTreeMap<String, String> {
    settings
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect()
}

fn mebibytes(bytes: u64) -> String {
    format!("{}MB", (bytes / MIB).max(1))
}

/// A value as `postgresql.conf` reads it: quotes doubled, backslash escapes, never a line break.
fn quote(value: &str) -> String {
    let escaped = value
        .replace('\\', "\\\\")
        .replace('\'', "''")
        .replace('\n', "\\n")
        .replace('\r', "\\r");
    format!("'{escaped}'")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn settings(memory: u64, user: &[(&str, &str)]) -> Settings {
        Settings {
            machine: Machine {
                memory,
                cpus: 2,
                shared_memory: None,
            },
            connections: 50,
            user: user
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        }
    }

    /// The last line wins in `postgresql.conf`, so a name must have one only.
    fn value(file: &str, name: &str) -> Option<String> {
        let prefix = format!("{name} = ");
        let mut values = file.lines().filter_map(|line| line.strip_prefix(&prefix));
        let value = values.next().map(str::to_owned);
        assert_eq!(values.next(), None, "{name} stands twice");
        value
    }

    fn written(settings: &Settings, durability: Durability, name: &str) -> Option<String> {
        value(&settings.file(Path::new("/tmp/x/s"), durability), name)
    }

    #[test]
    fn buffers_follow_memory_up_to_a_cap() {
        for (memory, buffers) in [(512, "'128MB'"), (8192, "'2048MB'"), (262_144, "'4096MB'")] {
            let settings = settings(memory * MIB, &[]);
            let written = written(&settings, Durability::Production, "shared_buffers");
            assert_eq!(written.as_deref(), Some(buffers));
        }
    }

    #[test]
    fn the_pools_and_those_beside_them_fit() {
        let settings = settings(8192 * MIB, &[]);
        let written = written(&settings, Durability::Production, "max_connections");
        assert_eq!(written.as_deref(), Some("'61'"));
    }

    #[test]
    fn the_users_settings_win_while_measuring_only() {
        let settings = settings(
            8192 * MIB,
            &[
                ("FSYNC", "off"),
                ("wal_level", "logical"),
                ("archive_mode", "on"),
                ("Statement_Timeout", "5ms"),
                ("work_mem", "16MB"),
                ("max_connections", "20"),
            ],
        );
        let of = |durability, name| written(&settings, durability, name);
        assert_eq!(
            of(Durability::Production, "fsync").as_deref(),
            Some("'off'")
        );
        assert_eq!(
            of(Durability::Production, "wal_level").as_deref(),
            Some("'logical'")
        );
        assert_eq!(
            of(Durability::Filling, "wal_level").as_deref(),
            Some("'minimal'")
        );
        assert_eq!(of(Durability::Filling, "archive_mode"), None);
        assert_eq!(of(Durability::Filling, "statement_timeout"), None);
        assert_eq!(
            of(Durability::Production, "statement_timeout").as_deref(),
            Some("'5ms'")
        );
        assert_eq!(
            of(Durability::Filling, "work_mem").as_deref(),
            Some("'16MB'")
        );
        let connections = |durability| of(durability, "max_connections");
        assert_eq!(connections(Durability::Production).as_deref(), Some("'20'"));
        assert_eq!(connections(Durability::Filling).as_deref(), Some("'61'"));
    }

    #[test]
    fn names_that_are_none_or_the_tools_are_refused() {
        for name in ["", "1x", "a b", "x'; y", "a\nb"] {
            let check = settings(MIB, &[(name, "1")]).check();
            assert!(
                matches!(check, Err(ServerError::SettingName { .. })),
                "{name}"
            );
        }
        for name in ["port", "Unix_Socket_Directories", "include"] {
            let check = settings(MIB, &[(name, "1")]).check();
            assert!(
                matches!(check, Err(ServerError::SettingReserved { .. })),
                "{name}"
            );
        }
        assert!(
            settings(MIB, &[("auto_explain.log_timing", "on")])
                .check()
                .is_ok()
        );
    }

    #[test]
    fn little_shared_memory_is_not_relied_on() {
        let mut settings = settings(8192 * MIB, &[]);
        settings.machine.shared_memory = Some(64 * MIB);
        let written = written(
            &settings,
            Durability::Production,
            "dynamic_shared_memory_type",
        );
        assert_eq!(written.as_deref(), Some("'mmap'"));
    }

    proptest! {
        #[test]
        fn a_value_stays_one_string_on_one_line(value in any::<String>()) {
            let quoted = quote(&value);
            let inner = &quoted[1..quoted.len() - 1];
            prop_assert!(!quoted.contains(['\n', '\r']));
            let mut characters = inner.chars();
            let mut read = String::new();
            while let Some(character) = characters.next() {
                read.push(match character {
                    '\'' => {
                        prop_assert_eq!(characters.next(), Some('\''));
                        '\''
                    }
                    '\\' => match characters.next() {
                        Some('n') => '\n',
                        Some('r') => '\r',
                        other => other.unwrap(),
                    },
                    other => other,
                });
            }
            prop_assert_eq!(read, value);
        }
    }
}
