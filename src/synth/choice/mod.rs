//! Choices: from a row's number to the ordinal that its value is made from, by randomness that needs no
//! memory.

pub(crate) mod arrangement;
pub(crate) mod chooser;
pub(crate) mod chosen;
pub(crate) mod distribution;
pub(crate) mod draw;
pub(crate) mod permutation;
pub(crate) mod pieces;
pub(crate) mod random;
