//! Text, patterns and bytes.

use crate::schema::TypeKind;
use crate::sql::TextPattern;
use crate::synth::error::Problem;
use crate::synth::value::matching::{Judge, Matching, Room};
use crate::synth::value::shape::Shape;
use crate::synth::value::text::{Base, Pattern, Text};

use super::{Ask, Form};

/// Characters of text where nothing says it.
const USUAL: (u32, u32) = (8, 40);

/// Characters of text in columns that hold prose.
const PROSE: (u32, u32) = (40, 200);

/// Parts of the names of columns that hold prose.
const PROSE_NAMES: [&str; 9] = [
    "description",
    "body",
    "content",
    "comment",
    "message",
    "note",
    "text",
    "bio",
    "summary",
];

/// Characters of names and titles.
const NAME: (u32, u32) = (6, 20);

/// Bytes of `bytea` where nothing says it.
const USUAL_BYTES: u32 = 32;

/// Bits of `varbit` where nothing says it.
const USUAL_BITS: u32 = 64;

/// Characters that PostgreSQL's type `name` holds.
const NAME_TYPE: u32 = 63;

/// Texts of a plan that are held against patterns before it is taken, from both ends.
const SAMPLES: u64 = 50;

/// What texts are tried to be where no pattern says what they are, only what they are not.
const PLAIN_PATTERNS: [&str; 3] = ["^[a-z0-9]{8,16}$", "^[a-z]{1,12}$", "^[A-Z][A-Z0-9]{0,11}$"];

/// Ordinals beyond the rows for which text still fits, for rows that the traffic adds.
const FURTHER: u64 = 1_000_000;

pub(super) fn form(name: &str, modifier: Option<u32>, ask: &Ask<'_>) -> Result<Form, Problem> {
    let plain = of_words(name, modifier, ask);
    if ask.limits.patterns.is_empty() || ask.spec.width.is_some() {
        return plain;
    }
    let room = Room {
        min: ask.limits.min_length.unwrap_or(0),
        max: most_characters(name, modifier, ask),
    };
    match patterned(&plain, room, ask) {
        Some(form) => Ok(form),
        // What cannot be made to match is tried on the server.
        None => plain,
    }
}

/// Texts that match the patterns of CHECKs: the usual ones if they do, else such as are made from one
/// of the patterns.
fn patterned(plain: &Result<Form, Problem>, room: Room, ask: &Ask<'_>) -> Option<Form> {
    let judge = Judge::new(&ask.limits.patterns);
    let fits = |form: &Form| {
        let last = ask.different.unwrap_or(SAMPLES);
        let samples = (0..SAMPLES).chain((1..=SAMPLES).map(|n| last.saturating_sub(n)));
        let mut out = Vec::new();
        samples.into_iter().all(|ordinal| {
            out.clear();
            form.shape.write(ordinal, &mut out);
            let text = std::str::from_utf8(&out).unwrap_or_default();
            judge.accepts(text) && !ask.limits.not.iter().any(|not| not == text)
        })
    };
    let positive = ask
        .limits
        .patterns
        .iter()
        .filter(|pattern| !pattern.negated);
    let plain = plain.as_ref().ok().cloned().filter(&fits);
    let others = PLAIN_PATTERNS.map(|regex| TextPattern {
        regex: regex.to_owned(),
        insensitive: false,
        negated: false,
    });
    let mut made = positive.chain(&others).filter_map(|pattern| {
        let wanted = ask.different.map(|needed| needed.saturating_add(FURTHER));
        let shape = Matching::new(pattern, ask.key, room, wanted)?;
        let distinct = Matching::new(pattern, ask.key, room, Some(u64::MAX))?;
        Some(Form {
            capacity: match ask.different {
                Some(_) => shape.capacity(),
                None => distinct.capacity(),
            },
            ..Form::by_row(Shape::Matching(Box::new(shape)))
        })
    });
    plain.or_else(|| made.find(fits))
}

fn of_words(name: &str, modifier: Option<u32>, ask: &Ask<'_>) -> Result<Form, Problem> {
    ask.refuse_range()?;
    let most = most_characters(name, modifier, ask);
    if let Some(width) = ask.spec.width.filter(|width| *width > most) {
        return Err(Problem::TooWide {
            key: "`width`",
            needed: u64::from(width),
            allowed: most,
        });
    }
    if ask.spec.width == Some(0) {
        return Err(Problem::Empty("width"));
    }
    if ask.name.contains("email") && ask.spec.width.is_none() {
        let pattern = Pattern::new("user-{n}@example.org");
        if pattern.longest(ask.rows.saturating_add(FURTHER)) <= u64::from(most) {
            return Ok(Form::by_row(Shape::Pattern(pattern)));
        }
    }
    let (low, high) = usual_width(ask);
    let at_least = ask.limits.min_length.unwrap_or(1);
    let max = ask.spec.width.unwrap_or(high.max(at_least)).min(most);
    let min = ask.spec.width.unwrap_or(low).max(at_least).min(max);
    if at_least > max || max == 0 {
        return Err(Problem::Contradiction);
    }
    let number = ask.different.map(|needed| base(needed, max));
    let text = Text {
        key: ask.key,
        min,
        max,
        number,
    };
    Ok(Form::by_row(Shape::Text(match number {
        // A narrow column's key takes all the width that it may.
        Some(_) if ask.spec.width.is_none() => Text {
            min: min.max(max.min(12)),
            ..text
        },
        _ => text,
    })))
}

/// The base in which so many ordinals fit the width, with room to spare if there is.
fn base(needed: u64, width: u32) -> Base {
    if Base::Decimal.capacity(width) >= needed.saturating_add(FURTHER) {
        Base::Decimal
    } else {
        Base::Digits36
    }
}

pub(super) fn most_characters(name: &str, modifier: Option<u32>, ask: &Ask<'_>) -> u32 {
    let of_type = match name {
        "char" => 1,
        "bpchar" => modifier.unwrap_or(u32::MAX),
        "varchar" => modifier.unwrap_or(u32::MAX),
        "name" => NAME_TYPE,
        _ => u32::MAX,
    };
    ask.limits
        .max_length
        .map_or(of_type, |length| length.min(of_type))
}

fn usual_width(ask: &Ask<'_>) -> (u32, u32) {
    let name = ask.name.to_ascii_lowercase();
    if PROSE_NAMES.iter().any(|word| name.contains(word)) {
        PROSE
    } else if name.ends_with("name") || name.contains("title") {
        NAME
    } else {
        USUAL
    }
}

/// The scenario's `pattern`, for any type.
pub(super) fn from_pattern(kind: &TypeKind, pattern: &str, ask: &Ask<'_>) -> Result<Form, Problem> {
    for (key, given) in [
        ("range", ask.spec.range.is_some()),
        ("width", ask.spec.width.is_some()),
    ] {
        if given {
            return Err(Problem::Both("pattern", key));
        }
    }
    let pattern = Pattern::new(pattern);
    if let TypeKind::Base { name, modifiers } = kind {
        let modifier = modifiers
            .first()
            .and_then(|&number| u32::try_from(number).ok());
        let most = most_characters(name, modifier, ask);
        let needed = pattern.longest(ask.different.unwrap_or(ask.rows));
        let is_text = matches!(name.as_str(), "varchar" | "bpchar" | "char" | "text");
        if is_text && needed > u64::from(most) {
            return Err(Problem::TooWide {
                key: "`pattern`",
                needed,
                allowed: most,
            });
        }
    }
    Ok(Form::by_row(Shape::Pattern(pattern)))
}

/// `varbit` of so many bits at most.
pub(super) fn bits(most: Option<u32>, ask: &Ask<'_>) -> Result<Form, Problem> {
    ask.refuse_range()?;
    let most = most.unwrap_or(u32::MAX);
    let width = ask.spec.width.unwrap_or(USUAL_BITS.min(most));
    if width == 0 {
        return Err(Problem::Empty("width"));
    }
    if width > most {
        return Err(Problem::TooWide {
            key: "`width`",
            needed: u64::from(width),
            allowed: most,
        });
    }
    Ok(Form::by_row(Shape::Bits {
        key: ask.key,
        width,
    }))
}

/// `bytea`.
pub(super) fn bytes(ask: &Ask<'_>) -> Result<Form, Problem> {
    ask.refuse_range()?;
    if ask.spec.width == Some(0) {
        return Err(Problem::Empty("width"));
    }
    let usual = USUAL_BYTES
        .max(ask.limits.min_length.unwrap_or(0))
        .min(ask.limits.max_length.unwrap_or(u32::MAX));
    Ok(Form::by_row(Shape::Bytes {
        key: ask.key,
        width: ask.spec.width.unwrap_or(usual),
    }))
}
