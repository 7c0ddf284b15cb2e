use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::schema::{Column, DataType, Table, TypeKind, UniqueKey};
use crate::synth::{FillPlan, TableSpec};

fn file(columns: &str) -> String {
    format!(
        r#"{{"format_version": 1, "postgres_version": "16.4", "tables":
            {{"public.t": {{"rows": 1000, "columns": {columns}}}}}}}"#
    )
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    for (text, message) in [
        (
            file(r#"{"a": {"colour": 1}}"#),
            "unknown field `colour`, expected one of `null_fraction`, `distinct`, `average_width`, \
             `correlation`, `most_common`, `histogram`, `min_length`, `max_length`, `elements` at \
             line 2 column 66; see docs/statistics.md",
        ),
        (
            file(r#"{"a": {"distinct": -2}}"#),
            "distinct is -2: above 0 it is a number of values, from -1 to below 0 a share of the rows \
             at line 2 column 73; see docs/statistics.md",
        ),
        (
            file(r#"{"a": {"null_fraction": 1.5}}"#),
            "public.t.a: null_fraction is 1.5: it must be from 0 to 1",
        ),
        (
            file(r#"{"a": {"correlation": -3}}"#),
            "public.t.a: correlation is -3: it must be from -1 to 1",
        ),
        (
            file(r#"{"a": {"most_common": [{"frequency": -0.1}]}}"#),
            "public.t.a: frequency is -0.1: it must be from 0 to 1",
        ),
        (
            r#"{"format_version": 2, "postgres_version": "17", "tables": {}}"#.to_owned(),
            "format_version is 2, but this version of pgrehearse reads 1: capture it again",
        ),
    ] {
        let error = Statistics::parse(&text).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn tables_are_found_as_scenarios_name_them() {
    let mut statistics = Statistics::parse(&file("{}")).unwrap();
    let other = TableStatistics {
        rows: 7,
        ..TableStatistics::default()
    };
    statistics.tables.insert("audit.log".into(), other);
    let rows = |name| statistics.table(name).map(|table| table.rows);
    assert_eq!(rows("t"), Some(1_000));
    assert_eq!(rows("public.t"), Some(1_000));
    assert_eq!(rows("log"), Some(7));
    assert_eq!(rows("audit.log"), Some(7));
    assert_eq!(rows("u"), None);
    let note = statistics.strangers(&schema(&[])).unwrap();
    assert_eq!(
        note,
        "the statistics know tables that the schema has not: audit.log"
    );
}

fn schema(columns: &[(&str, &str)]) -> Schema {
    let columns = columns.iter().map(|(name, kind)| Column {
        name: (*name).to_owned(),
        data_type: DataType {
            name: (*kind).to_owned(),
            kind: TypeKind::Base {
                name: (*kind).to_owned(),
                modifiers: Vec::new(),
            },
        },
        not_null: *name == "code",
        default: None,
        generated: false,
        sequence: false,
    });
    let key = UniqueKey {
        name: "t_code".into(),
        primary: false,
        columns: vec!["code".into()],
        partial: false,
        expressions: Vec::new(),
        predicate: None,
        nulls_not_distinct: false,
    };
    let table = Table {
        oid: 1,
        name: RelationName {
            schema: "public".into(),
            name: "t".into(),
        },
        columns: columns.collect(),
        unique_keys: vec![key],
        foreign_keys: Vec::new(),
        checks: Vec::new(),
        exclusions: Vec::new(),
        partitioning: None,
    };
    Schema {
        tables: vec![table],
        others: Vec::new(),
    }
}

fn plan(schema: &Schema, rows: u64, statistics: BTreeMap<String, ColumnStatistics>) -> FillPlan {
    let spec = TableSpec {
        rows,
        statistics,
        ..TableSpec::default()
    };
    FillPlan::new(schema, &BTreeMap::from([("t".to_owned(), spec)]), 1).unwrap()
}

fn values(plan: &FillPlan, column: &str) -> Vec<Option<String>> {
    let column = plan.table("t").unwrap().column(column).unwrap();
    let value = |row| {
        let mut out = Vec::new();
        column
            .write(row, &mut out)
            .then(|| String::from_utf8(out).unwrap())
    };
    (0..column.rows).map(value).collect()
}

#[test]
fn keys_win_and_a_note_says_what_is_lost() {
    let schema = schema(&[("code", "text"), ("note", "text")]);
    let captured: BTreeMap<String, ColumnStatistics> = serde_json::from_str(
        r#"{"code": {"null_fraction": 0.2, "average_width": 12,
                     "most_common": [{"frequency": 0.5, "value": "x"}]},
            "note": {"correlation": 0.2, "average_width": 20, "distinct": 5},
            "gone": {"distinct": 3}}"#,
    )
    .unwrap();
    let plan = plan(&schema, 500, captured);
    let codes: std::collections::BTreeSet<_> = values(&plan, "code").into_iter().collect();
    assert_eq!(codes.len(), 500);
    assert!(!codes.contains(&None));
    assert_eq!(
        plan.notes,
        [
            "public.t.code does not follow its share of nulls, for it is NOT NULL",
            "the statistics know a column public.t.gone that the schema has not",
            "public.t.code does not follow its most common values, for it is unique",
        ]
    );
}

fn column() -> impl Strategy<Value = ColumnStatistics> {
    let common = prop::collection::btree_map("[a-z]{1,4}|-?[0-9]{1,3}", 0.0f64..0.3, 0..6);
    let bounds = prop::collection::btree_set(-50i64..5_000, 0..8);
    let distinct = prop_oneof![
        Just(None),
        (1u32..3_000).prop_map(|n| Some(Distinct::Count(f64::from(n)))),
        (0.001f64..1.0).prop_map(|share| Some(Distinct::Share(share))),
    ];
    let facts = (
        0.0f64..1.0,
        prop::option::of(-1.0f64..1.0),
        prop::option::of(0u32..300),
        any::<bool>(),
    );
    (common, bounds, distinct, facts).prop_map(|(common, bounds, distinct, facts)| {
        let (null_fraction, correlation, average_width, named) = facts;
        ColumnStatistics {
            null_fraction,
            distinct,
            average_width,
            correlation,
            most_common: common
                .into_iter()
                .map(|(value, frequency)| MostCommon {
                    frequency,
                    value: named.then_some(value),
                })
                .collect(),
            histogram: bounds.iter().map(i64::to_string).collect(),
            ..ColumnStatistics::default()
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever statistics say, also what contradicts itself or the type: values are of the type, keys
    /// hold, and rows are the same however often they are made.
    #[test]
    fn any_statistics_give_values(
        captured in column(),
        kind in prop::sample::select(vec![
            "int2", "int4", "int8", "numeric", "float8", "text", "uuid", "jsonb", "bool", "bytea",
            "date", "timestamptz", "time", "varchar",
        ]),
        rows in 1u64..400,
    ) {
        let schema = schema(&[("code", "text"), ("c", kind), ("n", "int8")]);
        let columns = ["code", "c", "n"].map(|name| (name.to_owned(), captured.clone()));
        let plan = plan(&schema, rows, columns.into());
        let codes: std::collections::BTreeSet<_> = values(&plan, "code").into_iter().collect();
        prop_assert_eq!(codes.len() as u64, rows);
        for number in values(&plan, "n").into_iter().flatten() {
            prop_assert!(number.parse::<i64>().is_ok(), "{}", number);
        }
        for value in values(&plan, "c").into_iter().flatten() {
            let holds = match kind {
                "int2" => value.parse::<i16>().is_ok(),
                "int4" => value.parse::<i32>().is_ok(),
                "numeric" | "float8" => value.parse::<f64>().is_ok(),
                "bool" => value == "t" || value == "f",
                "jsonb" => serde_json::from_str::<serde_json::Value>(&value).is_ok(),
                _ => !value.is_empty(),
            };
            prop_assert!(holds, "{} is no {}", value, kind);
        }
    }
}
