//! What documents promise about the tree: links lead somewhere, and every crate has its place in
//! `ARCHITECTURE.md`.

use std::path::Path;

use crate::edges::CODE_MAP;
use crate::{File, none, project, root};

/// Links of Markdown documents to files that `exists` doesn't know. Addresses and anchors are left alone.
fn broken(files: &[File], exists: &dyn Fn(&Path) -> bool) -> Vec<String> {
    let mut problems = Vec::new();
    for file in files.iter().filter(|file| file.path.ends_with(".md")) {
        let folder = Path::new(&file.path).parent().unwrap_or(Path::new(""));
        for target in links(&file.text) {
            let path = target.split('#').next().unwrap_or("");
            if !path.is_empty() && !path.contains(':') && !exists(&folder.join(path)) {
                problems.push(format!("{} links to {target}, which isn't there", file.path));
            }
        }
    }
    problems
}

/// The targets of `[text](target)` outside fenced blocks.
fn links(text: &str) -> Vec<&str> {
    let mut fenced = false;
    let mut targets = Vec::new();
    for line in text.lines() {
        fenced ^= line.trim_start().starts_with("```");
        if !fenced {
            let ends = line.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
            targets.extend(ends.map(|(target, _)| target));
        }
    }
    targets
}

/// Crates without a row `| `name` | …` in the code map of a document.
fn unmapped(document: &str, crates: &[&str]) -> Vec<String> {
    let row = |name: &&&str| {
        document
            .lines()
            .any(|line| line.starts_with(&format!("| `{name}` |")))
    };
    let missing = crates.iter().filter(|name| !row(name));
    missing
        .map(|name| format!("ARCHITECTURE.md has no row for the crate {name}"))
        .collect()
}

#[test]
fn links_lead_somewhere() {
    none(broken(project(), &|path| root().join(path).exists()));
}

#[test]
fn the_architecture_names_every_crate() {
    let document = project().iter().find(|file| file.path == "ARCHITECTURE.md");
    none(unmapped(
        &document.expect("ARCHITECTURE.md is there").text,
        CODE_MAP,
    ));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_link_is_found() {
        let page = |text| [File::new("docs/a.md", text)];
        let exists = |path: &Path| path == Path::new("docs/b.md");
        let fine = "[b](b.md) [b](b.md#part) [here](#part) [web](https://example.com)\n```\n[x](y.md)\n```\n";
        assert!(broken(&page(fine), &exists).is_empty());
        assert_eq!(broken(&page("[b](b.md) and [c](c.md#part)"), &exists).len(), 1);
        assert_eq!(broken(&page("```\n```\n[c](c.md)"), &exists).len(), 1);
    }

    #[test]
    fn a_crate_without_a_row_is_found() {
        let document = "| crate | room |\n|---|---|\n| `types` | words |\n\nSee `engine`.";
        assert!(unmapped(document, &["types"]).is_empty());
        assert_eq!(unmapped(document, &["types", "engine"]).len(), 1);
    }
}
