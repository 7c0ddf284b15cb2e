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
        .map(|candidate| (distance(&word, candidate), candidate))
        .filter(|(distance, _)| *distance <= tolerance(&word))
        .min()
        .map_or_else(String::new, |(_, nearest)| {
            format!("; did you mean `{sigil}{nearest}`?")
        })
}

/// Levenshtein's distance with transpositions of neighbours (optimal string alignment), in characters.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=right.len()).collect();
    let mut previous = None;
    for (row, c) in left.chars().enumerate() {
        let mut current = vec![row + 1];
        let mut swapped = None;
        for (column, d) in right.iter().enumerate() {
            let at =
                |line: &[usize], index: usize| line.get(index).copied().unwrap_or(usize::MAX - 1);
            let mut best = (at(&above, column) + usize::from(c != *d))
                .min(at(&above, column + 1) + 1)
                .min(at(&current, column) + 1);
            if previous == Some(*d) && swapped == Some(c) && column > 0 {
                best = best.min(at(&before, column - 1) + 1);
            }
            current.push(best);
            swapped = Some(*d);
        }
        previous = Some(c);
        before = std::mem::replace(&mut above, current);
    }
    above.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_count_typing_errors() {
        for (left, right, errors) in [
            ("set", "set", 0),
            ("ste", "set", 1),
            ("sleeep", "sleep", 1),
            ("", "if", 2),
            ("endfi", "endif", 1),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(distance(left, right), errors, "{left} {right}");
            assert_eq!(distance(right, left), errors, "{right} {left}");
        }
    }

    #[test]
    fn only_near_words_are_suggested() {
        let known = ["set", "sleep", "endif"];
        assert_eq!(
            did_you_mean("SLEP", "\\", known),
            "; did you mean `\\sleep`?"
        );
        assert_eq!(did_you_mean("frobnicate", "\\", known), "");
    }
}
