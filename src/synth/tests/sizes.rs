//! How many rows tables get that the scenario does not name.

use super::*;

/// A table of one row by nature, one with few combinations, and a chain of one-to-one tables.
fn small_by_nature() -> Vec<Table> {
    vec![
        table("flags", &["a bool!", "b mood!"], &["a b"], &[]),
        table("codes", &["code varchar 1!"], &["code"], &[]),
        table(
            "labels",
            &["code varchar 1!"],
            &["code"],
            &["code > codes code"],
        ),
        table(
            "users",
            &["id int4!", "code varchar 1"],
            &["id"],
            &["code > codes code"],
        ),
        table("given", &["id int4!"], &["id"], &[]),
        table("uses", &["given_id int4!"], &[], &["given_id > given id"]),
    ]
}

#[test]
fn unnamed_tables_get_as_many_rows_as_they_can_hold() {
    let schema = schema(small_by_nature());
    let given = [GivenRows {
        name: named("given"),
        count: 2,
        known: 2,
        columns: BTreeMap::from([("id".into(), strings("7 9"))]),
    }];
    let specs = specs("\"*\".rows = 300\nusers.rows = 200");
    let plan = FillPlan::beside(&schema, &specs, &given, 42).unwrap();
    let held = plan
        .tables
        .iter()
        .map(|table| (table.name.name.as_str(), table.rows));
    let codes = plan.table("codes").unwrap().rows;
    assert!((1..300).contains(&codes), "{codes}");
    let expected = [
        ("flags", 4),
        ("codes", codes),
        ("labels", codes),
        ("users", 200),
        ("uses", 300),
    ];
    assert_eq!(held.collect::<Vec<_>>(), expected);
    assert_unique(&rows(&plan, "flags"), &[0, 1]);
    assert_unique(&rows(&plan, "labels"), &[0]);
    assert_within(&rows(&plan, "labels"), &[0], &rows(&plan, "codes"), &[0]);
    assert!(
        rows(&plan, "uses")
            .iter()
            .all(|row| ["7", "9"].contains(&row[0].as_deref().unwrap()))
    );
    assert_eq!(plan.notes.len(), 3, "{:?}", plan.notes);
    assert_eq!(
        plan.notes[1],
        "public.flags has 4 of the 300 rows that [tables.\"*\"] asks for: \
         its unique key flags_key0 has no more combinations of values"
    );
    let wanted: Vec<_> = wanted_rows(&schema, &specs)
        .into_iter()
        .map(|(table, columns)| (table.name.name.as_str(), columns.len()))
        .collect();
    let expected = [
        ("flags", 2),
        ("codes", 1),
        ("labels", 1),
        ("users", 0),
        ("given", 1),
        ("uses", 0),
    ];
    assert_eq!(
        wanted, expected,
        "of every table it is asked whether it has rows"
    );
}

#[test]
fn named_tables_that_cannot_hold_their_rows_stay_errors() {
    for (scenario, table) in [
        ("flags.rows = 5", "flags"),
        ("codes.rows = 300", "codes"),
        ("\"*\".rows = 9\nflags.rows = 5", "flags"),
    ] {
        let error = plan(small_by_nature(), scenario).unwrap_err().to_string();
        assert!(error.contains(&format!("public.{table}")), "{error}");
    }
    let unsupported = vec![table("shapes", &["at geometry!"], &[], &[])];
    let error = plan(unsupported, "\"*\".rows = 5").unwrap_err().to_string();
    assert!(
        error.starts_with("`public.shapes.at` (geometry)"),
        "{error}"
    );
}
