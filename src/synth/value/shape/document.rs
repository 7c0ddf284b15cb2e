//! Texts with a syntax: JSON, XML, text search, `hstore`, `ltree`. Each holds its ordinal's number,
//! which makes it unique, and no character that COPY must escape.

use crate::synth::choice::random;
use crate::synth::value::decimal::Numbers;
use crate::synth::value::text::write_words;

use super::write_number;

/// What a document is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DocumentKind {
    /// `xml`.
    Xml,
    /// `jsonpath`.
    JsonPath,
    /// `tsvector`.
    TsVector,
    /// `tsquery`.
    TsQuery,
    /// `hstore`.
    HStore,
    /// `ltree`.
    LTree,
    /// `lquery`.
    LQuery,
    /// `ltxtquery`.
    LTxtQuery,
    /// `query_int` of intarray.
    IntQuery,
}

/// A document of words and its ordinal's number.
#[derive(Debug, Clone)]
pub(crate) struct Document {
    pub(crate) key: u64,
    pub(crate) kind: DocumentKind,
}

/// Characters of a word.
const WORD: usize = 6;

impl Document {
    pub(super) fn write(&self, ordinal: u64, out: &mut Vec<u8>) {
        let mut sequence = random::Sequence(random::bits(self.key, ordinal));
        let number = ordinal.saturating_add(1);
        for part in self.kind.parts() {
            match part {
                Part::Literal(text) => out.extend_from_slice(text.as_bytes()),
                Part::Number => write_number(number, out),
                Part::Word => {
                    let start = out.len();
                    write_words(&mut sequence, WORD, out);
                    // One word: what follows the first is joined to it.
                    for byte in out.iter_mut().skip(start).filter(|byte| **byte == b' ') {
                        *byte = b'_';
                    }
                }
                Part::Words(width) => write_words(&mut sequence, *width, out),
            }
        }
    }
}

/// A piece of a document.
enum Part {
    Literal(&'static str),
    Number,
    /// A word without spaces.
    Word,
    /// Words of so many characters in all.
    Words(usize),
}

impl DocumentKind {
    fn parts(self) -> &'static [Part] {
        use Part::{Literal, Number, Word, Words};
        match self {
            Self::Xml => &[
                Literal("<item id=\""),
                Number,
                Literal("\"><title>"),
                Words(16),
                Literal("</title></item>"),
            ],
            Self::JsonPath => &[
                Literal("$."),
                Word,
                Literal("[*] ? (@.id == "),
                Number,
                Literal(")"),
            ],
            Self::TsVector => &[
                Literal("'n"),
                Number,
                Literal("':1 '"),
                Word,
                Literal("':2A,5 '"),
                Word,
                Literal("':3B '"),
                Word,
                Literal("':4"),
            ],
            Self::TsQuery => &[
                Literal("'n"),
                Number,
                Literal("' & '"),
                Word,
                Literal("' | '"),
                Word,
                Literal("' <-> '"),
                Word,
                Literal("':*"),
            ],
            Self::HStore => &[
                Literal("\"id\"=>\""),
                Number,
                Literal("\", \"kind\"=>\""),
                Word,
                Literal("\", \"note\"=>\""),
                Words(16),
                Literal("\", \"parent\"=>NULL"),
            ],
            Self::LTree => &[
                Literal("top."),
                Word,
                Literal("."),
                Word,
                Literal(".n"),
                Number,
            ],
            Self::LQuery => &[Literal("top.*{1,2}."), Word, Literal("*@.n"), Number],
            Self::LTxtQuery => &[Literal("n"), Number, Literal(" & "), Word, Literal("*")],
            Self::IntQuery => &[Number, Literal(" & !0")],
        }
    }
}

/// A small object with a number, a word and an amount.
pub(super) fn write_json(key: u64, ordinal: u64, out: &mut Vec<u8>) {
    let mut sequence = random::Sequence(random::bits(key, ordinal));
    out.extend_from_slice(b"{\"id\": ");
    Numbers { low: 1, scale: 0 }.write(ordinal, out);
    out.extend_from_slice(b", \"kind\": \"");
    write_words(&mut sequence, 8, out);
    out.extend_from_slice(b"\", \"value\": ");
    Numbers { low: 0, scale: 2 }.write(random::below(sequence.next(), 100_000), out);
    out.push(b'}');
}
