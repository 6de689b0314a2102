//! Filters over lists, which keep each item's own labels where the item itself survives.

use std::cmp::Ordering;

use serde_json::Value;
use types::{Failure, LabelMap, Labeled, Labels};

use super::args::Args;
use super::failed;
use super::machine::Machine;
use super::ops::{Num, order, same};
use super::value::{Missing, Val, kind, text_of, truth};

impl<'s> Machine<'s> {
    /// The items of a list, the keys of an object, the characters of a text.
    pub(super) fn items(&mut self, val: &Val<'s>, what: &str) -> Result<Vec<Val<'s>>, Failure> {
        self.touch(val.json())?;
        match val.json() {
            Value::Array(items) => Ok((0..items.len())
                .filter_map(|index| val.child(&index.to_string()))
                .collect()),
            Value::Object(map) => {
                let labels = val.all_labels();
                Ok(map.keys().map(|key| Val::own(key.as_str(), labels)).collect())
            }
            Value::String(text) => {
                let labels = val.all_labels();
                self.burn(text.len())?;
                Ok(text.chars().map(|c| Val::own(c.to_string(), labels)).collect())
            }
            other => Err(failed(format!("{what} needs a list, not {}", kind(other)))),
        }
    }

    /// A list of these items; `labels` are those of its shape, that is, of which items are in it.
    pub(super) fn collect(&mut self, items: Vec<Val<'s>>, labels: Labels) -> Result<Val<'s>, Failure> {
        let mut parts = Vec::with_capacity(items.len());
        for item in items {
            parts.push(self.detach(item)?);
        }
        let mut list = Labeled::array(parts);
        list.labels.set("", labels);
        Ok(Val::labeled(list))
    }

    /// `first` and `last`.
    pub(super) fn end(&mut self, name: &str, base: &Val<'s>) -> Result<Val<'s>, Failure> {
        let mut items = self.items(base, name)?;
        let found = if name == "first" {
            (!items.is_empty()).then(|| items.swap_remove(0))
        } else {
            items.pop()
        };
        Ok(found.unwrap_or_else(|| {
            Val::Missing(Missing {
                path: format!("{name} of an empty list"),
                near: None,
                reason: None,
                labels: base.own_labels(),
            })
        }))
    }

    /// `sort`, `min`, `max`, `unique`, `reverse`.
    pub(super) fn arrange(
        &mut self,
        name: &str,
        base: &Val<'s>,
        args: &Args<'s>,
    ) -> Result<Val<'s>, Failure> {
        if let ("reverse", Value::String(text)) = (name, base.json()) {
            self.charge(text.len())?;
            return Ok(Val::own(
                text.chars().rev().collect::<String>(),
                base.all_labels(),
            ));
        }
        let items = self.items(base, name)?;
        self.burn(
            items
                .len()
                .saturating_mul(usize::BITS as usize - items.len().leading_zeros() as usize),
        )?;
        let path = args.text(if name == "sort" { 9 } else { 0 }, "attribute")?;
        let mut labels = base.own_labels().union(args.labels());
        let mut keyed = Vec::with_capacity(items.len());
        for item in items {
            let key = match path {
                Some(path) => self.follow(&item, path)?.present()?,
                None => item.clone(),
            };
            self.touch(key.json())?;
            labels = labels.union(key.all_labels());
            keyed.push((key.json().clone(), item));
        }
        let mut arranged = match name {
            "reverse" => keyed.into_iter().rev().collect(),
            "unique" => self.distinct(keyed)?,
            _ => sorted(keyed)?,
        };
        if args.flag(0, "reverse") && name == "sort" {
            arranged.reverse();
        }
        let mut items: Vec<Val<'s>> = arranged.into_iter().map(|(_, item)| item.taint(labels)).collect();
        match name {
            "min" | "max" => {
                let found = if name == "max" {
                    items.pop()
                } else {
                    (!items.is_empty()).then(|| items.swap_remove(0))
                };
                Ok(found.unwrap_or_else(|| Val::own(Value::Null, labels)))
            }
            _ => self.collect(items, labels),
        }
    }

    fn distinct(&mut self, keyed: Vec<(Value, Val<'s>)>) -> Result<Vec<(Value, Val<'s>)>, Failure> {
        let mut kept: Vec<(Value, Val<'s>)> = Vec::new();
        for (key, item) in keyed {
            self.burn(kept.len())?;
            if !kept.iter().any(|(known, _)| same(known, &key)) {
                kept.push((key, item));
            }
        }
        Ok(kept)
    }

    /// `select`, `reject`, `selectattr`, `rejectattr`.
    pub(super) fn select(&mut self, name: &str, base: &Val<'s>, args: &Args<'s>) -> Result<Val<'s>, Failure> {
        let by_attribute = name.ends_with("attr");
        let path = if by_attribute {
            args.text(0, "attribute")?
        } else {
            None
        };
        if by_attribute && path.is_none() {
            return Err(failed(format!("'{name}' needs the name of an attribute")));
        }
        let skip = usize::from(by_attribute);
        let test = args.text(skip, "test")?;
        let rest = args.rest(skip + 1);
        let wanted = name.starts_with("select");
        let mut labels = base.own_labels().union(args.labels());
        let mut kept = Vec::new();
        for item in self.items(base, name)? {
            let subject = match path {
                Some(path) => self.follow(&item, path)?,
                None => item.clone(),
            };
            let (holds, read) = match test {
                Some(test) => self.test(test, &subject, &rest)?,
                None => (truth(subject.json()), subject.all_labels()),
            };
            labels = labels.union(read);
            if holds == wanted {
                kept.push(item);
            }
        }
        let kept = kept.into_iter().map(|item| item.taint(labels)).collect();
        self.collect(kept, labels)
    }

    /// `map(attribute='a.b')` and `map('filter', …)`.
    pub(super) fn map_items(&mut self, base: &Val<'s>, args: &Args<'s>) -> Result<Val<'s>, Failure> {
        let attribute = args.text(usize::MAX, "attribute")?;
        let default = args.get(usize::MAX, "default");
        let mut mapped = Vec::new();
        for item in self.items(base, "map")? {
            mapped.push(match (attribute, args.text(0, "filter")?) {
                (Some(path), _) => match (self.follow(&item, path)?, default) {
                    (Val::Missing(missing), Some(default)) => default.clone().taint(missing.labels),
                    (found, _) => found,
                },
                (None, Some(filter)) if filter != "map" => self.filter(filter, item, args.rest(1))?,
                _ => return Err(failed("'map' needs an attribute or the name of a filter")),
            });
        }
        self.collect(mapped, base.own_labels())
    }

    /// `sum`, with or without an attribute.
    pub(super) fn sum(&mut self, base: &Val<'s>, args: &Args<'s>) -> Result<Val<'s>, Failure> {
        let path = args.text(0, "attribute")?;
        let mut labels = base.own_labels().union(args.labels());
        let mut total = Num::Int(0);
        for item in self.items(base, "sum")? {
            let item = match path {
                Some(path) => self.follow(&item, path)?.present()?,
                None => item,
            };
            labels = labels.union(item.all_labels());
            total = match (total, Num::of(item.json())) {
                (Num::Int(total), Some(Num::Int(next))) => Num::Int(total + next),
                (total, Some(next)) => Num::Float(total.float() + next.float()),
                (_, None) => return Err(failed(format!("'sum' can't add {}", kind(item.json())))),
            };
        }
        Ok(Val::own(total.value()?, labels))
    }

    /// `items`, `keys`, `values`, `dictsort`.
    pub(super) fn entries(&mut self, name: &str, base: &Val<'s>) -> Result<Val<'s>, Failure> {
        self.touch(base.json())?;
        let Value::Object(map) = base.json() else {
            return Err(failed(format!(
                "'{name}' needs an object, not {}",
                kind(base.json())
            )));
        };
        let mut keys: Vec<&String> = map.keys().collect();
        if name == "dictsort" {
            keys.sort_by_key(|key| key.to_lowercase());
        }
        // Keys may be anybody's text, and the map keeps no labels for them: take all of its labels.
        let shape = base.all_labels();
        let mut made = Vec::with_capacity(keys.len());
        for key in keys {
            let named = Val::own(key.as_str(), shape);
            let value = base.child(key).unwrap_or_else(|| Val::own(Value::Null, shape));
            made.push(match name {
                "keys" => named,
                "values" => value,
                _ => self.collect(vec![named, value], shape)?,
            });
        }
        self.collect(made, shape)
    }

    /// `batch(size)`.
    pub(super) fn batch(&mut self, base: &Val<'s>, args: &Args<'s>) -> Result<Val<'s>, Failure> {
        let size = args
            .integer(0, "linecount")?
            .and_then(|size| usize::try_from(size).ok())
            .unwrap_or(0);
        if size == 0 {
            return Err(failed("'batch' needs a size above 0"));
        }
        let labels = base.own_labels().union(args.labels());
        let items = self.items(base, "batch")?;
        let mut batches = Vec::new();
        for chunk in items.chunks(size) {
            batches.push(self.collect(chunk.to_vec(), labels)?);
        }
        self.collect(batches, labels)
    }

    /// `join(separator, attribute=…)`.
    pub(super) fn join(&mut self, base: &Val<'s>, args: &Args<'s>) -> Result<Val<'s>, Failure> {
        let separator = args.text(0, "d")?.unwrap_or_default();
        let path = args.text(1, "attribute")?;
        let mut labels = base.all_labels().union(args.labels());
        let mut out = String::new();
        for (index, item) in self.items(base, "join")?.into_iter().enumerate() {
            let item = match path {
                Some(path) => self.follow(&item, path)?.present()?,
                None => item,
            };
            labels = labels.union(item.all_labels());
            let text = text_of(item.json());
            self.charge(text.len() + separator.len())?;
            if index > 0 {
                out.push_str(separator);
            }
            out.push_str(&text);
        }
        Ok(Val::own(out, labels))
    }

    /// Follows a dotted path such as `status.code` inside an item.
    fn follow(&mut self, item: &Val<'s>, path: &str) -> Result<Val<'s>, Failure> {
        let mut at = item.clone();
        for name in path.split('.') {
            self.burn(1)?;
            at = match at.child(name) {
                Some(child) => child,
                None => {
                    return Ok(Val::Missing(Missing {
                        path: path.to_owned(),
                        near: None,
                        reason: Some(format!("an item has no '{name}'")),
                        labels: at.own_labels(),
                    }));
                }
            };
        }
        Ok(at)
    }

    /// A value with the labels of `labels` throughout, accounted for.
    pub(super) fn made(&mut self, value: Value, labels: Labels) -> Result<Val<'s>, Failure> {
        let size = self.touch(&value)?;
        self.charge(size)?;
        Ok(Val::Own {
            value,
            labels: LabelMap::all(labels),
        })
    }
}

/// Sorts by key; fails if two keys have no order.
fn sorted<'s>(mut keyed: Vec<(Value, Val<'s>)>) -> Result<Vec<(Value, Val<'s>)>, Failure> {
    let mut failure = None;
    for pair in keyed.windows(2) {
        if let Err(wrong) = order(&pair[0].0, &pair[1].0) {
            failure.get_or_insert(wrong);
        }
    }
    if let Some(failure) = failure {
        return Err(failure);
    }
    keyed.sort_by(|a, b| order(&a.0, &b.0).unwrap_or(Ordering::Equal));
    Ok(keyed)
}
