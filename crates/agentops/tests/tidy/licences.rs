//! What may be linked in: licences, sources and banned crates, judged from `cargo metadata` by the
//! lists of `deny.toml`. `cargo deny` says more (advisories above all) where it is installed; this
//! needs nothing but cargo and no network.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, PackageId};
use serde::Deserialize;

use crate::{metadata, none, root};

/// The part of `deny.toml` that this check reads.
#[derive(Debug, Default, Deserialize)]
struct Rules {
    licenses: Licences,
    bans: Bans,
}

#[derive(Debug, Default, Deserialize)]
struct Licences {
    allow: Vec<String>,
    #[serde(default)]
    exceptions: Vec<Exception>,
}

#[derive(Debug, Deserialize)]
struct Exception {
    #[serde(rename = "crate")]
    name: String,
    allow: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Bans {
    deny: Vec<Ban>,
}

#[derive(Debug, Deserialize)]
struct Ban {
    #[serde(rename = "crate")]
    name: String,
    reason: String,
}

/// A crate that is linked in or runs while building.
struct Linked<'a> {
    name: &'a str,
    licence: Option<&'a str>,
    /// Where it comes from; nothing for a folder of this workspace.
    source: Option<&'a str>,
}

fn unlicensed(crates: &[Linked], rules: &Licences) -> Vec<String> {
    let mut problems = Vec::new();
    for linked in crates {
        let exceptions = rules
            .exceptions
            .iter()
            .filter(|exception| exception.name == linked.name);
        let extra: Vec<&String> = exceptions.flat_map(|exception| &exception.allow).collect();
        let allowed = |id: &str| {
            rules
                .allow
                .iter()
                .chain(extra.iter().copied())
                .any(|known| known == id)
        };
        match linked.licence.map(|text| (text, satisfied(text, &allowed))) {
            Some((_, Ok(true))) => {}
            Some((text, Ok(false))) => problems.push(format!("{}: '{text}' is not allowed", linked.name)),
            Some((text, Err(why))) => {
                problems.push(format!("{}: '{text}' can't be read: {why}", linked.name))
            }
            None => problems.push(format!("{} names no licence", linked.name)),
        }
    }
    problems
}

fn banned(crates: &[Linked], rules: &Bans) -> Vec<String> {
    let hits = rules
        .deny
        .iter()
        .filter(|ban| crates.iter().any(|linked| linked.name == ban.name));
    hits.map(|ban| format!("{} is banned: {}", ban.name, ban.reason))
        .collect()
}

fn foreign(crates: &[Linked]) -> Vec<String> {
    let known = |source: &str| source.starts_with("registry+") || source.starts_with("sparse+");
    let strangers = crates
        .iter()
        .filter(|linked| linked.source.is_some_and(|source| !known(source)));
    strangers
        .map(|linked| format!("{} does not come from a registry", linked.name))
        .collect()
}

/// Whether the allowed licences satisfy an SPDX expression (version 3.0, annex on licence
/// expressions: AND binds tighter than OR). The old `/` is read as OR, as cargo did.
fn satisfied(expression: &str, allowed: &dyn Fn(&str) -> bool) -> Result<bool, String> {
    let spaced = expression
        .replace('(', " ( ")
        .replace(')', " ) ")
        .replace('/', " OR ");
    let mut words = Words {
        list: spaced.split_whitespace().collect(),
        at: 0,
        allowed,
    };
    let answer = words.any()?;
    match words.next() {
        Some(word) => Err(format!("'{word}' is left over")),
        None => Ok(answer),
    }
}

struct Words<'a> {
    list: Vec<&'a str>,
    at: usize,
    allowed: &'a dyn Fn(&str) -> bool,
}

impl<'a> Words<'a> {
    fn next(&mut self) -> Option<&'a str> {
        let word = self.list.get(self.at).copied();
        self.at += 1;
        word
    }

    fn take(&mut self, expected: &str) -> bool {
        let found = self.list.get(self.at).is_some_and(|word| *word == expected);
        self.at += usize::from(found);
        found
    }

    fn any(&mut self) -> Result<bool, String> {
        let mut answer = self.all()?;
        while self.take("OR") {
            answer |= self.all()?;
        }
        Ok(answer)
    }

    fn all(&mut self) -> Result<bool, String> {
        let mut answer = self.one()?;
        while self.take("AND") {
            answer &= self.one()?;
        }
        Ok(answer)
    }

    fn one(&mut self) -> Result<bool, String> {
        if self.take("(") {
            let answer = self.any()?;
            return if self.take(")") {
                Ok(answer)
            } else {
                Err("a bracket stays open".to_owned())
            };
        }
        let licence = match self.next() {
            None | Some("AND" | "OR" | "WITH" | ")") => return Err("a licence is missing".to_owned()),
            Some(licence) => licence,
        };
        if self.take("WITH") {
            let exception = self.next().ok_or("an exception is missing")?;
            return Ok((self.allowed)(&format!("{licence} WITH {exception}")));
        }
        Ok((self.allowed)(licence))
    }
}

#[test]
fn everything_linked_in_is_allowed() {
    let text = std::fs::read_to_string(root().join("deny.toml")).expect("deny.toml is there");
    let rules: Rules = toml::from_str(&text).expect("deny.toml has the lists of this check");
    let crates = linked();
    assert!(crates.len() > 20, "only {} crates seen", crates.len());
    let mut problems = unlicensed(&crates, &rules.licenses);
    problems.extend(banned(&crates, &rules.bans));
    problems.extend(foreign(&crates));
    none(problems);
}

/// The workspace's crates and everything they need outside tests, on this platform.
fn linked() -> Vec<Linked<'static>> {
    let metadata = metadata();
    let resolve = metadata.resolve.as_ref().expect("cargo metadata resolves");
    let nodes: BTreeMap<&PackageId, _> = resolve.nodes.iter().map(|node| (&node.id, node)).collect();
    let mut waiting: Vec<&PackageId> = metadata.workspace_members.iter().collect();
    let mut seen: BTreeSet<&PackageId> = waiting.iter().copied().collect();
    while let Some(id) = waiting.pop() {
        for dependency in &nodes[id].deps {
            let shipped = dependency
                .dep_kinds
                .iter()
                .any(|info| info.kind != DependencyKind::Development);
            if shipped && seen.insert(&dependency.pkg) {
                waiting.push(&dependency.pkg);
            }
        }
    }
    let packages = metadata
        .packages
        .iter()
        .filter(|package| seen.contains(&package.id));
    packages
        .map(|package| Linked {
            name: &package.name,
            licence: package.license.as_deref(),
            source: package.source.as_ref().map(|source| source.repr.as_str()),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(expression: &str) -> Result<bool, String> {
        satisfied(expression, &|id| {
            ["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"].contains(&id)
        })
    }

    #[test]
    fn expressions_are_judged() {
        for good in [
            "MIT",
            "GPL-3.0 OR MIT",
            "MIT/GPL-3.0",
            "MIT AND ISC",
            "Apache-2.0 WITH LLVM-exception",
        ] {
            assert_eq!(check(good), Ok(true), "{good}");
        }
        for bad in [
            "GPL-3.0",
            "MIT AND GPL-3.0",
            "(MIT OR ISC) AND GPL-3.0",
            "Apache-2.0",
            "MIT WITH LLVM-exception",
        ] {
            assert_eq!(check(bad), Ok(false), "{bad}");
        }
        assert_eq!(check("MIT OR ISC AND GPL-3.0"), Ok(true), "AND binds tighter");
        for unreadable in [
            "", "MIT AND", "OR MIT", "(MIT", "MIT)", "MIT ISC", "MIT WITH", "()",
        ] {
            assert!(check(unreadable).is_err(), "{unreadable:?}");
        }
    }

    #[test]
    fn a_crate_that_may_not_be_linked_is_found() {
        let linked = |name, licence, source| {
            [Linked {
                name,
                licence,
                source,
            }]
        };
        let rules = Licences {
            allow: vec!["MIT".to_owned()],
            exceptions: vec![Exception {
                name: "roots".to_owned(),
                allow: vec!["CDLA-Permissive-2.0".to_owned()],
            }],
        };
        assert!(unlicensed(&linked("a", Some("MIT"), None), &rules).is_empty());
        assert!(unlicensed(&linked("roots", Some("CDLA-Permissive-2.0"), None), &rules).is_empty());
        assert_eq!(
            unlicensed(&linked("a", Some("CDLA-Permissive-2.0"), None), &rules).len(),
            1
        );
        assert_eq!(unlicensed(&linked("a", Some("GPL-3.0"), None), &rules).len(), 1);
        assert_eq!(unlicensed(&linked("a", Some("MIT AND"), None), &rules).len(), 1);
        assert_eq!(unlicensed(&linked("a", None, None), &rules).len(), 1);

        let bans = Bans {
            deny: vec![Ban {
                name: "openssl-sys".to_owned(),
                reason: "no C".to_owned(),
            }],
        };
        assert_eq!(
            banned(&linked("openssl-sys", None, None), &bans),
            ["openssl-sys is banned: no C"]
        );
        assert!(banned(&linked("rustls", None, None), &bans).is_empty());
        assert!(foreign(&linked("a", None, Some("registry+https://example.com"))).is_empty());
        assert_eq!(
            foreign(&linked("a", None, Some("git+https://example.com/a"))).len(),
            1
        );
    }
}
