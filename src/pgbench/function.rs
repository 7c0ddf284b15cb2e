//! Operators and functions of expressions: their names and their arguments.

use std::fmt;

/// An operator or a function that evaluates all its arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    BitAnd,
    BitOr,
    BitXor,
    ShiftLeft,
    ShiftRight,
    Not,
    /// IS, with NULL or a boolean on its right.
    Is,
    Abs,
    Debug,
    Double,
    Exp,
    Greatest,
    HashFnv1a,
    HashMurmur2,
    Int,
    Least,
    Ln,
    Permute,
    Pi,
    Power,
    Random,
    RandomExponential,
    RandomGaussian,
    RandomZipfian,
    Sqrt,
}

/// Most arguments of a function, pgbench's.
pub(super) const MAX_ARGUMENTS: usize = 16;

/// How many arguments a function takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Arity {
    pub(super) min: usize,
    pub(super) max: usize,
    /// Whether `:default_seed` is the last argument where it is left out.
    pub(super) seeded: bool,
}

impl Arity {
    const fn exactly(count: usize) -> Self {
        Self::between(count, count)
    }

    const fn between(min: usize, max: usize) -> Self {
        let seeded = false;
        Self { min, max, seeded }
    }

    const fn seeded(max: usize) -> Self {
        let (min, seeded) = (max - 1, true);
        Self { min, max, seeded }
    }
}

impl fmt::Display for Arity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self { max: 0, .. } => f.write_str("no arguments"),
            Self { min: 1, max: 1, .. } => f.write_str("1 argument"),
            Self { min, max, .. } if min == max => write!(f, "{max} arguments"),
            Self { min, max, .. } => write!(f, "{min} to {max} arguments"),
        }
    }
}

/// The functions that a script can call by name.
pub(super) const FUNCTIONS: [(&str, Function, Arity); 21] = [
    ("abs", Function::Abs, Arity::exactly(1)),
    ("debug", Function::Debug, Arity::exactly(1)),
    ("double", Function::Double, Arity::exactly(1)),
    ("exp", Function::Exp, Arity::exactly(1)),
    (
        "greatest",
        Function::Greatest,
        Arity::between(1, MAX_ARGUMENTS),
    ),
    ("hash", Function::HashMurmur2, Arity::seeded(2)),
    ("hash_fnv1a", Function::HashFnv1a, Arity::seeded(2)),
    ("hash_murmur2", Function::HashMurmur2, Arity::seeded(2)),
    ("int", Function::Int, Arity::exactly(1)),
    ("least", Function::Least, Arity::between(1, MAX_ARGUMENTS)),
    ("ln", Function::Ln, Arity::exactly(1)),
    ("mod", Function::Modulo, Arity::exactly(2)),
    ("permute", Function::Permute, Arity::seeded(3)),
    ("pi", Function::Pi, Arity::exactly(0)),
    ("pow", Function::Power, Arity::exactly(2)),
    ("power", Function::Power, Arity::exactly(2)),
    ("random", Function::Random, Arity::exactly(2)),
    (
        "random_exponential",
        Function::RandomExponential,
        Arity::exactly(3),
    ),
    (
        "random_gaussian",
        Function::RandomGaussian,
        Arity::exactly(3),
    ),
    ("random_zipfian", Function::RandomZipfian, Arity::exactly(3)),
    ("sqrt", Function::Sqrt, Arity::exactly(1)),
];
