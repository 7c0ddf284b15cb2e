//! Comma-separated values as the server's `write_csvlog` writes them: text in double quotes, a quote in it
//! doubled, line ends in it as they are; what is not there is empty and has no quotes.

use std::borrow::Cow;

use super::error::Fault;

/// The records of a text, one after the other.
#[derive(Debug)]
pub(super) struct Records<'a> {
    rest: &'a str,
    /// Of the rest's beginning, from 1.
    line: usize,
}

/// One record and the line where it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record<'a> {
    pub(super) line: usize,
    pub(super) fields: Vec<Cow<'a, str>>,
}

impl<'a> Records<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            rest: text,
            line: 1,
        }
    }

    fn read(&mut self) -> Result<Record<'a>, Fault> {
        let mut record = Record {
            line: self.line,
            fields: Vec::with_capacity(26),
        };
        loop {
            let field = match self.rest.strip_prefix('"') {
                Some(quoted) => self.quoted(quoted, record.line)?,
                None => self.bare(),
            };
            record.fields.push(field);
            if let Some(rest) = self.rest.strip_prefix(',') {
                self.rest = rest;
                continue;
            }
            let rest = self.rest.strip_prefix('\r').unwrap_or(self.rest);
            return match rest.strip_prefix('\n') {
                Some(rest) => {
                    self.rest = rest;
                    self.line += 1;
                    Ok(record)
                }
                None if rest.is_empty() => {
                    self.rest = rest;
                    Ok(record)
                }
                None => Err(Fault::new(
                    self.line,
                    "this is no csvlog: behind a closing quote there must be a comma or the end of the line",
                )),
            };
        }
    }

    fn bare(&mut self) -> Cow<'a, str> {
        let end = self.rest.find([',', '\r', '\n']);
        let (field, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        Cow::Borrowed(field)
    }

    /// A field whose opening quote is passed.
    fn quoted(&mut self, text: &'a str, start: usize) -> Result<Cow<'a, str>, Fault> {
        let mut doubled = false;
        let mut from = 0;
        while let Some(quote) = text.get(from..).and_then(|rest| rest.find('"')) {
            let (field, after) = text.split_at(from + quote);
            let after = after.get(1..).unwrap_or_default();
            if after.starts_with('"') {
                doubled = true;
                from += quote + 2;
                continue;
            }
            self.line += field.bytes().filter(|&byte| byte == b'\n').count();
            self.rest = after;
            return Ok(match doubled {
                true => Cow::Owned(field.replace("\"\"", "\"")),
                false => Cow::Borrowed(field),
            });
        }
        Err(Fault::new(
            start,
            "the entry that begins here is not complete, a quote is not closed: cut the file off before it",
        ))
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<Record<'a>, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let record = self.read();
        if record.is_err() {
            self.rest = "";
        }
        Some(record)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Vec<(usize, Vec<String>)> {
        Records::new(text)
            .map(|record| record.unwrap())
            .map(|record| {
                let fields = record.fields.into_iter().map(Cow::into_owned);
                (record.line, fields.collect())
            })
            .collect()
    }

    fn error(text: &str) -> Fault {
        Records::new(text).find_map(Result::err).unwrap()
    }

    #[test]
    fn records_know_where_they_begin() {
        let text = "a,\"b\nsays \"\"c\"\", d\",\n,\"\",e\r\nf";
        let fields = |fields: &[&str]| fields.iter().map(|&field| field.to_owned()).collect();
        assert_eq!(
            read(text),
            [
                (1, fields(&["a", "b\nsays \"c\", d", ""])),
                (3, fields(&["", "", "e"])),
                (4, fields(&["f"])),
            ]
        );
    }

    #[test]
    fn what_is_no_csv_is_an_error_with_its_line() {
        insta::assert_snapshot!(error("a\n\"b\nc").of("p.csv"), @"p.csv:2: the entry that begins here is not complete, a quote is not closed: cut the file off before it");
        insta::assert_snapshot!(error("a\n\"b\nc\"d").of("p.csv"), @"p.csv:3: this is no csvlog: behind a closing quote there must be a comma or the end of the line");
        // What follows a fault is not read.
        assert_eq!(Records::new("\"a\"b\nc\n").count(), 1);
    }

    /// As `appendCSVLiteral` writes it.
    fn quote(field: &str) -> String {
        match field {
            "" => String::new(),
            field => format!("\"{}\"", field.replace('"', "\"\"")),
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            records in prop::collection::vec(prop::collection::vec("(?s)[a\",\n\r é]{0,8}", 2..5), 0..6)
        ) {
            let text: String = records
                .iter()
                .map(|fields| {
                    let fields: Vec<String> = fields.iter().map(|field| quote(field)).collect();
                    fields.join(",") + "\n"
                })
                .collect();
            let back: Vec<Vec<String>> = read(&text).into_iter().map(|(_, fields)| fields).collect();
            prop_assert_eq!(back, records);
        }

        #[test]
        fn no_text_makes_reading_panic(text in "(?s)[a\",\n\r é]{0,40}") {
            let read: Vec<_> = Records::new(&text).collect();
            prop_assert!(read.len() <= text.len());
        }
    }
}
