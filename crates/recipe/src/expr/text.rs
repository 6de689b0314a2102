//! Texts with expressions inside: what `{{ … }}`, `{% if %}`, `{% for %}` and `{% set %}` write.

use minijinja::machinery::ast;
use types::{Failure, Label, Labels};

use super::machine::Machine;
use super::parse::target_names;
use super::value::{Val, text_of, truth};
use super::{MAX_RESULT, failed, too_large};

impl<'s> Machine<'s> {
    /// The text of a template and the labels of all that it read.
    pub(crate) fn text(&mut self, statements: &[ast::Stmt<'_>]) -> Result<(String, Labels), Failure> {
        let mut out = String::new();
        self.statements(statements, &mut out)?;
        Ok((out, self.read))
    }

    fn statements(&mut self, statements: &[ast::Stmt<'_>], out: &mut String) -> Result<(), Failure> {
        for statement in statements {
            self.burn(1)?;
            match statement {
                ast::Stmt::Template(inner) => self.statements(&inner.children, out)?,
                ast::Stmt::EmitRaw(raw) => {
                    self.read = self.read.union(Label::Author.into());
                    append(out, raw.raw)?;
                }
                ast::Stmt::EmitExpr(emit) => {
                    let val = self.eval(&emit.expr)?.present()?;
                    self.touch(val.json())?;
                    self.read = self.read.union(val.all_labels());
                    append(out, &text_of(val.json()))?;
                }
                ast::Stmt::IfCond(choice) => {
                    let test = self.eval(&choice.expr)?.present()?;
                    self.read = self.read.union(test.all_labels());
                    let depth = self.locals.len();
                    let body = if truth(test.json()) {
                        &choice.true_body
                    } else {
                        &choice.false_body
                    };
                    self.statements(body, out)?;
                    self.locals.truncate(depth);
                }
                ast::Stmt::ForLoop(each) => self.for_loop(each, out)?,
                ast::Stmt::Set(set) => {
                    let val = self.eval(&set.expr)?;
                    self.bind(&set.target, val)?;
                }
                _ => return Err(failed("only 'if', 'for' and 'set' tags are part of the language")),
            }
        }
        Ok(())
    }

    fn for_loop(&mut self, each: &ast::ForLoop<'_>, out: &mut String) -> Result<(), Failure> {
        let list = self.eval(&each.iter)?.present()?;
        self.touch(list.json())?;
        self.read = self.read.union(list.all_labels());
        let mut items = self.items(&list, "a loop")?;
        let depth = self.locals.len();
        if let Some(filter) = &each.filter_expr {
            let mut kept = Vec::new();
            for item in items {
                self.bind(&each.target, item.clone())?;
                let test = self.eval(filter)?.present()?;
                self.read = self.read.union(test.all_labels());
                self.locals.truncate(depth);
                if truth(test.json()) {
                    kept.push(item);
                }
            }
            items = kept;
        }
        let (count, labels) = (items.len(), list.all_labels());
        if count == 0 {
            self.statements(&each.else_body, out)?;
        }
        for (index, item) in items.into_iter().enumerate() {
            self.burn(1)?;
            let position = serde_json::json!({
                "index": index + 1, "index0": index, "length": count,
                "first": index == 0, "last": index + 1 == count,
            });
            self.locals.push(("loop".to_owned(), Val::own(position, labels)));
            self.bind(&each.target, item)?;
            self.statements(&each.body, out)?;
            self.locals.truncate(depth);
        }
        self.locals.truncate(depth);
        Ok(())
    }

    fn bind(&mut self, target: &ast::Expr<'_>, val: Val<'s>) -> Result<(), Failure> {
        let names = target_names(target).ok_or_else(|| failed("only names can be set"))?;
        if let ast::Expr::Var(_) = target {
            if matches!(val, Val::Own { .. }) {
                let size = self.touch(val.json())?;
                self.charge(size)?;
            }
            self.locals
                .extend(names.into_iter().map(|name| (name, val.clone())));
            return Ok(());
        }
        let items = self.items(&val.present()?, "taking a list apart")?;
        if items.len() != names.len() {
            return Err(failed(format!(
                "{} names can't take {} items",
                names.len(),
                items.len()
            )));
        }
        self.locals.extend(names.into_iter().zip(items));
        Ok(())
    }
}

fn append(out: &mut String, text: &str) -> Result<(), Failure> {
    if out.len() + text.len() > MAX_RESULT {
        return Err(too_large());
    }
    out.push_str(text);
    Ok(())
}
