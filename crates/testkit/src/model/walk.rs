//! Following a plan by the rules of the recipe language and the ledger's script alone: what must have
//! happened, what may have, and what is taken back.

use std::collections::{BTreeMap, BTreeSet};

use crate::evidence::CallClaim;
use crate::ledger::{Operation, Script};
use crate::plan::{Call, Node, OnError, Plan, token};

/// How going forward through steps ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// All done.
    Done,
    /// One failed.
    Failed,
    /// One waits for a person, because nobody knows what it did.
    Blocked,
}

/// What going forward through steps comes to.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Walked {
    pub(super) fate: Fate,
    /// Calls that must have taken place.
    pub(super) must: BTreeMap<String, Operation>,
    /// Calls that may have: beside a failed branch, or of unknown outcome.
    pub(super) may: BTreeMap<String, Operation>,
    /// Tokens of calls and of the calls that take them back.
    pub(super) undo: Vec<(String, String, Operation)>,
    /// Child runs that must exist.
    pub(super) children: BTreeSet<String>,
    /// Child runs that may exist.
    pub(super) other_children: BTreeSet<String>,
    /// Child runs that end well, and so are taken back if this run fails.
    pub(super) undoable_children: BTreeSet<String>,
}

/// What following a plan looks up.
pub(super) struct Guide<'a> {
    pub(super) script: Script,
    pub(super) plans: &'a [Plan],
    /// What the journals say, by token; the model takes from them only which calls are uncertain
    /// now, and says itself which may be.
    pub(super) claims: BTreeMap<&'a str, &'a CallClaim>,
}

impl Walked {
    fn ends(fate: Fate) -> Self {
        Self {
            fate,
            must: BTreeMap::new(),
            may: BTreeMap::new(),
            undo: Vec::new(),
            children: BTreeSet::new(),
            other_children: BTreeSet::new(),
            undoable_children: BTreeSet::new(),
        }
    }

    fn add(&mut self, other: Walked) -> Fate {
        self.fate = other.fate;
        self.must.extend(other.must);
        self.may.extend(other.may);
        self.undo.extend(other.undo);
        self.children.extend(other.children);
        self.other_children.extend(other.other_children);
        self.undoable_children.extend(other.undoable_children);
        self.fate
    }

    /// The same where it isn't said how far it got.
    pub(super) fn perhaps(mut self) -> Self {
        self.may.append(&mut self.must);
        self.other_children.append(&mut self.children);
        self
    }
}

impl Guide<'_> {
    /// Follows a run's forward part.
    pub(super) fn run(&self, plan: &Plan, base: &str) -> Walked {
        let mut whole = Walked::ends(Fate::Done);
        for nodes in &plan.phases {
            if whole.add(self.block(nodes, base)) != Fate::Done {
                break;
            }
        }
        whole
    }

    fn block(&self, nodes: &[Node], base: &str) -> Walked {
        let mut whole = Walked::ends(Fate::Done);
        for node in nodes {
            if whole.add(self.node(node, base)) != Fate::Done {
                break;
            }
        }
        whole
    }

    fn node(&self, node: &Node, base: &str) -> Walked {
        match node {
            Node::Call(call) => self.call(call, base, None),
            Node::Each { call, items } => {
                let mut whole = Walked::ends(Fate::Done);
                for item in 0..*items {
                    if whole.add(self.call(call, base, Some(item))) != Fate::Done {
                        break;
                    }
                }
                whole
            }
            Node::Gate { read, then } => {
                let mut whole = self.call(read, base, None);
                let open = self.script.value(&token(base, &read.id, None)) >= 5;
                if whole.fate == Fate::Done && open {
                    whole.add(self.call(then, base, None));
                }
                whole
            }
            Node::Poll { read, .. } => self.call(read, base, None),
            Node::Parallel { branches, most, .. } => self.parallel(branches, *most, base),
            Node::Child { id, plan } => self.child(&token(base, id, None), &self.plans[*plan]),
            Node::Wait { .. } => Walked::ends(Fate::Done),
        }
    }

    fn call(&self, call: &Call, base: &str, item: Option<u32>) -> Walked {
        let own = token(base, &call.id, item);
        if self.claims.get(own.as_str()).is_some_and(|claim| claim.open) {
            let mut walked = Walked::ends(Fate::Blocked);
            walked.may.insert(own, call.operation);
            return walked;
        }
        if !self.script.refused(&own) {
            let mut walked = Walked::ends(Fate::Done);
            if let Some(undo) = &call.undo {
                let undo = (own.clone(), token(base, &undo.id, item), undo.operation);
                walked.undo.push(undo);
            }
            walked.must.insert(own, call.operation);
            return walked;
        }
        match &call.on_error {
            OnError::Fail => Walked::ends(Fate::Failed),
            OnError::Continue => Walked::ends(Fate::Done),
            OnError::Steps(steps) => {
                let mut whole = Walked::ends(Fate::Done);
                for call in steps {
                    if whole.add(self.call(call, base, item)) != Fate::Done {
                        break;
                    }
                }
                whole
            }
        }
    }

    /// The first branch that fails keeps the others from beginning anything new; which is first
    /// isn't said, so of two that would fail neither is certain.
    fn parallel(&self, branches: &[Vec<Node>], most: Option<u32>, base: &str) -> Walked {
        let walked: Vec<Walked> = branches.iter().map(|nodes| self.block(nodes, base)).collect();
        let count = |fate| walked.iter().filter(|branch| branch.fate == fate).count();
        let (failed, blocked) = (count(Fate::Failed), count(Fate::Blocked));
        let fate = match (failed, blocked) {
            (0, 0) => Fate::Done,
            (_, 0) => Fate::Failed,
            _ => Fate::Blocked,
        };
        let mut whole = Walked::ends(fate);
        for branch in walked {
            let certain = match branch.fate {
                // A branch that waits for a person holds its place, so others may never begin.
                _ if blocked > 0 && most.is_some() => false,
                Fate::Failed => failed == 1,
                _ => failed == 0,
            };
            whole.add(if certain { branch } else { branch.perhaps() });
        }
        whole.fate = fate;
        whole
    }

    fn child(&self, base: &str, plan: &Plan) -> Walked {
        let inner = self.run(plan, base);
        let mut walked = Walked::ends(inner.fate);
        walked.children.insert(base.to_owned());
        if inner.fate == Fate::Done {
            walked.undoable_children.insert(base.to_owned());
        }
        walked
    }
}
