//! The migration, its way back, and what is in its way.

use super::*;

#[test]
fn disturbances_have_defaults_and_make_sense() {
    let given = |text: &str| {
        let text = FULL.replacen("disturbances = []", &format!("disturbances = [{text}]"), 1);
        let file = parse("scenario.toml", &text, &[]).map_err(|error| error.to_string())?;
        Ok::<_, String>(
            file.resolve(&usual_sources(), None, 1.0)
                .unwrap()
                .disturbances,
        )
    };
    let usual = DisturbancePlan::usual();
    assert_eq!(
        given("{ kind = 'long-transaction' }"),
        Ok(vec![usual.clone()])
    );
    let dump = "{ kind = 'dump', table = 'measurements', start = '2s', duration = '30s' }";
    let dump = given(dump).unwrap();
    assert_eq!(
        dump,
        [DisturbancePlan {
            kind: DisturbanceKind::Dump,
            table: Some("measurements".to_owned()),
            start: Offset::After(Duration::from_secs(2)),
            duration: Duration::from_secs(30),
        }]
    );
    for (text, message) in [
        ("{ kind = 'vacuum' }", "unknown value `vacuum`"),
        (
            "{ kind = 'anti-wraparound-vacuum' }",
            "a vacuum is of one table",
        ),
        (
            "{ kind = 'dump', start = 'soon' }",
            "`soon` is no time relative to the migration's start",
        ),
        (
            "{ kind = 'dump', duration = '0s' }",
            "a disturbance must last longer than 0",
        ),
    ] {
        let error = given(text).unwrap_err();
        assert!(error.contains(message), "{error}");
    }
}

#[test]
fn the_way_back_is_a_migration() {
    let text = FULL.replacen("attempts = 1", "attempts = 1\ndown = \"down.sql\"", 1);
    let file = parse("scenario.toml", &text, &[]).unwrap();
    assert!(file.files().contains(&PathBuf::from("down.sql")));
    let mut sources = usual_sources();
    sources.insert("down.sql".into(), "DROP TABLE a; DROP TABLE b;".to_owned());
    let plan = file.resolve(&sources, None, 1.0).unwrap();
    let back = plan.migration.way_back().unwrap();
    assert_eq!(
        (back.file.as_str(), back.scripts[0].statements.len()),
        ("down.sql", 2)
    );
    assert_eq!(back.transaction, plan.migration.transaction);
}

#[test]
fn another_migration_can_be_rehearsed() {
    let file = parse("scenario.toml", FULL, &[]).unwrap();
    let plan = file
        .resolve(&usual_sources(), Some("safe.sql"), 1.0)
        .unwrap();
    assert_eq!(plan.migration.file, "safe.sql");
    assert_eq!(plan.migration.scripts[0].statements.len(), 2);
}
