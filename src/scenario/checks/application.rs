//! Checks of `[application]`.

use super::{Checked, Checks};
use crate::pgbench::Script;
use crate::scenario::application::{Application, HealthCheck};
use crate::units::Span;

/// Errors without a SQLSTATE that can be tried again.
const KINDS: [&str; 2] = ["connection_lost", "acquire_timeout"];

impl Checks<'_> {
    pub(super) fn application(&self, application: &Application) -> Checked {
        for (name, number) in [
            ("instances", application.instances),
            ("pool_size", application.pool_size),
        ] {
            self.at_least_one(&["application", name], number.map(u64::from))?;
        }
        self.require(
            application.acquire_timeout != Some(Span::default()),
            &["application", "acquire_timeout"],
            "`acquire_timeout` must be longer than 0, or no transaction ever gets a connection",
        )?;
        for (index, error) in application.retry_on.iter().flatten().enumerate() {
            self.retried_error(index, error)?;
        }
        match &application.health_check {
            Some(check) => self.health_check(check),
            None => Ok(()),
        }
    }

    fn retried_error(&self, index: usize, error: &str) -> Checked {
        let is_sqlstate = error.len() == 5
            && error
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase());
        let message = format!(
            "`{error}` is no error that can be tried again: give a SQLSTATE, as 40001, or one of {}",
            KINDS.join(", ")
        );
        self.require(
            is_sqlstate || KINDS.contains(&error),
            &["application", "retry_on", &index.to_string()],
            &message,
        )
    }

    fn health_check(&self, check: &HealthCheck) -> Checked {
        let key = |last| ["application", "health_check", last];
        for (name, span) in [("every", check.every), ("timeout", check.timeout)] {
            let message = format!("`{name}` must be longer than 0");
            self.require(span != Some(Span::default()), &key(name), &message)?;
        }
        self.at_least_one(&key("failures"), check.failures.map(u64::from))?;
        Script::parse("sql", &check.sql).map(drop).or_else(|error| {
            let message = format!("in its line {}: {}", error.line, error.message);
            self.require(false, &key("sql"), &message)
        })
    }
}
