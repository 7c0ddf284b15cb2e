//! The course of a rehearsal: its passes one after the other, each on the same data anew.

use std::time::Instant;

use super::abort::{Order, grown};
use super::events::Event;
use super::integrity::Known;
use super::loaded::Surroundings;
use super::pass::{Passed, Stage, run_pass};
use super::prepare::Shadow;
use super::production::{Rows, with_statements};
use super::{Options, RehearsalError, Rehearsed, ShadowFacts, forecast, integrity, rollback};
use crate::judge::wording;
use crate::observe::{MigrationOutcome, Pass, PassName, Rollback, StatementCoverage};
use crate::scenario::Plan;
use crate::scenario::plan::MigrationPlan;
use crate::shadow::cache::PrivateCache;

/// A rehearsal under way. The passes are asked for one by one, so that whoever asks can judge what there is
/// before going on.
pub struct Rehearsal<'a> {
    plan: &'a Plan,
    options: Options,
    around: Surroundings<'a>,
    begun: Instant,
    found: Option<Rehearsed>,
    /// Holds the filled data for the passes after the first, where no cache of the user's does.
    _copies: Option<PrivateCache>,
}

impl<'a> Rehearsal<'a> {
    /// Begins one. Nothing is prepared yet.
    ///
    /// # Errors
    /// There is no place to keep the filled data for a further pass.
    pub fn begin(
        plan: &'a Plan,
        options: &Options,
        around: Surroundings<'a>,
    ) -> Result<Self, RehearsalError> {
        let mut options = options.clone();
        let several = passes(plan).len() > 1 || forecast::may_be_wanted(plan);
        let copies = match several && options.cache.is_none() {
            true => Some(PrivateCache::create()?),
            false => None,
        };
        if let Some(copies) = &copies {
            options.cache = Some(copies.cache());
        }
        Ok(Self {
            plan,
            options,
            around,
            begun: Instant::now(),
            found: None,
            _copies: copies,
        })
    }

    /// The passes that the plan asks for, in order.
    pub fn passes(&self) -> Vec<PassName> {
        passes(self.plan)
    }

    /// Makes a pass on a database of its own, which is removed again. The evidence of the passes before
    /// stays, whatever comes of this one.
    ///
    /// # Errors
    /// Where the shadow cannot be prepared or the traffic cannot start. A migration that fails, and an
    /// interrupt once traffic runs, are no errors: they are in the result.
    pub async fn make(&mut self, name: PassName) -> Result<(), RehearsalError> {
        self.around.observer.event(Event::Pass(name));
        let rollback = match name {
            PassName::Rollback => self.compared().await?,
            _ => None,
        };
        let (shadow, mut fill) = Shadow::prepare(self.plan, &self.options, self.around).await?;
        let (plan, statements) = with_statements(self.plan, &shadow, Rows::Filled).await?;
        let plan = self.plan_of(name, plan, &shadow).await;
        let before = integrity::before(&plan, &shadow.config()).await?;
        // Before the migration, and for the first pass alone: the others are on the same data.
        let ground = match self.found {
            None => shadow.ground().await,
            Some(_) => None,
        };
        if self.found.is_none() {
            fill.ready = self.begun.elapsed();
            self.around.observer.event(Event::Ready(fill.ready));
        }
        let order = self.order(name);
        let sizes = sizes(&shadow.facts(&plan).await);
        let stage = Stage {
            name,
            plan: &plan,
            shadow: &shadow,
            abort: order.as_ref(),
            around: self.around,
        };
        let Passed {
            mut pass,
            moments,
            told,
        } = run_pass(stage).await?;
        let (known, migration) = ((&before, moments), pass.migration.as_ref());
        pass.integrity = integrity::after(&plan, &shadow.config(), known, migration).await;
        if name == PassName::Rollback {
            // What half of a migration broke before, the way back has to mend.
            pass.integrity.judge_after_alone();
        }
        pass.rollback = rollback;
        let facts = shadow.facts(&plan).await;
        if let Some(abort) = &mut pass.abort {
            abort.grown = grown(&sizes, &self::sizes(&facts));
        }
        self.run_again((&plan, &shadow), &before, &mut pass).await;
        let mut notes = shadow.notes();
        shadow.stop().await;
        let found = self.found.get_or_insert_with(|| {
            notes.extend(plan.traffic.load.notes());
            notes.extend(statements.iter().flat_map(StatementCoverage::notes));
            Rehearsed {
                shadow: facts,
                plan,
                statements,
                fill,
                ground,
                passes: Vec::new(),
                forecasts: Vec::new(),
                unforeseen: false,
                notes,
                interrupted: false,
            }
        });
        let label = |note| match name {
            PassName::Quiet => note,
            _ => format!("{}: {note}", wording::pass(name)),
        };
        found.notes.extend(told.into_iter().map(label));
        found.passes.push(pass);
        found.interrupted = self.around.stop.is_set();
        Ok(())
    }

    /// Forecasts what the migration needs at production's size, if the plan asks for it and the passes give reason
    /// to. What goes wrong is noted.
    pub async fn forecast(&mut self) {
        let Some(found) = &mut self.found else {
            return;
        };
        let tried = forecast::forecasts(self.plan, &self.options, (self.around, found)).await;
        if let Some((forecasts, trials)) = tried {
            found.unforeseen = trials.runs.is_empty();
            found.forecasts = forecasts;
            found.notes.extend(trials.notes);
        }
        found.interrupted = self.around.stop.is_set();
    }

    /// The quiet pass, if it was made.
    fn quiet(&self) -> Option<&Pass> {
        let mut passes = self.found.as_ref()?.passes.iter();
        passes.find(|pass| pass.name == PassName::Quiet)
    }

    /// The order to end the migration of a pass; none where it is to run through.
    fn order(&self, name: PassName) -> Option<Order> {
        let abort = self.plan.trials.abort;
        let abort = abort.filter(|_| name == PassName::Abort)?;
        Some(Order::new(abort, self.quiet()))
    }

    /// The plan of a pass. That of the way back begins where the migration has been.
    async fn plan_of(&self, name: PassName, plan: Plan, shadow: &Shadow) -> Plan {
        let down = plan.migration.way_back();
        match down.filter(|_| name == PassName::Rollback) {
            Some(migration) => {
                let up = (&plan, &plan.migration);
                // That it fails half way is known from the comparison, and no reason not to go back.
                rollback::apply(up, &shadow.config(), self.around).await;
                going_back(&plan, migration)
            }
            None => plan,
        }
    }

    /// The way back compared with before, on a database of its own and without traffic.
    async fn compared(&self) -> Result<Option<Rollback>, RehearsalError> {
        let Some(down) = self.plan.migration.way_back() else {
            return Ok(None);
        };
        let (shadow, _) = Shadow::prepare(self.plan, &self.options, self.around).await?;
        let plans = (self.plan, &down);
        let rollback = rollback::compare(plans, &shadow.config(), self.around).await;
        shadow.stop().await;
        match self.around.stop.is_set() {
            true => Err(RehearsalError::Interrupted),
            false => Ok(Some(rollback)),
        }
    }

    /// Runs the migration once more on what an abort left.
    async fn run_again(&self, (plan, shadow): (&Plan, &Shadow), before: &Known, pass: &mut Pass) {
        let outcome = pass.migration.as_ref().map(|migration| migration.outcome);
        let Some(abort) = pass.abort.as_mut().filter(|abort| abort.asked.is_some()) else {
            return;
        };
        if outcome != Some(MigrationOutcome::Aborted) || self.around.stop.is_set() {
            return;
        }
        let config = &shadow.config();
        let migration = rollback::apply((plan, &plan.migration), config, self.around).await;
        let quiet = self.quiet().filter(|pass| {
            let migration = pass.migration.as_ref();
            migration.is_some_and(|migration| migration.outcome == MigrationOutcome::Applied)
        });
        let whole = quiet.map(|pass| &pass.integrity.schema_diff[..]);
        let left = match migration.outcome {
            MigrationOutcome::Applied => integrity::amiss(plan, config, (before, whole)).await,
            _ => Vec::new(),
        };
        abort.second_run = Some(rollback::second_run(migration, left));
    }

    /// What was found so far.
    pub fn found(&self) -> Option<&Rehearsed> {
        self.found.as_ref()
    }

    /// Tells what went wrong after the first pass, beside what was found.
    pub fn note(&mut self, note: String) {
        if let Some(found) = &mut self.found {
            found.notes.push(note);
            found.interrupted = self.around.stop.is_set();
        }
    }

    /// What was found; none where no pass was made.
    pub fn finish(self) -> Option<Rehearsed> {
        self.found
    }
}

/// The plan of the way back. Who goes back has gone back with the application first: the next release comes no
/// more.
fn going_back(plan: &Plan, down: MigrationPlan) -> Plan {
    let (current, _) = plan.current_release();
    Plan {
        migration: down,
        ..current
    }
}

fn passes(plan: &Plan) -> Vec<PassName> {
    let trials = plan.trials;
    let wanted = [
        (PassName::Quiet, true),
        (PassName::Disturbed, !plan.disturbances.is_empty()),
        (PassName::Abort, trials.abort.is_some()),
        (
            PassName::Rollback,
            trials.rollback && plan.migration.down.is_some(),
        ),
    ];
    let wanted = wanted.into_iter().filter(|(_, wanted)| *wanted);
    wanted.map(|(name, _)| name).collect()
}

/// The sizes of the tables, where they are known.
fn sizes(facts: &ShadowFacts) -> Vec<(String, i64)> {
    let sizes = facts.tables.iter();
    sizes
        .filter_map(|table| Some((table.name.clone(), i64::try_from(table.bytes?).ok()?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::plan::{Role, TransactionPlan};
    use crate::scenario::release::ReleasePlan;

    #[test]
    fn on_the_way_back_no_next_release_comes() {
        let mut plan = Plan {
            release: Some(ReleasePlan::default()),
            ..Plan::default()
        };
        plan.traffic.transactions = vec![
            TransactionPlan::default(),
            TransactionPlan {
                role: Role::Next,
                ..TransactionPlan::default()
            },
        ];
        let down = MigrationPlan {
            file: "down.sql".to_owned(),
            ..MigrationPlan::default()
        };
        let back = going_back(&plan, down);
        assert_eq!(back.migration.file, "down.sql");
        assert_eq!(back.release, None);
        assert_eq!(back.traffic.transactions.len(), 1);
    }
}
