//! Keys that allow NULL.

use super::*;

#[test]
fn nulls_that_are_equal_do_not_repeat() {
    let mut tables = vec![
        table("tenants", &["id int4!"], &["id"], &[]),
        table(
            "names",
            &[
                "id int4!",
                "tenant int4",
                "name text",
                "code int4",
                "next int4",
            ],
            &["id", "tenant name", "code", "next"],
            &["tenant > tenants id", "next > names id"],
        ),
    ];
    for key in &mut tables[1].unique_keys {
        key.nulls_not_distinct = true;
    }
    let schema = schema(tables);
    let mut specs = specs("tenants = { rows = 5 }\nnames = { rows = 400 }");
    let nulls = ColumnStatistics {
        null_fraction: 0.4,
        ..ColumnStatistics::default()
    };
    let names = specs.get_mut("names").unwrap();
    for column in ["tenant", "name", "code", "next"] {
        names.statistics.insert(column.to_owned(), nulls.clone());
    }
    let plan = FillPlan::new(&schema, &specs, 3).unwrap();
    assert_eq!(broken(&schema, &plan), Vec::<String>::new());
    let tenants = count(&plan, "names", &[1]);
    assert!(
        tenants[&vec![None]] > 50,
        "names tell rows apart: {tenants:?}"
    );

    let code = specs.get_mut("names").unwrap().columns.entry("code".into());
    code.or_default().null_fraction = Some(0.5);
    let error = FillPlan::new(&schema, &specs, 3).unwrap_err();
    assert!(
        error.to_string().contains("takes NULLs as equal"),
        "{error}"
    );
}

#[test]
fn nulls_that_cannot_be_passed_over_are_told() {
    let scenario = "tenants = { rows = 5 }\nusers = { rows = 50, columns.id.null_fraction = 0.5 }
        projects = { rows = 20 }\ntasks = { rows = 0 }\ncomments = { rows = 0 }\nmembers = { rows = 0 }";
    let mut tables = workspaces();
    tables[1].columns[1].not_null = false;
    let error = FillPlan::new(&schema(tables), &specs(scenario), 42).unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("`null_fraction` leaves rows without a key"),
        "{text}"
    );
    assert!(
        text.contains("public.users") && text.contains("id"),
        "{text}"
    );
}
