//! The entries of a log, whichever format it has.

use std::borrow::Cow;

use serde::Deserialize;

use super::csv::{Record, Records};
use super::error::Fault;
use super::moment::Moment;

/// One entry, with what a replay needs of it. What is not there is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry<'a> {
    /// Where it begins, from 1.
    pub(super) line: usize,
    /// When it was written.
    pub(super) at: Moment<'a>,
    pub(super) database: Cow<'a, str>,
    pub(super) application: Cow<'a, str>,
    pub(super) session: Cow<'a, str>,
    /// The second in which the session began.
    pub(super) session_start: Option<Moment<'a>>,
    /// `backend/transaction`; the transaction is 0 outside of one.
    pub(super) virtual_transaction: Cow<'a, str>,
    pub(super) severity: Cow<'a, str>,
    pub(super) sqlstate: Cow<'a, str>,
    pub(super) message: Cow<'a, str>,
    pub(super) detail: Cow<'a, str>,
    /// The statement that an error is about.
    pub(super) query: Cow<'a, str>,
    /// The kind of process, since version 13.
    pub(super) backend: Cow<'a, str>,
}

/// The entries of a log in the order of their writing. A text that begins with `{` is a jsonlog.
pub(super) fn entries<'a>(
    text: &'a str,
) -> Box<dyn Iterator<Item = Result<Entry<'a>, Fault>> + 'a> {
    match text.trim_start().starts_with('{') {
        true => Box::new(
            text.lines()
                .enumerate()
                .filter(|(_, line)| !line.trim().is_empty())
                .map(|(index, line)| from_json(index + 1, line)),
        ),
        false => Box::new(Records::new(text).map(|record| from_csv(record?))),
    }
}

/// Columns of a csvlog before version 13, which added the kind of process; 14 added two more.
const LEAST_COLUMNS: usize = 23;

fn from_csv(record: Record<'_>) -> Result<Entry<'_>, Fault> {
    let Record { line, mut fields } = record;
    let found = fields.len();
    if found < LEAST_COLUMNS {
        let message = format!(
            "an entry of a csvlog has {LEAST_COLUMNS} columns or more and this has {found}: give what \
             `log_destination = 'csvlog'` or `'jsonlog'` wrote"
        );
        return Err(Fault::new(line, message));
    }
    let mut take = |column: usize| {
        fields
            .get_mut(column)
            .map(std::mem::take)
            .unwrap_or_default()
    };
    Ok(Entry {
        line,
        at: moment(line, take(0))?,
        database: take(2),
        session: take(5),
        session_start: optional_moment(line, take(8))?,
        virtual_transaction: take(9),
        severity: take(11),
        sqlstate: take(12),
        message: take(13),
        detail: take(14),
        query: take(19),
        application: take(22),
        backend: take(23),
    })
}

/// A line of a jsonlog; keys that a replay does not need are passed over.
#[derive(Debug, Deserialize)]
struct JsonEntry<'a> {
    #[serde(borrow)]
    timestamp: Cow<'a, str>,
    #[serde(borrow, default)]
    dbname: Cow<'a, str>,
    #[serde(borrow, default)]
    application_name: Cow<'a, str>,
    #[serde(borrow, default)]
    session_id: Cow<'a, str>,
    #[serde(borrow, default)]
    session_start: Cow<'a, str>,
    #[serde(borrow, default)]
    vxid: Cow<'a, str>,
    #[serde(borrow, default)]
    error_severity: Cow<'a, str>,
    #[serde(borrow, default)]
    state_code: Cow<'a, str>,
    #[serde(borrow, default)]
    message: Cow<'a, str>,
    #[serde(borrow, default)]
    detail: Cow<'a, str>,
    #[serde(borrow, default)]
    statement: Cow<'a, str>,
    #[serde(borrow, default)]
    backend_type: Cow<'a, str>,
}

fn from_json(line: usize, text: &str) -> Result<Entry<'_>, Fault> {
    let entry: JsonEntry<'_> = serde_json::from_str(text).map_err(|error| {
        let message = format!("this is no entry of a jsonlog ({error}): cut it out of the file");
        Fault::new(line, message)
    })?;
    Ok(Entry {
        line,
        at: moment(line, entry.timestamp)?,
        database: entry.dbname,
        application: entry.application_name,
        session: entry.session_id,
        session_start: optional_moment(line, entry.session_start)?,
        virtual_transaction: entry.vxid,
        severity: entry.error_severity,
        sqlstate: entry.state_code,
        message: entry.message,
        detail: entry.detail,
        query: entry.statement,
        backend: entry.backend_type,
    })
}

fn optional_moment(line: usize, text: Cow<'_, str>) -> Result<Option<Moment<'_>>, Fault> {
    match text.is_empty() {
        true => Ok(None),
        false => moment(line, text).map(Some),
    }
}

fn moment(line: usize, text: Cow<'_, str>) -> Result<Moment<'_>, Fault> {
    let read = match &text {
        Cow::Borrowed(text) => Moment::read(text),
        Cow::Owned(_) => None,
    };
    read.ok_or_else(|| {
        let message = format!("`{text}` is no time of a log, as 2026-01-31 23:59:59.999 UTC is");
        Fault::new(line, message)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Vec<Entry<'_>> {
        entries(text).map(|entry| entry.unwrap()).collect()
    }

    fn error(text: &str) -> String {
        let fault = entries(text).find_map(Result::err).unwrap();
        fault.of("p").to_string()
    }

    /// What versions 12, 13 and 14 to 18 write of the same entry.
    const CSV: [&str; 3] = [
        r#"2026-11-21 06:49:53.015 UTC,"app","shop",24626,"[local]",6b013f11.6032,4,"UPDATE",2026-11-21 06:49:53 UTC,3/10,0,LOG,00000,"execute <unnamed>: SELECT ""a"", $1","parameters: $1 = '40'",,,,,,,,"web""#,
        r#"2026-11-21 06:49:53.015 UTC,"app","shop",24626,"[local]",6b013f11.6032,4,"UPDATE",2026-11-21 06:49:53 UTC,3/10,0,LOG,00000,"execute <unnamed>: SELECT ""a"", $1","parameters: $1 = '40'",,,,,,,,"web","client backend""#,
        r#"2026-11-21 06:49:53.015 UTC,"app","shop",24626,"[local]",6b013f11.6032,4,"UPDATE",2026-11-21 06:49:53 UTC,3/10,0,LOG,00000,"execute <unnamed>: SELECT ""a"", $1","parameters: $1 = '40'",,,,,,,,"web","client backend",,0"#,
    ];

    const JSON: &str = r#"{"timestamp":"2026-11-21 06:49:53.015 UTC","user":"app","dbname":"shop","pid":24626,"remote_host":"[local]","session_id":"6b013f11.6032","line_num":4,"ps":"UPDATE","session_start":"2026-11-21 06:49:53 UTC","vxid":"3/10","txid":0,"error_severity":"LOG","message":"execute <unnamed>: SELECT \"a\", $1","detail":"parameters: $1 = '40'","application_name":"web","backend_type":"client backend","query_id":0}"#;

    #[test]
    fn every_version_and_format_says_the_same() {
        let json = read(JSON);
        let [expected] = json.as_slice() else {
            panic!("{json:?}")
        };
        assert_eq!(expected.message, "execute <unnamed>: SELECT \"a\", $1");
        assert_eq!(expected.application, "web");
        assert_eq!(expected.backend, "client backend");
        for (version, csv) in CSV.iter().enumerate() {
            let mut entry = read(csv).remove(0);
            if version == 0 {
                assert_eq!(entry.backend, "");
                entry.backend = expected.backend.clone();
            }
            // A jsonlog leaves the code of no error out.
            assert_eq!(std::mem::take(&mut entry.sqlstate), "00000");
            assert_eq!(&entry, expected);
        }
    }

    #[test]
    fn what_is_no_log_is_an_error_with_its_line() {
        insta::assert_snapshot!(error("2026-11-21 06:49:53 UTC [1] LOG:  statement: SELECT 1"), @"p:1: an entry of a csvlog has 23 columns or more and this has 1: give what `log_destination = 'csvlog'` or `'jsonlog'` wrote");
        insta::assert_snapshot!(error(&format!("{JSON}\n{{\"timestamp\"")), @"p:2: this is no entry of a jsonlog (EOF while parsing an object at line 1 column 12): cut it out of the file");
        insta::assert_snapshot!(error(&format!("\n{}", JSON.replace("2026-11", "in 26"))), @"p:2: `in 26-21 06:49:53.015 UTC` is no time of a log, as 2026-01-31 23:59:59.999 UTC is");
    }

    proptest! {
        #[test]
        fn no_text_makes_reading_panic(text in any::<String>(), csv in "[0-9a\",: \n{}-]{0,60}") {
            for text in [text.as_str(), csv.as_str(), &format!("{{{csv}"), &CSV[2].replace("06:", &csv)] {
                let _ = entries(text).count();
            }
        }
    }
}
