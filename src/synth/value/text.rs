//! Text of words, of a wanted width, and unique where it must be.

use super::digits;
use crate::synth::choice::random;

/// Words that text is made of: lower case, so that case-insensitive unique indexes hold too.
/// A power of two, so that seven bits choose one.
const WORDS: [&str; 128] = [
    "amber", "anchor", "apple", "arrow", "autumn", "basin", "beacon", "birch", "blossom",
    "boulder", "branch", "breeze", "bridge", "bright", "canyon", "carbon", "cedar", "chalk",
    "circle", "clay", "clear", "cliff", "cloud", "clover", "coast", "cobalt", "copper", "coral",
    "cotton", "crystal", "current", "cypress", "dawn", "delta", "desert", "drift", "dune", "dusk",
    "eagle", "early", "echo", "ember", "engine", "falcon", "farm", "feather", "field", "finch",
    "flame", "flint", "forest", "fossil", "frost", "garden", "gentle", "glacier", "glass",
    "golden", "granite", "grass", "gravel", "green", "grove", "harbor", "harvest", "hazel",
    "heron", "hill", "hollow", "honey", "horizon", "indigo", "iron", "island", "ivory", "ivy",
    "jade", "juniper", "kettle", "lagoon", "lake", "lantern", "laurel", "lemon", "light", "lily",
    "linen", "little", "lotus", "lunar", "maple", "marble", "meadow", "mellow", "mint", "mirror",
    "mist", "moon", "moss", "mountain", "narrow", "north", "oak", "ocean", "olive", "opal",
    "orchid", "otter", "paper", "pearl", "pebble", "pepper", "pine", "plain", "planet", "plum",
    "pond", "poplar", "prairie", "quartz", "quiet", "rain", "raven", "reed", "ridge", "river",
    "robin", "rocky",
];

/// Text made of words.
#[derive(Debug, Clone)]
pub(crate) struct Text {
    pub(crate) key: u64,
    /// Fewest characters.
    pub(crate) min: u32,
    /// Most characters.
    pub(crate) max: u32,
    /// Whether, and in which base, the text ends in its ordinal's number, which makes it unique.
    pub(crate) number: Option<Base>,
}

/// How an ordinal's number is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Base {
    /// 0–9.
    Decimal,
    /// 0–9, a–z: for columns too narrow for decimal digits.
    Digits36,
}

impl Base {
    fn radix(self) -> u64 {
        match self {
            Self::Decimal => 10,
            Self::Digits36 => 36,
        }
    }

    /// How many ordinals `width` digits can tell apart; the number written is the ordinal plus 1.
    pub(crate) fn capacity(self, width: u32) -> u64 {
        self.radix()
            .checked_pow(width)
            .map_or(u64::MAX, |numbers| numbers - 1)
    }

    pub(crate) fn write(self, number: u64, out: &mut Vec<u8>) {
        if self == Self::Decimal {
            return digits::write(number, 1, out);
        }
        let radix = self.radix();
        let start = out.len();
        let mut rest = number;
        loop {
            let digit = u32::try_from(rest % radix).unwrap_or(0);
            let character = char::from_digit(digit, 36).unwrap_or('0');
            out.push(character as u8);
            rest /= radix;
            if rest == 0 {
                break;
            }
        }
        if let Some(digits) = out.get_mut(start..) {
            digits.reverse();
        }
    }
}

impl Text {
    /// How many ordinals give different texts.
    pub(crate) fn capacity(&self) -> u64 {
        self.number.map_or(0, |base| base.capacity(self.max))
    }

    /// Writes the text of an ordinal: ASCII letters, digits, `-` and single spaces.
    pub(crate) fn write(&self, ordinal: u64, out: &mut Vec<u8>) {
        let mut sequence = random::Sequence(random::bits(self.key, ordinal));
        let spread = u64::from(self.max.saturating_sub(self.min)) + 1;
        let width = u64::from(self.min) + random::below(sequence.next(), spread);
        let width = usize::try_from(width).unwrap_or(usize::MAX);
        match self.number {
            None => write_words(&mut sequence, width, out),
            Some(base) => {
                let start = out.len();
                base.write(ordinal.saturating_add(1), out);
                let digits = out.len() - start;
                // A dash parts the words from the number, so that the text is unique by it.
                if width > digits + 1 {
                    write_words(&mut sequence, width - digits - 1, out);
                    out.push(b'-');
                    if let Some(text) = out.get_mut(start..) {
                        text.rotate_left(digits);
                    }
                }
            }
        }
    }
}

/// Writes words of exactly `width` characters in all; the last is cut.
pub(crate) fn write_words(sequence: &mut random::Sequence, width: usize, out: &mut Vec<u8>) {
    let end = out.len() + width;
    let mut bits = sequence.next();
    let mut used = 0;
    while out.len() < end {
        if used == 63 {
            bits = sequence.next();
            used = 0;
        }
        let word = WORDS
            .get(((bits >> used) & 127) as usize)
            .copied()
            .unwrap_or("plain");
        out.extend_from_slice(word.as_bytes());
        out.push(b' ');
        used += 7;
    }
    out.truncate(end);
    if let Some(last) = out.last_mut().filter(|last| **last == b' ') {
        *last = b's';
    }
}

/// Parts of a pattern: texts between `{n}`s.
#[derive(Debug, Clone)]
pub(crate) struct Pattern(Vec<String>);

impl Pattern {
    pub(crate) fn new(text: &str) -> Self {
        Self(text.split("{n}").map(str::to_owned).collect())
    }

    /// The same with a text before it.
    pub(crate) fn preceded_by(mut self, text: &str) -> Self {
        if let Some(first) = self.0.first_mut() {
            first.insert_str(0, text);
        }
        self
    }

    /// Whether the number is in it, which makes it unique.
    pub(crate) fn is_numbered(&self) -> bool {
        self.0.len() > 1
    }

    /// The characters that the text of this many rows needs at most.
    pub(crate) fn longest(&self, ordinals: u64) -> u64 {
        let digits = ordinals.max(1).ilog10() + 1;
        let numbers = self.0.len().saturating_sub(1) as u64;
        let texts: usize = self.0.iter().map(|part| part.chars().count()).sum();
        texts as u64 + numbers * u64::from(digits)
    }

    pub(crate) fn write(&self, ordinal: u64, out: &mut Vec<u8>) {
        for (index, part) in self.0.iter().enumerate() {
            if index > 0 {
                Base::Decimal.write(ordinal.saturating_add(1), out);
            }
            out.extend_from_slice(part.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(of: &Text, ordinal: u64) -> String {
        let mut out = b"before".to_vec();
        of.write(ordinal, &mut out);
        String::from_utf8(out).unwrap().split_off(6)
    }

    proptest! {
        #[test]
        fn widths_are_kept(key: u64, min in 1u32..50, more in 0u32..50, ordinal: u64) {
            let words = Text { key, min, max: min + more, number: None };
            let length = text(&words, ordinal).len() as u32;
            prop_assert!((min..=min + more).contains(&length));
            prop_assert!(!text(&words, ordinal).ends_with(' '));
        }

        #[test]
        fn numbered_text_is_unique_and_fits(key: u64, max in 3u32..40, a in 0u64..999, b in 0u64..999) {
            let numbered = Text { key, min: 1, max, number: Some(Base::Decimal) };
            let (first, second) = (text(&numbered, a), text(&numbered, b));
            prop_assert!(first.len() as u32 <= max);
            prop_assert_eq!(a == b, first == second);
        }

        #[test]
        fn narrow_text_holds_its_capacity(width in 1u32..5) {
            let numbered = Text { key: 0, min: 1, max: width, number: Some(Base::Digits36) };
            prop_assert_eq!(text(&numbered, numbered.capacity() - 1), "z".repeat(width as usize));
        }
    }

    #[test]
    fn patterns_number_from_one() {
        let pattern = Pattern::new("user-{n}@{n}.example");
        let mut out = Vec::new();
        pattern.write(9, &mut out);
        assert_eq!(out, b"user-10@10.example");
        assert_eq!(pattern.longest(10), 18);
    }
}
