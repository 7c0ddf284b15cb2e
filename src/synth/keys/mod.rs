//! Keys: which rows of their parents the rows of a table have, and what unique keys ask of columns.
//!
//! [`links`] reads the foreign keys, [`unique`] the unique ones. Where foreign keys share columns, as in
//! schemas of tenants, tables stand below each other ([`kinship`]) and their rows in an [`order`] that
//! can be computed both ways; where they go round in a circle, [`circles`] and [`twins`] give them
//! equal rows.

pub(crate) mod assign;
pub(crate) mod circles;
pub(crate) mod demand;
pub(crate) mod domains;
pub(crate) mod implied;
pub(crate) mod kin;
pub(crate) mod kinship;
pub(crate) mod linked;
pub(crate) mod links;
pub(crate) mod order;
pub(crate) mod relation;
pub(crate) mod rivals;
pub(crate) mod rounds;
pub(crate) mod spread;
pub(crate) mod twins;
pub(crate) mod unique;
