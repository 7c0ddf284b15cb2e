//! What operators and functions give for their arguments.

use std::cmp::Ordering;

use super::function::Function;
use super::hashing::{fnv1a, murmur2, permute};
use super::random::{Generator, Interval, IntervalFault, MAX_ZIPFIAN, MIN_GAUSSIAN, MIN_ZIPFIAN};
use super::value::{Fault, Value};

/// Applies a function to its arguments.
pub(super) fn apply(
    function: Function,
    arguments: &[Value],
    random: &mut Generator,
) -> Result<Value, Fault> {
    use Function as F;
    // As in SQL, NULL in gives NULL out.
    let takes_null = matches!(function, F::Is | F::Debug);
    if !takes_null && arguments.contains(&Value::Null) {
        return Ok(Value::Null);
    }
    match (function, arguments) {
        (F::Is, [left, right]) => Ok(Value::Boolean(left == right)),
        // pgbench prints the value as well; a load generator's workers have nowhere to print to.
        (F::Debug, [value]) => Ok(*value),
        (F::Not, [value]) => Ok(Value::Boolean(!value.boolean()?)),
        (F::Abs, [value]) => absolute(*value),
        (F::Int, [value]) => Ok(Value::Integer(value.integer()?)),
        (F::Pi, []) => Ok(Value::Double(std::f64::consts::PI)),
        (F::Double | F::Exp | F::Ln | F::Sqrt, [value]) => {
            real(function, value.double()?).map(Value::Double)
        }
        (F::Power, [base, exponent]) => Ok(Value::Double(base.double()?.powf(exponent.double()?))),
        (F::Least, [first, rest @ ..]) => extreme(*first, rest, Ordering::Less),
        (F::Greatest, [first, rest @ ..]) => extreme(*first, rest, Ordering::Greater),
        (F::HashFnv1a | F::HashMurmur2, [value, seed]) => {
            let hash = if function == F::HashFnv1a {
                fnv1a
            } else {
                murmur2
            };
            Ok(Value::Integer(hash(value.integer()?, seed.integer()?)))
        }
        (F::Permute, [value, size, seed]) => {
            let (value, size) = (value.integer()?, size.integer()?);
            if size <= 0 {
                return Err(Fault::PermuteSize);
            }
            Ok(Value::Integer(permute(value, size, seed.integer()?)))
        }
        (F::Random, [min, max]) => Ok(Value::Integer(interval(*min, *max)?.uniform(random))),
        (F::RandomExponential | F::RandomGaussian | F::RandomZipfian, [min, max, parameter]) => {
            let interval = interval(*min, *max)?;
            draw(function, interval, parameter.double()?, random).map(Value::Integer)
        }
        (F::BitAnd | F::BitOr | F::BitXor | F::ShiftLeft | F::ShiftRight, [left, right]) => {
            bits(function, left.integer()?, right.integer()?).map(Value::Integer)
        }
        (_, [left, right]) => arithmetic(function, *left, *right),
        _ => Err(Fault::Arguments),
    }
}

fn absolute(value: Value) -> Result<Value, Fault> {
    match value {
        Value::Integer(integer) => integer
            .checked_abs()
            .map(Value::Integer)
            .ok_or(Fault::Overflow("abs")),
        other => other.double().map(|double| Value::Double(double.abs())),
    }
}

fn real(function: Function, double: f64) -> Result<f64, Fault> {
    match function {
        Function::Double => Ok(double),
        Function::Exp => Ok(double.exp()),
        Function::Ln => Ok(double.ln()),
        Function::Sqrt => Ok(double.sqrt()),
        _ => Err(Fault::Arguments),
    }
}

/// The least or the greatest: what compares as `wanted` with the others, as a double where any is one.
fn extreme(first: Value, rest: &[Value], wanted: Ordering) -> Result<Value, Fault> {
    let is_double = |value: &Value| matches!(value, Value::Double(_));
    if is_double(&first) || rest.iter().any(is_double) {
        let mut best = first.double()?;
        for value in rest {
            let double = value.double()?;
            // As pgbench: what cannot be compared, NaN, gives way to what follows it.
            if best.partial_cmp(&double) != Some(wanted) {
                best = double;
            }
        }
        return Ok(Value::Double(best));
    }
    let mut best = first.integer()?;
    for value in rest {
        let integer = value.integer()?;
        if best.cmp(&integer) != wanted {
            best = integer;
        }
    }
    Ok(Value::Integer(best))
}

fn interval(min: Value, max: Value) -> Result<Interval, Fault> {
    let (min, max) = (min.integer()?, max.integer()?);
    Interval::new(min, max).map_err(|fault| match fault {
        IntervalFault::Empty => Fault::EmptyRange(min, max),
        IntervalFault::Large => Fault::LargeRange(min, max),
    })
}

fn draw(
    function: Function,
    interval: Interval,
    parameter: f64,
    random: &mut Generator,
) -> Result<i64, Fault> {
    // Written so that a parameter that is not a number is refused too.
    match function {
        Function::RandomExponential if parameter > 0.0 => {
            Ok(interval.exponential(parameter, random))
        }
        Function::RandomExponential => Err(Fault::Exponential(parameter)),
        Function::RandomGaussian if parameter >= MIN_GAUSSIAN => {
            Ok(interval.gaussian(parameter, random))
        }
        Function::RandomGaussian => Err(Fault::Gaussian(parameter)),
        Function::RandomZipfian if (MIN_ZIPFIAN..=MAX_ZIPFIAN).contains(&parameter) => {
            Ok(interval.zipfian(parameter, random))
        }
        Function::RandomZipfian => Err(Fault::Zipfian(parameter)),
        _ => Err(Fault::Arguments),
    }
}

fn bits(function: Function, left: i64, right: i64) -> Result<i64, Fault> {
    // C leaves shifts by 64 and more open; processors count them modulo 64, and so does pgbench on them.
    let count = (right & 63) as u32;
    match function {
        Function::BitAnd => Ok(left & right),
        Function::BitOr => Ok(left | right),
        Function::BitXor => Ok(left ^ right),
        Function::ShiftLeft => Ok(left << count),
        Function::ShiftRight => Ok(left >> count),
        _ => Err(Fault::Arguments),
    }
}

/// Arithmetic and comparison: of doubles where either side is one (but for the remainder), else of integers.
fn arithmetic(function: Function, left: Value, right: Value) -> Result<Value, Fault> {
    let has_double = matches!(left, Value::Double(_)) || matches!(right, Value::Double(_));
    if has_double && function != Function::Modulo {
        double_arithmetic(function, left.double()?, right.double()?)
    } else {
        integer_arithmetic(function, left.integer()?, right.integer()?)
    }
}

fn double_arithmetic(function: Function, left: f64, right: f64) -> Result<Value, Fault> {
    Ok(match function {
        Function::Add => Value::Double(left + right),
        Function::Subtract => Value::Double(left - right),
        Function::Multiply => Value::Double(left * right),
        Function::Divide => Value::Double(left / right),
        Function::Equal => Value::Boolean(left == right),
        Function::NotEqual => Value::Boolean(left != right),
        Function::Less => Value::Boolean(left < right),
        Function::LessOrEqual => Value::Boolean(left <= right),
        _ => return Err(Fault::Arguments),
    })
}

fn integer_arithmetic(function: Function, left: i64, right: i64) -> Result<Value, Fault> {
    let (result, name) = match function {
        Function::Equal => return Ok(Value::Boolean(left == right)),
        Function::NotEqual => return Ok(Value::Boolean(left != right)),
        Function::Less => return Ok(Value::Boolean(left < right)),
        Function::LessOrEqual => return Ok(Value::Boolean(left <= right)),
        Function::Divide | Function::Modulo if right == 0 => return Err(Fault::DivisionByZero),
        Function::Add => (left.checked_add(right), "add"),
        Function::Subtract => (left.checked_sub(right), "sub"),
        Function::Multiply => (left.checked_mul(right), "mul"),
        Function::Divide => (left.checked_div(right), "div"),
        // Only the quotient by -1 can be too large; the remainder is 0 then.
        Function::Modulo => (Some(left.wrapping_rem(right)), "mod"),
        _ => return Err(Fault::Arguments),
    };
    result.map(Value::Integer).ok_or(Fault::Overflow(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pgbench::function::FUNCTIONS;

    #[test]
    fn greatest_and_least_compare_integers_exactly() {
        // As doubles these two are equal.
        let close = [Value::Integer(i64::MAX - 1), Value::Integer(i64::MAX)];
        let mut random = Generator::new(0);
        let greatest = apply(Function::Greatest, &close, &mut random);
        assert_eq!(greatest, Ok(Value::Integer(i64::MAX)));
        let least = apply(Function::Least, &close, &mut random);
        assert_eq!(least, Ok(Value::Integer(i64::MAX - 1)));
    }

    #[test]
    fn every_function_accepts_its_arity() {
        let mut random = Generator::new(0);
        for (name, function, arity) in FUNCTIONS {
            for count in arity.min..=arity.max {
                let count = if arity.seeded { arity.max } else { count };
                let arguments: Vec<_> = (2..).map(Value::Integer).take(count).collect();
                let value = apply(function, &arguments, &mut random);
                assert!(value.is_ok(), "{name} of {count}: {value:?}");
            }
        }
    }
}
