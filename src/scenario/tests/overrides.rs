//! What the command line sets in the place of the file's keys.

use super::*;

#[test]
fn a_rate_of_the_command_line_takes_the_place_of_the_files_clients_and_the_other_way_round() {
    let file = |text: &str, overrides: &[&str]| {
        let overrides: Vec<Override> = overrides.iter().map(|text| text.parse().unwrap()).collect();
        parse("scenario.toml", text, &overrides)
    };
    let load = |text: &str, key: &str| {
        let file = file(text, &[key]).unwrap();
        file.resolve(&usual_sources(), None, 1.0)
            .unwrap()
            .traffic
            .load
    };
    let bursting = FULL.replace(
        "rate = 400",
        "rate = 400\nbursts = { every = \"5s\", length = \"1s\", factor = 2 }",
    );
    let closed = load(&bursting, "traffic.clients=3");
    assert_eq!(closed, Load::clients(3));
    let clients = FULL.replace(
        "rate = 400\narrivals = \"poisson\"",
        "clients = 3\nthink_time = \"1s\"",
    );
    let open = load(&clients, "traffic.rate=20");
    assert_eq!(open.rate(), Some(Rate(20.0)));
    assert!(file(FULL, &["traffic.rate=20", "traffic.clients=3"]).is_err());
}

#[test]
fn overrides_win() {
    let overrides: Vec<Override> = [
        "limits.lock_wait=500ms",
        "traffic.rate=200",
        "traffic.transactions.1.weight=7",
        "expect.\"safe.sql\"=inconclusive",
        "seed=7",
        "application={ instances = 2 }",
        "tables.patients.rows=5",
    ]
    .iter()
    .map(|text| text.parse().unwrap())
    .collect();
    let file = parse("scenario.toml", FULL, &overrides).unwrap();
    let plan = file.resolve(&usual_sources(), None, 1.0).unwrap();
    assert_eq!(plan.limits.lock_wait, Duration::from_millis(500));
    assert_eq!(plan.traffic.load.rate(), Some(Rate(200.0)));
    assert_eq!(plan.traffic.transactions[1].weight, 7);
    assert_eq!(plan.expect["safe.sql"], Outcome::Inconclusive);
    assert_eq!(plan.seed, 7);
    assert_eq!(
        (plan.application.instances, plan.application.pool_size),
        (2, 10)
    );
    assert_eq!(plan.tables["patients"].fill.rows, 5);
}

#[test]
fn scaled_tables_keep_a_row() {
    let file = parse("scenario.toml", FULL, &[]).unwrap();
    let plan = file.resolve(&usual_sources(), None, 1e-9).unwrap();
    assert_eq!(plan.tables["patients"].fill.rows, 1);
    let error = file.resolve(&usual_sources(), None, f64::NAN).unwrap_err();
    insta::assert_snapshot!(error, @"error: the scale of rows must be a number above 0");
}

#[test]
fn errors_of_overrides_name_them() {
    insta::assert_snapshot!(error_set(&["seed=7", "limits.lock_wait=2 sec"]), @r#"
    error: `2 sec` is not a duration: write a number with us, ms, s, min, h or d, as in "500ms"
     --> --set limits.lock_wait:1:20
      |
    1 | limits.lock_wait = "2 sec"
      |                    ^^^^^^^
    "#);
    insta::assert_snapshot!(error_set(&["limits.lock_wiat=2s"]), @r#"
    error: unknown key `lock_wiat`
     --> --set limits.lock_wiat:1:8
      |
    1 | limits.lock_wiat = "2s"
      |        ^^^^^^^^^
      |
      = help: there is one named `lock_wait`
    "#);
    insta::assert_snapshot!(error_set(&["traffic.rate=-1"]), @r#"
    error: the rate must be above 0 transactions per second
     --> --set traffic.rate:1:16
      |
    1 | traffic.rate = -1
      |                ^^
    "#);
    insta::assert_snapshot!(error_set(&["traffic.transactions.2.weight=1"]), @r#"
    error: `2` is not an element: there are 2, counted from 0
     --> --set traffic.transactions.2.weight:1:22
      |
    1 | traffic.transactions.2.weight = 1
      |                      ^
    "#);
    insta::assert_snapshot!(error_set(&["a b=1"]), @r#"
    error: key with no value, expected `=`
     --> --set a b:1:3
      |
    1 | a b = 1
      |   ^
    "#);
}
