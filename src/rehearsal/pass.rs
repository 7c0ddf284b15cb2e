//! One pass: traffic through warm-up, baseline, migration and recovery, with the migration in its
//! place and the lock sampler beside it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::Config;

use super::RehearsalError;
use super::events::Event;
use super::loaded::Surroundings;
use super::roster::Roster;
use super::runner::{self, Ground};
use super::sampler::{Sampled, Sampler, Watch};
use super::settle::{Raw, settle};
use crate::observe::{Migration, Pass, PhaseName, TableUsage};
use crate::postgres::connect::{Session, connect};
use crate::postgres::uses::table_uses;
use crate::scenario::Plan;
use crate::synth::KeyBook;
use crate::traffic::{Fleet, FleetSetup, Timeline};

/// How long requests that are under way at the end get to finish, before they count as unfinished.
const DRAIN: Duration = Duration::from_secs(5);

/// How often the live state is told.
const LIVE_EVERY: Duration = Duration::from_millis(250);

/// What a pass needs.
#[derive(Clone, Copy)]
pub(super) struct Stage<'a> {
    /// What to do.
    pub plan: &'a Plan,
    /// The shadow database, filled.
    pub config: &'a Config,
    /// What the traffic picks keys from.
    pub keys: &'a KeyBook,
    /// Who is told, and who may end the pass early, with what was measured.
    pub around: Surroundings<'a>,
}

/// Runs the quiet pass. The second value says why the lock sampler saw nothing for a while, if so.
///
/// # Errors
/// Where the traffic cannot start or its threads die; an interrupt is no error: the pass ends early.
pub(super) async fn run_pass(stage: Stage<'_>) -> Result<(Pass, Option<String>), RehearsalError> {
    let fleet = Fleet::start(FleetSetup {
        traffic: &stage.plan.traffic,
        application: &stage.plan.application,
        seed: stage.plan.seed,
        config: stage.config.clone(),
        keys: Box::new(stage.keys.clone()),
    })
    .await?;
    let timeline = Arc::new(Timeline::new());
    let roster = Arc::new(Roster::default());
    let watch = Watch {
        roster: Arc::clone(&roster),
        registry: fleet.registry(),
        transactions: stage
            .plan
            .traffic
            .transactions
            .iter()
            .map(|t| t.name.clone())
            .collect(),
        timeline: Arc::clone(&timeline),
    };
    let sampler = Sampler::start(stage.config.clone(), watch).map_err(RehearsalError::Thread)?;
    let mut usage = Usage::begin(stage.config).await;
    fleet.go(Arc::clone(&timeline));
    let show = Show {
        stage,
        fleet: &fleet,
        sampler: &sampler,
        timeline: &timeline,
    };
    let migration = phases(&show, &roster, &mut usage).await;
    let end = timeline.now();
    let recording = fleet.stop(DRAIN).await?;
    let zero = timeline.start_of(PhaseName::Baseline).unwrap_or(end);
    let Sampled { locks, error } = sampler.finish(zero);
    Ok((
        settle(
            stage.plan,
            Raw {
                recording,
                timeline,
                migration,
                locks,
                usage: usage.found,
                end,
            },
        ),
        error,
    ))
}

/// Finds which tables the traffic uses. What cannot be read is left out: nothing else depends on it.
struct Usage {
    session: Option<Session>,
    before: BTreeMap<String, i64>,
    found: TableUsage,
}

impl Usage {
    async fn begin(config: &Config) -> Self {
        let session = connect(config, "pgrehearse usage").await.ok();
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
            match self.before.get(&name) {
                Some(before) if *before == uses => self.found.idle.push(name),
                _ => self.found.used.push(name),
            }
        }
        self.session = None;
    }

    async fn read(&self) -> BTreeMap<String, i64> {
        match &self.session {
            Some(session) => table_uses(&session.client).await.unwrap_or_default(),
            None => BTreeMap::new(),
        }
    }
}

/// What the live state is read from.
struct Show<'a> {
    stage: Stage<'a>,
    fleet: &'a Fleet,
    sampler: &'a Sampler,
    timeline: &'a Timeline,
}

impl Show<'_> {
    /// Begins a phase and lets it last so long; false if the stop came.
    async fn phase(&self, name: PhaseName, length: Duration) -> bool {
        self.timeline.begin(name);
        self.stage
            .around
            .observer
            .event(Event::Phase(name, Some(length)));
        tokio::select! {
            went = self.stage.around.stop.sleep(length) => went,
            () = self.live() => false,
        }
    }

    /// Tells the live state for ever.
    async fn live(&self) {
        loop {
            tokio::time::sleep(LIVE_EVERY).await;
            let traffic = self.fleet.live();
            self.stage.around.observer.event(Event::Live {
                traffic: &traffic,
                waiters: self.sampler.waiters(),
            });
        }
    }
}

/// Goes through the phases; none if the stop came before the migration began.
async fn phases(show: &Show<'_>, roster: &Roster, usage: &mut Usage) -> Option<Migration> {
    let Stage {
        plan,
        config,
        around,
        ..
    } = show.stage;
    if !show.phase(PhaseName::Warmup, plan.phases.warmup).await
        || !show.phase(PhaseName::Baseline, plan.phases.baseline).await
    {
        return None;
    }
    usage.end().await;
    show.timeline.begin(PhaseName::Migration);
    around
        .observer
        .event(Event::Phase(PhaseName::Migration, None));
    let ground = Ground {
        config,
        timeline: show.timeline,
        roster,
        around,
    };
    let migration = tokio::select! {
        migration = runner::run(ground, &plan.migration, plan.limits.migration_time) => migration,
        () = show.live() => return None,
    };
    show.phase(PhaseName::Recovery, plan.phases.recovery).await;
    Some(migration)
}
