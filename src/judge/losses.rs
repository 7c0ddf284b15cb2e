//! The rule `error_rate`: requests lost beyond the baseline's own share.

use crate::observe::{Accounting, Phase};

use super::case::Case;
use super::interval::{Estimate, weigh};
use super::unsteady::{self, Counted};
use super::wording::{percent, thousands};
use super::{Finding, Unit};

pub(super) fn error_rate(case: &Case<'_>) -> Vec<Finding> {
    let own = case
        .baseline
        .and_then(|phase| phase.accounting.error_rate())
        .unwrap_or_default();
    case.windows()
        .filter_map(|(window, phase)| {
            let rate = phase.accounting.error_rate()?;
            let amounts = ((rate - own).max(0.0), case.limits.error_rate);
            let mut finding = case.finding("error_rate", Unit::Share, amounts);
            finding.window = window;
            finding.detail = format!(
                "{} of the {} requests due {window} {} lost{}; the limit is {} beyond the \
                 baseline's {}",
                percent(rate),
                thousands(phase.accounting.scheduled),
                if phase.accounting.lost() == 1 {
                    "was"
                } else {
                    "were"
                },
                losses(phase),
                percent(case.limits.error_rate),
                percent(own)
            );
            finding.noise = Some(rate_noise(rate, &phase.accounting));
            weigh(
                &mut finding,
                &beyond_baseline(case, phase),
                case.limits.error_rate,
            );
            case.blame_most_waiting(&mut finding);
            Some(finding)
        })
        .collect()
}

/// Whose requests were lost and by which errors, the most frequent first.
fn losses(phase: &Phase) -> String {
    let lost = phase
        .transactions
        .iter()
        .map(|kind| (kind.name.as_str(), kind.accounting.lost()));
    let errors = phase
        .errors
        .iter()
        .map(|(error, count)| (error.as_str(), *count));
    let parts: Vec<String> = [most(lost), most(errors)]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect();
    match parts.is_empty() {
        true => String::new(),
        false => format!(" ({})", parts.join("; ")),
    }
}

/// The three largest counts that are not zero: `record-measurement 31, admit-patient 3`.
fn most<'a>(counts: impl Iterator<Item = (&'a str, u64)>) -> String {
    let mut counts: Vec<(&str, u64)> = counts.filter(|(_, count)| *count > 0).collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let named: Vec<String> = counts
        .iter()
        .take(3)
        .map(|(name, count)| format!("{name} {}", thousands(*count)))
        .collect();
    named.join(", ")
}

/// Half a binomial share's 95 % interval, by the normal approximation.
fn rate_noise(rate: f64, accounting: &Accounting) -> f64 {
    1.96 * (rate * (1.0 - rate) / accounting.scheduled.max(1) as f64).sqrt()
}

/// The share that a phase lost beyond the baseline's, with its interval: where the baseline loses requests
/// too, a window of few has a few of these losses more or less by chance.
fn beyond_baseline(case: &Case<'_>, phase: &Phase) -> Estimate {
    let steady = unsteady::of_baseline(case, None, Counted::Lost);
    let effect = unsteady::of_window(case, None, (&[phase], Counted::Lost, steady));
    let share = |accounting: &Accounting, effect: f64| {
        Estimate::of_share(
            accounting.lost() as f64,
            accounting.scheduled as f64,
            effect,
        )
    };
    let lost = share(&phase.accounting, effect);
    match case.baseline {
        Some(baseline) => lost.beyond(&share(&baseline.accounting, steady)),
        None => lost,
    }
}
