//! The user that servers run as: PostgreSQL refuses root.

use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use super::server::ServerError;

/// An unprivileged user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Account {
    /// Its name.
    pub(super) name: &'static str,
    /// Its user id.
    pub(super) uid: u32,
    /// Its group's id.
    pub(super) gid: u32,
}

impl Account {
    /// Whom servers run as: none (the caller itself) unless the caller is root, for whom it is
    /// `postgres`, as on a server that has one, or `nobody`.
    pub(super) fn for_servers() -> Result<Option<Self>, ServerError> {
        if !rustix::process::geteuid().is_root() {
            return Ok(None);
        }
        ["postgres", "nobody"]
            .into_iter()
            .find_map(Self::named)
            .map(Some)
            .ok_or(ServerError::NoAccount)
    }

    /// Asked of `id`, not of /etc/passwd, because users may come from elsewhere (LDAP, macOS).
    fn named(name: &'static str) -> Option<Self> {
        Some(Self {
            name,
            uid: id("-u", name)?,
            gid: id("-g", name)?,
        })
    }

    /// Makes the command run as this user. The standard library drops all other groups of a root
    /// process with it.
    pub(super) fn assume(&self, command: &mut Command) {
        command.uid(self.uid).gid(self.gid);
    }
}

fn id(flag: &str, name: &str) -> Option<u32> {
    let output = Command::new("id")
        .args([flag, name])
        .stdin(Stdio::null())
        .output()
        .ok()?;
    let number = String::from_utf8(output.stdout).ok()?;
    output.status.success().then_some(())?;
    number.trim().parse().ok()
}
