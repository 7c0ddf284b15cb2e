//! .
use clap::Parser;
/// .
#[derive(Parser)]
pub struct Cli {}
impl Cli {
    /// .
    pub fn into_command(self) -> crate::commands::Command {
        crate::commands::Command {}
    }
}
