//! The user that servers run as: PostgreSQL refuses root.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use super::error::ServerError;

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

    /// Refuses a folder that this user cannot enter, and names the outermost one that keeps it out.
    /// By owner, group and mode alone: whoever uses finer means knows them.
    pub(super) fn check_reach(&self, folder: &Path) -> Result<(), ServerError> {
        let all: Vec<&Path> = folder.ancestors().collect();
        let barrier = all
            .into_iter()
            .rev()
            .find(|folder| fs::metadata(folder).is_ok_and(|metadata| !self.may_enter(&metadata)));
        match barrier {
            None => Ok(()),
            Some(barrier) => Err(ServerError::Unreachable {
                path: folder.to_owned(),
                folder: barrier.to_owned(),
                user: self.name,
            }),
        }
    }

    fn may_enter(&self, folder: &Metadata) -> bool {
        // The class of permissions that applies: the owner's, else the group's, else the others'.
        let shift = match (folder.uid() == self.uid, folder.gid() == self.gid) {
            (true, _) => 6,
            (false, true) => 3,
            (false, false) => 0,
        };
        folder.mode() >> shift & 1 == 1
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
