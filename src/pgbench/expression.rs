//! Expressions as trees, and their evaluation.

use super::arithmetic::apply;
use super::function::{Function, MAX_ARGUMENTS};
use super::random::Generator;
use super::source::Place;
use super::value::{Fault, Value};

/// An expression whose variables are named by `V`: text as parsed, slots once bound.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expression<V> {
    Constant(Value),
    Variable(V, Place),
    /// `:{?name}`: whether the variable is set.
    Test(V),
    /// All arguments are evaluated, at most [`MAX_ARGUMENTS`].
    Call(Function, Vec<Expression<V>>, Place),
    /// The right side is evaluated only where the left does not decide.
    And(Box<[Expression<V>; 2]>, Place),
    Or(Box<[Expression<V>; 2]>, Place),
    /// The value after the first condition that holds, else the last expression's.
    Case(Vec<[Expression<V>; 2]>, Box<Expression<V>>),
}

/// Why and where an evaluation failed.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Failure {
    pub(super) fault: Fault,
    pub(super) place: Place,
}

impl Fault {
    /// This fault at a place.
    pub(super) fn at(self, place: Place) -> Failure {
        Failure { fault: self, place }
    }
}

/// What the variables of an expression are called once it is bound.
pub(super) trait Names<V> {
    /// Their names then.
    type Name;
    /// Why there is no such variable.
    type Error;

    /// A variable that is read at a place.
    fn read(&mut self, variable: &V, place: Place) -> Result<Self::Name, Self::Error>;

    /// A variable that is only tested; none if nothing ever sets it.
    fn find(&mut self, variable: &V) -> Option<Self::Name>;
}

/// What the variables of an expression hold.
pub(super) trait Environment<V> {
    /// The value of a variable.
    fn value(&self, variable: &V) -> Result<Value, Fault>;

    /// Whether a variable has one.
    fn has(&self, variable: &V) -> bool;
}

impl<V> Expression<V> {
    /// The same expression with its variables named another way.
    pub(super) fn rename<N: Names<V>>(
        &self,
        names: &mut N,
    ) -> Result<Expression<N::Name>, N::Error> {
        let mut pair = |[left, right]: &[Expression<V>; 2]| -> Result<_, N::Error> {
            Ok([left.rename(names)?, right.rename(names)?])
        };
        Ok(match self {
            Expression::Constant(value) => Expression::Constant(*value),
            Expression::And(sides, place) => Expression::And(Box::new(pair(sides)?), *place),
            Expression::Or(sides, place) => Expression::Or(Box::new(pair(sides)?), *place),
            Expression::Case(branches, otherwise) => {
                let branches = branches.iter().map(pair).collect::<Result<_, _>>()?;
                Expression::Case(branches, Box::new(otherwise.rename(names)?))
            }
            Expression::Variable(variable, place) => {
                Expression::Variable(names.read(variable, *place)?, *place)
            }
            Expression::Test(variable) => match names.find(variable) {
                Some(variable) => Expression::Test(variable),
                None => Expression::Constant(Value::Boolean(false)),
            },
            Expression::Call(function, arguments, place) => {
                let arguments = arguments.iter().map(|argument| argument.rename(names));
                Expression::Call(*function, arguments.collect::<Result<_, _>>()?, *place)
            }
        })
    }

    /// Its value where variables have the values that `environment` knows.
    pub(super) fn evaluate(
        &self,
        environment: &impl Environment<V>,
        random: &mut Generator,
    ) -> Result<Value, Failure> {
        match self {
            Expression::Constant(value) => Ok(*value),
            Expression::Variable(variable, place) => environment
                .value(variable)
                .map_err(|fault| fault.at(*place)),
            Expression::Test(variable) => Ok(Value::Boolean(environment.has(variable))),
            Expression::Call(function, arguments, place) => {
                let mut values = [Value::Null; MAX_ARGUMENTS];
                for (value, argument) in values.iter_mut().zip(arguments) {
                    *value = argument.evaluate(environment, random)?;
                }
                let values = values.get(..arguments.len()).unwrap_or(&values);
                apply(*function, values, random).map_err(|fault| fault.at(*place))
            }
            Expression::And(sides, place) => Logic {
                sides,
                place: *place,
                decides: false,
            }
            .evaluate(environment, random),
            Expression::Or(sides, place) => Logic {
                sides,
                place: *place,
                decides: true,
            }
            .evaluate(environment, random),
            Expression::Case(branches, otherwise) => {
                for [condition, value] in branches {
                    if condition.evaluate(environment, random)?.holds() {
                        return value.evaluate(environment, random);
                    }
                }
                otherwise.evaluate(environment, random)
            }
        }
    }
}

/// AND or OR: a left side that equals `decides` is the result.
struct Logic<'a, V> {
    sides: &'a [Expression<V>; 2],
    place: Place,
    decides: bool,
}

impl<V> Logic<'_, V> {
    /// As pgbench, not as SQL: a NULL on the left is the result, even where the right side would decide.
    fn evaluate(
        &self,
        environment: &impl Environment<V>,
        random: &mut Generator,
    ) -> Result<Value, Failure> {
        for side in self.sides {
            let value = side.evaluate(environment, random)?;
            if value == Value::Null {
                return Ok(Value::Null);
            }
            let boolean = value.boolean().map_err(|fault| fault.at(self.place))?;
            if boolean == self.decides {
                return Ok(Value::Boolean(boolean));
            }
        }
        Ok(Value::Boolean(!self.decides))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pgbench::parser::expression;
    use crate::pgbench::source::Source;

    /// What `pgbench` 15 prints for `\set x debug(…)`.
    const KNOWN: &[(&str, &str)] = &[
        ("1 + 2 * 3 - 4", "int 3"),
        ("-7 / 2", "int -3"),
        ("-7 % 3", "int -1"),
        ("7 % -3", "int 1"),
        ("7.0 / 2", "double 3.5"),
        ("1 / 3.0", "double 0.333333333333333"),
        ("-9223372036854775808", "int -9223372036854775808"),
        ("9223372036854775807", "int 9223372036854775807"),
        ("2 + 3 * 4 % 5 - -6", "int 10"),
        ("~ 5", "int -6"),
        ("~ 5 + 1", "int -7"),
        ("~ 5 | 8", "int -6"),
        ("1 | 2 + 4", "int 7"),
        ("1 << 3 + 1", "int 16"),
        ("-8 >> 1", "int -4"),
        ("5 # 3 & 6", "int 6"),
        ("not true or true", "boolean true"),
        ("not false and false", "boolean false"),
        ("not null is null", "boolean false"),
        ("not 1 = 2", "boolean true"),
        ("1 = 1.0", "boolean true"),
        ("1 <> 2", "boolean true"),
        ("1 != 1", "boolean false"),
        ("2 >= 2", "boolean true"),
        ("1 > 2", "boolean false"),
        ("1.5 < 2", "boolean true"),
        ("null is null", "boolean true"),
        ("1 is null", "boolean false"),
        ("null isnull", "boolean true"),
        ("1 notnull", "boolean true"),
        ("true is not false", "boolean true"),
        ("1 is true", "boolean false"),
        ("null and false", "null"),
        ("false and null", "boolean false"),
        ("true or null", "boolean true"),
        ("null or true", "null"),
        ("true and null", "null"),
        ("null + 1", "null"),
        ("null = null", "null"),
        ("case when false then 1 end", "null"),
        ("case when null then 1 when 0.5 then 2 else 3 end", "int 2"),
        ("abs(-5)", "int 5"),
        ("abs(-5.5)", "double 5.5"),
        ("double(3)", "double 3"),
        ("int(2.5)", "int 2"),
        ("int(3.5)", "int 4"),
        ("int(-2.5)", "int -2"),
        ("int(9.9)", "int 10"),
        ("exp(1)", "double 2.71828182845905"),
        ("exp(2.5)", "double 12.1824939607035"),
        ("ln(10)", "double 2.30258509299405"),
        ("ln(2)", "double 0.693147180559945"),
        ("sqrt(2)", "double 1.4142135623731"),
        ("pi()", "double 3.14159265358979"),
        ("pow(2, 10)", "double 1024"),
        ("power(2, -1.5)", "double 0.353553390593274"),
        ("power(2.5, 3.7)", "double 29.6741325364209"),
        ("greatest(1, 2, 3)", "int 3"),
        ("least(1, 2.5, -3)", "double -3"),
        ("greatest(1, 2.5)", "double 2.5"),
        ("least(7)", "int 7"),
        ("mod(17, 5)", "int 2"),
        ("mod(17.6, 5)", "int 3"),
        ("hash(0, 0)", "int 8217090173679840641"),
        ("hash(1, 0)", "int -8089716718896805586"),
        ("hash(-1, 42)", "int 5126586708067272379"),
        ("hash(10, 5432)", "int -5817877081768721676"),
        ("hash(9223372036854775807, -1)", "int -7449049946749928351"),
        ("hash_murmur2(10, 5432)", "int -5817877081768721676"),
        ("hash_fnv1a(0, 0)", "int -6284781860667377211"),
        ("hash_fnv1a(1, 0)", "int -8517097267634966620"),
        ("hash_fnv1a(10, 5432)", "int -7793829335365542153"),
        ("hash_fnv1a(-1, -42)", "int 1295557723624343499"),
        (
            "hash_fnv1a(9223372036854775807, 9223372036854775807)",
            "int -106689511313478638",
        ),
        ("permute(0, 1, 5)", "int 0"),
        ("permute(0, 2, 5432)", "int 0"),
        ("permute(1, 2, 5432)", "int 1"),
        ("permute(0, 3, 7)", "int 0"),
        ("permute(1, 3, 7)", "int 2"),
        ("permute(2, 3, 7)", "int 1"),
        ("permute(0, 10, 0)", "int 0"),
        ("permute(9, 10, 0)", "int 5"),
        ("permute(-1, 10, 0)", "int 8"),
        ("permute(123456, 1000000, 42)", "int 268783"),
        ("permute(999999, 1000000, -42)", "int 125987"),
        (
            "permute(5, 9223372036854775807, 1)",
            "int 944045242817975737",
        ),
        (
            "permute(9223372036854775806, 9223372036854775807, 5432)",
            "int 6490954910556206994",
        ),
        ("permute(17, 16, 3)", "int 12"),
        ("1e15", "double 1e+15"),
        ("1.5e300", "double 1.5e+300"),
        ("0.1 + 0.2", "double 0.3"),
        ("123456789012345678.0", "double 1.23456789012346e+17"),
        (".5e-10", "double 5e-11"),
        ("1e22", "double 1e+22"),
        ("0.00001", "double 1e-05"),
        ("1.0 / 0", "double Infinity"),
        ("-1.0 / 0", "double -Infinity"),
        ("sqrt(-1)", "double NaN"),
        ("debug(5) + 1", "int 6"),
        ("TRUE Is Not NULL", "boolean true"),
        ("- 2 * 3", "int -6"),
        ("-(3)", "int -3"),
        ("1 << 64", "int 1"),
        ("1 << 63", "int -9223372036854775808"),
        ("5 is null is null", "boolean false"),
        ("1 < 2 is true", "boolean true"),
        (
            "greatest(1, 9223372036854775807, 2)",
            "int 9223372036854775807",
        ),
        (
            "greatest(9223372036854775807, 9223372036854775806)",
            "int 9223372036854775807",
        ),
        ("-9223372036854775808 % -1", "int 0"),
        ("exp(null)", "null"),
    ];

    /// Only `:nothing` is set.
    struct Nothing;

    impl Environment<String> for Nothing {
        fn value(&self, variable: &String) -> Result<Value, Fault> {
            match variable.as_str() {
                "nothing" => Ok(Value::Null),
                _ => Err(Fault::Unset(variable.clone())),
            }
        }

        fn has(&self, variable: &String) -> bool {
            variable == "nothing"
        }
    }

    fn evaluate(text: &str) -> Result<Value, String> {
        let source = Source::new("s", text);
        let parsed = expression(&source, &mut source.cursor()).map_err(|error| error.message)?;
        let value = parsed.evaluate(&Nothing, &mut Generator::new(0));
        value.map_err(|failure| failure.fault.to_string())
    }

    fn describe(value: Value) -> String {
        match value {
            Value::Null => "null".to_owned(),
            Value::Boolean(_) => format!("boolean {value}"),
            Value::Integer(_) => format!("int {value}"),
            Value::Double(_) => format!("double {value}"),
        }
    }

    #[test]
    fn values_are_those_of_pgbench() {
        for (text, known) in KNOWN {
            assert_eq!(
                evaluate(text).map(describe).as_deref(),
                Ok(*known),
                "{text}"
            );
        }
    }

    #[test]
    fn faults_are_those_of_pgbench() {
        for (text, fault) in [
            ("9223372036854775807 + 1", "bigint add out of range"),
            ("9223372036854775807 * 2", "bigint mul out of range"),
            ("-9223372036854775808 - 1", "bigint sub out of range"),
            ("-9223372036854775808 / -1", "bigint div out of range"),
            ("abs(-9223372036854775808)", "bigint abs out of range"),
            ("1 / 0", "division by zero"),
            ("1 % 0", "division by zero"),
            (
                "int(1e19)",
                "double to int overflow for 10000000000000000000",
            ),
            ("int(0.0 / 0)", "double to int overflow for NaN"),
            ("1 and true", "cannot coerce int to boolean"),
            ("not 1", "cannot coerce int to boolean"),
            ("true + 1", "cannot coerce boolean to int"),
            ("true + 1.5", "cannot coerce boolean to double"),
            ("true = true", "cannot coerce boolean to int"),
            ("abs(true)", "cannot coerce boolean to double"),
            ("random(2, 1)", "empty range given to random: 2 is above 1"),
            (
                "permute(1, 0)",
                "variable `default_seed` has no value yet: no command before this one has set it",
            ),
            (
                "permute(1, 0, 1)",
                "permute size parameter must be greater than zero",
            ),
            (
                "random_gaussian(1, 9, 1.5)",
                "gaussian parameter must be at least 2.0 (not 1.5)",
            ),
            (
                "random_zipfian(1, 9, 1)",
                "zipfian parameter must be in range [1.001, 1000] (not 1)",
            ),
            (
                "random_zipfian(1, 9, 0.0 / 0)",
                "zipfian parameter must be in range [1.001, 1000] (not NaN)",
            ),
            (
                "random_exponential(1, 9, 0)",
                "exponential parameter must be greater than zero (not 0)",
            ),
        ] {
            assert_eq!(evaluate(text), Err(fault.to_owned()), "{text}");
        }
        let range = evaluate("random(-9223372036854775808, 9223372036854775807)").unwrap_err();
        assert!(range.starts_with("random range is too large"), "{range}");
    }

    #[test]
    fn the_right_side_is_left_alone_where_the_left_decides() {
        assert_eq!(evaluate("false and 1 / 0 = 1"), Ok(Value::Boolean(false)));
        assert_eq!(evaluate("true or 1 / 0 = 1"), Ok(Value::Boolean(true)));
        assert_eq!(
            evaluate("case when true then 1 else 1 / 0 end"),
            Ok(Value::Integer(1))
        );
    }

    #[test]
    fn a_variable_can_be_tested_without_being_read() {
        // NULL is a value.
        assert_eq!(evaluate(":{?nothing}"), Ok(Value::Boolean(true)));
        assert_eq!(evaluate("not :{?other}"), Ok(Value::Boolean(true)));
    }

    #[test]
    fn a_failure_points_at_its_operator() {
        let source = Source::new("s", "1 +\\\n  2 / 0");
        let parsed = expression(&source, &mut source.cursor()).unwrap();
        let failure = parsed
            .evaluate(&Nothing, &mut Generator::new(0))
            .unwrap_err();
        assert_eq!(failure.place, Place { line: 2, column: 5 });
    }
}
