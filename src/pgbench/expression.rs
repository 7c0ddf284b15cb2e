//! Expressions as trees, and their evaluation.

use super::function::{Function, MAX_ARGUMENTS, apply};
use super::random::Generator;
use super::source::Place;
use super::value::{Fault, Value};

/// An expression whose variables are named by `V`: text as parsed, slots once bound.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expression<V> {
    Constant(Value),
    Variable(V, Place),
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

impl<V> Expression<V> {
    /// The same expression with its variables named another way.
    pub(super) fn rename<W, E>(
        &self,
        name: &mut impl FnMut(&V, Place) -> Result<W, E>,
    ) -> Result<Expression<W>, E> {
        let mut pair = |[left, right]: &[Expression<V>; 2]| -> Result<_, E> {
            Ok([left.rename(name)?, right.rename(name)?])
        };
        Ok(match self {
            Expression::Constant(value) => Expression::Constant(*value),
            Expression::And(sides, place) => Expression::And(Box::new(pair(sides)?), *place),
            Expression::Or(sides, place) => Expression::Or(Box::new(pair(sides)?), *place),
            Expression::Case(branches, otherwise) => {
                let branches = branches.iter().map(pair).collect::<Result<_, E>>()?;
                Expression::Case(branches, Box::new(otherwise.rename(name)?))
            }
            Expression::Variable(variable, place) => {
                Expression::Variable(name(variable, *place)?, *place)
            }
            Expression::Call(function, arguments, place) => {
                let arguments = arguments.iter().map(|argument| argument.rename(name));
                Expression::Call(*function, arguments.collect::<Result<_, E>>()?, *place)
            }
        })
    }

    /// Its value, with `look_up` giving the variables'.
    pub(super) fn evaluate(
        &self,
        look_up: &impl Fn(&V) -> Result<Value, Fault>,
        random: &mut Generator,
    ) -> Result<Value, Failure> {
        match self {
            Expression::Constant(value) => Ok(*value),
            Expression::Variable(variable, place) => {
                look_up(variable).map_err(|fault| fault.at(*place))
            }
            Expression::Call(function, arguments, place) => {
                let mut values = [Value::Null; MAX_ARGUMENTS];
                for (value, argument) in values.iter_mut().zip(arguments) {
                    *value = argument.evaluate(look_up, random)?;
                }
                let values = values.get(..arguments.len()).unwrap_or(&values);
                apply(*function, values, random).map_err(|fault| fault.at(*place))
            }
            Expression::And(sides, place) => Logic {
                sides,
                place: *place,
                decides: false,
            }
            .evaluate(look_up, random),
            Expression::Or(sides, place) => Logic {
                sides,
                place: *place,
                decides: true,
            }
            .evaluate(look_up, random),
            Expression::Case(branches, otherwise) => {
                for [condition, value] in branches {
                    if condition.evaluate(look_up, random)?.holds() {
                        return value.evaluate(look_up, random);
                    }
                }
                otherwise.evaluate(look_up, random)
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
        look_up: &impl Fn(&V) -> Result<Value, Fault>,
        random: &mut Generator,
    ) -> Result<Value, Failure> {
        for side in self.sides {
            let value = side.evaluate(look_up, random)?;
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
