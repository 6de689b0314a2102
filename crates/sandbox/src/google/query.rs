//! Drive's query language, as far as clients of files need it: conditions joined by `and`.

use super::state::File;

/// One condition.
#[derive(Debug, PartialEq, Eq)]
enum Condition {
    Trashed(bool),
    Name(String),
    NameContains(String),
    MimeType(String),
    Parent(String),
    Property(String, String),
}

/// What a query asks for; `None` if it can't be read.
pub(super) fn read(text: &str) -> Option<impl Fn(&File) -> bool> {
    let mut words = Words(text.trim());
    let mut conditions = Vec::new();
    while !words.0.is_empty() {
        conditions.push(condition(&mut words)?);
        if !words.0.is_empty() {
            words.word("and")?;
        }
    }
    Some(move |file: &File| conditions.iter().all(|condition| holds(condition, file)))
}

fn condition(words: &mut Words<'_>) -> Option<Condition> {
    if words.0.starts_with('\'') {
        let parent = words.text()?;
        words.word("in")?;
        words.word("parents")?;
        return Some(Condition::Parent(parent));
    }
    if words.word("trashed").is_some() {
        words.sign('=')?;
        return match (words.word("true"), words.word("false")) {
            (Some(()), _) => Some(Condition::Trashed(true)),
            (None, Some(())) => Some(Condition::Trashed(false)),
            _ => None,
        };
    }
    if words.word("name").is_some() {
        if words.word("contains").is_some() {
            return words.text().map(Condition::NameContains);
        }
        words.sign('=')?;
        return words.text().map(Condition::Name);
    }
    if words.word("mimeType").is_some() {
        words.sign('=')?;
        return words.text().map(Condition::MimeType);
    }
    words.word("appProperties")?;
    words.word("has")?;
    words.sign('{')?;
    words.word("key")?;
    words.sign('=')?;
    let key = words.text()?;
    words.word("and")?;
    words.word("value")?;
    words.sign('=')?;
    let value = words.text()?;
    words.sign('}')?;
    Some(Condition::Property(key, value))
}

fn holds(condition: &Condition, file: &File) -> bool {
    match condition {
        // Nothing is ever put into the bin here.
        Condition::Trashed(trashed) => !trashed,
        Condition::Name(name) => file.name == *name,
        Condition::NameContains(part) => file.name.to_lowercase().contains(&part.to_lowercase()),
        Condition::MimeType(kind) => file.mime_type == *kind,
        Condition::Parent(id) => file.parents.contains(id),
        Condition::Property(key, value) => file.app_properties.get(key) == Some(value),
    }
}

/// What is left of a query.
struct Words<'a>(&'a str);

impl Words<'_> {
    fn word(&mut self, word: &str) -> Option<()> {
        let rest = self.0.strip_prefix(word)?;
        let whole = rest.chars().next().is_none_or(|c| !c.is_alphanumeric());
        self.0 = whole.then(|| rest.trim_start())?;
        Some(())
    }

    fn sign(&mut self, sign: char) -> Option<()> {
        self.0 = self.0.strip_prefix(sign)?.trim_start();
        Some(())
    }

    /// A text in quotation marks, with `\\` before a quotation mark that belongs to it.
    fn text(&mut self) -> Option<String> {
        let mut text = String::new();
        let mut chars = self.0.strip_prefix('\'')?.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '\'' => {
                    self.0 = self.0[1 + at + 1..].trim_start();
                    return Some(text);
                }
                '\\' => text.push(chars.next()?.1),
                c => text.push(c),
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_find_what_they_name() {
        let file = File {
            name: "it's a plan".into(),
            mime_type: "text/plain".into(),
            description: None,
            parents: vec!["d1".into()],
            app_properties: [("agentops".to_owned(), "k1".to_owned())].into(),
            created: types::Timestamp::from_millis(0),
            content: String::new(),
            size_bytes: 0,
            permissions: Default::default(),
        };
        for (query, expected) in [
            ("", Some(true)),
            ("trashed = false", Some(true)),
            ("trashed=true", Some(false)),
            (r"name = 'it\'s a plan' and trashed = false", Some(true)),
            ("name = 'plan'", Some(false)),
            ("name contains 'PLAN'", Some(true)),
            ("'d1' in parents and mimeType = 'text/plain'", Some(true)),
            ("'d2' in parents", Some(false)),
            (
                "appProperties has { key='agentops' and value='k1' } and trashed = false",
                Some(true),
            ),
            ("appProperties has {key='agentops' and value='k2'}", Some(false)),
            ("name = 'a", None),
            ("name = 'a' or name = 'b'", None),
            ("fullText contains 'x'", None),
        ] {
            assert_eq!(read(query).map(|fits| fits(&file)), expected, "{query}");
        }
    }
}
