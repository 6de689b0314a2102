//! A page cut into tags and words, in one pass. It follows the tokenizer of the HTML standard as far as
//! it matters here: comments, quoted attributes, and elements whose content is no markup.

/// Elements whose content is raw text up to their end tag.
const RAW: &[&str] = &[
    "script", "style", "title", "textarea", "xmp", "iframe", "noembed", "noframes",
];

/// A piece of a page.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// Words between tags, with character references as they stand.
    Words(&'a str),
    /// An element begins.
    Start(Tag),
    /// An element ends; its name in lower case.
    End(String),
    /// An element of raw text, whole.
    Raw(&'static str, &'a str),
}

/// A start tag: what of it says whether it is seen.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tag {
    /// In lower case.
    pub(super) name: String,
    /// `hidden`, `aria-hidden` and `style`, if they are there.
    pub(super) hidden: Option<String>,
    pub(super) aria_hidden: Option<String>,
    pub(super) style: Option<String>,
}

/// The pieces of a page.
pub(super) struct Scan<'a> {
    rest: &'a str,
}

impl<'a> Scan<'a> {
    pub(super) fn new(html: &'a str) -> Self {
        Self { rest: html }
    }

    /// Takes the first `length` bytes.
    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        taken
    }

    /// Leaves everything out up to and with `end`; all of the rest if it isn't there.
    fn skip_past(&mut self, end: &str) {
        let length = self.rest.find(end).map_or(self.rest.len(), |at| at + end.len());
        self.take(length);
    }

    fn words(&mut self) -> Piece<'a> {
        // A `<` that begins nothing is a sign like any other.
        let length = self.rest[1..].find('<').map_or(self.rest.len(), |at| at + 1);
        Piece::Words(self.take(length))
    }

    fn comment(&mut self) {
        // `<!-->` and `<!--->` are whole comments.
        self.take("<!--".len());
        for whole in [">", "->"] {
            if self.rest.starts_with(whole) {
                self.take(whole.len());
                return;
            }
        }
        self.skip_past("-->");
    }

    fn end_tag(&mut self) -> Piece<'a> {
        self.take("</".len());
        let name = self.name();
        self.attributes(&mut Tag::default());
        Piece::End(name)
    }

    fn start_tag(&mut self) -> Piece<'a> {
        self.take(1);
        let mut tag = Tag {
            name: self.name(),
            ..Tag::default()
        };
        self.attributes(&mut tag);
        match RAW.iter().find(|name| **name == tag.name) {
            Some(name) => Piece::Raw(name, self.raw(name)),
            None => Piece::Start(tag),
        }
    }

    fn name(&mut self) -> String {
        let ends = |c: char| c.is_ascii_whitespace() || matches!(c, '/' | '>');
        let length = self.rest.find(ends).unwrap_or(self.rest.len());
        self.take(length).to_ascii_lowercase()
    }

    /// The attributes of a tag, and its end. Of two with one name the first counts.
    fn attributes(&mut self, tag: &mut Tag) {
        loop {
            let spaces = |c: char| c.is_ascii_whitespace() || c == '/';
            self.rest = self.rest.trim_start_matches(spaces);
            if self.rest.is_empty() {
                return;
            }
            if self.rest.starts_with('>') {
                self.take(1);
                return;
            }
            // A name may begin with `=`, but not hold one.
            let ends = |c: char| c.is_ascii_whitespace() || matches!(c, '/' | '>' | '=');
            let first = self.rest.chars().next().map_or(0, char::len_utf8);
            let length = self.rest[first..]
                .find(ends)
                .map_or(self.rest.len(), |at| at + first);
            let name = self.take(length);
            let value = self.value();
            let place = if name.eq_ignore_ascii_case("hidden") {
                &mut tag.hidden
            } else if name.eq_ignore_ascii_case("aria-hidden") {
                &mut tag.aria_hidden
            } else if name.eq_ignore_ascii_case("style") {
                &mut tag.style
            } else {
                continue;
            };
            place.get_or_insert_with(|| value.to_ascii_lowercase());
        }
    }

    fn value(&mut self) -> &'a str {
        let after = self.rest.trim_start_matches(|c: char| c.is_ascii_whitespace());
        let Some(after) = after.strip_prefix('=') else {
            return "";
        };
        self.rest = after.trim_start_matches(|c: char| c.is_ascii_whitespace());
        if let Some(quote) = self.rest.chars().next().filter(|c| matches!(c, '"' | '\'')) {
            self.take(1);
            let length = self.rest.find(quote).unwrap_or(self.rest.len());
            let value = self.take(length);
            self.rest = self.rest.strip_prefix(quote).unwrap_or(self.rest);
            return value;
        }
        let ends = |c: char| c.is_ascii_whitespace() || c == '>';
        let length = self.rest.find(ends).unwrap_or(self.rest.len());
        self.take(length)
    }

    /// The content of an element of raw text, up to and with its end tag.
    fn raw(&mut self, name: &str) -> &'a str {
        let mut from = 0;
        while let Some(at) = self.rest[from..].find("</") {
            let at = from + at;
            let after = &self.rest[at + 2..];
            let named = after
                .get(..name.len())
                .is_some_and(|found| found.eq_ignore_ascii_case(name));
            let ends = |c: char| c.is_ascii_whitespace() || matches!(c, '/' | '>');
            if named && after[name.len()..].chars().next().is_none_or(ends) {
                let content = self.take(at);
                self.skip_past(">");
                return content;
            }
            from = at + 2;
        }
        self.take(self.rest.len())
    }
}

impl<'a> Iterator for Scan<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        loop {
            let second = self.rest.strip_prefix('<').map(|after| after.chars().next());
            return Some(match second {
                None if self.rest.is_empty() => return None,
                None => {
                    let length = self.rest.find('<').unwrap_or(self.rest.len());
                    Piece::Words(self.take(length))
                }
                Some(Some(c)) if c.is_ascii_alphabetic() => self.start_tag(),
                Some(Some('/')) => match self.rest[2..].chars().next() {
                    Some(c) if c.is_ascii_alphabetic() => self.end_tag(),
                    // Not the end of anything: a comment for everybody who reads pages.
                    _ => {
                        self.skip_past(">");
                        continue;
                    }
                },
                Some(Some('!' | '?')) => {
                    if self.rest.starts_with("<!--") {
                        self.comment();
                    } else {
                        self.skip_past(">");
                    }
                    continue;
                }
                Some(_) => self.words(),
            });
        }
    }
}
