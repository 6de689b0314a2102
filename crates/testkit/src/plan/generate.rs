//! Seeded recipes: sequences, loops, branches, gates, polls, child runs, waits, undo and rollback.

use super::{Call, Node, OnError, Plan};
use crate::dice::Dice;
use crate::ledger::Operation;

/// How many recipes there are; the first ones have no children and serve as such.
const PLANS: usize = 24;
const CHILDREN: usize = 5;

/// Kinds of writes that never wait for a person, for steps that must end by themselves.
const SURE: [Operation; 4] = [
    Operation::Keyed,
    Operation::Idempotent,
    Operation::Marked,
    Operation::Probed,
];

/// The recipes of a seed.
pub fn plans(seed: u64) -> Vec<Plan> {
    (0..PLANS)
        .map(|index| {
            let mut maker = Maker {
                dice: Dice::new(seed, &["plan", &index.to_string()]),
                next: 0,
                children: index >= CHILDREN,
            };
            maker.plan(format!("chaos-{index}"))
        })
        .collect()
}

/// Recipes for crash tests: fixed, every kind of step and of operation once, a child and an undo.
pub fn workload() -> Vec<Plan> {
    let call = |id: &str, operation| Call {
        id: id.to_owned(),
        operation,
        on_error: OnError::Fail,
        undo: None,
    };
    let child = Plan {
        slug: "crash-child".to_owned(),
        phases: [
            vec![Node::Call(call("c1", Operation::Read))],
            vec![Node::Call(call("c2", Operation::Marked))],
            vec![Node::Call(call("c3", Operation::Keyed))],
        ],
        rollback: None,
    };
    let each = Node::Each {
        call: call("p3", Operation::Marked),
        items: 2,
    };
    let parent = Plan {
        slug: "crash-parent".to_owned(),
        phases: [
            vec![Node::Call(call("p1", Operation::Keyed))],
            vec![
                Node::Parallel {
                    id: "p2".to_owned(),
                    branches: vec![
                        vec![each],
                        vec![
                            Node::Call(call("p4", Operation::Probed)),
                            Node::Call(call("p5", Operation::Idempotent)),
                        ],
                    ],
                    most: None,
                },
                Node::Child {
                    id: "p6".to_owned(),
                    plan: 0,
                },
            ],
            vec![
                Node::Wait {
                    id: "p7".to_owned(),
                    millis: 40,
                },
                Node::Call(call("p8", Operation::Unkeyed)),
            ],
        ],
        rollback: None,
    };
    vec![child, parent]
}

struct Maker {
    dice: Dice,
    next: u32,
    children: bool,
}

impl Maker {
    fn plan(&mut self, slug: String) -> Plan {
        let most = if self.children { 5 } else { 2 };
        let mut phases: [Vec<Node>; 3] = Default::default();
        for phase in &mut phases {
            let count = self.dice.between(1, most);
            *phase = (0..count).map(|_| self.node(0)).collect();
        }
        let rollback = self.dice.chance(40).then(|| self.sure());
        Plan {
            slug,
            phases,
            rollback,
        }
    }

    fn id(&mut self) -> String {
        self.next += 1;
        format!("n{}", self.next)
    }

    fn node(&mut self, depth: u32) -> Node {
        match self.dice.between(0, 99) {
            0..=49 => Node::Call(self.call()),
            50..=59 => Node::Each {
                call: self.call(),
                items: u32::try_from(self.dice.between(0, 3)).unwrap_or(1),
            },
            60..=66 => Node::Gate {
                read: self.plain(Operation::Read),
                then: self.call(),
            },
            67..=71 => Node::Poll {
                read: self.plain(Operation::Read),
                seen: u32::try_from(self.dice.between(1, 3)).unwrap_or(1),
            },
            72..=84 if depth < 2 => {
                let branches = self.dice.between(2, 3);
                let branches = (0..branches)
                    .map(|_| {
                        let steps = self.dice.between(1, 3);
                        (0..steps).map(|_| self.node(depth + 1)).collect()
                    })
                    .collect();
                Node::Parallel {
                    id: self.id(),
                    branches,
                    most: self.dice.chance(30).then_some(1),
                }
            }
            85..=91 if self.children => {
                let plan = self.dice.between(0, CHILDREN as u64 - 1);
                Node::Child {
                    id: self.id(),
                    plan: usize::try_from(plan).unwrap_or(0),
                }
            }
            _ => Node::Wait {
                id: self.id(),
                millis: self.dice.between(1, 400),
            },
        }
    }

    fn call(&mut self) -> Call {
        let operation = match self.dice.between(0, 99) {
            0..=24 => Operation::Keyed,
            25..=44 => Operation::Marked,
            45..=59 => Operation::Idempotent,
            60..=74 => Operation::Probed,
            75..=89 => Operation::Unkeyed,
            _ => Operation::Read,
        };
        let mut call = self.plain(operation);
        if operation != Operation::Read && self.dice.chance(30) {
            call.undo = Some(Box::new(self.sure()));
        }
        call.on_error = match self.dice.between(0, 9) {
            0 | 1 => OnError::Continue,
            2 => OnError::Steps(vec![self.sure()]),
            _ => OnError::Fail,
        };
        call
    }

    fn sure(&mut self) -> Call {
        let operation = self.dice.pick(&SURE);
        self.plain(operation)
    }

    fn plain(&mut self, operation: Operation) -> Call {
        Call {
            id: self.id(),
            operation,
            on_error: OnError::Fail,
            undo: None,
        }
    }
}
