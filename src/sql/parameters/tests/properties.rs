//! What holds of any text.

use super::*;

proptest! {
    #[test]
    fn no_text_makes_reading_panic(text in "(?s).{0,80}") {
        let _ = StatementUse::read(&text);
    }

    #[test]
    fn no_words_make_reading_panic(words in prop::collection::vec(prop::sample::select(vec![
        "SELECT", "*", "FROM", "t", "a", ".", ",", "WHERE", "=", "$1", "$2", "(", ")", "IN", "ANY", "ARRAY[", "]",
        "INSERT INTO", "VALUES", "UPDATE", "SET", "WITH", "AS", "RETURNING", "ON CONFLICT", "DO UPDATE", "BETWEEN",
        "AND", "CASE", "WHEN", "THEN", "END", "LIMIT", "::int", "unnest", "coalesce", "UNION", "interval", "extract",
        "DELETE FROM", "USING", "MERGE INTO", "lower", "/*, ... */", "$99999999999", "$70000",
    ]), 0..24)) {
        if let Some(read) = StatementUse::read(&words.join(" ")) {
            let _ = read.replaced(|number| number.to_string());
        }
    }

    #[test]
    fn what_is_replaced_by_itself_stays(words in prop::collection::vec(prop::sample::select(vec![
        "SELECT $1", "'a'", "$2", "x", "--", "/*", "*/", "\n", "$3", "\"", "$$",
    ]), 0..12)) {
        if let Some(read) = StatementUse::read(&words.join(" ")) {
            prop_assert_eq!(read.replaced(|number| format!("${number}")), read.text);
        }
    }
}
