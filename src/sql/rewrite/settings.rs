//! The settings of a migration. One for a transaction only must hold on where the transaction is taken apart, and no
//! longer than it did.

use std::collections::BTreeMap;

use super::super::words::flat_text;

/// What a migration sets.
#[derive(Debug, Default)]
pub(super) struct Settings {
    /// The statements that set the session's own, by parameter.
    session: BTreeMap<String, String>,
    /// Parameters that are set for the transaction only.
    local: Vec<String>,
}

impl Settings {
    /// Notes a setting. What to write in its place, if not itself: of a transaction that is taken `apart`, what is
    /// set for it alone is made the session's.
    pub(super) fn note(&mut self, text: &str, apart: bool) -> Option<String> {
        if resets_all(text) {
            *self = Self::default();
            return None;
        }
        let (verb, rest) = text.split_once(' ')?;
        let (scope, rest) = match rest.split_once(' ') {
            Some((scope, rest)) if scope.eq_ignore_ascii_case("local") => (Scope::Local, rest),
            Some((scope, rest))
                if scope.eq_ignore_ascii_case("session") && !is_of_session(rest) =>
            {
                (Scope::Session, rest)
            }
            _ => (Scope::Session, rest),
        };
        let parameter = parameter(rest);
        match scope {
            Scope::Local if !apart => None,
            Scope::Local => {
                if !self.local.contains(&parameter) {
                    self.local.push(parameter);
                }
                Some(format!("SET {rest}"))
            }
            Scope::Session if verb.eq_ignore_ascii_case("reset") => {
                self.session.remove(&parameter);
                None
            }
            Scope::Session => {
                self.session.insert(parameter, text.to_owned());
                None
            }
        }
    }

    /// The transaction ends: what gives the session its own settings back.
    pub(super) fn undo(&mut self) -> Vec<String> {
        let local = std::mem::take(&mut self.local);
        let before = |parameter: String| match self.session.get(&parameter) {
            Some(set) => set.clone(),
            None => format!("RESET {parameter}"),
        };
        local.into_iter().map(before).collect()
    }
}

enum Scope {
    Local,
    Session,
}

/// `SET SESSION AUTHORIZATION`, `SET SESSION CHARACTERISTICS`: no scope.
fn is_of_session(rest: &str) -> bool {
    let first = rest.split(' ').next().unwrap_or_default();
    ["authorization", "characteristics"]
        .iter()
        .any(|word| first.eq_ignore_ascii_case(word))
}

/// What RESET names it by (`set_rest_more` in PostgreSQL's grammar).
fn parameter(rest: &str) -> String {
    let first = rest.split([' ', '=']).next().unwrap_or_default();
    let first = first.to_ascii_lowercase();
    match first.as_str() {
        "time" => "TIME ZONE".to_owned(),
        "session" => "SESSION AUTHORIZATION".to_owned(),
        "role" => "ROLE".to_owned(),
        "schema" => "search_path".to_owned(),
        "names" => "client_encoding".to_owned(),
        "xml" => "xmloption".to_owned(),
        _ => first,
    }
}

/// Whether a statement takes all settings back, `lock_timeout` among them.
pub(super) fn resets_all(statement: &str) -> bool {
    let text = flat_text(statement);
    ["reset all", "discard all"]
        .iter()
        .any(|all| text.eq_ignore_ascii_case(all))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_for_a_transaction_is_taken_back_at_its_end() {
        let mut settings = Settings::default();
        for (sql, written) in [
            ("SET work_mem = '1GB'", None),
            ("SET LOCAL work_mem = '2GB'", Some("SET work_mem = '2GB'")),
            ("set local Role admin", Some("SET Role admin")),
            ("SET LOCAL TIME ZONE 'UTC'", Some("SET TIME ZONE 'UTC'")),
            (
                "SET LOCAL SESSION AUTHORIZATION me",
                Some("SET SESSION AUTHORIZATION me"),
            ),
            ("SET LOCAL app.tenant='a b'", Some("SET app.tenant='a b'")),
        ] {
            assert_eq!(settings.note(sql, true).as_deref(), written, "{sql}");
        }
        let undone = [
            "SET work_mem = '1GB'",
            "RESET ROLE",
            "RESET TIME ZONE",
            "RESET SESSION AUTHORIZATION",
            "RESET app.tenant",
        ];
        assert_eq!(settings.undo(), undone);
        assert!(settings.undo().is_empty());
    }

    #[test]
    fn a_transaction_that_stays_whole_keeps_its_own_settings() {
        let mut settings = Settings::default();
        assert_eq!(settings.note("SET LOCAL work_mem = '2GB'", false), None);
        assert!(settings.undo().is_empty());
    }

    #[test]
    fn what_was_reset_is_not_set_again() {
        let mut settings = Settings::default();
        settings.note("SET SESSION work_mem = 1", true);
        settings.note("SET SESSION AUTHORIZATION me", true);
        settings.note("RESET work_mem", true);
        settings.note("SET LOCAL work_mem = 2", true);
        assert_eq!(settings.undo(), ["RESET work_mem"]);
        settings.note("SET work_mem = 1", true);
        settings.note("SET LOCAL work_mem = 2", true);
        settings.note("Reset /* x */ all", true);
        assert!(settings.undo().is_empty());
    }
}
