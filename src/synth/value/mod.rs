//! Values: the text of a value as a function of its ordinal, for every type ([`shape`]), and which of them
//! a column's type, limits and overrides ask for ([`form`]).

pub(crate) mod calendar;
pub(crate) mod captured;
pub(crate) mod decimal;
pub(crate) mod digits;
pub(crate) mod form;
pub(crate) mod matching;
pub(crate) mod shape;
pub(crate) mod text;
