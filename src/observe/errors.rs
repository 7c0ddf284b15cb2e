//! What a request's error is called: a SQLSTATE with its condition, or a kind of the tool's own.

use super::sqlstate::condition;

/// Kinds of errors that come from the application and not from the server, and what each means.
const KINDS: &[(&str, &str)] = &[
    ("acquire_timeout", "no connection became free in time"),
    ("connection_lost", "the connection broke"),
    (
        "connection_refused",
        "no server answered when a connection was opened",
    ),
    (
        "copy_from_stdin",
        "the script copies from its client, which has no data",
    ),
    (
        "health_check_timeout",
        "the health check had no answer in time",
    ),
    ("instance_down", "no instance was up when it came due"),
    ("instance_restarted", "its instance was restarted meanwhile"),
    ("protocol", "the server's answer was not understood"),
    ("queue_full", "too many waited already (queue_limit)"),
    ("request_timeout", "it was not done within request_timeout"),
    ("script", "the script itself failed"),
    ("shed", "refused: too many waited (queue_limit)"),
    (
        "transaction_left_open",
        "the script left a transaction open",
    ),
];

/// What an error means: a SQLSTATE's condition (`query_canceled`), or a sentence about a kind of the
/// tool's own; none for what is neither.
pub fn meaning(error: &str) -> Option<&'static str> {
    let own = KINDS.iter().find(|(kind, _)| *kind == error);
    own.map(|(_, meaning)| *meaning)
        .or_else(|| condition(error))
}

/// An error with its condition where it is a SQLSTATE: `57014 query_canceled`, `acquire_timeout`.
pub fn named(error: &str) -> String {
    match condition(error) {
        Some(condition) => format!("{error} {condition}"),
        None => error.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_called_by_their_names() {
        assert_eq!(named("57014"), "57014 query_canceled");
        assert_eq!(named("acquire_timeout"), "acquire_timeout");
        assert_eq!(named("99999"), "99999");
        assert_eq!(meaning("40P01"), Some("deadlock_detected"));
        assert!(meaning("instance_down").is_some_and(|text| text.contains("no instance")));
        assert_eq!(meaning("99999"), None);
        assert!(KINDS.is_sorted());
    }
}
