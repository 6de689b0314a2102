//! What documents promise about the tree: links lead somewhere, and every crate has its place in
//! `ARCHITECTURE.md`.

use std::collections::BTreeSet;
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

/// Rows of a document's tables whose first column stands in another row before.
fn twice(document: &str) -> Vec<String> {
    let rows = document.lines().filter(|line| line.starts_with("| "));
    let features = rows.filter_map(|row| row.split(" | ").next());
    let mut seen = BTreeSet::new();
    let again = features.filter(|feature| *feature != "| feature" && !seen.insert(*feature));
    again
        .map(|feature| format!("two rows begin with '{feature}'"))
        .collect()
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

/// Tests that a table of features names and no source has. A name is a snake_case word in backquotes.
fn imagined(document: &str, sources: &[File]) -> Vec<String> {
    let rows = document.lines().filter(|line| line.starts_with('|'));
    let proofs = rows.filter_map(|row| row.trim_end_matches('|').rsplit('|').next());
    let quoted = proofs.flat_map(|cell| cell.split('`').skip(1).step_by(2));
    let tests = quoted.filter(|text| {
        text.contains('_')
            && text
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    });
    let there = |name: &&str| {
        let function = format!("fn {name}(");
        sources
            .iter()
            .any(|file| file.path.ends_with(".rs") && file.text.contains(&function))
    };
    let missing = tests.filter(|name| !there(name));
    missing
        .map(|name| format!("docs/features.md names the test {name}, which isn't there"))
        .collect()
}

#[test]
fn named_tests_exist() {
    let document = project().iter().find(|file| file.path == "docs/features.md");
    none(imagined(
        &document.expect("docs/features.md is there").text,
        project(),
    ));
}

#[test]
fn a_feature_has_one_row() {
    let document = project().iter().find(|file| file.path == "docs/features.md");
    none(twice(&document.expect("docs/features.md is there").text));
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
    fn an_imagined_test_is_found() {
        let sources = [File::new("crates/x/tests/a.rs", "fn it_holds() {}")];
        let row = |test: &str| format!("| a thing | `some_where` | `{test}`; `make test` |\n");
        assert!(imagined(&row("it_holds"), &sources).is_empty());
        assert_eq!(imagined(&row("it_is_said_to_hold"), &sources).len(), 1);
    }

    #[test]
    fn a_feature_with_two_rows_is_found() {
        let head = "| feature | where |\n|---|---|\n| a | b |\n";
        assert!(twice(&format!("{head}| c | b |\n{head}")).len() == 1);
        assert!(twice(&format!("{head}| b | b |\n")).is_empty());
    }

    #[test]
    fn a_crate_without_a_row_is_found() {
        let document = "| crate | room |\n|---|---|\n| `types` | words |\n\nSee `engine`.";
        assert!(unmapped(document, &["types"]).is_empty());
        assert_eq!(unmapped(document, &["types", "engine"]).len(), 1);
    }
}
