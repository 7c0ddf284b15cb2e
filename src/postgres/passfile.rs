//! `~/.pgpass`: passwords by host, port, database and user.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Whose password is looked for.
#[derive(Debug, Clone, Copy)]
pub struct Login<'a> {
    /// As in the address; a socket's folder, or `localhost` for the usual one.
    pub host: &'a str,
    /// As in the address.
    pub port: &'a str,
    /// The database.
    pub database: &'a str,
    /// The user.
    pub user: &'a str,
}

/// The password that a file has for a login. A file that others may read is passed over, as libpq
/// does it; so is one that cannot be read.
pub fn password(file: &Path, login: Login<'_>) -> Option<String> {
    let metadata = fs::metadata(file).ok()?;
    (metadata.is_file() && metadata.mode() & 0o077 == 0).then_some(())?;
    find(&fs::read_to_string(file).ok()?, login)
}

/// The password of the first line that fits: `host:port:database:user:password`, `*` fits all.
fn find(text: &str, login: Login<'_>) -> Option<String> {
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .find_map(|line| {
            let fields = fields(line);
            let [host, port, database, user, password] = fields.as_slice() else {
                return None;
            };
            let fits = [
                (host, login.host),
                (port, login.port),
                (database, login.database),
                (user, login.user),
            ];
            fits.iter()
                .all(|(field, wanted)| *field == "*" || *field == wanted)
                .then(|| password.clone())
        })
}

/// A line's fields; `\` keeps a `:` or a `\` from its meaning. The last holds whatever is left.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut characters = line.chars();
    while let Some(c) = characters.next() {
        let last = fields.len() >= 5;
        let kept = match c {
            ':' if !last => {
                fields.push(String::new());
                continue;
            }
            '\\' => characters.next().unwrap_or('\\'),
            c => c,
        };
        if let Some(field) = fields.last_mut() {
            field.push(kept);
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const FILE: &str = "\
# comment
db:5432:shop:ann:first
db:*:*:ann:second
*:*:*:o\\:dd:with:colon\\\\
";

    const ANN: Login<'static> = Login {
        host: "db",
        port: "5432",
        database: "shop",
        user: "ann",
    };

    #[test]
    fn the_first_line_that_fits_counts() {
        assert_eq!(find(FILE, ANN).as_deref(), Some("first"));
        let other = Login { port: "1", ..ANN };
        assert_eq!(find(FILE, other).as_deref(), Some("second"));
        let odd = Login {
            user: "o:dd",
            ..ANN
        };
        assert_eq!(find(FILE, odd).as_deref(), Some("with:colon\\"));
        assert_eq!(find(FILE, Login { user: "bob", ..ANN }), None);
    }

    #[test]
    fn a_file_that_others_may_read_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pgpass");
        fs::write(&file, FILE).unwrap();
        for (mode, found) in [(0o644, None), (0o600, Some("first"))] {
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(password(&file, ANN).as_deref(), found);
        }
    }
}
