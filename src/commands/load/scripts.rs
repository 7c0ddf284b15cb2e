//! The scripts of the command line as transactions.

use std::path::Path;

use anyhow::Context;

use super::ScriptArgument;
use crate::commands::Failure;
use crate::pgbench::{Builtin, Script, WeightedName};
use crate::scenario::plan::TransactionPlan;

/// Reads and parses them. What is given twice is told apart by its number.
pub(super) fn transactions(arguments: &[ScriptArgument]) -> Result<Vec<TransactionPlan>, Failure> {
    let mut transactions: Vec<TransactionPlan> = Vec::new();
    for argument in arguments {
        let mut transaction = match argument {
            ScriptArgument::Builtin(argument) => builtin(argument)?,
            ScriptArgument::File(argument) => file(argument)?,
        };
        let taken = |name: &str| transactions.iter().any(|other| other.name == name);
        let plain = transaction.name.clone();
        let mut number = 2;
        while taken(&transaction.name) {
            transaction.name = format!("{plain} ({number})");
            number += 1;
        }
        transactions.push(transaction);
    }
    Ok(transactions)
}

fn builtin(argument: &str) -> Result<TransactionPlan, Failure> {
    let named = WeightedName::parse(argument).map_err(Failure::usage)?;
    let builtin = Builtin::find(named.name).map_err(Failure::usage)?;
    Ok(TransactionPlan {
        name: builtin.name.to_owned(),
        weight: named.weight,
        script: Script::builtin(builtin.name).map_err(Failure::usage)?,
        ..TransactionPlan::default()
    })
}

fn file(argument: &str) -> Result<TransactionPlan, Failure> {
    let named = WeightedName::parse(argument).map_err(Failure::usage)?;
    let text = std::fs::read_to_string(named.name)
        .with_context(|| format!("cannot read the script {}", named.name))
        .map_err(Failure::usage)?;
    let name = Path::new(named.name).file_name();
    Ok(TransactionPlan {
        name: name.map_or(named.name.into(), |name| {
            name.to_string_lossy().into_owned()
        }),
        weight: named.weight,
        file: Some(named.name.to_owned()),
        script: Script::parse(named.name, &text).map_err(Failure::usage)?,
        ..TransactionPlan::default()
    })
}
