//! What a worker's instances have in common.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

use tokio::task::JoinSet;

use super::ledger::Ledger;
use super::mix::Mix;
use super::registry::Registry;
use super::session::Remains;
use super::wire::Target;
use crate::scenario::plan::ApplicationPlan;

/// What a worker's instances have in common.
pub(super) struct Site {
    pub(super) mix: Arc<Mix>,
    pub(super) application: Arc<ApplicationPlan>,
    /// Where the server is, with what the sessions set.
    pub(super) target: Target,
    pub(super) registry: Arc<Registry>,
    pub(super) ledger: Rc<Ledger>,
    /// Of the jitter of pauses.
    pub(super) seed: u64,
    remains: RefCell<VecDeque<Remains>>,
}

/// Sessions of instances that were ended which are kept in mind: as many as an instance may have had
/// at a time, times this. Older ones have ended, or nobody counts them any more.
pub(super) const GENERATIONS: u32 = 3;

impl Site {
    pub(super) fn new(
        (mix, application): (Arc<Mix>, Arc<ApplicationPlan>),
        (target, registry): (Target, Arc<Registry>),
        ledger: Rc<Ledger>,
        seed: u64,
    ) -> Rc<Self> {
        Rc::new(Self {
            mix,
            application,
            target,
            registry,
            ledger,
            seed,
            remains: RefCell::default(),
        })
    }

    /// Keeps in mind what the server still has of an instance that was ended: it is the application's,
    /// and has to go when the traffic does.
    pub(super) fn leave_behind(&self, remains: Remains) {
        let application = &self.application;
        let connections = application.instances.saturating_mul(application.pool_size);
        let most = connections.saturating_mul(GENERATIONS) as usize;
        let mut all = self.remains.borrow_mut();
        if all.len() >= most.max(1) {
            all.pop_front();
        }
        all.push_back(remains);
    }

    /// Ends what ended instances left on the server.
    pub(super) async fn clear(&self) {
        let mut cancels = JoinSet::new();
        for remains in self.remains.take() {
            cancels.spawn_local(remains.cancel());
        }
        while cancels.join_next().await.is_some() {}
    }
}
