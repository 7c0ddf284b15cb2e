//! A plan without what the next release brings.

use super::plan::{Plan, Role, TransactionPlan};

impl Plan {
    /// The plan without the next release, and the names of the transactions that it loses.
    pub fn current_release(&self) -> (Self, Vec<String>) {
        let mut plan = self.clone();
        plan.release = None;
        let next = |kind: &mut TransactionPlan| kind.role == Role::Next;
        let next = plan.traffic.transactions.extract_if(.., next);
        let lost = next.map(|kind| kind.name).collect();
        // Only what has gone replaced others, so that no index is wrong now.
        (plan, lost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::release::ReleasePlan;

    #[test]
    fn without_the_next_release_its_transactions_are_gone() {
        let kind = |name: &str, role, replaces| TransactionPlan {
            name: name.to_owned(),
            role,
            replaces,
            ..TransactionPlan::default()
        };
        let mut both = Plan {
            release: Some(ReleasePlan::default()),
            ..Plan::default()
        };
        both.traffic.transactions = vec![
            kind("new", Role::Next, None),
            kind("read", Role::Current, None),
            kind("read-new", Role::Next, Some(1)),
        ];
        let (current, lost) = both.current_release();
        assert_eq!(current.release, None);
        assert_eq!(current.traffic.names(), ["read"]);
        assert_eq!(lost, ["new", "read-new"]);
    }
}
