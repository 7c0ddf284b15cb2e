//! `[application]`: the fleet that sends the traffic, as it is written and as it is run.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::units::{Span, seconds};

/// `[application]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Application {
    /// Processes.
    pub instances: Option<u32>,
    /// Connections an instance.
    pub pool_size: Option<u32>,
    /// Longest wait for a free connection.
    pub acquire_timeout: Option<Span>,
    /// Requests of an instance that may wait for a connection.
    pub queue_limit: Option<u32>,
    /// The sessions' `statement_timeout`.
    pub statement_timeout: Option<Span>,
    /// The sessions' `lock_timeout`.
    pub lock_timeout: Option<Span>,
    /// Longest that a request may take from its arrival.
    pub request_timeout: Option<Span>,
    /// Tries after the first.
    pub retries: Option<u32>,
    /// Errors that are tried again.
    pub retry_on: Option<Vec<String>>,
    /// Pause before the first retry.
    pub retry_backoff: Option<Span>,
    /// What the container platform does.
    pub health_check: Option<HealthCheck>,
}

/// `[application.health_check]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HealthCheck {
    /// The probe.
    pub sql: String,
    /// Time between two probes.
    pub every: Option<Span>,
    /// When a probe counts as failed.
    pub timeout: Option<Span>,
    /// Failed probes in a row until the instance is restarted.
    pub failures: Option<u32>,
    /// How long it is away then.
    pub restart: Option<Span>,
}

/// The fleet that sends the traffic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ApplicationPlan {
    /// Processes of the application.
    pub instances: u32,
    /// Connections each may hold.
    pub pool_size: u32,
    /// Longest wait for a free connection.
    #[serde(with = "seconds")]
    pub acquire_timeout: Duration,
    /// Requests of an instance that may wait for a connection, further ones are refused; none is no
    /// limit.
    pub queue_limit: Option<u32>,
    /// The sessions' `statement_timeout`; zero is none.
    #[serde(with = "seconds")]
    pub statement_timeout: Duration,
    /// The sessions' `lock_timeout`; zero is none.
    #[serde(with = "seconds")]
    pub lock_timeout: Duration,
    /// Longest that a request may take, from its arrival and with all its tries; zero is no end.
    #[serde(with = "seconds")]
    pub request_timeout: Duration,
    /// Tries of a request after its first.
    pub retries: u32,
    /// SQLSTATEs and kinds of errors after which a request is tried again.
    pub retry_on: Vec<String>,
    /// Pause before the first retry; it doubles with each.
    #[serde(with = "seconds")]
    pub retry_backoff: Duration,
    /// How the platform finds out whether an instance is well; none where it does not look.
    pub health_check: Option<HealthCheckPlan>,
}

/// How the platform finds out whether an instance is well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthCheckPlan {
    /// What the instance sends with a connection of its pool.
    pub sql: String,
    /// Time between two checks.
    #[serde(with = "seconds")]
    pub every: Duration,
    /// When a check counts as failed.
    #[serde(with = "seconds")]
    pub timeout: Duration,
    /// Failed checks in a row until the instance is restarted.
    pub failures: u32,
    /// How long it is away then.
    #[serde(with = "seconds")]
    pub restart: Duration,
}

impl Default for ApplicationPlan {
    /// Four instances with HikariCP's and sqlx's pool of 10, Rails' checkout wait of 5 s, and the 30 s
    /// after which most platforms' load balancers give a request up. No queue has an end, no request a
    /// deadline and nothing is tried again, as in these pools and in PostgreSQL's own settings. What is
    /// tried again where it is asked for are the two errors that PostgreSQL's manual says to: a
    /// serialization failure and a deadlock.
    fn default() -> Self {
        Self {
            instances: 4,
            pool_size: 10,
            acquire_timeout: Duration::from_secs(5),
            queue_limit: None,
            statement_timeout: Duration::from_secs(30),
            lock_timeout: Duration::ZERO,
            request_timeout: Duration::ZERO,
            retries: 0,
            retry_on: vec!["40001".to_owned(), "40P01".to_owned()],
            retry_backoff: Duration::from_millis(50),
            health_check: None,
        }
    }
}

impl Application {
    /// The plan, with every default applied.
    pub(super) fn plan(&self) -> ApplicationPlan {
        let default = ApplicationPlan::default();
        ApplicationPlan {
            instances: self.instances.unwrap_or(default.instances),
            pool_size: self.pool_size.unwrap_or(default.pool_size),
            acquire_timeout: or(self.acquire_timeout, default.acquire_timeout),
            queue_limit: self.queue_limit,
            statement_timeout: or(self.statement_timeout, default.statement_timeout),
            lock_timeout: or(self.lock_timeout, default.lock_timeout),
            request_timeout: or(self.request_timeout, default.request_timeout),
            retries: self.retries.unwrap_or(default.retries),
            retry_on: self.retry_on.clone().unwrap_or(default.retry_on),
            retry_backoff: or(self.retry_backoff, default.retry_backoff),
            health_check: self.health_check.as_ref().map(HealthCheck::plan),
        }
    }
}

impl HealthCheck {
    /// Kubernetes' timeout of 1 s and 3 failures, every 5 s rather than its 10 s, as is common, and as
    /// long away as a container takes to be scheduled and to boot.
    fn plan(&self) -> HealthCheckPlan {
        HealthCheckPlan {
            sql: self.sql.clone(),
            every: or(self.every, Duration::from_secs(5)),
            timeout: or(self.timeout, Duration::from_secs(1)),
            failures: self.failures.unwrap_or(3),
            restart: or(self.restart, Duration::from_secs(20)),
        }
    }
}

fn or(given: Option<Span>, default: Duration) -> Duration {
    given.map_or(default, |span| span.0)
}
