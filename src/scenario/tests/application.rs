//! The application that sends the traffic.

use super::*;

#[test]
fn the_application_has_the_defaults_of_real_ones() {
    let text = FULL.replace(
        "retries = 0",
        "retries = 2\n[application.health_check]\nsql = 'SELECT 1'",
    );
    let file = parse("scenario.toml", &text, &[]).unwrap();
    let plan = file.resolve(&usual_sources(), None, 1.0).unwrap();
    let application = plan.application;
    assert_eq!(application.retries, 2);
    assert_eq!(application.retry_on, ["40001", "40P01"]);
    assert_eq!(application.queue_limit, None);
    assert!(application.request_timeout.is_zero());
    let check = application.health_check.unwrap();
    let seconds = [check.every, check.timeout, check.restart].map(|span| span.as_secs());
    assert_eq!((seconds, check.failures), ([5, 1, 20], 3));
}

#[test]
fn what_no_application_can_do_is_shown() {
    let given = |line: &str| error_with("retries = 0", line);
    insta::assert_snapshot!(given("retry_on = ['40001', 'deadlock']"), @r#"
    error: `deadlock` is no error that can be tried again: give a SQLSTATE, as 40001, or one of connection_lost, acquire_timeout
      --> scenario.toml:49:22
       |
    49 | retry_on = ['40001', 'deadlock']
       |                      ^^^^^^^^^^
    "#);
    insta::assert_snapshot!(given("[application.health_check]\nevery = '5s'"), @r#"
    error: the key `sql` is missing
      --> scenario.toml:49:1
       |
    49 | [application.health_check]
       | ^^^^^^^^^^^^^^^^^^^^^^^^^^
    "#);
    insta::assert_snapshot!(given("health_check = { sql = ' ' }"), @r#"
    error: in its line 1: the script has no commands
      --> scenario.toml:49:24
       |
    49 | health_check = { sql = ' ' }
       |                        ^^^
    "#);
    insta::assert_snapshot!(given("health_check = { sql = 'SELECT 1', every = '0' }"), @r#"
    error: `every` must be longer than 0
      --> scenario.toml:49:44
       |
    49 | health_check = { sql = 'SELECT 1', every = '0' }
       |                                            ^^^
    "#);
    insta::assert_snapshot!(given("health_check = { sql = '\\sett x 1' }"), @r#"
    error: in its line 1: unknown command `\sett`; did you mean `\set`?
      --> scenario.toml:49:24
       |
    49 | health_check = { sql = '\sett x 1' }
       |                        ^^^^^^^^^^^
    "#);
    insta::assert_snapshot!(given("health_check = { sql = 'SELECT 1', failures = 0 }"), @r#"
    error: `failures` must be at least 1
      --> scenario.toml:49:47
       |
    49 | health_check = { sql = 'SELECT 1', failures = 0 }
       |                                               ^
    "#);
    insta::assert_snapshot!(given("retry_backof = '1s'"), @r#"
    error: unknown key `retry_backof`
      --> scenario.toml:49:1
       |
    49 | retry_backof = '1s'
       | ^^^^^^^^^^^^
       |
       = help: there is one named `retry_backoff`
    "#);
}
