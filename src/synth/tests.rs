//! The plan as a whole: what rows a schema and a scenario give.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::pgbench::Keys;
use crate::schema::{
    Column, DataType, ForeignKey, RelationName, Schema, Table, TypeKind, UniqueKey,
};

mod keys;

fn named(name: &str) -> RelationName {
    RelationName {
        schema: "public".into(),
        name: name.into(),
    }
}

fn strings(words: &str) -> Vec<String> {
    words.split_whitespace().map(str::to_owned).collect()
}

/// A column as `name type`, with `!` for NOT NULL: `id int4!`, `code varchar 3`.
fn column(text: &str) -> Column {
    let not_null = text.ends_with('!');
    let words = strings(text.trim_end_matches('!'));
    let kind = match words[1].as_str() {
        "mood" => TypeKind::Enum {
            labels: strings("calm bad"),
        },
        "geometry" => TypeKind::Other {
            name: "geometry".into(),
        },
        name => TypeKind::Base {
            name: name.into(),
            modifiers: words[2..].iter().map(|n| n.parse().unwrap()).collect(),
        },
    };
    Column {
        name: words[0].clone(),
        data_type: DataType {
            name: words[1..].join(" "),
            kind,
        },
        not_null,
        default: None,
        generated: false,
        sequence: false,
    }
}

/// A table from its columns, its unique keys (the first is primary) and its foreign keys as
/// `columns > table columns`.
fn table(name: &str, columns: &[&str], keys: &[&str], foreign: &[&str]) -> Table {
    let key = |(index, columns): (usize, &&str)| UniqueKey {
        predicate: None,
        nulls_not_distinct: false,
        name: format!("{name}_key{index}"),
        primary: index == 0,
        columns: strings(columns),
        partial: false,
        expressions: Vec::new(),
    };
    let foreign_key = |text: &&str| {
        let (columns, target) = text.split_once('>').unwrap();
        let target = strings(target);
        ForeignKey {
            name: format!("{name}_{}_fkey", columns.trim().replace(' ', "_")),
            columns: strings(columns),
            references: named(&target[0]),
            referenced_columns: target[1..].to_vec(),
            validated: true,
        }
    };
    Table {
        oid: 0,
        name: named(name),
        columns: columns.iter().map(|text| column(text)).collect(),
        unique_keys: keys.iter().enumerate().map(key).collect(),
        foreign_keys: foreign.iter().map(foreign_key).collect(),
        checks: Vec::new(),
        exclusions: Vec::new(),
        partitioning: None,
    }
}

fn specs(text: &str) -> BTreeMap<String, TableSpec> {
    #[derive(serde::Deserialize)]
    struct Spec {
        rows: u64,
        #[serde(default)]
        columns: BTreeMap<String, ColumnSpec>,
    }
    let tables: BTreeMap<String, Spec> = toml::from_str(text).unwrap();
    let spec = |(name, Spec { rows, columns })| {
        (
            name,
            TableSpec {
                rows,
                columns,
                ..TableSpec::default()
            },
        )
    };
    tables.into_iter().map(spec).collect()
}

fn schema(tables: Vec<Table>) -> Schema {
    Schema {
        tables,
        ..Schema::default()
    }
}

fn plan(tables: Vec<Table>, scenario: &str) -> Result<FillPlan, SynthError> {
    FillPlan::new(&schema(tables), &specs(scenario), 42)
}

/// The fields of all rows; none is NULL.
fn rows(plan: &FillPlan, table: &str) -> Vec<Vec<Option<String>>> {
    let table = plan.table(table).unwrap();
    let mut out = Vec::new();
    table.encode(0..table.rows, usize::MAX, &mut out);
    let field = |field: &str| (field != "\\N").then(|| field.to_owned());
    String::from_utf8(out)
        .unwrap()
        .lines()
        .map(|line| line.split('\t').map(field).collect())
        .collect()
}

fn project(rows: &[Vec<Option<String>>], columns: &[usize]) -> Vec<Vec<Option<String>>> {
    let pick = |row: &Vec<Option<String>>| columns.iter().map(|&c| row[c].clone()).collect();
    rows.iter().map(pick).collect()
}

fn assert_unique(rows: &[Vec<Option<String>>], columns: &[usize]) {
    let all = project(rows, columns);
    let set: BTreeSet<_> = all.iter().collect();
    assert_eq!(set.len(), all.len(), "{:?}", &all[..10]);
}

fn assert_within(
    child: &[Vec<Option<String>>],
    c: &[usize],
    parent: &[Vec<Option<String>>],
    p: &[usize],
) {
    let parents: BTreeSet<_> = project(parent, p).into_iter().collect();
    for key in project(child, c) {
        assert!(key.contains(&None) || parents.contains(&key), "{key:?}");
    }
}

fn tenants() -> Vec<Table> {
    vec![
        table(
            "tenants",
            &["id int4!", "name varchar 8!"],
            &["id", "name"],
            &[],
        ),
        table(
            "users",
            &[
                "tenant_id int4!",
                "id uuid!",
                "manager_id uuid",
                "mail text!",
            ],
            &["tenant_id id", "mail", "id"],
            &[
                "tenant_id > tenants id",
                "tenant_id manager_id > users tenant_id id",
            ],
        ),
        table(
            "orders",
            &[
                "tenant_id int4!",
                "id int8!",
                "user_id uuid!",
                "placed timestamptz!",
            ],
            &["tenant_id id"],
            &[
                "tenant_id > tenants id",
                "tenant_id user_id > users tenant_id id",
            ],
        ),
        table(
            "lines",
            &[
                "tenant_id int4!",
                "order_id int8!",
                "line int2!",
                "mood mood",
            ],
            &["tenant_id order_id line"],
            &[
                "tenant_id order_id > orders tenant_id id",
                "tenant_id > tenants id",
            ],
        ),
        table(
            "profiles",
            &["user_id uuid!", "tenant_id int4!", "n numeric 5 2!"],
            &["tenant_id user_id"],
            &["tenant_id user_id > users tenant_id id"],
        ),
        table(
            "ratings",
            &["user_id uuid!", "tenant int4!", "mood mood!"],
            &["user_id tenant mood"],
            &["user_id > users id", "tenant > tenants id"],
        ),
    ]
}

const TENANTS: &str = "
    tenants = { rows = 20 }
    users = { rows = 500 }
    orders = { rows = 900 }
    lines = { rows = 2000 }
    profiles = { rows = 500 }
    ratings = { rows = 19999 }";

#[test]
fn keys_and_foreign_keys_hold() {
    let plan = plan(tenants(), TENANTS).unwrap();
    let [tenants, users, orders, lines, profiles, ratings] =
        ["tenants", "users", "orders", "lines", "profiles", "ratings"]
            .map(|name| rows(&plan, name));
    assert_unique(&tenants, &[0]);
    assert_unique(&tenants, &[1]);
    assert_unique(&users, &[0, 1]);
    assert_unique(&users, &[3]);
    assert_unique(&orders, &[0, 1]);
    assert_unique(&lines, &[0, 1, 2]);
    assert_unique(&profiles, &[0]);
    assert_unique(&ratings, &[0, 1, 2]);
    assert_within(&users, &[0], &tenants, &[0]);
    assert_within(&orders, &[0], &tenants, &[0]);
    assert_within(&orders, &[0, 2], &users, &[0, 1]);
    assert_within(&lines, &[0, 1], &orders, &[0, 1]);
    assert_within(&profiles, &[1, 0], &users, &[0, 1]);
    assert_within(&ratings, &[0], &users, &[1]);
    assert_within(&ratings, &[1], &tenants, &[0]);
    let numbers: BTreeSet<_> = project(&lines, &[2])
        .into_iter()
        .flatten()
        .flatten()
        .collect();
    assert_eq!(numbers, BTreeSet::from(["1", "2", "3"].map(str::to_owned)));
    let moods = project(&lines, &[3])
        .into_iter()
        .filter(|mood| mood[0].is_none())
        .count();
    assert!((140..260).contains(&moods), "a tenth is NULL: {moods}");
    assert_within(&users, &[0, 2], &users, &[0, 1]);
    let heads = project(&users, &[2])
        .into_iter()
        .filter(|id| id[0].is_none());
    assert_eq!(heads.count(), 20, "one head a tenant");
    assert!(plan.notes.is_empty(), "{:?}", plan.notes);
}

#[test]
fn hot_parents_are_not_neighbours() {
    let tables = vec![
        table("parents", &["id int4!"], &["id"], &[]),
        table(
            "children",
            &["id int4!", "p int4!"],
            &["id"],
            &["p > parents id"],
        ),
    ];
    let scenario = "
        parents = { rows = 1000 }
        children = { rows = 20000, columns.p.distribution = \"zipf(1.1)\" }";
    let plan = plan(tables, scenario).unwrap();
    let mut count = BTreeMap::new();
    for row in rows(&plan, "children") {
        *count
            .entry(row[1].clone().unwrap().parse::<i64>().unwrap())
            .or_insert(0) += 1;
    }
    let mut hot: Vec<(i32, i64)> = count.into_iter().map(|(id, n)| (n, id)).collect();
    hot.sort_unstable();
    hot.reverse();
    assert!(hot[0].0 > 2_000, "{:?}", hot[0]);
    let mut ids: Vec<i64> = hot[..10].iter().map(|(_, id)| *id).collect();
    ids.sort_unstable();
    assert!(ids[9] - ids[0] > 300, "{ids:?}");
}

#[test]
fn most_rows_live() {
    let table = table(
        "users",
        &[
            "id int4",
            "deleted_at timestamptz",
            "seen_at timestamptz",
            "deleted_by int4",
        ],
        &["id"],
        &[],
    );
    let plan = plan(vec![table], "users.rows = 2000").unwrap();
    let rows = rows(&plan, "users");
    let nulls = [1, 2, 3].map(|column| rows.iter().filter(|row| row[column].is_none()).count());
    assert!((1_700..1_900).contains(&nulls[0]), "{nulls:?}");
    assert!(
        nulls[1..].iter().all(|nulls| (140..260).contains(nulls)),
        "{nulls:?}"
    );
}

#[test]
fn circles_hold_by_equal_rows_or_nulls() {
    let circle = |nullable: &str, rows: u64| {
        let tables = vec![
            table("a", &["id int4!"], &["id"], &["id > b id"]),
            table("b", &[nullable], &["id"], &["id > a id"]),
        ];
        plan(
            tables,
            &format!("a = {{ rows = 5 }}\nb = {{ rows = {rows} }}"),
        )
    };
    let error = circle("id int4!", 6).unwrap_err().to_string();
    assert_eq!(
        error,
        "the keys of `public.b` and `public.a` reference each other, so that both must have the \
         same number of rows: not 6 and 5"
    );
    let round = circle("id int4!", 5).unwrap();
    assert_unique(&rows(&round, "a"), &[0]);
    assert_within(&rows(&round, "a"), &[0], &rows(&round, "b"), &[0]);
    assert_within(&rows(&round, "b"), &[0], &rows(&round, "a"), &[0]);
    // Only the row that is one too many is NULL.
    let cut = circle("id int4", 6).unwrap();
    let null = rows(&cut, "b")
        .iter()
        .filter(|row| row[0].is_none())
        .count();
    assert_eq!(null, 1);
    assert_unique(&rows(&cut, "b"), &[0]);
    assert_unique(&rows(&cut, "a"), &[0]);
    assert_within(&rows(&cut, "a"), &[0], &rows(&cut, "b"), &[0]);
    let even = circle("id int4", 5).unwrap();
    assert!(rows(&even, "b").iter().all(|row| row[0].is_some()));
}

#[test]
fn shared_primary_keys_take_the_smallest_parent() {
    let tables = vec![
        table("people", &["id int4!"], &["id"], &[]),
        table("staff", &["id int4!"], &["id"], &[]),
        table(
            "managers",
            &["id int4!"],
            &["id"],
            &["id > people id", "id > staff id"],
        ),
    ];
    let scenario = "people = { rows = 90 }\nstaff = { rows = 40 }\nmanagers = { rows = 40 }";
    let plan = plan(tables, scenario).unwrap();
    assert_unique(&rows(&plan, "managers"), &[0]);
    assert_within(&rows(&plan, "managers"), &[0], &rows(&plan, "staff"), &[0]);
}

#[test]
fn mistakes_are_named_with_what_helps() {
    let error = |columns: &[&str], keys: &[&str], foreign: &[&str], scenario: &str| {
        let tables = vec![
            table("parents", &["id int4!", "mood mood!"], &["id"], &[]),
            table("t", columns, keys, foreign),
        ];
        plan(tables, scenario).unwrap_err().to_string()
    };
    let of_column = |kind: &str, spec: &str| {
        let scenario = format!("t = {{ rows = 1000, columns.c = {{ {spec} }} }}");
        error(&[&format!("c {kind}")], &[], &[], &scenario)
    };
    let unique = |kind: &str, spec: &str| {
        let scenario = format!("t = {{ rows = 100000, columns.c = {{ {spec} }} }}");
        error(&[&format!("c {kind}!")], &["c"], &[], &scenario)
    };
    let all = [
        error(&["c int4"], &[], &[], "tt = { rows = 1 }"),
        error(&["c int4"], &[], &[], "parent = { rows = 1 }"),
        error(
            &["status int4"],
            &[],
            &[],
            "t = { rows = 1, columns.statsu = {} }",
        ),
        error(&["c geometry!"], &[], &[], "t = { rows = 1 }"),
        error(&["c int4!"], &[], &["c > parents id"], "t = { rows = 9 }"),
        error(
            &["c int4!"],
            &["c"],
            &["c > parents id"],
            "t = { rows = 9 }\nparents = { rows = 8 }",
        ),
        of_column("bool", "range = [1, 2]"),
        of_column("int4", "range = [5, 1]"),
        of_column("int4", "range = [1, 9999999999]"),
        of_column("int4", "values = [\"a\"]"),
        of_column("mood", "values = [\"angry\"]"),
        of_column("varchar 10", "width = 20"),
        of_column("varchar 5", "pattern = \"user-{n}\""),
        of_column("int4!", "null_fraction = 0.5"),
        of_column("int4", "null_fraction = 1.5"),
        of_column("text", "distribution = \"zipf(1.1)\""),
        of_column("int4", "distribution = \"zip(1.1)\""),
        of_column("int4", "values = [1, 2], weights = [1]"),
        of_column("int4", "values = [1], range = [1, 2]"),
        of_column("int4", "orphan_fraction = 0.1"),
        of_column("int4", "references = \"parents\""),
        of_column("int4", "references = \"parents.uid\""),
        of_column("uuid", "references = \"parents.id\""),
        of_column("int4", "distinct = 0"),
        unique("int2", ""),
        unique("varchar 3", ""),
        unique("int4", "range = [1, 10]"),
        unique("int4", "distinct = 10"),
        unique("mood", ""),
        unique("text", "pattern = \"constant\""),
    ];
    insta::assert_snapshot!(all.join("\n"), @r#"
    the schema has no table `tt`; did you mean `t`?
    the schema has no table `parent`; did you mean `parents`?
    table `public.t` has no column `statsu`; did you mean `status`?
    `public.t.c` (geometry): values of this type are not generated: give it `values`, a `pattern` or `sql = "<expression over n>"`
    `public.t` has rows and its foreign key `t_c_fkey` is NOT NULL, but `parents` has none: give [tables.parents] rows, or let the schema's files bring them
    unique key `t_key0` of `public.t` has only 8 combinations of values for 9 rows: give the table fewer rows, or what it references more
    `public.t.c` (bool): `range` does not apply to this type
    `public.t.c` (int4): the range from 5 to 1 is empty
    `public.t.c` (int4): `9999999999` is not a value of this type (in `range`)
    `public.t.c` (int4): `a` is not a value of this type (in `values`)
    `public.t.c` (mood): `angry` is not a value of this type (in `values`)
    `public.t.c` (varchar 10): `width` needs 20 characters, but the type holds 10
    `public.t.c` (varchar 5): `pattern` needs 9 characters, but the type holds 5
    `public.t.c` (int4): the column is NOT NULL: it takes no `null_fraction`
    `public.t.c` (int4): `null_fraction` is 1.5: it must be between 0 and 1
    `public.t.c` (text): `distribution` needs `references`, `range`, `values` or `distinct` beside it
    `public.t.c` (int4): `zip(1.1)` is not a distribution: write uniform, zipf(s) with s > 0, normal(mean, sd) with sd > 0, exponential(rate) with rate > 0, or sequence
    `public.t.c` (int4): `weights` must be as many as `values`, none negative and not all 0
    `public.t.c` (int4): `values` and `range` exclude each other: give one
    `public.t.c` (int4): `orphan_fraction` needs `references`
    `public.t.c` (int4): `references` must be "table.column", not `parents`
    `public.t.c` (int4): `references`: table `public.parents` has no column `uid`
    `public.t.c` (uuid): `references` is to a column of type int4
    `public.t.c` (int4): `distinct` must not be empty or 0
    `public.t.c` (int2): it must be unique over 100000 rows, but has only 32767 different values: give the table fewer rows, or the column other `values`, `range` or `pattern`
    `public.t.c` (varchar 3): it must be unique over 100000 rows, but has only 46655 different values: give the table fewer rows, or the column other `values`, `range` or `pattern`
    `public.t.c` (int4): it must be unique over 100000 rows, but has only 10 different values: give the table fewer rows, or the column other `values`, `range` or `pattern`
    `public.t.c` (int4): it is unique, so `distinct` and `distribution` do not apply
    `public.t.c` (mood): it must be unique over 100000 rows, but has only 2 different values: give the table fewer rows, or the column other `values`, `range` or `pattern`
    `public.t.c` (text): it must be unique over 100000 rows, but has only 1 different values: give the table fewer rows, or the column other `values`, `range` or `pattern`
    "#);
}

#[test]
fn numbers_stay_within_their_limits() {
    use super::limits::Limits;
    use super::value::form::{Ask, form};
    let extremes = |kind: &str, min: Option<&str>, max: Option<&str>| {
        let limits = Limits {
            min: min
                .map(|text| (text.to_owned(), false))
                .into_iter()
                .collect(),
            max: max
                .map(|text| (text.to_owned(), true))
                .into_iter()
                .collect(),
            ..Limits::default()
        };
        let column = column(&format!("c {kind}"));
        let spec = ColumnSpec::default();
        let made = form(
            &column.data_type.kind,
            &Ask {
                name: "c",
                key: 1,
                rows: 10,
                different: None,
                spec: &spec,
                limits: &limits,
                default: None,
            },
        );
        made.map(|made| {
            [0, made.capacity - 1].map(|ordinal| {
                let mut out = Vec::new();
                made.shape.write(ordinal, &mut out);
                String::from_utf8(out).unwrap()
            })
        })
    };
    for (kind, min, max, ends) in [
        ("int4", None, None, ["0", "99999"]),
        ("int2", Some("0"), None, ["1", "1000"]),
        ("int4", Some("-5"), Some("5"), ["-4", "5"]),
        ("int8", None, Some("-7"), ["-1000006", "-7"]),
        ("numeric 4 2", None, None, ["0.00", "99.99"]),
        ("numeric 4 2", Some("0"), Some("1.5"), ["0.01", "1.50"]),
        ("numeric 2 4", None, None, ["0.0000", "0.0099"]),
        ("numeric 3 -2", None, None, ["0", "9900"]),
        ("numeric 3 -2", Some("150"), Some("500"), ["200", "500"]),
        (
            "date",
            Some("2024-02-28"),
            Some("2024-03-01"),
            ["2024-02-29", "2024-03-01"],
        ),
        ("time", None, None, ["00:00:00", "23:59:59.999999"]),
        (
            "timestamptz 0",
            None,
            None,
            ["2024-01-02 00:00:00+00", "2025-12-31 23:59:59+00"],
        ),
    ] {
        let found = extremes(kind, min, max);
        assert_eq!(found, Ok(ends.map(str::to_owned)), "{kind} {min:?} {max:?}");
    }
    assert_eq!(
        extremes("int4", Some("9"), Some("3")),
        Err(Problem::Contradiction)
    );
}

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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn rows_do_not_depend_on_how_they_are_cut(seed: u64, cut in 0u64..=900, limit in 1usize..3_000) {
        let schema = schema(tenants());
        let plan = FillPlan::new(&schema, &specs(TENANTS), seed).unwrap();
        let orders = plan.table("orders").unwrap();
        let mut whole = Vec::new();
        orders.encode(0..900, usize::MAX, &mut whole);
        let mut parts = Vec::new();
        for range in [0..cut, cut..900] {
            let mut from = range.start;
            while from < range.end {
                let mut part = Vec::new();
                from = orders.encode(from..range.end, limit, &mut part);
                parts.extend(part);
            }
        }
        prop_assert_eq!(whole, parts);
    }

    #[test]
    fn picks_are_in_the_data_and_fresh_values_are_not(
        seed: u64,
        randoms in proptest::collection::vec(any::<u64>(), 20),
        fresh in 0u64..1_000_000,
        distribution in prop::option::of(prop::sample::select(vec!["zipf(1.3)", "normal(0.5,0.1)", "exponential(4)"])),
    ) {
        let schema = schema(tenants());
        let plan = Arc::new(FillPlan::new(&schema, &specs(TENANTS), seed).unwrap());
        let mut keys = KeyBook::new(Arc::clone(&plan));
        for (table, column, index) in [
            ("tenants", "id", 0),
            ("tenants", "name", 1),
            ("users", "id", 1),
            ("users", "mail", 3),
            ("orders", "id", 1),
            ("orders", "user_id", 2),
            ("orders", "placed", 3),
            ("lines", "order_id", 1),
        ] {
            let key = keys.resolve(table, column, distribution).unwrap();
            let values: BTreeSet<_> =
                project(&rows(&plan, table), &[index]).into_iter().flatten().flatten().collect();
            for random in &randoms {
                let pick = keys.pick(key, *random);
                prop_assert!(values.contains(&pick), "{}.{}: {}", table, column, pick);
            }
            prop_assert!(!values.contains(&keys.fresh(key, fresh)));
            prop_assert_ne!(keys.fresh(key, fresh), keys.fresh(key, fresh + 1));
        }
        // All that the type holds may be in some row.
        let n = keys.resolve("profiles", "n", distribution).unwrap();
        prop_assert!(!keys.has_fresh(n));
    }
}
