//! Operators on values: arithmetic, comparison, membership, slices.

use std::cmp::Ordering;

use minijinja::machinery::ast::{BinOpKind, CompareOpKind, UnaryOpKind};
use serde_json::{Number, Value};
use types::Failure;

use super::machine::Machine;
use super::value::{Val, kind, text_of, truth};
use super::{MAX_RESULT, failed, too_large};

/// A number in an operation.
#[derive(Debug, Clone, Copy)]
pub(super) enum Num {
    Int(i128),
    Float(f64),
}

impl Num {
    pub(super) fn of(value: &Value) -> Option<Num> {
        let Value::Number(number) = value else { return None };
        let integer = number
            .as_i64()
            .map(i128::from)
            .or_else(|| number.as_u64().map(i128::from));
        integer.map(Num::Int).or_else(|| number.as_f64().map(Num::Float))
    }

    pub(super) fn float(self) -> f64 {
        match self {
            Num::Int(integer) => integer as f64,
            Num::Float(float) => float,
        }
    }

    pub(super) fn value(self) -> Result<Value, Failure> {
        let number = match self {
            Num::Int(integer) => match (i64::try_from(integer), u64::try_from(integer)) {
                (Ok(small), _) => Some(Number::from(small)),
                (_, Ok(large)) => Some(Number::from(large)),
                _ => None,
            },
            Num::Float(float) => Number::from_f64(float),
        };
        number
            .map(Value::Number)
            .ok_or_else(|| failed("the result isn't a number that JSON can hold"))
    }
}

pub(super) fn unary(op: &UnaryOpKind, operand: &Val<'_>) -> Result<Val<'static>, Failure> {
    let labels = operand.all_labels();
    let value = match op {
        UnaryOpKind::Not => Value::Bool(!truth(operand.json())),
        UnaryOpKind::Neg => match Num::of(operand.json()) {
            Some(Num::Int(integer)) => Num::Int(-integer).value()?,
            Some(Num::Float(float)) => Num::Float(-float).value()?,
            None => {
                return Err(failed(format!(
                    "'-' needs a number, not {}",
                    kind(operand.json())
                )));
            }
        },
    };
    Ok(Val::own(value, labels))
}

impl<'s> Machine<'s> {
    /// A binary operator; `and` and `or` are handled by the caller.
    pub(super) fn operate(
        &mut self,
        op: BinOpKind,
        left: &Val<'s>,
        right: &Val<'s>,
    ) -> Result<Val<'s>, Failure> {
        let compared = match op {
            BinOpKind::Eq => Some(CompareOpKind::Eq),
            BinOpKind::Ne => Some(CompareOpKind::Ne),
            BinOpKind::Lt => Some(CompareOpKind::Lt),
            BinOpKind::Lte => Some(CompareOpKind::Lte),
            BinOpKind::Gt => Some(CompareOpKind::Gt),
            BinOpKind::Gte => Some(CompareOpKind::Gte),
            BinOpKind::In => Some(CompareOpKind::In),
            _ => None,
        };
        if let Some(op) = compared {
            return self.compare(op, left, right);
        }
        let labels = left.all_labels().union(right.all_labels());
        let value = match (op, left.json(), right.json()) {
            (BinOpKind::Concat, a, b) => self.concat(a, b)?,
            (BinOpKind::Add, Value::String(a), Value::String(b)) => {
                self.charge(a.len() + b.len())?;
                Value::String(format!("{a}{b}"))
            }
            (BinOpKind::Add, Value::Array(_), Value::Array(_)) => {
                let mut items = self.items(left, "'+'")?;
                items.extend(self.items(right, "'+'")?);
                return self.collect(items, left.own_labels().union(right.own_labels()));
            }
            (BinOpKind::Mul, Value::String(text), Value::Number(n)) => self.repeat_text(text, n)?,
            (BinOpKind::Mul, Value::Number(n), Value::String(text)) => self.repeat_text(text, n)?,
            (BinOpKind::Mul, list @ Value::Array(_), Value::Number(n))
            | (BinOpKind::Mul, Value::Number(n), list @ Value::Array(_)) => self.repeat_list(list, n)?,
            (_, a, b) => match (Num::of(a), Num::of(b)) {
                (Some(x), Some(y)) => arithmetic(op, x, y)?,
                _ => {
                    let sign = sign(op);
                    return Err(failed(format!("'{sign}' can't take {} and {}", kind(a), kind(b))));
                }
            },
        };
        Ok(Val::own(value, labels))
    }

    fn concat(&mut self, a: &Value, b: &Value) -> Result<Value, Failure> {
        let size = self.touch(a)? + self.touch(b)?;
        self.charge(size)?;
        Ok(Value::String(text_of(a) + &text_of(b)))
    }

    fn repeat_text(&mut self, text: &str, times: &Number) -> Result<Value, Failure> {
        let times = count(times)?;
        self.charge(text.len().saturating_mul(times))?;
        Ok(Value::String(text.repeat(times)))
    }

    fn repeat_list(&mut self, list: &Value, times: &Number) -> Result<Value, Failure> {
        let times = count(times)?;
        let size = self.touch(list)?;
        self.charge(size.saturating_mul(times))?;
        let items = list.as_array().map(Vec::as_slice).unwrap_or_default();
        self.burn(items.len().saturating_mul(times))?;
        Ok(Value::Array(
            std::iter::repeat_n(items, times).flatten().cloned().collect(),
        ))
    }

    pub(super) fn compare(
        &mut self,
        op: CompareOpKind,
        left: &Val<'s>,
        right: &Val<'s>,
    ) -> Result<Val<'s>, Failure> {
        let labels = left.all_labels().union(right.all_labels());
        let (a, b) = (left.json(), right.json());
        self.touch(a)?;
        self.touch(b)?;
        let holds = match op {
            CompareOpKind::Eq => same(a, b),
            CompareOpKind::Ne => !same(a, b),
            CompareOpKind::Lt => order(a, b)? == Ordering::Less,
            CompareOpKind::Lte => order(a, b)? != Ordering::Greater,
            CompareOpKind::Gt => order(a, b)? == Ordering::Greater,
            CompareOpKind::Gte => order(a, b)? != Ordering::Less,
            CompareOpKind::In => within(a, b)?,
            CompareOpKind::NotIn => !within(a, b)?,
        };
        Ok(Val::own(holds, labels))
    }

    /// `range(stop)`, `range(start, stop)`, `range(start, stop, step)`.
    pub(super) fn range(&mut self, args: &super::args::Args<'s>) -> Result<Val<'s>, Failure> {
        let mut bounds = Vec::new();
        for position in 0..args.positional.len().min(3) {
            bounds.push(args.integer(position, "range")?.unwrap_or(0));
        }
        let (start, stop, step) = match bounds.as_slice() {
            [stop] => (0, *stop, 1),
            [start, stop] => (*start, *stop, 1),
            [start, stop, step] if *step != 0 => (*start, *stop, *step),
            _ => {
                return Err(failed(
                    "range takes a stop, or a start, a stop and a step that isn't 0",
                ));
            }
        };
        let span = if step > 0 {
            i128::from(stop) - i128::from(start)
        } else {
            i128::from(start) - i128::from(stop)
        };
        let step_size = i128::from(step).abs();
        let length = usize::try_from((span + step_size - 1).max(0) / step_size).map_err(|_| too_large())?;
        self.burn(length)?;
        self.charge(length.saturating_mul(8))?;
        let items: Vec<Value> = (0..length as i64)
            .map(|index| Value::from(start + index * step))
            .collect();
        Ok(Val::own(items, args.labels()))
    }
}

fn count(times: &Number) -> Result<usize, Failure> {
    match times.as_i64() {
        Some(times) => Ok(usize::try_from(times).unwrap_or(0).min(MAX_RESULT * 2)),
        None if times.is_f64() => Err(failed("'*' repeats only by a whole number")),
        None => Err(too_large()),
    }
}

fn sign(op: BinOpKind) -> &'static str {
    match op {
        BinOpKind::Add => "+",
        BinOpKind::Sub => "-",
        BinOpKind::Mul => "*",
        BinOpKind::Div => "/",
        BinOpKind::FloorDiv => "//",
        BinOpKind::Rem => "%",
        BinOpKind::Pow => "**",
        BinOpKind::Concat => "~",
        _ => "the operator",
    }
}

fn arithmetic(op: BinOpKind, x: Num, y: Num) -> Result<Value, Failure> {
    let zero = || failed("division by zero");
    let large = || failed("the result is too large a number");
    if matches!(op, BinOpKind::Div | BinOpKind::FloorDiv | BinOpKind::Rem) && y.float() == 0.0 {
        return Err(zero());
    }
    let result = match (op, x, y) {
        (BinOpKind::Add, Num::Int(a), Num::Int(b)) => Num::Int(a + b),
        (BinOpKind::Sub, Num::Int(a), Num::Int(b)) => Num::Int(a - b),
        (BinOpKind::Mul, Num::Int(a), Num::Int(b)) => Num::Int(a.checked_mul(b).ok_or_else(large)?),
        (BinOpKind::FloorDiv, Num::Int(a), Num::Int(b)) => {
            let towards_zero = a / b;
            Num::Int(towards_zero - i128::from(a % b != 0 && (a < 0) != (b < 0)))
        }
        (BinOpKind::Rem, Num::Int(a), Num::Int(b)) => Num::Int(((a % b) + b) % b),
        (BinOpKind::Pow, Num::Int(a), Num::Int(b)) if b >= 0 => {
            let power = u32::try_from(b).ok().and_then(|power| a.checked_pow(power));
            Num::Int(power.ok_or_else(large)?)
        }
        (BinOpKind::Add, a, b) => Num::Float(a.float() + b.float()),
        (BinOpKind::Sub, a, b) => Num::Float(a.float() - b.float()),
        (BinOpKind::Mul, a, b) => Num::Float(a.float() * b.float()),
        (BinOpKind::Div, a, b) => Num::Float(a.float() / b.float()),
        (BinOpKind::FloorDiv, a, b) => Num::Float((a.float() / b.float()).floor()),
        (BinOpKind::Rem, a, b) => Num::Float(a.float() - b.float() * (a.float() / b.float()).floor()),
        (BinOpKind::Pow, a, b) => Num::Float(a.float().powf(b.float())),
        _ => return Err(failed("the operator can't take numbers")),
    };
    result.value()
}

/// Equality of JSON values; numbers are equal by value, whether written `1` or `1.0`.
pub(super) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(_), Value::Number(_)) => match (Num::of(a), Num::of(b)) {
            (Some(Num::Int(x)), Some(Num::Int(y))) => x == y,
            (Some(x), Some(y)) => x.float() == y.float(),
            _ => false,
        },
        (Value::Array(x), Value::Array(y)) => x.len() == y.len() && x.iter().zip(y).all(|(x, y)| same(x, y)),
        (Value::Object(x), Value::Object(y)) => {
            x.len() == y.len() && x.iter().all(|(key, x)| y.get(key).is_some_and(|y| same(x, y)))
        }
        _ => a == b,
    }
}

/// The order of two values of one kind.
pub(super) fn order(a: &Value, b: &Value) -> Result<Ordering, Failure> {
    match (a, b) {
        (Value::String(x), Value::String(y)) => Ok(x.cmp(y)),
        (Value::Bool(x), Value::Bool(y)) => Ok(x.cmp(y)),
        (Value::Array(x), Value::Array(y)) => {
            for (x, y) in x.iter().zip(y) {
                match order(x, y)? {
                    Ordering::Equal => {}
                    different => return Ok(different),
                }
            }
            Ok(x.len().cmp(&y.len()))
        }
        _ => match (Num::of(a), Num::of(b)) {
            (Some(Num::Int(x)), Some(Num::Int(y))) => Ok(x.cmp(&y)),
            (Some(x), Some(y)) => Ok(x.float().total_cmp(&y.float())),
            _ => Err(failed(format!("{} and {} have no order", kind(a), kind(b)))),
        },
    }
}

/// Membership: in a list, a text in a text, a key in an object.
pub(super) fn within(needle: &Value, holder: &Value) -> Result<bool, Failure> {
    match (holder, needle) {
        (Value::Array(items), _) => Ok(items.iter().any(|item| same(item, needle))),
        (Value::String(text), Value::String(part)) => Ok(text.contains(part.as_str())),
        (Value::Object(map), Value::String(key)) => Ok(map.contains_key(key)),
        _ => Err(failed(format!(
            "'in' can't look for {} in {}",
            kind(needle),
            kind(holder)
        ))),
    }
}

/// The place in a list of `length` that an index means; negative ones count from the end.
pub(super) fn position(index: i64, length: usize) -> Option<usize> {
    let length = i64::try_from(length).ok()?;
    let at = if index < 0 { index + length } else { index };
    usize::try_from(at).ok().filter(|_| at < length)
}

/// The places that a slice takes, as in Python.
pub(super) fn slice(
    length: usize,
    start: Option<i64>,
    stop: Option<i64>,
    step: Option<i64>,
) -> Result<impl Iterator<Item = usize>, Failure> {
    let length = i64::try_from(length).map_err(|_| too_large())?;
    let step = step.unwrap_or(1);
    if step == 0 {
        return Err(failed("a slice's step can't be 0"));
    }
    let (low, high) = if step > 0 { (0, length) } else { (-1, length - 1) };
    let clamp = |bound: i64| {
        let bound = if bound < 0 {
            bound.saturating_add(length)
        } else {
            bound
        };
        bound.clamp(low, high)
    };
    let start = start.map_or(if step > 0 { low } else { high }, clamp);
    let stop = stop.map_or(if step > 0 { high } else { low }, clamp);
    let mut at = Some(start);
    Ok(std::iter::from_fn(move || {
        let here = at.filter(|here| if step > 0 { *here < stop } else { *here > stop })?;
        at = here.checked_add(step);
        usize::try_from(here).ok()
    }))
}
