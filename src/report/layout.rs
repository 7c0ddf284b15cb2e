//! How report.json is laid out: for people where it is short, on few lines where it is long.

use std::io::{self, Write};

use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter};

/// What lies deeper than this in arrays and objects is written on one line: a report is an object (1)
/// of passes (2), each an object (3) with a series (4) of seconds (5), whose parts by kind are long.
const DEEPEST: usize = 5;

/// Writes as serde_json's pretty printer down to [`DEEPEST`], and on one line below.
#[derive(Default)]
pub(super) struct Layout {
    depth: usize,
    pretty: PrettyFormatter<'static>,
    compact: CompactFormatter,
}

impl Layout {
    fn enter(&mut self) {
        self.depth += 1;
    }

    fn leave(&mut self) {
        self.depth -= 1;
    }

    fn is_pretty(&self) -> bool {
        self.depth <= DEEPEST
    }
}

impl Formatter for Layout {
    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.enter();
        match self.is_pretty() {
            true => self.pretty.begin_array(writer),
            false => self.compact.begin_array(writer),
        }
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        let pretty = self.is_pretty();
        self.leave();
        match pretty {
            true => self.pretty.end_array(writer),
            false => self.compact.end_array(writer),
        }
    }

    fn begin_array_value<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        match self.is_pretty() {
            true => self.pretty.begin_array_value(writer, first),
            false => self.compact.begin_array_value(writer, first),
        }
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        match self.is_pretty() {
            true => self.pretty.end_array_value(writer),
            false => self.compact.end_array_value(writer),
        }
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.enter();
        match self.is_pretty() {
            true => self.pretty.begin_object(writer),
            false => self.compact.begin_object(writer),
        }
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        let pretty = self.is_pretty();
        self.leave();
        match pretty {
            true => self.pretty.end_object(writer),
            false => self.compact.end_object(writer),
        }
    }

    fn begin_object_key<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        match self.is_pretty() {
            true => self.pretty.begin_object_key(writer, first),
            false => self.compact.begin_object_key(writer, first),
        }
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        match self.is_pretty() {
            true => self.pretty.begin_object_value(writer),
            false => self.compact.begin_object_value(writer),
        }
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        match self.is_pretty() {
            true => self.pretty.end_object_value(writer),
            false => self.compact.end_object_value(writer),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Serialize as _;
    use serde_json::{Serializer, Value, json};

    use super::*;

    fn laid_out(value: &Value) -> String {
        let mut out = Vec::new();
        let mut serializer = Serializer::with_formatter(&mut out, Layout::default());
        value.serialize(&mut serializer).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_lies_deep_is_on_one_line() {
        let deep = json!([[[[{ "t": 1.0, "kinds": [{ "name": "a" }, { "name": "b" }] }]]]]);
        let text = laid_out(&deep);
        assert!(
            text.contains("\n          \"kinds\": [{\"name\":\"a\"},{\"name\":\"b\"}],\n"),
            "{text}"
        );
        let shallow = json!({ "a": [1, { "b": null }], "c": {} });
        assert_eq!(
            laid_out(&shallow),
            serde_json::to_string_pretty(&shallow).unwrap()
        );
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<i32>().prop_map(Value::from),
            "[a-z\"]{0,4}".prop_map(Value::from)
        ];
        leaf.prop_recursive(9, 40, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-z]{1,3}", inner, 0..4)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn it_is_json_of_the_same_value(value in any_value()) {
            prop_assert_eq!(serde_json::from_str::<Value>(&laid_out(&value)).unwrap(), value);
        }
    }
}
