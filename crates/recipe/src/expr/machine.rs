//! The walk over a syntax tree: names, paths, operators, choices, loops; with fuel and bytes
//! charged as it goes.

use minijinja::machinery::ast;
use serde_json::Value;
use types::{Failure, Label, Labeled, Labels};

use super::args::Args;
use super::parse::path_of;
use super::value::{Missing, Val, kind, text_of, truth};
use super::{FUEL, MAX_RESULT, MAX_WORK, failed, nearest, ops, out_of_fuel, size_up_to, too_large};
use crate::eval::Scope;

/// One evaluation.
pub(crate) struct Machine<'s> {
    scope: &'s Scope,
    pub(super) locals: Vec<(String, Val<'s>)>,
    fuel: u64,
    work: usize,
    /// Labels of everything that a text template read so far.
    pub(super) read: Labels,
}

impl<'s> Machine<'s> {
    pub(crate) fn new(scope: &'s Scope) -> Self {
        Self {
            scope,
            locals: Vec::new(),
            fuel: FUEL,
            work: 0,
            read: Labels::NONE,
        }
    }

    /// Uses up fuel for `steps` nodes or items.
    pub(crate) fn burn(&mut self, steps: usize) -> Result<(), Failure> {
        self.fuel = self.fuel.checked_sub(steps as u64).ok_or_else(out_of_fuel)?;
        Ok(())
    }

    /// Accounts for `bytes` about to be built.
    pub(crate) fn charge(&mut self, bytes: usize) -> Result<(), Failure> {
        self.work = self.work.saturating_add(bytes);
        if bytes > MAX_RESULT || self.work > MAX_WORK {
            Err(too_large())
        } else {
            Ok(())
        }
    }

    /// Accounts for looking at all of a value; gives its size in bytes, about that of its JSON.
    pub(crate) fn touch(&mut self, value: &Value) -> Result<usize, Failure> {
        self.burn(1)?;
        match value {
            Value::String(text) => {
                self.burn(text.len() / 256)?;
                Ok(text.len() + 2)
            }
            Value::Array(items) => items
                .iter()
                .try_fold(2, |size, item| Ok(size + 1 + self.touch(item)?)),
            Value::Object(map) => map.iter().try_fold(2, |size, (key, item)| {
                Ok(size + key.len() + 4 + self.touch(item)?)
            }),
            _ => Ok(8),
        }
    }

    /// A copy that stands on its own, accounted for.
    pub(crate) fn detach(&mut self, val: Val<'s>) -> Result<Labeled, Failure> {
        let val = val.present()?;
        let size = self.touch(val.json())?;
        self.charge(size)?;
        val.into_labeled()
    }

    /// The final value of an expression.
    pub(crate) fn result(&mut self, expr: &ast::Expr<'_>) -> Result<Labeled, Failure> {
        let val = self.eval(expr)?.present()?;
        if size_up_to(val.json(), MAX_RESULT) > MAX_RESULT {
            return Err(too_large());
        }
        val.into_labeled()
    }

    /// Whether a condition holds, and the labels of what it read.
    pub(crate) fn condition(&mut self, expr: &ast::Expr<'_>) -> Result<(bool, Labels), Failure> {
        let val = self.eval(expr)?.present()?;
        Ok((truth(val.json()), val.all_labels()))
    }

    pub(crate) fn eval(&mut self, expr: &ast::Expr<'_>) -> Result<Val<'s>, Failure> {
        self.burn(1)?;
        match expr {
            ast::Expr::Var(var) => self.name(var.id),
            ast::Expr::Const(constant) => constant_of(&constant.value),
            ast::Expr::GetAttr(get) => {
                let base = self.eval(&get.expr)?;
                Ok(attribute(base, get.name, &get.expr))
            }
            ast::Expr::GetItem(get) => self.item(get),
            ast::Expr::Slice(slice) => self.slice(slice),
            ast::Expr::UnaryOp(op) => {
                let operand = self.eval(&op.expr)?.present()?;
                ops::unary(&op.op, &operand)
            }
            ast::Expr::BinOp(op) => self.binary(op),
            ast::Expr::Compare(compare) => self.chain(compare),
            ast::Expr::IfExpr(choice) => self.choice(choice),
            ast::Expr::Filter(filter) => {
                let Some(expr) = &filter.expr else {
                    return Err(failed("a filter needs a value"));
                };
                let base = self.eval(expr)?;
                let args = self.args(&filter.args)?;
                self.filter(filter.name, base, args)
            }
            ast::Expr::Test(test) => {
                let base = self.eval(&test.expr)?;
                let args = self.args(&test.args)?;
                let (holds, labels) = self.test(test.name, &base, &args)?;
                Ok(Val::own(holds, labels))
            }
            ast::Expr::Call(call) => self.call(call),
            ast::Expr::List(list) => self.list(&list.items),
            ast::Expr::Tuple(list) => self.list(&list.items),
            ast::Expr::Map(map) => self.map(map),
        }
    }

    fn name(&mut self, name: &str) -> Result<Val<'s>, Failure> {
        if let Some(at) = self.locals.iter().rposition(|(local, _)| local == name) {
            let local = self.locals[at].1.clone();
            if matches!(local, Val::Own { .. }) {
                let size = self.touch(local.json())?;
                self.charge(size)?;
            }
            return Ok(local);
        }
        if let Some(value) = self.scope.get(name) {
            return Ok(Val::whole(value));
        }
        if name == "null" {
            return Ok(Val::constant(Value::Null));
        }
        let known = self
            .scope
            .names()
            .chain(self.locals.iter().map(|(local, _)| local.as_str()));
        Ok(Val::Missing(Missing {
            path: name.to_owned(),
            near: nearest(name, known).map(str::to_owned),
            reason: None,
            labels: Labels::NONE,
        }))
    }

    fn item(&mut self, get: &ast::GetItem<'_>) -> Result<Val<'s>, Failure> {
        let base = self.eval(&get.expr)?;
        if let ast::Expr::Const(key) = &get.subscript_expr
            && let Some(key) = key.value.as_str()
        {
            return Ok(attribute(base, key, &get.expr));
        }
        let key = self.eval(&get.subscript_expr)?.present()?;
        // A constant says nothing; a computed key decides which part it is.
        let labels = if is_constant(&get.subscript_expr) {
            Labels::NONE
        } else {
            key.all_labels()
        };
        let found = match (base.json(), key.json()) {
            (_, Value::String(key)) => attribute(base, key, &get.expr),
            (Value::Array(items), Value::Number(index)) => {
                let length = items.len();
                let index = index.as_i64().and_then(|index| ops::position(index, length));
                match index.and_then(|index| base.child(&index.to_string())) {
                    Some(item) => item,
                    None => missing(
                        &base,
                        format!("{}[{}]", spell(&get.expr), text_of(key.json())),
                        Some(format!("the list has {length} items")),
                        base.all_labels(),
                    ),
                }
            }
            (Value::String(text), Value::Number(index)) => {
                let chars: Vec<char> = text.chars().collect();
                self.burn(chars.len() / 64)?;
                let index = index.as_i64().and_then(|index| ops::position(index, chars.len()));
                let Some(index) = index else {
                    return Err(failed("the text has no such character"));
                };
                Val::own(chars[index].to_string(), base.all_labels())
            }
            _ => missing(
                &base,
                format!("{}[{}]", spell(&get.expr), text_of(key.json())),
                Some(format!("{} is {}", spell(&get.expr), kind(base.json()))),
                base.own_labels(),
            ),
        };
        Ok(found.taint(labels))
    }

    fn slice(&mut self, slice: &ast::Slice<'_>) -> Result<Val<'s>, Failure> {
        let base = self.eval(&slice.expr)?.present()?;
        let mut labels = Labels::NONE;
        let mut bound = |machine: &mut Self, expr: &Option<ast::Expr<'_>>| -> Result<Option<i64>, Failure> {
            let Some(expr) = expr else { return Ok(None) };
            let val = machine.eval(expr)?.present()?;
            labels = labels.union(val.all_labels());
            match val.json() {
                Value::Null => Ok(None),
                value => value
                    .as_i64()
                    .map(Some)
                    .ok_or_else(|| failed("a slice needs whole numbers")),
            }
        };
        let start = bound(self, &slice.start)?;
        let stop = bound(self, &slice.stop)?;
        let step = bound(self, &slice.step)?;
        self.touch(base.json())?;
        let labels = labels;
        if let Value::String(text) = base.json() {
            let chars: Vec<char> = text.chars().collect();
            let picked: String = ops::slice(chars.len(), start, stop, step)?
                .map(|at| chars[at])
                .collect();
            self.charge(picked.len())?;
            return Ok(Val::own(picked, base.all_labels().union(labels)));
        }
        let items = self.items(&base, "a slice")?;
        let picked: Vec<Val<'s>> = ops::slice(items.len(), start, stop, step)?
            .map(|at| items[at].clone())
            .collect();
        self.collect(picked, base.own_labels().union(labels))
    }

    fn binary(&mut self, op: &ast::BinOp<'_>) -> Result<Val<'s>, Failure> {
        let left = self.eval(&op.left)?.present()?;
        if matches!(op.op, ast::BinOpKind::ScAnd | ast::BinOpKind::ScOr) {
            let stop = truth(left.json()) == matches!(op.op, ast::BinOpKind::ScOr);
            if stop {
                // Which operand it is depends on all of the left one, and only on that.
                let labels = left.all_labels();
                return Ok(left.taint(labels));
            }
            let labels = left.all_labels();
            return Ok(self.eval(&op.right)?.present()?.taint(labels));
        }
        let right = self.eval(&op.right)?.present()?;
        self.operate(op.op, &left, &right)
    }

    fn chain(&mut self, compare: &ast::Compare<'_>) -> Result<Val<'s>, Failure> {
        let mut left = self.eval(&compare.expr)?.present()?;
        let mut labels = Labels::NONE;
        for op in &compare.ops {
            let right = self.eval(&op.expr)?.present()?;
            let held = self.compare(op.op, &left, &right)?;
            labels = labels.union(held.all_labels());
            if !truth(held.json()) {
                return Ok(Val::own(false, labels));
            }
            left = right;
        }
        Ok(Val::own(true, labels))
    }

    fn choice(&mut self, choice: &ast::IfExpr<'_>) -> Result<Val<'s>, Failure> {
        let test = self.eval(&choice.test_expr)?.present()?;
        let labels = test.all_labels();
        let chosen = match (truth(test.json()), &choice.false_expr) {
            (true, _) => self.eval(&choice.true_expr)?,
            (false, Some(other)) => self.eval(other)?,
            (false, None) => Val::constant(Value::Null),
        };
        Ok(chosen.taint(labels))
    }

    fn list(&mut self, items: &[ast::Expr<'_>]) -> Result<Val<'s>, Failure> {
        let items = items
            .iter()
            .map(|item| self.eval(item))
            .collect::<Result<Vec<_>, _>>()?;
        self.collect(items, Label::Author.into())
    }

    fn map(&mut self, map: &ast::Map<'_>) -> Result<Val<'s>, Failure> {
        let mut labels = Labels::of(Label::Author);
        let mut parts = Vec::new();
        for (key, value) in map.keys.iter().zip(&map.values) {
            let key = self.eval(key)?.present()?;
            labels = labels.union(key.all_labels());
            let value = self.eval(value)?;
            parts.push((text_of(key.json()), self.detach(value)?));
        }
        let mut object = Labeled::object(parts);
        object.labels.set("", labels);
        Ok(Val::labeled(object))
    }

    fn call(&mut self, call: &ast::Call<'_>) -> Result<Val<'s>, Failure> {
        match &call.expr {
            ast::Expr::Var(name) if name.id == "range" => {
                let args = self.args(&call.args)?;
                self.range(&args)
            }
            ast::Expr::GetAttr(get) => {
                let base = self.eval(&get.expr)?;
                let args = self.args(&call.args)?;
                self.method(get.name, base, args)
            }
            _ => Err(failed("there is no such function")),
        }
    }

    pub(super) fn args(&mut self, args: &[ast::CallArg<'_>]) -> Result<Args<'s>, Failure> {
        let mut read = Args::default();
        for arg in args {
            match arg {
                ast::CallArg::Pos(expr) => read.positional.push(self.eval(expr)?.present()?),
                ast::CallArg::Kwarg(name, expr) => {
                    read.named.push(((*name).to_owned(), self.eval(expr)?.present()?));
                }
                _ => return Err(failed("'*' before an argument isn't part of the language")),
            }
        }
        Ok(read)
    }
}

fn constant_of(value: &minijinja::Value) -> Result<Val<'static>, Failure> {
    let value = serde_json::to_value(value).map_err(|_| failed("the number is too large"))?;
    Ok(Val::constant(value))
}

/// Whether an index is written out, such as `0` or `-1`.
fn is_constant(expr: &ast::Expr<'_>) -> bool {
    match expr {
        ast::Expr::Const(_) => true,
        ast::Expr::UnaryOp(op) => is_constant(&op.expr),
        _ => false,
    }
}

/// The path of an expression as the author wrote it, or words for anything else.
fn spell(expr: &ast::Expr<'_>) -> String {
    path_of(expr).map_or_else(|| "the value".to_owned(), |parts| parts.join("."))
}

/// The attribute of a value, or what is missing.
fn attribute<'s>(base: Val<'s>, name: &str, expr: &ast::Expr<'_>) -> Val<'s> {
    let base = match base {
        Val::Missing(mut missing) => {
            missing.path = format!("{}.{name}", missing.path);
            missing.near = missing.near.map(|near| format!("{near}.{name}"));
            return Val::Missing(missing);
        }
        base => base,
    };
    if base.json().is_object()
        && let Some(child) = base.child(name)
    {
        return child;
    }
    let owner = spell(expr);
    let (near, reason) = match base.json() {
        Value::Object(map) => {
            let near = nearest(name, map.keys().map(String::as_str)).map(|near| format!("{owner}.{near}"));
            let mut known: Vec<&str> = map.keys().map(String::as_str).take(12).collect();
            known.sort_unstable();
            let reason = match known.is_empty() {
                true => format!("{owner} is empty"),
                false => format!("{owner} has {}", known.join(", ")),
            };
            (near, reason)
        }
        Value::Null => (None, format!("{owner} is none, as after a skipped step")),
        other => (None, format!("{owner} is {}", kind(other))),
    };
    Val::Missing(Missing {
        path: format!("{owner}.{name}"),
        near,
        reason: Some(reason),
        labels: base.own_labels(),
    })
}

fn missing<'s>(base: &Val<'s>, path: String, reason: Option<String>, labels: Labels) -> Val<'s> {
    match base {
        Val::Missing(missing) => Val::Missing(missing.clone()),
        _ => Val::Missing(Missing {
            path,
            near: None,
            reason,
            labels,
        }),
    }
}
