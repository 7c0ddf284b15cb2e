//! Runs: a program executed once, statement by statement.

use std::sync::Arc;
use std::time::Duration;

use super::expression::{Expression, Failure};
use super::keys::Keys;
use super::program::{Content, Instruction, Program, SleepTime, Slot};
use super::random::Generator;
use super::source::{Place, ScriptError};
use super::value::{Fault, Value};

/// What the caller does next for a run.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Send this statement with these parameters in text form.
    Sql {
        /// Index into [`Program::statements`].
        statement: usize,
        /// The values, none for NULL.
        parameters: Vec<Option<String>>,
    },
    /// Wait.
    Sleep(Duration),
    /// The transaction is over.
    Done,
}

/// One execution of a program: its variables, random numbers and place.
#[derive(Debug)]
pub struct Run {
    program: Arc<Program>,
    serial: u64,
    /// The instruction that comes next.
    next: usize,
    state: State,
}

impl Run {
    /// Begins a run. `seed` decides its random numbers; `serial` is unique among all runs of a
    /// rehearsal and decides what `\fresh` yields.
    pub fn new(program: Arc<Program>, seed: u64, serial: u64) -> Self {
        let state = State {
            variables: program.initial.clone(),
            random: Generator::new(seed),
        };
        Self {
            program,
            serial,
            next: 0,
            state,
        }
    }

    /// Goes on to the next thing that the caller must do. An error (division by zero, …) ends the run.
    ///
    /// # Errors
    ///
    /// An expression that has no value, or a variable that is used before it is set.
    pub fn step(&mut self, keys: &dyn Keys) -> Result<Step, ScriptError> {
        self.advance(keys).map_err(|Failure { fault, place }| {
            self.next = self.program.instructions.len();
            place.error(&self.program.name, fault.to_string())
        })
    }

    fn advance(&mut self, keys: &dyn Keys) -> Result<Step, Failure> {
        let Self {
            program,
            serial,
            next,
            state,
        } = self;
        while let Some(instruction) = program.instructions.get(*next) {
            *next += 1;
            match instruction {
                Instruction::Sql {
                    statement,
                    parameters,
                } => {
                    let parameter = |(slot, place): &(Slot, Place)| {
                        let parameter = state.parameter(program, *slot);
                        parameter.map_err(|fault| fault.at(*place))
                    };
                    return Ok(Step::Sql {
                        statement: *statement,
                        parameters: parameters.iter().map(parameter).collect::<Result<_, _>>()?,
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
                Instruction::Pick(slots, key) => {
                    let row = keys.pick_row(*key, state.random.bits());
                    state.set_all(slots, row);
                }
                Instruction::Fresh(slots, key, number) => {
                    let first = serial.wrapping_mul(program.fresh);
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
        Ok(Step::Done)
    }
}

/// What the commands of a run change.
#[derive(Debug)]
struct State {
    variables: Vec<Content>,
    random: Generator,
}

impl State {
    fn set(&mut self, Slot(slot): Slot, content: Content) {
        if let Some(variable) = self.variables.get_mut(slot) {
            *variable = content;
        }
    }

    fn set_all(&mut self, slots: &[Slot], texts: Vec<String>) {
        for (slot, text) in slots.iter().zip(texts) {
            self.set(*slot, Content::Text(text));
        }
    }

    fn evaluate(
        &mut self,
        program: &Program,
        expression: &Expression<Slot>,
    ) -> Result<Value, Failure> {
        let Self { variables, random } = self;
        let look_up = |Slot(slot): &Slot| {
            let content = variables.get(*slot).unwrap_or(&Content::Unset);
            content.value(program.name_of(Slot(*slot)))
        };
        expression.evaluate(&look_up, random)
    }

    fn parameter(&self, program: &Program, slot: Slot) -> Result<Option<String>, Fault> {
        match self.variables.get(slot.0) {
            Some(Content::Value(Value::Null)) => Ok(None),
            Some(Content::Value(value)) => Ok(Some(value.to_string())),
            Some(Content::Text(text)) => Ok(Some(text.clone())),
            Some(Content::Unset) | None => Err(Fault::Unset(program.name_of(slot).to_owned())),
        }
    }

    /// The amount of a `\sleep`; a variable's is read as C's `atoi` reads it, up to what is no digit.
    fn sleep(&self, program: &Program, time: SleepTime) -> Result<i64, Failure> {
        let (slot, place) = match time {
            SleepTime::Literal(amount) => return Ok(amount),
            SleepTime::Variable(slot, place) => (slot, place),
        };
        let text = self
            .parameter(program, slot)
            .map_err(|fault| fault.at(place))?;
        let text = text.unwrap_or_else(|| "NULL".to_owned());
        let unsigned = text.strip_prefix('-').unwrap_or(&text);
        let tail = unsigned.trim_start_matches(|c: char| c.is_ascii_digit());
        let number = text.strip_suffix(tail).unwrap_or(&text);
        number
            .parse()
            .map_err(|_| Fault::Sleep(text.clone()).at(place))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::pgbench::{KeyId, Script};

    /// Picks print their random bits, fresh values their number.
    struct Numbers(Vec<(String, u64)>);

    impl Keys for Numbers {
        fn resolve(&mut self, table: &str, column: &str, _: Option<&str>) -> Result<KeyId, String> {
            match (table, column) {
                ("users", "id") => Ok(KeyId(0)),
                ("users", "name") => Ok(KeyId(1)),
                ("users", "mood") => Ok(KeyId(2)),
                _ => Err(format!("there is no column {table}.{column}")),
            }
        }

        fn pick(&self, key: KeyId, random: u64) -> String {
            let name = if key == KeyId(0) { "" } else { "user " };
            format!("{name}{}", random % 1000)
        }

        fn has_fresh(&self, key: KeyId) -> bool {
            key != KeyId(2)
        }

        fn fresh(&self, _: KeyId, n: u64) -> String {
            n.to_string()
        }

        fn resolve_row(
            &mut self,
            table: &str,
            columns: &[String],
            distribution: Option<&str>,
        ) -> Result<KeyId, String> {
            match columns {
                [column] => self.resolve(table, column, distribution),
                _ => Ok(KeyId(3)),
            }
        }

        fn pick_row(&self, key: KeyId, random: u64) -> Vec<String> {
            let whole = key == KeyId(3);
            let second = whole.then(|| format!("{}b", random % 1000));
            [self.pick(key, random)].into_iter().chain(second).collect()
        }

        fn rows(&self) -> Vec<(String, u64)> {
            self.0.clone()
        }
    }

    fn keys() -> Numbers {
        let rows = [
            ("users", 10),
            ("app.order-lines", 20),
            ("pgbench_branches", 7),
        ];
        Numbers(rows.map(|(table, rows)| (table.to_owned(), rows)).into())
    }

    fn bind(text: &str) -> Result<Program, ScriptError> {
        Script::parse("t.sql", text)?.bind(&mut keys())
    }

    /// The texts of the steps of a run, with the values in their places.
    fn trace(text: &str, seed: u64, serial: u64) -> Result<Vec<String>, ScriptError> {
        let program = Arc::new(bind(text)?);
        let mut run = Run::new(Arc::clone(&program), seed, serial);
        let mut steps = Vec::new();
        loop {
            steps.push(match run.step(&keys())? {
                Step::Done => return Ok(steps),
                Step::Sleep(time) => format!("{time:?}"),
                Step::Sql {
                    statement,
                    parameters,
                } => program.statements()[statement].interpolate(&parameters),
            });
        }
    }

    fn outcome(text: &str) -> Result<Vec<String>, String> {
        trace(text, 1, 0).map_err(|error| error.to_string())
    }

    fn steps(text: &str) -> Vec<String> {
        outcome(text).unwrap()
    }

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
            .with_seed(42);
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
