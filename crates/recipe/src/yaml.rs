//! YAML text to a tree of nodes with their places, from the parser's events, within bounds.

use std::collections::BTreeMap;

use serde_json::{Number, Value};
use serde_saphyr::granit_parser::{Event, Parser, ScalarStyle, ScanError, Span, StructureStyle};

use crate::diagnostic::{At, Findings, Severity};
use crate::traps;

/// The longest recipe, in bytes.
pub(crate) const MAX_BYTES: usize = 256 * 1024;
/// The deepest nesting.
const MAX_DEPTH: usize = 64;
/// The most nodes, with aliases replaced by what they stand for.
const MAX_NODES: usize = 50_000;

/// One node.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub at: At,
    /// JSON Pointer from the root.
    pub path: String,
    pub data: Data,
}

/// What a node is.
#[derive(Debug, Clone)]
pub(crate) enum Data {
    Null,
    Bool(bool),
    /// A number and how it was written.
    Number(Number, String),
    /// Text, and whether it stood without quotes.
    Text(String, bool),
    List(Vec<Node>),
    Map(Vec<Entry>),
    /// Something that was reported already.
    Broken,
}

/// One entry of a map.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub key: String,
    pub key_at: At,
    pub value: Node,
}

impl Node {
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.entries()
            .iter()
            .find(|entry| entry.key == key)
            .map(|entry| &entry.value)
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        if let Data::Map(entries) = &self.data {
            entries
        } else {
            &[]
        }
    }

    pub(crate) fn items(&self) -> &[Node] {
        if let Data::List(items) = &self.data {
            items
        } else {
            &[]
        }
    }

    pub(crate) fn as_text(&self) -> Option<&str> {
        if let Data::Text(text, _) = &self.data {
            Some(text)
        } else {
            None
        }
    }

    /// The JSON value, numbers and all.
    pub(crate) fn to_json(&self) -> Value {
        match &self.data {
            Data::Null | Data::Broken => Value::Null,
            Data::Bool(flag) => Value::Bool(*flag),
            Data::Number(number, _) => Value::Number(number.clone()),
            Data::Text(text, _) => Value::String(text.clone()),
            Data::List(items) => items.iter().map(Node::to_json).collect(),
            Data::Map(entries) => Value::Object(
                entries
                    .iter()
                    .map(|e| (e.key.clone(), e.value.to_json()))
                    .collect(),
            ),
        }
    }

    /// What it is, in words.
    pub(crate) fn kind(&self) -> &'static str {
        match &self.data {
            Data::Null => "nothing",
            Data::Bool(_) => "a boolean",
            Data::Number(..) => "a number",
            Data::Text(..) => "a text",
            Data::List(_) => "a list",
            Data::Map(_) => "a map",
            Data::Broken => "something broken",
        }
    }

    fn count(&self) -> usize {
        let inner: usize = match &self.data {
            Data::List(items) => items.iter().map(Node::count).sum(),
            Data::Map(entries) => entries.iter().map(|entry| entry.value.count()).sum(),
            _ => 0,
        };
        inner + 1
    }
}

/// Why reading ended early; it has been reported.
struct Stop;

/// Reads one document. `None` if there is no tree to speak of; problems go to `findings`.
pub(crate) fn parse(text: &str, findings: &mut Findings<'_>) -> Option<Node> {
    let mut builder = Builder {
        parser: Parser::new_from_str(text),
        findings,
        anchors: BTreeMap::new(),
        nodes: 0,
    };
    builder.document().ok().flatten()
}

struct Builder<'p, 't, 'f> {
    parser: Parser<'p, serde_saphyr::granit_parser::StrInput<'p>>,
    findings: &'f mut Findings<'t>,
    anchors: BTreeMap<usize, Node>,
    nodes: usize,
}

impl<'p> Builder<'p, '_, '_> {
    fn next(&mut self) -> Result<(Event<'p>, Span), Stop> {
        loop {
            match self.parser.next() {
                Some(Ok((Event::Comment(..), _))) => {}
                Some(Ok(event)) => return Ok(event),
                Some(Err(error)) => return Err(self.scan_error(&error)),
                None => return Ok((Event::StreamEnd, Span::default())),
            }
        }
    }

    fn scan_error(&mut self, error: &ScanError) -> Stop {
        let line = u32::try_from(error.marker().line()).unwrap_or(1);
        let column = u32::try_from(error.marker().col() + 1).unwrap_or(1);
        traps::explain_syntax(self.findings, line, column, &error.info());
        Stop
    }

    fn document(&mut self) -> Result<Option<Node>, Stop> {
        let mut root = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd => {}
                Event::StreamEnd => return Ok(root),
                _ if root.is_some() => {
                    let message = "a recipe is one YAML document, but another one begins here";
                    self.findings
                        .add(Severity::Error, "yaml_syntax", place(&span), "", message);
                    return Ok(root);
                }
                event => root = Some(self.node(event, &span, String::new(), 0)?),
            }
        }
    }

    fn node(&mut self, event: Event<'p>, span: &Span, path: String, depth: usize) -> Result<Node, Stop> {
        let at = place(span);
        self.nodes += 1;
        if depth > MAX_DEPTH || self.nodes > MAX_NODES {
            let message = if depth > MAX_DEPTH {
                format!("the document is nested deeper than {MAX_DEPTH} levels")
            } else {
                format!("the document has more than {MAX_NODES} values")
            };
            self.findings
                .add(Severity::Error, "recipe_too_large", at, &path, message);
            return Err(Stop);
        }
        let (anchor, data) = match event {
            Event::Alias(id) => return self.alias(id, at, path),
            Event::Scalar(text, style, anchor, tag) => {
                self.tag(tag.is_some(), at, &path);
                (anchor, scalar(&text, style))
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.tag(tag.is_some(), at, &path);
                (anchor, self.list(&path, depth)?)
            }
            Event::MappingStart(style, anchor, tag) => {
                self.tag(tag.is_some(), at, &path);
                (anchor, self.map(style, at, &path, depth)?)
            }
            _ => (0, Data::Null),
        };
        let node = Node { at, path, data };
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn alias(&mut self, id: usize, at: At, path: String) -> Result<Node, Stop> {
        let Some(target) = self.anchors.get(&id) else {
            let message = "an alias stands inside the value that it refers to";
            self.findings
                .add(Severity::Error, "yaml_alias_bomb", at, &path, message);
            return Err(Stop);
        };
        self.nodes += target.count();
        if self.nodes > MAX_NODES {
            let message = format!("the aliases expand to more than {MAX_NODES} values");
            self.findings
                .add(Severity::Error, "yaml_alias_bomb", at, &path, message);
            return Err(Stop);
        }
        Ok(Node {
            at,
            path,
            data: target.data.clone(),
        })
    }

    fn tag(&mut self, tagged: bool, at: At, path: &str) {
        if tagged {
            let message = "YAML tags such as '!!str' or '!name' aren't part of the language";
            self.findings.add(Severity::Error, "yaml_tag", at, path, message);
            self.findings
                .suggest("remove the tag; put a text in quotes to keep it a text");
        }
    }

    fn list(&mut self, path: &str, depth: usize) -> Result<Data, Stop> {
        let mut items = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::SequenceEnd) {
                return Ok(Data::List(items));
            }
            items.push(self.node(event, &span, format!("{path}/{}", items.len()), depth + 1)?);
        }
    }

    fn map(&mut self, style: StructureStyle, at: At, path: &str, depth: usize) -> Result<Data, Stop> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut broken = false;
        loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::MappingEnd) {
                return Ok(if broken { Data::Broken } else { Data::Map(entries) });
            }
            let key_node = self.node(event, &span, path.to_owned(), depth + 1)?;
            let key = match &key_node.data {
                Data::Text(text, _) | Data::Number(_, text) => text.clone(),
                Data::Bool(flag) => flag.to_string(),
                Data::Null => "null".to_owned(),
                _ => {
                    // `{{ name }}` without quotes reads as a map whose key is a map.
                    if !broken && style == StructureStyle::Flow {
                        traps::unquoted_template(self.findings, at, path);
                    } else if !broken {
                        let message = "a key must be a word";
                        self.findings
                            .add(Severity::Error, "yaml_syntax", key_node.at, path, message);
                    }
                    broken = true;
                    String::new()
                }
            };
            let (event, span) = self.next()?;
            let inner = format!("{path}/{}", key.replace('~', "~0").replace('/', "~1"));
            let mut value = self.node(event, &span, inner, depth + 1)?;
            if broken {
                continue;
            }
            if matches!(value.data, Data::Null) && value.at.length == 0 {
                value.at = key_node.at;
            }
            if traps::hash_comment(self.findings, key_node.at, &value) {
                value.data = Data::Broken;
            }
            if entries.iter().any(|entry| entry.key == key) {
                let message = format!("the key '{key}' stands here twice");
                self.findings
                    .add(Severity::Error, "yaml_duplicate_key", key_node.at, path, message);
                self.findings.suggest("keep one of the two");
                continue;
            }
            entries.push(Entry {
                key,
                key_at: key_node.at,
                value,
            });
        }
    }
}

fn place(span: &Span) -> At {
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let same_line = span.start.line() == span.end.line();
    let length = if same_line {
        span.end.col().saturating_sub(span.start.col())
    } else {
        1
    };
    At {
        line: number(span.start.line()),
        column: number(span.start.col() + 1),
        length: number(length),
    }
}

/// A scalar by the YAML 1.2 core schema: only `true` and `false` are booleans.
fn scalar(text: &str, style: ScalarStyle) -> Data {
    if style != ScalarStyle::Plain {
        return Data::Text(text.to_owned(), false);
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Data::Null,
        "true" | "True" | "TRUE" => return Data::Bool(true),
        "false" | "False" | "FALSE" => return Data::Bool(false),
        _ => {}
    }
    match number(text) {
        Some(number) => Data::Number(number, text.to_owned()),
        None => Data::Text(text.to_owned(), true),
    }
}

fn number(text: &str) -> Option<Number> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    if let Ok(integer) = text.parse::<i64>() {
        return Some(integer.into());
    }
    if let Some(hex) = digits.strip_prefix("0x") {
        return i64::from_str_radix(hex, 16).ok().map(Number::from);
    }
    let plausible = digits
        .chars()
        .all(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '-' | '+'));
    if plausible {
        text.parse::<f64>().ok().and_then(Number::from_f64)
    } else {
        None
    }
}
