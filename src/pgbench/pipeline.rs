//! Pipelines: commands that are sent without waiting for the results of those before them.

use super::source::Place;

/// A command about pipelines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pipeline {
    /// `\startpipeline`: from here on statements are sent without reading their results.
    Start,
    /// `\syncpipeline`: a synchronisation point: what came before it is done by itself, in a transaction
    /// of its own where no block is open, and the pipeline goes on.
    Sync,
    /// `\endpipeline`: a synchronisation point, and all results are read.
    End,
}

/// Whether a pipeline is open at a place of a script, as far as reading it tells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Mode {
    #[default]
    Closed,
    /// Since the command at this place.
    Open(Place),
    /// That depends on the conditions before it.
    Either,
}

/// A pipeline is begun in another.
const ALREADY: &str = "already in pipeline mode: \\endpipeline must come first";
/// There is no pipeline to end or to synchronise.
const NOT_YET: &str = "not in pipeline mode: \\startpipeline must come first";
/// A pipeline that nothing ends.
pub(super) const STILL_OPEN: &str =
    "this pipeline is still open at the end of the script: \\endpipeline is missing";

impl Mode {
    /// After a command at a place.
    pub(super) fn after(self, command: Pipeline, place: Place) -> Result<Self, &'static str> {
        match (command, self) {
            (Pipeline::Start, Mode::Open(_)) => Err(ALREADY),
            (Pipeline::Sync | Pipeline::End, Mode::Closed) => Err(NOT_YET),
            (Pipeline::Start, Mode::Closed | Mode::Either) => Ok(Mode::Open(place)),
            (Pipeline::End, Mode::Open(_) | Mode::Either) => Ok(Mode::Closed),
            (Pipeline::Sync, Mode::Open(_)) => Ok(self),
            (Pipeline::Sync, Mode::Either) => Ok(Mode::Open(place)),
        }
    }

    /// Where two branches come together.
    pub(super) fn or(self, other: Self) -> Self {
        match (self, other) {
            (Mode::Closed, Mode::Closed) => Mode::Closed,
            (Mode::Open(place), Mode::Open(_)) => Mode::Open(place),
            _ => Mode::Either,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::pgbench::Definitions;
    use crate::pgbench::trial::{bind, bind_with, outcome, steps};

    #[test]
    fn a_pipeline_is_made_of_steps() {
        let text = "\\startpipeline\nA;\n\\syncpipeline\nB;\n\\endpipeline\nC";
        assert_eq!(steps(text), ["Start", "A", "Sync", "B", "End", "C"]);
    }

    #[test]
    fn what_cannot_go_well_is_refused_before_it_runs() {
        for (text, message) in [
            (
                "\\startpipeline\n\\startpipeline\n\\endpipeline",
                "t.sql:2:1: already in pipeline mode: \\endpipeline must come first",
            ),
            (
                "A;\n \\endpipeline",
                "t.sql:2:2: not in pipeline mode: \\startpipeline must come first",
            ),
            (
                "\\if 1\n\\syncpipeline\n\\endif",
                "t.sql:2:1: not in pipeline mode: \\startpipeline must come first",
            ),
            (
                "\\startpipeline\nA;",
                "t.sql:1:1: this pipeline is still open at the end of the script: \\endpipeline is missing",
            ),
            (
                "\\startpipeline\nA \\gset\n\\endpipeline",
                "t.sql:2:3: \\gset is not allowed in pipeline mode: its rows are there only after \\endpipeline",
            ),
            (
                "\\if 1\n\\startpipeline\n\\else\n\\startpipeline\n\\endif\nA \\aset",
                "t.sql:6:3: \\aset is not allowed in pipeline mode: its rows are there only after \\endpipeline",
            ),
        ] {
            assert_eq!(bind(text).unwrap_err().to_string(), message, "{text}");
        }
        let text = "A;\n\\startpipeline\n\\endpipeline";
        let error = bind_with(text, &Definitions::default().substituted()).unwrap_err();
        let message = "t.sql:2:1: cannot use pipeline mode with the simple query protocol";
        assert!(error.to_string().starts_with(message), "{error}");
    }

    #[test]
    fn what_depends_on_conditions_is_decided_when_it_runs() {
        let both =
            |x: u8, end: &str| format!("\\set x {x}\n\\if :x\n\\startpipeline\n\\endif\nA;\n{end}");
        let ended = "\\if :x\n\\endpipeline\n\\endif";
        assert_eq!(steps(&both(1, ended)), ["Start", "A", "End"]);
        assert_eq!(steps(&both(0, ended)), ["A"]);
        for (text, message) in [
            (
                both(0, "\\endpipeline"),
                "t.sql:6:1: not in pipeline mode: \\startpipeline must come first",
            ),
            (
                both(1, "\\startpipeline\n\\endpipeline"),
                "t.sql:6:1: already in pipeline mode: \\endpipeline must come first",
            ),
            (
                both(1, "B"),
                "t.sql:3:1: this pipeline is still open at the end of the script: \\endpipeline is missing",
            ),
            (
                both(1, "B \\gset"),
                "t.sql:6:3: \\gset is not allowed in pipeline mode: its rows are there only after \\endpipeline",
            ),
        ] {
            assert_eq!(outcome(&text).unwrap_err(), message, "{text}");
        }
        assert_eq!(steps(&both(0, "B")), ["A", "B"]);
    }
}
