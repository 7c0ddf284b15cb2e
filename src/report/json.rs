//! report.json: written and read back.

use std::io::{self, Read, Write};

use serde::Serialize as _;
use serde_json::Serializer;

use super::Report;
use super::layout::Layout;

/// Writes the report as JSON: indented down to the entries of series, phases and waits, what is within
/// these on a line; with a line's end at its end.
///
/// # Errors
/// Where `out` cannot be written.
pub fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    report.serialize(&mut Serializer::with_formatter(
        &mut *out,
        Layout::default(),
    ))?;
    writeln!(out)
}

/// Reads a report back.
///
/// # Errors
/// Where `input` cannot be read, is not a report, or is one of a later format; the message says
/// which.
pub fn read(input: &mut dyn Read) -> io::Result<Report> {
    let mut text = String::new();
    input.read_to_string(&mut text)?;
    let value: serde_json::Value = serde_json::from_str(&text)?;
    let version = value
        .get("format_version")
        .and_then(serde_json::Value::as_u64)
        .ok_or_else(|| wrong("this is not a pgrehearse report: it has no format_version"))?;
    if version > u64::from(Report::FORMAT_VERSION) {
        return Err(wrong(&format!(
            "this report has format {version}; this program reads up to {}: use a newer pgrehearse",
            Report::FORMAT_VERSION
        )));
    }
    Ok(serde_json::from_value(value)?)
}

fn wrong(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;
    use crate::report::fixtures;

    /// The fields that scripts rely on (DESIGN §8), `[]` standing for any element.
    const CONTRACT: &[(&str, &str)] = &[
        (
            "",
            "format_version tool environment plan verdict passes integrity forecasts",
        ),
        ("tool", "name version"),
        ("environment", "postgres_version shadow cpus settings"),
        ("verdict", "outcome reasons findings"),
        (
            "verdict.findings[]",
            "rule pass passed measured limit unit window statement relation help",
        ),
        ("passes[]", "name phases migration locks impact series"),
        (
            "passes[].phases[]",
            "name start end accounting rate latency lag errors histogram transactions",
        ),
        (
            "passes[].phases[].accounting",
            "scheduled completed failed timed_out shed unfinished retried retries",
        ),
        ("passes[].phases[].latency", "p50 p90 p95 p99 p999 max mean"),
        ("passes[].phases[].lag", "p50 p99 max mean"),
        (
            "passes[].phases[].transactions[]",
            "name accounting rate latency lag errors histogram",
        ),
        (
            "passes[].migration",
            "file outcome attempts start end error statements",
        ),
        ("passes[].migration.error", "sqlstate message statement"),
        (
            "passes[].migration.statements[]",
            "index line sql start duration lock_wait wal_bytes error locks rewrites scans \
             indexes_built hazards",
        ),
        (
            "passes[].migration.statements[].locks[]",
            "relation mode held",
        ),
        (
            "passes[].migration.statements[].hazards[]",
            "rule message rewrite",
        ),
        (
            "passes[].locks",
            "sample_interval max_wait total_wait peak_waiters waits",
        ),
        (
            "passes[].locks.waits[]",
            "start length relation mode waiter root depth",
        ),
        ("passes[].locks.waits[].root", "kind statement mode pid"),
        (
            "passes[].impact",
            "lost_requests lost_request_seconds worst_stall degraded unavailable restarts \
             restarts_before none_up recovery_time",
        ),
        (
            "passes[].series[]",
            "t rate p50 p99 max errors waiters connections up transactions",
        ),
        (
            "passes[].series[].transactions[]",
            "name rate p50 p99 max errors",
        ),
        (
            "integrity",
            "fingerprint_before fingerprint_after invalid_indexes unvalidated_constraints \
             invariants leftovers",
        ),
        ("integrity.invariants[]", "name before after expect passed"),
        (
            "forecasts[]",
            "statement quantity sizes production_rows predicted low high fit_error",
        ),
        ("forecasts[].sizes[]", "rows measured"),
    ];

    fn paths(value: &Value, at: &str, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    let path = format!("{at}.{name}");
                    paths(value, &path, found);
                    found.insert(path);
                }
            }
            Value::Array(values) => {
                for value in values {
                    paths(value, &format!("{at}[]"), found);
                }
            }
            _ => {}
        }
    }

    fn written(report: &Report) -> Vec<u8> {
        let mut out = Vec::new();
        write(report, &mut out).unwrap();
        out
    }

    #[test]
    fn has_every_field_of_the_contract() {
        let value: Value = serde_json::from_slice(&written(&fixtures::full_report())).unwrap();
        let mut found = BTreeSet::new();
        paths(&value, "", &mut found);
        for (parent, names) in CONTRACT {
            for name in names.split_whitespace() {
                let path = match parent.is_empty() {
                    true => format!(".{name}"),
                    false => format!(".{parent}.{name}"),
                };
                assert!(found.contains(&path), "{path} is missing");
            }
        }
    }

    #[test]
    fn names_values_as_the_contract_does() {
        let value: Value = serde_json::from_slice(&written(&fixtures::full_report())).unwrap();
        let at = |pointer: &str| value.pointer(pointer).unwrap().clone();
        assert_eq!(at("/format_version"), 1);
        assert_eq!(at("/verdict/outcome"), "unsafe");
        assert_eq!(at("/passes/0/name"), "quiet");
        assert_eq!(at("/passes/1/name"), "disturbed");
        assert_eq!(at("/passes/0/phases/1/name"), "migration");
        assert_eq!(at("/passes/0/phases/0/end"), 10.0);
        assert_eq!(at("/passes/1/migration/outcome"), "failed");
        assert_eq!(at("/passes/0/locks/waits/0/root/kind"), "migration");
        assert_eq!(at("/passes/0/locks/waits/0/length"), 4.21);
        assert_eq!(at("/verdict/findings/1/rule"), "lock_wait");
        assert_eq!(at("/verdict/findings/1/unit"), "s");
        assert_eq!(at("/verdict/findings/1/window"), "migration");
    }

    #[test]
    fn is_read_back_equal() {
        for report in [
            fixtures::unsafe_report(),
            fixtures::restarted_report(),
            fixtures::safe_report(),
            fixtures::inconclusive_report(),
            fixtures::check_report(),
            fixtures::full_report(),
        ] {
            let text = written(&report);
            let back = read(&mut text.as_slice()).unwrap();
            assert!(back == report, "{}", report.scenario());
        }
    }

    /// An hour of ten kinds of transactions, all of them busy in every second.
    #[test]
    fn an_hour_is_a_few_megabytes() {
        let mut report = fixtures::safe_report();
        let part = |digits: f64| crate::observe::SecondOfKind {
            name: "record-measurement".to_owned(),
            rate: 1_000.0,
            p50: Some(digits),
            p99: Some(digits * 8.0),
            max: Some(digits * 32.0),
            errors: 0,
            // Some 50 buckets, as latencies of 0.2 to 20 ms have.
            latencies: serde_json::from_value("AQEB".repeat(34).into()).unwrap(),
        };
        let series = &mut report.passes[0].series;
        let mut second = series[0].clone();
        second.up = Some(4);
        second.transactions = vec![part(0.001_234); 10];
        *series = vec![second; 3_600];
        let bytes = written(&report).len();
        assert!(bytes < 12_000_000, "{bytes}");
    }

    #[test]
    fn tells_what_is_no_report_and_what_is_of_a_later_program() {
        let error = |text: &str| read(&mut text.as_bytes()).unwrap_err().to_string();
        assert!(error("{}").contains("not a pgrehearse report"));
        assert!(error("{\"format_version\": 9}").contains("use a newer pgrehearse"));
        assert!(error("nonsense").contains("line 1"));
    }
}
