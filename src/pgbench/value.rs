//! Values of expressions: their types, how one is read as another, and how they print.

use std::fmt;
use std::num::FpCategory;

use super::random::{MAX_ZIPFIAN, MIN_GAUSSIAN, MIN_ZIPFIAN};

/// A value of an expression.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Value {
    Null,
    Boolean(bool),
    Integer(i64),
    Double(f64),
}

/// Why an expression has no value; worded as pgbench does.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(super) enum Fault {
    #[error("cannot coerce {from} to {to}")]
    Coercion {
        from: &'static str,
        to: &'static str,
    },
    #[error("double to int overflow for {0}")]
    DoubleToInteger(f64),
    #[error("the value `{0}` is neither a number nor a boolean, so it cannot be calculated with")]
    Text(String),
    #[error("bigint {0} out of range")]
    Overflow(&'static str),
    #[error("division by zero")]
    DivisionByZero,
    #[error("empty range given to random: {0} is above {1}")]
    EmptyRange(i64, i64),
    #[error("random range is too large: from {0} to {1}")]
    LargeRange(i64, i64),
    #[error("gaussian parameter must be at least {MIN_GAUSSIAN:.1} (not {0})")]
    Gaussian(f64),
    #[error("zipfian parameter must be in range [{MIN_ZIPFIAN:.3}, {MAX_ZIPFIAN:.0}] (not {0})")]
    Zipfian(f64),
    #[error("exponential parameter must be greater than zero (not {0})")]
    Exponential(f64),
    #[error("permute size parameter must be greater than zero")]
    PermuteSize,
    #[error("variable `{0}` has no value yet: no command before this one has set it")]
    Unset(String),
    #[error("{0}")]
    Pipeline(&'static str),
    #[error("\\{0} is not allowed in pipeline mode: its rows are there only after \\endpipeline")]
    Capture(&'static str),
    #[error("expected one row, got {0}: \\gset keeps the values of exactly one")]
    Rows(usize),
    #[error("`{0}` is no name of a variable: give the column for \\{1} another by AS")]
    Column(String, &'static str),
    #[error("`{0}` is not a time to sleep: it must be an integer")]
    Sleep(String),
    #[error("unexpected number of arguments")]
    Arguments,
}

impl Value {
    /// What pgbench calls its type.
    fn type_name(self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Boolean(_) => "boolean",
            Value::Integer(_) => "int",
            Value::Double(_) => "double",
        }
    }

    fn coercion(self, to: &'static str) -> Fault {
        let from = self.type_name();
        Fault::Coercion { from, to }
    }

    /// As a condition of `\if` and CASE: numbers other than zero hold, NULL does not.
    pub(super) fn holds(self) -> bool {
        match self {
            Value::Null => false,
            Value::Boolean(boolean) => boolean,
            Value::Integer(integer) => integer != 0,
            Value::Double(double) => double != 0.0,
        }
    }

    /// As a boolean of AND, OR and NOT, which take nothing else.
    pub(super) fn boolean(self) -> Result<bool, Fault> {
        match self {
            Value::Boolean(boolean) => Ok(boolean),
            other => Err(other.coercion("boolean")),
        }
    }

    /// As an integer; doubles are rounded, halves to even.
    pub(super) fn integer(self) -> Result<i64, Fault> {
        match self {
            Value::Integer(integer) => Ok(integer),
            Value::Double(double) => {
                // The bounds are exact: -2^63 is an integer, 2^63 is the first double above them.
                let limit = -(i64::MIN as f64);
                let rounded = double.round_ties_even();
                if (-limit..limit).contains(&rounded) {
                    Ok(rounded as i64)
                } else {
                    Err(Fault::DoubleToInteger(double))
                }
            }
            other => Err(other.coercion("int")),
        }
    }

    /// As a double.
    pub(super) fn double(self) -> Result<f64, Fault> {
        match self {
            Value::Double(double) => Ok(double),
            Value::Integer(integer) => Ok(integer as f64),
            other => Err(other.coercion("double")),
        }
    }

    /// What a text means in an expression: NULL, a boolean, an integer or a double, tried in pgbench's order.
    pub(super) fn from_text(text: &str) -> Result<Value, Fault> {
        let is = |word: &str| text.eq_ignore_ascii_case(word);
        let abbreviates = |word: &str| {
            let beginning = word.get(..text.len());
            !text.is_empty() && beginning.is_some_and(is)
        };
        if is("null") {
            return Ok(Value::Null);
        }
        if abbreviates("true") || abbreviates("yes") || is("on") {
            return Ok(Value::Boolean(true));
        }
        if abbreviates("false") || abbreviates("no") || is("off") || is("of") {
            return Ok(Value::Boolean(false));
        }
        // C's functions, by which pgbench reads numbers, skip blanks before them.
        let number = text.trim_ascii_start();
        let value = if is_integer(number) {
            number.parse().ok().map(Value::Integer)
        } else {
            parse_double(number).map(Value::Double)
        };
        value.ok_or_else(|| Fault::Text(text.to_owned()))
    }
}

/// A double that is written as C writes them in decimal; none where it is too large or too small to be exact.
pub(super) fn parse_double(text: &str) -> Option<f64> {
    let double: f64 = text.parse().ok()?;
    let is_written_as_zero = || {
        let mantissa = text.split(['e', 'E']).next().unwrap_or(text);
        !mantissa.contains(|c| matches!(c, '1'..='9'))
    };
    let is_named = || !text.contains(|c: char| c.is_ascii_digit());
    match double.classify() {
        FpCategory::Normal => true,
        FpCategory::Zero => is_written_as_zero(),
        FpCategory::Infinite | FpCategory::Nan => is_named(),
        FpCategory::Subnormal => false,
    }
    .then_some(double)
}

fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}

impl fmt::Display for Value {
    /// As pgbench puts it into a statement.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Null => f.write_str("NULL"),
            Value::Boolean(boolean) => boolean.fmt(f),
            Value::Integer(integer) => integer.fmt(f),
            Value::Double(double) => f.write_str(&format_double(*double)),
        }
    }
}

/// Significant digits of a printed double: those that any double keeps (`DBL_DIG`).
const DOUBLE_DIGITS: usize = 15;

/// `%.15g` as PostgreSQL's own printf has it: infinities and NaN are spelled as SQL reads them.
fn format_double(double: f64) -> String {
    if double.is_nan() {
        return "NaN".to_owned();
    }
    if double.is_infinite() {
        return if double > 0.0 {
            "Infinity"
        } else {
            "-Infinity"
        }
        .to_owned();
    }
    let scientific = format!("{double:.*e}", DOUBLE_DIGITS - 1);
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..DOUBLE_DIGITS as i32).contains(&exponent) {
        let decimals = usize::try_from(DOUBLE_DIGITS as i32 - 1 - exponent).unwrap_or(0);
        without_trailing_zeros(&format!("{double:.decimals$}")).to_owned()
    } else {
        let sign = if exponent < 0 { '-' } else { '+' };
        let mantissa = without_trailing_zeros(mantissa);
        format!("{mantissa}e{sign}{:02}", exponent.unsigned_abs())
    }
}

fn without_trailing_zeros(number: &str) -> &str {
    if number.contains('.') {
        number.trim_end_matches('0').trim_end_matches('.')
    } else {
        number
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn doubles_print_as_c_prints_them() {
        // The right side is what pgbench gives, or C's `printf` for what pgbench cannot write.
        for (double, text) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (0.1, "0.1"),
            (0.1 + 0.2, "0.3"),
            (std::f64::consts::PI, "3.14159265358979"),
            (1.0 / 3.0, "0.333333333333333"),
            (123_456_789_012_345.0, "123456789012345"),
            (1e15, "1e+15"),
            (999_999_999_999_999.9, "1e+15"),
            (1.5e300, "1.5e+300"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (0.000_099_999_999_999_999_99, "0.0001"),
            (-2.5e-7, "-2.5e-07"),
            (f64::INFINITY, "Infinity"),
            (f64::NEG_INFINITY, "-Infinity"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(format_double(double), text);
        }
    }

    #[test]
    fn doubles_round_to_integers_halves_to_even() {
        for (double, integer) in [(0.5, 0), (1.5, 2), (2.5, 2), (-0.5, 0), (-1.5, -2)] {
            assert_eq!(Value::Double(double).integer(), Ok(integer));
        }
        assert_eq!(Value::Double(-(2f64.powi(63))).integer(), Ok(i64::MIN));
        for double in [2f64.powi(63), f64::NAN, f64::INFINITY] {
            assert!(Value::Double(double).integer().is_err());
        }
    }

    #[test]
    fn texts_are_read_as_pgbench_reads_them() {
        for (text, value) in [
            ("NULL", Value::Null),
            ("t", Value::Boolean(true)),
            ("Yes", Value::Boolean(true)),
            ("on", Value::Boolean(true)),
            ("of", Value::Boolean(false)),
            ("n", Value::Boolean(false)),
            ("-12", Value::Integer(-12)),
            ("1.5", Value::Double(1.5)),
            ("1e3", Value::Double(1000.0)),
            (" 7", Value::Integer(7)),
            ("+7", Value::Integer(7)),
            ("\t-0.5", Value::Double(-0.5)),
            ("-inf", Value::Double(f64::NEG_INFINITY)),
            ("Infinity", Value::Double(f64::INFINITY)),
            ("0e-999", Value::Double(0.0)),
        ] {
            assert_eq!(Value::from_text(text), Ok(value), "{text}");
        }
        for text in [
            "",
            "o",
            "abc",
            "9223372036854775808",
            "1 2",
            "1 ",
            "1e999",
            "1e-999",
            "truer",
        ] {
            assert!(Value::from_text(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_printed_double_keeps_fifteen_digits(double in proptest::num::f64::NORMAL) {
            let printed: f64 = format_double(double).parse().unwrap();
            prop_assert!((printed - double).abs() <= double.abs() * 1e-14);
        }

        #[test]
        fn reading_a_text_never_panics(text in ".{0,12}") {
            let _ = Value::from_text(&text);
        }
    }
}
