//! Values as texts: different where they must be, and read back by what PostgreSQL's manual says.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::synth::choice::draw::Draw;

fn text(shape: &Shape, ordinal: u64) -> String {
    let mut out = Vec::new();
    shape.write(ordinal, &mut out);
    String::from_utf8(out).unwrap()
}

fn whole(low: i64) -> Shape {
    Shape::Numbers(Numbers { low, scale: 0 })
}

fn array(shape: Shape, unique: bool) -> Shape {
    Shape::Array(Box::new(Elements {
        key: 7,
        shape,
        draw: Draw::Row,
        unique,
        counts: if unique { (1, 1) } else { (1, 3) },
        delimiter: b',',
    }))
}

fn ranges(step: Option<Step>, multi: bool, odd: bool) -> Shape {
    Shape::Range(Box::new(Ranges {
        key: 7,
        bounds: whole(-50),
        step,
        multi,
        odd,
        capacity: 1_000_000,
    }))
}

fn record(shapes: Vec<Shape>) -> Shape {
    let field = |(index, shape)| Field {
        shape,
        draw: Draw::Row,
        unique: index == 0,
    };
    Shape::Record(shapes.into_iter().enumerate().map(field).collect())
}

const FIGURES: [Figure; 9] = [
    Figure::Point,
    Figure::Line,
    Figure::Segment,
    Figure::Box,
    Figure::Path,
    Figure::Polygon,
    Figure::Circle,
    Figure::Cube,
    Figure::Seg,
];

const DOCUMENTS: [DocumentKind; 9] = [
    DocumentKind::Xml,
    DocumentKind::JsonPath,
    DocumentKind::TsVector,
    DocumentKind::TsQuery,
    DocumentKind::HStore,
    DocumentKind::LTree,
    DocumentKind::LQuery,
    DocumentKind::LTxtQuery,
    DocumentKind::IntQuery,
];

const SYSTEM: [SystemValue; 4] = [
    SystemValue::Place,
    SystemValue::Position,
    SystemValue::Snapshot,
    SystemValue::Vector,
];

const ARTICLES: [Article; 5] = [
    Article::Ean,
    Article::Isbn,
    Article::Ismn,
    Article::Issn,
    Article::Upc,
];

fn injective() -> Vec<Shape> {
    let step = Step {
        apart: 5,
        longest: 5,
    };
    let mut shapes = vec![
        Shape::Uuid { key: 7 },
        Shape::UuidWithin {
            key: 7,
            low: 5,
            count: 3,
        },
        Shape::Bytes { key: 7, width: 2 },
        Shape::Bytes { key: 7, width: 20 },
        Shape::Bits { key: 7, width: 12 },
        Shape::Json { key: 7 },
        Shape::Address { host: true },
        Shape::Address { host: false },
        Shape::Hardware { bytes: 6 },
        Shape::Interval(Intervals {
            unit: Unit::Second,
            low: 0,
        }),
        Shape::Rounded {
            numbers: Numbers { low: 0, scale: 0 },
            zeros: 2,
        },
        array(whole(0), true),
        ranges(Some(step), false, false),
        ranges(Some(step), true, false),
        ranges(None, false, false),
        record(vec![whole(0), Shape::Json { key: 7 }]),
    ];
    shapes.extend(FIGURES.map(|figure| Shape::Figure { key: 7, figure }));
    shapes.extend(DOCUMENTS.map(|kind| Shape::Document(Document { key: 7, kind })));
    shapes.extend(SYSTEM.map(Shape::System));
    shapes.extend(ARTICLES.map(Shape::Article));
    shapes
}

#[test]
fn injective_shapes_are_injective() {
    for shape in injective() {
        let count = shape.capacity().min(4_000);
        assert!(count > 0, "{shape:?}");
        let mut texts: BTreeSet<String> = (0..count).map(|n| text(&shape, n)).collect();
        assert_eq!(texts.len() as u64, count, "{shape:?}");
        let last = shape.capacity().min(1 << 62) - 1;
        if last > count {
            assert!(texts.insert(text(&shape, last)), "{shape:?}");
        }
    }
}

#[test]
fn plain_shapes_hold_nothing_that_copy_escapes() {
    for shape in injective().into_iter().filter(Shape::is_plain) {
        for ordinal in (0..300).chain([u64::MAX >> 2]) {
            let text = text(&shape, ordinal);
            assert!(!text.contains(['\\', '\n', '\r', '\t']), "{text}");
        }
    }
}

#[test]
fn values_are_written_as_postgresql_reads_them() {
    let address = |host, ordinal| text(&Shape::Address { host }, ordinal);
    assert_eq!(address(true, 258), "10.0.1.2");
    assert_eq!(address(true, 1 << 24), "fd00::0000:0000:0100:0000");
    assert_eq!(address(false, 258), "10.1.2.0/24");
    assert_eq!(address(false, 1 << 16), "fd00:0000:0001:0000::/64");
    assert_eq!(
        text(&Shape::Hardware { bytes: 6 }, 258),
        "02:00:00:00:01:02"
    );
    let uuid = text(&Shape::Uuid { key: 1 }, 5);
    assert_eq!(uuid.len(), 36);
    assert_eq!(&uuid[14..15], "4");
    assert!("89ab".contains(&uuid[19..20]), "{uuid}");
    assert_eq!(text(&Shape::Bytes { key: 1, width: 3 }, 5), "\\x000005");
    let json: serde_json::Value = serde_json::from_str(&text(&Shape::Json { key: 1 }, 5)).unwrap();
    assert_eq!(json["id"], 6);
    let choice = Shape::Choice(vec!["a \"b\" \\ c".into()]);
    assert_eq!(text(&array(choice.clone(), true), 0), r#"{"a \"b\" \\ c"}"#);
    assert_eq!(
        text(&record(vec![whole(3), choice]), 0),
        r#"(3,"a ""b"" \\ c")"#
    );
    assert_eq!(text(&Shape::System(SystemValue::Place), 200), "(1,1)");
    assert_eq!(text(&Shape::System(SystemValue::Position), 1 << 27), "2/0");
    assert_eq!(text(&Shape::System(SystemValue::Snapshot), 1), "8:12:8,10");
    assert_eq!(text(&Shape::System(SystemValue::Vector), 30_001), "2 2");
    let hundreds = Shape::Rounded {
        numbers: Numbers { low: -1, scale: 0 },
        zeros: 2,
    };
    assert_eq!([text(&hundreds, 0), text(&hundreds, 1)], ["-100", "0"]);
}

/// Array text taken apart, as the manual says ("Array Input and Output Syntax").
fn read_array(text: &str) -> Vec<String> {
    let mut elements = Vec::new();
    let mut characters = text
        .strip_prefix('{')
        .and_then(|text| text.strip_suffix('}'))
        .unwrap()
        .chars();
    let (mut element, mut quoted) = (String::new(), false);
    while let Some(character) = characters.next() {
        match character {
            '"' => quoted = !quoted,
            '\\' => element.push(characters.next().unwrap()),
            ',' if !quoted => elements.push(std::mem::take(&mut element)),
            other => element.push(other),
        }
    }
    assert!(!quoted);
    elements.push(element);
    elements
}

/// Composite text taken apart, as the manual says ("Composite Type Input and Output Syntax").
fn read_record(text: &str) -> Vec<String> {
    let mut fields = Vec::new();
    let mut characters = text
        .strip_prefix('(')
        .and_then(|text| text.strip_suffix(')'))
        .unwrap()
        .chars()
        .peekable();
    let (mut field, mut quoted) = (String::new(), false);
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                field.push('"');
                characters.next();
            }
            '"' => quoted = !quoted,
            '\\' => field.push(characters.next().unwrap()),
            ',' if !quoted => fields.push(std::mem::take(&mut field)),
            other => field.push(other),
        }
    }
    assert!(!quoted);
    fields.push(field);
    fields
}

proptest! {
    #[test]
    fn arrays_and_records_are_read_back(values in prop::collection::vec("(?s).{0,9}|[\"\\\\,;(){} ]{0,9}", 1..4)) {
        let choices: Vec<Shape> = values.iter().map(|v| Shape::Choice(vec![v.clone()])).collect();
        prop_assert_eq!(&read_record(&text(&record(choices.clone()), 0)), &values);
        // A record in an array, an array in a record.
        let inner = text(&record(choices.clone()), 0);
        prop_assert_eq!(read_array(&text(&array(record(choices.clone()), true), 0)), [inner]);
        for (choice, value) in choices.into_iter().zip(&values) {
            let elements = array(choice, true);
            prop_assert_eq!(&read_array(&text(&elements, 0)), std::slice::from_ref(value));
            prop_assert_eq!(read_record(&text(&record(vec![elements.clone()]), 0)), [text(&elements, 0)]);
        }
    }

    #[test]
    fn disjoint_ranges_follow_each_other(apart in 1u64..40, multi: bool, ordinal in 0u64..1_000_000) {
        let shape = ranges(Some(Step { apart, longest: apart }), multi, false);
        prop_assert!(shape.disjoint());
        let bounds = |ordinal| {
            let text = text(&shape, ordinal);
            let text = text.replace(['{', '}', '[', ')'], "");
            text.split(',').map(|n| n.parse::<i64>().unwrap()).collect::<Vec<_>>()
        };
        let (one, next) = (bounds(ordinal), bounds(ordinal + 1));
        prop_assert!(one.len() == 2 || multi && one.len() == 4);
        prop_assert!(one.windows(2).all(|pair| pair[0] < pair[1]), "{:?}", one);
        prop_assert!(one.last() <= next.first(), "{:?} {:?}", one, next);
    }

    #[test]
    fn overlapping_ranges_are_sound(apart in 1u64..3, longest in 3u64..40, multi: bool, ordinal in 0u64..10_000) {
        let shape = ranges(Some(Step { apart, longest }), multi, true);
        prop_assert!(!shape.disjoint());
        let text = text(&shape, ordinal);
        let inner = text.trim_matches(['{', '}']);
        for range in inner.split("),") {
            if range.is_empty() || range == "empty" {
                continue;
            }
            let (low, high) = range.trim_matches(['[', ')']).split_once(',').unwrap();
            let (low, high) = (low.parse::<i64>().ok(), high.parse::<i64>().ok());
            prop_assert!(low.is_none() || high.is_none() || low < high, "{}", text);
        }
    }

    #[test]
    fn figures_keep_to_their_cells(key: u64, a in 0u64..1_000_000, b in 0u64..1_000_000) {
        // Boxes that do not share a cell of 20 by 20 cannot overlap.
        let shape = Shape::Figure { key, figure: Figure::Box };
        let cell = |ordinal| {
            let text = text(&shape, ordinal).replace(['(', ')'], "");
            let numbers: Vec<u64> = text.split(',').map(|n| n.parse().unwrap()).collect();
            assert!(numbers[0] > numbers[2] && numbers[1] > numbers[3], "{text}");
            assert_eq!([numbers[0] / 20, numbers[1] / 20], [numbers[2] / 20, numbers[3] / 20]);
            [numbers[0] / 20, numbers[1] / 20]
        };
        prop_assert_eq!(a == b, cell(a) == cell(b));
    }

    #[test]
    fn escaping_replaces_each(before in ".{0,5}", value in "[ab\"\\\\]{0,12}") {
        let mut out = format!("{before}{value}").into_bytes();
        escape(&mut out, before.len(), |byte| matches!(byte, b'"' | b'\\').then_some([b'\\', byte]));
        let expected = value.replace('\\', "\\\\").replace('"', "\\\"");
        prop_assert_eq!(String::from_utf8(out).unwrap(), format!("{before}{expected}"));
    }
}
