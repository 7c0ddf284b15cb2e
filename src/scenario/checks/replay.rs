//! What goes with a server's log as the traffic.

use super::super::application::Application;
use super::super::file::Traffic;
use super::{Checked, Checks};

impl Checks<'_> {
    /// What is said of a log must go with one, and a log goes with little else.
    pub(super) fn replay(&self, traffic: &Traffic, application: &Application) -> Checked {
        let speed = traffic
            .speed
            .is_none_or(|speed| speed.is_finite() && speed > 0.0);
        let message = "the speed must be above 0: 2.0 is twice as fast as it was";
        self.require(speed, &["traffic", "speed"], message)?;
        let replays = traffic.log.is_some();
        for (name, given) in [
            ("speed", traffic.speed.is_some()),
            ("log_database", traffic.log_database.is_some()),
        ] {
            let message = format!("`{name}` goes with a `log`, which is not given");
            self.require(replays || !given, &["traffic", name], &message)?;
        }
        for (name, given) in [
            ("transactions", !traffic.transactions.is_empty()),
            ("statements", traffic.statements.is_some()),
        ] {
            let message = "a `log` has its own transactions: leave these out, or leave out the log";
            self.require(!(replays && given), &["traffic", name], message)?;
        }
        let given = Application {
            statement_timeout: None,
            lock_timeout: None,
            ..application.clone()
        };
        let message = "the sessions of a `log` are its own, without instances and pools: \
                       `statement_timeout` and `lock_timeout` are all that can be set here";
        self.require(
            !replays || given == Application::default(),
            &["application"],
            message,
        )
    }
}
