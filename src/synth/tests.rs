//! The plan as a whole: what rows a schema and a scenario give.

mod keys;
mod mistakes;
mod properties;
mod sizes;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::pgbench::Keys;
use crate::schema::{
    Column, DataType, ForeignKey, RelationName, Schema, Table, TypeKind, UniqueKey,
};

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
