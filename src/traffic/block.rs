//! What a statement does to the transaction block that it runs in, by its first words: the client
//! library does not tell the server's answer.

/// What a statement does to the transaction block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// It opens one.
    Opens,
    /// It ends it.
    Ends,
    /// Neither, as far as one can see.
    Keeps,
}

impl Effect {
    /// The effect of one statement. Several in one text (`\;`) are not looked into.
    pub(super) fn of(sql: &str) -> Self {
        if sql.trim_end_matches([';', ' ', '\n']).contains(';') {
            return Effect::Keeps;
        }
        let mut words = sql
            .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .filter(|word| !word.is_empty())
            .map(str::to_ascii_lowercase);
        let first = words.next().unwrap_or_default();
        let rest: Vec<String> = words.take(4).collect();
        let says = |word: &str| rest.iter().any(|other| other == word);
        match first.as_str() {
            "begin" => Effect::Opens,
            "start" if says("transaction") => Effect::Opens,
            "commit" | "end" | "rollback" | "abort" => {
                // `AND CHAIN` opens the next at once; `ROLLBACK TO` and `… PREPARED` end none.
                let chains = says("chain") && !says("no");
                match chains || says("to") || says("prepared") {
                    true => Effect::Keeps,
                    false => Effect::Ends,
                }
            }
            "prepare" if says("transaction") => Effect::Ends,
            _ => Effect::Keeps,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn effects_are_told_by_the_first_words() {
        for (sql, effect) in [
            ("BEGIN", Effect::Opens),
            ("begin isolation level serializable", Effect::Opens),
            ("START TRANSACTION READ ONLY", Effect::Opens),
            ("COMMIT", Effect::Ends),
            ("END;", Effect::Ends),
            ("ROLLBACK AND NO CHAIN", Effect::Ends),
            ("COMMIT AND CHAIN", Effect::Keeps),
            ("ROLLBACK TO SAVEPOINT a", Effect::Keeps),
            ("ROLLBACK PREPARED 'x'", Effect::Keeps),
            ("PREPARE TRANSACTION 'x'", Effect::Ends),
            ("SELECT 1", Effect::Keeps),
            ("BEGIN; SELECT 1; COMMIT", Effect::Keeps),
            ("", Effect::Keeps),
        ] {
            assert_eq!(Effect::of(sql), effect, "{sql}");
        }
    }
}
