//! Foreign keys and unique keys of every shape, checked by brute force over all rows.

mod nasty;
mod nulls;

use super::*;
use crate::synth::choice::random;

/// Every key of every table, over all its rows.
fn broken(schema: &Schema, plan: &FillPlan) -> Vec<String> {
    let mut data = BTreeMap::new();
    for table in &schema.tables {
        let filled = plan.table(&table.name.to_string());
        let rows = filled.map_or(Vec::new(), |_| rows(plan, &table.name.to_string()));
        data.insert(&table.name, rows);
    }
    let mut broken = Vec::new();
    for table in &schema.tables {
        let rows = &data[&table.name];
        let place = |name: &String| table.columns.iter().position(|c| c.name == *name).unwrap();
        for (index, column) in table.columns.iter().enumerate() {
            if column.not_null && rows.iter().any(|row| row[index].is_none()) {
                broken.push(format!("{}.{} is NULL", table.name, column.name));
            }
        }
        for key in &table.unique_keys {
            let columns: Vec<usize> = key.columns.iter().map(place).collect();
            let mut seen = BTreeSet::new();
            let whole =
                |values: &Vec<Option<String>>| key.nulls_not_distinct || !values.contains(&None);
            let all = project(rows, &columns);
            if let Some(twice) = all
                .into_iter()
                .filter(whole)
                .find(|v| !seen.insert(v.clone()))
            {
                broken.push(format!("{} has {twice:?} twice", key.name));
            }
        }
        for key in &table.foreign_keys {
            let columns: Vec<usize> = key.columns.iter().map(place).collect();
            let parent = schema
                .tables
                .iter()
                .find(|t| t.name == key.references)
                .unwrap();
            let its = |name: &String| parent.columns.iter().position(|c| c.name == *name).unwrap();
            let referenced: Vec<usize> = key.referenced_columns.iter().map(its).collect();
            let there: BTreeSet<_> = project(&data[&parent.name], &referenced)
                .into_iter()
                .collect();
            let dangling = project(rows, &columns)
                .into_iter()
                .find(|values| !values.contains(&None) && !there.contains(values));
            if let Some(values) = dangling {
                broken.push(format!(
                    "{} has {values:?}, which {} lacks",
                    key.name, parent.name
                ));
            }
        }
    }
    broken
}

fn assert_sound(tables: Vec<Table>, scenario: &str) -> FillPlan {
    let schema = schema(tables);
    let plan = FillPlan::new(&schema, &specs(scenario), 42).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(broken(&schema, &plan), Vec::<String>::new());
    plan
}

/// How often each combination of values is there.
fn count(plan: &FillPlan, table: &str, columns: &[usize]) -> BTreeMap<Vec<Option<String>>, usize> {
    let mut count = BTreeMap::new();
    for values in project(&rows(plan, table), columns) {
        *count.entry(values).or_insert(0) += 1;
    }
    count
}

fn workspaces() -> Vec<Table> {
    vec![
        table("tenants", &["id int4!", "name text!"], &["id"], &[]),
        table(
            "users",
            &["tenant_id int4!", "id int8!", "boss_id int8"],
            &["tenant_id id"],
            &[
                "tenant_id > tenants id",
                "tenant_id boss_id > users tenant_id id",
            ],
        ),
        table(
            "projects",
            &[
                "tenant_id int4!",
                "id uuid!",
                "owner_id int8!",
                "number int4!",
            ],
            &["tenant_id id", "tenant_id number"],
            &[
                "tenant_id > tenants id",
                "tenant_id owner_id > users tenant_id id",
            ],
        ),
        table(
            "tasks",
            &[
                "tenant_id int4!",
                "project_id uuid!",
                "id int8!",
                "author int8!",
                "tester int8",
                "parent int8",
            ],
            &["tenant_id project_id id"],
            &[
                "tenant_id project_id > projects tenant_id id",
                "tenant_id author > users tenant_id id",
                "tenant_id tester > users tenant_id id",
                "tenant_id project_id parent > tasks tenant_id project_id id",
            ],
        ),
        table(
            "comments",
            &[
                "tenant_id int4!",
                "project_id uuid!",
                "task_id int8!",
                "line int2!",
                "author int8!",
            ],
            &["tenant_id project_id task_id line"],
            &[
                "tenant_id project_id task_id > tasks tenant_id project_id id",
                "tenant_id author > users tenant_id id",
                "tenant_id > tenants id",
            ],
        ),
        table(
            "members",
            &[
                "tenant_id int4!",
                "user_id int8!",
                "project_id uuid!",
                "role mood!",
            ],
            &["tenant_id user_id project_id"],
            &[
                "tenant_id user_id > users tenant_id id",
                "tenant_id project_id > projects tenant_id id",
            ],
        ),
    ]
}

#[test]
fn foreign_keys_that_share_columns_agree() {
    let scenario = "
        tenants = { rows = 12 }
        users = { rows = 300 }
        projects = { rows = 60 }
        tasks = { rows = 2000 }
        comments = { rows = 3000 }
        members = { rows = 1400 }";
    let plan = assert_sound(workspaces(), scenario);
    // 12 tenants of 25 users and 5 projects: 1500 combinations.
    assert_eq!(count(&plan, "members", &[0]).len(), 12);
    assert!(plan.notes.is_empty(), "{:?}", plan.notes);
    let bosses = count(&plan, "users", &[2]);
    assert_eq!(bosses[&vec![None]], 12, "one head a tenant");
    assert!(bosses.len() > 20);
    assert!(count(&plan, "comments", &[0, 4]).len() > 200);
    let numbers = count(&plan, "projects", &[3]);
    assert_eq!(
        numbers.len(),
        5,
        "numbers count within tenants: {numbers:?}"
    );
}

#[test]
fn every_tenant_that_is_used_has_what_is_wanted() {
    // Fewer projects than tenants: users of tenants without projects take no part.
    let scenario = "
        tenants = { rows = 50 }
        users = { rows = 170 }
        projects = { rows = 7 }
        tasks = { rows = 300 }
        comments = { rows = 10 }
        members = { rows = 20 }";
    let plan = assert_sound(workspaces(), scenario);
    assert_eq!(count(&plan, "members", &[0]).len(), 7);
}

#[test]
fn shared_columns_follow_their_distribution() {
    let scenario = "
        tenants = { rows = 100 }
        users = { rows = 5000, columns.tenant_id.distribution = \"zipf(1)\" }
        projects = { rows = 1000 }
        tasks = { rows = 10000, columns.author.distribution = \"zipf(1.5)\" }
        comments = { rows = 10 }
        members = { rows = 0 }";
    let plan = assert_sound(workspaces(), scenario);
    let tenants = count(&plan, "users", &[0]);
    let largest = tenants.values().max().unwrap();
    assert!((600..1200).contains(largest), "{largest}");
    let authors = count(&plan, "tasks", &[0, 3]);
    assert!(*authors.values().max().unwrap() > 30, "some write much");
}

/// Locks and the modes that they are held in, as a chat server has them.
fn locks() -> Vec<Table> {
    let mut locks = table(
        "locks",
        &["name text!", "key text!", "write bool!", "token text!"],
        &["name key token", "name key"],
        &["name key write > modes name key write"],
    );
    locks.unique_keys[1].partial = true;
    locks.unique_keys[1].predicate = Some("write".to_owned());
    let modes = table(
        "modes",
        &["name text!", "key text!", "write bool!", "token text!"],
        &["name key", "name key write"],
        &["name key token > locks name key token"],
    );
    vec![locks, modes]
}

#[test]
fn circles_of_which_a_part_goes_round_hold() {
    let plan = assert_sound(locks(), "locks = { rows = 300 }\nmodes = { rows = 300 }");
    assert_eq!(count(&plan, "locks", &[2]).len(), 2, "read and write");
    assert!(plan.notes.is_empty(), "{:?}", plan.notes);
    // More modes than locks cannot be, and more locks only if none is held to write.
    for (scenario, larger) in [
        ("locks = { rows = 20 }\nmodes = { rows = 30 }", "modes"),
        ("locks = { rows = 30 }\nmodes = { rows = 20 }", "locks"),
    ] {
        let error = FillPlan::new(&schema(locks()), &specs(scenario), 42).unwrap_err();
        let expected = format!("the keys of `public.{larger}` and ");
        assert!(error.to_string().starts_with(&expected), "{error}");
    }
    let mut tables = locks();
    tables[0].unique_keys.truncate(1);
    let plan = assert_sound(tables, "locks = { rows = 900 }\nmodes = { rows = 200 }");
    assert_eq!(count(&plan, "locks", &[0, 1]).len(), 200);
}

#[test]
fn unnamed_tables_of_a_circle_have_as_many_rows() {
    let mut spec = specs("modes = { rows = 40 }");
    spec.extend(specs("\"*\" = { rows = 100 }"));
    let schema = schema(locks());
    let plan = FillPlan::new(&schema, &spec, 42).unwrap();
    assert_eq!(broken(&schema, &plan), Vec::<String>::new());
    assert_eq!(plan.table("locks").unwrap().rows, 40);
    let told = plan
        .notes
        .iter()
        .any(|note| note.starts_with("public.locks has 40 of the 100 rows"));
    assert!(told, "{:?}", plan.notes);
}

#[test]
fn columns_that_others_need_values_of_have_them() {
    let tables = || {
        vec![
            table("invoices", &["id int4!"], &["id"], &[]),
            table(
                "orders",
                &["id int4!", "code text", "invoice int4"],
                &["id", "code", "invoice"],
                &["invoice > invoices id"],
            ),
            table(
                "parcels",
                &["code text!", "invoice int4!"],
                &[],
                &["code > orders code", "invoice > orders invoice"],
            ),
            table(
                "returns",
                &["code text!"],
                &["code"],
                &["code > orders code"],
            ),
        ]
    };
    let rows = "invoices = { rows = 60 }\nparcels = { rows = 900 }\nreturns = { rows = 50 }\n";
    let plan = assert_sound(tables(), &format!("{rows}orders = {{ rows = 200 }}"));
    let null = |plan: &FillPlan, column| count(plan, "orders", &[column]).get(&vec![None]).copied();
    assert_eq!(null(&plan, 1), None);
    assert_eq!(null(&plan, 2), Some(140), "60 invoices for 200 orders");
    let asked = "orders = { rows = 200, columns.code.null_fraction = 0.7 }";
    let plan = assert_sound(tables(), &format!("{rows}{asked}"));
    assert_eq!(null(&plan, 1), Some(140));
    assert_eq!(count(&plan, "parcels", &[0]).len(), 60);
    assert_eq!(count(&plan, "returns", &[0]).len(), 50);
    let asked = "orders = { rows = 200, columns.code.null_fraction = 0.8 }";
    let scenario = format!("{rows}{asked}");
    let error = FillPlan::new(&schema(tables()), &specs(&scenario), 42).unwrap_err();
    assert!(
        matches!(&error, SynthError::TooFewCombinations { table, combinations: 40, .. }
        if table == "public.returns"),
        "{error}"
    );
}
