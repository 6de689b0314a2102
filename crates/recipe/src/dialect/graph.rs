//! The order of a workflow's graph: nodes run one after the other, so the ways between them must form
//! one line, or say no more than what comes before what.

use std::collections::{BTreeMap, BTreeSet};

use super::Older;
use super::build::{first, many, scalar};
use crate::reader::snake_case;
use crate::yaml::{Data, Node};

/// Keys of a node that say what comes after it.
const NEXT: &[&str] = &["next", "then", "goto"];
/// Keys of a node that say what comes before it.
const NEEDS: &[&str] = &["depends_on", "needs"];
/// Ends that are no nodes.
const ENDS: &[&str] = &["end", "done", "stop", "exit", "finish"];

/// A way from one node to another, by their places in the text.
struct Way<'n> {
    from: usize,
    /// `None` for the end.
    to: Option<usize>,
    /// Where it is written.
    at: &'n Node,
}

/// What a graph says of its order.
#[derive(Default)]
struct Ways<'n> {
    /// What follows what directly.
    next: Vec<Way<'n>>,
    /// What must be over before something begins.
    needs: Vec<Way<'n>>,
}

/// Whether a node only marks the end.
pub(super) fn is_end(node: &Node) -> bool {
    first(node, &["terminal", "end"]).is_some_and(|flag| !matches!(flag.value.data, Data::Bool(false)))
}

impl Older<'_, '_, '_> {
    /// The nodes that run, in the order of the ways between them; in that of the text where there are
    /// none. Ways that give no order are errors at their place.
    pub(super) fn in_order<'n>(&mut self, root: &'n Node, nodes: &'n [Node]) -> Vec<&'n Node> {
        let running: Vec<&Node> = nodes.iter().filter(|node| !is_end(node)).collect();
        let Some(ways) = self.ways(root, nodes, &running) else {
            return running;
        };
        let Some(order) = self.line(&ways.next, running.len()) else {
            return running;
        };
        let Some(order) = self.before(order, &ways, running.len()) else {
            return running;
        };
        order.into_iter().map(|at| running[at]).collect()
    }

    /// Every way that is written; `None` if one can't be read.
    fn ways<'n>(&mut self, root: &'n Node, nodes: &'n [Node], running: &[&'n Node]) -> Option<Ways<'n>> {
        let names = names(nodes, running);
        let (mut ways, mut whole) = (Ways::default(), true);
        for (from, node) in running.iter().enumerate() {
            for entry in NEXT.iter().filter_map(|key| first(node, &[key])) {
                for at in many(&entry.value) {
                    match self.node_called(at, &names) {
                        Some(to) => ways.next.push(Way { from, to, at }),
                        None => whole = false,
                    }
                }
            }
            for entry in NEEDS.iter().filter_map(|key| first(node, &[key])) {
                for at in many(&entry.value) {
                    match self.node_called(at, &names) {
                        Some(Some(before)) => ways.needs.push(Way {
                            from: before,
                            to: Some(from),
                            at,
                        }),
                        Some(None) => {}
                        None => whole = false,
                    }
                }
            }
        }
        let graph = first(root, &["graph"]).map_or(root, |graph| &graph.value);
        let edges = first(graph, &["edges"]).or_else(|| first(root, &["edges"]));
        for at in edges.map(|edges| many(&edges.value)).unwrap_or_default() {
            match self.edge(at, &names) {
                Some((Some(from), to)) => ways.next.push(Way { from, to, at }),
                Some((None, _)) => {}
                None => whole = false,
            }
        }
        whole.then_some(ways)
    }

    /// An edge: `{from: a, to: b}` or `[a, b]`. One with a condition of its own can't be followed.
    fn edge(
        &mut self,
        at: &Node,
        names: &BTreeMap<String, Option<usize>>,
    ) -> Option<(Option<usize>, Option<usize>)> {
        const FROM: &[&str] = &["from", "source"];
        const TO: &[&str] = &["to", "target"];
        let ends = match &at.data {
            Data::Map(entries) => {
                let known = |key: &str| FROM.contains(&key) || TO.contains(&key) || key == "id";
                let whole = entries.iter().all(|entry| known(&entry.key));
                let ends = (first(at, FROM), first(at, TO));
                match ends {
                    (Some(from), Some(to)) if whole => Some((&from.value, &to.value)),
                    _ => None,
                }
            }
            Data::List(items) => match items.as_slice() {
                [from, to] => Some((from, to)),
                _ => None,
            },
            _ => None,
        };
        let Some((from, to)) = ends else {
            self.wrong(
                "wrong_value",
                at,
                "an edge says from which node to which, and no more",
            );
            return None;
        };
        Some((self.node_called(from, names)?, self.node_called(to, names)?))
    }

    /// The node of this name, `Some(None)` for the end.
    fn node_called(&mut self, at: &Node, names: &BTreeMap<String, Option<usize>>) -> Option<Option<usize>> {
        let Some(name) = scalar(at) else {
            let message = "this way through the graph can't be followed: it must name a node";
            self.wrong("wrong_value", at, message);
            return None;
        };
        let name = snake_case(&name);
        match names.get(&name) {
            Some(found) => Some(*found),
            None if ENDS.contains(&name.as_str()) => Some(None),
            None => {
                self.wrong(
                    "wrong_value",
                    at,
                    format!("there is no node '{name}' in this graph"),
                );
                None
            }
        }
    }

    /// The order in which each node is followed by what it names; that of the text if nothing speaks
    /// against it.
    fn line(&mut self, ways: &[Way<'_>], count: usize) -> Option<Vec<usize>> {
        let text = || (0..count).collect();
        let following = |way: &Way<'_>| (way.from + 1 < count).then_some(way.from + 1);
        let Some(other) = ways.iter().find(|way| way.to != following(way)) else {
            return Some(text());
        };
        let (mut after, mut before) = (BTreeMap::new(), BTreeSet::new());
        for way in ways {
            let twice = after
                .insert(way.from, way.to)
                .is_some_and(|known| known != way.to);
            let joined = way.to.is_some_and(|to| !before.insert(to));
            if twice || joined {
                return self.no_line(way.at);
            }
        }
        let mut order = Vec::new();
        let mut at = (0..count).find(|node| !before.contains(node));
        while let Some(node) = at.filter(|_| order.len() < count) {
            order.push(node);
            at = after.get(&node).copied().flatten();
        }
        let once: BTreeSet<usize> = order.iter().copied().collect();
        if once.len() == count {
            Some(order)
        } else {
            self.no_line(other.at)
        }
    }

    fn no_line(&mut self, at: &Node) -> Option<Vec<usize>> {
        let message = "the ways between the nodes of this graph aren't one line through all of them: nodes \
                       run one after the other here";
        self.wrong("wrong_value", at, message);
        self.findings
            .suggest("give each node one next node, or put what runs side by side under 'branches'");
        None
    }

    /// The order with everything after what it needs. Only an order that nothing else gave is changed.
    fn before(&mut self, order: Vec<usize>, ways: &Ways<'_>, count: usize) -> Option<Vec<usize>> {
        if ways.next.is_empty() {
            let mut sorted: Vec<usize> = Vec::new();
            while sorted.len() < count {
                let ready = |node: &usize| {
                    let open = |way: &Way<'_>| way.to == Some(*node) && !sorted.contains(&way.from);
                    !sorted.contains(node) && !ways.needs.iter().any(open)
                };
                match (0..count).find(ready) {
                    Some(node) => sorted.push(node),
                    None => break,
                }
            }
            if sorted.len() == count {
                return Some(sorted);
            }
            let stuck = ways.needs.iter().find(|way| !sorted.contains(&way.from));
            let at = stuck.map(|way| way.at)?;
            self.wrong("wrong_value", at, "these nodes wait for one another");
            return None;
        }
        let place = |node: usize| order.iter().position(|one| *one == node);
        let broken = ways
            .needs
            .iter()
            .find(|way| way.to.is_some_and(|to| place(way.from) >= place(to)));
        match broken {
            None => Some(order),
            Some(way) => {
                let message = "this node needs one that comes after it";
                self.wrong("wrong_value", way.at, message);
                None
            }
        }
    }
}

/// Nodes by their names, as their places among those that run; `None` for one that marks the end.
fn names(nodes: &[Node], running: &[&Node]) -> BTreeMap<String, Option<usize>> {
    let mut names = BTreeMap::new();
    for node in nodes {
        let id = first(node, super::step::ID).and_then(|id| scalar(&id.value));
        if let Some(id) = id {
            let place = running.iter().position(|one| std::ptr::eq(*one, node));
            names.insert(snake_case(&id), place);
        }
    }
    names
}
