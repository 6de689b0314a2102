//! The Atlassian Document Format (version 1): made of plain text with a little Markdown, and read back
//! as plain text. Source of the node and mark names: Atlassian's JSON schema `v1/full.json`.
//!
//! Understood: headings, bullets, numbers, fenced code, quotes, rules; `code`, **strong** and
//! [links](https://…) inside a line. Everything else stays as it was written.

use serde_json::{Value, json};

/// The longest plain text that is read of a document, in characters.
const MOST_TEXT: usize = 32_000;

/// The document that says `source`.
pub(super) fn document(source: &str) -> Value {
    let lines: Vec<&str> = source.lines().collect();
    let mut content = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let (block, next) = block(&lines, at);
        content.extend(block);
        at = next;
    }
    if content.is_empty() {
        content.push(paragraph(&[]));
    }
    json!({ "version": 1, "type": "doc", "content": content })
}

/// The plain text of a document; none if there is no document.
pub(super) fn text(document: &Value) -> Option<String> {
    if let Some(plain) = document.as_str() {
        return Some(plain.to_owned());
    }
    document.as_object()?;
    let mut out = String::new();
    read(document, &mut out);
    let text = out.trim();
    Some(text.chars().take(MOST_TEXT).collect())
}

/// The block that begins at a line, and the line after it.
fn block(lines: &[&str], at: usize) -> (Option<Value>, usize) {
    let line = lines[at].trim();
    if line.is_empty() {
        return (None, at + 1);
    }
    if let Some(language) = line.strip_prefix("```") {
        return code_block(lines, at, language.trim());
    }
    if let Some((level, words)) = heading(line) {
        let node = json!({ "type": "heading", "attrs": { "level": level }, "content": inline(words) });
        return (Some(node), at + 1);
    }
    if line.len() >= 3 && line.chars().all(|c| c == '-') {
        return (Some(json!({ "type": "rule" })), at + 1);
    }
    if bullet(line).is_some() {
        let (items, next) = gather(lines, at, bullet);
        let items: Vec<Value> = items.iter().map(|words| list_item(words)).collect();
        return (Some(json!({ "type": "bulletList", "content": items })), next);
    }
    if let Some((first, _)) = number(line) {
        let (items, next) = gather(lines, at, |line| number(line).map(|(_, words)| words));
        let items: Vec<Value> = items.iter().map(|words| list_item(words)).collect();
        let node = json!({ "type": "orderedList", "attrs": { "order": first }, "content": items });
        return (Some(node), next);
    }
    if quoted(line).is_some() {
        let (said, next) = gather(lines, at, quoted);
        return (
            Some(json!({ "type": "blockquote", "content": [paragraph(&said)] })),
            next,
        );
    }
    let (said, next) = gather(lines, at, plain);
    (Some(paragraph(&said)), next)
}

/// The lines from `at` on that fit, as `fits` reads them.
fn gather<'a>(
    lines: &[&'a str],
    at: usize,
    fits: impl Fn(&'a str) -> Option<&'a str>,
) -> (Vec<&'a str>, usize) {
    let said: Vec<&str> = lines[at..].iter().map_while(|line| fits(line.trim())).collect();
    let next = at + said.len();
    (said, next)
}

fn code_block(lines: &[&str], at: usize, language: &str) -> (Option<Value>, usize) {
    let code: Vec<&str> = lines[at + 1..]
        .iter()
        .take_while(|line| !line.trim_start().starts_with("```"))
        .copied()
        .collect();
    let next = (at + code.len() + 2).min(lines.len());
    let mut node = json!({ "type": "codeBlock" });
    if !language.is_empty() {
        node["attrs"] = json!({ "language": language });
    }
    let code = code.join("\n");
    if !code.is_empty() {
        node["content"] = json!([{ "type": "text", "text": code }]);
    }
    (Some(node), next)
}

fn heading(line: &str) -> Option<(usize, &str)> {
    let level = line.chars().take_while(|c| *c == '#').count();
    let words = line[level..].strip_prefix(' ')?.trim();
    ((1..=6).contains(&level) && !words.is_empty()).then_some((level, words))
}

fn bullet(line: &str) -> Option<&str> {
    let words = ["- ", "* ", "+ "]
        .iter()
        .find_map(|mark| line.strip_prefix(mark))?;
    Some(words.trim()).filter(|words| !words.is_empty())
}

fn number(line: &str) -> Option<(u32, &str)> {
    let digits = line.chars().take_while(char::is_ascii_digit).count();
    let rest = line[digits..]
        .strip_prefix(". ")
        .or_else(|| line[digits..].strip_prefix(") "))?;
    let first = line[..digits].parse().ok()?;
    Some((first, rest.trim())).filter(|(_, words)| !words.is_empty())
}

fn quoted(line: &str) -> Option<&str> {
    line.strip_prefix('>').map(str::trim)
}

/// A line that begins no other block.
fn plain(line: &str) -> Option<&str> {
    let other = line.is_empty()
        || line.starts_with("```")
        || heading(line).is_some()
        || bullet(line).is_some()
        || number(line).is_some()
        || quoted(line).is_some()
        || (line.len() >= 3 && line.chars().all(|c| c == '-'));
    (!other).then_some(line)
}

fn list_item(words: &str) -> Value {
    json!({ "type": "listItem", "content": [paragraph(&[words])] })
}

fn paragraph(lines: &[&str]) -> Value {
    let mut content = Vec::new();
    for (position, line) in lines.iter().enumerate() {
        if position > 0 {
            content.push(json!({ "type": "hardBreak" }));
        }
        content.extend(inline(line));
    }
    json!({ "type": "paragraph", "content": content })
}

/// The text nodes of a line.
fn inline(line: &str) -> Vec<Value> {
    let mut nodes = Vec::new();
    let mut plain = String::new();
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        if let Some((words, mark, after)) = marked(rest) {
            push(&mut nodes, std::mem::take(&mut plain), None);
            push(&mut nodes, words.to_owned(), Some(mark));
            rest = after;
        } else {
            plain.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    push(&mut nodes, plain, None);
    nodes
}

/// The marked words that `rest` begins with, their mark, and what follows.
fn marked(rest: &str) -> Option<(&str, Value, &str)> {
    for (fence, mark) in [("`", "code"), ("**", "strong")] {
        if let Some(inner) = rest.strip_prefix(fence) {
            let (words, after) = inner.split_once(fence)?;
            return (!words.is_empty()).then(|| (words, json!({ "type": mark }), after));
        }
    }
    let (words, after) = rest.strip_prefix('[')?.split_once("](")?;
    let (href, after) = after.split_once(')')?;
    let safe = ["https://", "http://", "mailto:"]
        .iter()
        .any(|scheme| href.starts_with(scheme));
    let whole = !words.is_empty() && !words.contains('[') && !href.contains(char::is_whitespace);
    (safe && whole).then(|| (words, json!({ "type": "link", "attrs": { "href": href } }), after))
}

fn push(nodes: &mut Vec<Value>, text: String, mark: Option<Value>) {
    if text.is_empty() {
        return;
    }
    let mut node = json!({ "type": "text", "text": text });
    if let Some(mark) = mark {
        node["marks"] = json!([mark]);
    }
    nodes.push(node);
}

fn read(node: &Value, out: &mut String) {
    if out.len() > 4 * MOST_TEXT {
        return;
    }
    match node["type"].as_str().unwrap_or_default() {
        "text" => out.push_str(node["text"].as_str().unwrap_or_default()),
        "hardBreak" => out.push('\n'),
        "mention" | "emoji" | "status" => out.push_str(node["attrs"]["text"].as_str().unwrap_or_default()),
        "inlineCard" | "blockCard" => out.push_str(node["attrs"]["url"].as_str().unwrap_or_default()),
        "listItem" => out.push_str("- "),
        _ => {}
    }
    for child in node["content"].as_array().into_iter().flatten() {
        read(child, out);
    }
    let ends = matches!(
        node["type"].as_str(),
        Some("paragraph" | "heading" | "codeBlock" | "rule")
    );
    if ends && !out.ends_with('\n') {
        out.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(source: &str) -> Vec<String> {
        document(source)["content"]
            .as_array()
            .expect("content")
            .iter()
            .map(|node| node["type"].as_str().expect("a type").to_owned())
            .collect()
    }

    #[test]
    fn blocks_are_told_apart() {
        for (source, expected) in [
            ("one\ntwo\n\nthree", &["paragraph", "paragraph"][..]),
            ("# Title\n- a\n- b\ntext", &["heading", "bulletList", "paragraph"]),
            ("3. c\n4. d\n> said\n---", &["orderedList", "blockquote", "rule"]),
            (
                "```sh\nls -l\n\n# not a title\n```\nafter",
                &["codeBlock", "paragraph"],
            ),
            ("```\nnever closed", &["codeBlock"]),
            ("", &["paragraph"]),
            ("#hashtag\n-5 degrees", &["paragraph"]),
        ] {
            assert_eq!(kinds(source), expected, "{source:?}");
        }
    }

    #[test]
    fn marks_stand_on_their_words_only() {
        let nodes = inline("use `a*b` and **now** [here](https://a.example/x) [no](javascript:x) **open");
        let shown: Vec<(String, String)> = nodes
            .iter()
            .map(|node| {
                let mark = node["marks"][0]["type"].as_str().unwrap_or("");
                (node["text"].as_str().expect("text").to_owned(), mark.to_owned())
            })
            .collect();
        let pair = |text: &str, mark: &str| (text.to_owned(), mark.to_owned());
        assert_eq!(
            shown,
            [
                pair("use ", ""),
                pair("a*b", "code"),
                pair(" and ", ""),
                pair("now", "strong"),
                pair(" ", ""),
                pair("here", "link"),
                pair(" [no](javascript:x) **open", ""),
            ]
        );
    }

    #[test]
    fn a_document_reads_back_as_text() {
        let source = "# Title\nfirst line\nsecond line\n- a\n- b";
        assert_eq!(
            text(&document(source)).as_deref(),
            Some("Title\nfirst line\nsecond line\n- a\n- b")
        );
        assert_eq!(text(&Value::Null), None);
        assert_eq!(text(&json!("plain")).as_deref(), Some("plain"));
    }
}
