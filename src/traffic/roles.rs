//! Which kinds of transactions the application's two releases send.

use crate::scenario::plan::{Role, TransactionPlan};

/// The kinds of a plan, by the release that sends them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Roles(Vec<Part>);

/// The part that a kind plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Part {
    role: Role,
    weight: u32,
    /// Whether it comes in another's place.
    replaces: bool,
    /// The kind that the next release sends in its place.
    successor: Option<usize>,
}

impl Roles {
    pub(super) fn of(kinds: &[TransactionPlan]) -> Self {
        let replaced = |place| kinds.iter().position(|kind| kind.replaces == Some(place));
        let parts = kinds.iter().enumerate().map(|(place, kind)| Part {
            role: kind.role,
            weight: kind.weight,
            replaces: kind.replaces.is_some(),
            successor: replaced(place),
        });
        Self(parts.collect())
    }

    /// The release that brings a kind. What is no kind of the plan is the current one's, as the health
    /// check.
    pub(super) fn role(&self, kind: usize) -> Role {
        self.0.get(kind).map_or(Role::Current, |part| part.role)
    }

    /// What an instance of a release sends where this kind comes due.
    pub(super) fn sent(&self, kind: usize, release: Role) -> usize {
        match release {
            Role::Current => kind,
            Role::Next => {
                let successor = self.0.get(kind).and_then(|part| part.successor);
                successor.unwrap_or(kind)
            }
        }
    }

    /// Whether a kind comes on top of what the current release sends.
    pub(super) fn is_added(&self, kind: usize) -> bool {
        self.0.get(kind).is_some_and(Part::is_added)
    }

    /// How often the current release sends each kind, relative to each other.
    pub(super) fn current(&self) -> impl Iterator<Item = u32> {
        self.weights(|part| part.role == Role::Current)
    }

    /// How often each comes on top with the next one, on the same scale.
    pub(super) fn added(&self) -> impl Iterator<Item = u32> {
        self.weights(Part::is_added)
    }

    /// Both together: what comes due at an instance of the next release, which sends successors.
    pub(super) fn next(&self) -> impl Iterator<Item = u32> {
        self.weights(|part| part.role == Role::Current || part.is_added())
    }

    /// Requests that come on top for each of the current release's; zero where none do.
    pub(super) fn added_share(&self) -> f64 {
        let sum = |weights: &mut dyn Iterator<Item = u32>| weights.map(f64::from).sum::<f64>();
        sum(&mut self.added()) / sum(&mut self.current()).max(1.0)
    }

    /// The weights of the kinds that play some part, and zero for the others.
    fn weights(&self, plays: fn(&Part) -> bool) -> impl Iterator<Item = u32> {
        let parts = self.0.iter();
        parts.map(move |part| if plays(part) { part.weight } else { 0 })
    }
}

impl Part {
    fn is_added(&self) -> bool {
        self.role == Role::Next && !self.replaces
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(weight: u32, role: Role, replaces: Option<usize>) -> TransactionPlan {
        TransactionPlan {
            weight,
            role,
            replaces,
            ..TransactionPlan::default()
        }
    }

    /// Two kinds, a successor of the second, and one on top.
    fn roles() -> Roles {
        Roles::of(&[
            kind(60, Role::Current, None),
            kind(40, Role::Current, None),
            kind(7, Role::Next, Some(1)),
            kind(25, Role::Next, None),
        ])
    }

    #[test]
    fn a_successor_is_sent_in_the_place_of_another() {
        let roles = roles();
        let sent = |release| (0..4).map(|kind| roles.sent(kind, release)).collect();
        let (current, next): (Vec<_>, Vec<_>) = (sent(Role::Current), sent(Role::Next));
        assert_eq!(current, [0, 1, 2, 3]);
        assert_eq!(next, [0, 2, 2, 3]);
    }

    #[test]
    fn what_comes_on_top_has_its_share_beside_the_others() {
        let roles = roles();
        assert_eq!(roles.current().collect::<Vec<_>>(), [60, 40, 0, 0]);
        assert_eq!(roles.added().collect::<Vec<_>>(), [0, 0, 0, 25]);
        assert_eq!(roles.next().collect::<Vec<_>>(), [60, 40, 0, 25]);
        assert_eq!(roles.added_share(), 0.25);
        let added: Vec<usize> = (0..4).filter(|kind| roles.is_added(*kind)).collect();
        assert_eq!(added, [3]);
    }

    #[test]
    fn what_is_no_kind_is_sent_by_both() {
        let roles = roles();
        assert_eq!(roles.role(4), Role::Current);
        assert_eq!(roles.sent(4, Role::Next), 4);
        assert_eq!(Roles::default().added_share(), 0.0);
    }
}
