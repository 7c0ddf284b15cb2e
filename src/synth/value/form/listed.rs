//! Values chosen from a list: of the scenario, of a CHECK, of an enum.

use crate::schema::TypeKind;
use crate::synth::choice::draw::Draw;
use crate::synth::error::Problem;
use crate::synth::value::matching::Judge;
use crate::synth::value::shape::Shape;
use crate::synth::value::{calendar, decimal};

use super::{Ask, Form};

/// The share of booleans that are as the column's default says.
const BOOLEANS_AS_DEFAULT: f64 = 0.9;

/// The scenario's `values`, with `weights` or a distribution in the order of the list.
pub(super) fn from_values(
    kind: &TypeKind,
    values: &[toml::Value],
    ask: &Ask<'_>,
) -> Result<Form, Problem> {
    for (key, given) in [
        ("range", ask.spec.range.is_some()),
        ("pattern", ask.spec.pattern.is_some()),
        ("width", ask.spec.width.is_some()),
        ("distinct", ask.spec.distinct.is_some()),
    ] {
        if given {
            return Err(Problem::Both("values", key));
        }
    }
    let texts = values
        .iter()
        .map(|value| text_of(kind, value))
        .collect::<Result<Vec<_>, _>>()?;
    if texts.is_empty() {
        return Err(Problem::Empty("values"));
    }
    match &ask.spec.weights {
        None => choice(texts, ask),
        Some(_) if ask.spec.distribution.is_some() => Err(Problem::Both("weights", "distribution")),
        Some(weights) => weighted(texts, weights, ask),
    }
}

fn weighted(texts: Vec<String>, weights: &[f64], ask: &Ask<'_>) -> Result<Form, Problem> {
    let total: f64 = weights.iter().sum();
    let sound = weights.iter().all(|weight| *weight >= 0.0) && total > 0.0 && total.is_finite();
    if weights.len() != texts.len() || !sound {
        return Err(Problem::Weights);
    }
    let cumulative = weights
        .iter()
        .scan(0.0, |sum, weight| {
            *sum += weight;
            Some(*sum)
        })
        .collect();
    Ok(Form {
        capacity: texts.len() as u64,
        shape: Shape::Choice(texts),
        draw: Draw::Weighted {
            key: ask.key,
            cumulative,
        },
    })
}

/// The values that a CHECK lists.
pub(super) fn from_check(ask: &Ask<'_>) -> Result<Form, Problem> {
    choice(ask.limits.one_of.clone().unwrap_or_default(), ask)
}

/// The labels of an enum.
pub(super) fn from_labels(labels: &[String], ask: &Ask<'_>) -> Result<Form, Problem> {
    ask.refuse_range()?;
    ask.refuse_width()?;
    choice(labels.to_vec(), ask)
}

/// Booleans: evenly, or mostly the column's default.
pub(super) fn booleans(ask: &Ask<'_>) -> Result<Form, Problem> {
    ask.refuse_range()?;
    ask.refuse_width()?;
    let texts = vec!["f".to_owned(), "t".to_owned()];
    let excluded = |value: &str| ask.limits.not.iter().any(|not| not.starts_with(value));
    match ask.default {
        _ if excluded("f") || excluded("t") => choice(texts, ask),
        Some("false") if ask.spec.distribution.is_none() => weighted(
            texts,
            &[BOOLEANS_AS_DEFAULT, 1.0 - BOOLEANS_AS_DEFAULT],
            ask,
        ),
        Some("true") if ask.spec.distribution.is_none() => weighted(
            texts,
            &[1.0 - BOOLEANS_AS_DEFAULT, BOOLEANS_AS_DEFAULT],
            ask,
        ),
        _ => choice(texts, ask),
    }
}

fn choice(texts: Vec<String>, ask: &Ask<'_>) -> Result<Form, Problem> {
    let allowed = |text: &String| {
        let not = &ask.limits.not;
        // A CHECK may write a boolean in full.
        !not.iter()
            .any(|not| not == text || (text.len() == 1 && is_boolean(not, text)))
    };
    let judge = Judge::new(&ask.limits.patterns);
    let texts: Vec<String> = texts
        .into_iter()
        .filter(|text| allowed(text) && judge.accepts(text))
        .collect();
    if texts.is_empty() {
        return Err(Problem::Contradiction);
    }
    let count = texts.len() as u64;
    Form::chosen(Shape::Choice(texts), count, ask)
}

fn is_boolean(word: &str, letter: &str) -> bool {
    matches!((word, letter), ("true", "t") | ("false", "f"))
}

/// A TOML value as text that the type's input function reads.
fn text_of(kind: &TypeKind, value: &toml::Value) -> Result<String, Problem> {
    let text = match value {
        toml::Value::String(text) => text.clone(),
        toml::Value::Array(elements) => return array_text(kind, elements),
        toml::Value::Table(_) => serde_json::to_string(value).map_err(|_| wrong(value))?,
        scalar => scalar.to_string(),
    };
    if holds(kind, &text) {
        Ok(text)
    } else {
        Err(wrong(value))
    }
}

fn wrong(value: &toml::Value) -> Problem {
    Problem::WrongValue {
        key: "values",
        value: value.to_string().trim_matches('"').to_owned(),
    }
}

fn array_text(kind: &TypeKind, elements: &[toml::Value]) -> Result<String, Problem> {
    let TypeKind::Array { element } = kind else {
        let value = toml::Value::Array(elements.to_vec());
        let json = matches!(kind, TypeKind::Base { name, .. } if name.starts_with("json"));
        return match serde_json::to_string(&value) {
            Ok(text) if json => Ok(text),
            _ => Err(wrong(&value)),
        };
    };
    let quoted = elements
        .iter()
        .map(|value| {
            let text = text_of(element, value)?;
            let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
            Ok(format!("\"{escaped}\""))
        })
        .collect::<Result<Vec<_>, Problem>>()?;
    Ok(format!("{{{}}}", quoted.join(",")))
}

/// Whether a type can hold a text, as far as that is known without asking the server.
pub(crate) fn holds(kind: &TypeKind, text: &str) -> bool {
    let (name, modifiers) = match kind {
        TypeKind::Base { name, modifiers } => (name.as_str(), modifiers),
        TypeKind::Enum { labels } => return labels.iter().any(|label| label == text),
        TypeKind::Domain { base, .. } => return holds(base, text),
        _ => return true,
    };
    let integer = |low: i64, high: i64| {
        text.trim()
            .parse::<i64>()
            .is_ok_and(|number| (low..=high).contains(&number))
    };
    match name {
        "int2" => integer(i64::from(i16::MIN), i64::from(i16::MAX)),
        "int4" => integer(i64::from(i32::MIN), i64::from(i32::MAX)),
        "int8" => integer(i64::MIN, i64::MAX),
        "numeric" | "float4" | "float8" => text.trim().parse::<f64>().is_ok(),
        "bool" => matches!(text, "true" | "false" | "t" | "f"),
        "date" => calendar::read(calendar::MomentKind::Date, text).is_some(),
        "varchar" | "bpchar" => modifiers.first().is_none_or(|&most| {
            i32::try_from(text.chars().count()).is_ok_and(|length| length <= most)
        }),
        "uuid" => text.chars().filter(char::is_ascii_hexdigit).count() == 32,
        "json" | "jsonb" => serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok(),
        "money" => decimal::read(text, 2).is_some(),
        _ => true,
    }
}
