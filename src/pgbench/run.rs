//! Runs: a program executed once, statement by statement.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::capture::ResultSet;
use super::expression::Failure;
use super::keys::Keys;
use super::pipeline::{Mode, Pipeline};
use super::program::{Content, Instruction, Program, Slot, Variable};
use super::random::Generator;
use super::source::ScriptError;
use super::state::State;

/// What the caller does next for a run.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Send this statement with these parameters in text form.
    Sql {
        /// Index into [`Program::statements`].
        statement: usize,
        /// The values, none for NULL. Of a program bound to
        /// [substitute](super::Definitions::substituted) there may be more of them than parameters, for
        /// [`interpolate`](super::Sql::interpolate) alone.
        parameters: Vec<Option<String>>,
    },
    /// Begin, synchronise or end a pipeline.
    Pipeline(Pipeline),
    /// Wait.
    Sleep(Duration),
    /// The transaction is over.
    Done,
}

/// One execution of a program: its variables, random numbers and place.
#[derive(Debug)]
pub struct Run {
    pub(super) program: Arc<Program>,
    seed: u64,
    serial: u64,
    /// The instruction that comes next.
    next: usize,
    state: State,
    /// The client's number, if it is known.
    client: Option<u32>,
    /// What other programs of the same client have left in variables that this one does not know.
    left: BTreeMap<Arc<str>, Content>,
}

impl Run {
    /// Begins a run. `seed` decides its random numbers; `serial` is unique among all runs of a
    /// rehearsal and decides what `\fresh` yields.
    pub fn new(program: Arc<Program>, seed: u64, serial: u64) -> Self {
        let state = State {
            variables: program.variables.initial.clone(),
            random: Generator::new(seed),
            pipeline: Mode::default(),
        };
        Self {
            program,
            seed,
            serial,
            next: 0,
            state,
            client: None,
            left: BTreeMap::new(),
        }
    }

    /// Makes this and all [next](Self::next) runs those of the client of this number: `:client_id`, unless
    /// that was defined.
    #[must_use]
    pub fn of_client(mut self, number: u32) -> Self {
        self.client = Some(number);
        if let Some(slot) = self.program.seeds.client {
            self.state.set(slot, Content::number(number));
        }
        self
    }

    /// Begins the next run of the same client, as pgbench has clients: every variable keeps what it
    /// holds, also over runs of other programs in between.
    #[must_use]
    pub fn next(mut self, program: Arc<Program>, seed: u64, serial: u64) -> Self {
        if !Arc::ptr_eq(&self.program, &program) {
            let held = std::mem::take(&mut self.state.variables);
            let names = self.program.variables.names.iter().cloned();
            let set = |(_, content): &(_, Content)| *content != Content::Unset;
            self.left.extend(names.zip(held).filter(set));
            let mut variables = program.variables.initial.clone();
            if let (Some(Slot(slot)), Some(number)) = (program.seeds.client, self.client)
                && let Some(variable) = variables.get_mut(slot)
            {
                *variable = Content::number(number);
            }
            for (name, variable) in program.variables.names.iter().zip(&mut variables) {
                if let Some(left) = self.left.remove(name) {
                    *variable = left;
                }
            }
            self.state.variables = variables;
            self.program = program;
        }
        self.seed = seed;
        self.serial = serial;
        self.again();
        self
    }

    /// Begins this run again after a failure, as pgbench does: with the same random numbers; variables
    /// keep what they hold.
    pub fn again(&mut self) {
        self.next = 0;
        self.state.random = Generator::new(self.seed);
        self.state.pipeline = Mode::default();
    }

    /// Sets a variable of the run's [program](Program::variable), none for NULL.
    pub fn give(&mut self, Variable(slot): Variable, value: Option<String>) {
        self.state.set(slot, Content::of(value));
    }

    /// Keeps what a statement with a [capture](super::Sql::capture) returned: all its results in their
    /// order, also those without rows. Of a statement without one nothing is kept.
    ///
    /// # Errors
    ///
    /// `\gset` after other than one row, or a column whose name no variable can have. This ends the run.
    pub fn store(&mut self, statement: usize, results: &[ResultSet]) -> Result<(), ScriptError> {
        let Some(capture) = self.program.capture(statement) else {
            return Ok(());
        };
        let kept = self.state.keep(&self.program, capture, results);
        kept.map_err(|failure| self.fail(failure))
    }

    /// Goes on to the next thing that the caller must do. An error (division by zero, …) ends the run.
    ///
    /// # Errors
    ///
    /// An expression that has no value, a variable that is used before it is set, or a command about
    /// pipelines where it cannot stand.
    pub fn step(&mut self, keys: &dyn Keys) -> Result<Step, ScriptError> {
        self.advance(keys).map_err(|failure| self.fail(failure))
    }

    /// Ends the run with an error.
    fn fail(&mut self, Failure { fault, place }: Failure) -> ScriptError {
        self.next = self.program.instructions.len();
        self.state.pipeline = Mode::default();
        place.error(&self.program.name, fault.to_string())
    }

    fn advance(&mut self, keys: &dyn Keys) -> Result<Step, Failure> {
        let Self {
            program,
            serial,
            next,
            state,
            ..
        } = self;
        while let Some(instruction) = program.instructions.get(*next) {
            *next += 1;
            match instruction {
                Instruction::Sql {
                    statement,
                    arguments,
                } => {
                    let parameters = state.arguments(program, *statement, arguments)?;
                    return Ok(Step::Sql {
                        statement: *statement,
                        parameters,
                    });
                }
                Instruction::Set(slot, expression) => {
                    let value = state.evaluate(program, expression)?;
                    state.set(*slot, Content::Value(value));
                }
                Instruction::Sleep(time, unit) => {
                    let amount = state.sleep(program, *time)?;
                    // A time before now is no wait, as in pgbench.
                    let amount = u64::try_from(amount).unwrap_or(0);
                    let time = Duration::from_micros(amount.saturating_mul(unit.microseconds));
                    return Ok(Step::Sleep(time));
                }
                Instruction::Pipeline(pipeline, place) => {
                    state.pipe(*pipeline, *place)?;
                    return Ok(Step::Pipeline(*pipeline));
                }
                Instruction::Pick(slots, key) => {
                    let row = keys.pick_row(*key, state.random.bits());
                    state.set_all(slots, row);
                }
                Instruction::Fresh(slots, key, number) => {
                    let first = serial.wrapping_mul(program.stride);
                    let row = keys.fresh_row(*key, first.wrapping_add(*number));
                    state.set_all(slots, row);
                }
                Instruction::Jump(target) => *next = *target,
                Instruction::JumpUnless(condition, target) => {
                    if !state.evaluate(program, condition)?.holds() {
                        *next = *target;
                    }
                }
            }
        }
        state.finish()?;
        Ok(Step::Done)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::pgbench::trial::{Answers, bind, bind_with, finish, keys, outcome, steps, trace};
    use crate::pgbench::{Definitions, Script};

    #[test]
    fn statements_get_the_values_of_their_time() {
        let text = "\\set x 1\nSELECT :x;\\set x :x + 1.5\nUPDATE t SET a = :x; SELECT :x, :x";
        assert_eq!(
            steps(text),
            ["SELECT 1", "UPDATE t SET a = 2.5", "SELECT 2.5, 2.5"]
        );
    }

    #[test]
    fn parameters_print_as_pgbench_prints_them() {
        let text =
            "\\set b true\n\\set n null\n\\set d 1 / 3.0\n\\set i -5\nSELECT :b, :n, :d, :i;";
        let program = Arc::new(bind(text).unwrap());
        let step = Run::new(program, 0, 0).step(&keys()).unwrap();
        let expected = [Some("true"), None, Some("0.333333333333333"), Some("-5")];
        let parameters = expected.map(|value| value.map(str::to_owned)).into();
        assert_eq!(
            step,
            Step::Sql {
                statement: 0,
                parameters
            }
        );
    }

    #[test]
    fn conditions_choose_one_branch() {
        let script = |x: &str| {
            format!(
                "\\set x {x}\n\\if :x = 1\nA;\n\\elif :x = 2\nB;\n\\if false\nC;\n\\endif\nD;\n\\else\nE;\n\\endif\nF"
            )
        };
        assert_eq!(steps(&script("1")), ["A", "F"]);
        assert_eq!(steps(&script("2")), ["B", "D", "F"]);
        assert_eq!(steps(&script("3")), ["E", "F"]);
        assert_eq!(steps(&script("null")), ["E", "F"]);
    }

    #[test]
    fn an_elif_after_the_chosen_branch_is_not_evaluated() {
        assert_eq!(steps("\\if true\nA;\n\\elif 1 / 0\nB;\n\\endif"), ["A"]);
    }

    #[test]
    fn sleeps_are_durations() {
        let text = "\\set t 20.9\n\\sleep 2\n\\sleep 5ms\n\\sleep :t us\n\\sleep -3 s";
        assert_eq!(steps(text), ["2s", "5ms", "20µs", "0ns"]);
        let error = outcome("\\set t true\n\\sleep :t").unwrap_err();
        assert_eq!(
            error,
            "t.sql:2:8: `true` is not a time to sleep: it must be an integer"
        );
    }

    #[test]
    fn predefined_variables_are_there() {
        let text = "SELECT :client_id, :scale, :random_seed, :rows_users, :rows_app_order_lines, :rows_order_lines";
        assert_eq!(steps(text), ["SELECT 0, 7, 0, 10, 20, 20"]);
        // What `pgbench --random-seed=42` shows.
        let program = bind("SELECT :default_seed, :random_seed")
            .unwrap()
            .with_seed(42, 1);
        let step = Run::new(Arc::new(program), 0, 0).step(&keys()).unwrap();
        let parameters = vec![
            Some("4306334408478191133".to_owned()),
            Some("42".to_owned()),
        ];
        assert_eq!(
            step,
            Step::Sql {
                statement: 0,
                parameters
            }
        );
    }

    #[test]
    fn picks_follow_the_seed_and_keep_their_text() {
        let text = "\\pick id users.id zipf(1.1)\n\\pick name users.name\n\\set next :id + 1\nSELECT :id, :name, :next";
        let first = trace(text, 1, 0).unwrap();
        assert_eq!(first, trace(text, 1, 9).unwrap());
        assert_ne!(first, trace(text, 2, 0).unwrap());
        assert!(first[0].contains("'user "), "{first:?}");
        let error = outcome("\\pick name users.name\n\\set x :name * 2").unwrap_err();
        assert!(error.starts_with("t.sql:2:8: the value `user "), "{error}");
    }

    #[test]
    fn one_row_sets_several_variables() {
        let text = "\\pick a,b users.x,y\nSELECT :a, :b";
        let step = &steps(text)[0];
        let number: u64 = step
            .trim_start_matches("SELECT 'user ")
            .split('\'')
            .next()
            .and_then(|number| number.parse().ok())
            .unwrap();
        assert_eq!(*step, format!("SELECT 'user {number}', '{number}b'"));
    }

    #[test]
    fn fresh_values_never_repeat() {
        let text = "\\fresh a users.id\n\\fresh b users.id\nSELECT :a, :b";
        let all: Vec<_> = (0..3)
            .flat_map(|serial| trace(text, 1, serial).unwrap())
            .collect();
        assert_eq!(all, ["SELECT 0, 1", "SELECT 2, 3", "SELECT 4, 5"]);
    }

    #[test]
    fn fresh_values_of_several_programs_never_repeat() {
        let texts = [
            "\\fresh a users.id\nSELECT :a",
            "\\fresh a users.id\n\\fresh b users.id\n\\fresh c users.id\nSELECT :a, :b, :c",
        ];
        let programs = texts.map(|text| bind(text).unwrap());
        let stride = programs.iter().map(Program::fresh).max().unwrap();
        assert_eq!(stride, 3);
        let programs = programs.map(|program| Arc::new(program.with_stride(stride)));
        let mut seen = std::collections::BTreeSet::new();
        for serial in 0..12 {
            let program = &programs[serial % 2];
            let mut run = Run::new(Arc::clone(program), 1, serial as u64);
            let sent = finish(&mut run, Answers::new()).unwrap().concat();
            let values = sent.trim_start_matches("SELECT ").split(", ");
            for value in values {
                assert!(seen.insert(value.to_owned()), "{value} again");
            }
        }
    }

    #[test]
    fn errors_at_bind_point_at_the_variable_or_key() {
        for (text, message) in [
            (
                "SELECT 1,\n  :user_id\\pick userid users.id",
                "t.sql:2:3: variable `user_id` is never set; did you mean `:userid`?",
            ),
            (
                "\\pick m users.mood\n\\fresh m users.mood",
                "t.sql:2:10: every value that `users.mood` can have may be in some row: \\fresh has none to give",
            ),
            (
                "\\set x :nothing_like_it",
                "t.sql:1:8: variable `nothing_like_it` is never set",
            ),
            ("\\sleep :t", "t.sql:1:8: variable `t` is never set"),
            (
                "\\pick x users.age",
                "t.sql:1:9: there is no column users.age",
            ),
        ] {
            assert_eq!(outcome(text).unwrap_err(), message, "{text}");
        }
    }

    #[test]
    fn an_error_ends_the_run() {
        let program = Arc::new(bind("SELECT 1;\n\\set x 1 / 0\nSELECT :x").unwrap());
        let mut run = Run::new(program, 0, 0);
        assert!(matches!(run.step(&keys()), Ok(Step::Sql { .. })));
        let error = run.step(&keys()).unwrap_err();
        assert_eq!(error.to_string(), "t.sql:2:10: division by zero");
        assert_eq!(run.step(&keys()), Ok(Step::Done));
    }

    #[test]
    fn a_variable_set_only_elsewhere_is_an_error_where_it_is_used() {
        let error = outcome("\\if false\n\\set x 1\n\\endif\nSELECT :x").unwrap_err();
        let message =
            "t.sql:4:8: variable `x` has no value yet: no command before this one has set it";
        assert_eq!(error, message);
    }

    #[test]
    fn the_script_of_tpc_b_runs() {
        let text = "\\set aid random(1, 100000 * :scale)\n\\set delta random(-5000, 5000)\nBEGIN;\n\
            UPDATE pgbench_accounts SET abalance = abalance + :delta WHERE aid = :aid;\nEND;\n";
        let all = steps(text);
        assert_eq!(
            (all.len(), all[0].as_str(), all[2].as_str()),
            (3, "BEGIN", "END")
        );
    }

    fn run(text: &str, definitions: &Definitions) -> Run {
        Run::new(Arc::new(bind_with(text, definitions).unwrap()), 1, 0)
    }

    #[test]
    fn definitions_stand_in_the_place_of_what_is_predefined() {
        let mut definitions = Definitions::default();
        for definition in ["scale=3", "random_seed=9", "x=abc", "y=no"] {
            definitions.define(definition).unwrap();
        }
        let text = "\\set z :scale + 1\n\\set n not :y\n\\set x 1\nSELECT :scale, :random_seed, :z, :n, :x";
        let program = bind_with(text, &definitions).unwrap().with_seed(42, 1);
        let mut run = Run::new(Arc::new(program), 0, 0);
        let done = finish(&mut run, Answers::new()).unwrap();
        assert_eq!(done, ["SELECT 3, 9, 4, 'true', 1"]);
        // Until the script sets it, it is what was defined.
        let mut run = self::run("SELECT :x;\\set x 1", &definitions);
        assert_eq!(finish(&mut run, Answers::new()).unwrap(), ["SELECT 'abc'"]);
    }

    #[test]
    fn a_caller_gives_values_before_the_run() {
        let mut definitions = Definitions::default();
        definitions.expect("id").unwrap();
        let mut run = run("SELECT :id, :client_id", &definitions);
        let id = run.program.variable("id").unwrap();
        let client = run.program.variable("client_id").unwrap();
        assert_eq!(run.program.variable("scale"), None);
        run.give(id, Some("it's".to_owned()));
        run.give(client, None);
        let done = finish(&mut run, Answers::new()).unwrap();
        assert_eq!(done, ["SELECT 'it''s', NULL"]);
        let mut without = self::run("SELECT :id", &definitions);
        assert!(without.step(&keys()).is_err());
    }

    #[test]
    fn a_client_keeps_its_variables() {
        let count = Arc::new(
            bind("\\if :{?n}\n\\set n :n + 1\n\\else\n\\set n 1\n\\endif\nSELECT :n").unwrap(),
        );
        let mut definitions = Definitions::default();
        definitions.expect("n").unwrap();
        let read = Arc::new(bind_with("\\set m :n * 10\nSELECT :m", &definitions).unwrap());
        let other = Arc::new(bind("SELECT 1").unwrap());
        let mut run = Run::new(Arc::clone(&count), 0, 0);
        let mut seen = finish(&mut run, Answers::new()).unwrap();
        for program in [&count, &other, &count, &read] {
            run = run.next(Arc::clone(program), 0, 0);
            seen.extend(finish(&mut run, Answers::new()).unwrap());
        }
        assert_eq!(
            seen,
            ["SELECT 1", "SELECT 2", "SELECT 1", "SELECT 3", "SELECT 30"]
        );
    }

    #[test]
    fn a_client_has_its_number_in_every_script() {
        let (other, read) = (
            bind("SELECT 1").unwrap(),
            bind("SELECT :client_id + 1").unwrap(),
        );
        let (other, read) = (Arc::new(other), Arc::new(read));
        for (first, second) in [(&other, &read), (&read, &other), (&read, &read)] {
            let mut run = Run::new(Arc::clone(first), 0, 0).of_client(7);
            let mut seen = finish(&mut run, Answers::new()).unwrap();
            run = run.next(Arc::clone(second), 1, 1);
            seen.extend(finish(&mut run, Answers::new()).unwrap());
            assert!(seen.contains(&"SELECT 7 + 1".to_owned()), "{seen:?}");
        }
        let mut definitions = Definitions::default();
        definitions.define("client_id=3").unwrap();
        let read = Arc::new(bind_with("SELECT :client_id", &definitions).unwrap());
        let mut run = Run::new(other, 0, 0).of_client(7).next(read, 0, 0);
        assert_eq!(finish(&mut run, Answers::new()).unwrap(), ["SELECT 3"]);
        let text = "\\set client_id :client_id * 2\nSELECT :client_id";
        let double = Arc::new(bind(text).unwrap());
        let mut run = Run::new(Arc::clone(&double), 0, 0).of_client(7);
        assert_eq!(finish(&mut run, Answers::new()).unwrap(), ["SELECT 14"]);
        let mut run = run.next(double, 0, 0);
        assert_eq!(finish(&mut run, Answers::new()).unwrap(), ["SELECT 28"]);
    }

    #[test]
    fn a_variable_of_another_script_is_the_same_clients() {
        let set = "\\set n 5\nSELECT 'x' AS y \\gset p_\n\\pick name users.name";
        let script = Script::parse("set.sql", set).unwrap();
        let definitions = Definitions::default().beside(&script);
        assert!(bind("SELECT :n").is_err());
        for text in ["SELECT :n", "SELECT :p_y", "SELECT :name"] {
            bind_with(text, &definitions).unwrap();
        }
        for text in ["SELECT :m", "SELECT :p_", "SELECT :y"] {
            assert!(bind_with(text, &definitions).is_err(), "{text}");
        }
    }

    #[test]
    fn a_run_that_begins_again_draws_the_same() {
        let mut run = run(
            "\\set x random(1, 1000000000)\nSELECT :x",
            &Definitions::default(),
        );
        let first = finish(&mut run, Answers::new()).unwrap();
        run.again();
        assert_eq!(finish(&mut run, Answers::new()).unwrap(), first);
    }

    #[test]
    fn statements_ask_whether_variables_are_set() {
        let text = "SELECT :{?x}, :{?scale}, :{?nowhere};\n\\set x null\nSELECT NOT :{?x}";
        let sent = [
            "SELECT FALSE::boolean, TRUE::boolean, FALSE",
            "SELECT NOT TRUE::boolean",
        ];
        let mut run = run(text, &Definitions::default().substituted());
        assert_eq!(finish(&mut run, Answers::new()).unwrap(), sent);
        assert_eq!(
            run.program.statements()[0].text,
            "SELECT $1::boolean, $2::boolean, FALSE"
        );
    }

    #[test]
    fn substitution_reaches_into_quotes_and_makes_names_of_values() {
        let mut definitions = Definitions::default();
        definitions.define("t=app.users").unwrap();
        let text = "\\set x 5\n\\pick name users.name\n\
            SELECT ':x', ':late :nowhere' FROM :t WHERE name = :name AND b = :b;\\set late 1";
        definitions.define("b=true").unwrap();
        let mut plain = run(text, &definitions);
        let sent = finish(&mut plain, Answers::new()).unwrap();
        assert!(
            sent[0]
                .starts_with("SELECT ':x', ':late :nowhere' FROM 'app.users' WHERE name = 'user "),
            "{sent:?}"
        );
        let mut run = run(text, &definitions.substituted());
        let sent = finish(&mut run, Answers::new()).unwrap();
        assert!(
            sent[0].starts_with("SELECT '5', ':late :nowhere' FROM app.users WHERE name = 'user "),
            "{sent:?}"
        );
        assert!(sent[0].ends_with("' AND b = true"), "{sent:?}");
    }

    proptest! {
        #[test]
        fn a_run_is_a_function_of_its_seed_and_serial(seed: u64, serial: u64) {
            let text = "\\set x random_gaussian(1, 1000, 3)\n\\pick p users.id\n\\fresh f users.id\n\
                \\if :x > 500\nSELECT :x;\n\\endif\nSELECT :p, :f";
            prop_assert_eq!(trace(text, seed, serial), trace(text, seed, serial));
        }

        #[test]
        fn no_script_makes_a_run_panic(lines in prop::collection::vec(prop::sample::select(vec![
            "\\set x 1", "\\set x :x + random(1, :y)", "\\set y :x / 0.5", "\\set y null", "\\set y :x > 1",
            "\\if :x", "\\elif :y", "\\else", "\\endif", "SELECT :x, :y;", "\\sleep :x us", "\\pick x users.name",
            "\\fresh y users.id",
        ]), 0..16)) {
            let _ = outcome(&lines.join("\n"));
        }
    }
}
