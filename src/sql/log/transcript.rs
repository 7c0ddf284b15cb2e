//! What each session of a log said, statement by statement.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::entry::{Entry, entries};
use super::error::Fault;
use super::message::{Message, Value, parameters};

/// All client sessions of a log.
#[derive(Debug, Default)]
pub(super) struct Transcript {
    pub(super) sessions: Vec<Spoken>,
    /// Each distinct text once.
    pub(super) texts: Vec<Arc<str>>,
    /// Bytes of the longest parameter that is surely whole.
    pub(super) longest_value: usize,
}

/// What one session said.
#[derive(Debug, Default)]
pub(super) struct Spoken {
    /// What the log calls it.
    pub(super) id: String,
    pub(super) database: String,
    pub(super) application: String,
    /// When it began, in microseconds; none if the log does not say so.
    pub(super) start: Option<i64>,
    /// When it ended.
    pub(super) end: Option<i64>,
    pub(super) statements: Vec<Utterance>,
    pub(super) function_calls: u64,
}

impl Spoken {
    /// When its first statement began, in microseconds; none if it has none.
    pub(super) fn began(&self) -> Option<i64> {
        self.statements.first().map(|first| first.start)
    }
}

/// One statement.
#[derive(Debug)]
pub(super) struct Utterance {
    /// Index into the texts.
    pub(super) text: usize,
    /// In microseconds.
    pub(super) start: i64,
    /// None if the log does not say so.
    pub(super) end: Option<i64>,
    /// The transaction's number in its backend; 0 if it was over when the entry was written.
    pub(super) transaction: u64,
    pub(super) protocol: Protocol,
    /// Bytes of the longest parameter that may be cut off.
    pub(super) cut: Option<usize>,
    /// The SQLSTATE of the error that it ended with.
    pub(super) error: Option<String>,
}

/// How a statement came.
#[derive(Debug)]
pub(super) enum Protocol {
    Simple,
    /// With parameters, none if they were not logged.
    Extended {
        named: bool,
        values: Option<Vec<Value>>,
    },
    /// It failed, and only its error was logged.
    Unknown,
}

/// What the server puts behind a parameter that it cut off.
const CUT: &str = "...";

/// How the server names a statement without a name.
const UNNAMED: &str = "<unnamed>";

impl Transcript {
    pub(super) fn read(text: &str) -> Result<Self, Fault> {
        let mut reader = Reader::default();
        for entry in entries(text) {
            reader.take(&entry?)?;
        }
        Ok(reader.transcript)
    }

    /// Whether a parameter of the statement was cut off: then it is at most three bytes (of a character
    /// that did not fit) shorter than the longest that can be whole.
    pub(super) fn is_cut(&self, utterance: &Utterance) -> bool {
        utterance
            .cut
            .is_some_and(|bytes| self.longest_value <= bytes + 3)
    }
}

#[derive(Debug, Default)]
struct Reader<'a> {
    transcript: Transcript,
    known_texts: BTreeMap<Arc<str>, usize>,
    known_sessions: BTreeMap<String, usize>,
    zone: Option<&'a str>,
}

impl<'a> Reader<'a> {
    fn take(&mut self, entry: &Entry<'a>) -> Result<(), Fault> {
        let zone = *self.zone.get_or_insert(entry.at.zone);
        if zone != entry.at.zone {
            let message = format!(
                "from here on the times are in {} and not in {zone}, so the clock jumps: cut the log \
                 in two here",
                entry.at.zone
            );
            return Err(Fault::new(entry.line, message));
        }
        if entry.session.is_empty() || !["", "client backend"].contains(&&*entry.backend) {
            return Ok(());
        }
        let session = self.session(entry);
        match &*entry.severity {
            "LOG" => self.take_log(session, entry),
            "ERROR" | "FATAL" | "PANIC" if !entry.query.is_empty() => {
                self.take_error(session, entry);
            }
            _ => {}
        }
        Ok(())
    }

    fn session(&mut self, entry: &Entry<'_>) -> usize {
        let sessions = &mut self.transcript.sessions;
        let index = match self.known_sessions.get(&*entry.session) {
            Some(index) => *index,
            None => {
                let start = entry.session_start.map(|start| start.microseconds);
                sessions.push(Spoken {
                    id: entry.session.clone().into_owned(),
                    start,
                    ..Spoken::default()
                });
                let index = sessions.len() - 1;
                self.known_sessions
                    .insert(entry.session.clone().into_owned(), index);
                index
            }
        };
        if let Some(session) = sessions.get_mut(index) {
            for (known, now) in [
                (&mut session.database, &entry.database),
                (&mut session.application, &entry.application),
            ] {
                if !now.is_empty() && *known != **now {
                    *known = now.clone().into_owned();
                }
            }
        }
        index
    }

    fn take_log(&mut self, session: usize, entry: &Entry<'_>) {
        let at = entry.at.microseconds;
        match Message::read(&entry.message) {
            Message::Statement {
                text,
                executes,
                duration,
            } => {
                let protocol = match executes {
                    Some(name) => Protocol::Extended {
                        named: !name.starts_with(UNNAMED),
                        values: parameters(&entry.detail),
                    },
                    None => Protocol::Simple,
                };
                let lasted = duration.map(microseconds);
                let mut utterance = self.utterance(text, entry, protocol);
                utterance.start = at - lasted.unwrap_or_default();
                utterance.end = lasted.map(|_| at);
                self.say(session, utterance);
            }
            Message::Ended(duration) => {
                let spoken = self.transcript.sessions.get_mut(session);
                let last = spoken.and_then(|spoken| spoken.statements.last_mut());
                if let Some(last) = last.filter(|last| last.end.is_none() && last.error.is_none()) {
                    last.end = Some(last.start + microseconds(duration));
                }
            }
            Message::FunctionCall => {
                if let Some(spoken) = self.transcript.sessions.get_mut(session) {
                    spoken.function_calls += 1;
                }
            }
            Message::Other if entry.message.starts_with("disconnection: ") => {
                if let Some(spoken) = self.transcript.sessions.get_mut(session) {
                    spoken.end = Some(at);
                }
            }
            Message::Other => {}
        }
    }

    /// A statement that failed: with `log_statement` it was logged before it ran, else only its error is.
    fn take_error(&mut self, session: usize, entry: &Entry<'_>) {
        let mut utterance = self.utterance(&entry.query, entry, Protocol::Unknown);
        utterance.error = Some(entry.sqlstate.clone().into_owned());
        let spoken = self.transcript.sessions.get_mut(session);
        let last = spoken.and_then(|spoken| spoken.statements.last_mut());
        match last.filter(|last| last.text == utterance.text && last.end.is_none()) {
            Some(last) => last.error = utterance.error,
            None => self.say(session, utterance),
        }
    }

    fn utterance(&mut self, text: &str, entry: &Entry<'_>, protocol: Protocol) -> Utterance {
        let mut cut: Option<usize> = None;
        if let Protocol::Extended {
            values: Some(values),
            ..
        } = &protocol
        {
            for value in values.iter().flatten() {
                match value.strip_suffix(CUT) {
                    Some(begin) => cut = cut.max(Some(begin.len())),
                    None => {
                        let longest = &mut self.transcript.longest_value;
                        *longest = value.len().max(*longest);
                    }
                }
            }
        }
        let transaction = entry.virtual_transaction.rsplit_once('/');
        Utterance {
            text: self.text(text),
            start: entry.at.microseconds,
            end: None,
            transaction: transaction
                .and_then(|(_, number)| number.parse().ok())
                .unwrap_or_default(),
            protocol,
            cut,
            error: None,
        }
    }

    fn text(&mut self, text: &str) -> usize {
        if let Some(known) = self.known_texts.get(text) {
            return *known;
        }
        let text: Arc<str> = text.into();
        let index = self.transcript.texts.len();
        self.transcript.texts.push(Arc::clone(&text));
        self.known_texts.insert(text, index);
        index
    }

    /// Adds a statement to what its session said. Rounded to milliseconds it may seem to begin before the
    /// one that it came after.
    fn say(&mut self, session: usize, mut utterance: Utterance) {
        if let Some(spoken) = self.transcript.sessions.get_mut(session) {
            if let Some(last) = spoken.statements.last() {
                let earliest = last.end.unwrap_or(last.start).max(last.start);
                utterance.start = utterance.start.max(earliest);
                utterance.end = utterance.end.map(|end| end.max(utterance.start));
            }
            spoken.statements.push(utterance);
        }
    }
}

fn microseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX / 4)
}
