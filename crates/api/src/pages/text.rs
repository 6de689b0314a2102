//! The little Markdown that our own pages and descriptions use, as HTML: headings, paragraphs, lists,
//! blocks of code, and in a line code, links and strong words. Whatever else stands there is shown as it is.

use std::fmt::Write as _;

use types::CODES;

/// Text that HTML shows as it is.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// One line or paragraph. The name of an error code in code leads to its page.
pub(super) fn inline(text: &str) -> String {
    let mut html = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(['`', '[', '*']) {
        let (before, from) = rest.split_at(start);
        html.push_str(&escaped(before));
        rest = match special(from, &mut html) {
            Some(after) => after,
            None => {
                let (sign, after) = from.split_at(1);
                html.push_str(sign);
                after
            }
        };
    }
    html.push_str(&escaped(rest));
    html
}

/// Writes the code, link or strong words that a text begins with; what follows them.
fn special<'a>(text: &'a str, html: &mut String) -> Option<&'a str> {
    if let Some(rest) = text.strip_prefix('`') {
        let (code, after) = rest.split_once('`')?;
        html.push_str(&code_of(code));
        return Some(after);
    }
    if let Some(rest) = text.strip_prefix("**") {
        let (strong, after) = rest.split_once("**").filter(|(strong, _)| !strong.is_empty())?;
        let _ = write!(html, "<strong>{}</strong>", inline(strong));
        return Some(after);
    }
    let (name, after) = text.strip_prefix('[')?.split_once("](")?;
    let (target, after) = after.split_once(')')?;
    if name.contains(['[', ']']) {
        return None;
    }
    match address(target) {
        Some(address) => {
            let _ = write!(html, "<a href=\"{}\">{}</a>", escaped(&address), inline(name));
        }
        None => html.push_str(&inline(name)),
    }
    Some(after)
}

fn code_of(code: &str) -> String {
    let shown = format!("<code>{}</code>", escaped(code));
    if CODES.contains(&code) {
        return format!("<a href=\"/errors/{code}\">{shown}</a>");
    }
    shown
}

/// Where a link of our documentation leads on this server, if it has that page.
fn address(target: &str) -> Option<String> {
    if target.starts_with("https://") || target.starts_with('/') || target.starts_with('#') {
        return Some(target.to_owned());
    }
    let code = target.strip_suffix(".md")?;
    CODES.contains(&code).then(|| format!("/errors/{code}"))
}

/// A whole page, without its first heading.
pub(super) fn blocks(page: &str) -> String {
    let mut html = String::new();
    let mut lines = page.lines().skip_while(|line| line.starts_with("# ")).peekable();
    while let Some(line) = lines.next() {
        if line.trim().is_empty() {
            continue;
        }
        if line.starts_with("```") {
            let code: Vec<&str> = lines
                .by_ref()
                .take_while(|line| !line.starts_with("```"))
                .collect();
            let _ = write!(
                html,
                "<pre tabindex=\"0\"><code>{}</code></pre>",
                escaped(&code.join("\n"))
            );
            continue;
        }
        if let Some(heading) = line.strip_prefix("## ") {
            let _ = write!(html, "<h2>{}</h2>", inline(heading));
            continue;
        }
        let mut text = vec![line];
        let ends = |line: &&str| {
            line.trim().is_empty() || line.starts_with('#') || line.starts_with("```") || item(line).is_some()
        };
        while let Some(next) = lines.next_if(|line| !ends(line)) {
            text.push(next.trim_start());
        }
        let text = text.join(" ");
        match item(&text) {
            None => {
                let _ = write!(html, "<p>{}</p>", inline(&text));
            }
            Some((list, first)) => {
                // Items of one list stand together.
                let end = format!("</{list}>");
                match html.strip_suffix(&end) {
                    Some(open) => html.truncate(open.len()),
                    None => {
                        let _ = write!(html, "<{list}>");
                    }
                }
                let _ = write!(html, "<li>{}</li>{end}", inline(first));
            }
        }
    }
    html
}

/// The list that a line is an item of, and the item.
fn item(line: &str) -> Option<(&'static str, &str)> {
    if let Some(text) = line.strip_prefix("- ") {
        return Some(("ul", text));
    }
    let (number, text) = line.split_once(". ")?;
    let counts = !number.is_empty() && number.len() <= 2 && number.chars().all(|c| c.is_ascii_digit());
    counts.then_some(("ol", text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_shows_code_links_and_strong_words_and_nothing_else() {
        for (text, html) in [
            ("a < b & `x<y>`", "a &lt; b &amp; <code>x&lt;y&gt;</code>"),
            (
                "see `not_found`",
                "see <a href=\"/errors/not_found\"><code>not_found</code></a>",
            ),
            (
                "[the cause](not_found.md)",
                "<a href=\"/errors/not_found\">the cause</a>",
            ),
            ("[tools.md](../tools.md) says", "tools.md says"),
            ("[x](javascript:alert(1))", "x)"),
            ("**very** **", "<strong>very</strong> **"),
            ("a * b, [x] and `open", "a * b, [x] and `open"),
            (
                "<script>[`</a>`](/reference)",
                "&lt;script&gt;<a href=\"/reference\"><code>&lt;/a&gt;</code></a>",
            ),
        ] {
            assert_eq!(inline(text), html, "{text}");
        }
    }

    #[test]
    fn a_page_is_made_of_headings_paragraphs_lists_and_code() {
        let page = "# code\n\nOne\ntwo.\n\n## Cure\n- a\n- b\n  goes on\n1. c\n\n```sh\nls <x>\n```\nEnd.\n";
        assert_eq!(
            blocks(page),
            "<p>One two.</p><h2>Cure</h2><ul><li>a</li><li>b goes on</li></ul><ol><li>c</li></ol>\
             <pre tabindex=\"0\"><code>ls &lt;x&gt;</code></pre><p>End.</p>"
        );
    }
}
