//! When requests are made, with all defaults applied.

use super::{Sources, or};
use crate::scenario::ScenarioFile;
use crate::scenario::error::ScenarioError;
use crate::scenario::file::{self, Traffic};
use crate::scenario::plan::{
    ApplicationPlan, Bursts, ClosedLoad, Curve, Load, OpenLoad, Ramp, Shape,
};
use crate::units::Rate;

impl ScenarioFile {
    /// When requests are made. A curve is as high as its file says, unless a rate is given for its
    /// highest point.
    pub(super) fn load(&self, sources: &Sources, traffic: &Traffic) -> Result<Load, ScenarioError> {
        if let Some(clients) = traffic.clients {
            return Ok(Load::Closed(ClosedLoad {
                clients,
                think_time: or(traffic.think_time, Default::default()),
                think: traffic.think.unwrap_or_default(),
                transactions: None,
            }));
        }
        let curve = match &traffic.curve {
            Some(curve) => Some(self.curve(sources, curve)?),
            None => None,
        };
        let measured = curve.as_ref().map(Curve::peak);
        let ramp = traffic.ramp.as_ref().map(|ramp| {
            Shape::Ramp(Ramp {
                from: Rate(ramp.from),
                over: ramp.over.0,
            })
        });
        let bursts = traffic.bursts.as_ref();
        Ok(Load::Open(OpenLoad {
            rate: traffic.rate.map(Rate).or(measured).unwrap_or_default(),
            arrivals: traffic.arrivals.unwrap_or_default(),
            shape: curve.map(Shape::Curve).or(ramp),
            bursts: bursts.map(|bursts| Bursts {
                every: bursts.every.0,
                length: bursts.length.0,
                factor: bursts.factor,
            }),
            transactions: None,
        }))
    }

    fn curve(&self, sources: &Sources, given: &file::Curve) -> Result<Curve, ScenarioError> {
        let text = self.source(sources, &given.file)?;
        let curve = Curve::parse(&given.file, text).map_err(|error| {
            let key = ["traffic", "curve", "file"];
            self.document.error_at(&key, error.to_string())
        })?;
        Ok(match given.over {
            Some(over) => curve.lasting(over.0),
            None => curve,
        })
    }

    /// The fleet. Where the scenario does not say how many connections each instance has, it has as many
    /// as clients at least in a closed loop, so that none waits for another by default.
    pub(super) fn application(&self) -> ApplicationPlan {
        let given = &self.contents.application;
        let plan = given.plan();
        let traffic = self.contents.traffic.as_ref();
        let clients = traffic.and_then(|traffic| traffic.clients).unwrap_or(0);
        let usual = plan.pool_size.max(clients.div_ceil(plan.instances.max(1)));
        ApplicationPlan {
            pool_size: given.pool_size.unwrap_or(usual),
            ..plan
        }
    }
}
