//! `local.sop_to_article`: plain text or simple Markdown to an article. Pure and without a model:
//! headings, lists and paragraphs are kept, everything else is text, and all text is escaped.

use serde_json::{Value, json};

use crate::arguments::text;

/// The longest summary, in characters.
const MOST_SUMMARY: usize = 300;
/// The longest title, in characters.
const MOST_TITLE: usize = 160;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    None,
    Paragraph,
    Bullets,
    Numbers,
}

/// Converts.
pub(super) fn convert(args: &Value) -> Value {
    let sop = text(args, "sop").unwrap_or_default();
    let lines: Vec<Line<'_>> = sop.lines().map(read).collect();
    let first = lines.iter().find_map(|line| match line {
        Line::Heading(_, words) | Line::Words(words) => Some(*words),
        _ => None,
    });
    let title = text(args, "title").or(first).unwrap_or("Procedure");
    // A heading that has become the title need not stand twice.
    let skip = match (
        text(args, "title"),
        lines.iter().position(|line| *line != Line::Blank),
    ) {
        (None, Some(at)) if matches!(lines[at], Line::Heading(..)) => at + 1,
        _ => 0,
    };
    json!({
        "title": title.chars().take(MOST_TITLE).collect::<String>(),
        "html": html(&lines[skip..]),
        "summary": summary(&lines[skip..]),
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line<'a> {
    Blank,
    Heading(usize, &'a str),
    Bullet(&'a str),
    Number(&'a str),
    Words(&'a str),
}

fn read(line: &str) -> Line<'_> {
    let line = line.trim();
    if line.is_empty() {
        return Line::Blank;
    }
    let hashes = line.chars().take_while(|c| *c == '#').count();
    if (1..=6).contains(&hashes) && line[hashes..].starts_with(' ') {
        return Line::Heading(hashes, line[hashes..].trim());
    }
    for mark in ["- ", "* ", "• ", "– "] {
        if let Some(rest) = line.strip_prefix(mark) {
            return Line::Bullet(rest.trim());
        }
    }
    let digits = line.chars().take_while(char::is_ascii_digit).count();
    if (1..=3).contains(&digits)
        && let Some(rest) = line[digits..].strip_prefix(['.', ')'])
        && rest.starts_with([' ', '\t'])
    {
        return Line::Number(rest.trim());
    }
    Line::Words(line)
}

fn html(lines: &[Line<'_>]) -> String {
    let mut html = String::new();
    let mut open = Open::None;
    for line in lines {
        let wanted = match line {
            Line::Blank | Line::Heading(..) => Open::None,
            Line::Bullet(_) => Open::Bullets,
            Line::Number(_) => Open::Numbers,
            Line::Words(_) => Open::Paragraph,
        };
        if wanted != open {
            html.push_str(closing(open));
            html.push_str(opening(wanted));
        } else if open == Open::Paragraph {
            html.push_str("<br>\n");
        }
        open = wanted;
        match line {
            Line::Blank => {}
            Line::Heading(level, words) => {
                // The title is the page's first heading.
                let level = (level + 1).min(6);
                html.push_str(&format!("<h{level}>{}</h{level}>\n", escape(words)));
            }
            Line::Bullet(words) | Line::Number(words) => {
                html.push_str(&format!("<li>{}</li>\n", escape(words)))
            }
            Line::Words(words) => html.push_str(&escape(words)),
        }
    }
    html.push_str(closing(open));
    html
}

fn opening(open: Open) -> &'static str {
    match open {
        Open::None => "",
        Open::Paragraph => "<p>",
        Open::Bullets => "<ul>\n",
        Open::Numbers => "<ol>\n",
    }
}

fn closing(open: Open) -> &'static str {
    match open {
        Open::None => "",
        Open::Paragraph => "</p>\n",
        Open::Bullets => "</ul>\n",
        Open::Numbers => "</ol>\n",
    }
}

fn summary(lines: &[Line<'_>]) -> String {
    let words: Vec<&str> = lines
        .iter()
        .filter_map(|line| match line {
            Line::Words(words) | Line::Bullet(words) | Line::Number(words) => Some(*words),
            _ => None,
        })
        .collect();
    let text = words.join(" ");
    if text.chars().count() <= MOST_SUMMARY {
        return text;
    }
    let cut: String = text.chars().take(MOST_SUMMARY - 1).collect();
    format!("{}…", cut.trim_end())
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structure_is_kept_and_text_escaped() {
        let article = convert(
            &json!({"sop": "# Projector reset\n\nFor rooms <4A> & 4B.\nRead first.\n\n## Steps\n1. Power off\n2) Wait\n\n- Done"}),
        );
        assert_eq!(article["title"], "Projector reset");
        assert_eq!(
            article["html"],
            "<p>For rooms &lt;4A&gt; &amp; 4B.<br>\nRead first.</p>\n<h3>Steps</h3>\n<ol>\n<li>Power off</li>\n<li>Wait</li>\n</ol>\n<ul>\n<li>Done</li>\n</ul>\n"
        );
        assert_eq!(
            article["summary"],
            "For rooms <4A> & 4B. Read first. Power off Wait Done"
        );
    }

    #[test]
    fn no_markup_of_the_source_gets_through() {
        let article = convert(&json!({"sop": "<script>alert('x')</script>", "title": "T"}));
        assert_eq!(
            article["html"],
            "<p>&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;</p>\n"
        );
    }

    #[test]
    fn a_title_comes_from_the_first_words_and_is_bounded() {
        assert_eq!(convert(&json!({"sop": "\nReset\nDo it"}))["title"], "Reset");
        assert_eq!(
            convert(&json!({"sop": "x".repeat(500)}))["title"]
                .as_str()
                .map(str::len),
            Some(MOST_TITLE)
        );
        assert_eq!(convert(&json!({"sop": "- only a list"}))["title"], "Procedure");
    }
}
