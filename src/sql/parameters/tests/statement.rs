//! A statement as a whole: its tables, its parameters in their places.

use super::*;

#[test]
fn a_statement_says_what_it_does_and_with_which_tables() {
    for (text, verb, tables) in [
        ("select * from a join b using (id)", Verb::Select, "a b"),
        ("(SELECT 1)", Verb::Select, ""),
        ("INSERT INTO s.a SELECT * FROM b", Verb::Insert, "s.a b"),
        (
            "WITH x AS (SELECT * FROM b) UPDATE a SET n = 1 FROM x",
            Verb::Update,
            "a b",
        ),
        (
            "WITH x AS (SELECT * FROM b FOR UPDATE) SELECT * FROM x",
            Verb::Select,
            "b",
        ),
        (
            "/* web */ delete from \"A b\" using a",
            Verb::Delete,
            "A b a",
        ),
        (
            "MERGE INTO a USING b ON a.id = b.id WHEN MATCHED THEN DELETE",
            Verb::Merge,
            "a b",
        ),
        ("BEGIN", Verb::Utility, ""),
        ("COPY a FROM STDIN", Verb::Utility, ""),
        ("SET x = $1", Verb::Utility, ""),
        ("VACUUM a", Verb::Utility, ""),
        ("", Verb::Utility, ""),
    ] {
        let read = StatementUse::read(text).unwrap();
        let named: Vec<String> = read.tables.iter().map(TableUse::full_name).collect();
        assert_eq!(
            (read.verb, named.join(" ").as_str()),
            (verb, tables),
            "{text}"
        );
    }
}

#[test]
fn parameters_are_replaced_where_they_stand() {
    let read =
        StatementUse::read("SELECT '$1', $2 FROM t WHERE a = $1 OR b = $1 /* $3 */;").unwrap();
    assert_eq!(
        read.replaced(|number| format!(":p{number}")),
        "SELECT '$1', :p2 FROM t WHERE a = :p1 OR b = :p1 /* $3 */"
    );
    assert_eq!(
        read.parameters.iter().map(|p| p.times).collect::<Vec<_>>(),
        [2, 1]
    );
}

#[test]
fn lists_of_any_length_are_marked() {
    let squashed = |text: &str| StatementUse::read(text).unwrap().parameters[0].squashed;
    assert!(squashed("SELECT * FROM t WHERE a IN ($1 /*, ... */)"));
    assert!(squashed(
        "SELECT * FROM t WHERE a = ANY(ARRAY[$1 /*, ... */])"
    ));
    assert!(!squashed("SELECT * FROM t WHERE a IN ($1 /* one */)"));
}

#[test]
fn names_that_lead_in_circles_come_to_an_end() {
    for text in [
        "WITH a AS (SELECT * FROM b), b AS (SELECT * FROM a) SELECT * FROM a WHERE x = $1",
        "WITH RECURSIVE a AS (SELECT * FROM a) SELECT * FROM a WHERE x = $1",
    ] {
        assert_eq!(roles(text), "=", "{text}");
    }
    let doubled = |n: usize| format!("c{n} AS (SELECT * FROM c{}, c{})", n + 1, n + 1);
    let all: Vec<String> = (0..60).map(doubled).collect();
    let text = format!("WITH {} SELECT * FROM c0 WHERE x = $1", all.join(", "));
    assert!(roles(&text).starts_with('='));
    let deep = format!(
        "SELECT * FROM t WHERE a = {}$1{}",
        "lower(".repeat(300),
        ")".repeat(300)
    );
    assert_eq!(roles(&deep), "=t.a");
}
