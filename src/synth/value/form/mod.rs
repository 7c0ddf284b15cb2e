//! What a column's values look like by its type, the limits on it and what the scenario says.

mod interval;
mod listed;
mod nested;
mod number;
mod range;
mod scalar;
mod system;
mod text;
mod time;

use crate::schema::TypeKind;

use super::shape::{Article, Document, DocumentKind, Figure, Shape};
use super::text::Pattern;
use crate::synth::ColumnSpec;
use crate::synth::choice::distribution::Distribution;
use crate::synth::choice::draw::{Chosen, Draw};
use crate::synth::error::Problem;
use crate::synth::limits::Limits;

pub(crate) use scalar::{Scalar, scalar};

/// What is asked of a column's values.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ask<'a> {
    /// The column's name, from which realistic shapes are guessed.
    pub(crate) name: &'a str,
    /// The random key of the column.
    pub(crate) key: u64,
    /// Rows of the table.
    pub(crate) rows: u64,
    /// How many different values there must be: the rows of a unique column, or `distinct`.
    pub(crate) different: Option<u64>,
    pub(crate) spec: &'a ColumnSpec,
    pub(crate) limits: &'a Limits,
    /// The default's expression.
    pub(crate) default: Option<&'a str>,
}

/// Values and which of them a row has.
#[derive(Debug, Clone)]
pub(crate) struct Form {
    pub(crate) shape: Shape,
    /// Which ordinals rows take where they need not be different.
    pub(crate) draw: Draw,
    /// How many ordinals are within the type and the limits.
    pub(crate) capacity: u64,
}

impl Form {
    /// Values by the row's own number.
    fn by_row(shape: Shape) -> Self {
        Self {
            capacity: shape.capacity(),
            shape,
            draw: Draw::Row,
        }
    }

    /// Values chosen from `0..count` by the scenario's distribution.
    fn chosen(shape: Shape, count: u64, ask: &Ask<'_>) -> Result<Self, Problem> {
        let distribution = ask.distribution()?.of_shares()?;
        Ok(Self::distributed(shape, count, ask.key, distribution))
    }

    fn distributed(shape: Shape, count: u64, key: u64, distribution: Distribution) -> Self {
        Self {
            shape,
            draw: Draw::Chosen(Chosen::within(key, distribution, count)),
            capacity: count,
        }
    }
}

impl Ask<'_> {
    /// The distribution that the scenario gives, else the uniform one.
    pub(crate) fn distribution(&self) -> Result<Distribution, Problem> {
        match &self.spec.distribution {
            Some(text) => Ok(text.parse()?),
            None => Ok(Distribution::Uniform),
        }
    }

    fn refuse_range(&self) -> Result<(), Problem> {
        match self.spec.range {
            Some(_) => Err(Problem::WrongOverride("range")),
            None => Ok(()),
        }
    }

    fn refuse_width(&self) -> Result<(), Problem> {
        match self.spec.width {
            Some(_) => Err(Problem::WrongOverride("width")),
            None => Ok(()),
        }
    }
}

pub(crate) use listed::holds;

/// The most characters that text of a type and its limits may have.
pub(crate) fn most_characters(kind: &TypeKind, ask: &Ask<'_>) -> u32 {
    let (name, modifiers) = match kind {
        TypeKind::Base { name, modifiers } => (name.as_str(), modifiers.as_slice()),
        _ => ("", [].as_slice()),
    };
    let modifier = modifiers.first().and_then(|&n| u32::try_from(n).ok());
    text::most_characters(name, modifier, ask)
}

/// The values of a type. `kind` is no domain.
pub(crate) fn form(kind: &TypeKind, ask: &Ask<'_>) -> Result<Form, Problem> {
    let form = listed_or_typed(kind, ask)?;
    match ask.different {
        Some(needed) if needed > form.capacity => Err(Problem::TooFew {
            capacity: form.capacity,
            needed,
        }),
        _ => Ok(form),
    }
}

fn listed_or_typed(kind: &TypeKind, ask: &Ask<'_>) -> Result<Form, Problem> {
    if let Some(values) = &ask.spec.values {
        return listed::from_values(kind, values, ask);
    }
    if ask.spec.weights.is_some() {
        return Err(Problem::Weights);
    }
    if let Some(pattern) = &ask.spec.pattern {
        return text::from_pattern(kind, pattern, ask);
    }
    if ask.limits.one_of.is_some() && ask.spec.range.is_none() {
        return listed::from_check(ask);
    }
    by_type(kind, ask)
}

fn by_type(kind: &TypeKind, ask: &Ask<'_>) -> Result<Form, Problem> {
    let (name, modifiers) = match kind {
        TypeKind::Base { name, modifiers } => (name.as_str(), modifiers.as_slice()),
        TypeKind::Enum { labels } => return listed::from_labels(labels, ask),
        TypeKind::Array { element } => return nested::array(element, ask),
        TypeKind::Domain { base, .. } => return by_type(base, ask),
        TypeKind::Range { subtype } => return range::form(subtype, false, ask),
        TypeKind::Multirange { subtype } => return range::form(subtype, true, ask),
        TypeKind::Composite { fields } => return nested::composite(fields, ask),
        TypeKind::Other { name } => (name.as_str(), [].as_slice()),
    };
    let modifier = modifiers
        .first()
        .and_then(|&number| u32::try_from(number).ok());
    match name {
        "int2" | "int4" | "int8" | "oid" | "numeric" | "float4" | "float8" | "money" | "xid"
        | "xid8" | "cid" => return number::form(name, modifiers, ask),
        "date" | "time" | "timetz" | "timestamp" | "timestamptz" => {
            return time::form(name, modifier, ask);
        }
        "interval" => return interval::form(modifiers, ask),
        "text" | "varchar" | "bpchar" | "char" | "name" | "citext" | "refcursor" => {
            return text::form(name, modifier, ask);
        }
        "bytea" => return text::bytes(ask),
        "varbit" => return text::bits(modifier, ask),
        "bool" => return listed::booleans(ask),
        _ => {}
    }
    ask.refuse_range()?;
    ask.refuse_width()?;
    by_name(name, modifier, ask)
}

/// The types that nothing can be said of but how often each value is there.
fn by_name(name: &str, modifier: Option<u32>, ask: &Ask<'_>) -> Result<Form, Problem> {
    let key = ask.key;
    match name {
        "uuid" => Ok(Form::by_row(Shape::Uuid { key })),
        "json" | "jsonb" => json(ask),
        "inet" => Form::chosen(Shape::Address { host: true }, ADDRESSES, ask).map(any_number),
        "cidr" => Form::chosen(Shape::Address { host: false }, ADDRESSES, ask).map(any_number),
        "macaddr" => Ok(Form::by_row(Shape::Hardware { bytes: 6 })),
        "macaddr8" => Ok(Form::by_row(Shape::Hardware { bytes: 8 })),
        "bit" => Ok(Form::by_row(Shape::Bits {
            key,
            width: modifier.unwrap_or(1),
        })),
        _ => {
            let shape = document(name, key)
                .or_else(|| figure(name, key))
                .or_else(|| article(name));
            match shape {
                Some(shape) => Ok(Form::by_row(shape)),
                None => system::form(name, ask),
            }
        }
    }
}

/// JSON of the kind that CHECKs want: an object where they do not say.
fn json(ask: &Ask<'_>) -> Result<Form, Problem> {
    let allowed = |kind: &&str| {
        let listed = ask.limits.json.as_ref();
        listed.is_none_or(|kinds| kinds.iter().any(|listed| listed == kind))
            && !ask.limits.not_json.iter().any(|not| not == kind)
    };
    let pattern = |text| Ok(Form::by_row(Shape::Pattern(Pattern::new(text))));
    match ["object", "array", "string", "number", "boolean"]
        .iter()
        .copied()
        .find(allowed)
    {
        Some("object") => Ok(Form::by_row(Shape::Json { key: ask.key })),
        Some("array") => pattern("[{n}]"),
        Some("string") => pattern("\"text-{n}\""),
        Some("number") => pattern("{n}"),
        Some(_) => pattern("true"),
        None => pattern("null"),
    }
}

/// Addresses that a column has at most, where they need not be unique: a handful of networks.
const ADDRESSES: u64 = 1 << 16;

fn document(name: &str, key: u64) -> Option<Shape> {
    let kind = match name {
        "xml" => DocumentKind::Xml,
        "jsonpath" => DocumentKind::JsonPath,
        "tsvector" => DocumentKind::TsVector,
        "tsquery" => DocumentKind::TsQuery,
        "hstore" => DocumentKind::HStore,
        "ltree" => DocumentKind::LTree,
        "lquery" => DocumentKind::LQuery,
        "ltxtquery" => DocumentKind::LTxtQuery,
        "query_int" => DocumentKind::IntQuery,
        _ => return None,
    };
    Some(Shape::Document(Document { key, kind }))
}

fn figure(name: &str, key: u64) -> Option<Shape> {
    let figure = match name {
        "point" => Figure::Point,
        "line" => Figure::Line,
        "lseg" => Figure::Segment,
        "box" => Figure::Box,
        "path" => Figure::Path,
        "polygon" => Figure::Polygon,
        "circle" => Figure::Circle,
        "cube" => Figure::Cube,
        "seg" => Figure::Seg,
        _ => return None,
    };
    Some(Shape::Figure { key, figure })
}

fn article(name: &str) -> Option<Shape> {
    let article = match name {
        "ean13" => Article::Ean,
        "isbn" | "isbn13" => Article::Isbn,
        "ismn" | "ismn13" => Article::Ismn,
        "issn" | "issn13" => Article::Issn,
        "upc" => Article::Upc,
        _ => return None,
    };
    Some(Shape::Article(article))
}

/// A form whose usual choice is smaller than what its shape can tell apart.
fn any_number(form: Form) -> Form {
    Form {
        capacity: form.shape.capacity(),
        ..form
    }
}
