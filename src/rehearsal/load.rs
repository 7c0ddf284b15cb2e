//! Traffic alone: no migration, nothing judged. On a private shadow that is filled as for a rehearsal, or
//! on a database that is there already.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::effort::{Effort, Since};
use super::events::Event;
use super::loaded::Surroundings;
use super::pass::DRAIN;
use super::prepare::Shadow;
use super::production::{Rows, with_statements};
use super::roster::Roster;
use super::sampler::{Sampled, Sampler, Watch};
use super::settle::{add_attendance, add_waiters, bounds, processors, settled_locks};
use super::show::Show;
use super::target::unfilled;
use super::{FillFacts, Options, RehearsalError, ShadowFacts};
use crate::judge;
use crate::observe::waits::TrackedLocks;
use crate::observe::{
    FleetEventKind, Impact, Integrity, Pass, PassName, PhaseName, Recording, StatementCoverage,
    TableUsage,
};
use crate::pgbench::Keys;
use crate::postgres::endpoint::Endpoint;
use crate::scenario::Plan;
use crate::shadow::Target;
use crate::traffic::{Fleet, FleetSetup, Timeline, TrafficError};
use crate::units::Span;

/// What a load measured.
#[derive(Debug)]
pub struct Load {
    /// The server.
    pub shadow: ShadowFacts,
    /// The plan that was carried out: with production's statements as transactions.
    pub plan: Plan,
    /// What of production's statements was sent; none where the scenario has none.
    pub statements: Option<StatementCoverage>,
    /// How the tables got their rows; none where they had them.
    pub fill: Option<FillFacts>,
    /// The one pass.
    pub pass: Pass,
    /// What sending it took.
    pub effort: Effort,
    /// What the user should know although nothing failed.
    pub notes: Vec<String>,
    /// Whether the user stopped it.
    pub interrupted: bool,
}

/// Sends the plan's traffic to a private shadow: prepares it, lets the warm-up and the baseline's length
/// pass, and removes it.
///
/// # Errors
/// Where the shadow cannot be prepared or the traffic cannot start, and an interrupt before anything was
/// measured. A later one is no error: it is in the result.
pub async fn load(
    plan: &Plan,
    options: &Options,
    around: Surroundings<'_>,
) -> Result<Load, RehearsalError> {
    let begun = Instant::now();
    let (plan, left_out) = plan.current_release();
    let (shadow, mut fill) = Shadow::prepare(&plan, options, around).await?;
    let (plan, statements) = with_statements(&plan, &shadow, Rows::Filled).await?;
    let plan = &plan;
    fill.ready = begun.elapsed();
    around.observer.event(Event::Ready(fill.ready));
    let drive = Drive {
        plan,
        endpoint: (&shadow.config()).into(),
        watch_locks: true,
        around,
    };
    let driven = drive.run(Box::new(shadow.keys.clone())).await?;
    let mut notes = shadow.notes();
    notes.extend(plan.traffic.load.notes());
    notes.extend(statements.iter().flat_map(StatementCoverage::notes));
    notes.extend(driven.notes);
    notes.extend(next_release_note(&left_out));
    let facts = shadow.facts(plan).await;
    shadow.stop().await;
    Ok(Load {
        shadow: facts,
        plan: plan.clone(),
        statements,
        fill: Some(fill),
        pass: driven.pass,
        effort: driven.effort,
        notes,
        interrupted: around.stop.is_set(),
    })
}

/// That the next release's transactions are left out, where there are any.
fn next_release_note(left_out: &[String]) -> Option<String> {
    let names = left_out.join(", ");
    (!left_out.is_empty()).then(|| {
        format!("without a migration no next release comes; its transactions are not sent: {names}")
    })
}

/// Sends the plan's traffic to a database that is there already, as it is.
///
/// # Errors
/// As of [`load`].
pub async fn load_at(
    plan: &Plan,
    target: &Target,
    watch_locks: bool,
    around: Surroundings<'_>,
) -> Result<Load, RehearsalError> {
    let drive = Drive {
        plan,
        endpoint: target.endpoint().clone(),
        watch_locks,
        around,
    };
    let keys = unfilled(target).await?;
    let driven = drive.run(Box::new(keys)).await.map_err(of_clients)?;
    Ok(Load {
        shadow: ShadowFacts {
            postgres_version: target.identity().version.clone(),
            location: target.endpoint().to_string(),
            ..ShadowFacts::default()
        },
        plan: plan.clone(),
        statements: None,
        fill: None,
        pass: driven.pass,
        effort: driven.effort,
        notes: driven.notes,
        interrupted: around.stop.is_set(),
    })
}

/// Where the server is the user's, it is clients that there may be fewer of.
fn of_clients(error: RehearsalError) -> RehearsalError {
    match error {
        RehearsalError::Traffic(TrafficError::TooManyConnections {
            needed,
            message,
            limits,
        }) => RehearsalError::Full {
            needed,
            message,
            limits,
        },
        other => other,
    }
}

/// Traffic and where it goes.
struct Drive<'a> {
    plan: &'a Plan,
    endpoint: Endpoint,
    watch_locks: bool,
    around: Surroundings<'a>,
}

struct Driven {
    pass: Pass,
    effort: Effort,
    /// That the lock sampler saw nothing for a while, and that many requests waited at once, if so.
    notes: Vec<String>,
}

impl Drive<'_> {
    async fn run(&self, keys: Box<dyn Keys>) -> Result<Driven, RehearsalError> {
        let fleet = tokio::select! {
            fleet = Fleet::start(self.setup(keys)) => fleet?,
            () = self.around.stop.asked() => return Err(RehearsalError::Interrupted),
        };
        let timeline = Arc::new(Timeline::new());
        let sampler = self
            .watch_locks
            .then(|| self.sampler(&fleet, &timeline))
            .transpose()?;
        fleet.go(Arc::clone(&timeline));
        let show = Show {
            around: self.around,
            fleet: &fleet,
            sampler: sampler.as_ref(),
            timeline: &timeline,
        };
        let phases = &self.plan.phases;
        if !phases.warmup.is_zero() && !show.phase(PhaseName::Warmup, phases.warmup).await {
            return Err(RehearsalError::Interrupted);
        }
        let since = Since::now();
        match self.plan.traffic.load.ends() {
            true => show.to_the_last(PhaseName::Baseline).await,
            false => show.phase(PhaseName::Baseline, phases.baseline).await,
        };
        let effort = since.effort();
        let end = timeline.now();
        let crowd = judge::load::crowd(fleet.peak_waiting());
        let recording = fleet.stop(DRAIN).await?;
        let zero = timeline.start_of(PhaseName::Baseline).unwrap_or(end);
        let Sampled { locks, error } = match sampler {
            Some(sampler) => sampler.finish(zero),
            None => Sampled::nothing(),
        };
        let pass = settle(self.plan, &recording, locks, (&timeline, end));
        let blind = error.map(|error| {
            let gap = Span(pass.locks.sample_error);
            format!("the lock sampler saw nothing for up to {gap}: {error}")
        });
        Ok(Driven {
            pass,
            effort,
            notes: blind.into_iter().chain(crowd).collect(),
        })
    }

    fn setup(&self, keys: Box<dyn Keys>) -> FleetSetup<'_, Endpoint> {
        FleetSetup {
            traffic: &self.plan.traffic,
            application: &self.plan.application,
            release: None,
            seed: self.plan.seed,
            config: self.endpoint.clone(),
            keys,
        }
    }

    fn sampler(&self, fleet: &Fleet, timeline: &Arc<Timeline>) -> Result<Sampler, RehearsalError> {
        let watch = Watch {
            roster: Arc::new(Roster::default()),
            registry: fleet.registry(),
            transactions: self.plan.traffic.names(),
            timeline: Arc::clone(timeline),
        };
        Sampler::start(self.endpoint.clone(), watch).map_err(RehearsalError::Thread)
    }
}

/// A load as reports keep it: one pass of one phase.
fn settle(
    plan: &Plan,
    recording: &Recording,
    tracked: TrackedLocks,
    (timeline, end): (&Timeline, Duration),
) -> Pass {
    let names = plan.traffic.names();
    let zero = timeline.start_of(PhaseName::Baseline).unwrap_or(end);
    let phases = bounds(timeline, end)
        .map(|(name, from, to)| {
            let since = |at: Duration| at.saturating_sub(zero);
            recording.phase(name, &names, since(from), since(to))
        })
        .collect();
    let mut series = recording.series(&names, zero, end);
    add_waiters(&mut series, &tracked, zero);
    let attendance = recording.attendance(plan.application.instances);
    add_attendance(&mut series, &attendance, zero);
    let waiting = tracked.activity.waiting.clone();
    let cpu = processors(&tracked.processors, (timeline, end));
    let locks = settled_locks(tracked, None, (recording.deadlocks(&names), zero));
    Pass {
        name: PassName::Load,
        phases,
        migration: None,
        locks,
        impact: impact(recording, &names, (zero, end)),
        series,
        events: recording.events(zero),
        first_failures: recording.first_failures(&names, zero),
        next: Vec::new(),
        usage: TableUsage::default(),
        waiting,
        cpu,
        disturbances: Vec::new(),
        integrity: Integrity::default(),
        abort: None,
        rollback: None,
    }
}

/// What the traffic suffered from itself and its server. There is no migration whose share could be told
/// from the usual, so that losses are in the accounting alone.
fn impact(recording: &Recording, names: &[String], (zero, end): (Duration, Duration)) -> Impact {
    let (unavailable, transaction) = recording.unavailable(zero, end);
    let restarts = recording.events(zero);
    let restarts = restarts
        .iter()
        .filter(|event| event.kind == FleetEventKind::Restarted);
    Impact {
        unavailable,
        unavailable_transaction: transaction.and_then(|index| names.get(index).cloned()),
        unavailable_before: unavailable,
        restarts: u32::try_from(restarts.count()).unwrap_or(u32::MAX),
        ..Impact::default()
    }
}
