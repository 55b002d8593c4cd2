//! Reckoning: a text that is a number is that number; anything else is told before it becomes a quantity.

use minijinja::value::{Rest, ValueKind};
use minijinja::{Environment, Error, Value};

use super::mistake::Mistake;
use super::number::{is_blank, is_missing, number};

/// What stands left or right of `-`, `*`, `/`, as a call.
pub(super) const NUMBER: &str = "canopy number";
/// The same right of a division.
pub(super) const DIVISOR: &str = "canopy divisor";
/// A text left of `*`, as a call.
pub(super) const FACTOR: &str = "canopy factor";
/// What comes of two numbers, as a call.
pub(super) const EXACT: &str = "canopy exact";
/// `//` and `%` as calls.
pub(super) const QUOTIENT: &str = "canopy quotient";
pub(super) const REST: &str = "canopy rest";
/// An end of a slice, or how many there shall be, as a call.
pub(super) const WHOLE: &str = "canopy whole";
/// So many numbers are enough for every loop.
const MOST_OF_A_RANGE: i64 = 10_000;
/// `a + b` as a call.
pub(super) const PLUS: &str = "canopy plus";

fn operand(value: &Value) -> Result<Value, Mistake> {
    number(value).ok_or_else(|| Mistake::no_number(value))
}

fn divisor(value: &Value) -> Result<Value, Mistake> {
    let number = operand(value)?;
    if number == Value::from(0) {
        return Err(Mistake::new(value, "nothing can be divided by it"));
    }
    Ok(number)
}

/// To 15 digits, which are exact: 1.1 * 3 is 3.3 and not 3.3000000000000003, whatever is made of it next.
fn exact(number: f64) -> f64 {
    format!("{number:.14e}").parse().unwrap_or(number)
}

/// A number that a calculation came to.
fn reckoned(value: &Value) -> Value {
    match f64::try_from(value.clone()) {
        Ok(number) if value.kind() == ValueKind::Number && !value.is_integer() => {
            Value::from(exact(number))
        }
        _ => value.clone(),
    }
}

/// The whole number of times that one goes into the other, and what is left: below zero both go down.
fn divide(left: &Value, right: &Value) -> Result<(Value, Value), Error> {
    if left.is_integer()
        && right.is_integer()
        && let (Ok(left), Ok(right)) = (i64::try_from(left.clone()), i64::try_from(right.clone()))
        && let (Some(times), Some(rest)) = (
            left.checked_div_euclid(right),
            left.checked_rem_euclid(right),
        )
    {
        return Ok((Value::from(times), Value::from(rest)));
    }
    let (left, right) = (f64::try_from(left.clone())?, f64::try_from(right.clone())?);
    let times = exact(left / right);
    let times = if right > 0.0 {
        times.floor()
    } else {
        times.ceil()
    };
    let number =
        |number: f64| super::number::whole(number).map_or_else(|| Value::from(number), Value::from);
    Ok((number(times), number(exact(left - exact(times * right)))))
}

/// What is added to a text that is a number, where it is nothing.
fn lacking(text: &Value, other: &Value) -> Option<Mistake> {
    let is_number = text.as_str().is_some() && number(text).is_some();
    (is_number && is_blank(other)).then(|| {
        Mistake::new(
            other,
            "has no value to add to a text that is a number; say what it shall be then, e.g. (... or 0), or join texts with ~",
        )
    })
}

/// A sum, or what two texts or lists come to together.
pub(super) fn plus(left: &Value, right: &Value) -> Result<Value, Mistake> {
    // A number that came as a text is one: as beside a number, nothing is not 0.
    if let Some(nothing) = lacking(left, right).or_else(|| lacking(right, left)) {
        return Err(nothing);
    }
    match (left.kind(), right.kind()) {
        (ValueKind::Number, _) | (_, ValueKind::Number) => {
            let (one, other) = (operand(left)?, operand(right)?);
            let whole = |value: &Value| {
                i128::try_from(value.clone())
                    .ok()
                    .filter(|_| value.is_integer())
            };
            if let (Some(one), Some(other)) = (whole(&one), whole(&other))
                && let Some(sum) = one.checked_add(other)
            {
                return Ok(i64::try_from(sum).map_or_else(|_| Value::from(sum), Value::from));
            }
            let float = |value: Value| f64::try_from(value).unwrap_or(f64::NAN);
            Ok(Value::from(exact(float(one) + float(other))))
        }
        (ValueKind::String, ValueKind::String) => {
            if number(left).is_some() && number(right).is_some() {
                return Err(Mistake::new(
                    left,
                    "is a text, as is what is added, and both are numbers; add numbers with | float, or join texts with ~",
                ));
            }
            let (left, right) = (left.as_str(), right.as_str());
            Ok(Value::from(
                left.unwrap_or_default().to_owned() + right.unwrap_or_default(),
            ))
        }
        (ValueKind::Seq | ValueKind::Iterable, ValueKind::Seq | ValueKind::Iterable) => {
            let items = |list: &Value| list.try_iter().into_iter().flatten();
            Ok(items(left).chain(items(right)).collect::<Vec<_>>().into())
        }
        // In texts and lists nothing is nothing.
        (ValueKind::Bool | ValueKind::Map, _) => Err(Mistake::no_number(left)),
        (_, ValueKind::Bool | ValueKind::Map) => Err(Mistake::no_number(right)),
        _ if is_missing(left) => Ok(right.clone()),
        _ if is_missing(right) => Ok(left.clone()),
        (ValueKind::String, _) => Err(Mistake::no_number(right)),
        _ => Err(Mistake::no_number(left)),
    }
}

pub(super) fn add_to(environment: &mut Environment<'_>) {
    let named = |mistake: Mistake, name: Option<&str>| Error::from(mistake.named(name));
    environment.add_function(NUMBER, move |value: &Value, name: Option<&str>| {
        operand(value).map_err(|mistake| named(mistake, name))
    });
    environment.add_function(DIVISOR, move |value: &Value, name: Option<&str>| {
        divisor(value).map_err(|mistake| named(mistake, name))
    });
    environment.add_function(WHOLE, move |value: &Value, name: Option<&str>| {
        whole_number(value).map_err(|mistake| named(mistake, name))
    });
    environment.add_function(EXACT, |value: &Value| reckoned(value));
    environment.add_function(QUOTIENT, |left: &Value, right: &Value| {
        divide(left, right).map(|(times, _)| times)
    });
    environment.add_function(REST, |left: &Value, right: &Value| {
        divide(left, right).map(|(_, rest)| rest)
    });
    environment.add_function(FACTOR, |value: &Value| {
        number(value).unwrap_or_else(|| value.clone())
    });
    environment.add_function(
        PLUS,
        move |left: &Value, right: &Value, one: Option<&str>, other: Option<&str>| {
            plus(left, right).map_err(|mistake| {
                let is_left = mistake.value == *left && mistake.value.kind() == left.kind();
                named(mistake, if is_left { one } else { other })
            })
        },
    );
    environment.add_function("range", |first: &Value, rest: Rest<Value>| {
        range(first, rest.first(), rest.get(1))
    });
    environment.add_filter("abs", |value: &Value| {
        if is_blank(value) {
            return Ok(Value::UNDEFINED);
        }
        let number = operand(value).map_err(Error::from)?;
        minijinja::filters::abs(number)
    });
    environment.add_filter("float", |value: &Value, other: Option<Value>| {
        converted(value, other)
    });
    environment.add_filter(
        "int",
        |value: &Value, other: Option<Value>| -> Result<Value, Error> {
            let number = converted(value, other)?;
            if is_missing(&number) || number.is_integer() {
                return Ok(number);
            }
            let float = f64::try_from(number)?.trunc();
            Ok(super::number::whole(float).map_or_else(|| Value::from(float), Value::from))
        },
    );
    environment.add_filter("bool", |value: &Value| super::number::truth(value));
    environment.add_test("divisibleby", |value: &Value, by: &Value| {
        divided(value, by, 0.0)
    });
    environment.add_test("even", |value: &Value| divided(value, &Value::from(2), 0.0));
    environment.add_test("odd", |value: &Value| divided(value, &Value::from(2), 1.0));
}

/// The number itself; nothing stays nothing, because 0 would be an answer, unless something is named for it.
fn converted(value: &Value, other: Option<Value>) -> Result<Value, Error> {
    if is_blank(value) {
        return Ok(other.unwrap_or_default());
    }
    if value.kind() == ValueKind::Bool {
        return Ok(Value::from(i64::from(value.is_true())));
    }
    Ok(operand(value)?)
}

/// An end or a step of a range.
fn whole_number(value: &Value) -> Result<i64, Mistake> {
    let number = f64::try_from(operand(value)?).ok();
    let whole = number.and_then(super::number::whole);
    whole.ok_or_else(|| Mistake::new(value, "is no whole number"))
}

/// minijinja's, of texts that are numbers as well.
fn range(first: &Value, second: Option<&Value>, step: Option<&Value>) -> Result<Value, Error> {
    let (first, second) = (whole_number(first)?, second.map(whole_number).transpose()?);
    let (from, to) = second.map_or((0, first), |second| (first, second));
    let step = step.map_or(Ok(1), whole_number)?;
    let length = match step {
        0 => return Err(Mistake::new(&Value::from(0), "is no step").into()),
        1.. => to.saturating_sub(from),
        _ => from.saturating_sub(to),
    };
    if length > MOST_OF_A_RANGE.saturating_mul(step.saturating_abs()) {
        return Err(Mistake::new(&Value::from(to), "makes a range too long").into());
    }
    let mut numbers = Vec::new();
    let mut number = from;
    while (step > 0 && number < to) || (step < 0 && number > to) {
        numbers.push(Value::from(number));
        number = number.saturating_add(step);
    }
    Ok(numbers.into())
}

fn divided(value: &Value, by: &Value, rest: f64) -> Result<bool, Error> {
    if is_blank(value) {
        return Ok(false);
    }
    let (value, by) = (
        f64::try_from(operand(value)?)?,
        f64::try_from(divisor(by)?)?,
    );
    #[expect(clippy::float_cmp, reason = "rests of whole numbers are whole")]
    Ok(value.rem_euclid(by) == rest)
}
