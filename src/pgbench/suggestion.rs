//! "Did you mean": the known word that is nearest to a wrong one.

/// Largest edit distance at which a word is suggested: one typing error in a short word, two in a longer one.
fn tolerance(word: &str) -> usize {
    if word.len() < 5 { 1 } else { 2 }
}

/// A sentence that names the nearest of `known`; empty when none is near. `sigil` is put before it.
pub(super) fn did_you_mean<'a>(
    word: &str,
    sigil: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> String {
    let word = word.to_ascii_lowercase();
    known
        .into_iter()
        // Counts the exchange of two neighbours as one error.
        .map(|candidate| (strsim::osa_distance(&word, candidate), candidate))
        .filter(|(distance, _)| *distance <= tolerance(&word))
        .min()
        .map_or_else(String::new, |(_, nearest)| {
            format!("; did you mean `{sigil}{nearest}`?")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_near_words_are_suggested() {
        let known = ["set", "sleep", "endif"];
        assert_eq!(
            did_you_mean("SLEP", "\\", known),
            "; did you mean `\\sleep`?"
        );
        assert_eq!(did_you_mean("ste", "", known), "; did you mean `set`?");
        assert_eq!(did_you_mean("frobnicate", "\\", known), "");
    }
}
