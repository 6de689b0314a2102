//! Every error code that a user can meet has one page under `docs/errors/`, and every page a code.

use std::collections::BTreeSet;

use crate::{File, none, project};

const PAGES: &str = "docs/errors/";
const REGISTRY: &str = "crates/types/src/codes.rs";

/// Headings that a page must have, as `docs/errors/README.md` describes them.
const HEADINGS: [&str; 2] = ["## Cause", "## Cure"];

/// The strings of `pub const CODES: &[&str] = &[…];`, in order.
fn registered(source: &str) -> Vec<String> {
    let code: String = source
        .lines()
        .map(|line| line.split("//").next().unwrap_or(""))
        .collect();
    let list = code
        .split_once("CODES")
        .and_then(|(_, rest)| rest.split_once('='));
    let list = list
        .and_then(|(_, rest)| rest.split_once(';'))
        .map_or("", |(list, _)| list);
    list.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The codes that `Failure::new("…", …)` names outside tests.
fn used(source: &str) -> BTreeSet<String> {
    let code = source.split("#[cfg(test)]").next().unwrap_or("");
    let calls = code.split("Failure::new(").skip(1);
    let literals = calls.filter_map(|call| call.trim_start().strip_prefix('"')?.split_once('"'));
    literals.map(|(code, _)| code.to_owned()).collect()
}

fn mismatches(registered: &[String], files: &[File]) -> Vec<String> {
    let mut problems = Vec::new();
    let mut known = BTreeSet::new();
    for code in registered {
        if !known.insert(code.as_str()) {
            problems.push(format!("{code} is twice in {REGISTRY}"));
        }
        if !is_snake_case(code) {
            problems.push(format!("{code} in {REGISTRY} is not snake_case"));
        }
    }
    let pages: BTreeSet<&str> = files.iter().filter_map(page).collect();
    let without = known.difference(&pages);
    problems.extend(without.map(|code| format!("{code} has no page {PAGES}{code}.md")));
    let stale = pages.difference(&known);
    problems.extend(stale.map(|code| format!("{PAGES}{code}.md describes a code that {REGISTRY} lacks")));
    for file in files.iter().filter(|file| ships(&file.path)) {
        let unknown = used(&file.text)
            .into_iter()
            .filter(|code| !known.contains(code.as_str()));
        problems.extend(unknown.map(|code| format!("{} uses {code}, which {REGISTRY} lacks", file.path)));
    }
    problems
}

fn misshapen(files: &[File]) -> Vec<String> {
    let mut problems = Vec::new();
    for file in files {
        let Some(code) = page(file) else { continue };
        let lines: Vec<&str> = file.text.lines().map(str::trim_end).collect();
        if lines.first() != Some(&format!("# {code}").as_str()) {
            problems.push(format!("{} does not open with `# {code}`", file.path));
        }
        for heading in HEADINGS {
            let body = lines.iter().skip_while(|line| **line != heading).skip(1);
            if body
                .take_while(|line| !line.starts_with("## "))
                .all(|line| line.is_empty())
            {
                problems.push(format!("{} says nothing under `{heading}`", file.path));
            }
        }
    }
    problems
}

/// The code that a file is the page of.
fn page(file: &File) -> Option<&str> {
    let name = file.path.strip_prefix(PAGES)?.strip_suffix(".md")?;
    (name != "README").then_some(name)
}

/// Whether a user can meet what this file says: sources of crates other than the test kit.
fn ships(path: &str) -> bool {
    path.starts_with("crates/") && path.contains("/src/") && !path.starts_with("crates/testkit/")
}

fn is_snake_case(code: &str) -> bool {
    let inside = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    code.starts_with(|c: char| c.is_ascii_lowercase()) && code.chars().all(inside)
}

#[test]
fn every_code_has_a_page_and_every_page_a_code() {
    let registry = project().iter().find(|file| file.path == REGISTRY);
    let codes = registry.map(|file| registered(&file.text)).unwrap_or_default();
    assert!(
        registry.is_none() || !codes.is_empty(),
        "{REGISTRY} has no CODES that this test can read"
    );
    let mut problems = misshapen(project());
    // Until the registry exists there is nothing to compare with, but no page may run ahead of it.
    if registry.is_some() || project().iter().any(|file| page(file).is_some()) {
        problems.extend(mismatches(&codes, project()));
    }
    none(problems);
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "# run_unknown\n\nNo such run.\n\n## Cause\nA typo.\n\n## Cure\nList them.\n";

    fn codes(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn the_registry_is_read() {
        let source = "//! Codes.\n/// All.\npub const CODES: &[&str] = &[\n  \"a_b\", // \"not_me\"\n  \"c\",\n];\nconst X: &str = \"d\";";
        assert_eq!(registered(source), codes(&["a_b", "c"]));
        assert!(registered("//! Nothing here.").is_empty());
    }

    #[test]
    fn uses_are_found_outside_tests() {
        let source = "Failure::new(\"one\", m); Failure::new(\n    \"two\",\n m); Failure::new(code, m)\n#[cfg(test)]\nmod tests { Failure::new(\"boom\", m) }";
        assert_eq!(
            used(source).into_iter().collect::<Vec<_>>(),
            codes(&["one", "two"])
        );
    }

    #[test]
    fn code_and_page_must_meet_both_ways() {
        let page = || File::new("docs/errors/run_unknown.md", GOOD);
        let source = |code: &str| File::new("crates/x/src/a.rs", &format!("Failure::new(\"{code}\", m)"));
        let known = codes(&["run_unknown"]);
        assert!(
            mismatches(
                &known,
                &[
                    page(),
                    source("run_unknown"),
                    File::new("docs/errors/README.md", "")
                ]
            )
            .is_empty()
        );
        assert_eq!(mismatches(&known, &[]).len(), 1, "a code without a page");
        assert_eq!(mismatches(&[], &[page()]).len(), 1, "a page without a code");
        assert_eq!(
            mismatches(&known, &[page(), source("other")]).len(),
            1,
            "a use without a registration"
        );
        assert_eq!(
            mismatches(&codes(&["run_unknown", "run_unknown"]), &[page()]).len(),
            1,
            "a code twice"
        );
        let odd = File::new("docs/errors/Run-X.md", "");
        assert_eq!(
            mismatches(&codes(&["Run-X"]), &[odd]).len(),
            1,
            "a code that isn't snake_case"
        );
    }

    #[test]
    fn a_page_says_cause_and_cure() {
        let shape = |text: &str| misshapen(&[File::new("docs/errors/run_unknown.md", text)]);
        assert!(shape(GOOD).is_empty());
        assert_eq!(shape(&GOOD.replace("# run_unknown", "# Unknown")).len(), 1);
        assert_eq!(shape(&GOOD.replace("## Cure", "## Cures")).len(), 1);
        assert_eq!(shape(&GOOD.replace("A typo.", "")).len(), 1);
    }
}
