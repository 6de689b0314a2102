//! Source to syntax tree: the older spellings, the bounds that keep the parser off the stack's
//! end, the names that an expression reads, and its static mistakes.

use std::collections::BTreeSet;

use minijinja::machinery::{self, Token, ast};
use minijinja::syntax::SyntaxConfig;
use types::Failure;

use super::{filters, nearest, syntax, tests_of_values};

/// The longest template, in bytes.
const MAX_SOURCE: usize = 256 * 1024;
/// The most tokens between one pair of braces; bounds the depth of the tree.
const MAX_TOKENS: usize = 500;
/// The most `{% … %}` tags in one template.
const MAX_TAGS: usize = 300;
/// The most `not` and `-` in a row.
const MAX_SIGNS: usize = 16;

/// A path that an expression reads, such as `["zoom_room", "id"]`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Path {
    pub parts: Vec<String>,
    /// Whether it stands under `default` or `is defined`, so that it may be missing.
    pub guarded: bool,
}

pub(crate) fn config() -> SyntaxConfig {
    let mut builder = SyntaxConfig::builder();
    builder.keep_trailing_newline(true);
    builder.build().unwrap_or_default()
}

/// Parses one expression.
///
/// # Errors
/// `template_syntax`.
pub(crate) fn expression(source: &str) -> Result<ast::Expr<'_>, Failure> {
    guard(source, true)?;
    machinery::parse_expr(source).map_err(|error| explain(&error))
}

/// Parses a string with expressions inside.
///
/// # Errors
/// `template_syntax`.
pub(crate) fn template(source: &str) -> Result<Vec<ast::Stmt<'_>>, Failure> {
    guard(source, false)?;
    let whole = machinery::parse(source, "<template>", config()).map_err(|error| explain(&error))?;
    Ok(vec![whole])
}

/// Refuses what the parser or the walk could only handle by a deep recursion.
fn guard(source: &str, in_expression: bool) -> Result<(), Failure> {
    if source.len() > MAX_SOURCE {
        return Err(syntax(format!("the template is longer than {MAX_SOURCE} bytes")));
    }
    let (mut tokens, mut tags, mut signs) = (0, 0, 0);
    for token in machinery::tokenize(source, in_expression, config()) {
        let Ok((token, _)) = token else { break };
        tokens += 1;
        signs = if matches!(token, Token::Minus | Token::Plus | Token::Ident("not")) {
            signs + 1
        } else {
            0
        };
        match token {
            Token::TemplateData(_) | Token::VariableEnd | Token::BlockEnd => tokens = 0,
            Token::BlockStart => tags += 1,
            _ => {}
        }
        if tokens > MAX_TOKENS || tags > MAX_TAGS || signs > MAX_SIGNS {
            return Err(syntax("the expression is too long or too deeply nested")
                .hint("split it into several steps or saved values"));
        }
    }
    Ok(())
}

fn explain(error: &minijinja::Error) -> Failure {
    let detail = error.detail().unwrap_or("it can't be read");
    let line = error
        .line()
        .filter(|line| *line > 1)
        .map(|line| format!(" (line {line} of the text)"));
    syntax(format!(
        "the expression doesn't parse: {detail}{}",
        line.unwrap_or_default()
    ))
}

/// Today's spelling of the older forms: `$context.x`, `$run_id` and `${item}`.
pub(crate) fn modern(source: &str, in_expression: bool) -> String {
    if !source.contains('$') {
        return source.to_owned();
    }
    let wrap = |inner: String| {
        if in_expression {
            format!("({inner})")
        } else {
            format!("{{{{ {inner} }}}}")
        }
    };
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let (replaced, used) = older(after);
        match replaced {
            Some(inner) => out.push_str(&wrap(inner)),
            None => out.push_str(&rest[at..=at + used]),
        }
        rest = &after[used..];
    }
    out.push_str(rest);
    out
}

/// What stands for the older form after a `$`, and how many bytes it took.
fn older(after: &str) -> (Option<String>, usize) {
    if let Some(inner) = after.strip_prefix('{')
        && let Some(end) = inner.find('}')
    {
        let path = inner[..end].trim();
        if path_length(path) == path.len() && !path.is_empty() {
            return (Some(path.to_owned()), end + 2);
        }
    }
    if let Some(path) = after.strip_prefix("context.") {
        let length = path_length(path);
        if length > 0 {
            let path = &path[..length];
            return (
                Some(format!("inputs.{path} | default(params.{path})")),
                "context.".len() + length,
            );
        }
    }
    let length = path_length(after);
    if &after[..length] == "run_id" {
        (Some("run.id".to_owned()), length)
    } else {
        (None, 0)
    }
}

/// How many bytes of the text are a dotted path of names.
pub(crate) fn path_length(text: &str) -> usize {
    let mut length = 0;
    for part in text.split_inclusive('.') {
        let name = part.strip_suffix('.').unwrap_or(part);
        let used = name
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .unwrap_or(name.len());
        if used == 0 || name.starts_with(|c: char| c.is_ascii_digit()) {
            break;
        }
        length += used + usize::from(length > 0);
        if used < name.len() || !part.ends_with('.') {
            break;
        }
    }
    length
}

/// What a walk over a syntax tree finds.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub paths: Vec<Path>,
    pub mistake: Option<Failure>,
    locals: Vec<String>,
}

impl Findings {
    pub(crate) fn of_expression(expr: &ast::Expr<'_>) -> Self {
        let mut findings = Self::default();
        findings.expr(expr, false);
        findings
    }

    pub(crate) fn of_template(statements: &[ast::Stmt<'_>]) -> Self {
        let mut findings = Self::default();
        findings.statements(statements);
        findings
    }

    /// The top-level names, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        let names: BTreeSet<&String> = self.paths.iter().filter_map(|path| path.parts.first()).collect();
        names.into_iter().cloned().collect()
    }

    fn mistake(&mut self, failure: Failure) {
        self.mistake.get_or_insert(failure);
    }

    fn path(&mut self, parts: Vec<String>, guarded: bool) {
        let built_in = matches!(parts[0].as_str(), "null" | "range");
        if !built_in && !self.locals.contains(&parts[0]) {
            self.paths.push(Path { parts, guarded });
        }
    }

    fn expr(&mut self, expr: &ast::Expr<'_>, guarded: bool) {
        if let Some(parts) = path_of(expr) {
            return self.path(parts, guarded);
        }
        match expr {
            ast::Expr::Var(_) | ast::Expr::Const(_) => {}
            ast::Expr::GetAttr(get) => self.expr(&get.expr, guarded),
            ast::Expr::GetItem(get) => {
                self.expr(&get.expr, guarded);
                self.expr(&get.subscript_expr, false);
            }
            ast::Expr::Slice(slice) => {
                self.expr(&slice.expr, false);
                for bound in [&slice.start, &slice.stop, &slice.step].into_iter().flatten() {
                    self.expr(bound, false);
                }
            }
            ast::Expr::UnaryOp(op) => self.expr(&op.expr, false),
            ast::Expr::BinOp(op) => {
                self.expr(&op.left, false);
                self.expr(&op.right, false);
            }
            ast::Expr::Compare(compare) => {
                self.expr(&compare.expr, false);
                compare.ops.iter().for_each(|op| self.expr(&op.expr, false));
            }
            ast::Expr::IfExpr(choice) => {
                self.expr(&choice.test_expr, false);
                self.expr(&choice.true_expr, false);
                choice.false_expr.iter().for_each(|other| self.expr(other, false));
            }
            ast::Expr::Filter(filter) => self.filter(filter),
            ast::Expr::Test(test) => {
                self.known("test", test.name, tests_of_values::NAMES);
                self.expr(&test.expr, matches!(test.name, "defined" | "undefined"));
                self.args(&test.args);
            }
            ast::Expr::Call(call) => self.call(call),
            ast::Expr::List(list) => list.items.iter().for_each(|item| self.expr(item, false)),
            ast::Expr::Tuple(list) => list.items.iter().for_each(|item| self.expr(item, false)),
            ast::Expr::Map(map) => {
                map.keys
                    .iter()
                    .chain(&map.values)
                    .for_each(|item| self.expr(item, false));
            }
        }
    }

    fn filter(&mut self, filter: &ast::Filter<'_>) {
        self.known("filter", filter.name, filters::NAMES);
        if let Some(expr) = &filter.expr {
            self.expr(expr, matches!(filter.name, "default" | "d"));
        }
        self.args(&filter.args);
    }

    fn call(&mut self, call: &ast::Call<'_>) {
        match &call.expr {
            ast::Expr::Var(name) => self.known("function", name.id, &["range"]),
            ast::Expr::GetAttr(get) => {
                self.known("method", get.name, filters::METHODS);
                self.expr(&get.expr, false);
            }
            _ => self.mistake(syntax("only functions and methods can be called")),
        }
        self.args(&call.args);
    }

    fn args(&mut self, args: &[ast::CallArg<'_>]) {
        for arg in args {
            match arg {
                ast::CallArg::Pos(expr) | ast::CallArg::Kwarg(_, expr) => self.expr(expr, false),
                ast::CallArg::PosSplat(_) | ast::CallArg::KwargSplat(_) => {
                    self.mistake(syntax(
                        "'*' and '**' before an argument aren't part of the language",
                    ));
                }
            }
        }
    }

    fn known(&mut self, what: &str, name: &str, known: &[&'static str]) {
        if !known.contains(&name) {
            let near = nearest(name, known.iter().copied()).map_or_else(
                || format!("; known are {}", known.join(", ")),
                |n| format!(", did you mean '{n}'"),
            );
            self.mistake(syntax(format!("unknown {what} '{name}'{near}")));
        }
    }

    fn statements(&mut self, statements: &[ast::Stmt<'_>]) {
        for statement in statements {
            let depth = self.locals.len();
            match statement {
                ast::Stmt::Template(inner) => self.statements(&inner.children),
                ast::Stmt::EmitExpr(emit) => self.expr(&emit.expr, false),
                ast::Stmt::EmitRaw(_) => {}
                ast::Stmt::IfCond(choice) => {
                    self.expr(&choice.expr, false);
                    self.scoped(&choice.true_body, depth);
                    self.scoped(&choice.false_body, depth);
                }
                ast::Stmt::ForLoop(each) => self.for_loop(each, depth),
                ast::Stmt::Set(set) => {
                    self.expr(&set.expr, false);
                    self.target(&set.target);
                }
                _ => self.mistake(
                    syntax("only 'if', 'for' and 'set' tags are part of the language")
                        .hint("write a value with {{ … }}"),
                ),
            }
        }
    }

    fn for_loop(&mut self, each: &ast::ForLoop<'_>, depth: usize) {
        if each.recursive {
            self.mistake(syntax("recursive loops aren't part of the language"));
        }
        self.expr(&each.iter, false);
        self.target(&each.target);
        self.locals.push("loop".to_owned());
        if let Some(filter) = &each.filter_expr {
            self.expr(filter, false);
        }
        self.scoped(&each.body, depth);
        self.scoped(&each.else_body, depth);
    }

    fn scoped(&mut self, body: &[ast::Stmt<'_>], depth: usize) {
        self.statements(body);
        self.locals.truncate(depth);
    }

    fn target(&mut self, target: &ast::Expr<'_>) {
        match target_names(target) {
            Some(names) => self.locals.extend(names),
            None => self.mistake(syntax("only names can be set")),
        }
    }
}

/// The names that a loop or `set` binds.
pub(crate) fn target_names(target: &ast::Expr<'_>) -> Option<Vec<String>> {
    let items = match target {
        ast::Expr::Var(var) => return Some(vec![var.id.to_owned()]),
        ast::Expr::List(list) => &list.items,
        ast::Expr::Tuple(list) => &list.items,
        _ => return None,
    };
    items
        .iter()
        .map(|item| match item {
            ast::Expr::Var(var) => Some(var.id.to_owned()),
            _ => None,
        })
        .collect()
}

/// The parts of a plain path such as `a.b[0]['c']`, or `None` for anything else.
pub(crate) fn path_of(expr: &ast::Expr<'_>) -> Option<Vec<String>> {
    match expr {
        ast::Expr::Var(var) => Some(vec![var.id.to_owned()]),
        ast::Expr::GetAttr(get) => {
            let mut parts = path_of(&get.expr)?;
            parts.push(get.name.to_owned());
            Some(parts)
        }
        ast::Expr::GetItem(get) => {
            let ast::Expr::Const(key) = &get.subscript_expr else {
                return None;
            };
            let mut parts = path_of(&get.expr)?;
            parts.push(
                key.value
                    .as_str()
                    .map_or_else(|| key.value.to_string(), str::to_owned),
            );
            Some(parts)
        }
        _ => None,
    }
}
