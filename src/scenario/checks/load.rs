//! Whether it is said once, and sensibly, when requests are made.

use super::{Checked, Checks};
use crate::scenario::file::Traffic;
use crate::units::Span;

/// More than this no traffic has ever been above its usual rate.
const BURST_FACTOR: f64 = 10_000.0;

impl Checks<'_> {
    /// When requests are made.
    pub(super) fn load(&self, traffic: &Traffic) -> Checked {
        let other = [traffic.clients.is_some(), traffic.log.is_some()];
        match traffic.curve {
            // The file has the rates already.
            Some(_) if !other.contains(&true) => {}
            _ => {
                let [clients, log] = other;
                let given = [traffic.rate.is_some(), clients, log];
                self.exactly_one(&given, &["traffic"], "`rate`, `clients` or `log`")?;
            }
        }
        self.rate(traffic)?;
        self.ramp(traffic)?;
        self.curve(traffic)?;
        self.bursts(traffic)?;
        self.clients(traffic)
    }

    fn rate(&self, traffic: &Traffic) -> Checked {
        self.require(
            traffic
                .rate
                .is_none_or(|rate| rate.is_finite() && rate > 0.0),
            &["traffic", "rate"],
            "the rate must be above 0 transactions per second",
        )
    }

    fn ramp(&self, traffic: &Traffic) -> Checked {
        let Some(ramp) = &traffic.ramp else {
            return Ok(());
        };
        self.require(
            ramp.from.is_finite() && ramp.from >= 0.0,
            &["traffic", "ramp", "from"],
            "the rate that a ramp starts from must be 0 or more",
        )?;
        self.require(
            ramp.over != Span::default(),
            &["traffic", "ramp", "over"],
            "a ramp must take longer than 0: leave it out to start at the rate",
        )
    }

    fn curve(&self, traffic: &Traffic) -> Checked {
        let Some(curve) = &traffic.curve else {
            return Ok(());
        };
        self.require(
            traffic.ramp.is_none(),
            &["traffic", "ramp"],
            "only one of `ramp` or `curve` may be given: a curve says how the rate begins",
        )?;
        self.require(
            curve.over != Some(Span::default()),
            &["traffic", "curve", "over"],
            "a curve must take longer than 0",
        )
    }

    fn bursts(&self, traffic: &Traffic) -> Checked {
        let Some(bursts) = &traffic.bursts else {
            return Ok(());
        };
        let key = |last| ["traffic", "bursts", last];
        self.require(
            bursts.length != Span::default(),
            &key("length"),
            "a burst must last longer than 0",
        )?;
        self.require(
            bursts.length < bursts.every,
            &key("length"),
            "a burst must be shorter than `every`, the time from one to the next",
        )?;
        self.require(
            bursts.factor > 0.0 && bursts.factor <= BURST_FACTOR,
            &key("factor"),
            "the factor that bursts multiply the rate by must be above 0, and 10000 at most",
        )
    }

    /// What is said of clients must go with clients, and the other way round.
    fn clients(&self, traffic: &Traffic) -> Checked {
        self.at_least_one(&["traffic", "clients"], traffic.clients.map(u64::from))?;
        let closed = traffic.clients.is_some();
        for (name, given) in [
            ("arrivals", traffic.arrivals.is_some()),
            ("ramp", traffic.ramp.is_some()),
            ("curve", traffic.curve.is_some()),
            ("bursts", traffic.bursts.is_some()),
        ] {
            let message = format!(
                "`{name}` goes with a `rate`: clients make their requests when they have their answers"
            );
            self.require(!(closed && given), &["traffic", name], &message)?;
        }
        for (name, given) in [
            ("think_time", traffic.think_time.is_some()),
            ("think", traffic.think.is_some()),
        ] {
            let message = format!("`{name}` goes with `clients`: a `rate` has nobody who pauses");
            self.require(closed || !given, &["traffic", name], &message)?;
        }
        self.require(
            traffic.think.is_none() || traffic.think_time.is_some(),
            &["traffic", "think"],
            "`think` says how pauses differ: give their average as `think_time`",
        )
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::PathBuf;
    use std::time::Duration;

    use crate::scenario::parse;
    use crate::scenario::plan::{Arrivals, ClosedLoad, Load, Plan, Shape, Think};
    use crate::units::Rate;

    /// A scenario with these lines under `[traffic]`.
    fn scenario(traffic: &str) -> String {
        format!(
            "name = 'load'\nschema.file = 'schema.sql'\nmigration.file = 'migration.sql'\n\
             [traffic]\ntransactions = [{{ name = 'one', sql = 'SELECT 1' }}]\n{traffic}\n"
        )
    }

    const DAY: &str = "time,rate\n00:00,10\n12:00,250\n";

    fn plan(traffic: &str, curve: &str) -> Result<Plan, String> {
        let file = parse("scenario.toml", &scenario(traffic), &[]).map_err(|e| e.to_string())?;
        let mut sources: BTreeMap<PathBuf, String> = file
            .files()
            .into_iter()
            .map(|path| (path, "SELECT 1;".to_owned()))
            .collect();
        sources.insert(PathBuf::from("day.csv"), curve.to_owned());
        file.resolve(&sources, None, 1.0).map_err(|e| e.to_string())
    }

    fn error(traffic: &str) -> String {
        plan(traffic, DAY).unwrap_err()
    }

    #[test]
    fn clients_are_a_closed_loop_with_a_connection_each() {
        let plan_of = |traffic| plan(traffic, DAY).unwrap();
        let least = plan_of("clients = 8");
        assert_eq!(least.traffic.load, Load::clients(8));
        assert_eq!(least.application.pool_size, 10);
        let most = plan_of("clients = 101\nthink_time = '250ms'\nthink = 'exponential'");
        let expected = ClosedLoad {
            clients: 101,
            think_time: Duration::from_millis(250),
            think: Think::Exponential,
            transactions: None,
        };
        assert_eq!(most.traffic.load, Load::Closed(expected));
        // Of four instances, one has 26 clients.
        assert_eq!(most.application.pool_size, 26);
        let small = plan_of("clients = 101\n[application]\ninstances = 2\npool_size = 3");
        assert_eq!(small.application.pool_size, 3);
    }

    #[test]
    fn rates_change_by_ramps_curves_and_bursts() {
        let open = |traffic| match plan(traffic, DAY).unwrap().traffic.load {
            Load::Open(open) => open,
            other => panic!("no open loop: {other:?}"),
        };
        let ramp = open("rate = 80\nramp = { over = '1min' }\narrivals = 'uniform'");
        assert_eq!(ramp.arrivals, Arrivals::Uniform);
        assert!(matches!(ramp.shape, Some(Shape::Ramp(ramp)) if ramp.from == Rate(0.0)));
        let day = open("curve = { file = 'day.csv' }");
        assert_eq!(day.rate, Rate(250.0));
        assert!(matches!(&day.shape, Some(Shape::Curve(curve)) if curve.over.as_secs() == 86_400));
        let scaled = open("rate = 50\ncurve = { file = 'day.csv', over = '60s' }");
        assert_eq!(scaled.rate, Rate(50.0));
        let load = Load::Open(scaled);
        let minute = Duration::from_secs(60);
        // From 2/s to 50/s and back.
        assert_eq!(load.expected(Duration::ZERO, minute), Some(60.0 * 26.0));
        let bursts = open("rate = 50\nbursts = { every = '10s', length = '500ms', factor = 4 }");
        assert_eq!(bursts.bursts.unwrap().factor, 4.0);
    }

    #[test]
    fn a_fault_in_a_curve_names_its_line() {
        let fault = plan("curve = { file = 'day.csv' }", "1,2\n2,x\n").unwrap_err();
        insta::assert_snapshot!(fault, @r"
        error: day.csv:2: `x` is not a rate: write transactions per second, 0 or more
         --> scenario.toml:6:18
          |
        6 | curve = { file = 'day.csv' }
          |                  ^^^^^^^^^
        ");
    }

    #[test]
    fn what_makes_no_sense_is_shown() {
        insta::assert_snapshot!(error("protocol = 'simple'"), @r"
        error: one of `rate`, `clients` or `log` is needed here
         --> scenario.toml:4:2
          |
        4 | [traffic]
          |  ^^^^^^^
        ");
        insta::assert_snapshot!(error("clients = 0"), @r"
        error: `clients` must be at least 1
         --> scenario.toml:6:11
          |
        6 | clients = 0
          |           ^
        ");
        insta::assert_snapshot!(error("clients = 8\ncurve = { file = 'day.csv' }"), @r"
        error: `curve` goes with a `rate`: clients make their requests when they have their answers
         --> scenario.toml:7:1
          |
        7 | curve = { file = 'day.csv' }
          | ^^^^^
        ");
        insta::assert_snapshot!(error("clients = 8\nbursts = { every = '2s', length = '1s', factor = 2 }"), @r"
        error: `bursts` goes with a `rate`: clients make their requests when they have their answers
         --> scenario.toml:7:1
          |
        7 | bursts = { every = '2s', length = '1s', factor = 2 }
          | ^^^^^^
        ");
        insta::assert_snapshot!(error("rate = 8\nthink_time = '1s'"), @r"
        error: `think_time` goes with `clients`: a `rate` has nobody who pauses
         --> scenario.toml:7:14
          |
        7 | think_time = '1s'
          |              ^^^^
        ");
        insta::assert_snapshot!(error("clients = 8\nthink = 'exponential'"), @r"
        error: `think` says how pauses differ: give their average as `think_time`
         --> scenario.toml:7:9
          |
        7 | think = 'exponential'
          |         ^^^^^^^^^^^^^
        ");
        insta::assert_snapshot!(error("clients = 8\nthink_time = '1s'\nthink = 'gaussian'"), @r"
        error: unknown value `gaussian`
         --> scenario.toml:8:9
          |
        8 | think = 'gaussian'
          |         ^^^^^^^^^^
          |
          = help: there are constant, exponential
        ");
        insta::assert_snapshot!(error("rate = 8\nramp = { from = -1, over = '1s' }"), @r"
        error: the rate that a ramp starts from must be 0 or more
         --> scenario.toml:7:17
          |
        7 | ramp = { from = -1, over = '1s' }
          |                 ^^
        ");
        insta::assert_snapshot!(error("rate = 8\nramp = { over = '0' }"), @r"
        error: a ramp must take longer than 0: leave it out to start at the rate
         --> scenario.toml:7:17
          |
        7 | ramp = { over = '0' }
          |                 ^^^
        ");
        insta::assert_snapshot!(error("rate = 8\nramp = { over = '1s' }\ncurve = { file = 'day.csv' }"), @r"
        error: only one of `ramp` or `curve` may be given: a curve says how the rate begins
         --> scenario.toml:7:1
          |
        7 | ramp = { over = '1s' }
          | ^^^^
        ");
        insta::assert_snapshot!(error("curve = { file = 'day.csv', over = '0' }"), @r"
        error: a curve must take longer than 0
         --> scenario.toml:6:36
          |
        6 | curve = { file = 'day.csv', over = '0' }
          |                                    ^^^
        ");
        insta::assert_snapshot!(error("rate = 8\nbursts = { every = '1s', length = '1s', factor = 2 }"), @r"
        error: a burst must be shorter than `every`, the time from one to the next
         --> scenario.toml:7:35
          |
        7 | bursts = { every = '1s', length = '1s', factor = 2 }
          |                                   ^^^^
        ");
        insta::assert_snapshot!(error("rate = 8\nbursts = { every = '1s', length = '0', factor = 2 }"), @r"
        error: a burst must last longer than 0
         --> scenario.toml:7:35
          |
        7 | bursts = { every = '1s', length = '0', factor = 2 }
          |                                   ^^^
        ");
        insta::assert_snapshot!(error("rate = 8\nbursts = { every = '2s', length = '1s', factor = 0 }"), @r"
        error: the factor that bursts multiply the rate by must be above 0, and 10000 at most
         --> scenario.toml:7:50
          |
        7 | bursts = { every = '2s', length = '1s', factor = 0 }
          |                                                  ^
        ");
        insta::assert_snapshot!(error("rate = 8\nbursts = { every = '2s', length = '1s', factor = nan }"), @r"
        error: the factor that bursts multiply the rate by must be above 0, and 10000 at most
         --> scenario.toml:7:50
          |
        7 | bursts = { every = '2s', length = '1s', factor = nan }
          |                                                  ^^^
        ");
    }
}
