//! When requests are made: at their own times, or by clients that wait for their answers.

mod curve;
mod moment;
mod profile;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::replay::ReplayLoad;
use crate::units::{Rate, seconds};

pub use curve::{Curve, CurveError};
pub use profile::{Stretch, Stretches};

/// When requests are made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Load {
    /// At their own times, whatever became of the ones before: as many independent users make them.
    Open(OpenLoad),
    /// By so many clients, each of which waits for its answer before it goes on.
    Closed(ClosedLoad),
    /// As the sessions of a server's log made them.
    Replay(ReplayLoad),
}

/// Requests at their own times.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct OpenLoad {
    /// Transactions per second over all instances: always, or at the end of the ramp, or at the
    /// curve's highest point.
    pub rate: Rate,
    /// How arrivals are spaced.
    pub arrivals: Arrivals,
    /// How the rate changes with time; none where it does not.
    #[serde(flatten)]
    pub shape: Option<Shape>,
    /// Times of more arrivals than the shape has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bursts: Option<Bursts>,
    /// Arrivals in all; none: as many as there is time for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transactions: Option<u64>,
}

/// How the rate of arrivals changes with time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// Evenly from one rate to the load's, where it stays.
    Ramp(Ramp),
    /// As it was once measured, again and again.
    Curve(Curve),
}

/// The way to the load's rate.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Ramp {
    /// Transactions per second at the traffic's start.
    pub from: Rate,
    /// How long it takes to the load's rate.
    #[serde(with = "seconds")]
    pub over: Duration,
}

/// Times of more arrivals, the first one `every` after the traffic's start.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bursts {
    /// From the start of one to the start of the next.
    #[serde(with = "seconds")]
    pub every: Duration,
    /// How long each lasts; shorter than `every`.
    #[serde(with = "seconds")]
    pub length: Duration,
    /// What the rate is multiplied by meanwhile; above 0.
    pub factor: f64,
}

/// Requests of clients that wait for their answers.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ClosedLoad {
    /// Clients over all instances: client `i` is one of instance `i mod instances`.
    pub clients: u32,
    /// Pause of a client between an answer and its next request, on average.
    #[serde(with = "seconds")]
    pub think_time: Duration,
    /// How the pauses differ.
    #[serde(default)]
    pub think: Think,
    /// Requests of each client, after which it makes no more; none: as many as there is time for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transactions: Option<u64>,
}

/// How the pauses of clients differ.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Think {
    /// They are all as long.
    #[default]
    Constant,
    /// Exponentially, cut off at ten times the average (TPC-C, clause 5.2.5.4).
    Exponential,
}

/// How arrivals are spaced.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Arrivals {
    /// Exponential gaps, as independent users make.
    #[default]
    Poisson,
    /// Equal gaps; where the rate changes, gaps that change with it.
    Uniform,
}

impl Load {
    /// Arrivals at a constant rate.
    pub fn steady(rate: f64, arrivals: Arrivals) -> Self {
        Self::Open(OpenLoad {
            rate: Rate(rate),
            arrivals,
            ..OpenLoad::default()
        })
    }

    /// Clients that go on at once after each answer.
    pub fn clients(clients: u32) -> Self {
        Self::Closed(ClosedLoad {
            clients,
            ..ClosedLoad::default()
        })
    }

    /// Transactions per second that are due whatever the server does, in the end of a ramp and at the
    /// highest point of a curve; none in a closed loop and of a log.
    pub fn rate(&self) -> Option<Rate> {
        match self {
            Self::Open(open) => Some(open.rate),
            Self::Closed(_) | Self::Replay(_) => None,
        }
    }

    /// Requests that are due on average between two moments since the traffic's start; none in a
    /// closed loop, where that is for the server to say.
    pub fn expected(&self, from: Duration, to: Duration) -> Option<f64> {
        match self {
            Self::Open(open) => {
                let most = open.transactions.map_or(f64::INFINITY, |most| most as f64);
                let due = |at| open.due_by(at).min(most);
                Some((due(to) - due(from)).max(0.0))
            }
            Self::Closed(_) | Self::Replay(_) => None,
        }
    }

    /// Whether the rate changes with time by the plan.
    pub fn changes(&self) -> bool {
        match self {
            Self::Open(open) => open.shape.is_some() || open.bursts.is_some(),
            Self::Closed(_) => false,
            Self::Replay(_) => true,
        }
    }

    /// Whether there is a last request.
    pub fn ends(&self) -> bool {
        match self {
            Self::Open(open) => open.transactions.is_some(),
            Self::Closed(closed) => closed.transactions.is_some(),
            Self::Replay(_) => false,
        }
    }

    /// Its clients; none where requests come at their own times.
    pub fn closed(&self) -> Option<&ClosedLoad> {
        match self {
            Self::Open(_) | Self::Replay(_) => None,
            Self::Closed(closed) => Some(closed),
        }
    }

    /// What a person must know of what is sent.
    pub fn notes(&self) -> Vec<String> {
        match self {
            Self::Open(_) | Self::Closed(_) => Vec::new(),
            Self::Replay(replay) => replay.notes(),
        }
    }
}

impl Default for Load {
    /// No request at all.
    fn default() -> Self {
        Self::Open(OpenLoad::default())
    }
}

impl OpenLoad {
    /// The rate over time, piece by piece from the traffic's start on.
    pub fn stretches(&self) -> Stretches {
        Stretches::of(self)
    }

    /// Requests due on average since the traffic's start.
    fn due_by(&self, moment: Duration) -> f64 {
        let moment = moment.as_secs_f64();
        self.stretches()
            .take_while(|stretch| stretch.start() < moment)
            .map(|stretch| stretch.due_until(moment))
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_load_reads_in_reports_as_in_scenarios() {
        let shown = |load: &Load| serde_json::to_string(load).unwrap();
        let steady = Load::steady(400.0, Arrivals::Poisson);
        assert_eq!(shown(&steady), r#"{"rate":400.0,"arrivals":"poisson"}"#);
        let ramp = Load::Open(OpenLoad {
            rate: Rate(400.0),
            shape: Some(Shape::Ramp(Ramp {
                from: Rate(10.0),
                over: Duration::from_secs(60),
            })),
            bursts: Some(Bursts {
                every: Duration::from_secs(10),
                length: Duration::from_secs(1),
                factor: 3.0,
            }),
            ..OpenLoad::default()
        });
        let text = shown(&ramp);
        assert_eq!(
            text,
            r#"{"rate":400.0,"arrivals":"poisson","ramp":{"from":10.0,"over":60.0},"bursts":{"every":10.0,"length":1.0,"factor":3.0}}"#
        );
        assert_eq!(serde_json::from_str::<Load>(&text).unwrap(), ramp);
        let clients = shown(&Load::clients(8));
        assert_eq!(
            clients,
            r#"{"clients":8,"think_time":0.0,"think":"constant"}"#
        );
    }
}
