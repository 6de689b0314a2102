//! The tests after `is`.

use serde_json::Value;
use types::{Failure, Labels};

use super::args::Args;
use super::failed;
use super::machine::Machine;
use super::ops::{order, same, within};
use super::value::{Val, truth};

/// Every known test.
pub(super) const NAMES: &[&str] = &[
    "defined",
    "undefined",
    "none",
    "null",
    "boolean",
    "true",
    "false",
    "number",
    "integer",
    "float",
    "string",
    "sequence",
    "iterable",
    "mapping",
    "odd",
    "even",
    "divisibleby",
    "startingwith",
    "endingwith",
    "in",
    "eq",
    "equalto",
    "ne",
    "lt",
    "le",
    "gt",
    "ge",
    "empty",
];

impl<'s> Machine<'s> {
    /// Whether a test holds, and the labels of what it read.
    pub(super) fn test(
        &mut self,
        name: &str,
        val: &Val<'s>,
        args: &Args<'s>,
    ) -> Result<(bool, Labels), Failure> {
        match (name, val) {
            ("defined", _) => return Ok((!matches!(val, Val::Missing(_)), val.own_labels())),
            ("undefined", _) => return Ok((matches!(val, Val::Missing(_)), val.own_labels())),
            (_, Val::Missing(missing)) => return Err(missing.failure()),
            _ => {}
        }
        let value = val.json();
        let of_kind = match name {
            "none" | "null" => Some(value.is_null()),
            "boolean" => Some(value.is_boolean()),
            "true" => Some(*value == Value::Bool(true)),
            "false" => Some(*value == Value::Bool(false)),
            "number" => Some(value.is_number()),
            "integer" => Some(value.is_i64() || value.is_u64()),
            "float" => Some(value.is_f64()),
            "string" => Some(value.is_string()),
            "sequence" => Some(value.is_array() || value.is_string()),
            "iterable" => Some(value.is_array() || value.is_string() || value.is_object()),
            "mapping" => Some(value.is_object()),
            _ => None,
        };
        if let Some(holds) = of_kind {
            return Ok((holds, val.own_labels()));
        }
        self.touch(value)?;
        let labels = val.all_labels().union(args.labels());
        let holds = match name {
            "odd" => integer(value)?.rem_euclid(2) == 1,
            "even" => integer(value)?.rem_euclid(2) == 0,
            "empty" => !truth(value),
            _ => self.compared(name, value, args)?,
        };
        Ok((holds, labels))
    }

    fn compared(&mut self, name: &str, value: &Value, args: &Args<'s>) -> Result<bool, Failure> {
        let Some(other) = args.positional.first().map(Val::json) else {
            return Err(failed(format!("the test '{name}' needs a value to compare with")));
        };
        self.touch(other)?;
        let texts = || match (value, other) {
            (Value::String(text), Value::String(part)) => Ok((text, part)),
            _ => Err(failed(format!("the test '{name}' needs two strings"))),
        };
        Ok(match name {
            "divisibleby" => match integer(other)? {
                0 => return Err(failed("division by zero")),
                divisor => integer(value)?.checked_rem(divisor) == Some(0),
            },
            "startingwith" => texts().map(|(text, part)| text.starts_with(part.as_str()))?,
            "endingwith" => texts().map(|(text, part)| text.ends_with(part.as_str()))?,
            "in" => within(value, other)?,
            "eq" | "equalto" => same(value, other),
            "ne" => !same(value, other),
            "lt" => order(value, other)?.is_lt(),
            "le" => order(value, other)?.is_le(),
            "gt" => order(value, other)?.is_gt(),
            "ge" => order(value, other)?.is_ge(),
            _ => return Err(failed(format!("there is no test '{name}'"))),
        })
    }
}

fn integer(value: &Value) -> Result<i64, Failure> {
    value
        .as_i64()
        .ok_or_else(|| failed("the test needs a whole number"))
}
