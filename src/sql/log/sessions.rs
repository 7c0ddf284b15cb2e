//! From what sessions said to what a replay sends.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::groups::{Frame, Group, Grouper, Said};
use super::kinds::Kinds;
use super::statement_text::{Block, StatementText};
use super::transcript::{Protocol, Spoken, Transcript, Utterance};
use super::{
    LeftOut, LogOptions, LoggedSession, LoggedStatement, LoggedTraffic, LoggedTransaction, Pause,
};

/// Programs that look after a database and are no application's traffic, by the name that they give
/// themselves.
const TOOLS: [&str; 8] = [
    "clusterdb",
    "pg_basebackup",
    "pg_dump",
    "pg_dumpall",
    "pg_restore",
    "reindexdb",
    "vacuumdb",
    "pg_receivewal",
];

/// A log is no shorter: one that is repeated must not have all its statements at once.
const SHORTEST: Duration = Duration::from_secs(1);

/// The traffic of one database. An error is a message without a place.
pub(super) fn traffic(
    mut transcript: Transcript,
    options: LogOptions<'_>,
) -> Result<LoggedTraffic, String> {
    let sessions = std::mem::take(&mut transcript.sessions);
    let database = database(&sessions, options.database)?;
    let (mut chosen, others): (Vec<Spoken>, Vec<Spoken>) = sessions
        .into_iter()
        .partition(|session| session.database == database);
    // Lines of one moment stand in another order in the csvlog than in the jsonlog beside it.
    chosen.sort_by(|a, b| (a.began(), &a.id).cmp(&(b.began(), &b.id)));
    let mut script = Scribe::new(transcript, options.speed, &chosen);
    let elsewhere = others.iter().map(|session| session.statements.len() as u64);
    script.leave_out("of other databases", elsewhere.sum());
    let mut traffic = LoggedTraffic {
        database,
        ..LoggedTraffic::default()
    };
    for session in chosen {
        let written = script.session(session);
        if !written.transactions.is_empty() {
            traffic.sessions.push(written);
        }
    }
    traffic
        .sessions
        .sort_by_key(|session| session.transactions.first().map(|first| first.at));
    if traffic.sessions.is_empty() {
        return Err("no statement of the log can be replayed".to_owned());
    }
    script.finish(&mut traffic);
    Ok(traffic)
}

/// The database that is asked for, or that with most statements.
fn database(sessions: &[Spoken], wanted: Option<&str>) -> Result<String, String> {
    let mut statements: BTreeMap<&str, usize> = BTreeMap::new();
    for session in sessions
        .iter()
        .filter(|session| !session.statements.is_empty())
    {
        *statements.entry(&session.database).or_default() += session.statements.len();
    }
    if statements.is_empty() {
        return Err(
            "the log has no statement: write it with log_statement = 'all' or \
             log_min_duration_statement = 0, and with lc_messages = 'C'"
                .to_owned(),
        );
    }
    match wanted {
        Some(wanted) if statements.contains_key(wanted) => Ok(wanted.to_owned()),
        Some(wanted) => {
            let names: Vec<&str> = statements.into_keys().collect();
            Err(format!(
                "the log has no statement of database `{wanted}`; it has some of {}",
                names.join(", ")
            ))
        }
        None => {
            let busiest = statements.iter().max_by_key(|(_, count)| **count);
            Ok(busiest
                .map(|(name, _)| (*name).to_owned())
                .unwrap_or_default())
        }
    }
}

/// Writes sessions anew.
struct Scribe {
    transcript: Transcript,
    texts: BTreeMap<usize, StatementText>,
    speed: f64,
    /// The first statement's start and the last one's end, in microseconds.
    first: i64,
    last: i64,
    kinds: Kinds,
    left_out: BTreeMap<String, u64>,
    statements: u64,
    with_values: u64,
}

impl Scribe {
    fn new(transcript: Transcript, speed: f64, sessions: &[Spoken]) -> Self {
        let statements = || sessions.iter().flat_map(|session| &session.statements);
        let mut texts = BTreeMap::new();
        for statement in statements() {
            let text = transcript
                .texts
                .get(statement.text)
                .map_or("", |text| &**text);
            texts
                .entry(statement.text)
                .or_insert_with(|| StatementText::of(text));
        }
        let ends = statements().map(|statement| statement.end.unwrap_or(statement.start));
        Self {
            first: statements()
                .map(|statement| statement.start)
                .min()
                .unwrap_or_default(),
            last: ends.max().unwrap_or_default(),
            transcript,
            texts,
            speed,
            kinds: Kinds::default(),
            left_out: BTreeMap::new(),
            statements: 0,
            with_values: 0,
        }
    }

    fn leave_out(&mut self, what: &str, statements: u64) {
        if statements > 0 {
            *self.left_out.entry(what.to_owned()).or_default() += statements;
        }
    }

    /// A time span of the log in the replay.
    fn span(&self, from: i64, to: i64) -> Duration {
        let microseconds = u64::try_from(to.saturating_sub(from)).unwrap_or_default();
        let seconds = Duration::from_micros(microseconds).as_secs_f64() / self.speed;
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
    }

    fn session(&mut self, spoken: Spoken) -> LoggedSession {
        self.leave_out("function call without SQL", spoken.function_calls);
        if TOOLS.contains(&spoken.application.as_str()) {
            let what = format!("of {}", spoken.application);
            self.leave_out(&what, spoken.statements.len() as u64);
            return LoggedSession::default();
        }
        // Borrowed by the groups while the counts go on.
        let texts = std::mem::take(&mut self.texts);
        let mut grouper = Grouper::default();
        let mut temporary: Vec<String> = Vec::new();
        for utterance in &spoken.statements {
            let Some(text) = texts.get(&utterance.text) else {
                continue;
            };
            temporary.extend(text.makes_temporary.clone());
            match self.reason(utterance, text, &temporary) {
                Some(reason) => self.leave_out(&reason, 1),
                None => grouper.push(Said { utterance, text }),
            }
        }
        let groups = grouper.finish();
        let (groups, empty): (Vec<Group<'_>>, Vec<Group<'_>>) =
            groups.into_iter().partition(Group::does_something);
        let idle = empty.iter().map(|group| group.statements.len() as u64);
        self.leave_out("of transactions without anything else", idle.sum());
        let transactions = groups.iter().map(|group| self.transaction(group)).collect();
        self.texts = texts;
        // Rounded to milliseconds, it may seem to end before its last statement.
        let last = spoken.statements.last();
        let last = last.map_or(self.first, |last| last.end.unwrap_or(last.start));
        LoggedSession {
            start: self.span(self.first, spoken.start.unwrap_or(self.first)),
            end: spoken.end.map(|end| self.span(self.first, end.max(last))),
            transactions,
        }
    }

    /// Why a statement cannot be replayed, if so.
    fn reason(
        &self,
        utterance: &Utterance,
        text: &StatementText,
        temporary: &[String],
    ) -> Option<String> {
        if let Some(command) = &text.left_out
            && !text.names(temporary)
        {
            return Some(command.clone());
        }
        let wanted = text.normal.parameters;
        let prepares = text.normal.text.starts_with("prepare ");
        match &utterance.protocol {
            Protocol::Extended { .. } if self.transcript.is_cut(utterance) => {
                Some("a parameter was cut off (log_parameter_max_length)".to_owned())
            }
            Protocol::Extended { values, .. }
                if values.as_ref().map_or(0, Vec::len) < wanted && !prepares =>
            {
                Some("its parameters were not logged (log_parameter_max_length = 0)".to_owned())
            }
            Protocol::Unknown if wanted > 0 && !prepares => {
                Some("it failed, and its parameters were not logged".to_owned())
            }
            _ => None,
        }
    }

    fn transaction(&mut self, group: &Group<'_>) -> LoggedTransaction {
        let first = group.statements.first();
        let at = first.map_or(self.first, |said| said.utterance.start);
        let mut statements = Vec::with_capacity(group.statements.len() + 2);
        if group.frame == Frame::Block {
            statements.push(control("BEGIN"));
        }
        let mut before: Option<&Utterance> = None;
        for said in &group.statements {
            if said.text.block == Block::Keeps {
                self.statements += 1;
                self.with_values += u64::from(said.text.normal.has_values);
            }
            statements.push(self.statement(said, before));
            before = Some(said.utterance);
        }
        match group.frame {
            Frame::Own => {}
            Frame::Block => statements.push(control("COMMIT")),
            Frame::Unfinished => statements.push(control("ROLLBACK")),
        }
        LoggedTransaction {
            at: self.span(self.first, at),
            kind: self.kinds.number(group),
            statements,
        }
    }

    fn statement(&self, said: &Said<'_>, before: Option<&Utterance>) -> LoggedStatement {
        let start = said.utterance.start;
        let pause = match before.map(|before| (before.start, before.end)) {
            None => NO_PAUSE,
            Some((_, Some(end))) => Pause::AfterEnd(self.span(end, start)),
            Some((began, None)) => Pause::AfterStart(self.span(began, start)),
        };
        let text = self.transcript.texts.get(said.utterance.text);
        LoggedStatement {
            pause,
            text: text.map(Arc::clone).unwrap_or_default(),
            parameters: match &said.utterance.protocol {
                Protocol::Extended { values, .. } => Some(values.clone().unwrap_or_default()),
                Protocol::Simple | Protocol::Unknown => None,
            },
            kept: matches!(
                said.utterance.protocol,
                Protocol::Extended { named: true, .. }
            ),
            error: said.utterance.error.clone(),
        }
    }

    fn finish(self, traffic: &mut LoggedTraffic) {
        traffic.length = self.span(self.first, self.last).max(SHORTEST);
        let (kinds, places) = self.kinds.finish();
        traffic.kinds = kinds;
        for session in &mut traffic.sessions {
            for transaction in &mut session.transactions {
                transaction.kind = places.get(transaction.kind).copied().unwrap_or_default();
            }
        }
        traffic.statements = self.statements;
        traffic.with_values = self.with_values;
        let left_out = self.left_out.into_iter();
        traffic.left_out = left_out
            .map(|(what, statements)| LeftOut { what, statements })
            .collect();
        traffic
            .left_out
            .sort_by_key(|left| std::cmp::Reverse(left.statements));
    }
}

const NO_PAUSE: Pause = Pause::AfterEnd(Duration::ZERO);

/// A statement that the log does not have.
fn control(text: &str) -> LoggedStatement {
    LoggedStatement {
        pause: NO_PAUSE,
        text: text.into(),
        parameters: None,
        kept: false,
        error: None,
    }
}
