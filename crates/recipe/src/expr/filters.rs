//! The filters after `|`, and the methods that people write instead of them.

use serde_json::Value;
use types::Failure;

use super::args::Args;
use super::machine::Machine;
use super::ops::Num;
use super::value::{Val, kind, text_of, truth};
use super::{MAX_RESULT, failed, nearest, too_large};

/// Every known filter.
pub(super) const NAMES: &[&str] = &[
    "default",
    "d",
    "lower",
    "upper",
    "title",
    "capitalize",
    "replace",
    "length",
    "count",
    "trim",
    "join",
    "split",
    "lines",
    "round",
    "abs",
    "int",
    "float",
    "string",
    "bool",
    "list",
    "first",
    "last",
    "min",
    "max",
    "sum",
    "sort",
    "reverse",
    "unique",
    "map",
    "select",
    "reject",
    "selectattr",
    "rejectattr",
    "items",
    "keys",
    "values",
    "dictsort",
    "tojson",
    "to_json",
    "slug",
    "indent",
    "batch",
    "truncate",
    "attr",
];

/// Every known method.
pub(super) const METHODS: &[&str] = &[
    "get",
    "items",
    "keys",
    "values",
    "upper",
    "lower",
    "strip",
    "split",
    "replace",
    "startswith",
    "endswith",
];

impl<'s> Machine<'s> {
    /// Applies a filter.
    pub(super) fn filter(&mut self, name: &str, base: Val<'s>, args: Args<'s>) -> Result<Val<'s>, Failure> {
        self.burn(1)?;
        if matches!(name, "default" | "d") {
            return Ok(default(base, &args));
        }
        let base = base.present()?;
        match name {
            "first" | "last" => self.end(name, &base),
            "min" | "max" | "sort" | "reverse" | "unique" => self.arrange(name, &base, &args),
            "map" => self.map_items(&base, &args),
            "select" | "reject" | "selectattr" | "rejectattr" => self.select(name, &base, &args),
            "items" | "keys" | "values" | "dictsort" => self.entries(name, &base),
            "sum" => self.sum(&base, &args),
            "batch" => self.batch(&base, &args),
            "join" => self.join(&base, &args),
            "list" => {
                let items = self.items(&base, "list")?;
                self.collect(items, base.own_labels())
            }
            "attr" => {
                let key = args
                    .text(0, "name")?
                    .ok_or_else(|| failed("'attr' needs a name"))?;
                base.child(key).map_or_else(
                    || Err(super::undefined(format!("'{key}' is undefined"))),
                    |child| Ok(child.taint(args.labels())),
                )
            }
            _ => {
                self.touch(base.json())?;
                let labels = base.all_labels().union(args.labels());
                let value = self.scalar(name, base.json(), &args)?;
                self.made(value, labels)
            }
        }
    }

    /// Calls a method.
    pub(super) fn method(&mut self, name: &str, base: Val<'s>, args: Args<'s>) -> Result<Val<'s>, Failure> {
        let base = base.present()?;
        let filter = match name {
            "strip" => "trim",
            "get" => {
                let key = args.text(0, "key")?.ok_or_else(|| failed("'get' needs a key"))?;
                let fallback = args
                    .get(1, "default")
                    .cloned()
                    .unwrap_or_else(|| Val::constant(Value::Null));
                let labels = args.get(0, "key").map_or(types::Labels::NONE, Val::all_labels);
                return Ok(base
                    .child(key)
                    .unwrap_or_else(|| fallback.taint(base.own_labels()))
                    .taint(labels));
            }
            "startswith" | "endswith" => {
                let test = if name == "startswith" {
                    "startingwith"
                } else {
                    "endingwith"
                };
                let (holds, labels) = self.test(test, &base, &args)?;
                return Ok(Val::own(holds, labels));
            }
            known if METHODS.contains(&known) => known,
            unknown => return Err(failed(format!("there is no method '{unknown}'"))),
        };
        self.filter(filter, base, args)
    }

    /// Filters that make a new value of the whole of the old one.
    fn scalar(&mut self, name: &str, value: &Value, args: &Args<'s>) -> Result<Value, Failure> {
        Ok(match name {
            "length" | "count" => Value::from(length(value)?),
            "string" => Value::String(text_of(value)),
            "bool" => Value::Bool(truth(value)),
            "tojson" | "to_json" => Value::String(json_text(value, args.flag(0, "indent"))),
            "abs" | "round" | "int" | "float" => number(name, value, args)?,
            "slug" => Value::String(slug::slugify(text_of(value))),
            "split" => self.split(text(name, value)?, args)?,
            "lines" => Value::Array(text(name, value)?.lines().map(Value::from).collect()),
            "replace" => self.replace(text(name, value)?, args)?,
            "indent" => self.indent(text(name, value)?, args)?,
            "truncate" => Value::String(truncate(text(name, value)?, args)?),
            "lower" => Value::String(text(name, value)?.to_lowercase()),
            "upper" => Value::String(text(name, value)?.to_uppercase()),
            "title" => Value::String(title(text(name, value)?)),
            "capitalize" => Value::String(capital(text(name, value)?)),
            "trim" => {
                let text = text(name, value)?;
                Value::from(match args.text(0, "chars")? {
                    Some(chars) => text.trim_matches(|c| chars.contains(c)),
                    None => text.trim(),
                })
            }
            unknown => {
                let near = nearest(unknown, NAMES.iter().copied());
                let near = near
                    .map(|near| format!(", did you mean '{near}'"))
                    .unwrap_or_default();
                return Err(failed(format!("there is no filter '{unknown}'{near}")));
            }
        })
    }

    fn split(&mut self, text: &str, args: &Args<'s>) -> Result<Value, Failure> {
        let parts: Vec<&str> = match args.text(0, "separator")? {
            Some("") => return Err(failed("'split' needs a separator that isn't empty")),
            Some(separator) => text.split(separator).collect(),
            None => text.split_whitespace().collect(),
        };
        self.burn(parts.len())?;
        Ok(Value::Array(parts.into_iter().map(Value::from).collect()))
    }

    fn replace(&mut self, text: &str, args: &Args<'s>) -> Result<Value, Failure> {
        let (Some(from), Some(to)) = (args.text(0, "from")?, args.text(1, "to")?) else {
            return Err(failed("'replace' needs what to replace and what with"));
        };
        let found = text.matches(from).count();
        self.charge(text.len().saturating_add(found.saturating_mul(to.len())))?;
        Ok(Value::String(text.replace(from, to)))
    }

    fn indent(&mut self, text: &str, args: &Args<'s>) -> Result<Value, Failure> {
        let width = args
            .integer(0, "width")?
            .unwrap_or(4)
            .clamp(0, MAX_RESULT as i64 + 1) as usize;
        let lines = text.lines().count();
        self.charge(text.len().saturating_add(lines.saturating_mul(width)))?;
        let pad = " ".repeat(width);
        let first = args.flag(1, "first");
        let mut out = String::new();
        for (index, line) in text.split('\n').enumerate() {
            if index > 0 {
                out.push('\n');
            }
            if (index > 0 || first) && !line.is_empty() {
                out.push_str(&pad);
            }
            out.push_str(line);
        }
        if out.len() > MAX_RESULT {
            Err(too_large())
        } else {
            Ok(Value::String(out))
        }
    }
}

/// The value, or the fallback if it is missing (with `true` as second argument: or empty).
fn default<'s>(base: Val<'s>, args: &Args<'s>) -> Val<'s> {
    let empty_too = args.flag(1, "boolean");
    let labels = if empty_too {
        base.all_labels()
    } else {
        base.own_labels()
    };
    let lacking = matches!(base, Val::Missing(_)) || (empty_too && !truth(base.json()));
    if !lacking {
        return base;
    }
    let fallback = args
        .get(0, "default_value")
        .cloned()
        .unwrap_or_else(|| Val::constant(""));
    fallback.taint(labels)
}

fn text<'v>(name: &str, value: &'v Value) -> Result<&'v str, Failure> {
    value.as_str().ok_or_else(|| {
        failed(format!("'{name}' needs a string, not {}", kind(value))).hint("put '| string' before it")
    })
}

fn length(value: &Value) -> Result<usize, Failure> {
    match value {
        Value::String(text) => Ok(text.chars().count()),
        Value::Array(items) => Ok(items.len()),
        Value::Object(map) => Ok(map.len()),
        other => Err(failed(format!("{} has no length", kind(other)))),
    }
}

fn json_text(value: &Value, pretty: bool) -> String {
    let pretty = if pretty {
        serde_json::to_string_pretty(value).ok()
    } else {
        None
    };
    pretty.unwrap_or_else(|| value.to_string())
}

fn number(name: &str, value: &Value, args: &Args<'_>) -> Result<Value, Failure> {
    let read = Num::of(value).or_else(|| match value {
        Value::String(text) if matches!(name, "int" | "float") => read_number(text.trim()),
        Value::Bool(flag) if matches!(name, "int" | "float") => Some(Num::Int(i128::from(*flag))),
        _ => None,
    });
    let Some(read) = read else {
        return match (name, args.get(0, "default")) {
            ("int" | "float", Some(fallback)) => Ok(fallback.json().clone()),
            _ => Err(failed(format!("'{name}' can't make a number of {}", kind(value)))),
        };
    };
    match (name, read) {
        ("abs", Num::Int(integer)) => Num::Int(integer.abs()).value(),
        ("abs", Num::Float(float)) => Num::Float(float.abs()).value(),
        ("int", Num::Float(float)) => Num::Int(float.trunc() as i128).value(),
        ("float", number) => Num::Float(number.float()).value(),
        ("round", Num::Float(float)) => {
            let digits = args.integer(0, "precision")?.unwrap_or(0).clamp(-15, 15);
            let scale = 10f64.powi(digits as i32);
            Num::Float((float * scale).round() / scale).value()
        }
        (_, number) => number.value(),
    }
}

fn read_number(text: &str) -> Option<Num> {
    let integer = text.parse::<i64>().ok().map(|integer| Num::Int(integer.into()));
    integer.or_else(|| {
        text.parse::<f64>()
            .ok()
            .filter(|float| float.is_finite())
            .map(Num::Float)
    })
}

fn truncate(text: &str, args: &Args<'_>) -> Result<String, Failure> {
    let length = usize::try_from(args.integer(0, "length")?.unwrap_or(255)).unwrap_or(0);
    if text.chars().count() <= length {
        return Ok(text.to_owned());
    }
    let kept: String = text.chars().take(length.saturating_sub(1)).collect();
    Ok(kept + "…")
}

fn capital(word: &str) -> String {
    let mut chars = word.chars();
    let first: String = chars.next().into_iter().flat_map(char::to_uppercase).collect();
    first + &chars.as_str().to_lowercase()
}

fn title(text: &str) -> String {
    text.split_inclusive(|c: char| !c.is_alphanumeric() && c != '\'')
        .map(capital)
        .collect()
}
