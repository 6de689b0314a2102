//! Which crate may depend on which: the code map of `ARCHITECTURE.md` as a check.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use cargo_metadata::DependencyKind;

use crate::{metadata, none};

/// Every crate there is room for; normal dependencies point to an earlier one only.
pub const CODE_MAP: &[&str] = &[
    "types",
    "stats",
    "recipe",
    "governance",
    "engine",
    "ports",
    "store",
    "models",
    "tools",
    "sandbox",
    "knowledge",
    "agents",
    "mlops",
    "gateway",
    "evals",
    "runtime",
    "services",
    "api",
    "testkit",
    "agentops",
];

/// Who alone may name a crate in its normal dependencies. The first three are concrete
/// implementations, which only the composition root knows; SQL stays in `store`; `testkit` serves
/// `chaos` and `bench` (docs/adr/0004).
const ONLY: &[(&str, &[&str])] = &[
    ("store", &["testkit", "agentops"]),
    ("tools", &["testkit", "agentops"]),
    ("sandbox", &["testkit", "agentops"]),
    ("testkit", &["agentops"]),
    ("rusqlite", &["store"]),
    ("refinery", &["store"]),
    ("tokio-postgres", &["store"]),
    ("deadpool-postgres", &["store"]),
];

/// What a crate must not reach, however many crates lie between.
const NEVER: &[(&[&str], &[&str])] = &[
    (
        &["types", "stats", "recipe", "governance", "engine"],
        &["tokio", "rusqlite", "tokio-postgres", "reqwest", "axum", "hyper"],
    ),
    (&["services", "api"], &["rusqlite", "tokio-postgres"]),
    (&["services"], &["reqwest", "axum", "hyper"]),
];

/// Normal and build dependencies by crate name.
type Edges = BTreeMap<String, BTreeSet<String>>;

fn downward(members: &[&str], edges: &Edges) -> Vec<String> {
    let place = |name: &str| CODE_MAP.iter().position(|known| *known == name);
    let mut problems = Vec::new();
    for member in members {
        let Some(at) = place(member) else {
            problems.push(format!(
                "{member} is not in the code map: give it a place and a reason"
            ));
            continue;
        };
        for target in edges.get(*member).into_iter().flatten() {
            let inside = members.contains(&target.as_str());
            if inside && place(target).is_some_and(|to| to >= at) {
                problems.push(format!(
                    "{member} depends on {target}, which is below it in the code map"
                ));
            }
        }
    }
    problems
}

fn reserved(members: &[&str], edges: &Edges) -> Vec<String> {
    let mut problems = Vec::new();
    for (target, allowed) in ONLY {
        for member in members.iter().filter(|member| !allowed.contains(member)) {
            if edges
                .get(*member)
                .is_some_and(|targets| targets.contains(*target))
            {
                problems.push(format!(
                    "{member} depends on {target}; only {} may",
                    allowed.join(", ")
                ));
            }
        }
    }
    problems
}

fn reached(members: &[&str], edges: &Edges) -> Vec<String> {
    let mut problems = Vec::new();
    for (crates, forbidden) in NEVER {
        for member in crates.iter().filter(|name| members.contains(name)) {
            for target in *forbidden {
                if let Some(path) = path(member, target, edges) {
                    problems.push(format!(
                        "{member} must never reach {target}: {}",
                        path.join(" → ")
                    ));
                }
            }
        }
    }
    problems
}

/// The shortest chain of dependencies between two crates.
fn path<'a>(from: &'a str, to: &str, edges: &'a Edges) -> Option<Vec<&'a str>> {
    let mut seen = BTreeSet::from([from]);
    let mut waiting = VecDeque::from([vec![from]]);
    while let Some(path) = waiting.pop_front() {
        let end = *path.last()?;
        if end == to {
            return Some(path);
        }
        for next in edges.get(end).into_iter().flatten() {
            if seen.insert(next) {
                waiting.push_back([path.as_slice(), &[next.as_str()]].concat());
            }
        }
    }
    None
}

#[test]
fn dependencies_follow_the_code_map() {
    let (members, edges) = workspace();
    let members: Vec<&str> = members.iter().map(String::as_str).collect();
    none(
        [downward, reserved, reached]
            .iter()
            .flat_map(|check| check(&members, &edges))
            .collect(),
    );
}

fn workspace() -> (Vec<String>, Edges) {
    let metadata = metadata();
    let names: BTreeMap<_, _> = metadata
        .packages
        .iter()
        .map(|package| (&package.id, package.name.to_string()))
        .collect();
    let resolve = metadata.resolve.as_ref().expect("cargo metadata resolves");
    let mut edges = Edges::new();
    for node in &resolve.nodes {
        let targets = edges.entry(names[&node.id].clone()).or_default();
        for dependency in &node.deps {
            if dependency
                .dep_kinds
                .iter()
                .any(|info| info.kind != DependencyKind::Development)
            {
                targets.insert(names[&dependency.pkg].clone());
            }
        }
    }
    let members = metadata
        .workspace_members
        .iter()
        .map(|id| names[id].clone())
        .collect();
    (members, edges)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEMBERS: &[&str] = &["types", "engine", "store", "runtime", "testkit", "agentops"];

    fn edges(pairs: &[(&str, &str)]) -> Edges {
        let mut edges = Edges::new();
        for (from, to) in pairs {
            edges
                .entry((*from).to_owned())
                .or_default()
                .insert((*to).to_owned());
        }
        edges
    }

    #[test]
    fn an_edge_down_the_map_is_found() {
        assert!(downward(MEMBERS, &edges(&[("engine", "types"), ("engine", "serde")])).is_empty());
        assert_eq!(downward(MEMBERS, &edges(&[("types", "engine")])).len(), 1);
        assert_eq!(downward(MEMBERS, &edges(&[("runtime", "testkit")])).len(), 1);
        assert_eq!(downward(&["misc"], &edges(&[])).len(), 1);
    }

    #[test]
    fn a_reserved_crate_is_named_by_its_owners_only() {
        assert!(reserved(MEMBERS, &edges(&[("agentops", "store"), ("store", "rusqlite")])).is_empty());
        // The same edge inside other people's crates is their own business.
        assert!(reserved(MEMBERS, &edges(&[("refinery-core", "rusqlite")])).is_empty());
        assert_eq!(reserved(MEMBERS, &edges(&[("runtime", "store")])).len(), 1);
        assert_eq!(reserved(MEMBERS, &edges(&[("testkit", "rusqlite")])).len(), 1);
    }

    #[test]
    fn a_forbidden_crate_is_found_behind_others() {
        let far = edges(&[
            ("engine", "types"),
            ("types", "innocent"),
            ("innocent", "tokio"),
            ("tokio", "innocent"),
        ]);
        assert_eq!(
            reached(MEMBERS, &far),
            [
                "types must never reach tokio: types → innocent → tokio",
                "engine must never reach tokio: engine → types → innocent → tokio",
            ]
        );
        assert!(reached(MEMBERS, &edges(&[("runtime", "tokio")])).is_empty());
    }
}
