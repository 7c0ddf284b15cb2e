//! `--ordering`.

use crate::scenario::release::Ordering;

/// One order of release and migration, or all of them.
#[derive(Debug, Clone, Copy)]
pub(super) enum AskedOrdering {
    One(Ordering),
    All,
}

pub(super) fn parse_ordering(text: &str) -> Result<AskedOrdering, String> {
    let mut all = Ordering::ALL.into_iter();
    match (text, all.find(|ordering| ordering.word() == text)) {
        (_, Some(ordering)) => Ok(AskedOrdering::One(ordering)),
        ("all", None) => Ok(AskedOrdering::All),
        _ => Err("write app-first, migration-first, rolling, or all".into()),
    }
}

/// Those that were asked for, each once.
pub(super) fn orderings(asked: &[AskedOrdering]) -> Vec<Ordering> {
    let wanted = |ordering: &Ordering| {
        asked.iter().any(|asked| match asked {
            AskedOrdering::All => true,
            AskedOrdering::One(one) => one == ordering,
        })
    };
    Ordering::ALL.into_iter().filter(wanted).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_order_is_rehearsed_once() {
        let asked = |words: &[&str]| {
            let asked: Vec<AskedOrdering> = words
                .iter()
                .map(|word| parse_ordering(word).unwrap())
                .collect();
            orderings(&asked)
        };
        assert_eq!(asked(&[]), []);
        assert_eq!(asked(&["all", "rolling"]), Ordering::ALL);
        let two = [Ordering::AppFirst, Ordering::Rolling];
        assert_eq!(asked(&["rolling", "app-first", "rolling"]), two);
        assert!(parse_ordering("code-first").is_err());
    }
}
