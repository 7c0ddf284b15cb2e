//! What values of captured columns look like where the usual ones do not do: text between known
//! bounds, UUIDs in the order of time, JSON of a known width.

use super::decimal::Numbers;
use super::text::{Base, Text, write_words};
use crate::synth::choice::random;

/// Text that begins like known values and sorts between them: the upper bits of an ordinal choose the
/// stem, the lower ones [`Self::SHIFT`] count the values after it.
#[derive(Debug, Clone)]
pub(crate) struct Stems {
    /// In their order, one at least.
    pub(crate) stems: Vec<String>,
    /// Whether the first value after a stem is the stem itself.
    pub(crate) whole: bool,
    /// Whether a value is as wide as its stem, rather than between the text's widths.
    pub(crate) as_stem: bool,
    /// Digits of the number that tells values apart, padded with zeros to keep their order.
    pub(crate) digits: u32,
    /// The widths, and the key of the words.
    pub(crate) text: Text,
}

impl Stems {
    /// Bits of an ordinal that count the values after a stem.
    pub(crate) const SHIFT: u32 = 40;

    /// Characters of a stem that values as wide as it have at least.
    pub(crate) const KEPT: usize = 3;

    /// Writes `stem-number words`: the number is followed by a blank or the end, and holds none, so that
    /// texts differ where numbers do.
    pub(crate) fn write(&self, ordinal: u64, out: &mut Vec<u8>) {
        let bucket = ordinal >> Self::SHIFT;
        let within = ordinal & ((1 << Self::SHIFT) - 1);
        let stems = self.stems.len() as u64;
        let index = usize::try_from(bucket).unwrap_or(usize::MAX);
        let Some(stem) = self.stems.get(index).map(String::as_str) else {
            // Beyond the last: further than any number of the others.
            return Base::Digits36.write(ordinal, out);
        };
        if self.whole && within == 0 && !stem.is_empty() {
            out.extend_from_slice(stem.as_bytes());
            return;
        }
        let mut sequence = random::Sequence(random::bits(self.text.key, ordinal));
        let spread = u64::from(self.text.max.saturating_sub(self.text.min)) + 1;
        let digits = self.digits as usize;
        let width = match self.as_stem {
            // A short stem is kept, and its values are wider.
            true => {
                let stem = stem.chars().count();
                stem.max(digits + 1 + stem.min(Self::KEPT))
            }
            false => {
                let width = u64::from(self.text.min) + random::below(sequence.next(), spread);
                usize::try_from(width).unwrap_or(usize::MAX)
            }
        };
        let room = width.saturating_sub(digits + 1);
        let cut = stem
            .char_indices()
            .nth(room)
            .map_or(stem.len(), |(end, _)| end);
        let kept = stem.get(..cut).unwrap_or(stem);
        let mut used = digits;
        if !kept.is_empty() {
            out.extend_from_slice(kept.as_bytes());
            out.push(b'-');
            used += kept.chars().count() + 1;
        }
        let number = within.saturating_mul(stems).saturating_add(bucket);
        let start = out.len();
        Base::Digits36.write(number, out);
        let written = out.len() - start;
        if written < digits {
            out.resize(start + digits, b'0');
            if let Some(padded) = out.get_mut(start..) {
                padded.rotate_right(digits - written);
            }
        }
        if width > used + 1 {
            out.push(b' ');
            write_words(&mut sequence, width - used - 1, out);
        }
    }
}

/// UUIDs of version 7 (RFC 9562, 5.7): a millisecond for each ordinal, then random bits.
#[derive(Debug, Clone)]
pub(crate) struct TimedUuid {
    pub(crate) key: u64,
}

/// 2024-01-01 00:00 UTC in milliseconds since 1970, when the first UUID was made.
const FIRST_UUID: u64 = 1_704_067_200_000;

impl TimedUuid {
    /// The 128 bits of the ordinal's UUID.
    pub(crate) fn halves(&self, ordinal: u64) -> (u64, u64) {
        let bits = random::bits(self.key, ordinal);
        let time = FIRST_UUID.wrapping_add(ordinal) & 0xffff_ffff_ffff;
        let high = (time << 16) | 0x7000 | (bits >> 52);
        // The 62 lower bits of a bijection of the ordinal; beside them the time differs too.
        let low = (bits >> 2) | (1 << 63);
        (high, low & !(1 << 62))
    }
}

/// A JSON object of a number and words, as wide as wanted.
#[derive(Debug, Clone)]
pub(crate) struct FittedJson {
    key: u64,
    /// Characters of the words; none where there is room for the number alone.
    words: Option<u32>,
}

impl FittedJson {
    /// A document of so many bytes, header aside, stored as `jsonb` or as text.
    ///
    /// `jsonb` (jsonb.h) holds a header of 4 bytes, an entry of 4 for each of two keys and two values,
    /// the keys, two bytes to align the number, the number as `numeric` (8 bytes, or 10 from 10,000 on)
    /// and the words. Text holds the punctuation, the keys and, mostly, five digits.
    pub(crate) fn of_width(key: u64, binary: bool, width: u32) -> Self {
        let overhead = if binary { 4 + 16 + 6 + 2 + 9 } else { 25 };
        let words = width.checked_sub(overhead).filter(|words| *words > 0);
        Self { key, words }
    }

    /// Writes `{"id": 1, "text": "…"}`.
    pub(crate) fn write(&self, ordinal: u64, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"id\": ");
        Numbers { low: 1, scale: 0 }.write(ordinal, out);
        if let Some(words) = self.words {
            let mut sequence = random::Sequence(random::bits(self.key, ordinal));
            out.extend_from_slice(b", \"text\": \"");
            write_words(&mut sequence, words as usize, out);
            out.push(b'"');
        }
        out.push(b'}');
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn written(write: impl Fn(&mut Vec<u8>)) -> String {
        let mut out = b"before".to_vec();
        write(&mut out);
        String::from_utf8(out).unwrap().split_off(6)
    }

    fn stems(names: &[&str], whole: bool) -> Stems {
        Stems {
            stems: names.iter().map(|name| (*name).to_owned()).collect(),
            whole,
            as_stem: false,
            digits: 4,
            text: Text {
                key: 3,
                min: 12,
                max: 16,
                number: None,
            },
        }
    }

    #[test]
    fn text_sorts_between_its_bounds() {
        let stems = stems(&["alice", "bob", "carol"], true);
        for (bucket, (from, to)) in [("alice", "bob"), ("bob", "carol")].into_iter().enumerate() {
            for within in 0..200 {
                let ordinal = ((bucket as u64) << Stems::SHIFT) + within;
                let text = written(|out| stems.write(ordinal, out));
                assert!(text.as_str() >= from && text.as_str() < to, "{text}");
                assert!(text.len() <= 16, "{text}");
            }
        }
        assert_eq!(written(|out| stems.write(1 << Stems::SHIFT, out)), "bob");
    }

    proptest! {
        #[test]
        fn text_differs_even_where_bounds_hold_numbers(
            names in prop::collection::btree_set("[ab]{1,3}(-[0-2]{1,3})?", 1..6),
        ) {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let stems = stems(&names, false);
            let mut seen = BTreeSet::new();
            for bucket in 0..names.len() as u64 {
                for within in 0..60 {
                    let text = written(|out| stems.write((bucket << Stems::SHIFT) + within, out));
                    prop_assert!(seen.insert(text.clone()), "{}", text);
                }
            }
        }
    }

    #[test]
    fn uuids_rise_and_are_of_version_7() {
        let uuid = TimedUuid { key: 9 };
        let all: Vec<(u64, u64)> = (0..1_000).map(|n| uuid.halves(n)).collect();
        assert!(all.is_sorted());
        assert!(
            all.iter()
                .all(|(high, low)| high >> 12 & 0xf == 7 && low >> 62 == 2)
        );
    }

    #[test]
    fn documents_are_json_of_their_width() {
        for width in [30u32, 60, 400] {
            let text = written(|out| FittedJson::of_width(1, false, width).write(12_344, out));
            assert_eq!(text.len() as u32, width, "{text}");
            assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
        }
        let small = written(|out| FittedJson::of_width(1, true, 20).write(0, out));
        assert_eq!(small, "{\"id\": 1}");
    }
}
