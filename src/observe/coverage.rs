//! How much of production's traffic a rehearsal sends, where it is made of `pg_stat_statements`.

use serde::{Deserialize, Serialize};

/// What of the statements of production is sent, and what is not.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct StatementCoverage {
    /// The file, as the scenario names it.
    pub file: String,
    /// Statements that an application sends.
    pub statements: usize,
    /// Those of them that are sent.
    pub sent: usize,
    /// Share of their calls that are sent, 0 to 1.
    pub calls_share: f64,
    /// Share of the time that the server spent on them, 0 to 1.
    pub time_share: f64,
    /// Parameters whose values are plausible by their type alone.
    pub guessed_parameters: usize,
    /// Calls a second in production; none where the file does not know how long it counted.
    pub production_rate: Option<f64>,
    /// The transactions that the statements became, with their scripts.
    pub transactions: Vec<SentStatement>,
    /// What is not sent.
    pub left_out: Vec<LeftOutStatement>,
}

/// A transaction that is made of production's statements.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SentStatement {
    /// Its name.
    pub name: String,
    /// Statements in it: one, or the rarest together.
    pub statements: usize,
    /// Their share of the calls, 0 to 1.
    pub calls_share: f64,
    /// Their share of the time, 0 to 1.
    pub time_share: f64,
    /// Parameters whose values are plausible by their type alone.
    pub guessed_parameters: usize,
    /// The pgbench script that is sent.
    pub script: String,
}

/// A statement of production that is not sent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LeftOutStatement {
    /// Its text.
    pub query: String,
    /// Why it is not sent.
    pub reason: String,
    /// Whether it is no work of the application's own: transaction control, settings, maintenance, what
    /// functions do inside. Its shares are those of everything in the file.
    pub beside: bool,
    /// Its executions.
    pub calls: u64,
    /// Its share of the calls, 0 to 1.
    pub calls_share: f64,
    /// Its share of the time, 0 to 1.
    pub time_share: f64,
}

/// Statements that are told one by one.
const MOST_TOLD: usize = 12;

/// Characters of a statement that are told.
const TEXT_TOLD: usize = 90;

impl StatementCoverage {
    /// What the reader of a report should know, one sentence each.
    pub fn notes(&self) -> Vec<String> {
        let guessed = match self.guessed_parameters {
            0 => String::new(),
            1 => "; the value of one parameter is guessed by its type".to_owned(),
            n => format!("; the values of {n} parameters are guessed by their types"),
        };
        let mut notes = vec![format!(
            "{}: {} of {} statements are sent, {} of their calls and {} of their time{guessed}",
            self.file,
            self.sent,
            self.statements,
            percent(self.calls_share),
            percent(self.time_share)
        )];
        notes.extend(self.production_rate.map(|rate| {
            format!(
                "{}: production ran {rate:.1} of these statements a second",
                self.file
            )
        }));
        let (beside, missing): (Vec<_>, Vec<_>) =
            self.left_out.iter().partition(|left| left.beside);
        for left in missing.iter().take(MOST_TOLD) {
            notes.push(format!(
                "not sent: `{}` ({} of the calls, {} of the time): {}",
                shortened(&left.query),
                percent(left.calls_share),
                percent(left.time_share),
                left.reason
            ));
        }
        if let Some(rest) = missing.get(MOST_TOLD..).filter(|rest| !rest.is_empty()) {
            notes.push(format!(
                "not sent: {} {}",
                rest.len(),
                summed("more statements", rest)
            ));
        }
        if !beside.is_empty() {
            notes.push(format!(
                "{}: {} {} are left out, as they are no reading or writing of the application's own: {}",
                self.file,
                beside.len(),
                summed("statements", &beside),
                shortened(&beside.iter().take(5).map(|left| left.query.as_str()).collect::<Vec<_>>().join(", "))
            ));
        }
        notes
    }

    /// What a verdict does not cover.
    pub fn caveat(&self) -> Option<String> {
        let missing = self
            .statements
            .checked_sub(self.sent)
            .filter(|missing| *missing > 0)?;
        Some(format!(
            "{} of production's calls ({} of their time; {missing} of {} statements) are not in the traffic",
            percent(1.0 - self.calls_share),
            percent(1.0 - self.time_share),
            self.statements
        ))
    }
}

fn summed(noun: &str, statements: &[&LeftOutStatement]) -> String {
    let calls: f64 = statements.iter().map(|left| left.calls_share).sum();
    let time: f64 = statements.iter().map(|left| left.time_share).sum();
    format!(
        "{noun} ({} of the calls, {} of the time)",
        percent(calls),
        percent(time)
    )
}

/// `12.3 %`, and no share above none as `0 %`.
fn percent(share: f64) -> String {
    let percent = share.clamp(0.0, 1.0) * 100.0;
    match percent {
        none if none <= 0.0 => "0 %".to_owned(),
        little if little < 0.1 => "less than 0.1 %".to_owned(),
        whole if whole >= 99.95 => "100 %".to_owned(),
        percent => format!("{percent:.1} %"),
    }
}

/// One line of a text, not too long.
fn shortened(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(TEXT_TOLD) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default().trim_end()),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(query: &str, beside: bool) -> LeftOutStatement {
        LeftOutStatement {
            query: query.to_owned(),
            reason: "why".to_owned(),
            beside,
            calls: 1,
            calls_share: 0.012,
            time_share: 0.000_1,
        }
    }

    #[test]
    fn what_is_left_out_is_told_with_its_share() {
        let mut coverage = StatementCoverage {
            file: "s.json".to_owned(),
            statements: 20,
            sent: 18,
            calls_share: 0.976,
            time_share: 0.9998,
            guessed_parameters: 2,
            production_rate: Some(120.0),
            transactions: Vec::new(),
            left_out: vec![left("SELECT\n  a", false), left("BEGIN", true)],
        };
        assert_eq!(
            coverage.notes(),
            [
                "s.json: 18 of 20 statements are sent, 97.6 % of their calls and 100 % of their time; the \
                 values of 2 parameters are guessed by their types",
                "s.json: production ran 120.0 of these statements a second",
                "not sent: `SELECT a` (1.2 % of the calls, less than 0.1 % of the time): why",
                "s.json: 1 statements (1.2 % of the calls, less than 0.1 % of the time) are left out, as they \
                 are no reading or writing of the application's own: BEGIN",
            ]
        );
        assert_eq!(
            coverage.caveat().unwrap(),
            "2.4 % of production's calls (less than 0.1 % of their time; 2 of 20 statements) are not in the traffic"
        );
        coverage.left_out = (0..40)
            .map(|n| left(&format!("SELECT {n}"), false))
            .collect();
        assert!(
            coverage
                .notes()
                .last()
                .unwrap()
                .starts_with("not sent: 28 more statements (33.6 %")
        );
        coverage.sent = 20;
        assert_eq!(coverage.caveat(), None);
    }
}
