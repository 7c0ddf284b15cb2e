//! Scenarios that no data can satisfy are refused, with what helps.

use super::*;

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
