//! Every text is held against the expression by another engine.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

const ANY: Room = Room { min: 0, max: 200 };

fn pattern(regex: &str, insensitive: bool) -> TextPattern {
    TextPattern {
        regex: regex.to_owned(),
        insensitive,
        negated: false,
    }
}

fn text(matching: &Matching, ordinal: u64) -> String {
    let mut out = Vec::new();
    matching.write(ordinal, &mut out);
    String::from_utf8(out).unwrap()
}

/// Expressions as CHECKs of real products have them, and how many texts there are at least.
const USUAL: [(&str, u64); 24] = [
    ("^[a-z]{3}$", 17_576),
    (r"^[A-Z]{2}\d+$", 1_000_000),
    (r"^\d{4}-\d{2}$", 1_000_000),
    (r"^[^@]+@[^@]+\.[^@]+$", 1_000_000),
    ("^(com|org|net)$", 3),
    ("^#[0-9a-fA-F]{6}$", 1_000_000),
    (r"^[a-z0-9]+(-[a-z0-9]+)*$", 1_000_000),
    (r"^\+?[0-9]{7,15}$", 1_000_000),
    (r"^https?://", 1_000_000),
    ("^[[:alpha:]][[:alnum:]_]*$", 1_000_000),
    (r"^[\w.%+-]+@[a-z0-9.-]+\.[a-z]{2,}$", 1_000_000),
    (r"^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$", 1_000_000),
    (r"^(\d{1,3}\.){3}\d{1,3}$", 1_000_000),
    (r"^[]a[]+$", 3),
    (r"\A[^\s]+\Z", 1_000_000),
    (r"\S", 1_000_000),
    ("@", 1_000_000),
    (r"^v\d+\.\d+\.\d+(-[a-z]+)?$", 1_000_000),
    ("^(a|bc|d[0-9]{2})x$", 100),
    ("^$|^[A-Z]$", 26),
    (r"^\d{3}\.\d{3}$", 1_000_000),
    ("^.{5}$", 1_000_000),
    ("^Äöü[à-ö]{2}$", 100),
    (r"\ymain\y", 1),
];

#[test]
fn texts_match() {
    for (regex, least) in USUAL {
        for insensitive in [false, true] {
            let pattern = pattern(regex, insensitive);
            let judge = Judge::new(std::slice::from_ref(&pattern));
            assert_eq!(judge.0.len(), 1, "{regex}");
            let any = Matching::new(&pattern, 7, ANY, None).unwrap();
            for ordinal in 0..200 {
                let text = text(&any, ordinal);
                let tied = regex == r"\ymain\y";
                assert!(tied || judge.accepts(&text), "{regex}: {text}");
            }
            let different = Matching::new(&pattern, 7, ANY, Some(least)).unwrap();
            assert!(
                different.capacity() >= least,
                "{regex}: {}",
                different.capacity()
            );
            let all: BTreeSet<String> =
                (0..least.min(3_000)).map(|n| text(&different, n)).collect();
            assert_eq!(all.len() as u64, least.min(3_000), "{regex}");
            assert!(
                all.iter().all(|text| judge.accepts(text)),
                "{regex}: {all:?}"
            );
        }
    }
}

#[test]
fn texts_keep_within_their_room() {
    for (regex, min, max) in [
        ("^[a-z]+$", 20, 20),
        ("^[a-z]*$", 3, 5),
        ("^x[0-9]{2,40}y$", 10, 12),
        ("@", 6, 6),
    ] {
        for different in [None, Some(50)] {
            let matching = Matching::new(&pattern(regex, false), 3, Room { min, max }, different);
            let matching = matching.unwrap_or_else(|| panic!("{regex}"));
            for ordinal in 0..50 {
                let length = text(&matching, ordinal).len() as u32;
                assert!((min..=max).contains(&length), "{regex}: {length}");
            }
        }
    }
    assert!(
        Matching::new(
            &pattern("^[a-z]{9}$", false),
            3,
            Room { min: 0, max: 8 },
            None
        )
        .is_none()
    );
}

#[test]
fn other_dialects_are_not_understood() {
    for regex in [r"^(.)\1$", "^(?=.*a)b", "["] {
        assert!(
            Matching::new(&pattern(regex, false), 3, ANY, None).is_none(),
            "{regex}"
        );
    }
}

proptest! {
    #[test]
    fn any_expression_without_looks_is_matched(
        regex in r"\^(([a-c]|\[a-z\]|\[\^a\]|\\d|\.|\(ab\|c\)|\(x\|yz\|w\))(\{1,3\}|\*|\+|\?)?){1,5}\$",
        key: u64,
        ordinals in prop::collection::btree_set(0u64..100_000, 1..20),
    ) {
        let pattern = pattern(&regex, false);
        let judge = Judge::new(std::slice::from_ref(&pattern));
        prop_assert_eq!(judge.0.len(), 1);
        let any = Matching::new(&pattern, key, ANY, None).unwrap();
        let different = Matching::new(&pattern, key, ANY, Some(100_000)).unwrap();
        let mut seen = BTreeSet::new();
        for ordinal in ordinals {
            prop_assert!(judge.accepts(&text(&any, ordinal)));
            let unique = text(&different, ordinal);
            prop_assert!(judge.accepts(&unique), "{}: {}", regex, unique);
            prop_assert!(seen.insert(unique) || ordinal >= different.capacity());
        }
    }

    #[test]
    fn noise_never_panics(regex in ".{0,20}|[\\\\\\[\\](){}^$a|*+?:&~-]{0,15}") {
        let _ = Matching::new(&pattern(&regex, true), 1, ANY, Some(5)).map(|m| text(&m, 3));
        let _ = Judge::new(&[pattern(&regex, false)]).accepts("a");
    }
}
