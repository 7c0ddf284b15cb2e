//! Partition bounds, as `pg_get_expr(relpartbound)` prints them.

use crate::schema::{PartitionBound, PartitionEdge};

/// Reads a partition's bound: `DEFAULT`, `FOR VALUES FROM (…) TO (…)`, `FOR VALUES IN (…)` or
/// `FOR VALUES WITH (modulus …, remainder …)`. Casts behind values are left out. None for anything else.
pub fn parse_partition_bound(text: &str) -> Option<PartitionBound> {
    let mut words = Words(text.trim());
    let bound = if words.take("DEFAULT") {
        PartitionBound::Default
    } else {
        if !(words.take("FOR") && words.take("VALUES")) {
            return None;
        }
        words.bound()?
    };
    words.0.is_empty().then_some(bound)
}

/// One thing between the commas.
#[derive(Debug, PartialEq, Eq)]
enum Item {
    Null,
    MinValue,
    MaxValue,
    Value(String),
}

/// What is left of the text; never begins with blank space.
struct Words<'t>(&'t str);

impl Words<'_> {
    fn bound(&mut self) -> Option<PartitionBound> {
        if self.take("IN") {
            let values = self.items()?.into_iter().map(|item| match item {
                Item::Value(text) => Some(Some(text)),
                Item::Null => Some(None),
                Item::MinValue | Item::MaxValue => None,
            });
            return Some(PartitionBound::List {
                values: values.collect::<Option<_>>()?,
            });
        }
        if self.take("FROM") {
            let from = self.edges()?;
            let to = self.take("TO").then(|| self.edges())??;
            return (from.len() == to.len()).then_some(PartitionBound::Range { from, to });
        }
        if !(self.take("WITH") && self.take("(") && self.take("modulus")) {
            return None;
        }
        let modulus = self.number()?;
        if !(self.take(",") && self.take("remainder")) {
            return None;
        }
        let remainder = self.number()?;
        self.take(")")
            .then_some(PartitionBound::Hash { modulus, remainder })
    }

    fn edges(&mut self) -> Option<Vec<PartitionEdge>> {
        let edges = self.items()?.into_iter().map(|item| match item {
            Item::MinValue => Some(PartitionEdge::MinValue),
            Item::MaxValue => Some(PartitionEdge::MaxValue),
            Item::Value(text) => Some(PartitionEdge::Value(text)),
            Item::Null => None,
        });
        edges.collect()
    }

    /// `(item, item)`, at least one.
    fn items(&mut self) -> Option<Vec<Item>> {
        if !self.take("(") {
            return None;
        }
        let mut items = Vec::new();
        loop {
            items.push(self.item()?);
            self.skip_cast();
            if self.take(")") {
                return Some(items);
            }
            if !self.take(",") {
                return None;
            }
        }
    }

    fn item(&mut self) -> Option<Item> {
        // A bit string's letter says nothing that its type does not.
        for prefix in ["E'", "B'"] {
            if self.0.starts_with(prefix) {
                self.advance(1);
                return self.quoted(prefix == "E'").map(Item::Value);
            }
        }
        if self.0.starts_with('\'') {
            return self.quoted(false).map(Item::Value);
        }
        let bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | '.' | '_');
        let length = self.0.find(|c| !bare(c)).unwrap_or(self.0.len());
        let word = self.advance(length);
        Some(match word {
            "" => return None,
            "NULL" => Item::Null,
            "MINVALUE" => Item::MinValue,
            "MAXVALUE" => Item::MaxValue,
            value => Item::Value(value.to_owned()),
        })
    }

    /// A literal from its opening quote on; two quotes stand for one, and two backslashes where they
    /// escape.
    fn quoted(&mut self, escapes: bool) -> Option<String> {
        let mut text = String::new();
        let mut characters = self.0.char_indices().skip(1).peekable();
        while let Some((at, character)) = characters.next() {
            match character {
                '\'' if characters.peek().is_some_and(|(_, next)| *next == '\'') => {
                    characters.next();
                    text.push('\'');
                }
                '\'' => {
                    self.advance(at + 1);
                    return Some(text);
                }
                '\\' if escapes => text.push(characters.next()?.1),
                other => text.push(other),
            }
        }
        None
    }

    /// `::type`, with a modifier or quotes perhaps.
    fn skip_cast(&mut self) {
        if !self.0.starts_with("::") {
            return;
        }
        let (mut depth, mut inside) = (0u32, false);
        let end = self.0.find(|c: char| {
            match c {
                '"' => inside = !inside,
                '(' if !inside => depth += 1,
                ')' if !inside && depth > 0 => {
                    depth -= 1;
                    return false;
                }
                _ => {}
            }
            !inside && depth == 0 && matches!(c, ',' | ')')
        });
        self.advance(end.unwrap_or(self.0.len()));
    }

    fn number(&mut self) -> Option<u32> {
        let digits = |c: char| c.is_ascii_digit();
        let length = self.0.find(|c| !digits(c)).unwrap_or(self.0.len());
        self.advance(length).parse().ok()
    }

    /// Takes a word, if it comes next.
    fn take(&mut self, word: &str) -> bool {
        let found = self.0.strip_prefix(word).is_some_and(|rest| {
            let more = rest.chars().next().is_some_and(char::is_alphanumeric);
            !(more && word.ends_with(char::is_alphanumeric))
        });
        if found {
            self.advance(word.len());
        }
        found
    }

    /// Takes so many bytes, and the blank space behind them.
    fn advance(&mut self, bytes: usize) -> &str {
        let (taken, rest) = self.0.split_at_checked(bytes).unwrap_or((self.0, ""));
        self.0 = rest.trim_start();
        taken
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value(text: &str) -> PartitionEdge {
        PartitionEdge::Value(text.to_owned())
    }

    fn range(from: &[PartitionEdge], to: &[PartitionEdge]) -> PartitionBound {
        PartitionBound::Range {
            from: from.to_vec(),
            to: to.to_vec(),
        }
    }

    #[test]
    fn what_pg_get_expr_prints_is_read() {
        use PartitionEdge::{MaxValue, MinValue};
        for (text, bound) in [
            ("DEFAULT", PartitionBound::Default),
            (
                "FOR VALUES WITH (modulus 4, remainder 3)",
                PartitionBound::Hash {
                    modulus: 4,
                    remainder: 3,
                },
            ),
            (
                "FOR VALUES FROM ('2024-01-01 00:00:00+00') TO (MAXVALUE)",
                range(&[value("2024-01-01 00:00:00+00")], &[MaxValue]),
            ),
            (
                "FOR VALUES FROM ('-5', 2.5, MINVALUE) TO (10, '1e3'::numeric(10,2), MINVALUE)",
                range(
                    &[value("-5"), value("2.5"), MinValue],
                    &[value("10"), value("1e3"), MinValue],
                ),
            ),
            (
                r#"FOR VALUES IN ('it''s "a, b"', E'back\\slash', NULL, 3, true, 'x'::public."Odd, type"[])"#,
                PartitionBound::List {
                    values: ["it's \"a, b\"", "back\\slash", "", "3", "true", "x"]
                        .map(|text| (!text.is_empty()).then(|| text.to_owned()))
                        .to_vec(),
                },
            ),
            (
                "FOR VALUES IN (B'0101')",
                PartitionBound::List {
                    values: vec![Some("0101".to_owned())],
                },
            ),
        ] {
            assert_eq!(parse_partition_bound(text), Some(bound), "{text}");
        }
    }

    #[test]
    fn what_is_no_bound_is_none() {
        for text in [
            "",
            "DEFAULTS",
            "FOR VALUES",
            "FOR VALUES IN ()",
            "FOR VALUES IN (1",
            "FOR VALUES IN (MINVALUE)",
            "FOR VALUES IN ('open)",
            "FOR VALUES FROM (1) TO (NULL)",
            "FOR VALUES FROM (1) TO (1, 2)",
            "FOR VALUES WITH (modulus 4)",
            "FOR VALUES WITH (modulus 4, remainder 3) and more",
        ] {
            assert_eq!(parse_partition_bound(text), None, "{text}");
        }
    }

    /// As `get_const_expr` writes a literal.
    fn literal(text: &str) -> String {
        let quoted = text.replace('\'', "''").replace('\\', "\\\\");
        match text.contains('\\') {
            true => format!("E'{quoted}'"),
            false => format!("'{quoted}'"),
        }
    }

    proptest! {
        #[test]
        fn literals_are_read_back(values in prop::collection::vec(prop::option::of(".{0,12}|['\\\\,() ]{0,6}"), 1..5)) {
            let items: Vec<String> = values
                .iter()
                .map(|value| value.as_deref().map_or("NULL".to_owned(), literal))
                .collect();
            let text = format!("FOR VALUES IN ({})", items.join(", "));
            prop_assert_eq!(parse_partition_bound(&text), Some(PartitionBound::List { values }));
        }

        #[test]
        fn reading_never_panics(
            text in "(FOR VALUES|FROM|TO|IN|WITH|\\(|\\)|,|'a|'|E'\\\\|NULL|::|\"|MINVALUE|modulus|1| ){0,12}",
            noise in any::<String>(),
        ) {
            let _ = parse_partition_bound(&text);
            let _ = parse_partition_bound(&noise);
        }
    }
}
