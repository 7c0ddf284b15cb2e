//! Columns' types, resolved as far as generating values needs it.

use serde::{Deserialize, Serialize};

/// A column's type, resolved as far as generating values needs it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DataType {
    /// As `format_type` prints it, modifier included: `numeric(10,2)`, `text[]`, `public.mood`.
    pub name: String,
    /// What it is.
    pub kind: TypeKind,
}

/// The kinds of types that values are generated for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TypeKind {
    /// A type of `pg_catalog` by its internal name (`int4`, `timestamptz`, `varchar`), with the
    /// modifier's numbers as written (`varchar(20)` → `[20]`, `numeric(10,2)` → `[10, 2]`).
    Base {
        /// `pg_type.typname`.
        name: String,
        /// Type modifier arguments.
        modifiers: Vec<i32>,
    },
    /// An enum and its labels in order.
    Enum {
        /// `pg_enum.enumlabel` by `enumsortorder`.
        labels: Vec<String>,
    },
    /// An array of another type.
    Array {
        /// The element's type.
        element: Box<TypeKind>,
    },
    /// A domain over another type.
    Domain {
        /// The base type.
        base: Box<TypeKind>,
        /// NOT NULL of the domain.
        not_null: bool,
        /// CHECK expressions over `VALUE`, by `pg_get_expr`.
        checks: Vec<String>,
    },
    /// A range and the type of its bounds.
    Range {
        /// The bounds' type.
        subtype: Box<TypeKind>,
    },
    /// A multirange and the type of its ranges' bounds.
    Multirange {
        /// The bounds' type.
        subtype: Box<TypeKind>,
    },
    /// A composite type and its fields in order.
    Composite {
        /// Name and type of each.
        fields: Vec<(String, TypeKind)>,
    },
    /// Anything else (types of extensions), by its name.
    Other {
        /// `pg_type.typname`.
        name: String,
    },
}

impl TypeKind {
    /// The type below all domains.
    pub fn below_domains(&self) -> &Self {
        let mut kind = self;
        while let Self::Domain { base, .. } = kind {
            kind = base;
        }
        kind
    }

    /// The CHECKs of all its domains.
    pub fn domain_checks(&self) -> Vec<&str> {
        let (mut kind, mut all) = (self, Vec::new());
        while let Self::Domain { base, checks, .. } = kind {
            all.extend(checks.iter().map(String::as_str));
            kind = base;
        }
        all
    }
}
