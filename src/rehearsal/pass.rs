//! One pass: traffic through warm-up, baseline, migration and recovery, with the migration in its
//! place and the lock sampler beside it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::Config;

use super::RehearsalError;
use super::abort::Order;
use super::disturbance::Disturbances;
use super::events::Event;
use super::ground::Ground;
use super::integrity::{self, Moments};
use super::loaded::Surroundings;
use super::prepare::Shadow;
use super::roster::Roster;
use super::runner;
use super::sampler::{Sampled, Sampler, Watch};
use super::settle::{Raw, settle};
use super::show::Show;
use crate::judge;
use crate::observe::{Migration, MigrationOutcome, Pass, PassName, PhaseName, TableUsage};
use crate::postgres::connect::{Session, connect_unlimited};
use crate::postgres::uses::{Uses, table_uses};
use crate::scenario::Plan;
use crate::scenario::plan::DisturbancePlan;
use crate::traffic::{Fleet, FleetSetup, Timeline};
use crate::units::Span;

/// How long requests that are under way at the end get to finish, before they count as unfinished.
pub(super) const DRAIN: Duration = Duration::from_secs(5);

/// What a pass needs.
#[derive(Clone, Copy)]
pub(super) struct Stage<'a> {
    /// Which pass.
    pub name: PassName,
    /// What to do.
    pub plan: &'a Plan,
    /// The shadow, filled.
    pub shadow: &'a Shadow,
    /// When and how the migration is to be ended in its midst; none: it is not.
    pub abort: Option<&'a Order>,
    /// Who is told, and who may end the pass early, with what was measured.
    pub around: Surroundings<'a>,
}

/// What a pass gives.
pub(super) struct Passed {
    pub(super) pass: Pass,
    /// The data as it was under the pass's traffic.
    pub(super) moments: Moments,
    /// What should be known beside it: why the lock sampler saw nothing for a while, that many requests
    /// waited at once.
    pub(super) told: Vec<String>,
}

/// Runs the pass.
///
/// # Errors
/// Where the traffic cannot start or its threads die; an interrupt is no error: the pass ends early.
pub(super) async fn run_pass(stage: Stage<'_>) -> Result<Passed, RehearsalError> {
    let (plan, config) = (stage.plan, &stage.shadow.config());
    let fleet = Fleet::start(FleetSetup {
        traffic: &plan.traffic,
        application: &plan.application,
        release: plan.release,
        seed: plan.seed,
        config: config.clone(),
        keys: Box::new(stage.shadow.keys.clone()),
    })
    .await?;
    let timeline = Arc::new(Timeline::new());
    let roster = Arc::new(Roster::default());
    let watch = Watch {
        roster: Arc::clone(&roster),
        registry: fleet.registry(),
        transactions: plan.traffic.names(),
        timeline: Arc::clone(&timeline),
    };
    let disturbances = (stage.disturbances(), &stage.shadow.loaded.schema);
    let mut company = Company {
        disturbances: Disturbances::open(disturbances, config, (&roster, &timeline)).await?,
        usage: Usage::begin(config).await,
        roster: &roster,
    };
    let sampler = Sampler::start(config.into(), watch).map_err(RehearsalError::Thread)?;
    fleet.go(Arc::clone(&timeline));
    let show = Show {
        around: stage.around,
        fleet: &fleet,
        sampler: Some(&sampler),
        timeline: &timeline,
    };
    let (migration, moments) = phases(stage, &show, &mut company).await.unzip();
    let end = timeline.now();
    let crowd = judge::load::crowd(fleet.peak_waiting());
    let recording = fleet.stop(DRAIN).await?;
    let zero = timeline.start_of(PhaseName::Baseline).unwrap_or(end);
    let Sampled { locks, error } = sampler.finish(zero);
    let disturbances = company.disturbances.finish(zero).await;
    let raw = Raw {
        name: stage.name,
        recording,
        timeline,
        migration,
        locks,
        usage: company.usage.found,
        disturbances,
        end,
    };
    let mut pass = settle(plan, raw);
    if let Some(error) = stage.abort.and_then(Order::lost) {
        return Err(error.into());
    }
    pass.abort = stage.abort.map(|order| order.told(&pass, zero));
    let blind = error.map(|error| {
        let gap = Span(pass.locks.sample_error);
        format!("the lock sampler saw nothing for up to {gap}: {error}")
    });
    Ok(Passed {
        pass,
        moments: moments.unwrap_or_default(),
        told: blind.into_iter().chain(crowd).collect(),
    })
}

/// Who is there beside traffic and migration.
struct Company<'a> {
    disturbances: Disturbances,
    usage: Usage,
    roster: &'a Roster,
}

impl Stage<'_> {
    /// The disturbances of this pass.
    fn disturbances(&self) -> &[DisturbancePlan] {
        match self.name {
            PassName::Disturbed => &self.plan.disturbances,
            _ => &[],
        }
    }
}

/// Finds which tables the traffic uses. What cannot be read is left out: nothing else depends on it.
struct Usage {
    session: Option<Session>,
    before: BTreeMap<String, Uses>,
    found: TableUsage,
}

impl Usage {
    async fn begin(config: &Config) -> Self {
        let session = connect_unlimited(config, "pgrehearse usage").await.ok();
        let mut usage = Self {
            session,
            before: BTreeMap::new(),
            found: TableUsage::default(),
        };
        usage.before = usage.read().await;
        usage
    }

    /// Must come before the migration, which uses tables too.
    async fn end(&mut self) {
        for (name, uses) in self.read().await {
            let before = self.before.get(&name);
            if before == Some(&uses) {
                self.found.idle.push(name);
                continue;
            }
            if before.is_none_or(|before| before.writes != uses.writes) {
                self.found.written.push(name.clone());
            }
            self.found.used.push(name);
        }
        self.session = None;
    }

    async fn read(&self) -> BTreeMap<String, Uses> {
        match &self.session {
            Some(session) => table_uses(&session.client).await.unwrap_or_default(),
            None => BTreeMap::new(),
        }
    }
}

/// How long the next release is there before the migration.
fn lead(plan: &Plan) -> Duration {
    let release = plan.release;
    release.map_or(Duration::ZERO, |release| release.lead())
}

/// Goes through the phases; none if the stop came before the migration began.
async fn phases(
    stage: Stage<'_>,
    show: &Show<'_>,
    company: &mut Company<'_>,
) -> Option<(Migration, Moments)> {
    let Stage { plan, around, .. } = stage;
    let config = &stage.shadow.config();
    if !show.phase(PhaseName::Warmup, plan.phases.warmup).await {
        return None;
    }
    let lead = lead(plan);
    // What starts before the migration has the end of the baseline to start in.
    let baseline = plan.phases.baseline.max(company.disturbances.lead());
    let begins = show.timeline.begin(PhaseName::Baseline);
    company
        .disturbances
        .go(begins.saturating_add(baseline).saturating_add(lead));
    if !show.phase(PhaseName::Baseline, baseline).await {
        return None;
    }
    company.usage.end().await;
    // What comes with the release is owed to the deployment, and no part of the baseline.
    let begun = show.timeline.begin(PhaseName::Migration);
    show.timeline.plan_migration(begun.saturating_add(lead));
    if !lead.is_zero() && !show.phase(PhaseName::Migration, lead).await {
        return None;
    }
    show.timeline.migration_started();
    around
        .observer
        .event(Event::Phase(PhaseName::Migration, None));
    let ground = Ground {
        config,
        timeline: show.timeline,
        roster: company.roster,
        around,
        abort: stage.abort.map(|order| order.against(&stage.shadow.server)),
    };
    let migration = tokio::select! {
        migration = runner::run(ground, &plan.migration, plan.limits.migration_time) => migration,
        () = show.live() => return None,
    };
    if migration.outcome == MigrationOutcome::Applied {
        show.timeline.migration_applied();
    }
    // The traffic does not wait until the server has given the snapshot.
    let (at_end, _) = tokio::join!(
        integrity::moment(plan, config),
        show.phase(PhaseName::Recovery, plan.phases.recovery),
    );
    let after = integrity::moment(plan, config).await;
    Some((migration, Moments { at_end, after }))
}
