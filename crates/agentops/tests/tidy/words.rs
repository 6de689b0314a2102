//! What must never be committed: marks of unfinished work, paths of one developer's machine, and
//! hosts of package registries (where packages come from is a setting of the machine that builds).

use crate::{File, none, project};

// Taken apart so that this file passes its own check.
const UNFINISHED: [&str; 3] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];
const PRIVATE: [&str; 3] = [
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("/ho", "me/"),
];
const REGISTRIES: [&str; 7] = [
    concat!("crates", ".io"),
    concat!("npmjs", ".org"),
    concat!("yarnpkg", ".com"),
    concat!("pypi", ".org"),
    concat!("pythonhosted", ".org"),
    concat!("proxy.golang", ".org"),
    concat!("rubygems", ".org"),
];

/// Written by cargo, which names the registry in it.
const EXEMPT: [&str; 1] = ["Cargo.lock"];

fn forbidden(files: &[File]) -> Vec<String> {
    let mut problems = Vec::new();
    for file in files.iter().filter(|file| !EXEMPT.contains(&file.path.as_str())) {
        for (number, line) in file.text.lines().enumerate() {
            if let Some((found, why)) = offence(line) {
                problems.push(format!("{}:{}: {found}: {why}", file.path, number + 1));
            }
        }
    }
    problems
}

fn offence(line: &str) -> Option<(&'static str, &'static str)> {
    let part_of_word = |c: char| c.is_alphanumeric() || c == '_';
    // What stands before a slash tells a path from the root from the middle of another path.
    let continues = |c: char| part_of_word(c) || ".-~)}*".contains(c);
    let find = |list: &[&'static str], before: &dyn Fn(char) -> bool, after: &dyn Fn(char) -> bool| {
        list.iter().copied().find(|needle| {
            line.match_indices(needle).any(|(at, _)| {
                let left = line[..at].chars().next_back();
                let right = line[at + needle.len()..].chars().next();
                !left.is_some_and(before) && !right.is_some_and(after)
            })
        })
    };
    let anything = |_| false;
    None.or_else(|| {
        Some((
            find(&UNFINISHED, &part_of_word, &part_of_word)?,
            "finish it, or list it as a known gap",
        ))
    })
    .or_else(|| Some((find(&PRIVATE, &continues, &anything)?, "a path of one machine")))
    .or_else(|| {
        Some((
            find(&REGISTRIES, &anything, &part_of_word)?,
            "the host of a package registry",
        ))
    })
}

#[test]
fn nothing_forbidden_is_committed() {
    none(forbidden(project()));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(line: &str) -> usize {
        forbidden(&[File::new("docs/a.md", &format!("fine\n{line}\n"))]).len()
    }

    #[test]
    fn offences_are_found() {
        for word in UNFINISHED {
            assert_eq!(problems(&format!("// {word}: later")), 1, "{word}");
            assert_eq!(problems(&format!("{word}(me)")), 1, "{word}");
        }
        for path in PRIVATE {
            assert_eq!(problems(&format!("let dir = \"{path}x\";")), 1, "{path}");
            assert_eq!(problems(&format!("file://{path}x")), 1, "{path}");
        }
        for host in REGISTRIES {
            assert_eq!(problems(&format!("see https://index.{host}/x")), 1, "{host}");
        }
    }

    #[test]
    fn innocent_lines_pass() {
        let [unfinished, _, mask] = UNFINISHED;
        let [path, ..] = PRIVATE;
        let passing = [
            unfinished.to_lowercase() + " = \"deny\"",
            format!("mktemp agentops.{mask}{mask}"),
            format!("the{path}done"),
            format!("$(HOME){path}x"),
            format!("..{path}x"),
            "https://docs.rs/serde".to_owned(),
        ];
        for line in passing {
            assert_eq!(problems(&line), 0, "{line}");
        }
        assert!(forbidden(&[File::new("Cargo.lock", REGISTRIES[0])]).is_empty());
    }

    #[test]
    fn a_problem_says_where() {
        let found = forbidden(&[File::new("a.rs", &format!("\n\n{}", UNFINISHED[1]))]);
        assert!(found[0].starts_with("a.rs:3: "), "{found:?}");
    }
}
