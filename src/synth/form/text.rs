//! Text, patterns and bytes.

use crate::schema::TypeKind;
use crate::synth::error::Problem;
use crate::synth::shape::Shape;
use crate::synth::text::{Base, Pattern, Text};

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

/// Ordinals beyond the rows for which text still fits, for rows that the traffic adds.
const FURTHER: u64 = 1_000_000;

pub(super) fn form(name: &str, modifier: Option<u32>, ask: &Ask<'_>) -> Result<Form, Problem> {
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
