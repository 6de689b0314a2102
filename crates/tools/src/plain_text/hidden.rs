//! Whether the place in a page that a scan has come to can be seen.

use super::scan::Tag;

/// Elements that hold no words for readers.
const UNSHOWN: &[&str] = &[
    "noscript", "template", "object", "svg", "math", "canvas", "audio", "video", "select", "datalist",
    "button", "dialog",
];
/// Elements that end when one of their kind begins, or what holds them ends.
const OPEN_ENDED: &[&str] = &[
    "p", "li", "td", "th", "tr", "dt", "dd", "option", "tbody", "thead", "tfoot",
];
/// Elements without an end.
const VOID: &[&str] = &[
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr",
];
/// Elements that end a paragraph when they begin.
const ENDS_PARAGRAPHS: &[&str] = &[
    "address",
    "article",
    "aside",
    "blockquote",
    "details",
    "div",
    "dl",
    "fieldset",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "main",
    "nav",
    "ol",
    "p",
    "pre",
    "section",
    "table",
    "ul",
];
/// Elements that hold others and always have an end tag; it ends what was left open in them, too.
const CONTAINERS: &[&str] = &[
    "ul",
    "ol",
    "dl",
    "table",
    "div",
    "section",
    "article",
    "main",
    "body",
    "html",
    "blockquote",
    "form",
    "nav",
    "aside",
    "header",
    "footer",
    "fieldset",
    "details",
];

/// The element that hides the present place, and how deep the scan is inside it. It needs no list of
/// elements, so no page is too deep for it.
#[derive(Debug, Default)]
pub(super) struct Hidden {
    by: Option<By>,
}

#[derive(Debug)]
struct By {
    name: String,
    /// Elements of its own name that are open inside it.
    same: usize,
    /// Containers that are open inside it.
    containers: usize,
}

impl Hidden {
    pub(super) fn is_hidden(&self) -> bool {
        self.by.is_some()
    }

    /// An element begins.
    pub(super) fn start(&mut self, tag: &Tag) {
        if let Some(by) = &mut self.by {
            let open_ended = OPEN_ENDED.contains(&by.name.as_str());
            let sibling = open_ended
                && by.containers == 0
                && (by.name == tag.name || is_cell_or_row(&by.name, &tag.name));
            let ended = sibling || (by.name == "p" && ENDS_PARAGRAPHS.contains(&tag.name.as_str()));
            if !ended {
                by.same += usize::from(by.name == tag.name);
                by.containers += usize::from(CONTAINERS.contains(&tag.name.as_str()));
                return;
            }
            self.by = None;
        }
        if !VOID.contains(&tag.name.as_str()) && (UNSHOWN.contains(&tag.name.as_str()) || hides(tag)) {
            self.by = Some(By {
                name: tag.name.clone(),
                same: 0,
                containers: 0,
            });
        }
    }

    /// An element ends.
    pub(super) fn end(&mut self, name: &str) {
        let Some(by) = &mut self.by else { return };
        if by.name == name {
            match by.same.checked_sub(1) {
                Some(left) => by.same = left,
                None => {
                    self.by = None;
                    return;
                }
            }
        }
        if CONTAINERS.contains(&name) {
            match by.containers.checked_sub(1) {
                Some(left) => by.containers = left,
                // What holds the hidden element ends, and the element with it.
                None if OPEN_ENDED.contains(&by.name.as_str()) => self.by = None,
                None => {}
            }
        }
    }
}

/// Whether a cell or a row is followed by another kind of cell or row.
fn is_cell_or_row(hidden: &str, next: &str) -> bool {
    match hidden {
        "td" | "th" => matches!(next, "td" | "th" | "tr"),
        "dt" | "dd" => matches!(next, "dt" | "dd"),
        _ => false,
    }
}

/// Whether a tag's own attributes keep its element from being seen. (Style sheets aren't read: what only
/// they hide stays, and is labelled untrusted like everything else of a page.)
fn hides(tag: &Tag) -> bool {
    tag.hidden.as_deref().is_some_and(|value| value != "until-found")
        || tag
            .aria_hidden
            .as_deref()
            .is_some_and(|value| value.trim() == "true")
        || tag.style.as_deref().is_some_and(style_hides)
}

/// Whether an inline style, in lower case, takes an element out of sight.
fn style_hides(style: &str) -> bool {
    style.split(';').any(|rule| {
        let Some((name, value)) = rule.split_once(':') else {
            return false;
        };
        let value = value.trim().trim_end_matches("!important").trim();
        let number = || {
            value
                .trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == '%')
                .trim()
                .parse::<f64>()
        };
        match name.trim() {
            "display" => value == "none",
            "visibility" => matches!(value, "hidden" | "collapse"),
            "color" => value == "transparent",
            "opacity" | "font-size" | "max-height" | "max-width" => number() == Ok(0.0),
            "text-indent" | "left" | "top" | "margin-left" => number().is_ok_and(|number| number <= -500.0),
            "clip" => value.replace(' ', "").starts_with("rect(0"),
            _ => false,
        }
    })
}
