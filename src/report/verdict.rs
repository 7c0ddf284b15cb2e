//! A verdict as report.json has it. Of a load, which is not judged, the `outcome` is null and the only
//! reason says why: whoever reads `verdict.outcome` finds no outcome that was never decided.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::judge::{Finding, Verdict};
use crate::scenario::plan::Outcome;

/// The reason of a verdict that is none.
const NOT_JUDGED: &str = "a load is measured and not judged: no migration ran";

#[derive(Default, Serialize, Deserialize)]
struct Written {
    outcome: Option<Outcome>,
    reasons: Vec<String>,
    #[serde(default)]
    caveats: Vec<String>,
    findings: Vec<Finding>,
}

pub(super) fn serialize<S: Serializer>(
    verdict: &Option<Verdict>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match verdict {
        Some(verdict) => verdict.serialize(serializer),
        None => Written {
            reasons: vec![NOT_JUDGED.to_owned()],
            ..Written::default()
        }
        .serialize(serializer),
    }
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Verdict>, D::Error> {
    let Written {
        outcome,
        reasons,
        caveats,
        findings,
    } = Written::deserialize(deserializer)?;
    Ok(outcome.map(|outcome| Verdict {
        outcome,
        reasons,
        caveats,
        findings,
    }))
}
