//! Findings whose limit lies within the noise: neither passed nor failed, and what to do about that.

use super::{Finding, Unit, Window, and_more, same_rule, told_of, worst_of_each_rule};

/// Why findings decide nothing, of each rule and pass the worst.
pub(super) fn sentences(findings: &[Finding]) -> Vec<String> {
    let open = findings.iter().filter(|finding| finding.is_undecided());
    let worst = worst_of_each_rule(open.clone()).into_iter();
    worst
        .map(|worst| {
            let same = open.clone().filter(|other| same_rule(other, worst)).count();
            let told = format!("{}; {}", told_of(findings, worst), advice(worst));
            and_more(told, same - 1)
        })
        .collect()
}

/// `another run may measure 1.80 s to 2.20 s: repeat with more time or a clearer limit (limits.lock_wait)`.
fn advice(finding: &Finding) -> String {
    let show = |value: Option<f64>| finding.unit.show(value.unwrap_or(finding.measured));
    let least = match finding.unit {
        Unit::Share => " beyond the baseline's",
        Unit::Seconds | Unit::Ratio | Unit::Count => "",
    };
    format!(
        "another run may measure {} to {}{least}, on either side of the limit: repeat with more time or a \
         clearer limit ({})",
        show(finding.low),
        show(finding.high),
        keys(finding)
    )
}

/// The keys to change: those of the time that the value rests on, where more of it makes it surer, and the
/// limit's.
fn keys(finding: &Finding) -> String {
    let compared = ["p99_ratio", "error_rate"].contains(&finding.rule.as_str());
    let time = match (compared, finding.window) {
        (false, _) => "",
        (true, Window::Recovery) => "phases.baseline, phases.recovery, ",
        (true, Window::Migration | Window::Forecast) => "phases.baseline, traffic.rate, ",
    };
    match finding.rule.as_str() {
        "p99_ratio" => format!("{time}limits.p99_ratio, limits.p99_floor"),
        rule => format!("{time}limits.{rule}"),
    }
}
