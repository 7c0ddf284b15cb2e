//! Partitioned tables: which rows each partition takes.

use serde::{Deserialize, Serialize};

use super::{Check, RelationName};

/// How a partitioned table's rows are spread over its partitions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Partitioning {
    /// The strategy.
    pub strategy: PartitionStrategy,
    /// The key's columns; none for an expression.
    pub key: Vec<Option<String>>,
    /// The partitions by name.
    pub partitions: Vec<Partition>,
}

impl Partitioning {
    /// Partitions at any depth that hold rows themselves, in order.
    pub fn leaves(&self) -> Vec<&Partition> {
        let below = |partition: &'_ Partition| partition.partitioning.is_none();
        let all = self.descendants().into_iter();
        all.filter(|partition| below(partition)).collect()
    }

    /// All partitions at any depth, each before its own.
    pub fn descendants(&self) -> Vec<&Partition> {
        let mut all = Vec::new();
        for partition in &self.partitions {
            all.push(partition);
            if let Some(sub) = &partition.partitioning {
                all.extend(sub.descendants());
            }
        }
        all
    }
}

/// PostgreSQL's ways to partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartitionStrategy {
    /// `PARTITION BY RANGE`.
    Range,
    /// `PARTITION BY LIST`.
    List,
    /// `PARTITION BY HASH`.
    Hash,
}

/// One partition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Partition {
    /// `pg_class.oid`.
    pub oid: u32,
    /// Its name.
    pub name: RelationName,
    /// Which rows it takes.
    pub bound: PartitionBound,
    /// How it is partitioned itself.
    pub partitioning: Option<Box<Partitioning>>,
    /// CHECK constraints that it has and its parent has not.
    #[serde(default)]
    pub checks: Vec<Check>,
}

/// Which rows a partition takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartitionBound {
    /// What no other takes.
    Default,
    /// From the first, inclusive, to the second, exclusive, column after column.
    Range {
        /// `FROM`.
        from: Vec<PartitionEdge>,
        /// `TO`.
        to: Vec<PartitionEdge>,
    },
    /// These values; none is NULL.
    List {
        /// `IN`.
        values: Vec<Option<String>>,
    },
    /// Keys whose hash leaves this remainder.
    Hash {
        /// `MODULUS`.
        modulus: u32,
        /// `REMAINDER`.
        remainder: u32,
    },
}

/// One column's end of a range partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartitionEdge {
    /// `MINVALUE`.
    MinValue,
    /// A value's text.
    Value(String),
    /// `MAXVALUE`.
    MaxValue,
}
