//! Text from elsewhere, made safe to show: what a tool, a message or a recipe says must not move the
//! cursor, hide words or draw lines that look like ours.

use serde_json::Value;

/// What is written to the terminal: our own colours and line ends stay, every other control character
/// and every mark that turns the direction of writing is spelled out.
pub(super) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let colour = colour(rest);
        let (piece, after) = rest.split_at(colour.unwrap_or(c.len_utf8()));
        rest = after;
        match c {
            _ if colour.is_some() || c == '\n' => shown.push_str(piece),
            '\t' => shown.push(' '),
            _ if c.is_control() || turns(c) => shown.extend(c.escape_unicode()),
            _ => shown.push(c),
        }
    }
    shown
}

/// A value on one line: text as it is, or as JSON if it holds anything that isn't plain text.
pub fn value(value: &Value) -> String {
    match value.as_str() {
        Some(text) if !text.chars().any(|c| c.is_control() || turns(c)) => text.to_owned(),
        _ => value.to_string(),
    }
}

/// Text on one line.
pub fn one_line(text: &str) -> String {
    text.split(['\n', '\r', '\t']).collect::<Vec<_>>().join(" ")
}

/// The length of the sequence for a colour that the text begins with: `ESC [ digits and ; m`.
fn colour(text: &str) -> Option<usize> {
    let codes = text.strip_prefix("\u{1b}[")?;
    let end = codes.find(|c: char| !c.is_ascii_digit() && c != ';')?;
    codes[end..].starts_with('m').then_some(end + 3)
}

/// Whether a character changes the direction in which others are shown.
fn turns(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_moves_the_cursor_or_turns_the_text() {
        let shown = visible("a\u{1b}[31mred\u{1b}[0m\nb\u{1b}[2K\r\u{202e}c\u{7}\td\u{1b}");
        assert_eq!(
            shown,
            "a\u{1b}[31mred\u{1b}[0m\nb\\u{1b}[2K\\u{d}\\u{202e}c\\u{7} d\\u{1b}"
        );
    }

    #[test]
    fn a_value_cannot_look_like_the_next_line() {
        assert_eq!(value(&"größer".into()), "größer");
        assert_eq!(value(&"x\nArguments".into()), r#""x\nArguments""#);
        assert_eq!(value(&serde_json::json!({"a": 1})), r#"{"a":1}"#);
        assert_eq!(one_line("a\r\nb"), "a  b");
    }
}
