//! The verdict of `check`: a migration on the bare schema, and the traffic's statements prepared
//! before and after it. There is no load, so only what cannot run is judged.

use serde::{Deserialize, Serialize};

use crate::observe::{Integrity, Migration, MigrationOutcome, Pass};
use crate::scenario::plan::{Limits, Outcome, Role};

use super::case::Case;
use super::{Finding, Unit, Verdict, decide, evidence, integrity, rules};

/// A statement of the traffic that cannot be prepared: of the running release no longer, after the
/// migration; of the next one still not, or not yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrokenStatement {
    /// The transaction's name in the scenario.
    pub transaction: String,
    /// Which release sends it.
    #[serde(default)]
    pub role: Role,
    /// Its script, as the scenario names it; none where it stands inline.
    pub file: Option<String>,
    /// The line where the statement begins, from 1.
    pub line: usize,
    /// Its text.
    pub sql: String,
    /// SQLSTATE; none if the server did not answer.
    pub sqlstate: Option<String>,
    /// The message, as the server said it.
    pub message: String,
}

impl BrokenStatement {
    /// Where it stands: `lookup, traffic/lookup.sql:3`.
    pub fn place(&self) -> String {
        match &self.file {
            Some(file) => format!("{}, {file}:{}", self.transaction, self.line),
            None => format!("{}, line {}", self.transaction, self.line),
        }
    }

    /// What the server said: `42703: column "region" does not exist`.
    pub fn error(&self) -> String {
        match &self.sqlstate {
            Some(sqlstate) => format!("{sqlstate}: {}", self.message),
            None => self.message.clone(),
        }
    }
}

/// Judges a migration that ran on the bare schema, the traffic that it broke, and the invariants.
/// Those that need rows do not hold on a bare schema even before, and are left out.
pub fn judge_check(
    migration: &Migration,
    broken: &[BrokenStatement],
    integrity: &Integrity,
) -> Verdict {
    let pass = Pass {
        integrity: integrity.clone(),
        ..Pass::check(migration.clone())
    };
    let limits = Limits::default();
    let case = Case::new(&limits, &pass);
    let mut findings = rules::measure(&case);
    findings.retain(|finding| ["migration_applied", "integrity"].contains(&finding.rule.as_str()));
    let mut gaps = evidence::ending_gaps(migration);
    gaps.extend(integrity::unreadable(integrity));
    if broken.is_empty() && migration.outcome == MigrationOutcome::Applied {
        let mut finding = case.finding("traffic_prepares", Unit::Count, (0.0, 0.0));
        finding.detail = "every statement of the traffic still prepares".to_owned();
        findings.push(finding);
    }
    findings.extend(broken.iter().map(|broken| no_longer_runs(&case, broken)));
    let mut caveats = vec![
        "checked on the bare schema: nothing is known of lock waits, latency or duration under load"
            .to_owned(),
    ];
    caveats.extend(integrity::caveats(&case));
    let mut verdict = decide(findings, gaps, caveats);
    if verdict.outcome == Outcome::Safe {
        verdict.reasons = vec![
            "the migration was applied, and every statement of the traffic still prepares"
                .to_owned(),
        ];
    }
    verdict
}

fn no_longer_runs(case: &Case<'_>, broken: &BrokenStatement) -> Finding {
    let mut finding = case.finding("traffic_prepares", Unit::Count, (1.0, 0.0));
    let (fault, help) = match broken.role {
        Role::Current => (
            "a statement of the running release no longer runs",
            "release code that works with both schemas first, then migrate, then drop what is old",
        ),
        Role::Next => (
            "a statement of the next release does not run after the migration either",
            "let the migration bring what the statement needs, or correct the statement",
        ),
    };
    finding.transaction = Some(broken.transaction.clone());
    finding.detail = format!("{fault} ({}): {}", broken.place(), broken.error());
    finding.help = Some(help.to_owned());
    finding
}
