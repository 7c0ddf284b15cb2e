//! The traffic's client of the protocol against a real server: every way to send, whatever comes back.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "support/fleet.rs"]
mod fleet;

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use fleet::{connect, one, server, server_with, until_true};
use pgrehearse::pgbench::ResultSet;
use pgrehearse::postgres::endpoint::Endpoint;
use pgrehearse::scenario::plan::Protocol;
use pgrehearse::shadow::{Durability, Server};
use pgrehearse::traffic::Timeline;
use pgrehearse::traffic::wire::{ConnectError, Connection, Error, Statement, Status, Target};
use tokio_postgres::Config;

fn target(config: Config) -> Target {
    Target::new(&Endpoint::from(config), "pgrehearse wire")
}

async fn open(server: &Server) -> Connection {
    Connection::open(&target(server.config())).await.unwrap()
}

/// How a test sends a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Simple,
    Extended,
    Prepared,
}

const WAYS: [Way; 3] = [Way::Simple, Way::Extended, Way::Prepared];

/// Sends a statement without parameters. Its own text is what it is prepared under.
async fn send(connection: &mut Connection, way: Way, text: &str, keep: bool) -> Result<(), Error> {
    if way == Way::Simple {
        return connection.query(text, keep).await;
    }
    let key = text
        .bytes()
        .fold(0, |key, byte| key * 31 % 1_000_003 + usize::from(byte));
    let statement = Statement {
        text,
        parameters: &[],
        key: (way == Way::Prepared).then_some((0, key)),
        keep,
    };
    connection.execute(&statement).await
}

/// The only value of the only row that a query returns.
async fn value(connection: &mut Connection, text: &str) -> String {
    connection.query(text, true).await.unwrap();
    let [result] = connection.results() else {
        panic!("one result of {text}");
    };
    let values = result.rows.iter().flatten().flatten();
    values.map(String::as_str).collect()
}

fn sqlstate(result: Result<(), Error>) -> String {
    match result {
        Ok(()) => "none".to_owned(),
        Err(Error::Server(error)) => error.sqlstate,
        Err(other) => format!("{other:?}"),
    }
}

fn texts(values: &[&str]) -> Vec<Option<String>> {
    values
        .iter()
        .map(|value| Some((*value).to_owned()))
        .collect()
}

#[tokio::test]
async fn every_way_gives_the_same_rows() {
    let server = server().await;
    let mut connection = open(&server).await;
    let text = "SELECT 1 AS one, NULL AS none, '' AS empty, 'żółw' AS word, true AS flag
                UNION ALL SELECT 2, 'x', 'y', E'a\\nb', false ORDER BY 1";
    let mut first = texts(&["1", "", "żółw", "t"]);
    first.insert(1, None);
    let expected = ResultSet {
        columns: ["one", "none", "empty", "word", "flag"]
            .map(str::to_owned)
            .to_vec(),
        rows: vec![first, texts(&["2", "x", "y", "a\nb", "f"])],
    };
    for way in WAYS {
        for _ in 0..2 {
            send(&mut connection, way, text, true).await.unwrap();
            assert_eq!(
                connection.results(),
                std::slice::from_ref(&expected),
                "{way:?}"
            );
            send(&mut connection, way, text, false).await.unwrap();
            assert_eq!(connection.results(), [], "{way:?}");
        }
    }
}

#[tokio::test]
async fn parameters_of_any_type_go_as_text() {
    let server = server().await;
    let mut connection = open(&server).await;
    let values = ["7", "1.5", "it's", "2020-01-01", "{1,2}", "{\"a\": 1}"];
    let mut parameters = texts(&values);
    parameters.push(None);
    for key in [None, Some((3, 1)), Some((3, 1))] {
        let statement = Statement {
            text: "SELECT $1::int, $2::numeric, $3::text, $4::date, $5::int[], $6::jsonb, $7::uuid",
            parameters: &parameters,
            key,
            keep: true,
        };
        connection.execute(&statement).await.unwrap();
        assert_eq!(connection.results()[0].rows, [parameters.clone()]);
    }
    let wrong = Statement {
        text: "SELECT $1::int",
        parameters: &texts(&["x"]),
        key: Some((3, 2)),
        keep: false,
    };
    for _ in 0..2 {
        assert_eq!(sqlstate(connection.execute(&wrong).await), "22P02");
    }
    let zero = Statement {
        parameters: &texts(&["a\0b"]),
        ..wrong
    };
    let refused = connection.execute(&zero).await;
    assert!(sqlstate(refused) == "22021");
    let unsendable = connection.query("SELECT 'a\0b'", false).await;
    assert!(matches!(unsendable, Err(Error::Unsendable(_))));
    assert_eq!(value(&mut connection, "SELECT 1").await, "1");
}

#[tokio::test]
async fn several_statements_in_a_text_have_a_result_each() {
    let server = server().await;
    let mut connection = open(&server).await;
    let text = "SELECT 1 AS a; CREATE TEMP TABLE u (n int); ; SELECT 2 AS b, 3 AS c";
    connection.query(text, true).await.unwrap();
    let columns: Vec<_> = connection
        .results()
        .iter()
        .map(|r| r.columns.join(","))
        .collect();
    assert_eq!(columns, ["a", "", "b,c"]);
    for way in WAYS {
        send(&mut connection, way, "-- nothing", true)
            .await
            .unwrap();
        assert_eq!(connection.results(), [ResultSet::default()], "{way:?}");
        send(&mut connection, way, "DELETE FROM u", true)
            .await
            .unwrap();
        assert_eq!(connection.results(), [ResultSet::default()], "{way:?}");
    }
}

#[tokio::test]
async fn the_transaction_is_known_exactly() {
    let server = server().await;
    let mut connection = open(&server).await;
    for way in WAYS {
        assert_eq!(connection.status(), Status::Idle);
        send(&mut connection, way, "BEGIN", false).await.unwrap();
        assert_eq!(connection.status(), Status::InBlock);
        let failed = send(&mut connection, way, "SELECT 1 / 0", false).await;
        assert_eq!(sqlstate(failed), "22012");
        assert_eq!(connection.status(), Status::Failed);
        let refused = send(&mut connection, way, "SELECT 1", false).await;
        assert_eq!(sqlstate(refused), "25P02");
        send(&mut connection, way, "ROLLBACK", false).await.unwrap();
        send(&mut connection, way, "BEGIN", false).await.unwrap();
        send(&mut connection, way, "COMMIT AND CHAIN", false)
            .await
            .unwrap();
        assert_eq!(connection.status(), Status::InBlock);
        send(&mut connection, way, "COMMIT", false).await.unwrap();
        // What was refused in a failed block can be prepared after it.
        send(&mut connection, way, "SELECT 1", false).await.unwrap();
    }
    // An error that comes after the statement, at its commit.
    connection
        .query(
            "CREATE TABLE late (n int UNIQUE DEFERRABLE INITIALLY DEFERRED)",
            false,
        )
        .await
        .unwrap();
    for way in WAYS {
        let text = "INSERT INTO late VALUES (1), (1)";
        assert_eq!(
            sqlstate(send(&mut connection, way, text, false).await),
            "23505"
        );
        assert_eq!(connection.status(), Status::Idle);
    }
}

#[tokio::test]
async fn a_stale_plan_fails_once_and_is_prepared_anew() {
    let server = server().await;
    let mut connection = open(&server).await;
    connection
        .query("CREATE TABLE s (a int)", false)
        .await
        .unwrap();
    let star = "SELECT * FROM s";
    send(&mut connection, Way::Prepared, star, true)
        .await
        .unwrap();
    connection
        .query("ALTER TABLE s ADD b int", false)
        .await
        .unwrap();
    let stale = send(&mut connection, Way::Prepared, star, true).await;
    assert_eq!(sqlstate(stale), "0A000");
    send(&mut connection, Way::Prepared, star, true)
        .await
        .unwrap();
    assert_eq!(connection.results()[0].columns, ["a", "b"]);
    let count = "SELECT count(*) FROM pg_prepared_statements";
    assert_eq!(value(&mut connection, count).await, "1");
    connection.query("DISCARD ALL", false).await.unwrap();
    let unknown = send(&mut connection, Way::Prepared, star, false).await;
    assert_eq!(sqlstate(unknown), "26000");
    send(&mut connection, Way::Prepared, star, false)
        .await
        .unwrap();
}

/// Writes a row in a pipeline.
async fn insert(connection: &mut Connection, number: &str) -> Result<(), Error> {
    let statement = Statement {
        text: "INSERT INTO p VALUES ($1 / 1)",
        parameters: &texts(&[number]),
        key: Some((0, 0)),
        keep: false,
    };
    connection.execute(&statement).await
}

#[tokio::test]
async fn an_error_in_a_pipeline_skips_what_follows_up_to_the_next_synchronisation() {
    let server = server().await;
    let client = connect(&server).await;
    let mut connection = open(&server).await;
    connection
        .query("CREATE TABLE p (n int)", false)
        .await
        .unwrap();
    for round in ["first", "prepared"] {
        connection.start_pipeline().unwrap();
        // Each part is a transaction of its own.
        for part in [&["1", "2"][..], &["3", "x", "4"], &["5"]] {
            for number in part {
                insert(&mut connection, number).await.unwrap();
            }
            connection.synchronise_pipeline().await.unwrap();
        }
        insert(&mut connection, "6").await.unwrap();
        let failed = connection.end_pipeline().await;
        assert_eq!(sqlstate(failed), "22P02", "{round}");
        assert_eq!(connection.status(), Status::Idle);
        assert!(!connection.is_closed());
        let rows: String = one(&client, "SELECT string_agg(n::text, ',' ORDER BY n) FROM p").await;
        assert_eq!(rows, "1,2,5,6", "{round}");
        connection.query("TRUNCATE p", false).await.unwrap();
    }
    let refused = async {
        connection.start_pipeline().unwrap();
        connection.query("SELECT 1", false).await
    };
    assert!(matches!(refused.await, Err(Error::Unsendable(_))));
    connection.give_up_pipeline();
    assert_eq!(value(&mut connection, "SELECT 1").await, "1");
}

#[tokio::test]
async fn a_statement_first_skipped_in_a_pipeline_runs_in_its_next_part() {
    let server = server().await;
    let mut connection = open(&server).await;
    connection
        .query("CREATE TABLE p (n int)", false)
        .await
        .unwrap();
    connection.start_pipeline().unwrap();
    send(&mut connection, Way::Prepared, "SELECT 1 / 0", false)
        .await
        .unwrap();
    insert(&mut connection, "1").await.unwrap();
    connection.synchronise_pipeline().await.unwrap();
    insert(&mut connection, "2").await.unwrap();
    insert(&mut connection, "3").await.unwrap();
    assert_eq!(sqlstate(connection.end_pipeline().await), "22012");
    let rows = "SELECT string_agg(n::text, ',' ORDER BY n) FROM p";
    assert_eq!(value(&mut connection, rows).await, "2,3");
    insert(&mut connection, "4").await.unwrap();
}

#[tokio::test]
async fn a_pipeline_may_hold_more_than_both_sides_have_room_for() {
    let server = server().await;
    let mut connection = open(&server).await;
    connection.start_pipeline().unwrap();
    // The server waits until its answers are read, and reads no statement meanwhile.
    let long = format!("SELECT repeat('x', 10000), '{}'", "y".repeat(5_000));
    for _ in 0..1_000 {
        send(&mut connection, Way::Extended, &long, false)
            .await
            .unwrap();
    }
    connection.end_pipeline().await.unwrap();
    connection.start_pipeline().unwrap();
    send(
        &mut connection,
        Way::Extended,
        "CREATE TABLE unsent (n int)",
        false,
    )
    .await
    .unwrap();
    connection.give_up_pipeline();
    assert!(!connection.is_closed());
    let there = "SELECT count(*) FROM pg_class WHERE relname = 'unsent'";
    assert_eq!(value(&mut connection, there).await, "0");
    // What was sent cannot be taken back but by the end of the session.
    connection.start_pipeline().unwrap();
    for _ in 0..20 {
        send(&mut connection, Way::Extended, &long, false)
            .await
            .unwrap();
    }
    connection.give_up_pipeline();
    assert!(connection.is_closed());
}

#[tokio::test]
async fn giant_rows_are_read_and_skipped() {
    let server = server().await;
    let mut connection = open(&server).await;
    for way in WAYS {
        let text = "SELECT repeat('x', 30000000), n FROM generate_series(1, 2) n";
        send(&mut connection, way, text, true).await.unwrap();
        let lengths: Vec<_> = connection.results()[0]
            .rows
            .iter()
            .map(|row| row[0].as_ref().map_or(0, String::len))
            .collect();
        assert_eq!(lengths, [30_000_000; 2]);
        send(&mut connection, way, text, false).await.unwrap();
        let many = "SELECT n, repeat('y', n % 100) FROM generate_series(1, 200000) n";
        send(&mut connection, way, many, false).await.unwrap();
    }
    let giant = format!("SELECT length('{}')", "z".repeat(20_000_000));
    assert_eq!(value(&mut connection, &giant).await, "20000000");
}

#[tokio::test]
async fn what_the_server_says_unasked_disturbs_nothing() {
    let server = server().await;
    let client = connect(&server).await;
    let mut connection = open(&server).await;
    for way in WAYS {
        send(&mut connection, way, "LISTEN news", false)
            .await
            .unwrap();
        let text = "DO $$ BEGIN FOR i IN 1..100 LOOP RAISE NOTICE 'n %', i; END LOOP; END $$";
        send(&mut connection, way, text, false).await.unwrap();
        send(&mut connection, way, "SET TimeZone = 'Asia/Tokyo'", false)
            .await
            .unwrap();
        send(&mut connection, way, "RESET TimeZone", false)
            .await
            .unwrap();
    }
    for _ in 0..50 {
        client
            .batch_execute("NOTIFY news, 'while idle'")
            .await
            .unwrap();
        assert!(!connection.is_closed());
    }
    // A setting that is changed from outside is told while the session is idle.
    client
        .batch_execute("ALTER SYSTEM SET TimeZone = 'Asia/Tokyo'")
        .await
        .unwrap();
    client
        .batch_execute("SELECT pg_reload_conf()")
        .await
        .unwrap();
    until_true(
        &client,
        "SELECT setting = 'Asia/Tokyo' FROM pg_settings WHERE name = 'TimeZone'",
    )
    .await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!connection.is_closed());
    assert_eq!(value(&mut connection, "SHOW TimeZone").await, "Asia/Tokyo");
}

#[tokio::test]
async fn copy_out_is_dropped_and_copy_in_refused() {
    let server = server().await;
    let mut connection = open(&server).await;
    connection
        .query(
            "CREATE TABLE c AS SELECT generate_series(1, 100000) n",
            false,
        )
        .await
        .unwrap();
    for way in WAYS {
        send(&mut connection, way, "COPY c TO STDOUT", true)
            .await
            .unwrap();
        assert_eq!(connection.results(), [ResultSet::default()], "{way:?}");
        let refused = send(&mut connection, way, "COPY c FROM STDIN", false).await;
        assert!(
            matches!(refused, Err(Error::CopyIn)),
            "{way:?}: {refused:?}"
        );
        assert!(!connection.is_closed());
        assert_eq!(
            value(&mut connection, "SELECT count(*) FROM c").await,
            "100000"
        );
        let unreadable = send(&mut connection, way, "COPY nowhere FROM STDIN", false).await;
        assert_eq!(sqlstate(unreadable), "42P01");
    }
    connection.start_pipeline().unwrap();
    send(&mut connection, Way::Extended, "COPY c FROM STDIN", false)
        .await
        .unwrap();
    let refused = connection.end_pipeline().await;
    assert!(matches!(refused, Err(Error::CopyIn)), "{refused:?}");
    assert!(!connection.is_closed());
    // Here the server takes the statement for data, and nobody knows what it makes of it.
    connection.start_pipeline().unwrap();
    send(&mut connection, Way::Extended, "COPY c FROM STDIN", false)
        .await
        .unwrap();
    send(&mut connection, Way::Extended, "SELECT 1", false)
        .await
        .unwrap();
    let refused = connection.end_pipeline().await;
    assert!(matches!(refused, Err(Error::CopyIn)), "{refused:?}");
    assert!(connection.is_closed());
}

const TERMINATE: &str = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
     WHERE application_name = 'pgrehearse wire'";

const NO_SESSIONS: &str = "SELECT count(*) = 0 FROM pg_stat_activity
     WHERE application_name = 'pgrehearse wire'";

/// The SQLSTATE of what ended a connection.
fn last_words(connection: &Connection) -> Option<&str> {
    let error = connection.lost()?.error.as_ref()?;
    Some(&error.sqlstate)
}

#[tokio::test]
async fn an_end_while_idle_is_seen_without_asking() {
    let server = server().await;
    let client = connect(&server).await;
    let mut connection = open(&server).await;
    assert_eq!(
        value(&mut connection, "SELECT pg_backend_pid()").await,
        connection.process_id().to_string()
    );
    assert!(!connection.is_closed());
    assert_eq!(one::<i64>(&client, TERMINATE).await, 1);
    fleet::until("it is seen", || connection.is_closed()).await;
    assert_eq!(last_words(&connection), Some("57P01"));
    let refused = connection.query("SELECT 1", false).await;
    assert!(matches!(refused, Err(Error::Lost(_))), "{refused:?}");
    // Nobody looked before the next statement.
    let mut connection = open(&server).await;
    one::<i64>(&client, TERMINATE).await;
    until_true(&client, NO_SESSIONS).await;
    let lost = connection.query("SELECT 1", false).await.unwrap_err();
    assert!(matches!(lost, Error::Lost(_)), "{lost:?}");
    assert_eq!(lost.sqlstate(), Some("57P01"));
}

#[tokio::test]
async fn an_end_in_the_middle_of_a_statement_is_a_lost_connection() {
    let server = server().await;
    let client = connect(&server).await;
    for way in WAYS {
        let mut connection = open(&server).await;
        let kill = "SELECT pg_terminate_backend(pg_backend_pid())";
        let lost = send(&mut connection, way, kill, true).await.unwrap_err();
        assert!(matches!(lost, Error::Lost(_)), "{lost:?}");
        assert_eq!(last_words(&connection), Some("57P01"));
        assert!(connection.is_closed());
    }
    let mut connection = open(&server).await;
    connection.start_pipeline().unwrap();
    let long = format!("SELECT pg_sleep(0.001), '{}'", "y".repeat(5_000));
    let mut lost = None;
    for n in 0..2_000 {
        if n == 1_000 {
            one::<i64>(&client, TERMINATE).await;
        }
        if let Err(error) = send(&mut connection, Way::Extended, &long, false).await {
            lost = Some(error);
            break;
        }
    }
    let lost = match lost {
        Some(lost) => lost,
        None => connection.end_pipeline().await.unwrap_err(),
    };
    assert_eq!(lost.sqlstate(), Some("57P01"), "{lost:?}");
}

#[tokio::test]
async fn a_restart_of_the_server_ends_all_and_new_connections_work() {
    let mut server = server().await;
    let mut connection = open(&server).await;
    server.restart(Durability::Production).await.unwrap();
    fleet::until("it is seen", || connection.is_closed()).await;
    assert_eq!(value(&mut open(&server).await, "SELECT 1").await, "1");
}

/// Polls a future until it waits, then drops it.
async fn cut_off<T>(future: impl Future<Output = T>) {
    let mut future = pin!(future);
    poll_fn(|context| {
        assert!(future.as_mut().poll(context).is_pending());
        Poll::Ready(())
    })
    .await;
}

#[tokio::test]
async fn a_statement_that_is_cut_off_can_be_cancelled() {
    let server = server().await;
    let client = connect(&server).await;
    let mut connection = open(&server).await;
    let canceller = connection.canceller().clone();
    let (cancelled, answer) = tokio::join!(
        async {
            until_true(
                &client,
                "SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'",
            )
            .await;
            canceller.cancel().await
        },
        connection.query("SELECT pg_sleep(60)", false),
    );
    cancelled.unwrap();
    assert_eq!(sqlstate(answer), "57014");
    assert!(!connection.is_closed());
    cut_off(connection.query("SELECT pg_sleep(60)", false)).await;
    assert!(connection.is_closed());
    let again = connection.query("SELECT 1", false).await;
    assert!(matches!(again, Err(Error::Protocol(_))), "{again:?}");
    connection.canceller().cancel().await.unwrap();
    connection.close().await;
    until_true(&client, NO_SESSIONS).await;
}

#[tokio::test]
async fn a_closed_session_has_left_the_server() {
    let server = server().await;
    let client = connect(&server).await;
    for _ in 0..10 {
        open(&server).await.close().await;
        let gone: bool = one(&client, NO_SESSIONS).await;
        assert!(gone);
    }
    drop(open(&server).await);
    until_true(&client, NO_SESSIONS).await;
    let canceller = open(&server).await.sever();
    until_true(&client, NO_SESSIONS).await;
    canceller.cancel().await.unwrap();
}

async fn refusal(config: Config) -> ConnectError {
    Connection::open(&target(config)).await.unwrap_err()
}

#[tokio::test]
async fn what_the_server_refuses_at_the_start_is_told() {
    let server = server_with(5, &[]).await;
    let client = connect(&server).await;
    client
        .batch_execute("CREATE ROLE few LOGIN CONNECTION LIMIT 1; CREATE ROLE many LOGIN")
        .await
        .unwrap();
    let mut config = server.config();
    config.user("few");
    let first = Connection::open(&target(config.clone())).await.unwrap();
    assert_eq!(refusal(config.clone()).await.sqlstate(), Some("53300"));
    first.close().await;
    Connection::open(&target(config.clone())).await.unwrap();
    config.user("many");
    let mut open = Vec::new();
    let full = loop {
        match Connection::open(&target(config.clone())).await {
            Ok(connection) => open.push(connection),
            Err(error) => break error,
        }
        assert!(open.len() < 1_000);
    };
    assert_eq!(full.sqlstate(), Some("53300"), "{full}");
    drop(open);
    let mut nowhere = server.config();
    nowhere.dbname("nowhere");
    assert_eq!(refusal(nowhere).await.sqlstate(), Some("3D000"));
    let mut nobody = Config::new();
    nobody.host("/nowhere").user("x");
    let unreachable = refusal(nobody).await;
    assert!(
        unreachable.to_string().contains("/nowhere/.s.PGSQL.5432"),
        "{unreachable}"
    );
    assert_eq!(unreachable.sqlstate(), None);
}

#[tokio::test]
async fn hosts_are_tried_in_turn() {
    let server = server().await;
    let mut config = Config::new();
    config.host("/nowhere").user("postgres").dbname("shadow");
    config.host(server.directory().join("s").to_str().unwrap());
    let mut connection = Connection::open(&target(config.clone())).await.unwrap();
    assert_eq!(value(&mut connection, "SELECT 1").await, "1");
    config.target_session_attrs(tokio_postgres::config::TargetSessionAttrs::ReadWrite);
    Connection::open(&target(config.clone())).await.unwrap();
    config.target_session_attrs(tokio_postgres::config::TargetSessionAttrs::ReadOnly);
    assert!(matches!(refusal(config).await, ConnectError::Unwanted(_)));
}

#[tokio::test]
async fn every_password_is_asked_for_in_its_own_way() {
    let server = server().await;
    let client = connect(&server).await;
    client
        .batch_execute(
            "SET password_encryption = 'md5';
             CREATE ROLE by_md5 LOGIN PASSWORD 'sécret';
             SET password_encryption = 'scram-sha-256';
             CREATE ROLE by_scram LOGIN PASSWORD 'sécret';
             CREATE ROLE by_password LOGIN PASSWORD 'sécret';
             CREATE ROLE by_peer LOGIN",
        )
        .await
        .unwrap();
    let hba: String = one(&client, "SHOW hba_file").await;
    let before = std::fs::read_to_string(&hba).unwrap();
    let asked = "local all by_md5 md5\nlocal all by_scram scram-sha-256\nlocal all by_password password\n\
                 local all by_peer peer\n";
    std::fs::write(&hba, format!("{asked}{before}")).unwrap();
    client
        .batch_execute("SELECT pg_reload_conf()")
        .await
        .unwrap();
    let mut config = server.config();
    config.user("by_scram");
    // The postmaster reads its file when it hears of it.
    tokio::time::timeout(fleet::PATIENCE, async {
        while Connection::open(&target(config.clone())).await.is_ok() {}
    })
    .await
    .unwrap();
    for user in ["by_md5", "by_scram", "by_password"] {
        let mut config = server.config();
        config.user(user);
        let missing = refusal(config.clone()).await;
        assert!(
            matches!(missing, ConnectError::Authentication(_)),
            "{user}: {missing}"
        );
        config.password("wrong");
        assert_eq!(
            refusal(config.clone()).await.sqlstate(),
            Some("28P01"),
            "{user}"
        );
        config.password("sécret");
        let mut connection = Connection::open(&target(config)).await.unwrap();
        assert_eq!(value(&mut connection, "SELECT current_user").await, user);
    }
    let mut config = server.config();
    config.user("by_peer");
    assert_eq!(refusal(config.clone()).await.sqlstate(), Some("28000"));
    config.user("by_scram").password("sécret");
    config.channel_binding(tokio_postgres::config::ChannelBinding::Require);
    let unbound = refusal(config).await;
    assert!(unbound.to_string().contains("channel_binding"), "{unbound}");
}

#[tokio::test]
async fn scripts_keep_what_they_read_and_send_pipelines() {
    let (server, client) = fleet::server_with_table().await;
    let script = "\\set id random(1, 1000)
        SELECT id AS found, NULL AS nothing FROM t WHERE id = :id \\gset
        SELECT 1 AS one, 2 AS two \\aset
        \\startpipeline
        INSERT INTO hits VALUES (:found * 1000000 + (random() * 1000000)::int, :nothing);
        \\syncpipeline
        UPDATE t SET n = n + :one + :two WHERE id = :found;
        \\endpipeline";
    let mut sent = 0;
    for protocol in [Protocol::Extended, Protocol::Prepared] {
        let mut plan = fleet::traffic(100.0, &[("pipeline", script)]);
        plan.protocol = protocol;
        let application = fleet::application(1, 2);
        let running = fleet::fleet(&server, &plan, &application).await.unwrap();
        running.go(Arc::new(Timeline::new()));
        fleet::until("it is sent", || running.live().rate > 0.0).await;
        let recording = running.stop(fleet::PATIENCE).await.unwrap();
        let phase = fleet::warmup(&recording, &plan);
        let accounting = &phase.accounting;
        assert_eq!(
            accounting.completed, accounting.scheduled,
            "{:?}",
            phase.errors
        );
        sent += accounting.completed;
    }
    assert_eq!(
        one::<i64>(&client, "SELECT count(*) FROM hits").await as u64,
        sent
    );
    assert_eq!(
        one::<i64>(&client, "SELECT sum(n) FROM t").await as u64,
        3 * sent
    );
}

#[tokio::test]
async fn several_results_are_kept_by_the_simple_protocol() {
    let (server, client) = fleet::server_with_table().await;
    let script = "\\set id random(1, 1000)
        SELECT :id AS found \\; SELECT 2 AS two \\aset
        UPDATE t SET n = n + :two WHERE id = :found;";
    let mut plan = fleet::traffic(100.0, &[("several", script)]);
    plan.protocol = Protocol::Simple;
    let application = fleet::application(1, 2);
    let running = fleet::fleet(&server, &plan, &application).await;
    let running = running.unwrap();
    running.go(Arc::new(Timeline::new()));
    fleet::until("it is sent", || running.live().rate > 0.0).await;
    let recording = running.stop(fleet::PATIENCE).await.unwrap();
    let phase = fleet::warmup(&recording, &plan);
    assert_eq!(
        phase.accounting.completed, phase.accounting.scheduled,
        "{:?}",
        phase.errors
    );
    let counted: i64 = one(&client, "SELECT sum(n) FROM t").await;
    assert_eq!(counted as u64, 2 * phase.accounting.completed);
}
