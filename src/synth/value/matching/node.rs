//! What is left of a regular expression for writing text: characters, choices and repetitions.

use super::{Class, Hir, HirKind, Look, random};

/// A part of a text.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    /// Just this.
    Literal(String),
    /// One of these characters.
    Class(Vec<char>),
    /// One after the other.
    Sequence(Vec<Node>),
    /// One of these.
    Choice(Vec<Node>),
    /// One part several times.
    Repeat { node: Box<Node>, min: u32, max: u32 },
}

/// Fewest and most characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Width {
    pub(super) min: u32,
    pub(super) max: u32,
}

/// Characters that a class is narrowed to at most.
const MOST_CHARACTERS: usize = 95;

impl Node {
    /// The texts that an expression matches, with repetitions between `low` and `high` times more
    /// than they must have, as far as they may.
    pub(super) fn of_text(hir: &Hir, low: u32, high: u32) -> Option<Self> {
        let properties = hir.properties();
        let usual = |min, max| Self::Repeat {
            node: Box::new(Self::Class(usual_characters().collect())),
            min,
            max,
        };
        let mut parts = Vec::new();
        if !properties.look_set_prefix().contains(Look::Start) {
            // One at most, so that the end alone decides between even and odd widths.
            parts.push(usual(low.min(1), high.min(1)));
        }
        parts.push(Self::new(hir, low, high)?);
        if !properties.look_set_suffix().contains(Look::End) {
            parts.push(usual(low, high));
        }
        Some(Self::Sequence(parts))
    }

    fn new(hir: &Hir, low: u32, high: u32) -> Option<Self> {
        let all = |parts: &[Hir]| -> Option<Vec<Self>> {
            parts
                .iter()
                .map(|part| Self::new(part, low, high))
                .collect()
        };
        Some(match hir.kind() {
            // Where a look is in the middle the text may not match: whoever asks for it checks.
            HirKind::Empty | HirKind::Look(_) => Self::Sequence(Vec::new()),
            HirKind::Literal(literal) => {
                Self::Literal(std::str::from_utf8(&literal.0).ok()?.to_owned())
            }
            HirKind::Class(class) => Self::Class(characters(class)?),
            HirKind::Capture(capture) => Self::new(&capture.sub, low, high)?,
            HirKind::Concat(parts) => Self::Sequence(all(parts)?),
            HirKind::Alternation(parts) => Self::Choice(all(parts)?),
            HirKind::Repetition(repetition) => {
                let most = repetition.max.unwrap_or(u32::MAX);
                let count = |extra: u32| repetition.min.saturating_add(extra).min(most);
                Self::Repeat {
                    node: Box::new(Self::new(&repetition.sub, low, high)?),
                    min: count(low),
                    max: count(high),
                }
            }
        })
    }

    pub(super) fn width(&self) -> Width {
        let both = |min: u32, max: u32| Width { min, max };
        match self {
            Self::Literal(text) => {
                let length = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
                both(length, length)
            }
            Self::Class(_) => both(1, 1),
            Self::Sequence(parts) => parts.iter().map(Self::width).fold(both(0, 0), |a, b| {
                both(a.min.saturating_add(b.min), a.max.saturating_add(b.max))
            }),
            Self::Choice(parts) => both(
                parts.iter().map(|part| part.width().min).min().unwrap_or(0),
                parts.iter().map(|part| part.width().max).max().unwrap_or(0),
            ),
            Self::Repeat { node, min, max } => {
                let each = node.width();
                both(each.min.saturating_mul(*min), each.max.saturating_mul(*max))
            }
        }
    }

    /// The same with texts of one width alone, of which each can be made in one way only.
    pub(super) fn fixed(self) -> Self {
        match self {
            Self::Sequence(parts) => Self::Sequence(parts.into_iter().map(Self::fixed).collect()),
            Self::Repeat { node, max, .. } => Self::Repeat {
                node: Box::new(node.fixed()),
                min: max,
                max,
            },
            Self::Choice(parts) => Self::unambiguous(parts.into_iter().map(Self::fixed).collect()),
            other => other,
        }
    }

    /// The most of some choices that differ and are of one width: words, or one choice of many texts.
    fn unambiguous(parts: Vec<Self>) -> Self {
        let mut words: Vec<Self> = Vec::new();
        for width in parts.iter().map(Self::width) {
            let mut same: Vec<Self> = Vec::new();
            for part in parts.iter().filter(|part| part.width() == width) {
                if part.count() == 1 && !same.iter().any(|other| other.text() == part.text()) {
                    same.push(part.clone());
                }
            }
            if same.len() > words.len() {
                words = same;
            }
        }
        let widest = parts.into_iter().max_by_key(Self::count);
        match widest {
            Some(widest) if widest.count() > words.len() as u64 => widest,
            _ => Self::Choice(words),
        }
    }

    /// The text where there is but one.
    fn text(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write_number(&mut 0, &mut out);
        out
    }

    /// How many texts there are, of a fixed node.
    pub(super) fn count(&self) -> u64 {
        match self {
            Self::Literal(_) => 1,
            Self::Class(characters) => characters.len() as u64,
            Self::Sequence(parts) => parts.iter().map(Self::count).fold(1, u64::saturating_mul),
            Self::Choice(parts) => parts.iter().map(Self::count).fold(0, u64::saturating_add),
            Self::Repeat { node, max, .. } => node.count().saturating_pow(*max),
        }
    }

    /// Writes any text.
    pub(super) fn write_random(&self, sequence: &mut random::Sequence, out: &mut Vec<u8>) {
        match self {
            Self::Literal(text) => out.extend_from_slice(text.as_bytes()),
            Self::Class(characters) => {
                let place = random::below(sequence.next(), characters.len() as u64);
                push(characters, place, out);
            }
            Self::Sequence(parts) => {
                for part in parts {
                    part.write_random(sequence, out);
                }
            }
            Self::Choice(parts) => {
                let place = random::below(sequence.next(), parts.len() as u64);
                if let Some(part) = usize::try_from(place)
                    .ok()
                    .and_then(|place| parts.get(place))
                {
                    part.write_random(sequence, out);
                }
            }
            Self::Repeat { node, min, max } => {
                let spread = u64::from(max.saturating_sub(*min)) + 1;
                let count = u64::from(*min) + random::below(sequence.next(), spread);
                for _ in 0..count {
                    node.write_random(sequence, out);
                }
            }
        }
    }

    /// Writes the text of a number, of a fixed node: its characters are the number's digits.
    pub(super) fn write_number(&self, number: &mut u64, out: &mut Vec<u8>) {
        match self {
            Self::Literal(text) => out.extend_from_slice(text.as_bytes()),
            Self::Class(characters) => {
                push(characters, digit(number, characters.len()), out);
            }
            Self::Sequence(parts) => {
                for part in parts {
                    part.write_number(number, out);
                }
            }
            Self::Choice(parts) => {
                let place = digit(number, parts.len());
                if let Some(part) = usize::try_from(place)
                    .ok()
                    .and_then(|place| parts.get(place))
                {
                    part.write_number(number, out);
                }
            }
            Self::Repeat { node, max, .. } => {
                for _ in 0..*max {
                    node.write_number(number, out);
                }
            }
        }
    }
}

/// Takes the last digit off a number.
fn digit(number: &mut u64, radix: usize) -> u64 {
    let radix = radix as u64;
    let digit = number.checked_rem(radix).unwrap_or(0);
    *number = number.checked_div(radix).unwrap_or(0);
    digit
}

fn push(characters: &[char], place: u64, out: &mut Vec<u8>) {
    let character = usize::try_from(place)
        .ok()
        .and_then(|place| characters.get(place));
    if let Some(character) = character {
        out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    }
}

/// Small letters and digits, of which most texts are.
fn usual_characters() -> impl Iterator<Item = char> {
    ('a'..='z').chain('0'..='9')
}

/// The characters of a class that texts are made of: usual ones where it has all small letters, else
/// those of ASCII that can be seen, else its first.
fn characters(class: &Class) -> Option<Vec<char>> {
    let ranges: Vec<(char, char)> = match class {
        Class::Unicode(class) => class
            .ranges()
            .iter()
            .map(|r| (r.start(), r.end()))
            .collect(),
        Class::Bytes(class) => {
            let ranges = class.ranges().iter();
            ranges
                .map(|r| (char::from(r.start()), char::from(r.end())))
                .collect()
        }
    };
    let holds = |character: char| {
        ranges
            .iter()
            .any(|(low, high)| (*low..=*high).contains(&character))
    };
    if let [(upper, end), (lower, last)] = ranges.as_slice()
        && upper == end
        && lower == last
        && upper.to_ascii_lowercase() == *lower
    {
        // A letter in any case: small, so that keys of lower(text) are different, too.
        return Some(vec![*lower]);
    }
    let usual: Vec<char> = usual_characters().filter(|c| holds(*c)).collect();
    if usual.len() >= 26 && ('a'..='z').all(holds) {
        return Some(usual);
    }
    let seen: Vec<char> = (' '..='~').filter(|character| holds(*character)).collect();
    if !seen.is_empty() {
        return Some(seen);
    }
    let any = ranges.iter().flat_map(|(low, high)| *low..=*high);
    let any: Vec<char> = any.filter(|c| *c != '\0').take(MOST_CHARACTERS).collect();
    (!any.is_empty()).then_some(any)
}
