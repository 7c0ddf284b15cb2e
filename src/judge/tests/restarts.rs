//! Instances that restart.

use super::*;

#[test]
fn restarts_make_a_migration_unsafe_whatever_the_limits() {
    let mut pass = healthy();
    pass.impact.restarts = 3;
    pass.impact.none_up = secs(4.0);
    let verdict = judged(pass.clone());
    assert_eq!(verdict.outcome, Outcome::Unsafe);
    assert_eq!(failed(&verdict), ["restarts"]);
    let finding = verdict.deciding().unwrap();
    assert_eq!((finding.measured, finding.limit), (3.0, 0.0));
    assert_eq!(
        finding.detail,
        "health checks failed and 3 restarts of instances followed; none was up for 4.00 s; none may"
    );
    assert!(finding.help.as_ref().unwrap().contains("health check"));
    pass.impact.restarts = 0;
    let quiet = judged(pass);
    let finding = quiet
        .findings
        .iter()
        .find(|finding| finding.rule == "restarts");
    assert!(finding.is_some_and(|finding| finding.passed && finding.help.is_none()));
}

#[test]
fn the_window_of_restarts_is_where_the_first_came() {
    let window = |pass| {
        let verdict = judged(pass);
        let finding = verdict
            .findings
            .into_iter()
            .find(|finding| finding.rule == "restarts");
        finding.unwrap().window
    };
    assert_eq!(window(restarted()), Window::Migration);
    let mut late = restarted();
    late.events.retain(|event| event.at > secs(14.4));
    late.events.push(FleetEvent {
        at: secs(16.0),
        instance: 0,
        kind: FleetEventKind::Restarted,
    });
    assert_eq!(window(late), Window::Recovery);
}

#[test]
fn an_application_that_restarts_by_itself_excuses_what_follows() {
    let mut pass = restarted();
    pass.impact.restarts_before = 1;
    let verdict = judged(pass);
    assert_eq!(verdict.outcome, Outcome::Inconclusive);
    let reason = &verdict.reasons[0];
    assert!(
        reason.contains("without any migration health checks restarted instances 1 time;"),
        "{reason}"
    );
}
