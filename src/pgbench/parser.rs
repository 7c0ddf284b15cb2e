//! Expressions from tokens, by precedence climbing over pgbench's grammar.

use super::expression::Expression;
use super::function::{FUNCTIONS, Function};
use super::lexer::{Keyword, Token, tokens};
use super::operator::{Infix, Operator, Strength, infix, tighter};
use super::source::{Cursor, Place, ScriptError, Source};
use super::suggestion::did_you_mean;
use super::value::Value;

/// An expression as a script writes it.
pub(super) type NamedExpression = Expression<String>;

/// How deeply an expression may nest: far more than anybody writes, far less than a thread's stack holds.
const MAX_DEPTH: usize = 128;

/// Parses the expression at the cursor, which ends with its command.
pub(super) fn expression(
    source: &Source<'_>,
    cursor: &mut Cursor<'_>,
) -> Result<NamedExpression, ScriptError> {
    let tokens = tokens(source, cursor)?;
    let mut parser = Parser {
        source,
        tokens: &tokens,
        at: 0,
        nesting: 0,
    };
    let (expression, _) = parser.operators(Strength::Or)?;
    match parser.peek() {
        Token::End => Ok(expression),
        _ => Err(parser.unexpected("an operator or the end of the line")),
    }
}

struct Parser<'a> {
    source: &'a Source<'a>,
    tokens: &'a [(usize, Token)],
    at: usize,
    /// Calls of [`Parser::operators`] that are open.
    nesting: usize,
}

/// An expression and the depth of its tree.
type Deep = (NamedExpression, usize);

impl<'a> Parser<'a> {
    fn peek(&self) -> &'a Token {
        self.tokens
            .get(self.at)
            .map_or(&Token::End, |(_, token)| token)
    }

    fn offset(&self) -> usize {
        let token = self.tokens.get(self.at).or(self.tokens.last());
        token.map_or(0, |(offset, _)| *offset)
    }

    fn place(&self) -> Place {
        self.source.place(self.offset())
    }

    fn eat(&mut self, token: &Token) -> bool {
        let here = self.peek() == token;
        self.at += usize::from(here);
        here
    }

    fn expect(&mut self, token: &Token, wanted: &str) -> Result<(), ScriptError> {
        if self.eat(token) {
            Ok(())
        } else {
            Err(self.unexpected(wanted))
        }
    }

    fn unexpected(&self, wanted: &str) -> ScriptError {
        let found = match self.peek() {
            Token::End => "the line ends".to_owned(),
            token => format!("{token} stands"),
        };
        let message = format!("{found} where {wanted} is expected");
        self.source.error(self.offset(), message)
    }

    /// Refuses trees whose evaluation could exhaust the stack.
    fn guard(&self, depth: usize) -> Result<usize, ScriptError> {
        if depth > MAX_DEPTH {
            let message = format!(
                "the expression nests more than {MAX_DEPTH} levels deep: split it into several \\set"
            );
            return Err(self.source.error(self.offset(), message));
        }
        Ok(depth)
    }

    /// Operands joined by operators that bind at least as tightly as `weakest`.
    fn operators(&mut self, weakest: Strength) -> Result<Deep, ScriptError> {
        self.nesting = self.guard(self.nesting + 1)?;
        let (mut left, mut depth) = self.operand()?;
        let mut compared = false;
        while let Some((next, strength)) = infix(self.peek()).filter(|(_, s)| *s >= weakest) {
            let comparison = strength == Strength::Comparison;
            if comparison && compared {
                let message = "comparisons do not chain: put one of them in parentheses";
                return Err(self.source.error(self.offset(), message));
            }
            compared = comparison;
            let place = self.place();
            self.at += 1;
            let (built, inner) = match next {
                Infix::Is => (self.is(left, place)?, 1),
                Infix::IsNull => (is(left, Value::Null, place), 1),
                Infix::NotNull => (not(is(left, Value::Null, place), place), 1),
                Infix::Joined(operator) => {
                    let (right, inner) = self.operators(tighter(strength))?;
                    (join(operator, [left, right], place), inner)
                }
            };
            left = built;
            // One level too few for IS NOT, which is a call in a call; the limit has room for that.
            depth = self.guard(depth.max(inner) + 1)?;
        }
        self.nesting = self.nesting.saturating_sub(1);
        Ok((left, depth))
    }

    /// What follows `left IS`.
    fn is(&mut self, left: NamedExpression, place: Place) -> Result<NamedExpression, ScriptError> {
        let negated = self.eat(&Token::Keyword(Keyword::Not));
        let value = match self.peek() {
            Token::Null => Value::Null,
            Token::Boolean(boolean) => Value::Boolean(*boolean),
            _ => return Err(self.unexpected("NULL, TRUE or FALSE")),
        };
        self.at += 1;
        let test = is(left, value, place);
        Ok(if negated { not(test, place) } else { test })
    }

    /// A constant, variable, call, CASE, parenthesis, or a prefix operator with its operand.
    fn operand(&mut self) -> Result<Deep, ScriptError> {
        let place = self.place();
        let token = self.peek();
        self.at += 1;
        let leaf = match token {
            Token::Integer(integer) => Expression::Constant(Value::Integer(*integer)),
            Token::Double(double) => Expression::Constant(Value::Double(*double)),
            Token::Boolean(boolean) => Expression::Constant(Value::Boolean(*boolean)),
            Token::Null => Expression::Constant(Value::Null),
            Token::Variable(name) => Expression::Variable(name.clone(), place),
            Token::Test(name) => Expression::Test(name.clone()),
            Token::Name(name) => return self.call(name, place),
            Token::Keyword(Keyword::Case) => return self.case(),
            Token::Symbol("(") => {
                let inner = self.operators(Strength::Or)?;
                self.expect(&Token::Symbol(")"), "a closing parenthesis")?;
                return Ok(inner);
            }
            Token::Symbol("-") if self.eat(&Token::IntegerLimit) => {
                Expression::Constant(Value::Integer(i64::MIN))
            }
            Token::Symbol("+") => return self.operators(Strength::Sign),
            Token::Symbol("-") => {
                return self.prefix((Function::Subtract, Some(0)), Strength::Sign, place);
            }
            Token::Symbol("~") => {
                return self.prefix((Function::BitXor, Some(-1)), tighter(Strength::Bits), place);
            }
            Token::Keyword(Keyword::Not) => {
                return self.prefix((Function::Not, None), Strength::Not, place);
            }
            _ => {
                self.at -= 1;
                return Err(self.unexpected("a value"));
            }
        };
        Ok((leaf, 1))
    }

    /// A prefix operator: a function with a constant left side where it has two (`-x` is `0 - x`).
    fn prefix(
        &mut self,
        (function, left): (Function, Option<i64>),
        weakest: Strength,
        place: Place,
    ) -> Result<Deep, ScriptError> {
        let (operand, depth) = self.operators(weakest)?;
        let left = left.map(|integer| Expression::Constant(Value::Integer(integer)));
        let arguments = left.into_iter().chain([operand]).collect();
        let call = Expression::Call(function, arguments, place);
        Ok((call, self.guard(depth + 1)?))
    }

    /// The rest of a call after the function's name.
    fn call(&mut self, name: &str, place: Place) -> Result<Deep, ScriptError> {
        let Some((_, function, arity)) = FUNCTIONS.iter().find(|(known, _, _)| *known == name)
        else {
            self.at -= 1;
            let known = FUNCTIONS.iter().map(|(known, _, _)| *known);
            let hint = did_you_mean(name, "", known);
            let message =
                format!("unknown function `{name}`{hint} (a variable is written `:{name}`)");
            return Err(self.source.error(self.offset(), message));
        };
        self.expect(
            &Token::Symbol("("),
            &format!("the parenthesis of {name}(…)"),
        )?;
        let (mut arguments, mut depth) = (Vec::new(), 0);
        if !self.eat(&Token::Symbol(")")) {
            loop {
                let (argument, inner) = self.operators(Strength::Or)?;
                arguments.push(argument);
                depth = depth.max(inner);
                if !self.eat(&Token::Symbol(",")) {
                    break;
                }
            }
            self.expect(&Token::Symbol(")"), "a comma or a closing parenthesis")?;
        }
        if arity.seeded && arguments.len() == arity.min {
            arguments.push(Expression::Variable("default_seed".to_owned(), place));
        }
        if !(arity.min..=arity.max).contains(&arguments.len()) {
            let given = arguments.len();
            let message = format!("{name}() takes {arity} but is given {given}");
            return Err(self.source.error_at(place, message));
        }
        let call = Expression::Call(*function, arguments, place);
        Ok((call, self.guard(depth + 1)?))
    }

    /// The rest of a CASE after its keyword.
    fn case(&mut self) -> Result<Deep, ScriptError> {
        let (mut branches, mut depth) = (Vec::new(), 0);
        self.expect(&Token::Keyword(Keyword::When), "WHEN")?;
        loop {
            let (condition, first) = self.operators(Strength::Or)?;
            self.expect(&Token::Keyword(Keyword::Then), "THEN")?;
            let (value, second) = self.operators(Strength::Or)?;
            branches.push([condition, value]);
            depth = depth.max(first).max(second);
            if !self.eat(&Token::Keyword(Keyword::When)) {
                break;
            }
        }
        let (otherwise, last) = if self.eat(&Token::Keyword(Keyword::Else)) {
            self.operators(Strength::Or)?
        } else {
            (Expression::Constant(Value::Null), 1)
        };
        self.expect(&Token::Keyword(Keyword::End), "WHEN, ELSE or END")?;
        let case = Expression::Case(branches, Box::new(otherwise));
        Ok((case, self.guard(depth.max(last) + 1)?))
    }
}

fn is(left: NamedExpression, right: Value, place: Place) -> NamedExpression {
    Expression::Call(Function::Is, vec![left, Expression::Constant(right)], place)
}

fn not(operand: NamedExpression, place: Place) -> NamedExpression {
    Expression::Call(Function::Not, vec![operand], place)
}

fn join(operator: Operator, sides: [NamedExpression; 2], place: Place) -> NamedExpression {
    let [left, right] = sides;
    match operator {
        Operator::And => Expression::And(Box::new([left, right]), place),
        Operator::Or => Expression::Or(Box::new([left, right]), place),
        Operator::Swapped(function) => Expression::Call(function, vec![right, left], place),
        Operator::Call(function) => Expression::Call(function, vec![left, right], place),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Result<NamedExpression, ScriptError> {
        let source = Source::new("s", text);
        expression(&source, &mut source.cursor())
    }

    /// Everything but the places, as these differ where parentheses stand.
    fn shape(text: &str) -> String {
        let nowhere = Place { line: 0, column: 0 };
        fn strip(expression: NamedExpression, place: Place) -> NamedExpression {
            let pair = |[left, right]: [_; 2]| [strip(left, place), strip(right, place)];
            match expression {
                Expression::Constant(value) => Expression::Constant(value),
                Expression::Variable(name, _) => Expression::Variable(name, place),
                Expression::Test(name) => Expression::Test(name),
                Expression::Call(function, arguments, _) => {
                    let arguments = arguments.into_iter().map(|a| strip(a, place));
                    Expression::Call(function, arguments.collect(), place)
                }
                Expression::And(sides, _) => Expression::And(Box::new(pair(*sides)), place),
                Expression::Or(sides, _) => Expression::Or(Box::new(pair(*sides)), place),
                Expression::Case(branches, otherwise) => Expression::Case(
                    branches.into_iter().map(pair).collect(),
                    Box::new(strip(*otherwise, place)),
                ),
            }
        }
        format!("{:?}", strip(parse(text).unwrap(), nowhere))
    }

    #[test]
    fn operators_bind_as_in_postgresql() {
        for (plain, explicit) in [
            (":a or :b and :c", ":a or (:b and :c)"),
            ("not :a and :b", "(not :a) and :b"),
            ("not :a is null", "not (:a is null)"),
            ("not :a = :b", "not (:a = :b)"),
            (":a = :b is null", "(:a = :b) is null"),
            (":a + not :b = :c", ":a + (not (:b = :c))"),
            (":a | :b + :c", ":a | (:b + :c)"),
            (":a | :b << :c", "(:a | :b) << :c"),
            ("~ :a + :b", "~ (:a + :b)"),
            ("~ :a | :b", "(~ :a) | :b"),
            ("- ~ :a + :b", "- (~ (:a + :b))"),
            ("- :a * :b", "(- :a) * :b"),
            ("+ :a + :b", ":a + :b"),
            (":a - :b - :c", "(:a - :b) - :c"),
            (":a / :b % :c", "(:a / :b) % :c"),
            (":a > :b", ":b < :a"),
            (":a >= :b", ":b <= :a"),
            (":a notnull", "not (:a is null)"),
            (":a is not true", "not (:a is true)"),
            (":a != :b", ":a <> :b"),
            ("- 5", "0 - 5"),
            ("hash(:a)", "hash_murmur2(:a, :default_seed)"),
            ("permute(:a, 9)", "permute(:a, 9, :default_seed)"),
            (
                "case when :a then :b end",
                "case when :a then :b else null end",
            ),
        ] {
            assert_eq!(shape(plain), shape(explicit), "{plain}");
        }
    }

    #[test]
    fn errors_point_at_the_token() {
        for (text, column, message) in [
            ("", 1, "the line ends where a value is expected"),
            ("1 +", 4, "the line ends where a value is expected"),
            (
                "1 2",
                3,
                "`2` stands where an operator or the end of the line is expected",
            ),
            (
                "(1",
                3,
                "the line ends where a closing parenthesis is expected",
            ),
            (
                "1)",
                2,
                "`)` stands where an operator or the end of the line is expected",
            ),
            (
                "1 < 2 < 3",
                7,
                "comparisons do not chain: put one of them in parentheses",
            ),
            (
                "1 is 2",
                6,
                "`2` stands where NULL, TRUE or FALSE is expected",
            ),
            ("case when 1 end", 13, "`END` stands where THEN is expected"),
            ("case 1", 6, "`1` stands where WHEN is expected"),
            (
                "pi",
                3,
                "the line ends where the parenthesis of pi(…) is expected",
            ),
            ("1 + abs()", 5, "abs() takes 1 argument but is given 0"),
            ("hash()", 1, "hash() takes 1 to 2 arguments but is given 0"),
            ("pi(1)", 1, "pi() takes no arguments but is given 1"),
            (
                "2 * rnadom(1, 2)",
                5,
                "unknown function `rnadom`; did you mean `random`? (a variable is written `:rnadom`)",
            ),
            (
                "9223372036854775808",
                1,
                "`9223372036854775808`, one more than a bigint holds, stands where a value is expected",
            ),
            (
                "'a'",
                1,
                "expressions have numbers, booleans and NULL, but no strings",
            ),
        ] {
            let error = parse(text).unwrap_err();
            assert_eq!(
                (error.column, error.message.as_str()),
                (column, message),
                "{text}"
            );
        }
    }

    #[test]
    fn deep_nesting_is_refused_before_the_stack_ends() {
        const MANY: usize = 100_000;
        for text in [
            "(".repeat(MANY),
            "- ".repeat(MANY),
            "not ".repeat(MANY),
            "1 + ".repeat(MANY) + "1",
            "abs(".repeat(MANY),
            "case when ".repeat(MANY),
            "1".to_owned() + &" is null".repeat(MANY),
        ] {
            assert!(
                parse(&text).unwrap_err().message.contains("levels deep"),
                "{text:.20}"
            );
        }
        let deep = MAX_DEPTH - 1;
        assert!(parse(&("(".repeat(deep) + "1" + &")".repeat(deep))).is_ok());
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,60}") {
            let _ = parse(&text);
        }

        #[test]
        fn no_tokens_make_it_panic(words in prop::collection::vec(prop::sample::select(vec![
            "1", "2.5", "null", "true", ":x", "abs", "random", "(", ")", ",", "+", "-", "~", "not", "is",
            "isnull", "and", "or", "=", "<", ">=", "case", "when", "then", "else", "end", "9223372036854775808",
        ]), 0..24)) {
            let _ = parse(&words.join(" "));
        }
    }
}
