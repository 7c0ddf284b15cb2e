//! Production's statements become transactions, once there are rows to draw their values from.

use std::collections::BTreeMap;

use tokio_postgres::Client;

use super::RehearsalError;
use super::prepare::Shadow;
use crate::observe::{LeftOutStatement, SentStatement, StatementCoverage};
use crate::pgbench::{Script, ScriptError};
use crate::postgres::connect::{connect, describe};
use crate::postgres::production::{be_brief, column_spans};
use crate::scenario::Plan;
use crate::scenario::plan::TransactionPlan;
use crate::scenario::statements::{
    LeftOut, ProductionStatement, ProductionStatements, StatementLoad,
};
use crate::traffic::production::{Bound, Draft, Ground, Span, Trial, merge, names, weights};

/// Share of production's calls that must be sent: of a lesser part, nothing can be concluded.
const LEAST_SHARE: f64 = 0.5;

/// Whether statements are tried, or only prepared: without rows, most would fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rows {
    Filled,
    None,
}

/// The plan with production's statements as transactions, and what of them is sent; none where the
/// scenario has none.
///
/// # Errors
/// Where less than half of production's calls could be sent, with the list of what could not.
pub(super) async fn with_statements(
    plan: &Plan,
    shadow: &Shadow,
    rows: Rows,
) -> Result<(Plan, Option<StatementCoverage>), RehearsalError> {
    let mut plan = plan.clone();
    let Some(production) = plan.traffic.statements.take() else {
        return Ok((plan, None));
    };
    let mut session = connect(&shadow.config(), "pgrehearse statements").await?;
    be_brief(&session.client).await?;
    let mut binder = Binder {
        ground: ground(shadow, &session.client, rows).await?,
        rows,
        sent: Vec::new(),
        left_out: Vec::new(),
    };
    for statement in &production.statements {
        match binder.draft(&mut session.client, statement).await {
            Ok(draft) => binder.sent.push((statement, draft)),
            Err(reason) => binder.left_out.push((statement, reason)),
        }
    }
    let own: Vec<String> = plan
        .traffic
        .transactions
        .iter()
        .map(|own| own.name.clone())
        .collect();
    let bound = merge(binder.bound(&own));
    let coverage = coverage(&production, &bound, &binder);
    if coverage.calls_share < LEAST_SHARE {
        return Err(RehearsalError::Statements(coverage.notes().join("\n  ")));
    }
    add(&mut plan, &bound)?;
    Ok((plan, Some(coverage)))
}

/// What values are drawn from.
async fn ground<'s>(
    shadow: &'s Shadow,
    client: &Client,
    rows: Rows,
) -> Result<Ground<'s>, RehearsalError> {
    let spans = match rows {
        Rows::Filled => column_spans(client).await?,
        Rows::None => Vec::new(),
    };
    let spans = spans.into_iter().map(|span| {
        let reach = Span {
            low: span.low,
            high: span.high,
            width: span.width,
        };
        ((span.table, span.column), reach)
    });
    Ok(Ground {
        schema: &shadow.loaded.schema,
        rows: shadow.rows(),
        spans: spans.collect(),
        keys: shadow.keys.clone(),
    })
}

/// Statements on their way to transactions.
struct Binder<'s, 'p> {
    ground: Ground<'s>,
    rows: Rows,
    sent: Vec<(&'p ProductionStatement, Draft)>,
    left_out: Vec<(&'p ProductionStatement, String)>,
}

impl Binder<'_, '_> {
    /// The script of a statement that the server can prepare and that succeeds with its values; where the
    /// server cannot tell the parameters' types, with casts.
    async fn draft(
        &mut self,
        client: &mut Client,
        statement: &ProductionStatement,
    ) -> Result<Draft, String> {
        let prepared = client.prepare(&statement.usage.text).await;
        let prepared = prepared.map_err(|error| {
            let error = describe(&error);
            format!("the server cannot prepare it: {}", first_line(&error))
        })?;
        let mut last = String::new();
        for cast in [false, true] {
            let draft = self.ground.draft(statement, prepared.params(), cast)?;
            match self.tried(client, &draft).await {
                Ok(()) => return Ok(draft),
                Err(reason) => last = reason,
            }
        }
        Err(format!(
            "it fails with the values found for it: {}",
            first_line(&last)
        ))
    }

    async fn tried(&mut self, client: &mut Client, draft: &Draft) -> Result<(), String> {
        let script = Script::parse("statement", &draft.script).map_err(|error| error.message)?;
        let mut keys = self.ground.keys.clone();
        let trial = Trial::prepare(client, &script, &mut keys).await?;
        match self.rows {
            Rows::Filled => trial.run(client, &keys).await,
            Rows::None => Ok(()),
        }
    }

    fn bound(&self, own: &[String]) -> Vec<Bound> {
        let statements: Vec<&ProductionStatement> = self.sent.iter().map(|(one, _)| *one).collect();
        let named = names(&statements, own).into_iter().zip(&self.sent);
        named
            .map(|(name, (statement, draft))| Bound {
                name,
                script: draft.script.clone(),
                load: statement.load,
                statements: 1,
                guessed: draft.guessed,
            })
            .collect()
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

/// Adds the transactions to the traffic, with weights that keep their shares.
fn add(plan: &mut Plan, bound: &[Bound]) -> Result<(), ScriptError> {
    let own: Vec<u32> = plan
        .traffic
        .transactions
        .iter()
        .map(|own| own.weight)
        .collect();
    let calls: Vec<u64> = bound.iter().map(|one| one.load.calls).collect();
    let (weights, factor) = weights(&calls, &own);
    for own in &mut plan.traffic.transactions {
        own.weight = own.weight.saturating_mul(factor);
    }
    for (one, weight) in bound.iter().zip(weights) {
        plan.traffic.transactions.push(TransactionPlan {
            name: one.name.clone(),
            weight,
            script: Script::parse(&one.name, &one.script)?,
            ..TransactionPlan::default()
        });
    }
    Ok(())
}

/// What of a load is how much of another.
#[derive(Debug, Clone, Copy)]
struct Whole {
    calls: f64,
    time: f64,
}

impl Whole {
    fn of(loads: impl Iterator<Item = StatementLoad>) -> Self {
        let mut sum = StatementLoad::default();
        loads.for_each(|load| sum.add(load));
        Self {
            calls: (sum.calls as f64).max(1.0),
            time: sum.time_ms.max(f64::MIN_POSITIVE),
        }
    }

    fn shares(self, load: StatementLoad) -> (f64, f64) {
        (load.calls as f64 / self.calls, load.time_ms / self.time)
    }
}

fn coverage(
    production: &ProductionStatements,
    bound: &[Bound],
    binder: &Binder<'_, '_>,
) -> StatementCoverage {
    let sendable = production.statements.iter().map(|one| one.load);
    let hidden = production.left_out.iter().filter(|left| !left.beside);
    let application = Whole::of(sendable.clone().chain(hidden.clone().map(|left| left.load)));
    let everything = Whole::of(sendable.chain(production.left_out.iter().map(|left| left.load)));
    let transactions: Vec<SentStatement> = bound
        .iter()
        .map(|one| {
            let (calls_share, time_share) = application.shares(one.load);
            SentStatement {
                name: one.name.clone(),
                statements: one.statements,
                calls_share,
                time_share,
                guessed_parameters: one.guessed,
                script: one.script.clone(),
            }
        })
        .collect();
    let failed = binder.left_out.iter().map(|(statement, reason)| LeftOut {
        query: statement.usage.text.clone(),
        load: statement.load,
        reason: reason.clone(),
        beside: false,
    });
    let left_out = failed
        .chain(production.left_out.iter().cloned())
        .map(|left| {
            let whole = if left.beside { everything } else { application };
            let (calls_share, time_share) = whole.shares(left.load);
            LeftOutStatement {
                query: left.query,
                reason: left.reason,
                beside: left.beside,
                calls: left.load.calls,
                calls_share,
                time_share,
            }
        });
    let rate = production
        .counted_for
        .map(|time| application.calls / time.as_secs_f64());
    StatementCoverage {
        file: production.file.clone(),
        statements: production.statements.len() + hidden.count(),
        sent: binder.sent.len(),
        calls_share: transactions.iter().map(|one| one.calls_share).sum(),
        time_share: transactions.iter().map(|one| one.time_share).sum(),
        guessed_parameters: bound.iter().map(|one| one.guessed).sum(),
        production_rate: rate,
        transactions,
        left_out: left_out.collect(),
    }
}

/// Rows by table, of the filled ones and of those that the schema's files filled.
impl Shadow {
    fn rows(&self) -> BTreeMap<String, u64> {
        let given = self.loaded.given.iter();
        let mut rows: BTreeMap<String, u64> = given
            .map(|rows| (rows.name.to_string(), rows.count))
            .collect();
        for table in self.planned_rows() {
            let count = rows.entry(table.name.to_string()).or_default();
            *count = (*count).max(table.rows);
        }
        rows
    }
}
